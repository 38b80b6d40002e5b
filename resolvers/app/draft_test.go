package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/graph/app"
)

// TestW4_NestedCreate: the records of a nested input stand below the new one,
// with literals and variables alike, and errors name the way to a value.
func TestW4_NestedCreate(t *testing.T) {
	const payload = `{createOrder(input:%s){order{lines{nodes{product count lineNotes{nodes{text}}}}}}}`
	const made = `{"createOrder":{"order":{"lines":{"nodes":[%s]}}}}`
	one := `{"product":"a","count":1,"lineNotes":{"nodes":[{"text":"x"},{"text":"y"}]}}`
	bare := `{"product":"b","count":null,"lineNotes":{"nodes":[]}}`
	for _, c := range []struct{ name, input, want string }{
		{"two levels", `{title:"n",lines:[{product:"a",count:1,lineNotes:[{text:"x"},{text:"y"}]},{product:"b"}]}`, fmt.Sprintf(made, one+","+bare)},
		{"one for a list of one", `{title:"n",lines:{product:"b",lineNotes:[]}}`, fmt.Sprintf(made, bare)},
		{"null for none", `{title:"n",lines:null}`, fmt.Sprintf(made, "")},
		{"a value", `{title:"n",lines:[{},{product:"a"},{count:"x"}]}`, "BAD_USER_INPUT createOrder: input.lines[2].count: expected a whole number, from -9223372036854775808 to 9223372036854775807 (1:10)\nnull"},
		{"deeper", `{title:"n",lines:[{lineNotes:[{text:"a"},{text:"` + strings.Repeat("b", 1001) + `"}]}]}`,
			"BAD_USER_INPUT createOrder: input.lines[0].lineNotes[1].text: expected text of at most 1000 bytes, valid UTF-8 without NUL (1:10)\nnull"},
		{"the parent is filled in", `{title:"n",lines:[{order:"` + order(1) + `"}]}`, `refused: input:1:47: Field "order" is not defined by type "CreateOrderLineNestedInput".` + "\n"},
		{"a hole", `{title:"n",lines:[null]}`, "refused: input:1:46: Expected value of type \"CreateOrderLineNestedInput!\", found null.\n"},
		{"a required field of a child", `{title:"n",lines:[{lineNotes:[{}]}]}`, "refused: input:1:58: Field \"CreateLineNoteNestedInput.text\" of required type \"String!\" was not provided.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := world().run(t, "mutation"+fmt.Sprintf(payload, c.input), ""); got != c.want {
				t.Errorf("literal:\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
	query := `mutation($in:CreateOrderInput!)` + fmt.Sprintf(payload, "$in")
	for vars, want := range map[string]string{
		`{"title":"n","lines":[{"product":"a","count":1,"lineNotes":[{"text":"x"},{"text":"y"}]},{"product":"b"}]}`: fmt.Sprintf(made, one+","+bare),
		`{"title":"n","lines":{"product":"b"}}`:                                           fmt.Sprintf(made, bare),
		`{"title":"n","lines":[{},{"lineNotes":[{"text":"a"},{}]}]}`:                      "refused: input: variable $in.lines[1].lineNotes[1].text: a value of type String! is required",
		`{"title":"n","lines":[{},{"order":"x"}]}`:                                        `refused: input: variable $in.lines[1]: field "order" is not defined by type "CreateOrderLineNestedInput"`,
		`{"title":"n","lines":[{"count":1.5}]}`:                                           "BAD_USER_INPUT createOrder: input.lines[0].count: expected a whole number, from -9223372036854775808 to 9223372036854775807 (1:33)\nnull",
		`{"title":"n","lines":[{"owner":"x"}]}`:                                           `refused: input: variable $in.lines[0]: field "owner" is not defined by type "CreateOrderLineNestedInput"`,
		`{"title":"n","lines":[{"product":"a","lineNotes":"nope"}]}`:                      `refused: input: variable $in.lines[0].lineNotes: expected an object of type CreateLineNoteNestedInput`,
		`{"title":"n","lines":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`: `refused: input: variable $in.lines[0]: expected an object of type CreateOrderLineNestedInput`,
	} {
		if got := world().run(t, query, `{"in":`+vars+`}`); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", vars, got, want)
		}
	}
}

// TestNestedRecordsCost: every record of a create counts as a mutation of its
// own, also those in variables.
func TestNestedRecordsCost(t *testing.T) {
	s := world().schema(t)
	cost := func(query, vars string) int {
		r, _, err := prepare(t, s, query, "", vars)
		if err != nil {
			t.Fatal(err)
		}
		return r.Cost
	}
	alone := cost(`mutation{createOrder(input:{title:"n"}){id}}`, "")
	three := cost(`mutation{createOrder(input:{title:"n",lines:[{lineNotes:[{text:"a"}]},{}]}){id}}`, "")
	sent := cost(`mutation($in:CreateOrderInput!){createOrder(input:$in){id}}`, `{"in":{"title":"n","lines":[{"lineNotes":[{"text":"a"}]},{}]}}`)
	if three-alone != 3*costMutation || sent != three {
		t.Errorf("alone %d, with three below %d, in variables %d", alone, three, sent)
	}
	many := strings.TrimSuffix(strings.Repeat("{},", 3000), ",")
	if got := cost(`mutation($in:CreateOrderInput!){createOrder(input:$in){id}}`, `{"in":{"title":"n","lines":[`+many+`]}}`); got <= DefaultBudget {
		t.Errorf("3,000 lines cost %d, within the budget", got)
	}
	if engine.MaxNested*costMutation >= DefaultBudget {
		t.Error("the engine's own limit is never met")
	}
}

func TestChangeOwner(t *testing.T) {
	bob := idOf(99, 2).String()
	for query, want := range map[string]string{
		`(id:"` + order(1) + `" owner:"` + bob + `")`:             `{"changeOrderOwner":{"id":"` + order(1) + `","order":{"owner":{"id":"` + bob + `"},"addedBy":{"displayName":"Ann"},"version":2}}}`,
		`(id:"` + order(1) + `" owner:"` + bob + `" ifVersion:2)`: "CONFLICT changeOrderOwner: ifVersion: the record has changed (1:10)\nnull",
		`(id:"` + order(1) + `" owner:"` + bob + `" ifVersion:0)`: "BAD_USER_INPUT changeOrderOwner: argument ifVersion: expected the version of a record, from 1 (1:10)\nnull",
		`(id:"` + order(1) + `" owner:"nobody")`:                  "BAD_USER_INPUT changeOrderOwner: owner: no such user (1:10)\nnull",
		`(id:"` + order(1) + `" owner:"` + order(1) + `")`:        "BAD_USER_INPUT changeOrderOwner: owner: no such user (1:10)\nnull",
		`(id:"nonsense" owner:"` + bob + `")`:                     "NOT_FOUND changeOrderOwner: no such record (1:10)\nnull",
		`(id:"` + order(1) + `" owner:null)`:                      "refused: input:1:75: Expected value of type \"ID!\", found null.\n",
	} {
		if got := world().run(t, `mutation{changeOrderOwner`+query+`{id order{owner{id} addedBy{displayName} version}}}`, ""); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
	}
}

// FuzzNestedInput coerces whatever a client sends for a create with children:
// what is taken has the shape of the schema's inputs, as many records as it
// costs, and is taken the same way a second time.
func FuzzNestedInput(f *testing.F) {
	for _, s := range []string{
		`{"title":"n","lines":[{"product":"a","count":1,"lineNotes":[{"text":"x"}]},{}]}`,
		`{"title":"n","lines":{"lineNotes":{"text":"x"}}}`, `{"title":null,"lines":[null]}`, `{"lines":[[[]]]}`,
		`{"title":"n","lines":[{"order":"x"}]}`, `{"title":"n","lines":[{"count":"9223372036854775808"}],"tags":"new","customer":7}`,
		`{"title":"n","__proto__":{},"lines":[{"lineNotes":[{"text":"x","owner":"y","line":{}}]}]}`,
	} {
		f.Add(s)
	}
	s := world().schema(f)
	def := s.AST.Types["CreateOrderInput"]
	f.Fuzz(func(t *testing.T, text string) {
		var sent any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if len(text) > 4000 || d.Decode(&sent) != nil {
			return
		}
		r, _, err := prepare(t, s, `mutation($in:CreateOrderInput!){createOrder(input:$in){id}}`, "", `{"in":`+mustJSON(t, sent)+`}`)
		if err != nil {
			return
		}
		given, _ := r.vars["in"].(map[string]any)
		draft, err := r.draftOf(formOrder, given, "input")
		if err != nil {
			t.Fatalf("coerced and not read: %v", err)
		}
		n := 0
		checkDraft(t, s, formOrder, draft, &n)
		if n*costMutation+1 != r.Cost {
			t.Fatalf("%d records cost %d", n, r.Cost)
		}
		again, err := coerceObject(s.AST, sent, def, 0)
		if err != nil || mustJSON(t, again) != mustJSON(t, given) {
			t.Fatalf("%v, then %v: %v", given, again, err)
		}
	})
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkDraft demands that a draft gives fields of its form only, never the
// parent where it stands below one, and counts the records.
func checkDraft(t *testing.T, s *app.Schema, number uint32, d *engine.Draft, n *int) {
	*n++
	form, _ := s.Form(number)
	a := sales()
	def, _ := a.FormNumber(number)
	for field, v := range d.Values {
		fd, ok := def.FieldNumber(field)
		switch {
		case !ok || form.Inputs[fd.Name] == nil:
			t.Fatalf("field %d of form %d is no input", field, number)
		case field == def.ParentField:
			t.Fatalf("a draft of form %d names its parent", number)
		case !v.IsNull() && v.Kind() != fd.Type.Kind():
			t.Fatalf("%s holds %v", fd.Name, v)
		}
	}
	for _, b := range d.Below {
		if form.Nested[b.Name] != b.Form {
			t.Fatalf("form %d below %d as %s", b.Form, number, b.Name)
		}
		for _, child := range b.Drafts {
			checkDraft(t, s, b.Form, child, n)
		}
	}
}
