package world

import (
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// own returns the names of a form's own fields whose type is one of those
// given, of all types if none is.
func own(f *definition.Form, types ...record.Type) (names []string) {
	for _, field := range f.Fields {
		if len(types) == 0 || slices.Contains(types, field.Type) {
			names = append(names, field.Name)
		}
	}
	return names
}

func (g *gen) reports() {
	for _, f := range g.w.App.Forms {
		g.w.App.Reports = append(g.w.App.Reports, &definition.Report{Name: f.Plural, Form: f.Name, Default: true, Columns: own(f)})
		for i := range g.upTo(0, g.size.Reports) {
			r := &definition.Report{Name: fmt.Sprintf("%s%d", f.Plural, i+1), Form: f.Name, Criteria: g.criteria(f)}
			for _, name := range own(f) {
				if g.chance(0.7) {
					r.Columns = append(r.Columns, name)
				}
			}
			if g.chance(0.5) {
				r.OrderBy = []definition.Order{{Field: pick(g.Rand, own(f)), Desc: g.chance(0.5)}}
			}
			g.w.App.Reports = append(g.w.App.Reports, r)
		}
	}
}

// criteria makes a filter over the form's own and system fields, with VIEWER.
func (g *gen) criteria(f *definition.Form) map[string]any {
	depth := g.weighted(6, 2, 1)
	return (&filters{rnd: g.Rand, w: g.w, gone: g.gone, policy: true, fields: func(string) []string {
		names := plain(f)
		return append(append(names, names...), "owner", "addedBy", "addedTime")
	}}).object(f, depth)
}

// plain returns a form's own fields that are no lookups nor long texts.
func plain(f *definition.Form) []string {
	return own(f, record.Text, record.Integer, record.Decimal, record.Boolean, record.Date, record.DateTime, record.Choice,
		record.MultiChoice, record.Email, record.User, record.Users, record.Currency, record.Percent, record.Time, record.Duration, record.Phone, record.URL, record.JSON)
}

// profiles are the rights of a set on one report, the implied ones left out.
var profiles = [][]definition.Action{
	{},
	{definition.View},
	{definition.View, definition.Edit},
	{definition.View, definition.Edit, definition.Delete},
	{definition.View, definition.Delete},
	{definition.ViewAll},
	{definition.ViewAll, definition.Edit},
	{definition.ModifyAll},
	{definition.ModifyAll, definition.Delete},
}

var implied = map[definition.Action][]definition.Action{
	definition.ViewAll:       {definition.View},
	definition.ModifyAll:     {definition.View, definition.ViewAll, definition.Edit},
	definition.WriteComments: {definition.ReadComments},
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (g *gen) sets() {
	portal := len(g.of(identity.Portal)) > 0
	for i := range max(g.upTo(1, g.size.Sets), 1+count(portal)) {
		s := &definition.PermissionSet{
			Name: fmt.Sprintf("Set %d", i), APIAccess: g.chance(0.8), ShowPII: g.chance(0.5), ShowEPHI: g.chance(0.5),
			Portal: i == 1 && portal || i > 1 && g.chance(0.15),
			Forms:  map[string]*definition.FormPermission{}, Reports: map[string][]definition.Action{},
		}
		for _, r := range g.w.App.Reports {
			if rights := g.rights(); len(rights) > 0 {
				s.Reports[r.Name] = rights
			}
		}
		for _, f := range g.w.App.Forms {
			if g.chance(0.95) {
				s.Forms[f.Name] = g.formPermission(f)
			}
		}
		g.w.App.Sets = append(g.w.App.Sets, s)
	}
}

// rights draws a profile. What it implies is listed in half of the cases, so
// that both ways of writing a set occur.
func (g *gen) rights() []definition.Action {
	rights := slices.Clone(profiles[g.weighted(5, 4, 4, 6, 2, 1, 1, 1, 1)])
	if len(rights) == 0 {
		return nil
	}
	for _, more := range []definition.Action{definition.Export, definition.ReadComments, definition.WriteComments, definition.ReadHistory} {
		if g.chance(0.25) {
			rights = append(rights, more)
		}
	}
	if g.chance(0.5) {
		for _, a := range slices.Clone(rights) {
			for _, b := range implied[a] {
				if !slices.Contains(rights, b) {
					rights = append(rights, b)
				}
			}
		}
	}
	slices.Sort(rights)
	return rights
}

func (g *gen) formPermission(f *definition.Form) *definition.FormPermission {
	p := &definition.FormPermission{Fields: map[string]definition.FieldAccess{}}
	if g.chance(0.6) {
		p.Actions = append(p.Actions, definition.Access)
	}
	if g.chance(0.3) {
		p.Actions = append(p.Actions, definition.Import)
	}
	if g.chance(0.2) {
		p.Actions = append(p.Actions, definition.CreateReport)
	}
	for _, name := range own(f) {
		switch g.weighted(11, 5, 3, 2) {
		case 0:
			p.Fields[name] = definition.Writable
		case 1:
			p.Fields[name] = definition.ReadOnly
		case 2:
			p.Fields[name] = definition.Hidden
		}
	}
	for _, s := range record.System {
		p.Fields[s.Name] = definition.ReadOnly
		if s.Type == record.User && g.chance(0.12) {
			p.Fields[s.Name] = definition.Hidden
		}
	}
	return p
}

func (g *gen) sharing() {
	for i := range g.upTo(0, g.size.Sharing) {
		f := g.ruleForm()
		s := &definition.SharingRule{Name: fmt.Sprintf("rule %d", i), Form: f.Name, Level: definition.Level(g.upTo(1, 3))}
		users := own(f, record.User, record.Users)
		switch kind := g.weighted(5, 3, 2); {
		case kind == 2 && len(users) > 0:
			s.Field = pick(g.Rand, users)
		case kind == 1:
			s.Criteria, s.To = g.criteria(f), g.group()
		default:
			s.From, s.To = g.group(), g.group()
		}
		g.w.App.Sharing = append(g.w.App.Sharing, s)
	}
}

// ruleForm prefers forms on which a sharing rule has an effect: not children.
func (g *gen) ruleForm() *definition.Form {
	f := pick(g.Rand, g.w.App.Forms)
	if f.ParentField != 0 && g.chance(0.7) {
		return g.w.App.Forms[0]
	}
	return f
}

func (g *gen) group() definition.Group {
	if len(g.w.App.Roles) == 0 || g.chance(0.4) {
		portal := g.of(identity.Portal)
		switch {
		case len(portal) > 0 && g.chance(0.4):
			return definition.Group{User: pick(g.Rand, portal).Email}
		case g.chance(0.05):
			return definition.Group{User: "nobody@example.test"}
		case g.chance(0.1):
			return definition.Group{User: "gone0@example.test"}
		case len(g.live()) > 0 && g.chance(0.85):
			return definition.Group{User: pick(g.Rand, g.live()).Email}
		}
		return definition.Group{User: pick(g.Rand, g.w.Users).Email}
	}
	name := pick(g.Rand, g.w.App.Roles).Name
	if live := g.live(); len(live) > 0 && g.chance(0.6) {
		name = pick(g.Rand, live).Role // a role that somebody holds
	}
	return definition.Group{Role: name, Subordinates: g.chance(0.45)}
}
