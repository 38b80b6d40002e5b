package engine

import (
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/internal/words"
)

// joinSearch joins the search of a list to its filter: over the searchable fields
// of the viewer's shape and no other, and read like every filter on the redacted
// record.
func joinSearch(s *policy.FormShape, q *List) error {
	if q.Search == "" {
		return nil
	}
	const op = "engine.List"
	var fields []record.Field
	for _, fd := range s.Searchable() {
		fields = append(fields, fd.Field)
	}
	if len(fields) == 0 {
		return fault.New(fault.Invalid, op, "search: this list has no field that can be searched")
	}
	if _, err := words.Parse(q.Search); err != nil {
		return fault.New(fault.Invalid, op, "search: %v", err)
	}
	e := filter.Expr(&filter.Search{Fields: fields, Query: q.Search})
	if q.Where != nil {
		e = filter.And{q.Where, e}
	}
	q.Where, q.Search = e, ""
	return nil
}
