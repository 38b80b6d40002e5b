package rules

import (
	"crypto/sha256"
	"encoding/hex"

	"sluice/internal/identity"
	"sluice/internal/record"
)

// ABI is the one version of the interface between host and guest.
const ABI = 1

// Meter names the metering that a module is run with. It changes whenever the
// fuel that a module spends could change, and every hash with it.
const Meter = 1

// Hash names one immutable version of a rule: module, manifest, ABI and meter.
type Hash [sha256.Size]byte

// String returns the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// HashOf names the version that module is: its bytes, the manifest in them
// included, the ABI and the metering. It does not check the module.
func HashOf(module []byte) Hash {
	d := sha256.New()
	d.Write([]byte{'s', 'l', 'u', 'i', 'c', 'e', '.', 'r', 'u', 'l', 'e', 0, ABI, Meter})
	d.Write(module)
	return Hash(d.Sum(nil))
}

// Effect is what a rule does. The zero Effect is invalid.
type Effect uint8

// The effects.
const (
	NoEffect Effect = iota
	Share
	Restrict
	Mask
)

var effectNames = [...]string{"", "share", "restrict", "mask"}

// String returns the name that manifests use, empty for an invalid effect.
func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return ""
}

// FaultKind says what went wrong with one record. The zero FaultKind is none.
type FaultKind uint8

// The faults.
const (
	NoFault         FaultKind = iota
	FaultTrap                 // the guest trapped
	FaultFuel                 // the guest spent its fuel per call or record
	FaultAnswer               // an answer out of range, or a status other than 0
	FaultInput                // the record alone does not fit the batch
	FaultMissing              // no module is active, or it could not be loaded
	FaultImpure               // asked alone, the record got another answer
	FaultQuarantine           // the rule is quarantined
	FaultPlan                 // the rule's plan cannot be read, or leaves out what the module shares

	// FaultKinds is how many kinds there are, none included: the length of tables
	// by kind.
	FaultKinds = iota
)

var faultNames = [...]string{"none", "trap", "fuel", "answer", "input", "missing", "impure", "quarantine", "plan"}

// String returns the kind in one word, for logs and counters.
func (k FaultKind) String() string {
	if int(k) < len(faultNames) {
		return faultNames[k]
	}
	return "unknown"
}

// Verdict is the answer for one record. The zero Verdict grants nothing, lets
// nothing through and shows no maskable field.
type Verdict struct {
	Grant   uint8  // Share: 0 to 3. Restrict: 0 keep out, 1 let through
	Visible uint64 // Mask: bit i set shows Manifest.Mask[i]
	Reason  uint8
	Fault   FaultKind
}

// Batch asks one rule about records for one viewer. Values follow the order of
// the manifest's columns.
type Batch struct {
	Tenant identity.Tenant
	Rule   Hash
	Viewer []record.Value
	Rows   [][]record.Value // any number; the runner cuts them into calls
	// Beside says that nothing is decided by the answers. A runner takes only fuel for
	// them that the tenant can spare, and fails with kind Limit where that is none; it
	// neither reports what goes wrong nor puts the rule into quarantine for it.
	Beside bool
	// Sample chooses which of the rows a runner asks about again, alone, to see that
	// they get the same answer: any number that differs from question to question. What
	// a question costs depends on it.
	Sample uint64
}
