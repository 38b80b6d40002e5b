package filter

import (
	"bytes"
	"slices"

	"sluice/internal/record"
)

// Program is a compiled filter. It is immutable and safe for concurrent use.
// The zero Program matches nothing.
type Program struct {
	match      matcher
	quantifies bool
}

type matcher = func(Reader, record.ID) bool

// Compile makes a filter ready to run. A nil Expr gives a Program that matches
// nothing, and so does a tree that is malformed anywhere (a nil operand, an
// operator that the field does not offer, arguments of a wrong number or kind):
// not around a damaged part must not open what it guards.
func Compile(e Expr) *Program {
	m, ok := compile(e)
	if !ok {
		return &Program{}
	}
	return &Program{match: m, quantifies: quantifies(e)}
}

// Valid reports whether the program is that of a filter without damage; one that
// is not matches nothing.
func (p *Program) Valid() bool { return p != nil && p.match != nil }

// Match reports whether the record matches, with VIEWER standing for viewer.
// Comparisons do not allocate beyond what r does.
func (p *Program) Match(r Reader, viewer record.ID) bool {
	if p == nil || p.match == nil {
		return false
	}
	if _, ok := r.(Quantifying); p.quantifies && !ok {
		return false
	}
	return p.match(r, viewer)
}

func compile(e Expr) (matcher, bool) {
	switch e := e.(type) {
	case And:
		ms, ok := compileAll(e)
		return and(ms), ok
	case Or:
		ms, ok := compileAll(e)
		return or(ms), ok
	case Not:
		m, ok := compile(e.X)
		return func(r Reader, viewer record.ID) bool { return !m(r, viewer) }, ok
	case *Compare:
		if !wellFormed(e) {
			return nil, false
		}
		if e.Op == Matches {
			return search([]record.Field{e.Field}, string(e.Args[0].Value.Text()))
		}
		return compare(e), true
	case *Related:
		if e == nil || e.Field.Type != record.Lookup {
			return nil, false
		}
		m, ok := compile(e.Where)
		f := &e.Field
		return func(r Reader, viewer record.ID) bool {
			target, reached := r.Related(f)
			return reached && m(target, viewer)
		}, ok
	case *Search:
		if e == nil {
			return nil, false
		}
		return search(e.Fields, e.Query)
	case *Quantified:
		return compileQuantified(e)
	}
	return nil, false
}

func compileAll(es []Expr) ([]matcher, bool) {
	ms := make([]matcher, 0, len(es))
	for _, e := range es {
		m, ok := compile(e)
		if !ok {
			return nil, false
		}
		ms = append(ms, m)
	}
	return ms, true
}

func and(ms []matcher) matcher {
	if len(ms) == 1 {
		return ms[0]
	}
	return func(r Reader, viewer record.ID) bool {
		for _, m := range ms {
			if !m(r, viewer) {
				return false
			}
		}
		return true
	}
}

func or(ms []matcher) matcher {
	if len(ms) == 1 {
		return ms[0]
	}
	return func(r Reader, viewer record.ID) bool {
		for _, m := range ms {
			if m(r, viewer) {
				return true
			}
		}
		return false
	}
}

// wellFormed reports whether Parse could have made c.
func wellFormed(c *Compare) bool {
	if c == nil || !offers(&c.Field, c.Op) {
		return false
	}
	kind := operandField(c.Field, c.Op).Type.Kind()
	switch c.Op.shape() {
	case flag:
		return len(c.Args) == 1 && !c.Args[0].Viewer && c.Args[0].Value.Kind() == record.KindBool
	case one:
		if len(c.Args) != 1 {
			return false
		}
	case pair:
		if len(c.Args) != 2 {
			return false
		}
	}
	for _, a := range c.Args {
		if a.Viewer && !ofUsers(c.Field.Type) || !a.Viewer && a.Value.Kind() != kind {
			return false
		}
	}
	return true
}

func compare(c *Compare) matcher {
	own := *c // the caller keeps c
	f := &own.Field
	switch c.Op {
	case Ne, NotIn:
		own.Op = In // of one value for Ne
		m := compare(&own)
		return func(r Reader, viewer record.ID) bool { return !m(r, viewer) }
	case IsNull:
		want := c.Args[0].Value.Bool()
		return func(r Reader, _ record.ID) bool { return r.Get(f).IsNull() == want }
	case Eq, In:
		return equalsAny(f, c.Args)
	case Lt, Lte, Gt, Gte:
		return ordered(f, c.Op, c.Args[0].Value.Clone())
	case Between:
		low, high := c.Args[0].Value.Clone(), c.Args[1].Value.Clone()
		return func(r Reader, _ record.ID) bool {
			v := r.Get(f)
			return v.Kind() == low.Kind() && v.Compare(low) >= 0 && v.Compare(high) <= 0
		}
	case Has, HasAny, HasAll:
		return holds(f, c.Op, c.Args)
	}
	return compareText(f, c.Op, bytes.Clone(c.Args[0].Value.Text()))
}

func ordered(f *record.Field, op Op, arg record.Value) matcher {
	switch op {
	case Lt:
		return func(r Reader, _ record.ID) bool { v := r.Get(f); return v.Kind() == arg.Kind() && v.Compare(arg) < 0 }
	case Lte:
		return func(r Reader, _ record.ID) bool { v := r.Get(f); return v.Kind() == arg.Kind() && v.Compare(arg) <= 0 }
	case Gt:
		return func(r Reader, _ record.ID) bool { v := r.Get(f); return v.Kind() == arg.Kind() && v.Compare(arg) > 0 }
	}
	return func(r Reader, _ record.ID) bool { v := r.Get(f); return v.Kind() == arg.Kind() && v.Compare(arg) >= 0 }
}

// equalsAny matches a cell that equals one of the operands.
func equalsAny(f *record.Field, args []Operand) matcher {
	var values []record.Value
	orViewer := false
	for _, a := range args {
		if a.Viewer {
			orViewer = true
		} else {
			values = append(values, a.Value.Clone())
		}
	}
	if len(values) == 1 && !orViewer {
		arg := values[0]
		return func(r Reader, _ record.ID) bool { v := r.Get(f); return !v.IsNull() && v.Compare(arg) == 0 }
	}
	slices.SortFunc(values, record.Value.Compare)
	return func(r Reader, viewer record.ID) bool {
		v := r.Get(f)
		if v.IsNull() {
			return false
		}
		if orViewer && v.Kind() == record.KindRef && v.Ref() == viewer {
			return true
		}
		_, found := slices.BinarySearchFunc(values, v, record.Value.Compare)
		return found
	}
}

// holds matches a list that holds one (Has, HasAny) or all (HasAll) of the
// operands.
func holds(f *record.Field, op Op, args []Operand) matcher {
	items, viewers := make([][]byte, 0, len(args)), false
	for _, a := range args {
		if id := a.Value.Ref(); a.Viewer {
			viewers = true
		} else if a.Value.Kind() == record.KindRef {
			items = append(items, id[:])
		} else {
			items = append(items, bytes.Clone(a.Value.Text()))
		}
	}
	all := op == HasAll
	return func(r Reader, viewer record.ID) bool {
		v := r.Get(f)
		if v.Kind() != record.KindList {
			return false
		}
		if viewers && v.Holds(viewer[:]) != all {
			return !all
		}
		for _, item := range items {
			if v.Holds(item) != all {
				return !all
			}
		}
		return all
	}
}
