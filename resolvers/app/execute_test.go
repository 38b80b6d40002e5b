package app

import (
	"errors"
	"strings"
	"testing"

	"sluice/internal/fault"
)

func order(n uint64) string { return idOf(formOrder, n).String() }

// TestQueries is a table of the execution chapter of the specification.
func TestQueries(t *testing.T) {
	for _, c := range []struct{ name, query, vars, want string }{
		{"every type", `{order(id:"` + order(1) + `"){id title note quantity amount urgent due shippedAt state tags version addedTime modifiedBy{id}}}`, "",
			`{"order":{"id":"` + order(1) + `","title":"Order 1","note":"a \"note\"\n","quantity":1,"amount":"1.50","urgent":true,"due":"1970-01-01","shippedAt":"1970-01-01T00:00:00.000001Z","state":"in work","tags":["new","done"],"version":1,"addedTime":"1970-01-01T00:00:01Z","modifiedBy":null}}`},
		{"order of keys and aliases", `{b:order(id:"` + order(2) + `"){t:title title} a:_schemaVersion}`, "", `{"b":{"t":"Order 2","title":"Order 2"},"a":"sales.1"}`},
		{"absent", `{order(id:"` + order(77) + `"){id} x:order(id:"nonsense"){id} y:order(id:5){id}}`, "", `{"order":null,"x":null,"y":null}`},
		{"typename", `{__typename orders(first:1){__typename nodes{__typename customer{__typename}} edges{__typename} pageInfo{__typename}} me{__typename}}`, "",
			`{"__typename":"Query","orders":{"__typename":"OrderConnection","nodes":[{"__typename":"Order","customer":{"__typename":"Customer"}}],"edges":[{"__typename":"OrderEdge"}],"pageInfo":{"__typename":"PageInfo"}},"me":{"__typename":"Viewer"}}`},
		{"merged fields", `{orders(first:1){nodes{title}} orders(first:1){nodes{quantity title}} ...F} fragment F on Query{orders(first:1){totalCount}}`, "",
			`{"orders":{"nodes":[{"title":"Order 1","quantity":1}],"totalCount":5}}`},
		{"inline fragments", `{...{_schemaVersion} ...on Query{orders(first:1){...on OrderConnection{nodes{...on Order{title}}}}}}`, "",
			`{"_schemaVersion":"sales.1","orders":{"nodes":[{"title":"Order 1"}]}}`},
		{"fragment spread twice", `{orders(first:1){nodes{...A ...A}}} fragment A on Order{title ...B} fragment B on Order{quantity}`, "",
			`{"orders":{"nodes":[{"title":"Order 1","quantity":1}]}}`},
		{"skip and include", `query($on:Boolean!,$off:Boolean=false){a:_schemaVersion@skip(if:$on) b:_schemaVersion@include(if:$on) c:_schemaVersion@include(if:$off) ...@skip(if:$off){d:_schemaVersion} ...F@include(if:$off)} fragment F on Query{e:_schemaVersion}`, `{"on":true}`,
			`{"b":"sales.1","d":"sales.1"}`},
		{"skip wins over include", `{a:_schemaVersion@skip(if:true)@include(if:true) b:__typename}`, "", `{"b":"Query"}`},
		{"excluded spread does not count as visited", `query($no:Boolean=false){...F@include(if:$no) ...F} fragment F on Query{_schemaVersion}`, "", `{"_schemaVersion":"sales.1"}`},
		{"nothing left", `query($no:Boolean=false){_schemaVersion@include(if:$no)}`, "", `{}`},
		{"lookups in and out of reach", `{orders(first:4){nodes{quantity customer{name}}}}`, "",
			`{"orders":{"nodes":[{"quantity":1,"customer":{"name":"Customer 1"}},{"quantity":2,"customer":{"name":"Customer 2"}},{"quantity":3,"customer":null},{"quantity":4,"customer":null}]}}`},
		{"users", `{orders(first:2){nodes{assignee{id displayName __typename} owner{displayName}}}}`, "",
			`{"orders":{"nodes":[{"assignee":{"id":"` + idOf(99, 2).String() + `","displayName":"Bob \"B\" ` + "\u2028" + `","__typename":"User"},"owner":{"displayName":"Ann"}},{"assignee":null,"owner":{"displayName":"Ann"}}]}}`},
		{"children", `{orders(first:3){nodes{lines(first:2){totalCount nodes{product order{quantity}} pageInfo{hasNextPage}}}}}`, "",
			`{"orders":{"nodes":[{"lines":{"totalCount":1,"nodes":[{"product":"P1.0","order":{"quantity":1}}],"pageInfo":{"hasNextPage":false}}},{"lines":{"totalCount":2,"nodes":[{"product":"P2.0","order":{"quantity":2}},{"product":"P2.1","order":{"quantity":2}}],"pageInfo":{"hasNextPage":false}}},{"lines":{"totalCount":3,"nodes":[{"product":"P3.0","order":{"quantity":3}},{"product":"P3.1","order":{"quantity":3}}],"pageInfo":{"hasNextPage":true}}}]}}`},
		{"nodes and edges and aliases of both", `{orders(first:1){a:nodes{title} b:nodes{quantity} edges{x:node{title} y:node{quantity customer{name}}}}}`, "",
			`{"orders":{"a":[{"title":"Order 1"}],"b":[{"quantity":1}],"edges":[{"x":{"title":"Order 1"},"y":{"quantity":1,"customer":{"name":"Customer 1"}}}]}}`},
		{"first page", `{orders(first:2){pageInfo{hasNextPage hasPreviousPage startCursor endCursor} edges{cursor}}}`, "",
			`{"orders":{"pageInfo":{"hasNextPage":true,"hasPreviousPage":false,"startCursor":"c` + order(1) + `","endCursor":"c` + order(2) + `"},"edges":[{"cursor":"c` + order(1) + `"},{"cursor":"c` + order(2) + `"}]}}`},
		{"next page", `query($a:String){orders(first:2,after:$a){pageInfo{hasNextPage hasPreviousPage} nodes{quantity}}}`, `{"a":"c` + order(3) + `"}`,
			`{"orders":{"pageInfo":{"hasNextPage":false,"hasPreviousPage":true},"nodes":[{"quantity":4},{"quantity":5}]}}`},
		{"past the end", `{orders(after:"c` + order(5) + `"){pageInfo{hasNextPage hasPreviousPage startCursor endCursor} nodes{quantity}}}`, "",
			`{"orders":{"pageInfo":{"hasNextPage":false,"hasPreviousPage":true,"startCursor":null,"endCursor":null},"nodes":[]}}`},
		{"only a count", `{orders(first:0,where:{quantity:{gt:3}}){totalCount nodes{id}}}`, "", `{"orders":{"totalCount":2,"nodes":[]}}`},
		{"where literal", `{orders(where:{or:[{quantity:{eq:1}},{customer:{name:{eq:"Customer 2"}}}],not:{urgent:{eq:true}}}){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":2}]}}`},
		{"where variable", `query($w:OrderFilter){orders(where:$w){nodes{quantity}}}`, `{"w":{"amount":{"between":["3.00",4.5]},"customer":{"isNull":false}}}`, `{"orders":{"nodes":[{"quantity":2},{"quantity":3}]}}`},
		{"where of one instead of a list", `{orders(where:{or:{quantity:{in:3}}}){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":3}]}}`},
		{"where left out by variable", `query($w:OrderFilter){orders(where:$w,first:1){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":1}]}}`},
		{"where null", `{orders(where:null,first:1,orderBy:null,after:null){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":1}]}}`},
		{"variable inside a filter left out", `query($q:Long){orders(where:{quantity:{gt:4,lt:$q}}){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":5}]}}`},
		{"order", `{orders(orderBy:{field:quantity,direction:DESC},first:2){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":5},{"quantity":4}]}}`},
		{"order with defaults in a variable", `query($o:[OrderOrder!]){orders(orderBy:$o,first:2){nodes{quantity}}}`, `{"o":[{"field":"urgent","nulls":"FIRST"},{"field":"quantity","direction":"DESC"}]}`,
			`{"orders":{"nodes":[{"quantity":5},{"quantity":4}]}}`},
		{"order nulls last by default", `{orders(orderBy:[{field:urgent,direction:DESC}],first:1){nodes{quantity}}}`, "", `{"orders":{"nodes":[{"quantity":1}]}}`},
		{"report", `{openOrders(first:1){nodes{quantity}}}`, "", `{"openOrders":{"nodes":[{"quantity":1}]}}`},
		{"rights of records", `{orders(first:1){nodes{viewerCanUpdate viewerCanDelete}}}`, "", `{"orders":{"nodes":[{"viewerCanUpdate":true,"viewerCanDelete":false}]}}`},
		{"me", `{me{id displayName kind role permissionSet application rights{component kind actions}}}`, "",
			`{"me":{"id":"` + idOf(99, 1).String() + `","displayName":"Ann","kind":"LIVE","role":"Rep","permissionSet":null,"application":"sales","rights":[{"component":"Customer","kind":"FORM","actions":["ACCESS","VIEW","EDIT","DELETE","READ_COMMENTS","WRITE_COMMENTS","READ_HISTORY","CREATE_REPORT"]},{"component":"Order","kind":"FORM","actions":["ACCESS","VIEW","EDIT","DELETE","READ_COMMENTS","WRITE_COMMENTS","READ_HISTORY","CREATE_REPORT"]},{"component":"openOrders","kind":"REPORT","actions":["VIEW"]},{"component":"OrderLine","kind":"FORM","actions":["ACCESS","VIEW","EDIT","DELETE","READ_COMMENTS","WRITE_COMMENTS","READ_HISTORY","CREATE_REPORT"]},{"component":"LineNote","kind":"FORM","actions":["ACCESS","VIEW","EDIT","DELETE","READ_COMMENTS","WRITE_COMMENTS","READ_HISTORY","CREATE_REPORT"]}]}}`},
		{"introspection of a type", `query($n:String!){a:__type(name:$n){name kind fields{name}} b:__type(name:"Nothing"){name}}`, `{"n":"PageInfo"}`,
			`{"a":{"name":"PageInfo","kind":"OBJECT","fields":[{"name":"hasNextPage"},{"name":"hasPreviousPage"},{"name":"startCursor"},{"name":"endCursor"}]},"b":null}`},
		{"introspection of the schema", `{__schema{queryType{name} mutationType{name} subscriptionType{name} directives{name}}}`, "",
			`{"__schema":{"queryType":{"name":"Query"},"mutationType":{"name":"Mutation"},"subscriptionType":{"name":"Subscription"},"directives":[{"name":"deprecated"},{"name":"include"},{"name":"oneOf"},{"name":"skip"},{"name":"specifiedBy"}]}}`},
	} {
		if got := world().run(t, c.query, c.vars); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestErrors is a table of what a client is told, where, and what is null then.
func TestErrors(t *testing.T) {
	invalid := fault.New(fault.Invalid, "op", "no such cursor")
	for _, c := range []struct {
		name, query, vars string
		fail              map[string]error
		want              string
	}{
		{"non-null field nulls the whole", `{_schemaVersion orders{nodes{id}}}`, "", map[string]error{"List": invalid},
			"BAD_USER_INPUT orders: no such cursor (1:17)\nnull"},
		{"nullable field nulls itself", "{_schemaVersion\n x:order(id:\"" + order(1) + "\"){id}}", "", map[string]error{"Get": errors.New("key /data/1")},
			"INTERNAL x: internal error (2:2)\n" + `{"_schemaVersion":"sales.1","x":null}`},
		{"child list nulls its nullable parent", `{order(id:"` + order(1) + `"){id customer{name} lines{nodes{id}}} _schemaVersion}`, "", map[string]error{"Children": invalid},
			"BAD_USER_INPUT order.lines: no such cursor (1:69)\n" + `{"order":null,"_schemaVersion":"sales.1"}`},
		{"a lookup's fault is told once", `{orders(first:3){nodes{quantity customer{name}}}}`, "", map[string]error{"GetMany": invalid},
			"BAD_USER_INPUT orders.nodes[0].customer: no such cursor (1:33)\n" + `{"orders":{"nodes":[{"quantity":1,"customer":null},{"quantity":2,"customer":null},{"quantity":3,"customer":null}]}}`},
		{"deep inside a nullable lookup", `{orders(first:2){nodes{quantity customer{name orders(first:-1){totalCount}}}}}`, "", nil,
			"BAD_USER_INPUT orders.nodes[0].customer.orders: argument first: expected 0 to 1000 (1:47)\n" + `{"orders":{"nodes":[{"quantity":1,"customer":null},{"quantity":2,"customer":null}]}}`},
		{"first too large", `{orders(first:1001){nodes{id}}}`, "", nil, "BAD_USER_INPUT orders: argument first: expected 0 to 1000 (1:2)\nnull"},
		{"Int beyond 32 bits", `{orders(first:4294967297){nodes{id}}}`, "", nil, "BAD_USER_INPUT orders: argument first: expected an integer of type Int, within 32 bits (1:2)\nnull"},
		{"filter value", `{orders(where:{amount:{gte:"1.234"}}){nodes{id}}}`, "", nil, "BAD_USER_INPUT orders: where.amount.gte: "},
		{"filter value in a variable", `query($w:OrderFilter){orders(where:$w){nodes{id}}}`, `{"w":{"and":[{},{"due":{"eq":"tomorrow"}}]}}`, nil, "BAD_USER_INPUT orders: where.and.1.due.eq: "},
		{"custom scalar of the wrong kind", `{orders(where:{due:{eq:5}}){nodes{id}}}`, "", nil, "BAD_USER_INPUT orders: argument where.due.eq: expected a string of type Date (1:2)\nnull"},
		{"custom scalar as object", `{orders(where:{amount:{eq:{a:1}}}){nodes{id}}}`, "", nil, "BAD_USER_INPUT orders: argument where.amount.eq: expected a number or a string of type Decimal (1:2)\nnull"},
		{"null into a list", `{orders(where:{quantity:{in:[1,null]}}){nodes{id}}}`, "", nil, "refused: input:1:32: Expected value of type \"Long!\", found null.\n"},
		{"both root fields fail", `{a:order(id:"` + order(1) + `"){id} b:order(id:"` + order(2) + `"){id}}`, "", map[string]error{"Get": invalid},
			"BAD_USER_INPUT a: no such cursor (1:2)\nBAD_USER_INPUT b: no such cursor (1:57)\n" + `{"a":null,"b":null}`},
	} {
		w := world()
		if c.fail != nil {
			w.fail = c.fail
		}
		got := w.run(t, c.query, c.vars)
		if got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got, c.want) && strings.HasSuffix(got, "\nnull")) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestVariables is a table of the coercion of variables.
func TestVariables(t *testing.T) {
	ok := `{"orders":{"__typename":"OrderConnection"}}`
	// Unused variables are refused by validation, so each case declares its own.
	for _, c := range []struct{ decl, use, vars, want string }{
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":3}`, ok},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":3.0}`, ok},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":null}`, ok},
		{`$v:Int`, `orders(first:$v){__typename}`, ``, ok},
		{`$v:Int=7`, `orders(first:$v){__typename}`, ``, ok},
		{`$v:Int!`, `orders(first:$v){__typename}`, ``, "refused: input: variable $v of type Int! is required"},
		{`$v:Int!`, `orders(first:$v){__typename}`, `{"v":null}`, "refused: input: variable $v: expected a value of type Int!, found null"},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":"3"}`, "refused: input: variable $v: expected an integer of type Int, within 32 bits"},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":3.5}`, "refused: input: variable $v: expected an integer of type Int, within 32 bits"},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":2147483648}`, "refused: input: variable $v: expected an integer of type Int, within 32 bits"},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":1e400}`, "refused: input: variable $v: expected an integer of type Int, within 32 bits"},
		{`$v:Int`, `orders(first:$v){__typename}`, `{"v":true}`, "refused: input: variable $v: expected an integer of type Int, within 32 bits"},
		{`$v:ID!`, `order(id:$v){id}`, `{"v":5}`, `{"order":null}`},
		{`$v:ID!`, `order(id:$v){id}`, `{"v":5.5}`, "refused: input: variable $v: expected a string of type ID"},
		{`$v:Boolean!`, `_schemaVersion @include(if:$v)`, `{"v":"true"}`, "refused: input: variable $v: expected true or false"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":{"field":"title"}}`, ok},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{"field":"TITLE"}]}`, "refused: input: variable $v[0].field: expected a value of enum OrderOrderField"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{}]}`, "BAD_USER_INPUT orders: argument orderBy[0]: expected either field or one lookup (1:25)\nnull"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{"field":"title","customer":{"field":"name"}}]}`, "BAD_USER_INPUT orders: argument orderBy[0]: expected either field or one lookup (1:25)\nnull"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{"customer":{"field":"name"},"direction":"DESC"}]}`, "BAD_USER_INPUT orders: argument orderBy[0]: direction and nulls belong beside field, within customer (1:25)\nnull"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{"customer":{}}]}`, "BAD_USER_INPUT orders: argument orderBy[0].customer: expected either field or one lookup (1:25)\nnull"},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[{"customer":{"field":"name","direction":"DESC"}}]}`, ok},
		{`$v:[OrderOrder!]`, `orders(orderBy:$v){__typename}`, `{"v":[null]}`, "refused: input: variable $v[0]: expected a value of type OrderOrder!, found null"},
		{`$v:OrderFilter`, `orders(where:$v){__typename}`, `{"v":{"secret":{"eq":1}}}`, `refused: input: variable $v: field "secret" is not defined by type "OrderFilter"`},
		{`$v:OrderFilter`, `orders(where:$v){__typename}`, `{"v":{"title":{"eq":5}}}`, "refused: input: variable $v.title.eq: expected a string of type String"},
		{`$v:OrderFilter`, `orders(where:$v){__typename}`, `{"v":[]}`, "refused: input: variable $v: expected an object of type OrderFilter"},
		{`$v:OrderFilter`, `orders(where:$v){__typename}`, `{"v":` + strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 71), "refused: input: variable $v" + strings.Repeat(".not", 65) + ": the value nests deeper than 64 levels"},
		{`$v:Decimal`, `orders(where:{amount:{eq:$v}}){__typename}`, `{"v":1.50}`, ok},
		{`$v:Decimal`, `orders(where:{amount:{eq:$v}}){__typename}`, `{"v":true}`, "refused: input: variable $v: expected a number or a string of type Decimal"},
		{`$v:Int=3`, `orders(first:$v){__typename}`, `{"v":4,"unknown":{"x":1}}`, ok},
		{`$v:OrderOrder={field:title}`, `orders(orderBy:[$v]){__typename}`, ``, ok},
		{`$v:OrderOrder={field:title}`, `orders(orderBy:[$v]){__typename}`, `{"v":null}`, "BAD_USER_INPUT orders: argument orderBy[0]: expected a value of type OrderOrder!, found null (1:36)\nnull"},
		{`$v:OrderOrder!={field:title}`, `orders(orderBy:[$v]){__typename}`, ``, ok},
	} {
		got := world().run(t, "query("+c.decl+"){"+c.use+"}", c.vars)
		if got != c.want {
			t.Errorf("%s %s %s:\ngot  %s\nwant %s", c.decl, c.use, c.vars, got, c.want)
		}
	}
}

