package world

import (
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

func (g *gen) custom() {
	for i := range g.weighted(3, 4, 4) {
		if i >= g.size.Custom {
			return
		}
		f := g.ruleForm()
		c := &definition.CustomRule{Name: fmt.Sprintf("custom %d", i), Form: f.Name, Effect: definition.Effect(1 + g.weighted(4, 3, 4))}
		switch c.Effect {
		case definition.Share:
			c.MaxLevel = definition.Level(g.upTo(1, 3))
		case definition.Restrict:
			c.BindsAdmins = g.chance(0.35)
		case definition.Mask:
			c.Fields = g.maskable(f)
		}
		g.concern(c)
		g.w.App.Custom = append(g.w.App.Custom, c)
		if g.chance(0.96) {
			g.w.Modules[c.Name] = g.module(f, c.Effect)
		}
	}
}

func (g *gen) maskable(f *definition.Form) []string {
	names := append(own(f), "owner", "addedBy", "modifiedBy")
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:min(len(names), g.upTo(1, 4))]
}

// concern caps whom the rule is about; half of the rules concern everybody.
func (g *gen) concern(c *definition.CustomRule) {
	if len(g.w.App.Roles) == 0 || g.chance(0.5) {
		return
	}
	switch g.weighted(3, 3, 2, 1) {
	case 0:
		c.Roles = []string{pick(g.Rand, g.w.App.Roles).Name}
	case 1:
		c.Sets = []string{pick(g.Rand, g.w.App.Sets).Name}
	case 2:
		c.Users = []string{pick(g.Rand, g.w.Users).Email, "nobody@example.test"}
	case 3:
		c.Roles = []string{pick(g.Rand, g.w.App.Roles).Name}
		c.Users = []string{pick(g.Rand, g.w.Users).Email}
	}
}

func (g *gen) module(f *definition.Form, e definition.Effect) oracle.Module {
	m := oracle.Module{Truth: g.weighted(1, 2, 2, 1, 5, 4, 3, 2, 4, 1)}
	if e == definition.Restrict {
		m.Truth = g.weighted(1, 2, 2, 0, 2, 4, 6, 2, 8, 1) // most records pass, or little else would show
	}
	lists := own(f, record.Users, record.MultiLookup) // rules are not passed any
	names := append(slices.DeleteFunc(own(f), func(n string) bool { return slices.Contains(lists, n) }), "owner")
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	m.Record = names[:min(len(names), g.upTo(1, 3))]
	for _, a := range g.w.App.Attributes {
		if g.chance(0.5) {
			m.Viewer = append(m.Viewer, a.Name)
		}
	}
	if m.Truth == 4 {
		g.comparable(f, &m)
	}
	if e == definition.Share {
		m.Plan = g.plan(f, &m)
	}
	return m
}

// plan gives some of the modules a plan. It draws no number: the rest of a
// world does not depend on it.
func (g *gen) plan(f *definition.Form, m *oracle.Module) int {
	kind := []int{1, 0, 0, 3, 0, 1, 0, 0, 2, 0, 1}[(len(f.Fields)+m.Truth+len(m.Viewer)+len(g.w.Users)+3)%11]
	if kind == 3 && !g.planned(f, m) {
		return 1
	}
	return kind
}

// planned reports whether the first cell may be compared with the first attribute
// for equality.
func (g *gen) planned(f *definition.Form, m *oracle.Module) bool {
	if len(m.Viewer) == 0 {
		return false
	}
	i := slices.IndexFunc(g.w.App.Attributes, func(a record.Field) bool { return a.Name == m.Viewer[0] })
	fd, ok := oracle.Field(f, m.Record[0])
	if i < 0 || !ok || fd.Type != g.w.App.Attributes[i].Type {
		return false
	}
	switch fd.Type {
	case record.Text, record.Integer, record.Boolean, record.Decimal, record.Date:
		return fd.Scale == g.w.App.Attributes[i].Scale
	}
	return false
}

// comparable lets the module compare a cell with an attribute of its type,
// where the form has such a field.
func (g *gen) comparable(f *definition.Form, m *oracle.Module) {
	for _, a := range g.w.App.Attributes {
		if names := own(f, a.Type); len(names) > 0 && (a.Type != record.Text || g.chance(0.5)) {
			m.Viewer = append([]string{a.Name}, slices.DeleteFunc(m.Viewer, func(n string) bool { return n == a.Name })...)
			name := pick(g.Rand, names)
			m.Record = append([]string{name}, slices.DeleteFunc(m.Record, func(n string) bool { return n == name })...)
			return
		}
	}
}
