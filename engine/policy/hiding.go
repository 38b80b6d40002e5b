package policy

import (
	"slices"

	"sluice/internal/identity"
	"sluice/internal/record"
)

// Hide is one hide filter: what an admin hides of their own records of a form
// from everybody else (G1). Form and Owner are required. There may be several
// of one owner on one form; a record that any of them matches is hidden.
type Hide struct {
	Form  uint32
	Owner record.ID
	// Criteria matches the records that are hidden. It is judged on true cells at
	// each read, has no VIEWER, and reads fields of the record itself. Nil, which
	// also stands for a filter that no longer compiles, hides every record of the
	// owner.
	Criteria *Criteria
	// Lapsed says that the owner is no active admin any more: the super admin
	// sees the records again, nobody else does, its author included (G2).
	Lapsed bool
}

// exempts reports whether the hide takes nothing from the viewer: its author,
// or once it has lapsed the super admin alone, so not an author who was demoted.
func (h *Hide) exempts(v identity.Viewer) bool {
	if h.Lapsed {
		return v.Kind == identity.SuperAdmin
	}
	return h.Owner == v.User
}

// hiding is a hide that takes records from the viewer.
type hiding struct {
	owner    record.ID
	criteria *Criteria // nil for every record of the owner
}

// hidingOf returns what is hidden from the viewer on a form, ascending by owner.
func (v *View) hidingOf(form uint32) []hiding {
	var out []hiding
	for _, h := range v.hides {
		if h.Form != form || h.exempts(v.viewer) {
			continue
		}
		own := hiding{owner: h.Owner, criteria: h.Criteria}
		if own.criteria != nil && own.criteria.Program == nil {
			own.criteria = nil // what cannot be evaluated hides
		}
		out = append(out, own)
	}
	slices.SortStableFunc(out, func(a, b hiding) int { return compareIDs(a.owner, b.owner) })
	return out
}

// Hides reports whether somebody hides the record, which is one of the form, from
// the viewer, or from who looks through their eyes: no reach holds it.
func (v *View) Hides(form uint32, rec record.Record) bool {
	fv := v.formOf(form)
	return fv != nil && !rec.IsZero() && (v.hidden(fv, rec) || v.askerHides(form, rec))
}

// hidden is Hides.
func (v *View) hidden(fv *formView, rec record.Record) bool {
	if len(fv.hiding) == 0 {
		return false
	}
	owner := rec.Owner()
	i, _ := slices.BinarySearchFunc(fv.hiding, owner, func(h hiding, id record.ID) int { return compareIDs(h.owner, id) })
	for ; i < len(fv.hiding) && fv.hiding[i].owner == owner; i++ {
		if c := fv.hiding[i].criteria; c == nil || v.matches(c, rec) {
			return true
		}
	}
	return false
}

// hiddenReach returns the records that somebody hides from the viewer: those of
// all owners who hide everything, and of each other owner those that match.
func hiddenReach(hiding []hiding) Reach {
	whole := &Owners{}
	parts := []Reach{whole}
	for _, h := range hiding {
		if h.criteria == nil {
			whole.Users = append(whole.Users, h.owner)
			continue
		}
		parts = append(parts, intersect(&Owners{Users: []record.ID{h.owner}}, h.criteria))
	}
	whole.Users = slices.Compact(whole.Users)
	return union(parts...)
}

// minus returns the simplified difference.
func minus(from, take Reach) Reach {
	if isNone(from) || isAll(take) {
		return None{}
	}
	if isNone(take) {
		return from
	}
	return &Minus{From: from, Take: take}
}
