package oracle

import (
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// ReverseName names the records of a form that look another up by a field, as a
// user calls them who sees these lookups of that form to it: by the plural, and by
// the lookup too where there are several.
func ReverseName(child *definition.Form, lookup string, several bool) string {
	if !several {
		return child.Plural
	}
	return child.Plural + "By" + strings.ToUpper(lookup[:1]) + lookup[1:]
}

// StoredName is ReverseName for who sees every field, as saved reports have it.
func StoredName(child *definition.Form, lookup record.Field) string {
	n := 0
	for _, f := range child.Fields {
		if f.Type == record.Lookup && f.Target == lookup.Target {
			n++
		}
	}
	return ReverseName(child, lookup.Name, n > 1)
}

// way finds the child form and lookup of a name, over the lookups that exist for
// somebody. A saved report is read by people who may see fewer lookups than its
// names were made for: the longer name is known in any case.
func way(w *World, target *definition.Form, name string, exists func(*definition.Form, string) bool) (*definition.Form, string) {
	for _, child := range w.App.Forms {
		var by []string
		for _, f := range child.Fields {
			if f.Type == record.Lookup && f.Target == target.Number && exists(child, f.Name) {
				by = append(by, f.Name)
			}
		}
		for _, lookup := range by {
			if name == ReverseName(child, lookup, true) || len(by) == 1 && name == child.Plural {
				return child, lookup
			}
		}
	}
	panic("oracle: nothing is named " + name + " in " + target.Name)
}

// quantified decides some, every and none over the records that the user may view
// and whose lookup, as they read it, leads to the record (L1, H5).
func quantified(r reader, name string, arg map[string]any) bool {
	child, lookup := way(r.w, r.form, name, func(child *definition.Form, field string) bool {
		return !r.raw && slices.Contains(Visible(r.w, r.u, child.Name), field)
	})
	return quantifies(children(r, child, lookup), arg)
}

func children(r reader, child *definition.Form, lookup string) (rows []reader) {
	for _, rec := range r.w.Records[child.Name] {
		row := reader{r.w, r.u, child, rec, false}
		if MaySee(r.w, r.u, definition.View, child.Name, rec) && row.cell(lookup).Ref() == r.rec.ID {
			rows = append(rows, row)
		}
	}
	return rows
}

func quantifies(rows []reader, arg map[string]any) bool {
	for kind, where := range arg {
		match := func(row reader) bool { return matches(row, where.(map[string]any)) }
		var ok bool
		switch kind {
		case "some":
			ok = slices.ContainsFunc(rows, match)
		case "every":
			ok = !slices.ContainsFunc(rows, func(row reader) bool { return !match(row) })
		case "none":
			ok = !slices.ContainsFunc(rows, match)
		default:
			panic("oracle: no quantifier " + kind)
		}
		if !ok {
			return false
		}
	}
	return true
}

// allNamed reports whether ok holds for each field that a filter names.
func allNamed(w *World, form *definition.Form, where map[string]any, ok func(*definition.Form, string) bool) bool {
	for name, arg := range where {
		switch name {
		case "and", "or", "not":
			list, several := arg.([]any)
			if !several {
				list = []any{arg}
			}
			if slices.ContainsFunc(list, func(x any) bool { return !allNamed(w, form, x.(map[string]any), ok) }) {
				return false
			}
			continue
		}
		f, own := Field(form, name)
		if !own && !allBelow(w, form, name, arg.(map[string]any), ok) ||
			own && (!ok(form, name) || f.Type == record.Lookup && !allNamed(w, w.FormNumber(f.Target), arg.(map[string]any), ok)) {
			return false
		}
		for _, x := range arg.(map[string]any) {
			if where, deeper := x.(map[string]any); deeper && f.Type == record.MultiLookup && !allNamed(w, w.FormNumber(f.Target), where, ok) {
				return false
			}
		}
	}
	return true
}

// allBelow is allNamed for a quantified condition.
func allBelow(w *World, form *definition.Form, name string, arg map[string]any, ok func(*definition.Form, string) bool) bool {
	child, lookup := way(w, form, name, func(*definition.Form, string) bool { return true })
	for _, where := range arg {
		if !allNamed(w, child, where.(map[string]any), ok) {
			return false
		}
	}
	return ok(child, lookup)
}
