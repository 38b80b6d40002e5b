package world

import (
	"fmt"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// RecordActions are the actions on records that a set can allow.
var RecordActions = []definition.Action{definition.View, definition.Edit, definition.Delete, definition.Export,
	definition.ReadComments, definition.WriteComments, definition.ReadHistory}

// View returns all that the user may see and do in the world, by the oracle,
// one line for each record, cell, list and right: two worlds with equal views
// must not be told apart by the user.
func View(w *World, u *oracle.User) (lines []string) {
	line := func(parts ...any) { lines = append(lines, fmt.Sprintln(parts...)) }
	for _, f := range w.App.Forms {
		line(f.Name, oracle.Visible(w, u, f.Name), oracle.MayCreate(w, u, f.Name), oracle.MayImport(w, u, f.Name), oracle.MayCreateReport(w, u, f.Name), oracle.ListForm(w, u, f.Name))
		for _, r := range w.Records[f.Name] {
			if !oracle.MaySee(w, u, definition.View, f.Name, r) {
				continue
			}
			for _, a := range RecordActions {
				line(r.ID, a, oracle.MaySee(w, u, a, f.Name, r))
			}
			line(r.ID, "owner", oracle.MayChangeOwner(w, u, f.Name, r))
			for _, name := range oracle.Visible(w, u, f.Name) {
				v, readable := oracle.Cell(w, u, f.Name, r, name)
				line(r.ID, name, text(v), readable, oracle.Writable(w, u, f.Name, r, name))
			}
		}
	}
	for _, r := range w.App.Reports {
		line(r.Name, oracle.ListReport(w, u, r.Name, nil, nil), oracle.ListReportFor(w, u, definition.Export, r.Name, nil, nil))
	}
	for _, s := range w.Saved {
		line(s.Name, oracle.SeesSaved(w, u, s), oracle.ListSaved(w, u, s, nil, nil))
	}
	return lines
}

func text(v record.Value) string {
	return fmt.Sprint(v.Kind(), v.Int(), v.Bool(), string(v.Text()), v.Ref(), v.List())
}
