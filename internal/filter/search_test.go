package filter_test

import (
	"bytes"
	"strings"
	"testing"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// notes are fields of which the last cannot be searched.
var notes = []record.Field{
	{Number: 20, Name: "title", Type: record.Text, Searchable: true}, {Number: 21, Name: "body", Type: record.LongText, Searchable: true},
	{Number: 22, Name: "mail", Type: record.Email, Searchable: true}, {Number: 23, Name: "plain", Type: record.Text},
}

type noteScope struct{}

func (noteScope) Field(name string) (record.Field, bool) {
	for _, f := range notes {
		if f.Name == name {
			return f, true
		}
	}
	return record.Field{}, false
}

func (noteScope) Related(record.Field) (filter.Scope, bool) { return nil, false }

func note(title, body string) *row {
	r := &row{cells: map[uint32]record.Value{20: record.String(title), 23: record.String("red pump")}}
	if body != "" {
		r.cells[21] = record.String(body)
	}
	return r
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		field, query string
		want         bool
	}{
		{"title", "pump", true}, {"title", "PUMP red", true}, {"title", `"red pump"`, true}, {"title", `"pump red"`, false},
		{"title", "pu*", true}, {"title", "pu", false}, {"title", "valve", false}, {"title", "red valve", false},
		{"body", "pump", false}, {"mail", "pump", false},
	} {
		e, faults := filter.Parse(map[string]any{c.field: map[string]any{"matches": c.query}}, noteScope{}, filter.Options{})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		r := note("A red pump", "")
		if got := filter.Compile(e).Match(r, record.ID{}); got != c.want {
			t.Errorf("%s matches %q: %v", c.field, c.query, got)
		}
		if got := filter.Compile(filter.Not{X: e}).Match(r, record.ID{}); got == c.want {
			t.Errorf("not is no complement of %s matches %q", c.field, c.query)
		}
	}
}

func TestMatchesFaults(t *testing.T) {
	for _, c := range []struct {
		where map[string]any
		want  string
	}{
		{map[string]any{"plain": map[string]any{"matches": "x"}}, `unknown operator "matches"`},
		{map[string]any{"title": map[string]any{"matches": ""}}, "at least one word"},
		{map[string]any{"title": map[string]any{"matches": "p*p"}}, "* at the end of a word only"},
		{map[string]any{"title": map[string]any{"matches": nil}}, "null cannot be compared with"},
		{map[string]any{"title": map[string]any{"matches": 5}}, "expected text"},
		{map[string]any{"title": map[string]any{"matches": []any{"x"}}}, "expected text"},
		{map[string]any{"title": map[string]any{"like": "x"}}, "iEndsWith, matches"},
	} {
		e, faults := filter.Parse(c.where, noteScope{}, filter.Options{})
		if e != nil || len(faults) != 1 || !strings.Contains(faults[0].Msg, c.want) {
			t.Errorf("%v: %v, %v", c.where, e, faults)
		}
	}
}

// TestSearchExpr: a search is over several fields, each word in one of them.
func TestSearchExpr(t *testing.T) {
	over := func(query string, fields ...record.Field) *filter.Search {
		return &filter.Search{Fields: fields, Query: query}
	}
	r := note("A red pump", "for Zylker")
	for _, c := range []struct {
		e    filter.Expr
		want bool
	}{
		{over("pump zylker", notes[:3]...), true}, {over("pump zylker", notes[0]), false}, {over("pump valve", notes[:3]...), false},
		{over(`"pump for"`, notes[:3]...), false}, {filter.Not{X: over("valve", notes[:3]...)}, true},
		// What no query and no permission makes matches nothing, nor does its complement.
		{over("", notes[:3]...), false}, {filter.Not{X: over("p*p", notes[0])}, false}, {over("pump", notes...), false},
		{filter.Not{X: over("valve", notes...)}, false}, {(*filter.Search)(nil), false}, {filter.Not{X: (*filter.Search)(nil)}, false}, {over("pump"), false},
		{&filter.Compare{Field: notes[3], Op: filter.Matches, Args: []filter.Operand{{Value: record.String("pump")}}}, false},
		{filter.Not{X: &filter.Compare{Field: notes[0], Op: filter.Matches, Args: []filter.Operand{{Value: record.String("")}}}}, false},
		{filter.Not{X: &filter.Compare{Field: notes[0], Op: filter.Matches}}, false},
	} {
		if got := filter.Compile(c.e).Match(r, record.ID{}); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
	}
	if fs := filter.Fields(filter.And{over("x", notes[1], notes[0])}); len(fs) != 2 || fs[0].Number != 20 {
		t.Errorf("the fields of a search are %v", fs)
	}
	seen := map[string]bool{}
	for _, e := range []filter.Expr{over("x", notes[0]), over("y", notes[0]), over("x", notes[1]), over("x", notes[:2]...), filter.And{over("x", notes[0])}, over("xy", notes[0])} {
		code := filter.AppendCanonical(nil, e)
		if seen[string(code)] {
			t.Errorf("%+v has the code of another", e)
		}
		for other := range seen {
			if bytes.HasPrefix(code, []byte(other)) || bytes.HasPrefix([]byte(other), code) {
				t.Errorf("%x and %x: one begins with the other", code, other)
			}
		}
		seen[string(code)] = true
	}
}
