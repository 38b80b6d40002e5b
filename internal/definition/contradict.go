package definition

import (
	"math"
	"slices"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// neverHolds reports whether no record can match e, as far as can be told by
// looking at one field at a time. It errs towards false.
func neverHolds(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.Or:
		return !slices.ContainsFunc(e, func(x filter.Expr) bool { return !neverHolds(x) })
	case filter.Not:
		and, ok := e.X.(filter.And)
		return ok && len(and) == 0
	}
	byField := map[uint32][]filter.Expr{}
	for _, x := range conjuncts(e) {
		switch x := x.(type) {
		case filter.Or:
			if neverHolds(x) {
				return true
			}
		case filter.Not:
			if neverHolds(x) {
				return true
			}
		}
		if fs := filter.Fields(x); len(fs) == 1 && plain(x) {
			byField[fs[0].Number] = append(byField[fs[0].Number], x)
		}
	}
	for _, parts := range byField {
		if fieldContradicts(parts) {
			return true
		}
	}
	return false
}

// conjuncts returns what must hold for e to hold, nested Ands taken apart.
func conjuncts(e filter.Expr) []filter.Expr {
	and, ok := e.(filter.And)
	if !ok {
		return []filter.Expr{e}
	}
	var out []filter.Expr
	for _, x := range and {
		out = append(out, conjuncts(x)...)
	}
	return out
}

// plain reports whether e depends on the cells of its own record alone.
func plain(e filter.Expr) bool {
	ok := true
	comparisons(e, func(c *filter.Compare) {
		ok = ok && c != nil && !slices.ContainsFunc(c.Args, func(a filter.Operand) bool { return a.Viewer })
	})
	return ok
}

// comparisons calls fn for every comparison of e, with nil for what is none.
func comparisons(e filter.Expr, fn func(*filter.Compare)) {
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			comparisons(x, fn)
		}
	case filter.Or:
		for _, x := range e {
			comparisons(x, fn)
		}
	case filter.Not:
		comparisons(e.X, fn)
	case *filter.Compare:
		fn(e)
	default:
		fn(nil)
	}
}

// fieldContradicts reports whether no value of one field satisfies all parts,
// by trying a complete choice of values where there is one.
func fieldContradicts(parts []filter.Expr) bool {
	values, complete := candidates(parts)
	if !complete {
		return false
	}
	match := filter.Compile(filter.And(parts))
	return !slices.ContainsFunc(values, func(v record.Value) bool { return match.Match(cell(v), record.ID{}) })
}

// candidates returns values of which one satisfies all parts if any value does.
func candidates(parts []filter.Expr) (values []record.Value, complete bool) {
	for _, p := range parts {
		c, ok := p.(*filter.Compare)
		switch {
		case !ok:
		case c.Op == filter.Eq, c.Op == filter.In:
			return constants(c), true
		case c.Op == filter.IsNull && len(c.Args) == 1 && c.Args[0].Value.Bool():
			return []record.Value{{}}, true
		}
	}
	values = []record.Value{{}}
	for _, p := range parts {
		comparisons(p, func(c *filter.Compare) {
			switch kind := c.Field.Type.Kind(); {
			case c.Field.Type == record.Boolean:
				complete, values = true, append(values, record.Bool(false), record.Bool(true))
			case c.Field.Type == record.Choice:
				// Values that are no longer declared may still be stored.
				complete, values = true, append(values, record.String("\x00"))
				for _, choice := range c.Field.Choices {
					values = append(values, record.String(choice))
				}
			case kind == record.KindInt:
				complete = true
				for _, v := range constants(c) {
					values = append(values, around(v)...)
				}
			}
		})
	}
	return values, complete
}

func constants(c *filter.Compare) []record.Value {
	out := make([]record.Value, 0, len(c.Args))
	for _, a := range c.Args {
		out = append(out, a.Value)
	}
	return out
}

// around returns a number and its neighbours: between two constants of a filter
// all numbers fare alike.
func around(v record.Value) []record.Value {
	if v.Kind() != record.KindInt {
		return []record.Value{record.Int(0)} // the argument of isNull
	}
	out := []record.Value{v}
	if v.Int() > math.MinInt64 {
		out = append(out, record.Int(v.Int()-1))
	}
	if v.Int() < math.MaxInt64 {
		out = append(out, record.Int(v.Int()+1))
	}
	return out
}

// cell is a record that has the same value everywhere.
type cell record.Value

func (c cell) Get(*record.Field) record.Value              { return record.Value(c) }
func (c cell) Related(*record.Field) (filter.Reader, bool) { return nil, false }
