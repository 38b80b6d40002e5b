package filter_test

import (
	"fmt"
	"testing"

	"sluice/internal/filter"
	"sluice/internal/record"
)

var watchersField = record.Field{Number: 40, Name: "watchers", Type: record.MultiLookup, Target: 2}

// watchers is a reader whose list leads to some rows.
type watchers struct {
	row
	found []*row
}

func (w *watchers) Quantify(q *filter.Quantified, viewer record.ID) bool {
	p := filter.Compile(q.Where)
	for _, r := range w.found {
		if answer, decided := q.Kind.Decided(p.Match(r, viewer)); decided {
			return answer
		}
	}
	return q.Kind != filter.Some
}

// TestF7_QuantifiedLists reads some, every and none beside the operators of a list,
// and decides them for lists of none, one and two records.
func TestF7_QuantifiedLists(t *testing.T) {
	region := func(s string) *row { return &row{cells: map[uint32]record.Value{16: record.String(s)}} }
	rows := []*watchers{{}, {found: []*row{region("a")}}, {found: []*row{region("a"), region("b")}}, {found: []*row{region("b")}}}
	for i, r := range rows {
		r.cells = map[uint32]record.Value{40: record.Refs(record.ID{15: byte(i + 1)})}
	}
	rows[0].cells = nil
	keys := map[string]bool{}
	for _, c := range []struct {
		src  map[string]any
		want string
	}{
		{where("watchers", "some", where("region", "eq", "a")), "[false true true false]"},
		{where("watchers", "every", where("region", "eq", "a")), "[true true false false]"},
		{where("watchers", "none", where("region", "eq", "a")), "[true false false true]"},
		{where("watchers", "some", map[string]any{}), "[false true true true]"},
		{where("watchers", "none", map[string]any{}), "[true false false false]"},
		{map[string]any{"watchers": map[string]any{"every": where("region", "eq", "a"), "isNull": false}}, "[false true false false]"},
		{map[string]any{"not": where("watchers", "every", where("region", "eq", "a"))}, "[false false true true]"},
		{map[string]any{"watchers": map[string]any{"some": where("region", "eq", "b"), "has": record.ID{15: 3}.String()}}, "[false false true false]"},
	} {
		e, faults := filter.Parse(c.src, scope{watchersField}, filter.Options{})
		if len(faults) > 0 {
			t.Fatalf("%v: %v", c.src, faults)
		}
		var got []bool
		for _, r := range rows {
			got = append(got, filter.Compile(e).Match(r, viewer))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v: %v, want %s", c.src, got, c.want)
		}
		if filter.Compile(e).Match(&row{cells: rows[1].cells}, viewer) {
			t.Errorf("%v matches on a reader that follows no lists", c.src)
		}
		if fs := filter.Fields(e); len(fs) != 1 || fs[0].Number != 40 {
			t.Errorf("%v reads %v", c.src, fs)
		}
		if key := string(filter.AppendCanonical(nil, e)); keys[key] {
			t.Errorf("%v has the encoding of another filter", c.src)
		} else {
			keys[key] = true
		}
	}
}

// TestQuantifiedListsAreChecked refuses what is not in the scope, as unknown, and
// trees that are neither about a list nor about records that lead here.
func TestQuantifiedListsAreChecked(t *testing.T) {
	closed := watchersField
	closed.Target = 3
	for _, c := range []struct {
		f    record.Field
		src  map[string]any
		want string
	}{
		{watchersField, where("watchers", "some", where("nope", "eq", 1)), `[{[watchers some nope] unknown name "nope"}]`},
		{watchersField, where("watchers", "some", 1), `[{[watchers some] expected an object of fields, and, or, not, got a number}]`},
		{closed, where("watchers", "some", map[string]any{}), `[{[watchers some] unknown operator "some" for a field of type multi-lookup; expected one of has, hasAny, hasAll, isNull}]`},
		{record.Field{Number: 40, Name: "watchers", Type: record.Users, Target: 2}, where("watchers", "some", map[string]any{}), `[{[watchers some] unknown operator "some" for a field of type users; expected one of has, hasAny, hasAll, isNull}]`},
	} {
		if _, faults := filter.Parse(c.src, scope{c.f}, filter.Options{}); fmt.Sprint(faults) != c.want {
			t.Errorf("%v: %v", c.src, faults)
		}
	}
	lookup := record.Field{Number: 27, Name: "customer", Type: record.Lookup, Target: 2}
	for i, q := range []*filter.Quantified{
		{Kind: filter.Every, Where: filter.And{}}, {Kind: filter.Every, List: lookup, Where: filter.And{}}, {List: watchersField, Where: filter.And{}},
		{Kind: filter.Every, List: watchersField}, {Kind: filter.Every, List: watchersField, By: filter.Reverse{Form: 2, Lookup: lookup}, Where: filter.And{}},
	} {
		if filter.Compile(q).Valid() || filter.Compile(filter.Not{X: q}).Match(&watchers{}, viewer) {
			t.Errorf("%d: a damaged filter is one", i)
		}
	}
}
