package oracle

import (
	"encoding/json"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// TestComparisons holds the two-valued table (F7): for every operator a value,
// and null.
func TestComparisons(t *testing.T) {
	multi := record.List("open", "won")
	for _, c := range []struct {
		typ        record.Type
		cell       record.Value
		op         string
		arg        any
		want, null bool
	}{
		{record.Integer, record.Int(5), "eq", 5, true, false},
		{record.Integer, record.Int(5), "eq", json.Number("6"), false, false},
		{record.Integer, record.Int(5), "ne", 5, false, true},
		{record.Integer, record.Int(5), "in", []any{4, 5}, true, false},
		{record.Integer, record.Int(5), "in", []any{}, false, false},
		{record.Integer, record.Int(5), "notIn", []any{4, 5}, false, true},
		{record.Integer, record.Int(5), "notIn", []any{}, true, true},
		{record.Integer, record.Int(5), "lt", 5, false, false},
		{record.Integer, record.Int(5), "lte", 5, true, false},
		{record.Integer, record.Int(5), "gt", 4, true, false},
		{record.Integer, record.Int(5), "gte", 6, false, false},
		{record.Integer, record.Int(5), "between", []any{5, 6}, true, false},
		{record.Integer, record.Int(5), "between", []any{6, 5}, false, false},
		{record.Integer, record.Int(5), "isNull", true, false, true},
		{record.Integer, record.Int(5), "isNull", false, true, false},
		{record.Integer, record.Int(5), "eq", nil, false, false},
		{record.Decimal, record.Int(1250), "eq", "12.5", true, false},
		{record.Decimal, record.Int(1250), "lt", "12.51", true, false},
		{record.Decimal, record.Int(-50), "lt", "-0.49", true, false},
		{record.Date, record.Int(-1), "eq", "1969-12-31", true, false},
		{record.Date, record.Int(20000), "gt", "2024-10-03", true, false},
		{record.DateTime, record.Int(1_500_000), "eq", "1970-01-01T01:00:01.5+01:00", true, false},
		{record.Boolean, record.Bool(false), "eq", false, true, false},
		{record.Boolean, record.Bool(false), "ne", true, true, true},
		{record.Text, record.String("Abc"), "lt", "a", true, false},
		{record.Text, record.String("Abc"), "contains", "b", true, false},
		{record.Text, record.String("Abc"), "contains", "B", false, false},
		{record.Text, record.String("Abc"), "startsWith", "", true, false},
		{record.Text, record.String("Abc"), "startsWith", "a", false, false},
		{record.Text, record.String("Abc"), "endsWith", "bc", true, false},
		{record.Text, record.String("Abc"), "iContains", "BC", true, false},
		{record.Text, record.String("Abc"), "iStartsWith", "aB", true, false},
		{record.Text, record.String("Abc"), "iEndsWith", "aB", false, false},
		{record.Text, record.String("ri\u017f\u212a"), "iContains", "RISK", true, false},
		{record.Text, record.String("Straße"), "iContains", "STRASSE", false, false},
		{record.MultiChoice, multi, "has", "won", true, false},
		{record.MultiChoice, multi, "has", "lost", false, false},
		{record.MultiChoice, multi, "hasAny", []any{"lost", "won"}, true, false},
		{record.MultiChoice, multi, "hasAny", []any{}, false, false},
		{record.MultiChoice, multi, "hasAll", []any{"lost", "won"}, false, false},
		{record.MultiChoice, multi, "hasAll", []any{}, true, false},
		{record.MultiChoice, record.List(), "isNull", true, false, true},
		{record.User, record.Ref(id("u")), "eq", "VIEWER", true, false},
		{record.User, record.Ref(id("u")), "in", []any{id("v").String(), id("u").String()}, true, false},
		{record.User, record.Ref(id("v")), "ne", "VIEWER", true, true},
	} {
		f := record.Field{Number: 16, Name: "x", Type: c.typ}
		if c.typ == record.Decimal {
			f.Scale = 2
		}
		form := &definition.Form{Name: "F", Fields: []*definition.Field{{Field: f}}}
		for i, cells := range []map[string]record.Value{{"x": c.cell}, {}} {
			want := []bool{c.want, c.null}[i]
			r := reader{&World{}, &User{ID: id("u")}, form, &Record{Cells: cells}, true}
			where := map[string]any{"x": map[string]any{c.op: c.arg}}
			if got := matches(r, where); got != want {
				t.Errorf("%v %v %v on %v: %v, want %v", c.typ, c.op, c.arg, cells, got, want)
			}
			if got := matches(r, map[string]any{"not": where}); got == want {
				t.Errorf("not is no complement for %v %v on %v", c.op, c.arg, cells)
			}
		}
	}
}

func TestOperators(t *testing.T) {
	form := &definition.Form{Name: "F", Fields: []*definition.Field{{Field: record.Field{Number: 16, Name: "x", Type: record.Integer}}}}
	r := reader{&World{}, &User{}, form, &Record{Cells: map[string]record.Value{"x": record.Int(5)}}, true}
	yes, no := map[string]any{"x": map[string]any{"eq": 5}}, map[string]any{"x": map[string]any{"eq": 6}}
	for _, c := range []struct {
		where map[string]any
		want  bool
	}{
		{nil, true}, {map[string]any{}, true},
		{map[string]any{"and": []any{}}, true}, {map[string]any{"or": []any{}}, false},
		{map[string]any{"and": []any{yes, no}}, false}, {map[string]any{"or": []any{no, yes}}, true},
		{map[string]any{"not": map[string]any{}}, false},
		{map[string]any{"or": []any{yes}, "not": yes}, false},
		{map[string]any{"x": map[string]any{"gte": 5, "lt": 5}}, false},
		{map[string]any{"version": map[string]any{"eq": 0}, "x": map[string]any{"gte": 5, "lt": 6}}, true},
	} {
		if got := matches(r, c.where); got != c.want {
			t.Errorf("%v: %v, want %v", c.where, got, c.want)
		}
	}
}
