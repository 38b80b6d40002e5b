package rules

import (
	"fmt"
	"strings"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// Target is what a manifest is checked against: one custom rule of a
// definition and the form it stands on. Nothing in it may be nil.
type Target struct {
	Form   string
	Effect Effect
	Grant  uint8 // the most a Share may grant here
	// Record looks up a field of the form, system fields included. Viewer looks
	// up a declared viewer attribute.
	Record, Viewer func(name string) (record.Field, bool)
	// Maskable reports whether a Mask may hide that field here.
	Maskable func(name string) bool
}

// Check reports everything about m that does not fit t, in one error of kind
// Invalid: another form or effect, a grant above the cap, a field that does not
// exist or has another type or scale, a field to mask that may not be masked.
// It is asked at upload and again whenever the definition changes.
func Check(m *Manifest, t *Target) error {
	if err := m.Validate(); err != nil {
		return err
	}
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if m.Form != t.Form {
		say("form: %q, expected %q", m.Form, t.Form)
	}
	if m.Effect != t.Effect {
		say("effect: %s, expected %s", m.Effect, t.Effect)
	}
	if m.Grant > t.Grant {
		say("grant: %s, at most %q is allowed here", grantNames[m.Grant], grantNames[min(t.Grant, MaxGrant)])
	}
	compare("record", m.Record, t.Record, say)
	compare("viewer", m.Viewer, t.Viewer, say)
	for i, name := range m.Mask {
		if f, ok := t.Record(name); !ok || !maskable(f) || !t.Maskable(name) {
			say("mask[%d]: %q is not a field that this rule may hide", i, name)
		}
	}
	if len(bad) > 0 {
		return fault.New(fault.Invalid, "rules.Check", "manifest: %s", strings.Join(bad, "; "))
	}
	return nil
}

func compare(path string, columns []Column, lookup func(string) (record.Field, bool), say func(string, ...any)) {
	for i, c := range columns {
		f, ok := lookup(c.Name)
		switch {
		case !ok:
			say("%s[%d]: %q does not exist", path, i, c.Name)
		case f.Type != c.Type:
			say("%s[%d]: %q is of type %s, not %s", path, i, c.Name, f.Type, c.Type)
		case f.Type.Scaled() && f.Scale != c.Scale:
			say("%s[%d]: %q has scale %d, not %d", path, i, c.Name, f.Scale, c.Scale)
		}
	}
}

// maskable keeps the fields out that no rule may ever hide.
func maskable(f record.Field) bool {
	switch f.Number {
	case record.FieldID, record.FieldVersion, record.FieldAddedTime, record.FieldModifiedTime:
		return false
	}
	return true
}
