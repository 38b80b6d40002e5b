package app

import (
	"context"
	"errors"
	"testing"

	"sluice/internal/fault"
)

func TestMutations(t *testing.T) {
	created := idOf(formOrder, 1001).String()
	for _, c := range []struct {
		name, query, vars string
		fail              map[string]error
		want              string
	}{
		{"create", `mutation($in:CreateOrderInput!){createOrder(input:$in){__typename id order{title amount tags urgent customer{name} assignee{displayName}}}}`,
			`{"in":{"title":"New","amount":12.5,"tags":["done"],"urgent":null,"customer":"` + idOf(formCustomer, 1).String() + `","assignee":"` + idOf(99, 1).String() + `"}}`, nil,
			`{"createOrder":{"__typename":"CreateOrderPayload","id":"` + created + `","order":{"title":"New","amount":"12.50","tags":["done"],"urgent":null,"customer":{"name":"Customer 1"},"assignee":{"displayName":"Ann"}}}}`},
		{"a required field is in the type", `mutation{createOrder(input:{amount:1}){id}}`, "", nil, "refused: input:1:28: Field \"CreateOrderInput.title\" of required type \"String!\" was not provided.\n"},
		{"update", `mutation{updateOrder(id:"` + order(1) + `",input:{title:"Renamed",note:null},ifVersion:1){id order{title note version quantity}}}`, "", nil,
			`{"updateOrder":{"id":"` + order(1) + `","order":{"title":"Renamed","note":null,"version":2,"quantity":1}}}`},
		{"a later field sees earlier ones", `mutation{a:updateOrder(id:"` + order(1) + `",input:{title:"A"}){order{title version}} b:updateOrder(id:"` + order(1) + `",input:{title:"B"}){order{title version}}}`, "", nil,
			`{"a":{"order":{"title":"A","version":2}},"b":{"order":{"title":"B","version":3}}}`},
		{"delete", `mutation{deleteOrder(id:"` + order(1) + `"){id}}`, "", nil, `{"deleteOrder":{"id":"` + order(1) + `"}}`},
		{"wrong version", `mutation{updateOrder(id:"` + order(1) + `",input:{title:"x"},ifVersion:9){id}}`, "", nil, "CONFLICT updateOrder: ifVersion: the record has changed (1:10)\nnull"},
		{"version of nothing", `mutation{deleteOrder(id:"` + order(1) + `",ifVersion:0){id}}`, "", nil, "BAD_USER_INPUT deleteOrder: argument ifVersion: expected the version of a record, from 1 (1:10)\nnull"},
		{"absent", `mutation{updateOrder(id:"` + order(77) + `",input:{}){id}}`, "", nil, "NOT_FOUND updateOrder: no such record (1:10)\nnull"},
		{"no id", `mutation{deleteOrder(id:"nonsense"){id}}`, "", nil, "NOT_FOUND deleteOrder: no such record (1:10)\nnull"},
		{"value", `mutation{createOrder(input:{title:"x",due:"never"}){id}}`, "", nil, "BAD_USER_INPUT createOrder: input.due: expected a date like \"2006-01-31\" (1:10)\nnull"},
		{"forbidden", `mutation{createOrder(input:{title:"x"}){id}}`, "", map[string]error{"Create": fault.New(fault.Forbidden, "op", "not you")}, "FORBIDDEN createOrder: not you (1:10)\nnull"},
		{"internal", `mutation{createOrder(input:{title:"x"}){id}}`, "", map[string]error{"Create": errors.New("disk /dev/sda")}, "INTERNAL createOrder: internal error (1:10)\nnull"},
		{"commit", `mutation{createOrder(input:{title:"x"}){id}}`, "", map[string]error{"commit": fault.New(fault.Conflict, "op", "try again")}, "CONFLICT : try again\nnull"},
		{"payload out of reach", `mutation{deleteOrder(id:"` + order(2) + `"){id} createOrder(input:{title:"x"}){id order{id}}}`, "", map[string]error{"Get": nil}, `{"deleteOrder":{"id":"` + order(2) + `"},"createOrder":{"id":"` + created + `","order":{"id":"` + created + `"}}}`},
	} {
		w := world()
		if c.fail != nil {
			w.fail = c.fail
		}
		if got := w.run(t, c.query, c.vars); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestMutationsAreAllOrNothing fails the last of several fields, and a nullable
// field deep in a payload: nothing is written in either case.
func TestMutationsAreAllOrNothing(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`mutation{createOrder(input:{title:"x"}){id} deleteOrder(id:"` + order(1) + `"){id} updateOrder(id:"` + order(77) + `",input:{}){id}}`,
			"NOT_FOUND updateOrder: no such record (1:104)\nnull"},
		{`mutation{createOrder(input:{title:"x"}){id order{lines(first:2000){totalCount}}}}`,
			"BAD_USER_INPUT createOrder.order.lines: argument first: expected 0 to 1000 (1:50)\nnull"},
	} {
		w := world()
		if got := w.run(t, c.query, ""); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if got := w.run(t, `{orders{totalCount}}`, ""); got != `{"orders":{"totalCount":5}}` {
			t.Errorf("something was written: %s", got)
		}
	}
}

// TestMutationsRunAgain answers the same after conflicts: nothing of an attempt
// that was not committed is in the answer.
func TestMutationsRunAgain(t *testing.T) {
	const query = `mutation{a:createOrder(input:{title:"x"}){id} b:createOrder(input:{title:"y"}){id order{title}}}`
	once, thrice := world(), world()
	thrice.calls["conflicts"] = 2
	a, b := once.run(t, query, ""), thrice.run(t, query, "")
	if a != b {
		t.Errorf("once   %s\nthrice %s", a, b)
	}
	if got := thrice.run(t, `{orders{totalCount}}`, ""); got != `{"orders":{"totalCount":7}}` {
		t.Error(got)
	}
}

// TestWriteThatNeverRan hands back the error of a transaction that could not
// begin, so that the gateway answers it by status.
func TestWriteThatNeverRan(t *testing.T) {
	w := world()
	r, _, err := prepare(t, w.schema(t), `mutation{deleteOrder(id:"`+order(1)+`"){id}}`, "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := fault.New(fault.Unauthenticated, "op", "signed out")
	a, err := r.Mutate(context.Background(), func(func(Request) error) error { return want })
	if a != nil || !errors.Is(err, want) {
		t.Fatal(a, err)
	}
}
