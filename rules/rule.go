// Package rules is the contract of a custom rule: its manifest, the batch it is
// asked about, the verdicts it gives, and the [Runner] that runs it. It knows
// neither storage nor WebAssembly: a runner is handed values and hands back
// verdicts.
package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"sluice/internal/identity"
	"sluice/internal/record"
)

// Hash names one immutable version of a rule: module, manifest, ABI and meter.
type Hash [sha256.Size]byte

// String returns the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Effect is what a rule does. The zero Effect is invalid.
type Effect uint8

// The effects.
const (
	NoEffect Effect = iota
	Share
	Restrict
	Mask
)

// Column is one declared input: a record field or a viewer attribute.
type Column struct {
	Name  string
	Type  record.Type
	Scale uint8
}

// Manifest declares what a module reads and may answer.
type Manifest struct {
	ABI     int // 1
	Form    string
	Effect  Effect
	Record  []Column // ≤ 64
	Viewer  []Column // ≤ 64
	Grant   uint8    // the highest grant a Share gives: 1 view, 2 edit, 3 delete
	Mask    []string // the fields a Mask decides on, ≤ 64; bit i of a verdict is field i
	Reasons []string // ≤ 255; reason n of a verdict is Reasons[n-1]
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
)

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
}

// Fuel is the budget of one query over all its batches. Not for concurrent use.
type Fuel struct{ Left int64 }

// QueryFuel is the budget that a query starts with.
const QueryFuel = 500_000_000

// Runner runs rules. Implementations are safe for concurrent use.
type Runner interface {
	// Load makes a checked module ready under its hash. Loading twice is fine.
	Load(ctx context.Context, tenant identity.Tenant, module []byte) (Hash, error)
	// Loaded reports whether Decide can run the rule without Load.
	Loaded(tenant identity.Tenant, h Hash) bool
	// Decide fills out[i] for b.Rows[i]; len(out) = len(b.Rows). What goes wrong
	// with a record is a Fault in its verdict and never an error. An error means
	// that the query must fail: fuel spent (kind Limit) or ctx ended. out is
	// then all zero.
	Decide(ctx context.Context, b *Batch, fuel *Fuel, out []Verdict) error
}
