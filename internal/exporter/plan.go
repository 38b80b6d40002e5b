package exporter

import (
	"fmt"
	"slices"
	"strings"

	"sluice/engine"
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

const opPlan = "exporter.plan"

// column is a field of the form, or of what a lookup of it leads to.
type column struct {
	name  string
	field record.Field
	of    *record.Field // of the target; nil for the form's own
}

// plan is what is written of each record.
type plan struct {
	op      *engine.Op
	columns []column
	list    engine.List
}

// newPlan checks the options against what the viewer sees. A name that is hidden
// answers like one that never existed.
func newPlan(op *engine.Op, shape *policy.FormShape, o *Options) (*plan, error) {
	p := &plan{op: op, list: engine.List{Form: shape.Form.Number}}
	names, err := p.report(shape, o.Report)
	if err != nil {
		return nil, err
	}
	if len(o.Columns) > 0 {
		names = o.Columns
	}
	if len(names) == 0 {
		names = own(op, shape)
	}
	for i, name := range names {
		c, ok := p.column(shape, name)
		switch {
		case !ok:
			return nil, fault.New(fault.Invalid, opPlan, "columns: %s is not a field of %s", quoted(name), shape.Form.Name)
		case slices.Contains(names[:i], name):
			return nil, fault.New(fault.Invalid, opPlan, "columns: %s stands twice", quoted(name))
		}
		p.columns = append(p.columns, c)
	}
	if p.list.OrderBy, err = order(op, shape, o.OrderBy); err != nil {
		return nil, err
	}
	p.list.Where, err = where(op, shape, o.Where)
	return p, err
}

// report puts a report into the list and returns the columns that it shows.
func (p *plan) report(shape *policy.FormShape, name string) (columns []string, err error) {
	if name == "" {
		return nil, nil
	}
	if id, err := record.ParseID(name); err == nil {
		r, err := p.op.CreatedReport(shape.Form.Number, id)
		p.list.Created = id
		return r.Columns, err
	}
	for _, r := range shape.Reports {
		if r.Name != name {
			continue
		}
		p.list.Report = name
		for _, c := range r.Columns { // they choose and protect nothing (B3a)
			if _, ok := p.op.Field(shape.Form.Number, c); ok {
				columns = append(columns, c)
			}
		}
		return columns, nil
	}
	return nil, fault.New(fault.NotFound, opPlan, "report: not found")
}

// own are the fields of the form itself that the viewer sees.
func own(op *engine.Op, shape *policy.FormShape) (names []string) {
	for _, f := range shape.Form.Fields {
		if _, ok := op.Field(shape.Form.Number, f.Name); ok {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		names = []string{"id"}
	}
	return names
}

func (p *plan) column(shape *policy.FormShape, name string) (column, bool) {
	first, rest, through := strings.Cut(name, ".")
	f, ok := p.op.Field(shape.Form.Number, first)
	c := column{name: name, field: f}
	if !ok || !through {
		return c, ok
	}
	if f.Type != record.Lookup {
		return c, false
	}
	of, ok := p.op.Field(f.Target, rest)
	c.of = &of
	return c, ok && !of.Type.Links()
}

func order(op *engine.Op, shape *policy.FormShape, keys []string) ([]engine.Order, error) {
	var out []engine.Order
	for _, key := range keys {
		words := strings.Split(key, ":")
		f, ok := op.Field(shape.Form.Number, words[0])
		k := engine.Order{Field: f}
		rest := words[1:]
		if len(rest) > 0 && (rest[0] == "desc" || rest[0] == "asc") {
			k.Desc, rest = rest[0] == "desc", rest[1:]
		}
		if len(rest) > 0 && rest[0] == "nullsFirst" {
			k.NullsFirst, rest = true, rest[1:]
		}
		if !ok || !f.Orderable() || len(rest) > 0 {
			return nil, fault.New(fault.Invalid, opPlan, "orderBy: %s is not a field that %s can be ordered by; expected field, field:desc, field:nullsFirst or field:desc:nullsFirst",
				quoted(words[0]), shape.Form.Name)
		}
		out = append(out, k)
	}
	return out, nil
}

func where(op *engine.Op, shape *policy.FormShape, src any) (filter.Expr, error) {
	if src == nil {
		return nil, nil
	}
	e, faults := filter.Parse(src, op.Shown(shape.Form.Number), filter.Options{})
	if len(faults) > 0 {
		f := faults[0]
		return nil, fault.New(fault.Invalid, opPlan, "%s: %s", strings.Join(append([]string{"where"}, f.Path...), "."), f.Msg)
	}
	return e, nil
}

// quoted keeps what the client wrote at a length that a message can bear.
func quoted(s string) string {
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
