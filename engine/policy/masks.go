package policy

import (
	"sluice/internal/definition"
	"sluice/internal/record"
)

// Masks returns the MASK rules that concern the viewer on the form: none means
// that Masked is empty for every record. Read only.
func (v *View) Masks(form uint32) []*definition.CustomRule {
	if fv := v.formOf(form); fv != nil {
		return fv.maskRules
	}
	return nil
}

// MayMask returns the union of the fields that those rules may hide.
func (v *View) MayMask(form uint32) record.FieldSet {
	if fv := v.formOf(form); fv != nil {
		return fv.mayMask
	}
	return record.FieldSet{}
}

// Masked returns the fields that MASK rules hide on this record: of each rule
// those that its outcome does not leave visible, all of them after a fault.
// Without a record it is MayMask.
func (v *View) Masked(form uint32, s Subject) record.FieldSet {
	fv := v.formOf(form)
	if fv == nil || len(fv.masks) == 0 {
		return record.FieldSet{}
	}
	if s == nil || s.Record().IsZero() {
		return fv.mayMask
	}
	var out record.FieldSet
	for _, c := range fv.masks {
		out = out.Union(c.hidden(s.Outcome(c.def)))
	}
	return out
}

// hidden returns the rule's fields less those left visible. The usual answers,
// everything or nothing, cost no allocation.
func (c *custom) hidden(o Outcome) record.FieldSet {
	left := 0
	for _, n := range c.numbers {
		if !o.Fault && o.Visible.Has(n) {
			left++
		}
	}
	switch left {
	case 0:
		return c.fields
	case len(c.numbers):
		return record.FieldSet{}
	}
	return c.fields.Minus(o.Visible)
}
