package main

import (
	"fmt"
	"slices"
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
			p := d.orders(t, who, "last:3"+before+","+order)
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
