package definition

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/filter"
	"sluice/internal/record"
)

func parsed(t *testing.T, f *Form, criteria map[string]any) filter.Expr {
	t.Helper()
	e, faults := filter.Parse(criteria, formScope{f}, filter.Options{AllowViewer: true})
	if len(faults) > 0 {
		t.Fatalf("%v: %v", criteria, faults)
	}
	return e
}

func orderForm(t *testing.T) *Form {
	f, _ := mustResolve(t, []byte(checkBase), context(nil)).Form("Order")
	return f
}

type m = map[string]any

func TestNeverHolds(t *testing.T) {
	f := orderForm(t)
	for _, c := range []struct {
		criteria m
		never    bool
	}{
		{m{}, false},
		{m{"status": m{"eq": "open"}}, false},
		{m{"status": m{"eq": "open", "ne": "open"}}, true},
		{m{"status": m{"in": []any{}}}, true},
		{m{"status": m{"isNull": true, "eq": "open"}}, true},
		{m{"status": m{"isNull": true, "ne": "open"}}, false},
		{m{"status": m{"notIn": []any{"open", "done"}, "isNull": false}}, false}, // a value that is declared no more
		{m{"title": m{"eq": "a", "startsWith": "b"}}, true},
		{m{"title": m{"startsWith": "a", "endsWith": "b"}}, false},
		{m{"amount": m{"gt": 3, "lt": 4}}, true},
		{m{"amount": m{"gte": 3, "lt": 4}}, false},
		{m{"amount": m{"between": []any{5, 4}}}, true},
		{m{"amount": m{"isNull": true, "lte": 4}}, true},
		{m{"or": []any{m{"amount": m{"gt": 3, "lt": 4}}, m{"status": m{"eq": "open", "ne": "open"}}}}, true},
		{m{"or": []any{m{"amount": m{"gt": 3, "lt": 4}}, m{"status": m{"eq": "open"}}}}, false},
		{m{"or": []any{}}, true},
		{m{"not": m{}}, true},
		{m{"rep": m{"eq": "VIEWER", "ne": "VIEWER"}}, false}, // not looked at
		{m{"and": []any{m{"status": m{"eq": "open"}}, m{"and": []any{m{"status": m{"eq": "done"}}}}}}, true},
	} {
		if got := neverHolds(parsed(t, f, c.criteria)); got != c.never {
			t.Errorf("%v: %v", c.criteria, got)
		}
	}
}

// row is a record as a filter reads it.
type row map[uint32]record.Value

func (r row) Get(f *record.Field) record.Value            { return r[f.Number] }
func (r row) Related(*record.Field) (filter.Reader, bool) { return nil, false }

// TestNeverHoldsNeverErrs: no random record matches what is said to match none.
func TestNeverHoldsNeverErrs(t *testing.T) {
	f := orderForm(t)
	contradicted := 0
	rapid.Check(t, func(t *rapid.T) {
		e, faults := filter.Parse(randomCriteria(2).Draw(t, "criteria"), formScope{f}, filter.Options{AllowViewer: true})
		if len(faults) > 0 {
			t.Fatalf("%v", faults)
		}
		if !neverHolds(e) {
			return
		}
		contradicted++
		p := filter.Compile(e)
		for range 20 {
			r := row{}
			for _, x := range f.Fields {
				r[x.Number] = randomCell(x).Draw(t, x.Name)
			}
			if p.Match(r, record.ID{1}) {
				t.Fatalf("%v matches", r)
			}
		}
	})
	if contradicted == 0 {
		t.Error("no random criteria contradict themselves: the test says nothing")
	}
}

func randomCell(x *Field) *rapid.Generator[record.Value] {
	return rapid.Custom(func(t *rapid.T) record.Value {
		if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
			return record.Value{}
		}
		switch x.Type {
		case record.Integer:
			return record.Int(rapid.Int64Range(-1, 5).Draw(t, "n"))
		case record.User:
			return record.Ref(record.ID{rapid.Byte().Draw(t, "id") % 3})
		case record.Choice:
			return record.String(rapid.SampledFrom([]string{"open", "done", "gone"}).Draw(t, "choice"))
		}
		return record.String(rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(t, "text"))
	})
}

func randomCriteria(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		out := map[string]any{}
		number := func() any { return rapid.IntRange(0, 4).Draw(t, "number") }
		for range rapid.IntRange(0, 2).Draw(t, "parts") {
			switch rapid.IntRange(0, 4).Draw(t, "part") {
			case 0:
				out["amount"] = map[string]any{rapid.SampledFrom([]string{"eq", "ne", "lt", "gte"}).Draw(t, "op"): number(),
					rapid.SampledFrom([]string{"lte", "gt"}).Draw(t, "op"): number()}
			case 1:
				out["status"] = map[string]any{rapid.SampledFrom([]string{"eq", "ne"}).Draw(t, "op"): rapid.SampledFrom([]string{"open", "done"}).Draw(t, "choice"),
					"isNull": rapid.Bool().Draw(t, "null")}
			case 2:
				out["title"] = map[string]any{"eq": "a", rapid.SampledFrom([]string{"startsWith", "ne"}).Draw(t, "op"): rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text")}
			case 3:
				if depth > 0 {
					key := rapid.SampledFrom([]string{"and", "or"}).Draw(t, "key")
					var parts []any
					for range rapid.IntRange(0, 2).Draw(t, "n") {
						parts = append(parts, randomCriteria(depth-1).Draw(t, key))
					}
					out[key] = append([]any{}, parts...)
				}
			case 4:
				if depth > 0 {
					out["not"] = randomCriteria(depth-1).Draw(t, "not")
				}
			}
		}
		return out
	})
}
