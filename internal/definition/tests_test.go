package definition

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/filter"
)

// testBase is what the sentences of these tests speak of.
const testBase = `application: a
forms:
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text, renamedFrom: subject}
      - {name: amount, type: decimal, scale: 2}
      - {name: paid, type: boolean}
      - {name: status, type: choice, choices: [open, paid, on]}
      - {name: tags, type: multi-choice, choices: [a, b]}
      - {name: rep, type: user}
      - {name: customer, type: lookup, to: Customer}
  - {name: Customer, plural: customers, renamedFrom: Client, fields: [{name: taxNumber, type: text}]}
pages: [{name: desk, document: "{ orders { totalCount } }"}]
roles: [{name: CEO}, {name: Sales Rep, reportsTo: CEO}, {name: "can do", reportsTo: CEO}]
permissionSets: [{name: finance}, {name: guests, portal: true}]
`

// testsOf resolves sentences.
func testsOf(sentences ...string) (*Application, []Fault) {
	var b strings.Builder
	b.WriteString(testBase + "tests:\n")
	for _, s := range sentences {
		q, _ := json.Marshal(s)
		b.WriteString("  - " + string(q) + "\n")
	}
	return Resolve([]byte(b.String()), Context{Previous: before()})
}

// before is the version in which the renamed parts had their old names.
func before() *Application {
	a, faults := Resolve([]byte(strings.NewReplacer(", renamedFrom: subject", "", "name: title", "name: subject",
		"{name: Customer, plural: customers, renamedFrom: Client", "{name: Client, plural: customers", "to: Customer", "to: Client").Replace(testBase)), Context{})
	if len(faults) > 0 {
		panic(faults[0].String())
	}
	return a
}

