package filter_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// The cases here are those that random filters meet too seldom.

func field(name string) record.Field {
	f, ok := scope(orderFields).Field(name)
	if !ok {
		panic(name)
	}
	return f
}

// where is the filter {name: {op: arg}}.
func where(name, op string, arg any) map[string]any {
	return map[string]any{name: map[string]any{op: arg}}
}

// TestF7_DamagedPartsClose: whatever stands around a damaged part, above all not.
func TestF7_DamagedPartsClose(t *testing.T) {
	flag := func(args ...filter.Operand) filter.Expr {
		return &filter.Compare{Field: field("title"), Op: filter.IsNull, Args: args}
	}
	text, yes, no := record.String("x"), record.Bool(true), record.Bool(false)
	in := &filter.Compare{Field: field("title"), Op: filter.In, Args: []filter.Operand{{Value: text}, {Value: record.Int(1)}}}
	everything := filter.And{}
	for name, e := range map[string]filter.Expr{
		"nothing":               nil,
		"and":                   filter.And{nil},
		"and after a sound one": filter.And{everything, nil},
		"or":                    filter.Or{nil},
		"not":                   filter.Not{},
		"lookup":                &filter.Related{Field: field("customer")},
		"flag without argument": flag(),
		"flag with two":         flag(filter.Operand{Value: yes}, filter.Operand{Value: yes}),
		"flag that is text":     flag(filter.Operand{Value: text}),
		"flag for the viewer":   flag(filter.Operand{Value: no, Viewer: true}),
		"second of a list":      in,
	} {
		p := filter.Compile(e)
		if p == nil {
			t.Errorf("%s: no Program", name)
		}
		for _, around := range []filter.Expr{
			e, filter.Not{X: e}, filter.Not{X: filter.Not{X: e}}, filter.Or{everything, e}, filter.Not{X: filter.Or{e}}, filter.Not{X: filter.And{e}},
		} {
			if match(around, &row{cells: map[uint32]record.Value{16: text}}) {
				t.Errorf("%s: %#v matches", name, around)
			}
		}
	}
}

// TestF7_CellsOfAnotherKindMatchNothing: a cell whose kind is not its field's
// compares as null does.
func TestF7_CellsOfAnotherKindMatchNothing(t *testing.T) {
	for _, c := range []struct {
		name, op string
		arg      any
	}{
		{"count", "eq", 0}, {"count", "in", []any{0, 1}}, {"count", "lt", 9}, {"count", "lte", 9}, {"count", "gt", -9}, {"count", "gte", -9},
		{"count", "between", []any{-9, 9}}, {"title", "lt", "z"}, {"title", "between", []any{"", "z"}}, {"title", "contains", ""},
		{"title", "iEndsWith", ""}, {"tags", "has", "hot"}, {"tags", "hasAll", []any{}},
		{"rep", "eq", "VIEWER"}, {"rep", "in", []any{"VIEWER", users[1].String()}},
	} {
		p := filter.Compile(mustParse(t, where(c.name, c.op, c.arg)))
		kind := field(c.name).Type.Kind()
		for _, v := range []record.Value{{}, record.Bool(false), record.Int(0), record.String("a"), record.Ref(users[2]), record.List("hot")} {
			r := &row{cells: map[uint32]record.Value{field(c.name).Number: v}}
			if v.Kind() != kind && p.Match(r, record.ID{}) {
				t.Errorf("%v matches a cell of kind %d", c, v.Kind())
			}
		}
	}
}

// TestRelatedAsksTheTarget: the filter inside sees the target and the viewer.
func TestRelatedAsksTheTarget(t *testing.T) {
	target := func(region string, owner record.ID) *row {
		return &row{cells: map[uint32]record.Value{16: record.String(region), record.FieldOwner: record.Ref(owner)}}
	}
	order := func(to *row) *row { return &row{targets: map[uint32]*row{27: to}} }
	emea := map[string]any{"customer": where("region", "eq", "EMEA")}
	mine := map[string]any{"customer": where("owner", "eq", "VIEWER")}
	for i, c := range []struct {
		src  any
		r    *row
		want bool
	}{
		{emea, order(target("EMEA", users[1])), true},
		{emea, order(target("APAC", users[1])), false},
		{emea, &row{}, false},
		{mine, order(target("APAC", viewer)), true},
		{mine, order(target("APAC", users[1])), false},
		{map[string]any{"not": emea}, &row{}, true},
		{map[string]any{"customer": map[string]any{}}, &row{}, false},
	} {
		if match(mustParse(t, c.src), c.r) != c.want {
			t.Errorf("case %d: want %v", i, c.want)
		}
	}
}

