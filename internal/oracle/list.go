package oracle

import (
	"bytes"
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// Order is one key of a sort order. Field may lead through lookups, as in
// "customer.region". Nulls come last, whether Desc or not, unless NullsFirst.
type Order struct {
	Field            string
	Desc, NullsFirst bool
}

// ListForm returns the ids of the user's reach for viewing, ascending.
func ListForm(w *World, u *User, form string) []record.ID { return List(w, u, form, nil, nil) }

// List returns the ids of the records of the form in the user's reach that
// match where on the cells that the user reads, in that order and then by id.
func List(w *World, u *User, form string, where map[string]any, order []Order) []record.ID {
	return ListFor(w, u, definition.View, form, where, order)
}

// ListFor is List over the reach for an action: what an export holds (B7).
func ListFor(w *World, u *User, a definition.Action, form string, where map[string]any, order []Order) []record.ID {
	return list(w, u, form, where, order, func(r *Record) bool { return MaySee(w, u, a, form, r) })
}

// ListReport is List over one report's own term of §9.
func ListReport(w *World, u *User, report string, where map[string]any, order []Order) []record.ID {
	return ListReportFor(w, u, definition.View, report, where, order)
}

// ListReportFor is ListReport within the reach for an action: what an export of
// the report holds. Decision: EXPORT may come from another report of the form.
func ListReportFor(w *World, u *User, a definition.Action, report string, where map[string]any, order []Order) []record.ID {
	for _, rep := range w.App.Reports {
		if rep.Name == report {
			return list(w, u, rep.Form, where, order, func(r *Record) bool {
				return MaySee(w, u, a, rep.Form, r) && policyMatches(w, u, rep.Form, r, rep.Criteria) &&
					(everything(u) || scope(w, u, report, definition.View, rep.Form, r) != 0)
			})
		}
	}
	return nil
}

func list(w *World, u *User, form string, where map[string]any, order []Order, in func(*Record) bool) []record.ID {
	var rows []reader
	for _, r := range w.Records[form] {
		row := reader{w, u, w.Form(form), r, false}
		if in(r) && matches(row, where) {
			rows = append(rows, row)
		}
	}
	if len(order) == 0 {
		return idsOf(rows) // ascending as they are stored
	}
	slices.SortFunc(rows, func(a, b reader) int {
		for _, key := range order {
			if c := key.compare(sortCell(a, key.Field), sortCell(b, key.Field)); c != 0 {
				return c
			}
		}
		return bytes.Compare(a.rec.ID[:], b.rec.ID[:])
	})
	return idsOf(rows)
}

func idsOf(rows []reader) (ids []record.ID) {
	for _, row := range rows {
		ids = append(ids, row.rec.ID)
	}
	return ids
}

func sortCell(r reader, path string) record.Value {
	name, rest, through := strings.Cut(path, ".")
	if !through {
		return r.cell(name)
	}
	f, _ := Field(r.form, name)
	target := r.w.FormNumber(f.Target)
	if rec := r.w.Find(target.Name, r.cell(name).Ref()); rec != nil {
		return sortCell(reader{r.w, r.u, target, rec, false}, rest)
	}
	return record.Value{}
}

func (o Order) compare(a, b record.Value) int {
	switch c := compare(a, b); {
	case a.IsNull() != b.IsNull():
		if a.IsNull() == o.NullsFirst {
			return -1
		}
		return 1
	case o.Desc:
		return -c
	default:
		return c
	}
}
