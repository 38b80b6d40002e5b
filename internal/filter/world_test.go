package filter_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// The test forms: an order with a field of every type and a lookup to a
// customer, who has one to a region's customer again.
var (
	viewer = record.ID{15: 9}
	users  = []record.ID{viewer, {15: 1}, {15: 2}}
	tags   = []string{"hot", "cold", "new"}

	orderFields = []record.Field{
		{Number: 16, Name: "title", Type: record.Text},
		{Number: 17, Name: "notes", Type: record.LongText},
		{Number: 18, Name: "mail", Type: record.Email},
		{Number: 19, Name: "count", Type: record.Integer},
		{Number: 20, Name: "amount", Type: record.Decimal, Scale: 2},
		{Number: 21, Name: "due", Type: record.Date},
		{Number: 22, Name: "sent", Type: record.DateTime},
		{Number: 23, Name: "paid", Type: record.Boolean},
		{Number: 24, Name: "status", Type: record.Choice, Choices: tags},
		{Number: 25, Name: "tags", Type: record.MultiChoice, Choices: tags},
		{Number: 26, Name: "rep", Type: record.User},
		{Number: 27, Name: "customer", Type: record.Lookup, Target: 2},
		{Number: 28, Name: "vault", Type: record.Lookup, Target: 3},
	}
	customerFields = []record.Field{
		{Number: 16, Name: "region", Type: record.Text},
		{Number: 17, Name: "main", Type: record.Lookup, Target: 2},
	}
)

// scope names the fields given and the system fields; form 3 may not be named.
type scope []record.Field

func (s scope) Field(name string) (record.Field, bool) {
	for _, f := range append(slices.Clone(record.System), s...) {
		if f.Name == name {
			return f, true
		}
	}
	return record.Field{}, false
}

func (s scope) Related(f record.Field) (filter.Scope, bool) {
	return scope(customerFields), f.Target == 2
}

// row is a record of the test: cells by field number and lookups by number.
type row struct {
	cells   map[uint32]record.Value
	targets map[uint32]*row
}

func (r *row) Get(f *record.Field) record.Value { return r.cells[f.Number] }

func (r *row) Related(f *record.Field) (filter.Reader, bool) {
	t, ok := r.targets[f.Number]
	return t, ok
}

var words = []string{"", "a", "Ab", "aB", "abab", "ſtraße", "STRASSE", "Kelvin", "K", "Σίσυφος", "σΊΣΥΦΟΣ", "x y", "b", "İ", "ı", "é"}

func drawValue(t *rapid.T, f record.Field) record.Value {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return record.Value{}
	}
	switch f.Type.Kind() {
	case record.KindInt:
		return record.Int(rapid.Int64Range(-2, 2).Draw(t, "n"))
	case record.KindBool:
		return record.Bool(rapid.Bool().Draw(t, "b"))
	case record.KindRef:
		return record.Ref(rapid.SampledFrom(users).Draw(t, "user"))
	case record.KindList:
		return record.List(rapid.SliceOfNDistinct(rapid.SampledFrom(tags), 0, 3, rapid.ID[string]).Draw(t, "tags")...)
	}
	if f.Type == record.Choice {
		return record.String(rapid.SampledFrom(tags).Draw(t, "choice"))
	}
	return record.String(rapid.SampledFrom(words).Draw(t, "word"))
}

func drawRow(t *rapid.T, fields []record.Field, depth int) *row {
	r := &row{cells: map[uint32]record.Value{}, targets: map[uint32]*row{}}
	for _, f := range append(slices.Clone(record.System), fields...) {
		v := drawValue(t, f)
		if f.Type == record.Lookup && depth > 2 {
			v = record.Value{}
		}
		r.cells[f.Number] = v
		if f.Type == record.Lookup && !v.IsNull() {
			r.targets[f.Number] = drawRow(t, customerFields, depth+1)
		}
	}
	return r
}

// drawSource draws a filter as a client would write it.
func drawSource(t *rapid.T, s scope, depth int) map[string]any {
	src := map[string]any{}
	for range rapid.IntRange(0, 2).Draw(t, "keys") {
		form := rapid.IntRange(0, 7).Draw(t, "form")
		switch {
		case form < 2 && depth > 0:
			l := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "operands") {
				l = append(l, drawSource(t, s, depth-1))
			}
			src[[]string{"and", "or"}[form]] = l
		case form == 2 && depth > 0:
			src["not"] = drawSource(t, s, depth-1)
		default:
			f := rapid.SampledFrom(append(slices.Clone(record.System), s...)).Draw(t, "field")
			src[f.Name] = drawComparisons(t, s, f, depth)
		}
	}
	return src
}

