package rules

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// Limits of a manifest.
const (
	MaxManifest = 64 << 10 // bytes of JSON
	MaxColumns  = 64       // record fields, and as many viewer attributes
	MaxMask     = 64       // fields of a Mask: the bits of a verdict
	MaxReasons  = 255      // reasons: the values of a byte but 0
	MaxName     = 128      // bytes of a name
	MaxReason   = 200      // bytes of a reason
	MaxGrant    = 3        // delete
	maxScale    = 9
)

// Column is one declared input: a record field or a viewer attribute. Scale is
// that of a decimal, else 0.
type Column struct {
	Name  string
	Type  record.Type
	Scale uint8
}

// Manifest declares what a module reads and may answer. Treat it as read only
// once parsed.
type Manifest struct {
	ABI     int // 1
	Form    string
	Effect  Effect
	Record  []Column // ≤ 64
	Viewer  []Column // ≤ 64
	Grant   uint8    // the highest grant a Share gives: 1 view, 2 edit, 3 delete; else 0
	Mask    []string // the fields a Mask decides on, 1 to 64; bit i of a verdict is field i
	Reasons []string // ≤ 255; reason n of a verdict is Reasons[n-1]
	Profile Profile  // what the sandbox lets the module be
}

// Accept returns v if a rule of this manifest may answer it, and the zero
// verdict with [FaultAnswer] if it is out of range: a grant above the declared
// one, a bit without a field, a reason without a text, or an output that the
// effect does not have. A verdict that carries a fault keeps nothing else.
func (m *Manifest) Accept(v Verdict) Verdict {
	if v.Fault != NoFault {
		return Verdict{Fault: v.Fault}
	}
	if v.Grant > m.maxGrant() || v.Visible&^m.maskBits() != 0 || int(v.Reason) > len(m.Reasons) {
		return Verdict{Fault: FaultAnswer}
	}
	return v
}

func (m *Manifest) maxGrant() uint8 {
	switch m.Effect {
	case Share:
		return min(m.Grant, MaxGrant)
	case Restrict:
		return 1
	}
	return 0
}

func (m *Manifest) maskBits() uint64 {
	if m.Effect != Mask || len(m.Mask) > MaxMask {
		return 0
	}
	return ^(^uint64(0) << len(m.Mask))
}

// Validate reports the first thing that makes m no manifest, of kind Invalid.
func (m *Manifest) Validate() error {
	if m.ABI != ABI {
		return invalid("abi", "expected %d", ABI)
	}
	if err := checkName("form", m.Form); err != nil {
		return err
	}
	if m.Effect.String() == "" {
		return invalid("effect", "expected share, restrict or mask")
	}
	if m.Profile.String() == "" {
		return invalid("profile", "expected lean or go")
	}
	if err := checkColumns("record", m.Record); err != nil {
		return err
	}
	if err := checkColumns("viewer", m.Viewer); err != nil {
		return err
	}
	if err := m.checkOutputs(); err != nil {
		return err
	}
	return checkReasons(m.Reasons)
}

func (m *Manifest) checkOutputs() error {
	if share := m.Effect == Share; share != (m.Grant > 0) || m.Grant > MaxGrant {
		return invalid("grant", "expected view, edit or delete for a share rule, and nothing for others")
	}
	if (m.Effect == Mask) != (len(m.Mask) > 0) || len(m.Mask) > MaxMask {
		return invalid("mask", "expected 1 to %d fields for a mask rule, and nothing for others", MaxMask)
	}
	seen := map[string]bool{}
	for i, name := range m.Mask {
		path := fmt.Sprintf("mask[%d]", i)
		if err := checkName(path, name); err != nil {
			return err
		}
		if seen[name] {
			return invalid(path, "%q is named twice", name)
		}
		seen[name] = true
	}
	return nil
}

func checkColumns(path string, columns []Column) error {
	if len(columns) > MaxColumns {
		return invalid(path, "%d entries, at most %d", len(columns), MaxColumns)
	}
	seen := map[string]bool{}
	for i, c := range columns {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := checkName(at+".name", c.Name); err != nil {
			return err
		}
		if seen[c.Name] {
			return invalid(at+".name", "%q is named twice", c.Name)
		}
		seen[c.Name] = true
		if _, ok := record.ParseType(c.Type.String()); !ok {
			return invalid(at+".type", "expected a field type such as text, decimal or date-time")
		}
		if c.Type.Refs() {
			return invalid(at+".type", "lists of people or records are not passed to rules")
		}
		if c.Type.IsFile() {
			return invalid(at+".type", "files are not passed to rules")
		}
		if c.Scale > maxScale || c.Scale > 0 && !c.Type.Scaled() {
			return invalid(at+".scale", "expected 0 to %d, for decimals only", maxScale)
		}
	}
	return nil
}

func checkReasons(reasons []string) error {
	if len(reasons) > MaxReasons {
		return invalid("reasons", "%d entries, at most %d", len(reasons), MaxReasons)
	}
	for i, r := range reasons {
		if !printable(r, MaxReason) {
			return invalid(fmt.Sprintf("reasons[%d]", i), "expected 1 to %d bytes of printable text", MaxReason)
		}
	}
	return nil
}

func checkName(path, name string) error {
	if !printable(name, MaxName) {
		return invalid(path, "expected a name of 1 to %d bytes", MaxName)
	}
	return nil
}

func printable(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func invalid(path, format string, args ...any) error {
	return fault.New(fault.Invalid, "rules", "manifest: %s: %s", path, fmt.Sprintf(format, args...))
}
