package filter_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/filter"
	"sluice/internal/record"
)

func mustParse(t interface{ Fatalf(string, ...any) }, src any) filter.Expr {
	e, faults := filter.Parse(src, scope(orderFields), filter.Options{AllowViewer: true})
	if len(faults) > 0 {
		t.Fatalf("%v: %v", src, faults)
	}
	return e
}

func TestCompileEqualsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := mustParse(t, drawSource(t, orderFields, 3))
		p := filter.Compile(e)
		for range 4 {
			r := drawRow(t, orderFields, 0)
			who := rapid.SampledFrom(append(slices.Clone(users), record.ID{})).Draw(t, "viewer")
			if got, want := p.Match(r, who), naive(e, r, who); got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

// TestEachOperator compares every operator of every type with the slow way, so
// that none hides behind the others.
func TestEachOperator(t *testing.T) {
	for _, f := range append(slices.Clone(record.System), orderFields...) {
		for _, op := range filter.Operators(f.Type) {
			matched := 0
			same := func(t *rapid.T) {
				e := mustParse(t, map[string]any{f.Name: map[string]any{op.String(): drawArgument(t, f, op)}})
				r := drawRow(t, []record.Field{f}, 3)
				r.cells[f.Number] = drawValue(t, f)
				if got, want := match(e, r), naive(e, r, viewer); got != want {
					t.Fatalf("got %v, want %v", got, want)
				} else if got {
					matched++
				}
			}
			// One round of draws may well meet no match by chance; fifty do not.
			for round := 0; round == 0 || matched == 0 && round < 50; round++ {
				rapid.Check(t, same)
			}
			if matched == 0 && f.Type != record.DateTime {
				t.Errorf("%s %v never matched: the test shows little", f.Name, op)
			}
		}
	}
}

// TestFoldingSearch compares search without case with folding both texts, over
// an alphabet in which needles overlap themselves.
func TestFoldingSearch(t *testing.T) {
	alphabet := rapid.SampledFrom([]rune("aAbBsSſkK\u212aßẞ"))
	text := func(t *rapid.T, label string, most int) string {
		return string(rapid.SliceOfN(alphabet, 0, most).Draw(t, label))
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			s, needle := text(t, "text", 12), text(t, "needle", 4)
			r := &row{cells: map[uint32]record.Value{16: record.String(s)}}
			for _, c := range []struct {
				op   filter.Op
				want bool
			}{
				{filter.IContains, foldedIndex(s, needle, 0, len([]rune(s)))},
				{filter.IStartsWith, foldedIndex(s, needle, 0, 0)},
				{filter.IEndsWith, foldedIndex(s, needle, len([]rune(s))-len([]rune(needle)), len([]rune(s)))},
			} {
				e := mustParse(t, map[string]any{"title": map[string]any{c.op.String(): needle}})
				if match(e, r) != c.want {
					t.Fatalf("%q %v %q: want %v", s, c.op, needle, c.want)
				}
			}
		}
	})
}

// foldedIndex reports whether the needle stands in s at a position from first to
// last, in runes, as strings.EqualFold sees it.
func foldedIndex(s, needle string, first, last int) bool {
	runes, n := []rune(s), len([]rune(needle))
	for i := max(first, 0); i <= last && i+n <= len(runes); i++ {
		if strings.EqualFold(string(runes[i:i+n]), needle) {
			return first >= 0
		}
	}
	return false
}

