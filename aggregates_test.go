package main

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// rat reads a decimal of an answer, 0 for null.
func rat(v any) *big.Rat {
	out := new(big.Rat)
	if s, ok := v.(string); ok {
		out.SetString(s)
	}
	return out
}

// TestP1OrdersAggregate: for each persona groups by status have the counts and sums
// of the orders that they list, over HTTP.
func TestP1OrdersAggregate(t *testing.T) {
	d := theDemo(t)
	seen := map[string]int{}
	for _, who := range []string{"ravi", "marta", "felix", "priya"} {
		count, sum := map[string]int{}, map[string]*big.Rat{}
		for after := ""; ; {
			a := d.ok(t, who, `{orders(first:1000,after:%q){nodes{status amount} pageInfo{hasNextPage endCursor}}}`, after)
			for _, n := range a.list("orders.nodes") {
				n := n.(map[string]any)
				status := n["status"].(string)
				if sum[status] == nil {
					sum[status] = new(big.Rat)
				}
				count[status]++
				sum[status].Add(sum[status], rat(n["amount"]))
				seen[who]++
			}
			if a.at("orders.pageInfo.hasNextPage") != true {
				break
			}
			after = a.at("orders.pageInfo.endCursor").(string)
		}
		a := d.ok(t, who, `{ordersAggregate(groupBy:[{field:status}],orderBy:[{field:amount,function:SUM,direction:DESC}]){
			totalCount nodes{key{status} count amount{count sum avg min max}}}
			orders(first:1){totalCount aggregate{count amount{sum}}}}`)
		groups := a.list("ordersAggregate.nodes")
		if len(groups) != len(count) || a.count("ordersAggregate.totalCount") != len(count) {
			t.Errorf("%s: %d groups, expected %d", who, len(groups), len(count))
		}
		total := new(big.Rat)
		for i, g := range groups {
			at := fmt.Sprintf("ordersAggregate.nodes.%d.", i)
			status := a.at(at + "key.status").(string)
			if a.count(at+"count") != count[status] || rat(a.at(at+"amount.sum")).Cmp(sum[status]) != 0 {
				t.Errorf("%s: %v, expected %d and %s", who, g, count[status], sum[status].FloatString(2))
			}
			if i > 0 && rat(a.at(at+"amount.sum")).Cmp(rat(a.at(fmt.Sprintf("ordersAggregate.nodes.%d.amount.sum", i-1)))) > 0 {
				t.Errorf("%s: group %d is out of order", who, i)
			}
			total.Add(total, sum[status])
		}
		if n := a.count("orders.aggregate.count"); n != seen[who] || n != a.count("orders.totalCount") || rat(a.at("orders.aggregate.amount.sum")).Cmp(total) != 0 {
			t.Errorf("%s: the connection: %v, expected %d and %s", who, a.at("orders.aggregate"), seen[who], total.FloatString(2))
		}
	}
	if seen["ravi"] == 0 || seen["ravi"] >= seen["marta"] || seen["marta"] >= seen["priya"] {
		t.Errorf("they do not differ: %v", seen)
	}
}

