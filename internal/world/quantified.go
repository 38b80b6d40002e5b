package world

import (
	"slices"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// Way leads from the records of a form to those of another whose lookup leads to
// them.
type Way struct {
	Name   string
	Form   *definition.Form
	Lookup record.Field
}

// Ways lists the ways from a form over the fields that may be named.
func Ways(w *World, f *definition.Form, fields Fields) (out []Way) {
	if len(fields(f.Name)) == 0 {
		return nil
	}
	for _, child := range w.App.Forms {
		var by []record.Field
		for _, fd := range child.Fields {
			if fd.Type == record.Lookup && fd.Target == f.Number && slices.Contains(fields(child.Name), fd.Name) {
				by = append(by, fd.Field)
			}
		}
		for _, fd := range by {
			out = append(out, Way{oracle.ReverseName(child, fd.Name, len(by) > 1), child, fd})
		}
	}
	return out
}

// quantified adds a condition on the records that lead here, now and then.
func (g *filters) quantified(out map[string]any, f *definition.Form, depth int) bool {
	if g.policy || g.rnd.IntN(4) > 0 {
		return false
	}
	ways := Ways(g.w, f, g.fields)
	if len(ways) == 0 {
		return false
	}
	way := pick(g.rnd, ways)
	if g.stored {
		way.Name = oracle.StoredName(way.Form, way.Lookup)
	}
	out[way.Name] = g.quantifiers(way.Form, depth)
	return true
}

func (g *filters) quantifiers(f *definition.Form, depth int) map[string]any {
	arg := map[string]any{}
	for range 1 + g.rnd.IntN(5)/4 {
		where := map[string]any{}
		if depth > 0 {
			where = g.object(f, depth-1)
		}
		arg[pick(g.rnd, []string{"some", "every", "none"})] = where
	}
	return arg
}

// listed adds a condition on what a multi-lookup leads to, more often than not,
// and sometimes another on the list beside it.
func (g *filters) listed(out map[string]any, field record.Field, depth int) bool {
	if g.policy || field.Type != record.MultiLookup || g.rnd.IntN(3) == 0 {
		return false
	}
	target := g.w.FormNumber(field.Target)
	if len(g.fields(target.Name)) == 0 {
		return false
	}
	arg := g.quantifiers(target, depth)
	if g.rnd.IntN(4) == 0 {
		arg["isNull"] = g.rnd.IntN(2) == 0
	}
	out[field.Name] = arg
	return true
}