func TestBudgets(t *testing.T) {
	list := func(n int) []any {
		l := make([]any, n)
		for i := range l {
			l[i] = map[string]any{}
		}
		return l
	}
	words := func(n int) []any {
		l := make([]any, n)
		for i := range l {
			l[i] = "x"
		}
		return l
	}
	for _, c := range []struct {
		src  any
		max  int
		good bool
	}{
		{map[string]any{"or": list(filter.DefaultMaxNodes - 1)}, 0, true},
		{map[string]any{"or": list(filter.DefaultMaxNodes)}, 0, false},
		{map[string]any{"or": list(4)}, 5, true},
		{map[string]any{"or": list(5)}, 5, false},
		{map[string]any{"title": map[string]any{"in": words(filter.MaxItems)}}, 2, true},
		{map[string]any{"title": map[string]any{"in": words(filter.MaxItems + 1)}}, 2, false},
		{map[string]any{"title": map[string]any{"eq": "x"}}, 1, false},
	} {
		_, faults := filter.Parse(c.src, scope(orderFields), filter.Options{MaxNodes: c.max})
		if (len(faults) == 0) != c.good || len(faults) > 1 {
			t.Errorf("bound %d: %v", c.max, faults)
		}
	}
}

func match(e filter.Expr, r *row) bool { return filter.Compile(e).Match(r, viewer) }

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := mustParse(t, drawSource(t, orderFields, 2))
		b := mustParse(t, drawSource(t, orderFields, 2))
		r := drawRow(t, orderFields, 0)
		for name, pair := range map[string][2]filter.Expr{
			"complement":   {filter.Or{a, filter.Not{X: a}}, filter.And{}},
			"excluded":     {filter.And{a, filter.Not{X: a}}, filter.Or{}},
			"double not":   {filter.Not{X: filter.Not{X: a}}, a},
			"De Morgan":    {filter.Not{X: filter.And{a, b}}, filter.Or{filter.Not{X: a}, filter.Not{X: b}}},
			"De Morgan 2":  {filter.Not{X: filter.Or{a, b}}, filter.And{filter.Not{X: a}, filter.Not{X: b}}},
			"absorption":   {filter.And{a, filter.Or{a, b}}, a},
			"neutral":      {filter.And{a, filter.And{}}, a},
			"neutral or":   {filter.Or{a, filter.Or{}}, a},
			"commutation":  {filter.And{a, b}, filter.And{b, a}},
			"distribution": {filter.And{a, filter.Or{a, b}}, filter.Or{filter.And{a, a}, filter.And{a, b}}},
		} {
			if match(pair[0], r) != match(pair[1], r) {
				t.Fatalf("%s does not hold", name)
			}
		}
	})
}

// TestF7_Complements holds ne to not eq and notIn to not in, nulls included.
func TestF7_Complements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(orderFields[:len(orderFields)-2]).Draw(t, "field")
		if f.Type == record.MultiChoice {
			return
		}
		r := drawRow(t, orderFields, 0)
		arg := drawOperand(t, f)
		is := func(op string, arg any) bool {
			return match(mustParse(t, map[string]any{f.Name: map[string]any{op: arg}}), r)
		}
		if is("eq", arg) == is("ne", arg) {
			t.Fatalf("eq and ne are not complements")
		}
		if f.Type != record.Boolean && is("in", []any{arg}) == is("notIn", []any{arg}) {
			t.Fatalf("in and notIn are not complements")
		}
		if is("isNull", true) == is("isNull", false) {
			t.Fatalf("isNull true and false are not complements")
		}
	})
}

// TestF7_NullMatchesNoComparison holds for every operator of every type.
func TestF7_NullMatchesNoComparison(t *testing.T) {
	empty := &row{}
	for _, f := range orderFields {
		for _, op := range filter.Operators(f.Type) {
			want := op == filter.Ne || op == filter.NotIn || op == filter.IsNull
			var c *filter.Compare
			rapid.Check(t, func(t *rapid.T) {
				var arg any = drawOperand(t, f)
				switch op {
				case filter.IsNull:
					arg = true
				case filter.Between:
					arg = []any{arg, arg}
				case filter.In, filter.NotIn, filter.HasAny, filter.HasAll:
					arg = rapid.SampledFrom([]any{[]any{}, []any{arg}}).Draw(t, "list")
				}
				c = mustParse(t, map[string]any{f.Name: map[string]any{op.String(): arg}}).(*filter.Compare)
				if match(c, empty) != want {
					t.Fatalf("null %v gives %v", op, !want)
				}
			})
		}
	}
}