// TestSentencesAreRead holds sentences to what they mean.
func TestSentencesAreRead(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  Test
		where string // JSON
	}{
		{"role Sales Rep can view Order where rep is VIEWER", Test{Who: Subject{Kind: OfRole, Role: "Sales Rep"}, Verb: ViewRecord, Form: "Order"}, `{"rep":{"eq":"VIEWER"}}`},
		{"role 'can do' with set finance cannot edit Order on any record", Test{Who: Subject{Kind: OfRole, Role: "can do", Set: "finance"}, Cannot: true, Verb: EditRecord, Form: "Order"}, ""},
		{"set finance cannot see Customer.taxNumber on any record", Test{Who: Subject{Kind: OfSet, Set: "finance"}, Cannot: true, Verb: SeeCell, Form: "Customer", Field: "taxNumber"}, ""},
		{"portal set guests can not change Order.title on some record where paid is true", Test{Who: Subject{Kind: OfPortal, Set: "guests"}, Cannot: true, Verb: ChangeCell, Form: "Order", Field: "title", Some: true}, `{"paid":{"eq":true}}`},
		{"user Dana@zylker.example can delete Order", Test{Who: Subject{Kind: OfUser, Address: "Dana@zylker.example"}, Verb: DeleteRecord, Form: "Order"}, ""},
		{"developers can export Order on every record", Test{Who: Subject{Kind: Developers}, Verb: ExportRecord, Form: "Order"}, ""},
		{"everyone cannot create Customer", Test{Who: Subject{Kind: Everyone}, Cannot: true, Verb: CreateRecord, Form: "Customer"}, ""},
		{"everyone can comment on Order", Test{Who: Subject{Kind: Everyone}, Verb: CommentRecord, Form: "Order"}, ""},
		{"everyone can read history of Order", Test{Who: Subject{Kind: Everyone}, Verb: HistoryRecord, Form: "Order"}, ""},
		{"everyone can read comments Order", Test{Who: Subject{Kind: Everyone}, Verb: CommentsRecord, Form: "Order"}, ""},
		{"set finance can open page desk", Test{Who: Subject{Kind: OfSet, Set: "finance"}, Verb: OpenPage, Target: "desk"}, ""},
		{"set finance can open report orders", Test{Who: Subject{Kind: OfSet, Set: "finance"}, Verb: OpenReport, Target: "orders"}, ""},
		{
			`everyone can view Order where status is on or not (amount >= 10 and title contains "a ""b""") and tags has a on some record`,
			Test{Who: Subject{Kind: Everyone}, Verb: ViewRecord, Form: "Order", Some: true},
			`{"or":[{"status":{"eq":"on"}},{"and":[{"not":{"and":[{"amount":{"gte":"10"}},{"title":{"contains":"a \"b\""}}]}},{"tags":{"has":"a"}}]}]}`,
		},
		{"everyone can view Order where status in (open, paid) and status is not on and customer is empty and title is not empty", Test{Who: Subject{Kind: Everyone}, Verb: ViewRecord, Form: "Order"},
			`{"and":[{"status":{"in":["open","paid"]}},{"status":{"ne":"on"}},{"customer":{"isNull":true}},{"title":{"isNull":false}}]}`},
	} {
		a, faults := testsOf(c.text)
		if len(faults) > 0 {
			t.Errorf("%s: %v", c.text, faults)
			continue
		}
		got := *a.Tests[0]
		where := ""
		if got.Where != nil {
			b, _ := json.Marshal(got.Where)
			where = string(b)
		}
		f, _ := a.Form("Order")
		if got.OfRecords() && got.Form == "Order" && !filter.Compile(got.Expr(f)).Valid() {
			t.Errorf("%s: the filter does not compile", c.text)
		}
		line := got.Line
		got.Text, got.Where, got.Line = "", nil, 0
		if b, w := asJSON(got), asJSON(c.want); b != w || where != c.where || line == 0 {
			t.Errorf("%s: line %d\n%s %s, want\n%s %s", c.text, line, b, where, w, c.where)
		}
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestSentenceFaults holds testdata/sentences.txt: each sentence with what is
// wrong with it.
func TestSentenceFaults(t *testing.T) {
	const path = "testdata/sentences.txt"
	var out strings.Builder
	for line := range strings.Lines(string(read(t, path))) {
		text, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  =>  ")
		_, faults := testsOf(text)
		if len(faults) != 1 || !strings.HasPrefix(faults[0].Path, "tests[0]") || faults[0].Line == 0 {
			t.Errorf("%s: faults %v", text, faults)
			continue
		}
		if !*update && faults[0].Msg != want {
			t.Errorf("%s: got\n%s\nwant\n%s", text, faults[0].Msg, want)
		}
		out.WriteString(text + "  =>  " + faults[0].Msg + "\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTestsAreStored: what was read comes back, filters of both kinds included.
func TestTestsAreStored(t *testing.T) {
	source := testBase + `tests:
  - everyone can view Order where amount > 10
  - {test: role Sales Rep can view Order, where: {amount: {gt: 10.5}, or: [{paid: {eq: true}}, {rep: {eq: VIEWER}}]}}
`
	a, faults := Resolve([]byte(source), Context{Previous: before()})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	b, err := Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unmarshal(b)
	if err != nil || asJSON(again.Tests) != asJSON(a.Tests) || len(again.Tests) != 2 {
		t.Fatalf("%v: %s, want %s", err, asJSON(again.Tests), asJSON(a.Tests))
	}
	f, _ := again.Form("Order")
	for _, x := range again.Tests {
		if !filter.Compile(x.Expr(f)).Valid() || x.Line == 0 {
			t.Errorf("%s: line %d", x.Text, x.Line)
		}
	}
	for source, want := range map[string]string{
		"tests: [{test: everyone can open page desk, where: {}}]\n":                "only a test about records has a where",
		"tests: [{test: everyone can view Order where paid is true, where: {}}]\n": "at \"where\" (word 5): the where stands beside the sentence already",
		"tests: [{test: everyone can view Order, where: {amount: {like: 1}}}]\n":   "unknown operator \"like\"",
		"tests: [{where: {}}]\n":           "the key test is missing",
		"tests: [3]\n":                     "expected a sentence",
		"tests: ['  ']\n":                  "expected a sentence",
		"tests: everyone can view Order\n": "expected a list of sentences",
		"tests: [{test: everyone can view Order, on: some}]\n": "unknown key",
	} {
		_, faults := Resolve([]byte(testBase+source), Context{Previous: before()})
		if !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.Msg, want) }) {
			t.Errorf("%s: %v, want %s", source, faults, want)
		}
	}
}

// FuzzSentence: whatever is written gives a test or a fault, never both, and a
// test reads the same again from its own text.
func FuzzSentence(f *testing.F) {
	for line := range strings.Lines(string(readSeed(f, "testdata/sentences.txt"))) {
		text, _, _ := strings.Cut(line, "  =>  ")
		f.Add(text)
	}
	f.Add(`everyone can view Order where status is on or not (amount >= 10 and title contains "a ""b""") on some record`)
	previous := before()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		resolve := func(q []byte) (*Application, []Fault) {
			return Resolve(append([]byte(testBase+"tests:\n  - "), append(q, '\n')...), Context{Previous: previous})
		}
		a, faults := resolve(q)
		if (a == nil) == (len(faults) == 0) {
			t.Fatalf("%q: %v, %v", text, a, faults)
		}
		if a == nil {
			return
		}
		x := a.Tests[0]
		form, _ := a.Form(x.Form)
		if x.OfRecords() && !filter.Compile(x.Expr(form)).Valid() {
			t.Fatalf("%q: the filter does not compile", text)
		}
		if strings.ContainsAny(text, "\"'") {
			return // spaces within quotes are not the text's own
		}
		q, _ = json.Marshal(x.Text)
		again, faults := resolve(q)
		if len(faults) > 0 || asJSON(again.Tests) != asJSON(a.Tests) {
			t.Fatalf("%q: read again: %v", text, faults)
		}
	})
}

func readSeed(f *testing.F, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return b
}