// TestFoldingSearchOfTwoLetters tries every text of at most nine letters a and b
// with every needle of at most five: all ways in which a needle overlaps itself.
func TestFoldingSearchOfTwoLetters(t *testing.T) {
	texts := []string{""}
	for i := 0; len(texts[i]) < 9; i++ {
		texts = append(texts, texts[i]+"a", texts[i]+"B")
	}
	for _, needle := range texts {
		if len(needle) > 5 {
			break
		}
		p := filter.Compile(mustParse(t, where("title", "iContains", needle)))
		r := &row{cells: map[uint32]record.Value{}}
		for _, text := range texts {
			r.cells[16] = record.String(text)
			if want := strings.Contains(strings.ToUpper(text), strings.ToUpper(needle)); p.Match(r, viewer) != want {
				t.Fatalf("%q in %q: want %v", needle, text, want)
			}
		}
	}
}

func TestTextEdges(t *testing.T) {
	for _, c := range []struct {
		op, needle, text string
		want             bool
	}{
		{"iContains", "ς", "Σ", true}, {"iContains", "σ", "ς", true}, {"iContains", "Σ", "ς", true},
		{"iContains", "z", "Z", true}, {"iContains", "a", "A", true}, {"iContains", "k", "\u212a", true},
		{"iContains", "[", "{", false}, {"iContains", "{", "[", false}, {"iContains", "{", "{", true}, {"iContains", "@", "`", false},
		{"iStartsWith", "\ufffd", "", false}, {"iStartsWith", "a\ufffd", "a", false}, {"iStartsWith", "aB", "Abc", true},
		{"iEndsWith", "\ufffd", "", false}, {"iEndsWith", "\ufffda", "a", false}, {"iEndsWith", "bC", "aBc", true},
		{"endsWith", "C", "abc", false}, {"endsWith", "c", "abc", true}, {"startsWith", "A", "abc", false}, {"contains", "B", "abc", false},
	} {
		r := &row{cells: map[uint32]record.Value{16: record.String(c.text)}}
		if match(mustParse(t, where("title", c.op, c.needle)), r) != c.want {
			t.Errorf("%q %s %q: want %v", c.text, c.op, c.needle, c.want)
		}
	}
}

// TestCanonicalBytes holds the encoding itself: cursors that clients keep are
// bound to it, across versions of the server.
func TestCanonicalBytes(t *testing.T) {
	text := field("title")
	for want, e := range map[string]filter.Expr{
		"00":                                    nil,
		"6100":                                  filter.And{},
		"6f00":                                  filter.Or{},
		"6f016100":                              filter.Or{filter.And{}},
		"6e6100":                                filter.Not{X: filter.And{}},
		"6e6e00":                                filter.Not{X: filter.Not{}},
		"631001000001010302" + "6162":           mustParse(t, where("title", "eq", "ab")),
		"631001000003020301" + "610300":         mustParse(t, where("title", "in", []any{"a", ""})),
		"631404020005010200000000" + "00000096": mustParse(t, where("amount", "lt", "1.50")),
		"6317050000010101" + "01":               mustParse(t, where("paid", "eq", true)),
		"6317050000010101" + "00":               mustParse(t, where("paid", "eq", false)),
		"631a0b00000101" + "76":                 mustParse(t, where("rep", "eq", "VIEWER")),
		"631a0b0000010104" + "00000000000000000000000000000001": mustParse(t, where("rep", "eq", users[1].String())),
		"721b0c00026310" + "010000010103" + "0161":              mustParse(t, map[string]any{"customer": where("region", "eq", "a")}),
		"6310010000010105" + "02" + "0161" + "026263":           &filter.Compare{Field: text, Op: filter.Eq, Args: []filter.Operand{{Value: record.List("a", "bc")}}},
		"6310010000010100": &filter.Compare{Field: text, Op: filter.Eq, Args: []filter.Operand{{}}},
	} {
		if got := hex.EncodeToString(filter.AppendCanonical([]byte("x"), e)); got != "78"+want {
			t.Errorf("%s: got %s, want 78%s", outline(e), got, want)
		}
	}
}