func drawComparisons(t *rapid.T, s scope, f record.Field, depth int) any {
	ops := map[string]any{}
	if f.Type == record.Lookup && depth > 0 && f.Target == 2 && rapid.Bool().Draw(t, "nested") {
		related, _ := s.Related(f)
		ops = drawSource(t, related.(scope), depth-1)
		if rapid.Bool().Draw(t, "with isNull") {
			ops["isNull"] = rapid.Bool().Draw(t, "flag")
		}
		return ops
	}
	for range rapid.IntRange(1, 2).Draw(t, "operators") {
		op := rapid.SampledFrom(filter.Operators(f.Type)).Draw(t, "op")
		ops[op.String()] = drawArgument(t, f, op)
	}
	return ops
}

func drawArgument(t *rapid.T, f record.Field, op filter.Op) any {
	switch op {
	case filter.IsNull:
		return rapid.Bool().Draw(t, "flag")
	case filter.Between:
		return []any{drawOperand(t, f), drawOperand(t, f)}
	case filter.In, filter.NotIn, filter.HasAny, filter.HasAll:
		l := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			l = append(l, drawOperand(t, f))
		}
		return l
	}
	return drawOperand(t, f)
}

func drawOperand(t *rapid.T, f record.Field) any {
	switch f.Type {
	case record.Boolean:
		return rapid.Bool().Draw(t, "operand")
	case record.MultiChoice, record.Choice:
		return rapid.SampledFrom(tags).Draw(t, "operand")
	case record.User:
		if rapid.Bool().Draw(t, "VIEWER") {
			return "VIEWER"
		}
	case record.Text, record.LongText, record.Email:
		return rapid.SampledFrom(words).Draw(t, "operand")
	case record.Date:
		return rapid.SampledFrom([]string{"1969-12-31", "1970-01-01", "1970-01-02"}).Draw(t, "operand")
	case record.DateTime:
		return rapid.SampledFrom([]string{"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"}).Draw(t, "operand")
	case record.Decimal:
		return rapid.SampledFrom([]any{"-0.01", 0, 0.02, "0.01"}).Draw(t, "operand")
	case record.Integer:
		return rapid.IntRange(-2, 2).Draw(t, "operand")
	}
	return rapid.SampledFrom(users).Draw(t, "operand").String()
}

// naive evaluates a filter the slow way, from the meaning of each operator.
func naive(e filter.Expr, r *row, viewer record.ID) bool {
	switch e := e.(type) {
	case filter.And:
		all := true
		for _, x := range e {
			all = naive(x, r, viewer) && all
		}
		return all
	case filter.Or:
		some := false
		for _, x := range e {
			some = naive(x, r, viewer) || some
		}
		return some
	case filter.Not:
		return !naive(e.X, r, viewer)
	case *filter.Related:
		target := r.targets[e.Field.Number]
		return target != nil && naive(e.Where, target, viewer)
	case *filter.Compare:
		return naiveCompare(e, r, viewer)
	}
	panic("unknown expression")
}

func naiveCompare(c *filter.Compare, r *row, viewer record.ID) bool {
	v := r.cells[c.Field.Number]
	args := make([]record.Value, len(c.Args))
	equals, held := 0, 0
	for i, a := range c.Args {
		args[i] = a.Value
		if a.Viewer {
			args[i] = record.Ref(viewer)
		}
		if !v.IsNull() && v.Equal(args[i]) {
			equals++
		}
		for _, item := range v.List() {
			if string(item) == string(args[i].Text()) {
				held++
			}
		}
	}
	switch c.Op {
	case filter.IsNull:
		return v.IsNull() == args[0].Bool()
	case filter.Eq, filter.In:
		return equals > 0
	case filter.Ne, filter.NotIn:
		return equals == 0
	}
	if v.IsNull() {
		return false
	}
	text, upper := string(v.Text()), func(s string) string { return strings.Map(fold, s) }
	switch c.Op {
	case filter.Lt:
		return v.Compare(args[0]) < 0
	case filter.Lte:
		return v.Compare(args[0]) <= 0
	case filter.Gt:
		return v.Compare(args[0]) > 0
	case filter.Gte:
		return v.Compare(args[0]) >= 0
	case filter.Between:
		return v.Compare(args[0]) >= 0 && v.Compare(args[1]) <= 0
	case filter.Contains:
		return strings.Contains(text, string(args[0].Text()))
	case filter.StartsWith:
		return strings.HasPrefix(text, string(args[0].Text()))
	case filter.EndsWith:
		return strings.HasSuffix(text, string(args[0].Text()))
	case filter.IContains:
		return strings.Contains(upper(text), upper(string(args[0].Text())))
	case filter.IStartsWith:
		return strings.HasPrefix(upper(text), upper(string(args[0].Text())))
	case filter.IEndsWith:
		return strings.HasSuffix(upper(text), upper(string(args[0].Text())))
	case filter.Has, filter.HasAny:
		return held > 0
	case filter.HasAll:
		return held == len(args)
	}
	panic("unknown operator")
}

// fold is simple folding by asking strings.EqualFold about every rune of the
// test's alphabet.
func fold(r rune) rune {
	for _, w := range words {
		for _, x := range w {
			if strings.EqualFold(string(r), string(x)) {
				return x
			}
		}
	}
	return r
}