func TestParseFaults(t *testing.T) {
	deep := map[string]any{}
	for range filter.MaxDepth {
		deep = map[string]any{"not": deep}
	}
	many := make([]any, 300)
	for i := range many {
		many[i] = map[string]any{}
	}
	for _, c := range []struct{ src, path, msg string }{
		{`5`, "", "expected an object of fields, and, or, not, got a number"},
		{`null`, "", "expected an object of fields, and, or, not, got null"},
		{`{"secret": {"eq": "x"}}`, "secret", `unknown name "secret"`},
		{`{"title": null}`, "title", `expected an object of operators such as {isNull: false}, got null`},
		{`{"title": {"eq": null}}`, "title.eq", "null cannot be compared with; use isNull"},
		{`{"title": {"in": ["a", null]}}`, "title.in.1", "null cannot be compared with; use isNull"},
		{`{"title": {"isNull": null}}`, "title.isNull", "expected true or false, got null"},
		{`{"title": {"like": "x"}}`, "title.like", `unknown operator "like" for a field of type text; expected one of eq, ne, in, notIn, lt, lte, gt, gte, between, isNull, contains, startsWith, endsWith, iContains, iStartsWith, iEndsWith`},
		{`{"paid": {"lt": true}}`, "paid.lt", `unknown operator "lt" for a field of type boolean; expected one of eq, ne, isNull`},
		{`{"paid": {"eq": "true"}}`, "paid.eq", "expected true or false, got text"},
		{`{"status": {"gt": "hot"}}`, "status.gt", `unknown operator "gt" for a field of type choice; expected one of eq, ne, in, notIn, isNull`},
		{`{"status": {"eq": "warm"}}`, "status.eq", `expected one of "hot", "cold", "new"`},
		{`{"tags": {"eq": "hot"}}`, "tags.eq", `unknown operator "eq" for a field of type multi-choice; expected one of has, hasAny, hasAll, isNull`},
		{`{"tags": {"hasAny": "hot"}}`, "tags.hasAny", "expected a list of at most 1000 values"},
		{`{"amount": {"between": [1]}}`, "amount.between", "expected a list of two values, the lowest and the highest"},
		{`{"amount": {"gt": "1.005"}}`, "amount.gt", "expected a decimal with at most 2 places, as number or string, from -92233720368547758.08 to 92233720368547758.07"},
		{`{"and": {"title": {"eq": "x"}}}`, "and", "expected a list of filters, got an object"},
		{`{"or": [{"count": {"gte": 1.5}}, {"x": {}}]}`, "or.0.count.gte|or.1.x", `expected a whole number, from -9223372036854775808 to 9223372036854775807|unknown name "x"`},
		{`{"not": [{}]}`, "not", "expected an object of fields, and, or, not, got a list"},
		{`{"rep": {"eq": "VIEWER"}}`, "rep.eq", "expected an id, 36 characters like 01234567-89ab-7def-8123-456789abcdef"},
		{`{"customer": {"eq": "x"}}`, "customer.eq", `unknown name "eq"`},
		{`{"customer": {"main": {"region": {"eq": 5}}}}`, "customer.main.region.eq", "expected text of at most 1000 bytes, valid UTF-8 without NUL"},
		{`{"vault": {"region": {"eq": "x"}}}`, "vault.region", `unknown name "region"`},
		{`{"vault": {}}`, "vault", "expected {isNull: true} or {isNull: false}"},
		{`{"customer": {"isNull": 1}}`, "customer.isNull", "expected true or false, got a number"},
		{mustJSON(deep), strings.Repeat("not.", filter.MaxDepth-1) + "not", "the filter nests deeper than 20 objects"},
		{mustJSON(map[string]any{"or": many}), "or", "the filter has more than 200 operators and names"},
	} {
		d := json.NewDecoder(strings.NewReader(c.src))
		d.UseNumber()
		var src any
		if err := d.Decode(&src); err != nil {
			t.Fatal(err)
		}
		e, faults := filter.Parse(src, scope(orderFields), filter.Options{})
		if e != nil || len(faults) == 0 {
			t.Errorf("%s: accepted as %v", c.src, e)
			continue
		}
		var paths, msgs []string
		for _, f := range faults {
			paths, msgs = append(paths, strings.Join(f.Path, ".")), append(msgs, f.Msg)
		}
		if got := strings.Join(paths, "|"); got != c.path {
			t.Errorf("%.80s: path %s, want %s", c.src, got, c.path)
		}
		if got := strings.Join(msgs, "|"); got != c.msg {
			t.Errorf("%.80s: message %s, want %s", c.src, got, c.msg)
		}
	}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestParseForms(t *testing.T) {
	for _, c := range []struct {
		src  map[string]any
		want string
	}{
		{nil, "and[]"},
		{map[string]any{"or": []any{}}, "or[]"},
		{map[string]any{"title": map[string]any{}}, "and[]"},
		{map[string]any{"title": map[string]any{"eq": "x", "ne": "y"}, "count": map[string]any{"lt": 5}}, "and[count lt; and[title eq; title ne]]"},
		{map[string]any{"customer": map[string]any{"isNull": true}}, "customer isNull"},
		{map[string]any{"customer": map[string]any{}}, "customer{and[]}"},
		{map[string]any{"customer": map[string]any{"isNull": false, "id": map[string]any{"eq": users[1].String()}}}, "and[customer isNull; customer{id eq}]"},
		{map[string]any{"not": map[string]any{"or": []any{map[string]any{"paid": map[string]any{"eq": true}}}}}, "not(or[paid eq])"},
		{map[string]any{"vault": map[string]any{"isNull": true}}, "vault isNull"},
	} {
		if got := outline(mustParse(t, c.src)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.src, got, c.want)
		}
	}
}

