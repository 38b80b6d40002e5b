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
	arg := map[string]any{}
	for range 1 + g.rnd.IntN(5)/4 {
		where := map[string]any{}
		if depth > 0 {
			where = g.object(way.Form, depth-1)
		}
		arg[pick(g.rnd, []string{"some", "every", "none"})] = where
	}
	out[way.Name] = arg
	return true
}
