package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// orderPage is a page of orders over HTTP.
type orderPage struct {
	numbers, cursors []string
	previous, next   bool
}

func (d *demoServer) orders(t *testing.T, who, args string) orderPage {
	t.Helper()
	a := d.ok(t, who, `{orders(%s){edges{cursor node{number}} pageInfo{hasPreviousPage hasNextPage}}}`, args)
	p := orderPage{previous: a.at("orders.pageInfo.hasPreviousPage") == true, next: a.at("orders.pageInfo.hasNextPage") == true}
	for _, e := range a.list("orders.edges") {
		e := e.(map[string]any)
		p.cursors = append(p.cursors, e["cursor"].(string))
		p.numbers = append(p.numbers, e["node"].(map[string]any)["number"].(string))
	}
	return p
}

// TestP1_PagesFromBothEnds walks a list over HTTP forwards and backwards: the same
// records and the same cursors, and windows between two cursors.
func TestP1_PagesFromBothEnds(t *testing.T) {
	d := theDemo(t)
	const order = `orderBy:[{field:amount,direction:DESC,nulls:FIRST}]`
	for _, who := range []string{"ravi", "marta"} {
		whole := d.orders(t, who, "first:1000,"+order)
		n := len(whole.numbers)
		if n < 8 || whole.previous || whole.next {
			t.Fatalf("%s has %d orders, previous %v, next %v", who, n, whole.previous, whole.next)
		}
		var numbers, cursors []string
		before := ""
		for {
			p := d.orders(t, who, "last:17"+before+","+order)
			numbers, cursors = append(slices.Clone(p.numbers), numbers...), append(slices.Clone(p.cursors), cursors...)
			if p.next != (before != "") {
				t.Errorf("%s before %q: has next %v", who, before, p.next)
			}
			if !p.previous || len(numbers) > n {
				break
			}
			before = fmt.Sprintf(",before:%q", p.cursors[0])
		}
		if !slices.Equal(numbers, whole.numbers) || !slices.Equal(cursors, whole.cursors) {
			t.Errorf("%s: backwards %v, forwards %v", who, numbers, whole.numbers)
		}
		between := fmt.Sprintf("after:%q,before:%q,%s", whole.cursors[1], whole.cursors[6], order)
		for args, want := range map[string][]string{"first:2,": whole.numbers[2:4], "last:2,": whole.numbers[4:6], "first:50,": whole.numbers[2:6], "": whole.numbers[2:6]} {
			if p := d.orders(t, who, args+between); !slices.Equal(p.numbers, want) || !p.previous || !p.next {
				t.Errorf("%s: %sbetween two cursors: %+v, want %v", who, args, p, want)
			}
		}
	}
}

// TestFirstAndLastTogether are refused with an error that says why.
func TestFirstAndLastTogether(t *testing.T) {
	d := theDemo(t)
	for _, q := range []string{`{orders(first:2,last:2){totalCount}}`, `{orders(last:-1){totalCount}}`, `{orders(last:1001){totalCount}}`,
		`{orders(first:1){nodes{orderLines(first:1,last:1){totalCount}}}}`} {
		if a := d.as(t, "ravi", "%s", q); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %+v", q, a.Errors)
		}
	}
	if a := d.ok(t, "ravi", `{orders(first:3){nodes{lines:orderLines(last:1){nodes{id} pageInfo{hasPreviousPage hasNextPage}} all:orderLines{nodes{id}}}}}`); a.Data == nil {
		t.Error("no answer")
	} else {
		for _, o := range a.list("orders.nodes") {
			o := o.(map[string]any)
			last, all := o["lines"].(map[string]any)["nodes"].([]any), o["all"].(map[string]any)["nodes"].([]any)
			if len(all) > 0 && (len(last) != 1 || fmt.Sprint(last[0]) != fmt.Sprint(all[len(all)-1])) {
				t.Errorf("the last of %v is %v", all, last)
			}
		}
	}
}

// TestL1_QuantifiedOverHTTP compares some, every and none with what the lists
// show.
func TestL1_QuantifiedOverHTTP(t *testing.T) {
	d := theDemo(t)
	for _, who := range []string{"ravi"} {
		a := d.ok(t, who, `{orders(first:400){totalCount nodes{id orderLines(first:200){nodes{quantity}}}}}`)
		if n := a.count("orders.totalCount"); n > 400 {
			t.Fatalf("%s has %d orders", who, n)
		}
		want := map[string][]string{}
		for _, o := range a.list("orders.nodes") {
			o := o.(map[string]any)
			id, large, small := o["id"].(string), 0, 0
			for _, l := range o["orderLines"].(map[string]any)["nodes"].([]any) {
				if q, ok := l.(map[string]any)["quantity"].(float64); ok && q >= 5 {
					large++
				} else {
					small++
				}
			}
			for kind, holds := range map[string]bool{"some": large > 0, "every": small == 0, "none": large == 0} {
				if holds {
					want[kind] = append(want[kind], id)
				}
			}
		}
		for _, kind := range []string{"some", "every", "none"} {
			a := d.ok(t, who, `{orders(first:1000,where:{orderLines:{%s:{quantity:{gte:5}}}}){totalCount nodes{id}}}`, kind)
			var got []string
			for _, o := range a.list("orders.nodes") {
				got = append(got, o.(map[string]any)["id"].(string))
			}
			if !slices.Equal(got, want[kind]) || len(got) == 0 || a.count("orders.totalCount") != len(got) {
				t.Errorf("%s: %s: %d of %d orders, by the lists %d", who, kind, len(got), len(a.list("orders.nodes")), len(want[kind]))
			}
		}
		// Through a lookup and back, two levels deep.
		deep := d.ok(t, who, `{orders(where:{customer:{orders:{some:{orderLines:{some:{quantity:{gte:5}}}}}}}){totalCount}}`).count("orders.totalCount")
		if deep < len(want["some"])/2 {
			t.Errorf("%s: %d orders of customers with such an order, %d such orders", who, deep, len(want["some"]))
		}
	}
}

