package app

import (
	"fmt"
	"strings"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// argument returns a coerced argument, nil when it was left out or null.
func (x *exec) argument(f *field, name string) (any, error) {
	v, _, err := argument(x.r.schema.AST, f.node, name, x.r.vars)
	if err != nil {
		return nil, fault.New(fault.Invalid, "resolvers/app", "argument %s%s", name, err)
	}
	return v, nil
}

// id reads the argument id. Text that is not an id names nothing, as an id does
// that nobody has.
func (x *exec) id(f *field) (record.ID, error) { return x.idNamed(f, "id") }

func (x *exec) idNamed(f *field, argument string) (record.ID, error) {
	v, err := x.argument(f, argument)
	if err != nil {
		return record.ID{}, err
	}
	s, _ := v.(string)
	if id, bad := record.ParseID(s); bad == nil {
		return id, nil
	}
	return record.ID{}, nil
}

// listOf reads the arguments of a field that lists records.
func (x *exec) listOf(f *field) (engine.List, error) {
	q := engine.List{Form: f.mean.Form, Report: f.mean.Report, Total: f.sub.total, Previous: f.sub.before, Next: f.sub.after}
	w, err := x.windowOf(f, engine.MaxPage)
	if err != nil {
		return q, err
	}
	q.First, q.Backward, q.After, q.Before = w.first, w.backward, w.after, w.before
	if f.sub.countsOnly() {
		q.First = 0
	}
	if q.Search, err = x.searchOf(f); err != nil {
		return q, err
	}
	if q.Created, err = x.reportOf(f); err != nil {
		return q, err
	}
	if q.OrderBy, err = x.orderOf(f); err != nil {
		return q, err
	}
	q.Where, err = x.whereOf(f)
	return q, err
}

func (x *exec) firstOf(f *field) (int, error) {
	v, err := x.argument(f, "first")
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if !ok {
		return app.DefaultFirst, nil
	}
	if n < 0 || n > engine.MaxPage {
		return 0, fault.New(fault.Invalid, "resolvers/app", "argument first: expected 0 to %d", engine.MaxPage)
	}
	return int(n), nil
}

// window is which page of a list is asked for.
type window struct {
	first         int  // how many
	backward      bool // from the end of the list
	after, before string
}

// windowOf reads first, after, last and before; most is the largest page.
func (x *exec) windowOf(f *field, most int64) (window, error) {
	w := window{first: app.DefaultFirst}
	first, err := x.argument(f, "first")
	if err != nil {
		return w, err
	}
	last, err := x.argument(f, "last")
	if err != nil {
		return w, err
	}
	if first != nil && last != nil {
		return w, fault.New(fault.Invalid, "resolvers/app", "arguments first and last: expected one of them; first counts from the beginning of the list, last from its end")
	}
	w.backward = last != nil
	name, size := "first", first
	if w.backward {
		name, size = "last", last
	}
	if n, given := size.(int64); given {
		if n < 0 || n > most {
			return w, fault.New(fault.Invalid, "resolvers/app", "argument %s: expected 0 to %d", name, most)
		}
		w.first = int(n)
	}
	if w.after, err = x.cursorOf(f, "after"); err != nil {
		return w, err
	}
	w.before, err = x.cursorOf(f, "before")
	return w, err
}

// cursorOf reads a cursor; an empty text is none.
func (x *exec) cursorOf(f *field, name string) (string, error) {
	v, err := x.argument(f, name)
	s, _ := v.(string)
	return s, err
}

func (x *exec) orderOf(f *field) ([]engine.Order, error) {
	v, err := x.argument(f, "orderBy")
	if err != nil {
		return nil, err
	}
	return x.orders(f, v, "orderBy")
}

func (x *exec) whereOf(f *field) (filter.Expr, error) {
	v, err := x.argument(f, "where")
	if err != nil || v == nil {
		return nil, err
	}
	e, faults := filter.Parse(v, x.req.Op.Scope(f.mean.Form), filter.Options{})
	if len(faults) > 0 {
		return nil, fault.New(fault.Invalid, "resolvers/app", "%s", filterFaults("where", faults))
	}
	return e, nil
}

// filterFaults says what is wrong with a filter, at most five things of it.
func filterFaults(argument string, faults []filter.Fault) string {
	var b strings.Builder
	for i, w := range faults {
		if i == 5 {
			fmt.Fprintf(&b, "; and %d more", len(faults)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.Join(append([]string{argument}, w.Path...), "."))
		b.WriteString(": ")
		b.WriteString(w.Msg)
	}
	return b.String()
}
