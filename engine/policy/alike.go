package policy

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Alike is what of a record of one form the decisions about it depend on, beside
// the answers of custom rules, what is hidden, and the record's parent. Two records
// whose owners hold the same role, or are the same one of Owners, and which match
// the same Criteria are decided alike for every viewer whom neither of them names
// as owner or in one of Cells.
type Alike struct {
	Criteria []*Criteria
	// Owners are named by rules that share their records, ascending.
	Owners []record.ID
	// Cells are the fields of users by which criteria or field rules may mean the
	// viewer.
	Cells []record.Field
}

// Alike returns what decides about the records of a form; nothing for one that does
// not exist.
func (p *Policy) Alike(form uint32) *Alike {
	a := &Alike{}
	at, ok := p.formAt[form]
	if !ok {
		return a
	}
	for _, r := range p.forms[at].reports {
		a.add(r.criteria)
	}
	for _, s := range p.forms[at].sharing {
		if a.add(s.criteria); s.audience != nil {
			a.Cells = append(a.Cells, s.audience.Field)
		}
		if !s.from.user.IsZero() {
			a.Owners = append(a.Owners, s.from.user)
		}
	}
	slices.SortFunc(a.Owners, compareIDs)
	a.Owners = slices.Compact(a.Owners)
	slices.SortFunc(a.Cells, func(x, y record.Field) int { return int(x.Number) - int(y.Number) })
	a.Cells = slices.CompactFunc(a.Cells, func(x, y record.Field) bool { return x.Number == y.Number })
	return a
}

func (a *Alike) add(c *Criteria) {
	if c == nil {
		return
	}
	a.Criteria = append(a.Criteria, c)
	a.Cells = append(a.Cells, viewerCells(c.Expr)...)
}

// viewerCells lists the fields that a filter compares with the viewer.
func viewerCells(e filter.Expr) (out []record.Field) {
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			out = append(out, viewerCells(x)...)
		}
	case filter.Or:
		for _, x := range e {
			out = append(out, viewerCells(x)...)
		}
	case filter.Not:
		return viewerCells(e.X)
	case *filter.Compare:
		if slices.ContainsFunc(e.Args, func(a filter.Operand) bool { return a.Viewer }) {
			out = append(out, e.Field)
		}
	}
	return out
}

// Receivers returns whom rules name as one person among those whom they share with
// or concern. Two other viewers of equal kind, role and set are decided alike where
// rules that concern them are asked with equal attributes.
func (p *Policy) Receivers() map[record.ID]bool {
	out := map[record.ID]bool{}
	for _, f := range p.forms {
		for _, s := range f.sharing {
			if !s.to.user.IsZero() {
				out[s.to.user] = true
			}
		}
		for _, c := range f.custom {
			for _, id := range c.users {
				out[id] = true
			}
		}
	}
	return out
}

// Concerning returns the custom rules of a form that the viewer is subject to, in
// the definition's order.
func (p *Policy) Concerning(form uint32, v *identity.Viewer) (out []*definition.CustomRule) {
	at, ok := p.formAt[form]
	if !ok {
		return nil
	}
	for _, c := range p.forms[at].custom {
		if c.concerns(v) {
			out = append(out, c.def)
		}
	}
	return out
}

// Position returns where a role stands in the tree: equal for equal roles of one
// policy, -1 for no role and less for one that the policy does not have.
func (p *Policy) Position(role string) int32 {
	if role == "" {
		return noRole
	}
	if pos, ok := p.roles.at[role]; ok {
		return pos
	}
	return noRole - 1
}
