package oracle

import (
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// MayCreateReport reports whether the user may keep a report of the form (B8).
// Decision: whoever sees no record of the form has nothing to make a report of.
func MayCreateReport(w *World, u *User, form string) bool {
	return Views(w, u, form) && mayOnForm(w, u, form, definition.CreateReport)
}

// SeesSaved reports whether a report that somebody made exists for the user:
// they view the form, and see each field that the report names (B8).
// Decision: a lookup is seen by who may view its target form; without, it leads
// nowhere.
func SeesSaved(w *World, u *User, s *SavedReport) bool {
	sees := func(form *definition.Form, field string) bool {
		f, _ := Field(form, field)
		return Views(w, u, form.Name) && Access(w, u, form.Name, field) != definition.Hidden &&
			(!f.Type.Links() || Views(w, u, w.FormNumber(f.Target).Name))
	}
	form := w.Form(s.Form)
	return Views(w, u, s.Form) && allNamed(w, form, s.Criteria, sees) &&
		!slices.ContainsFunc(s.Columns, func(field string) bool { return !sees(form, field) }) &&
		!slices.ContainsFunc(s.OrderBy, func(key Order) bool { return !allOnPath(w, form, key.Field, sees) })
}

// allOnPath is allNamed for an order key.
func allOnPath(w *World, form *definition.Form, path string, ok func(*definition.Form, string) bool) bool {
	name, rest, through := strings.Cut(path, ".")
	f, _ := Field(form, name)
	return ok(form, name) && (!through || allOnPath(w, w.FormNumber(f.Target), rest, ok))
}

// ListSaved returns what the report shows the user: its criteria, read as their
// own filter would be (P3), within their reach for viewing (B8).
func ListSaved(w *World, u *User, s *SavedReport, where map[string]any, order []Order) []record.ID {
	if !SeesSaved(w, u, s) {
		return nil
	}
	return list(w, u, s.Form, where, order, func(r *Record) bool {
		return MaySee(w, u, definition.View, s.Form, r) && matches(reader{w, u, w.Form(s.Form), r, false}, s.Criteria)
	})
}