func TestOperatorNames(t *testing.T) {
	for op := filter.Eq; op <= filter.Matches; op++ {
		if got, ok := filter.ParseOp(op.String()); got != op || !ok {
			t.Errorf("%d is written %q and read as %d, %v", op, op, got, ok)
		}
	}
	for _, name := range []string{"", "invalid", "EQ", "like"} {
		if op, ok := filter.ParseOp(name); ok || op != filter.InvalidOp {
			t.Errorf("%q is read as %v, %v", name, op, ok)
		}
	}
	for _, op := range []filter.Op{filter.InvalidOp, filter.Matches + 1, 255} {
		if op.String() != "invalid" {
			t.Errorf("%d is written %q", op, op)
		}
	}
}

func TestOperatorsOfTypes(t *testing.T) {
	ordered := "[eq ne in notIn lt lte gt gte between isNull]"
	texts := strings.TrimSuffix(ordered, "]") + " contains startsWith endsWith iContains iStartsWith iEndsWith]"
	named := "[eq ne in notIn isNull]"
	for typ, want := range map[record.Type]string{
		record.Text: texts, record.LongText: texts, record.Email: texts, record.Phone: texts, record.URL: texts,
		record.Integer: ordered, record.Decimal: ordered, record.Date: ordered, record.DateTime: ordered,
		record.Currency: ordered, record.Percent: ordered, record.Time: ordered, record.Duration: ordered, record.AutoNumber: ordered, record.JSON: "[isNull]",
		record.Boolean: "[eq ne isNull]", record.MultiChoice: "[has hasAny hasAll isNull]", record.Users: "[has hasAny hasAll isNull]", record.MultiLookup: "[has hasAny hasAll isNull]", record.Lookup: "[isNull]",
		record.Choice: named, record.User: named, record.Identity: named, 0: "[]", 255: "[]",
	} {
		if got := fmt.Sprint(filter.Operators(typ)); got != want {
			t.Errorf("%v offers %s, want %s", typ, got, want)
		}
	}
}

// TestViewerIsATextElsewhere: the word stands for the viewer only where a user
// is expected and the author may use it.
func TestViewerIsATextElsewhere(t *testing.T) {
	e := mustParse(t, where("title", "eq", "VIEWER"))
	if !match(e, &row{cells: map[uint32]record.Value{16: record.String("VIEWER")}}) {
		t.Error("a title cannot be compared with VIEWER")
	}
	if _, faults := filter.Parse(where("addedBy", "eq", "VIEWER"), scope(orderFields), filter.Options{}); len(faults) != 1 {
		t.Errorf("a query may say VIEWER: %v", faults)
	}
}

// TestConstantsOfLongTextsAreTexts: their bound is that of texts.
func TestConstantsOfLongTextsAreTexts(t *testing.T) {
	for n, good := range map[int]bool{record.MaxText: true, record.MaxText + 1: false} {
		_, faults := filter.Parse(where("notes", "contains", strings.Repeat("a", n)), scope(orderFields), filter.Options{})
		if (len(faults) == 0) != good {
			t.Errorf("%d bytes: %v", n, faults)
		}
	}
}

// counting is a scope that counts the names it is asked for.
type counting struct {
	scope
	asked *int
}

func (c counting) Field(name string) (record.Field, bool) {
	*c.asked++
	return c.scope.Field(name)
}

// TestBudgetEndsTheWork: what lies beyond the budget is not looked at, and is
// one fault, however deep and wide the filter goes on.
func TestBudgetEndsTheWork(t *testing.T) {
	wide := map[string]any{}
	for i := range 100 {
		wide[fmt.Sprint("name", i)] = 5
	}
	var filters []any
	for range 100 {
		filters = append(filters, map[string]any{"title": 5})
	}
	operators := map[string]any{}
	for i := range 100 {
		operators[fmt.Sprint("op", i)] = 5
	}
	nested := []any{map[string]any{"or": []any{map[string]any{"or": filters}, map[string]any{"or": filters}}, "title": operators}}
	lookup := map[string]any{"customer": map[string]any{"isNull": 5}}
	for i, c := range []struct {
		src                any
		max, asked, faults int
	}{
		{wide, 7, 7, 8},
		{map[string]any{"or": filters}, 6, 2, 3}, // or, then an element, its name and its fault, twice
		{map[string]any{"or": []any{5, 5, 5, 5, 5}}, 3, 0, 3},
		{map[string]any{"title": operators}, 4, 1, 4},
		{map[string]any{"and": nested, "or": nested}, 3, 0, 1},
		{lookup, 1, 1, 1},
		{lookup, 2, 1, 1},
	} {
		asked := 0
		_, faults := filter.Parse(c.src, counting{scope(orderFields), &asked}, filter.Options{MaxNodes: c.max})
		over := slices.IndexFunc(faults, func(f filter.Fault) bool { return strings.Contains(f.Msg, "more than") })
		if asked != c.asked || len(faults) != c.faults {
			t.Errorf("case %d: %d names asked for, want %d; %d faults, want %d: %v", i, asked, c.asked, len(faults), c.faults, faults)
		}
		if last := len(faults) - 1; c.max != 2 && over != last {
			t.Errorf("case %d: the budget is fault %d of %d", i, over, last)
		}
	}
}

