package engine

import (
	"math"
	"slices"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// HavingScope returns the names that having may use: count, which is the number
// of records, and each of the given names with the functions of its field, as in
// {amount: {sum: {gt: "5"}}}. Pass it to filter.Parse.
func HavingScope(fields map[string]record.Field) filter.Scope { return havingScope(fields) }

type havingScope map[string]record.Field

// countField stands for the number of records.
var countField = record.Field{Name: "count", Type: record.Integer}

func (s havingScope) Field(name string) (record.Field, bool) {
	if name == countField.Name {
		return countField, true
	}
	f, ok := s[name]
	if !ok {
		return record.Field{}, false
	}
	// The language reaches what is below a name through a lookup.
	return record.Field{Number: f.Number, Name: name, Type: record.Lookup}, true
}

func (s havingScope) Related(f record.Field) (filter.Scope, bool) {
	of, ok := s[f.Name]
	return functionScope{of}, ok
}

type functionScope struct{ of record.Field }

var functionNames = map[string]Function{
	"count": Count, "countDistinct": CountDistinct, "sum": Sum, "avg": Avg, "min": Min, "max": Max,
}

// Field is what the function of that name gives: its number is the function.
func (s functionScope) Field(name string) (record.Field, bool) {
	fn := functionNames[name]
	if !FunctionsOf(&s.of).Has(fn) {
		return record.Field{}, false
	}
	f := record.Field{Number: uint32(fn), Name: name, Type: record.Integer}
	switch fn {
	case Sum:
		f.Type, f.Scale = s.of.Type, s.of.Scale
	case Avg:
		if f.Type = record.Duration; s.of.Type != record.Duration {
			f.Type, f.Scale = record.Decimal, uint8(places(&s.of)+AvgPlaces)
		}
	case Min, Max:
		f.Type, f.Scale, f.Prefix, f.Digits = s.of.Type, s.of.Scale, s.of.Prefix, s.of.Digits
		if f.Type.Kind() == record.KindText {
			f.Type = record.Text // the lowest of some choices is a text to compare
		}
	}
	return f, true
}

func (s functionScope) Related(record.Field) (filter.Scope, bool) { return nil, false }

// checkHaving takes down which functions having reads. It must be what
// HavingScope allows.
func (a *aggregator) checkHaving() error {
	if a.q.Having == nil {
		return nil
	}
	if err := a.havingNeeds(a.q.Having); err != nil {
		return err
	}
	a.having = filter.Compile(a.q.Having)
	return nil
}

var errHaving = fault.New(fault.Invalid, opAggregate, "having: not a condition on groups")

func (a *aggregator) havingNeeds(e filter.Expr) error {
	switch e := e.(type) {
	case filter.And:
		return a.allNeeds(e)
	case filter.Or:
		return a.allNeeds(e)
	case filter.Not:
		return a.havingNeeds(e.X)
	case *filter.Compare:
		if e.Field.Number == countField.Number {
			return nil
		}
	case *filter.Related:
		return a.functionNeeds(e.Field.Number, e.Where)
	}
	return errHaving
}

func (a *aggregator) allNeeds(es []filter.Expr) error {
	for _, x := range es {
		if err := a.havingNeeds(x); err != nil {
			return err
		}
	}
	return nil
}

func (a *aggregator) functionNeeds(number uint32, e filter.Expr) error {
	for _, x := range conjuncts(e) {
		c, ok := x.(*filter.Compare)
		if !ok || c.Field.Number > uint32(Max) {
			return errHaving
		}
		fn := Function(c.Field.Number)
		if _, err := a.need(number, fn); err != nil {
			return err
		}
		// Sums and averages beyond 64 bits are compared as the nearest of them.
		if (fn == Sum || fn == Avg) && slices.ContainsFunc(c.Args, outermost) {
			return fault.New(fault.Invalid, opAggregate, "having: a number out of range")
		}
	}
	return nil
}

func outermost(o filter.Operand) bool {
	return o.Value.Kind() == record.KindInt && (o.Value.Int() == math.MaxInt64 || o.Value.Int() == math.MinInt64)
}

// keeps reports whether having lets a group through.
func (a *aggregator) keeps(g *group) bool {
	return a.having == nil || a.having.Match(groupReader{g}, a.op.principal.User)
}

// groupReader gives the values of a group to having.
type groupReader struct{ g *group }

var _ filter.Reader = groupReader{}

func (r groupReader) Get(f *record.Field) record.Value {
	if f.Number == countField.Number && f.Type == record.Integer {
		return record.Int(int64(r.g.count))
	}
	return record.Value{}
}

func (r groupReader) Related(f *record.Field) (filter.Reader, bool) {
	i := r.g.measure(f.Number)
	return measureReader{r.g, i}, i >= 0
}

// measure returns the position of what is computed over a field, -1 for nothing.
func (g *group) measure(number uint32) int {
	return slices.IndexFunc(g.measures, func(m Measure) bool { return m.Field.Number == number })
}

type measureReader struct {
	g *group
	i int
}

func (r measureReader) Related(*record.Field) (filter.Reader, bool) { return nil, false }

func (r measureReader) Get(f *record.Field) record.Value {
	s := &r.g.summaries[r.i]
	switch Function(f.Number) {
	case Count:
		return record.Int(int64(s.count))
	case CountDistinct:
		return record.Int(int64(len(s.distinct)))
	case Sum:
		if s.count > 0 {
			return record.Int(s.sum.clamped())
		}
	case Avg:
		if s.count > 0 {
			return record.Int(s.avg(&r.g.measures[r.i].Field).clamped())
		}
	case Min:
		return s.min
	case Max:
		return s.max
	}
	return record.Value{}
}
