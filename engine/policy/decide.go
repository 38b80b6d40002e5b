package policy

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Decide reports whether the viewer may take the action on one record. It
// equals Contains(Reach(form, a), s) and does not build the reach. Neither asks a
// custom rule about a record that is hidden.
func (v *View) Decide(form uint32, a definition.Action, s Subject) bool {
	return s != nil && v.askerMay(form, a, s) && v.decide(form, a, s)
}

// decide is Decide whoever looks through the viewer's eyes.
func (v *View) decide(form uint32, a definition.Action, s Subject) bool {
	fv := v.formOf(form)
	if fv == nil || !isJudged(a) || s == nil {
		return false
	}
	rec := s.Record()
	if rec.IsZero() || v.hidden(fv, rec) || !v.granted(fv, a, s, rec) {
		return false
	}
	for _, c := range fv.restricts {
		if !v.through(c.def, s) {
			return false
		}
	}
	return true
}

func (v *View) granted(fv *formView, a definition.Action, s Subject, rec record.Record) bool {
	g := &fv.rights.grants[a]
	return v.covers(&g.all, rec) ||
		v.covers(&g.base, rec) && v.inScope(fv, a, s, rec)
}

func (v *View) covers(c *cover, rec record.Record) bool {
	if c.everything {
		return true
	}
	for _, m := range c.some {
		if v.matches(m, rec) {
			return true
		}
	}
	return false
}

func (v *View) inScope(fv *formView, a definition.Action, s Subject, rec record.Record) bool {
	if at := fv.form.parent; at >= 0 {
		parent, ok := s.Parent()
		return ok && v.decide(v.policy.forms[at].def.Number, ofParent(a), parent)
	}
	sc := fv.scopes[levelOf(a)]
	if sc == nil {
		return false
	}
	if sc.owners.has(rec.Owner(), v.policy.roles, v.people) {
		return true
	}
	for _, m := range sc.audience {
		if v.named(m, rec) {
			return true
		}
	}
	for _, m := range sc.criteria {
		if v.matches(m, rec) {
			return true
		}
	}
	for _, m := range sc.custom {
		if shared(m, s) {
			return true
		}
	}
	return false
}

// named reports whether the field of a user, or of users, names the viewer.
func (v *View) named(m *Audience, rec record.Record) bool {
	cell, user := rec.Get(&m.Field), v.viewer.User
	if user.IsZero() {
		return false
	}
	return cell.Ref() == user || cell.Holds(user[:])
}

// shared reports whether a SHARE module grants the level, within its cap.
func shared(m *Rule, s Subject) bool { return m.grants(s.Outcome(m.Rule)) }

// Grants reports whether an outcome of the rule puts a record into this reach.
func (m *Rule) Grants(o Outcome) bool { return m != nil && m.Rule != nil && m.grants(o) }

func (m *Rule) grants(o Outcome) bool {
	if o.Fault || m.Level == definition.NoLevel || o.Level > definition.ReadWriteDelete {
		return false
	}
	return min(o.Level, m.Rule.MaxLevel) >= m.Level
}

// through reports whether a RESTRICT module lets the record through. A fault
// removes it, except for the super admin (H4).
func (v *View) through(rule *definition.CustomRule, s Subject) bool {
	o := s.Outcome(rule)
	if o.Fault {
		return v.viewer.Kind == identity.SuperAdmin
	}
	return o.Through
}

// Contains reports whether the record is in a reach of this view.
func (v *View) Contains(r Reach, s Subject) bool {
	if s == nil {
		return false
	}
	rec := s.Record()
	return !rec.IsZero() && v.contains(r, s, rec)
}

func (v *View) contains(r Reach, s Subject, rec record.Record) bool {
	switch m := r.(type) {
	case All:
		return true
	case *Owners:
		return v.owned(m, rec.Owner())
	case *Criteria:
		return v.matches(m, rec)
	case *Audience:
		return m != nil && v.named(m, rec)
	case *Rule:
		return m != nil && m.Rule != nil && shared(m, s)
	case *Kept:
		return m != nil && m.Rule != nil && v.through(m.Rule, s)
	case *AskerKept:
		return v.askerThrough(m, s)
	case *OfParent:
		if m == nil {
			return false
		}
		parent, ok := s.Parent()
		return ok && v.Contains(m.Parent, parent)
	case Union:
		return slices.ContainsFunc(m, func(r Reach) bool { return v.contains(r, s, rec) })
	case Intersect:
		return len(m) > 0 && !slices.ContainsFunc(m, func(r Reach) bool { return !v.contains(r, s, rec) })
	case *Minus:
		return m != nil && !v.contains(m.Take, s, rec) && v.contains(m.From, s, rec)
	}
	return false
}

func (v *View) owned(m *Owners, owner record.ID) bool {
	if m == nil {
		return false
	}
	if _, ok := slices.BinarySearchFunc(m.Users, owner, compareIDs); ok {
		return true
	}
	return m.NoRole && v.people.RoleOf(owner) == ""
}

// MayCreate reports whether the viewer may add a record to the form (W4): never
// within another's view.
// parent is the record that the parent lookup will lead to; it is asked for
// child forms only, which need EDIT on it (E4), and may be nil for others.
func (v *View) MayCreate(form uint32, parent Subject) bool {
	fv := v.formOf(form)
	if fv == nil || !fv.rights.access || v.asker != nil {
		return false
	}
	at := fv.form.parent
	return at < 0 || v.Decide(v.policy.forms[at].def.Number, definition.Edit, parent)
}

// MayChangeOwner decides W1. It asks for EDIT itself. Within another's view it is
// false.
func (v *View) MayChangeOwner(form uint32, s Subject) bool {
	if v.asker != nil || !v.Decide(form, definition.Edit, s) {
		return false
	}
	if v.viewer.Kind.Administers() {
		return true
	}
	fv, rec := v.formOf(form), s.Record()
	if rec.Owner() == v.viewer.User || v.below.has(rec.Owner(), v.policy.roles, v.people) {
		return true
	}
	// A developer's rights are those of no set, so none of them is MODIFY_ALL.
	return v.set != v.policy.full && v.covers(&fv.rights.modifyAll, rec)
}