// TestBatches counts calls: however many records, one call for each field of
// each level.
func TestBatches(t *testing.T) {
	w := world()
	w.run(t, `{orders{nodes{customer{name orders{nodes{customer{name}}}} lines{nodes{order{customer{name}}}}}}}`, "")
	if w.calls["List"] != 1 || w.calls["Children"] != 2 || w.calls["GetMany"] != 4 || w.calls["Get"] != 0 {
		t.Error(w.calls)
	}
}

// TestCountsOnlyWhenSelected: totals and positions are asked for only by who
// selects them.
func TestCountsOnlyWhenSelected(t *testing.T) {
	w := world()
	r, _, err := prepare(t, w.schema(t), `{a:orders{nodes{id}} b:orders{totalCount} c:orders(after:"x"){pageInfo{hasNextPage}}}`, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false} {
		if got := r.set.fields[i].sub.total; got != want {
			t.Errorf("%d: counts %v", i, got)
		}
	}
	w.run(t, `{orders(first:1,after:"c`+order(1)+`"){pageInfo{hasNextPage}}}`, "")
	if w.calls["List"] != 1 {
		t.Error("asks for records before the page although nobody wants to know")
	}
}

// TestLongIsNeverRounded holds the two forms of a 64-bit integer.
func TestLongIsNeverRounded(t *testing.T) {
	w := world()
	got := w.run(t, `mutation{a:createOrder(input:{title:"a",quantity:9007199254740991}){order{quantity}} b:createOrder(input:{title:"b",quantity:"-9007199254740992"}){order{quantity}} c:createOrder(input:{title:"c",quantity:9223372036854775807}){order{quantity}}}`, "")
	want := `{"a":{"order":{"quantity":9007199254740991}},"b":{"order":{"quantity":"-9007199254740992"}},"c":{"order":{"quantity":"9223372036854775807"}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = w.run(t, `mutation($q:Long){createOrder(input:{title:"a",quantity:$q}){id}}`, `{"q":9223372036854775808}`)
	if !strings.HasPrefix(got, "BAD_USER_INPUT createOrder: input.quantity: expected a whole number") {
		t.Error(got)
	}
}
