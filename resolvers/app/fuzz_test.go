package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/graph/app"
)

// FuzzOperation runs whatever validates: no panic, and the answer is JSON whose
// keys are those that the operation selects.
func FuzzOperation(f *testing.F) {
	for _, q := range []string{
		`{orders{nodes{id title customer{name} lines{totalCount}}}}`,
		`query($w:OrderFilter,$o:[OrderOrder!],$n:Int=3){orders(where:$w,orderBy:$o,first:$n){edges{cursor node{...F}}}} fragment F on Order{id owner{displayName}}`,
		`mutation($i:CreateOrderInput!){createOrder(input:$i){id order{title tags}}}`,
		`mutation{updateOrder(id:"` + order(1) + `",input:{quantity:5,due:"2024-02-29"},ifVersion:1){order{quantity due}} deleteOrder(id:1){id}}`,
		`mutation{createOrder(input:{title:"n",lines:[{product:"a",lineNotes:[{text:"x"}]}]}){order{lines{nodes{id}}}} changeOrderOwner(id:"` + order(1) + `",owner:"` + idOf(99, 2).String() + `"){order{owner{id}}}}`,
		`{__schema{types{name fields{name args{name defaultValue}}}} __type(name:"Order"){fields(includeDeprecated:true){type{ofType{name}}}}}`,
		`query($b:Boolean!){me{rights@include(if:$b){actions}} orders(after:"x")@skip(if:$b){pageInfo{hasPreviousPage}}}`,
	} {
		f.Add(q, `{"w":{"title":{"eq":"x"}},"o":[{"field":"id"}],"n":2,"i":{"title":"t","tags":["new"]},"b":true}`)
		f.Add(q, `{"w":null,"i":{"title":null},"b":"x"}`)
	}
	s := world().schema(f)
	f.Fuzz(func(t *testing.T, text, vars string) {
		if len(text) > 4000 || len(vars) > 4000 {
			return
		}
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, 400)
		if err != nil || len(validator.ValidateWithRules(s.AST, doc, app.Rules())) > 0 {
			return
		}
		var sent map[string]any
		d := json.NewDecoder(strings.NewReader(vars))
		d.UseNumber()
		if d.Decode(&sent) != nil {
			sent = nil
		}
		for _, def := range doc.Operations {
			runFuzzed(t, NewDocument(s, doc), def, sent)
		}
	})
}

func runFuzzed(t *testing.T, doc *Document, def *ast.OperationDefinition, sent map[string]any) {
	o, gerr := doc.Operation(def.Name)
	if gerr != nil {
		return
	}
	r, gerr := o.Prepare(sent)
	if gerr != nil || r.Cost > 20_000 {
		return
	}
	w := world()
	var a *Answer
	if o.Mutates() {
		var err error
		if a, err = r.Mutate(context.Background(), w.write); err != nil {
			t.Fatal(err)
		}
	} else {
		a = r.Query(context.Background(), Request{Viewer: viewer, Op: w})
	}
	defer a.Release()
	for _, e := range a.Errors {
		if e.Extensions["code"] == "INTERNAL" {
			t.Fatalf("%s: %v %v", def.Name, e, a.Causes)
		}
	}
	var data any
	if err := json.Unmarshal(a.Data, &data); err != nil {
		t.Fatalf("%v: %s", err, a.Data)
	}
	if data == nil && len(a.Errors) == 0 {
		t.Fatal("null without an error")
	}
	sameShape(t, r.set, data)
}

// sameShape compares an answer with the plan that wrote it.
func sameShape(t *testing.T, s *set, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if x == nil {
				t.Fatal("a hole in a list")
			}
			sameShape(t, s, x)
		}
	case map[string]any:
		if s == nil || len(v) != len(s.fields) {
			t.Fatalf("%d keys in %v", len(v), v)
		}
		for i := range s.fields {
			f := &s.fields[i]
			x, ok := v[f.alias]
			if !ok || x == nil && f.nonNull {
				t.Fatalf("%s: %v", f.alias, x)
			}
			sameShape(t, f.sub, x)
		}
	}
}