func outline(e filter.Expr) string {
	all := func(es []filter.Expr) string {
		var s []string
		for _, e := range es {
			s = append(s, outline(e))
		}
		return "[" + strings.Join(s, "; ") + "]"
	}
	switch e := e.(type) {
	case filter.And:
		return "and" + all(e)
	case filter.Or:
		return "or" + all(e)
	case filter.Not:
		return "not(" + outline(e.X) + ")"
	case *filter.Related:
		return e.Field.Name + "{" + outline(e.Where) + "}"
	case *filter.Compare:
		return fmt.Sprintf("%s %v", e.Field.Name, e.Op)
	}
	return "?"
}

// TestMalformedMatchesNothing: not around a damaged part must stay closed.
func TestMalformedMatchesNothing(t *testing.T) {
	title := orderFields[0]
	ok := mustParse(t, map[string]any{"title": map[string]any{"isNull": true}})
	for i, e := range []filter.Expr{
		nil,
		filter.Not{},
		filter.Not{X: &filter.Compare{Field: title}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Eq}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Eq, Args: []filter.Operand{{}}}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Eq, Args: []filter.Operand{{Viewer: true}}}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Has, Args: []filter.Operand{{Value: record.String("x")}}}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Between, Args: []filter.Operand{{Value: record.String("x")}}}},
		filter.Not{X: &filter.Compare{Field: title, Op: filter.Op(99), Args: []filter.Operand{{Value: record.String("x")}}}},
		filter.Not{X: &filter.Related{Field: title, Where: ok}},
		filter.Not{X: (*filter.Compare)(nil)},
		filter.Not{X: (*filter.Related)(nil)},
		filter.Or{ok, nil},
		filter.Or{ok, filter.Not{X: &filter.Related{Field: orderFields[11]}}},
	} {
		if match(e, &row{}) {
			t.Errorf("case %d matches", i)
		}
	}
	if !match(ok, &row{}) {
		t.Error("the sound part does not match: the test shows nothing")
	}
	if new(filter.Program).Match(&row{}, viewer) || (*filter.Program)(nil).Match(&row{}, viewer) {
		t.Error("the zero Program matches")
	}
}