// TestDepthOfEveryNesting: every way of nesting counts one.
func TestDepthOfEveryNesting(t *testing.T) {
	for name, step := range map[string]func(any) any{
		"and":    func(x any) any { return map[string]any{"and": []any{x}} },
		"or":     func(x any) any { return map[string]any{"or": []any{x}} },
		"not":    func(x any) any { return map[string]any{"not": x} },
		"lookup": func(x any) any { return map[string]any{"main": x} },
	} {
		for _, leaf := range []any{map[string]any{}, where("region", "eq", "x"), map[string]any{"main": where("region", "eq", "x")}} {
			own := 1 // objects of the leaf
			for m := leaf.(map[string]any); len(m) > 0; own++ {
				for _, inner := range m {
					m, _ = inner.(map[string]any)
				}
			}
			if own > 1 {
				own-- // the last value is no object
			}
			src := leaf
			for range filter.MaxDepth - own {
				src = step(src)
			}
			for depth := filter.MaxDepth; depth <= filter.MaxDepth+1; depth++ {
				_, faults := filter.Parse(src, scope(customerFields), filter.Options{})
				if want := depth - filter.MaxDepth; len(faults) != want {
					t.Errorf("%s, %d objects deep: %v", name, depth, faults)
				}
				src = step(src)
			}
		}
	}
}

func TestFaultsOfEveryForm(t *testing.T) {
	long := strings.Repeat("x", 63)
	deep := any(map[string]any{"vault": map[string]any{}})
	for range filter.MaxDepth - 1 {
		deep = map[string]any{"not": deep}
	}
	for _, c := range []struct {
		src  any
		path string
		msg  string
	}{
		{map[string]any{"title": true}, "title", "expected an object of operators such as {isNull: false}, got a boolean"},
		{map[string]any{"vault": 5}, "vault", "expected an object of fields of the record that the lookup leads to, or isNull, got a number"},
		{map[string]any{"customer": "x"}, "customer", "expected an object of fields of the record that the lookup leads to, or isNull, got text"},
		{deep, strings.Repeat("not.", filter.MaxDepth-1) + "vault", "the filter nests deeper than 20 objects"},
		{map[string]any{"and": []any{5, true}}, "and.0|and.1", "expected an object of fields, and, or, not, got a number|expected an object of fields, and, or, not, got a boolean"},
		{where("paid", "isNull", []any{}), "paid.isNull", "expected true or false, got a list"},
		{where("amount", "between", 5), "amount.between", "expected a list of two values, the lowest and the highest"},
		{map[string]any{long + "y": 1}, long + "y", `unknown name "` + long + `y"`},
		{map[string]any{long + "yz": 1}, long + "y…", `unknown name "` + long + `y…"`},
		{map[string]any{long + "éa": 1}, long + "…", `unknown name "` + long + `…"`},
		{where("title", long+"yz", 1), "title." + long + "y…", `unknown operator "` + long + `y…" for a field of type text; expected one of ` + names(record.Text)},
	} {
		e, faults := filter.Parse(c.src, scope(orderFields), filter.Options{})
		var paths, msgs []string
		for _, f := range faults {
			paths, msgs = append(paths, strings.Join(f.Path, ".")), append(msgs, f.Msg)
		}
		if e != nil || strings.Join(paths, "|") != c.path || strings.Join(msgs, "|") != c.msg {
			t.Errorf("%v: %v at %v, want %s at %s", c.src, msgs, paths, c.msg, c.path)
		}
	}
}

func names(typ record.Type) string {
	var s []string
	for _, op := range filter.Operators(typ) {
		s = append(s, op.String())
	}
	return strings.Join(s, ", ")
}
