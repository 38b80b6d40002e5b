package main

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
)

// planned adds a SHARE rule for the example with a plan, for the length of the test.
func (d *demoServer) planned(t *testing.T) {
	t.Helper()
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	d.redefine(t, last, last+"  - {name: planned, form: Order, effect: SHARE, maxLevel: READ, roles: [inside-sales]}\n")
}

type plannedOrder struct{ id, team, status, amount string }

func (d *demoServer) ordersOf(t *testing.T, who, args string) (ids []string, all map[string]plannedOrder) {
	t.Helper()
	all = map[string]plannedOrder{}
	a := d.ok(t, who, `{orders(first:1000 %s){totalCount nodes{id team status amount}}}`, args)
	for _, n := range a.list("orders.nodes") {
		m := n.(map[string]any)
		o := plannedOrder{id: m["id"].(string)}
		o.team, _ = m["team"].(string)
		o.status, _ = m["status"].(string)
		o.amount, _ = m["amount"].(string)
		ids, all[o.id] = append(ids, o.id), o
	}
	if n := a.count("orders.totalCount"); n != len(ids) {
		t.Errorf("%s: %d orders, %d counted", args, len(ids), n)
	}
	slices.Sort(ids)
	return ids, all
}

// TestPlansAgreeOverHTTP: with a rule that reads by its plan, lists, counts, single
// records, groups and searches show the same records: those that the module means.
func TestPlansAgreeOverHTTP(t *testing.T) {
	d := theDemo(t)
	const north = `where:{team:{eq:"north"}}` // fewer than a page
	before, _ := d.ordersOf(t, "nora", north)
	d.planned(t)
	module, err := rulesexamples.Module(rulesexamples.PlannedTeamOrders, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	hash := d.putRule(t, "/apps/sales/rules/planned", module)
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:"planned" module:%q){rule{active}}}`, hash)
	d.manage(t, "mei", `mutation{activateRule(application:"sales" rule:"planned"){rule{active}}}`)

	_, all := d.ordersOf(t, "mei", north)
	var want, kept []string
	for id, o := range all {
		// Two decimals: more digits are more.
		large := len(o.amount) > len("1000.00") || len(o.amount) == len("1000.00") && o.amount >= "1000.00"
		if slices.Contains(before, id) || o.team == "north" && (o.status == "open" || o.status == "shipped" && large) {
			want = append(want, id)
		} else {
			kept = append(kept, id)
		}
	}
	slices.Sort(want)
	if len(want) <= len(before) || len(kept) == 0 {
		t.Fatalf("%d orders before, %d with the rule, %d left: it proves nothing", len(before), len(want), len(kept))
	}
	for _, args := range []string{north, north + " orderBy:[{field:amount}]", `where:{team:{eq:"north"} status:{in:["open","shipped","paid","cancelled"]}}`} {
		if got, _ := d.ordersOf(t, "nora", args); !slices.Equal(got, want) {
			t.Errorf("%q: %d orders, want %d", args, len(got), len(want))
		}
	}
	for i, id := range append(slices.Clone(want), kept...) {
		if i%7 != 0 && !slices.Contains(want[:min(20, len(want))], id) {
			continue
		}
		if seen := d.ok(t, "nora", `{order(id:%q){id}}`, id).at("order") != nil; seen != slices.Contains(want, id) {
			t.Errorf("order %s: seen %v", id, seen)
		}
	}
	groups := 0
	for _, n := range d.ok(t, "nora", `{ordersAggregate(%s groupBy:[{field:status}]){nodes{count}}}`, north).list("ordersAggregate.nodes") {
		groups += int(n.(map[string]any)["count"].(float64))
	}
	if groups != len(want) {
		t.Errorf("groups have %d orders, want %d", groups, len(want))
	}
	const search = north + ` search:"order"`
	_, found := d.ordersOf(t, "mei", search)
	got, _ := d.ordersOf(t, "nora", search)
	for id := range found {
		if slices.Contains(got, id) != slices.Contains(want, id) {
			t.Errorf("search: order %s", id)
		}
	}
	if faults := d.manage(t, "mei", `{ruleStats(application:"sales"){rule asked faults{kind count}}}`); strings.Contains(fmt.Sprint(faults.Data), "plan:") {
		t.Errorf("%+v", faults.Data)
	}
}

// TestNarrowPlanIsRefusedOverHTTP: an upload of a module whose plan leaves out what
// it shares says what to change, and shows a case.
func TestNarrowPlanIsRefusedOverHTTP(t *testing.T) {
	d := theDemo(t)
	module, err := rulesexamples.Module(rulesexamples.PlannedTeamOrders, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	// The plan alone names operators: this one looks at the other teams.
	narrow := bytes.Replace(module, []byte("\x00eq\x00"), []byte("\x00ne\x00"), 1)
	if bytes.Equal(narrow, module) {
		t.Fatal("the example has changed")
	}
	a := d.send(t, http.MethodPut, "/apps/sales/rules/planned", "mei", "application/wasm", narrow)
	if a.status != http.StatusBadRequest || len(a.Errors) != 1 {
		t.Fatalf("%d %+v", a.status, a.Errors)
	}
	for _, part := range []string{"sluice_plan is too narrow", "Widen sluice_plan", `"ne"`, "Viewer: {team: ", "record: {team: ", `status: "open"`} {
		if !strings.Contains(a.Errors[0].Message, part) {
			t.Errorf("%q is not in: %s", part, a.Errors[0].Message)
		}
	}
}