func TestFields(t *testing.T) {
	e := mustParse(t, map[string]any{
		"customer": map[string]any{"region": map[string]any{"eq": "x"}},
		"or":       []any{map[string]any{"title": map[string]any{"eq": "x"}}, map[string]any{"not": map[string]any{"owner": map[string]any{"eq": "VIEWER"}}}},
		"title":    map[string]any{"ne": "y"},
	})
	var names []string
	for _, f := range filter.Fields(e) {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "owner title customer" {
		t.Errorf("got %s", got)
	}
}

// TestCanonical: equal trees have equal encodings, and encodings that are equal
// come from trees that decide alike.
func TestCanonical(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		src := drawSource(t, orderFields, 3)
		e := mustParse(t, src)
		key, tree := string(filter.AppendCanonical(nil, e)), fmt.Sprintf("%s %s", outline(e), arguments(e))
		if key != string(filter.AppendCanonical(nil, mustParse(t, src))) {
			t.Fatalf("the encoding is not deterministic")
		}
		if other, ok := seen[key]; ok && other != tree {
			t.Fatalf("%s and %s have one encoding", other, tree)
		}
		seen[key] = tree
	})
	byTree := map[string]string{}
	for key, tree := range seen {
		if other, ok := byTree[tree]; ok && other != key {
			t.Errorf("%s has two encodings", tree)
		}
		byTree[tree] = key
	}
}

// TestCanonicalIsAPrefixCode holds trees that nearly meet apart: no encoding is
// the beginning of another.
func TestCanonicalIsAPrefixCode(t *testing.T) {
	in := func(values ...any) map[string]any { return map[string]any{"title": map[string]any{"in": values}} }
	yes := map[string]any{"paid": map[string]any{"eq": true}}
	sources := []map[string]any{
		{}, {"and": []any{}, "or": []any{}}, {"or": []any{}}, {"not": map[string]any{}}, in(), in("a"), in("a", "b"), in("ab"),
		in("a\x03b", "c"), in("a", "b\x03c"), in("a\x03\x01b", "c"), in("a\x01b"), in("a\x02ab"),
		{"not": in("a")}, {"not": map[string]any{"not": in("a")}}, {"and": []any{in("a")}}, {"or": []any{in("a")}}, {"or": []any{in("a"), in("a")}},
		{"or": []any{in("a"), map[string]any{"or": []any{in("b")}}}}, {"or": []any{map[string]any{"or": []any{in("a"), in("b")}}}},
		yes, {"paid": map[string]any{"eq": false}}, {"paid": map[string]any{"ne": true}}, {"paid": map[string]any{"isNull": true}},
		{"rep": map[string]any{"eq": "VIEWER"}}, {"rep": map[string]any{"eq": users[1].String()}}, {"owner": map[string]any{"eq": "VIEWER"}},
		{"count": map[string]any{"eq": 1}}, {"count": map[string]any{"eq": 256}}, {"amount": map[string]any{"eq": "0.01"}},
		{"customer": map[string]any{}}, {"customer": map[string]any{"region": map[string]any{"eq": "a"}}}, {"title": map[string]any{"eq": "a"}},
		{"customer": map[string]any{"main": map[string]any{}}}, {"customer": map[string]any{"isNull": true}}, {"vault": map[string]any{"isNull": true}},
	}
	encoded := make([]string, len(sources))
	for i, src := range sources {
		encoded[i] = string(filter.AppendCanonical([]byte("x"), mustParse(t, src)))
		for j := range i {
			if strings.HasPrefix(encoded[i], encoded[j]) || strings.HasPrefix(encoded[j], encoded[i]) {
				t.Errorf("%v and %v meet", sources[i], sources[j])
			}
		}
	}
	other := orderFields[12]
	other.Target = 2
	a := filter.AppendCanonical(nil, &filter.Related{Field: orderFields[11], Where: filter.And{}})
	if string(a) == string(filter.AppendCanonical(nil, &filter.Related{Field: other, Where: filter.And{}})) {
		t.Error("two lookups meet")
	}
}

