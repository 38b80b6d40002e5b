package policy

import (
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// AskerKept holds the records that a RESTRICT rule lets through for the asker of
// a view within theirs, see [View.Within]: judged with what the rule says of the
// asker, not of the viewer.
type AskerKept struct{ Rule *definition.CustomRule }

func (*AskerKept) reach() {}

// Asked is a Subject of a view within another one: the outcomes of rules are
// known for both persons. A Subject that is none is denied by such a view.
type Asked interface {
	Subject
	// Asker returns the same record as a subject of the asker's view.
	Asker() Subject
}

// Within returns the rights of v's viewer as somebody may be shown them who looks
// through their eyes (P10): every reach is cut to the records that asker reaches
// for the same action, and nothing can be written. Shape and masks are v's own,
// as an asker sees every field of the definition and no mask concerns them.
//
// The asker must be somebody who has every right, an admin or a developer, in the
// same policy: a view within any other denies everything, and so does one within
// a view of that kind. It is immutable, safe for concurrent use, and shares what
// v works out.
func (v *View) Within(asker *View) *View {
	p := v.policy
	if asker == nil || asker.policy != p || asker.set != p.full || asker.asker != nil || v.asker != nil {
		return p.View(identity.Viewer{}, nil, nil)
	}
	return &View{
		policy: p, viewer: v.viewer, people: v.people, set: v.set, pos: v.pos, base: v.base, below: v.below,
		refused: v.refused, shape: v.shape, hides: v.hides, forms: v.forms, asker: asker,
	}
}

// Restricts returns the RESTRICT rules that concern the viewer on the form, on
// their own, whoever looks on. Read only.
func (v *View) Restricts(form uint32) []*definition.CustomRule {
	fv := v.formOf(form)
	if fv == nil || len(fv.restricts) == 0 {
		return nil
	}
	out := make([]*definition.CustomRule, len(fv.restricts))
	for i, c := range fv.restricts {
		out[i] = c.def
	}
	return out
}

// common cuts a reach of the viewer's own to what the asker reaches of the form.
func (v *View) common(form uint32, own Reach) Reach {
	if v.asker == nil || isNone(own) {
		return own
	}
	fv := v.asker.formOf(form)
	if fv == nil {
		return None{}
	}
	parts := []Reach{own}
	for _, c := range fv.restricts {
		parts = append(parts, &AskerKept{Rule: c.def})
	}
	return minus(intersect(parts...), hiddenReach(fv.hiding))
}

// askerMay reports whether the asker may take the action on the record too; true
// where nobody asks but the viewer.
func (v *View) askerMay(form uint32, a definition.Action, s Subject) bool {
	if v.asker == nil {
		return true
	}
	as := askerOf(s)
	return as != nil && v.asker.decide(form, a, as)
}

// askerHides reports whether somebody hides the record from the asker.
func (v *View) askerHides(form uint32, rec record.Record) bool {
	return v.asker != nil && v.asker.Hides(form, rec)
}

// askerThrough reports whether a RESTRICT rule lets the record through for the
// asker.
func (v *View) askerThrough(m *AskerKept, s Subject) bool {
	if m == nil || m.Rule == nil || v.asker == nil {
		return false
	}
	as := askerOf(s)
	return as != nil && v.asker.through(m.Rule, as)
}

// askerOf is the asker's subject of the same record, nil where there is none.
func askerOf(s Subject) Subject {
	if a, ok := s.(Asked); ok {
		return a.Asker()
	}
	return nil
}