// TestAggregatesByMonth groups by parts of the calendar and pages through the
// groups; a report and a relation have their own.
func TestAggregatesByMonth(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "ravi", `{ordersAggregate(groupBy:[{field:orderDate,by:MONTH}],where:{orderDate:{isNull:false}}){totalCount nodes{key{orderDate} count}}
		orders(where:{orderDate:{isNull:false}}){totalCount}}`)
	var months []string
	sum := 0
	for _, g := range a.list("ordersAggregate.nodes") {
		g := g.(map[string]any)
		months = append(months, g["key"].(map[string]any)["orderDate"].(string))
		sum += int(g["count"].(float64))
	}
	if len(months) < 3 || !slices.IsSorted(months) || sum != a.count("orders.totalCount") {
		t.Errorf("%v, %d of %d", months, sum, a.count("orders.totalCount"))
	}
	for _, m := range months {
		if !strings.HasSuffix(m, "-01") {
			t.Errorf("%s is no first day of a month", m)
		}
	}
	var paged []string
	for after := ""; ; {
		p := d.ok(t, "ravi", `{ordersAggregate(groupBy:[{field:orderDate,by:MONTH}],where:{orderDate:{isNull:false}},first:2,after:%q){
			nodes{key{orderDate}} pageInfo{hasNextPage hasPreviousPage endCursor}}}`, after)
		for _, g := range p.list("ordersAggregate.nodes") {
			paged = append(paged, g.(map[string]any)["key"].(map[string]any)["orderDate"].(string))
		}
		if p.at("ordersAggregate.pageInfo.hasPreviousPage") != (after != "") {
			t.Error("hasPreviousPage")
		}
		if p.at("ordersAggregate.pageInfo.hasNextPage") != true {
			break
		}
		after = p.at("ordersAggregate.pageInfo.endCursor").(string)
	}
	if !slices.Equal(paged, months) {
		t.Errorf("by pages %v, at once %v", paged, months)
	}
	a = d.ok(t, "ravi", `{openOrdersAggregate{nodes{count}} openOrders{totalCount aggregate{count}} orders(first:3){nodes{orderLines{totalCount aggregate{count quantity{sum min max avg} product{countDistinct}} nodes{quantity}}}}}`)
	if n := a.count("openOrdersAggregate.nodes.0.count"); n < 1 || n != a.count("openOrders.totalCount") || n != a.count("openOrders.aggregate.count") {
		t.Errorf("the report: %+v", a.Data)
	}
	for i := range 3 {
		at := fmt.Sprintf("orders.nodes.%d.orderLines.", i)
		sum := 0
		for k := range a.list(at + "nodes") {
			sum += a.count(fmt.Sprintf("%snodes.%d.quantity", at, k))
		}
		if a.count(at+"aggregate.count") != a.count(at+"totalCount") || a.count(at+"aggregate.quantity.sum") != sum {
			t.Errorf("lines of order %d: %v, expected %d", i, a.at(at+"aggregate"), sum)
		}
	}
}

// TestAggregatesOfFormulas: a computed field is added up, and groups by it, like a
// stored one.
func TestAggregatesOfFormulas(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "ravi", `{orders(first:20){nodes{orderLines(first:1000){nodes{total} aggregate{total{count sum max}}}}}
		orderLinesAggregate(groupBy:[{field:total}],first:1,orderBy:[{field:total,direction:DESC}]){nodes{key{total} total{min max}}}}`)
	filled := 0
	for i := range a.list("orders.nodes") {
		at := fmt.Sprintf("orders.nodes.%d.orderLines.", i)
		want := new(big.Rat)
		for k := range a.list(at + "nodes") {
			want.Add(want, rat(a.at(fmt.Sprintf("%snodes.%d.total", at, k))))
			filled++
		}
		if rat(a.at(at+"aggregate.total.sum")).Cmp(want) != 0 {
			t.Errorf("order %d: %v, expected %s", i, a.at(at+"aggregate"), want.FloatString(4))
		}
	}
	if key := a.at("orderLinesAggregate.nodes.0.key.total"); filled < 5 || key == nil || key != a.at("orderLinesAggregate.nodes.0.total.max") {
		t.Errorf("%d lines, %v", filled, a.at("orderLinesAggregate.nodes"))
	}
}

// TestL1GroupsByLookup: an order's customer out of reach is the group of null.
func TestL1GroupsByLookup(t *testing.T) {
	d := theDemo(t)
	a := d.ok(t, "ravi", `{ordersAggregate(groupBy:[{field:customer}],having:{count:{gte:1}},orderBy:[{function:COUNT,direction:DESC}]){
		nodes{key{customer{id name region}} count}} none: orders(where:{customer:{isNull:true}}){totalCount}}`)
	nulls, named := 0, 0
	for i := range a.list("ordersAggregate.nodes") {
		at := fmt.Sprintf("ordersAggregate.nodes.%d.", i)
		if a.at(at+"key.customer") == nil {
			nulls++
			if a.count(at+"count") != a.count("none.totalCount") {
				t.Errorf("%d orders without customer, %d in the group", a.count("none.totalCount"), a.count(at+"count"))
			}
		} else if name, _ := a.at(at + "key.customer.name").(string); name != "" {
			named++
		}
	}
	if want := min(a.count("none.totalCount"), 1); nulls != want || named < 3 {
		t.Errorf("%d groups of null, %d with a customer", nulls, named)
	}
}

