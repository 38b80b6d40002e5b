package main

import (
	"fmt"
	"testing"
)

// TestP7_PartsFromTheEnd pages backward through the comments and the history of
// an order, an inbox and the people of the application.
func TestP7_PartsFromTheEnd(t *testing.T) {
	d := theDemo(t)
	order := d.order(t, "T-back")
	marta := d.me(t, "marta")
	for n := range 5 {
		d.ok(t, "ravi", `mutation{addOrderComment(id:%q text:"%d" mentions:[%q]){id}}`, order, n, marta)
		d.ok(t, "ravi", `mutation{updateOrder(id:%q input:{title:"talk %d"}){id}}`, order, n)
	}
	const page = `{nodes{%s} pageInfo{hasNextPage hasPreviousPage startCursor}}`
	for _, c := range []struct{ who, head, list, node, tail, at string }{
		{"ravi", fmt.Sprintf("{order(id:%q){", order), "comments", "text", "}}", "order.comments"},
		{"ravi", fmt.Sprintf("{order(id:%q){", order), "history", "version", "}}", "order.history"},
		{"marta", "{", "notifications", "id", "}", "notifications"},
		{"ravi", "{", "members", "id", "}", "members"},
	} {
		nodes := fmt.Sprintf(page, c.node)
		want := d.ok(t, c.who, "%s", c.head+c.list+"(first:100)"+nodes+c.tail).list(c.at + ".nodes")
		var got []any
		for window := "last:2"; ; {
			a := d.ok(t, c.who, "%s", c.head+c.list+"("+window+")"+nodes+c.tail)
			if next := a.at(c.at + ".pageInfo.hasNextPage"); next != (got != nil) {
				t.Errorf("%s(%s): hasNextPage is %v", c.list, window, next)
			}
			got = append(append([]any{}, a.list(c.at+".nodes")...), got...)
			if a.at(c.at+".pageInfo.hasPreviousPage") != true || len(got) > len(want) {
				break
			}
			window = fmt.Sprintf("last:2,before:%q", a.at(c.at+".pageInfo.startCursor"))
		}
		if len(want) < 5 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s from its end is %v, want %v", c.list, got, want)
		}
		if a := d.as(t, c.who, "%s", c.head+c.list+"(first:1,last:1)"+nodes+c.tail); a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s with first and last: %+v", c.list, a)
		}
	}
}
