package world

import (
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// hides makes filters by which people hide records that they own: admins, those
// who are inactive, demoted or deleted since, at most one for a form and person.
// Many worlds hide nothing.
func (g *gen) hides() {
	if g.chance(0.4) {
		return
	}
	for _, f := range g.w.App.Forms {
		var owners []record.ID
		for _, r := range g.w.Records[f.Name] {
			if !slices.Contains(owners, r.Owner) {
				owners = append(owners, r.Owner)
			}
		}
		for _, id := range owners {
			if g.chance(g.hiding(id)) {
				g.w.Hides = append(g.w.Hides, &oracle.Hide{Admin: id, Form: f.Name, Where: g.hideFilter(f)})
			}
		}
	}
}

// hiding is how likely somebody left a filter behind.
func (g *gen) hiding(id record.ID) float64 {
	switch u := g.w.User(id); {
	case u == nil:
		return 0.25
	case u.Kind == identity.Admin:
		return 0.75
	case u.Kind == identity.Live || u.Kind == identity.SuperAdmin:
		return 0.08 // demoted, or promoted
	default:
		return 0.3
	}
}

// hideFilter is like criteria, without VIEWER: it hides from everybody alike.
func (g *gen) hideFilter(f *definition.Form) map[string]any {
	if g.chance(0.3) {
		return map[string]any{}
	}
	return (&filters{rnd: g.Rand, w: g.w, gone: g.gone, fields: func(string) []string {
		return append(plain(f), "addedBy", "addedTime")
	}}).object(f, g.weighted(6, 2, 1))
}

// saved makes reports that users keep for themselves and others.
func (g *gen) saved() {
	for i := range g.upTo(0, g.size.Saved) {
		f, maker := pick(g.Rand, g.w.App.Forms), pick(g.Rand, g.w.Users)
		fields := VisibleTo(g.w, maker)
		if g.chance(0.3) || len(fields(f.Name)) == 0 { // rights have changed since
			fields = func(form string) []string { return plain(g.w.Form(form)) }
		}
		s := &oracle.SavedReport{Name: fmt.Sprintf("saved %d", i), Form: f.Name, Maker: maker.ID}
		if g.chance(0.85) {
			s.Criteria = (&filters{rnd: g.Rand, w: g.w, fields: fields, stored: true}).object(f, g.IntN(4))
		}
		for _, name := range fields(f.Name) {
			if _, system := record.SystemField(name); !system && g.chance(0.3) {
				s.Columns = append(s.Columns, name)
			}
		}
		if g.chance(0.4) {
			s.OrderBy = RandomOrder(g.w, g.Rand, f.Name, fields)
		}
		g.w.Saved = append(g.w.Saved, s)
	}
}