// TestL1_OrderThroughLookupsOverHTTP orders by the name of the customer and pages
// through it from both ends.
func TestL1_OrderThroughLookupsOverHTTP(t *testing.T) {
	d := theDemo(t)
	const order = `orderBy:[{customer:{field:name,direction:DESC,nulls:FIRST}},{field:number}]`
	a := d.ok(t, "ravi", `{orders(first:1000,%s){nodes{number customer{name}}}}`, order)
	var all []string
	last := ""
	for i, o := range a.list("orders.nodes") {
		o := o.(map[string]any)
		name := "~" // nulls first
		if c, ok := o["customer"].(map[string]any); ok {
			name, _ = c["name"].(string)
		}
		if i > 0 && name > last {
			t.Errorf("%s stands behind %s", name, last)
		}
		all, last = append(all, o["number"].(string)), name
	}
	var forward, backward []string
	for at := ""; ; {
		p := d.orders(t, "ravi", "first:13"+at+","+order)
		forward = append(forward, p.numbers...)
		if !p.next {
			break
		}
		at = fmt.Sprintf(",after:%q", p.cursors[len(p.cursors)-1])
	}
	for at := ""; ; {
		p := d.orders(t, "ravi", "last:13"+at+","+order)
		backward = append(slices.Clone(p.numbers), backward...)
		if !p.previous {
			break
		}
		at = fmt.Sprintf(",before:%q", p.cursors[0])
	}
	if !slices.Equal(forward, all) || !slices.Equal(backward, all) {
		t.Errorf("forward %v, backward %v, whole %v", forward, backward, all)
	}
	for q, want := range map[string]string{
		`{orders(orderBy:[{customer:{field:name},field:number}]){totalCount}}`:                  "BAD_USER_INPUT",
		`{orders(orderBy:[{customer:{field:name},direction:DESC}]){totalCount}}`:                "BAD_USER_INPUT",
		`{orders(orderBy:[{}]){totalCount}}`:                                                    "BAD_USER_INPUT",
		`{orders(orderBy:[{customer:{field:nothing}}]){totalCount}}`:                            "BAD_USER_INPUT",
		`mutation{createReportOfOrder(input:{name:"x",orderBy:[{customer:{field:name}}]}){id}}`: "",
	} {
		if a := d.as(t, "ravi", "%s", q); a.code() != want {
			t.Errorf("%s: %+v", q, a.Errors)
		}
	}
}

// TestP2_NodeOverHTTP finds records by id alone, whatever their form; what is
// absent, out of reach, of a form or a field without rights, of another
// application or tenant is null alike.
func TestP2_NodeOverHTTP(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "ravi", `{orders(first:1,where:{customer:{isNull:false}}){nodes{id number customer{id name} orderLines(first:1){nodes{id quantity}}}}}`)
	order := a.list("orders.nodes")[0].(map[string]any)
	customer := order["customer"].(map[string]any)
	const fields = `__typename id ...on Order{number customer{name}} ...on Customer{name} ...on Node{again:id}`
	got := d.ok(t, "ravi", `{o:node(id:%q){%s} c:node(id:%q){%s}}`, order["id"], fields, customer["id"], fields)
	if got.at("o.__typename") != "Order" || got.at("o.number") != order["number"] || got.at("o.again") != order["id"] || got.at("o.customer.name") != customer["name"] ||
		got.at("c.__typename") != "Customer" || got.at("c.name") != customer["name"] {
		t.Errorf("%+v of %+v", got.Data, order)
	}
	many := d.ok(t, "ravi", `{nodes(ids:[%q,%q,"x",%q,%q]){id}}`, customer["id"], nobody, order["id"], customer["id"])
	if s := fmt.Sprint(many.at("nodes")); s != fmt.Sprintf("[map[id:%s] <nil> <nil> map[id:%s] map[id:%s]]", customer["id"], order["id"], customer["id"]) {
		t.Error(s)
	}
	for _, n := range []int{100, 101} {
		ids := slices.Repeat([]string{`"x"`}, n)
		if a := d.as(t, "ravi", `{nodes(ids:[%s]){id}}`, strings.Join(ids, " ")); (a.code() == "LIMIT_EXCEEDED") != (n > 100) {
			t.Errorf("%d ids: %+v", n, a.Errors)
		}
	}
	// omar, a distributor, has no form Order: there is no record and no type for him.
	if a := d.ok(t, "omar", `{node(id:%q){id __typename}}`, order["id"]); a.at("node") != nil {
		t.Errorf("%+v", a.Data)
	}
	intro := d.ok(t, "omar", `{__type(name:"Node"){kind fields{name} possibleTypes{name interfaces{name}}}}`)
	for _, p := range intro.list("__type.possibleTypes") {
		p := p.(map[string]any)
		if p["name"] == "Order" || fmt.Sprint(p["interfaces"]) != "[map[name:Node]]" {
			t.Errorf("%+v", p)
		}
	}
	if len(intro.list("__type.possibleTypes")) == 0 || intro.at("__type.kind") != "INTERFACE" {
		t.Errorf("%+v", intro.Data)
	}
}