func arguments(e filter.Expr) string {
	var s string
	switch e := e.(type) {
	case filter.And:
		for _, x := range e {
			s += arguments(x)
		}
	case filter.Or:
		for _, x := range e {
			s += arguments(x)
		}
	case filter.Not:
		s = arguments(e.X)
	case *filter.Related:
		s = arguments(e.Where)
	case *filter.Compare:
		for _, a := range e.Args {
			s += fmt.Sprintf("(%v %d %q)", a.Viewer, a.Value.Kind(), record.AppendText(nil, &e.Field, a.Value))
			s += fmt.Sprintf("%q%v", a.Value.Text(), a.Value.Bool())
		}
		s += ";"
	}
	return s
}

func TestMatchDoesNotAllocate(t *testing.T) {
	r := &row{cells: map[uint32]record.Value{
		16: record.String("Straße"), 17: record.String("Straße"), 18: record.String("a@b.c"), 19: record.Int(1), 20: record.Int(1), 21: record.Int(1),
		22: record.Int(1), 23: record.Bool(true), 24: record.String("hot"), 25: record.List("hot", "new"), 26: record.Ref(viewer), 27: record.Ref(viewer),
	}}
	for _, f := range orderFields {
		for _, op := range filter.Operators(f.Type) {
			rapid.Check(t, func(t *rapid.T) {
				src := drawComparisons(t, orderFields, f, 0)
				p := filter.Compile(mustParse(t, map[string]any{f.Name: src}))
				if n := testing.AllocsPerRun(10, func() { p.Match(r, viewer) }); n != 0 {
					t.Fatalf("%v %v: %v allocations", src, op, n)
				}
			})
			break // drawComparisons draws the operators itself
		}
	}
}

// TestNeedleIsLinear would take minutes with a search that starts again at every
// position.
func TestNeedleIsLinear(t *testing.T) {
	r := &row{cells: map[uint32]record.Value{17: record.String(strings.Repeat("a", record.MaxLongText))}}
	p := filter.Compile(mustParse(t, map[string]any{"notes": map[string]any{"iContains": strings.Repeat("A", record.MaxText-1) + "b"}}))
	for range 100 {
		if p.Match(r, viewer) {
			t.Fatal("found what is not there")
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"title":{"eq":"x"}}`, `{"and":[{"count":{"between":[1,2]}},{"or":[]}]}`, `{"not":{"customer":{"isNull":true,"region":{"iContains":"ß"}}}}`,
		`{"rep":{"in":["VIEWER"]}}`, `{"tags":{"hasAll":["hot"]}}`, `{"amount":{"gt":"1.5"},"due":{"lt":"2024-01-01"}}`, `[1]`, `null`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var src any
		if d.Decode(&src) != nil {
			return
		}
		e, faults := filter.Parse(src, scope(orderFields), filter.Options{AllowViewer: true, MaxNodes: 50})
		if (e == nil) != (len(faults) > 0) {
			t.Fatalf("%v and %v", e, faults)
		}
		if e == nil {
			return
		}
		r := &row{cells: map[uint32]record.Value{16: record.String("x"), 20: record.Int(200)}}
		if match(e, r) != naive(e, r, viewer) || match(filter.Not{X: e}, r) == match(e, r) {
			t.Fatalf("%s: two answers", outline(e))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r := &row{cells: map[uint32]record.Value{19: record.Int(1), 24: record.String("hot"), 26: record.Ref(viewer)}}
	p := filter.Compile(mustParse(b, map[string]any{
		"count": map[string]any{"gte": 1}, "status": map[string]any{"in": []any{"hot", "new"}}, "rep": map[string]any{"eq": "VIEWER"},
	}))
	b.ReportAllocs()
	for b.Loop() {
		p.Match(r, viewer)
	}
}
