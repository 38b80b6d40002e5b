package app

import (
	"encoding/json"
	"strings"
	"time"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// reportOf reads the argument report of a list. Text that is not an id names
// nothing, as an id does that nobody has.
func (x *exec) reportOf(f *field) (record.ID, error) {
	v, err := x.argument(f, "report")
	s, given := v.(string)
	if err != nil || !given {
		return record.ID{}, err
	}
	id, bad := record.ParseID(s)
	if bad != nil || id.IsZero() {
		return id, fault.New(fault.NotFound, "resolvers/app", "report: not found")
	}
	return id, nil
}

// reportForms is how many forms createdReports is asked about.
func (r *Run) reportForms(f *field) int {
	if v, given, _ := argument(r.schema.AST, f.node, "form", r.vars); given && v != nil {
		return 1
	}
	return len(r.schema.Viewed())
}

// createdReports writes the list at the root.
func (x *exec) createdReports(f *field) bool {
	v, err := x.argument(f, "form")
	if err != nil {
		return x.fail(f, err)
	}
	name, given := v.(string)
	found := false
	reports := []engine.CreatedReport{}
	for _, form := range x.r.schema.Viewed() {
		if given && form.Name != name {
			continue
		}
		found = true
		more, err := x.req.Op.CreatedReports(form.Number)
		if err != nil {
			return x.fail(f, err)
		}
		reports = append(reports, more...)
	}
	if given && !found {
		return x.fail(f, fault.New(fault.NotFound, "resolvers/app", "form %q: not found", name))
	}
	return x.array(len(reports), func(i int) bool { return x.createdReport(f.sub, &reports[i]) })
}

func (x *exec) createdReport(s *set, r *engine.CreatedReport) bool {
	return x.object(s, func(f *field) bool {
		switch f.mean.Kind {
		case app.ReportID:
			x.b = append(r.ID.Append(append(x.b, '"')), '"')
		case app.ReportName:
			x.text(r.Name)
		case app.ReportForm:
			x.text(r.Form)
		case app.ReportColumns:
			return x.array(len(r.Columns), func(i int) bool {
				x.text(r.Columns[i])
				return true
			})
		case app.ReportWhere:
			return x.json(f, r.Where)
		case app.ReportOrderBy:
			return x.array(len(r.OrderBy), func(i int) bool {
				return x.object(f.sub, func(g *field) bool { return x.orderKey(g, &r.OrderBy[i]) })
			})
		case app.ReportMaker:
			return x.object(f.sub, func(g *field) bool { return x.user(g, r.Maker) })
		case app.ReportMade:
			x.text(r.Made.Format(time.RFC3339Nano))
		case app.ReportChanged:
			x.text(r.Changed.Format(time.RFC3339Nano))
		case app.ReportMayChange:
			return x.json(f, r.MayChange)
		default:
			return x.unknown(f)
		}
		return true
	})
}

func (x *exec) orderKey(f *field, k *engine.Order) bool {
	switch f.mean.Kind {
	case app.OrderKeyField:
		x.text(pathOf(k))
	case app.OrderKeyDirection:
		x.text(either(k.Desc, "DESC", "ASC"))
	case app.OrderKeyNulls:
		x.text(either(k.NullsFirst, "FIRST", "LAST"))
	default:
		return x.unknown(f)
	}
	return true
}

// pathOf names what a key orders by: the lookups that lead to it, and the field.
func pathOf(k *engine.Order) string {
	var b strings.Builder
	for _, step := range k.Path {
		b.WriteString(step.Name)
		b.WriteByte('.')
	}
	return b.String() + k.Field.Name
}

func either(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// json writes plain values.
func (x *exec) json(f *field, v any) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return x.fail(f, fault.Wrap(fault.Internal, "resolvers/app", err, "a value that is no JSON"))
	}
	x.b = append(x.b, b...)
	return true
}

// keptReport answers a mutation of a created report.
func (x *exec) keptReport(f *field, id record.ID) bool {
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.ReportPayloadID:
			x.b = append(id.Append(append(x.b, '"')), '"')
			return true
		case app.ReportPayload:
			if f.mean.Kind == app.DeleteReport {
				return x.null()
			}
			r, err := x.req.Op.CreatedReport(f.mean.Form, id)
			if err != nil && x.req.Replay != nil && fault.KindOf(err) == fault.NotFound {
				return x.null() // deleted, or out of sight, since
			}
			if err != nil {
				return x.fail(g, err)
			}
			return x.createdReport(g.sub, &r)
		}
		return x.unknown(g)
	})
}

func (x *exec) changeReport(f *field) (id record.ID, err error) {
	if f.mean.Kind != app.CreateReport {
		if id, err = x.id(f); err != nil {
			return id, err
		}
	}
	if f.mean.Kind == app.DeleteReport {
		return id, x.req.Op.DeleteReport(f.mean.Form, id)
	}
	in, err := x.reportInput(f)
	if err != nil {
		return id, err
	}
	if f.mean.Kind == app.UpdateReport {
		return id, x.req.Op.UpdateReport(f.mean.Form, id, in)
	}
	return x.req.Op.CreateReport(f.mean.Form, in)
}

// reportInput reads the argument input: what is left out is nil, null empties.
func (x *exec) reportInput(f *field) (in engine.ReportInput, err error) {
	v, err := x.argument(f, "input")
	if err != nil {
		return in, err
	}
	given, _ := v.(map[string]any)
	if name, ok := given["name"]; ok {
		s, _ := name.(string)
		in.Name = &s
	}
	if columns, ok := given["columns"]; ok {
		items, _ := columns.([]any)
		names := make([]string, len(items))
		for i, c := range items {
			names[i], _ = c.(string)
		}
		in.Columns = &names
	}
	if where, ok := given["where"]; ok {
		in.Where = &where
	}
	if orderBy, ok := given["orderBy"]; ok {
		keys, err := x.orders(f, orderBy, "input.orderBy")
		if err != nil {
			return in, err
		}
		in.OrderBy = &keys
	}
	return in, nil
}
