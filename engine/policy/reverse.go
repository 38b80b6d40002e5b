package policy

import (
	"strings"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// Reverse is a way from the records of a form to those of another, or of the same,
// whose lookup leads to them.
type Reverse struct {
	Name   string
	Child  *FormShape
	Lookup *definition.Field // of the child
}

// Reverses returns the ways that the shape shows from each form, by its number, in
// the order of forms and fields: by the child's plural, where only one visible
// lookup of that child leads here and nothing has that name; else by plural, "By"
// and the lookup's name. Names follow from what the shape shows alone, so that
// they tell nothing of lookups that it hides.
func (s *Shape) Reverses() map[uint32][]Reverse {
	views := make(map[uint32]*FormShape, len(s.Forms))
	for _, f := range s.Forms {
		if f.View {
			views[f.Form.Number] = f
		}
	}
	out := map[uint32][]Reverse{}
	for _, child := range s.Forms {
		if !child.View {
			continue
		}
		for _, f := range child.Form.Fields {
			if f.Type == record.Lookup && child.Visible.Has(f.Number) && views[f.Target] != nil {
				out[f.Target] = append(out[f.Target], Reverse{Child: child, Lookup: f})
			}
		}
	}
	for form, ways := range out {
		nameReverses(views[form], views, ways)
	}
	return out
}

// taken are names beside which no connection stands: of fields that every record
// has, and of what filters combine with.
var taken = []string{"id", "viewerCanUpdate", "viewerCanDelete", "and", "or", "not", "isNull"}

func nameReverses(form *FormShape, views map[uint32]*FormShape, ways []Reverse) {
	used := map[string]bool{}
	for _, name := range taken {
		used[name] = true
	}
	for _, f := range form.Form.Fields {
		if form.Visible.Has(f.Number) && (!f.Type.Links() || views[f.Target] != nil) {
			used[f.Name] = true
		}
	}
	for _, f := range record.System {
		used[f.Name] = true
	}
	lookups := map[*FormShape]int{}
	for _, w := range ways {
		lookups[w.Child]++
	}
	for i := range ways {
		w := &ways[i]
		w.Name = w.Child.Form.Plural
		if lookups[w.Child] > 1 || used[w.Name] {
			w.Name += "By" + strings.ToUpper(w.Lookup.Name[:1]) + w.Lookup.Name[1:]
		}
		for used[w.Name] {
			w.Name += "_"
		}
		used[w.Name] = true
	}
}