// TestB3AggregatesHideNames: a field that felix does not see is none in every
// place of an aggregate.
func TestB3AggregatesHideNames(t *testing.T) {
	d := theDemo(t)
	for _, q := range []string{
		`{customersAggregate(groupBy:[{field:%s}]){totalCount}}`, `{customersAggregate{nodes{%s{count}}}}`, `{customers{aggregate{%s{max}}}}`,
		`{customersAggregate(having:{%s:{count:{gt:0}}}){totalCount}}`, `{customersAggregate(orderBy:[{field:%s,function:MAX}]){totalCount}}`,
		`{customersAggregate(groupBy:[{field:region}]){nodes{key{%s}}}}`,
	} {
		if a := d.as(t, "priya", q, "taxNumber"); strings.Contains(q, "key") != (len(a.Errors) > 0) {
			t.Errorf("priya: %s: %+v", q, a.Errors)
		}
		hidden, unknown := d.as(t, "felix", q, "taxNumber"), d.as(t, "felix", q, "taxNumbez")
		if hidden.code() != "BAD_USER_INPUT" || len(unknown.Errors) == 0 || strings.ReplaceAll(hidden.Errors[0].Message, "taxNumber", "taxNumbez") != unknown.Errors[0].Message {
			t.Errorf("%s: %+v, unknown %+v", q, hidden.Errors, unknown.Errors)
		}
	}
}

// TestAggregateArguments are mistakes, each of which is told.
func TestAggregateArguments(t *testing.T) {
	d := theDemo(t)
	for args, want := range map[string]string{
		`groupBy:[{field:status,by:DAY}]`:       "groupBy[0].by",
		`timeZone:"Nowhere"`:                    "timeZone",
		`timeZone:"Local"`:                      "timeZone",
		`timeZone:"../../etc/passwd"`:           "timeZone",
		`orderBy:[{field:status}]`:              "orderBy[0]",
		`orderBy:[{direction:DESC}]`:            "orderBy[0]",
		`orderBy:[{field:status,function:SUM}]`: "orderBy[0]",
		`having:{amount:{sum:{gt:"1.234"}}}`:    "having.amount.sum.gt",
		`first:1001`:                            "first",
		`after:"x"`:                             "after",
		`groupBy:[{field:orderDate,by:DAY},{field:orderDate,by:MONTH}],first:0,orderBy:[{field:orderDate}]`: "orderBy[0]",
	} {
		if a := d.as(t, "ravi", `{ordersAggregate(%s){totalCount}}`, args); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, want) {
			t.Errorf("%s: %+v", args, a.Errors)
		}
	}
	if a := d.as(t, "ravi", `{ordersAggregate(groupBy:[{field:orderDate,by:DAY}]){nodes{key{status}}}}`); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "status") {
		t.Errorf("a key that is not asked for: %+v", a.Errors)
	}
	a := d.ok(t, "ravi", `{ordersAggregate(groupBy:[{field:orderDate,by:DAY},{field:orderDate,by:MONTH}],first:3){nodes{key{day:orderDate(by:DAY) month:orderDate(by:MONTH)}}}
		empty:ordersAggregate(where:{id:{in:[]}}){totalCount nodes{count amount{count countDistinct sum avg min max}}}}`)
	if day, month := a.at("ordersAggregate.nodes.0.key.day").(string), a.at("ordersAggregate.nodes.0.key.month").(string); day[:7]+"-01" != month {
		t.Errorf("%s in %s", day, month)
	}
	want := map[string]any{"count": 0.0, "amount": map[string]any{"count": 0.0, "countDistinct": 0.0, "sum": nil, "avg": nil, "min": nil, "max": nil}}
	if got := a.at("empty.nodes.0"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("of nothing: %v", got)
	}
}

// TestAggregatesAreWeighed: many at once are more than an operation may cost.
func TestAggregatesAreWeighed(t *testing.T) {
	d := theDemo(t)
	var q strings.Builder
	for i := range 60 {
		fmt.Fprintf(&q, "a%d:ordersAggregate{nodes{count amount{sum avg}}}", i)
	}
	if a := d.as(t, "ravi", "{%s}", q.String()); a.code() != "LIMIT_EXCEEDED" {
		t.Errorf("%+v", a.Errors)
	}
}
