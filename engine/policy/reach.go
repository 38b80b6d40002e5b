package policy

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Reach is a set of records: None, All, Owners, Criteria, Audience, Rule, Kept,
// AskerKept, OfParent, Union, Intersect or Minus. A nil Reach is None.
//
// A reach that a View returns is simplified: None and All stand alone, unions
// and intersections are flat, have at least two members, and a union holds at
// most one Owners. It may be shared and is read only.
type Reach interface{ reach() }

type (
	// None holds no record; the deny value.
	None struct{}
	// All holds every record of the form.
	All struct{}
	// Owners holds the records owned by the users, ascending, and where NoRole
	// is set those whose owner holds no role (C4).
	Owners struct {
		Users  []record.ID
		NoRole bool
	}
	// Criteria holds the records that match.
	Criteria struct {
		Expr    filter.Expr
		Program *filter.Program
	}
	// Audience holds the records whose user field names the viewer (F3).
	Audience struct{ Field record.Field }
	// Rule holds the records that a custom rule shares with at least Level.
	Rule struct {
		Rule  *definition.CustomRule
		Level definition.Level
	}
	// Kept holds the records that a RESTRICT rule lets through.
	Kept struct{ Rule *definition.CustomRule }
	// OfParent holds the records whose parent lookup leads into a reach of the
	// parent form (E4).
	OfParent struct {
		Field  record.Field // the lookup of the child form
		Form   uint32       // the parent form
		Parent Reach
	}
	// Union, Intersect and Minus combine reaches. An empty Union is None. An
	// empty Intersect is None too: nothing denies by default.
	Union     []Reach
	Intersect []Reach
	Minus     struct{ From, Take Reach }
)

func (None) reach()      {}
func (All) reach()       {}
func (*Owners) reach()   {}
func (*Criteria) reach() {}
func (*Audience) reach() {}
func (*Rule) reach()     {}
func (*Kept) reach()     {}
func (*OfParent) reach() {}
func (Union) reach()     {}
func (Intersect) reach() {}
func (*Minus) reach()    {}

// Reach returns the set of records of the form on which the viewer may take the
// action, as a tree. Form numbers that do not exist give None, and so do
// actions that are not taken on records.
func (v *View) Reach(form uint32, a definition.Action) Reach {
	return v.common(form, v.own(form, a))
}

// own is Reach whoever looks through the viewer's eyes.
func (v *View) own(form uint32, a definition.Action) Reach {
	fv := v.formOf(form)
	if fv == nil || !isJudged(a) {
		return None{}
	}
	if r := fv.reach[a].Load(); r != nil {
		return *r
	}
	g := &fv.rights.grants[a]
	r := v.term(fv, a, g.all.reach(), g.base.reach())
	fv.reach[a].CompareAndSwap(nil, &r)
	return *fv.reach[a].Load()
}

// ReportReach returns the report's own term for VIEW, already within
// Reach(form, View). An unknown report gives None.
func (v *View) ReportReach(name string) Reach {
	r := v.policy.reports[name]
	if r == nil {
		return None{}
	}
	var shows cover
	shows.add(r.criteria)
	all, base := Reach(None{}), Reach(None{})
	switch s := v.set.reports[r]; {
	case s.all(definition.View):
		all = shows.reach()
	case s.has(definition.View):
		base = shows.reach()
	default:
		return None{}
	}
	return v.common(v.policy.forms[r.form].def.Number, v.term(v.formIndex(r.form), definition.View, all, base))
}

// term puts together what the reports show everything of (all), what they show
// the viewer's scope of (base) and what RESTRICT rules let through, and takes
// away what is hidden from the viewer.
func (v *View) term(fv *formView, a definition.Action, all, base Reach) Reach {
	if !isNone(base) {
		base = intersect(base, v.scopeReach(fv, a))
	}
	parts := []Reach{union(all, base)}
	for _, c := range fv.restricts {
		parts = append(parts, c.keptByRule)
	}
	return minus(intersect(parts...), hiddenReach(fv.hiding))
}

// scopeReach is own, below, peers and shared, or for a child form the parent's
// reach.
func (v *View) scopeReach(fv *formView, a definition.Action) Reach {
	if at := fv.form.parent; at >= 0 {
		parent := v.policy.forms[at].def.Number
		r := v.own(parent, ofParent(a)) // the asker need not reach the parent
		if isNone(r) {
			return None{}
		}
		return &OfParent{Field: fv.form.lookup, Form: parent, Parent: r}
	}
	s := fv.scopes[levelOf(a)]
	if s == nil {
		return None{}
	}
	if s.listed.Load() == nil {
		s.listed.CompareAndSwap(nil, s.owners.list(v.policy.roles, v.people))
	}
	parts := []Reach{s.listed.Load()}
	for _, m := range s.audience {
		parts = append(parts, m)
	}
	for _, m := range s.criteria {
		parts = append(parts, m)
	}
	for _, m := range s.custom {
		parts = append(parts, m)
	}
	return union(parts...)
}

func (c *cover) reach() Reach {
	if c.everything {
		return All{}
	}
	parts := make([]Reach, len(c.some))
	for i, m := range c.some {
		parts[i] = m
	}
	return union(parts...)
}

// isNone reports whether the reach is plainly empty, in whatever spelling.
func isNone(r Reach) bool {
	switch m := r.(type) {
	case nil, None:
		return true
	case Union:
		return len(m) == 0
	case Intersect:
		return len(m) == 0
	}
	return false
}

func isAll(r Reach) bool {
	_, all := r.(All)
	return all
}

// union returns the simplified union; of nothing, None.
func union(parts ...Reach) Reach {
	var out Union
	var owned *Owners
	for _, r := range flat[Union](parts) {
		switch m := r.(type) {
		case nil, None:
		case All:
			return All{}
		case *Owners:
			owned = mergeOwners(owned, m)
		default:
			out = append(out, r)
		}
	}
	if owned != nil && (len(owned.Users) > 0 || owned.NoRole) {
		out = slices.Insert(out, 0, Reach(owned))
	}
	switch len(out) {
	case 0:
		return None{}
	case 1:
		return out[0]
	}
	return out
}

// intersect returns the simplified intersection; of nothing, None.
func intersect(parts ...Reach) Reach {
	if len(parts) == 0 || slices.ContainsFunc(parts, isNone) {
		return None{} // before flattening, which would lose an empty member
	}
	var out Intersect
	for _, r := range flat[Intersect](parts) {
		if !isAll(r) {
			out = append(out, r)
		}
	}
	switch len(out) {
	case 0:
		return All{}
	case 1:
		return out[0]
	}
	return out
}

// flat opens members that are themselves of type T. Members are flat already,
// one level is enough.
func flat[T ~[]Reach](parts []Reach) []Reach {
	var out []Reach
	for _, r := range parts {
		if inner, ok := r.(T); ok {
			out = append(out, inner...)
		} else {
			out = append(out, r)
		}
	}
	return out
}

func mergeOwners(a, b *Owners) *Owners {
	if a == nil || a == b {
		return b
	}
	m := &Owners{Users: slices.Concat(a.Users, b.Users), NoRole: a.NoRole || b.NoRole}
	slices.SortFunc(m.Users, compareIDs)
	m.Users = slices.Compact(m.Users)
	return m
}
