package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// openOnly grants view of open orders and traps on the others, whatever else it is
// asked with.
const openOnly = "\x20\x00\x28\x02\x04\x41\x01\x47\x04\x40\x00\x0b" + // n ≠ 1: trap
	"\x20\x00\x28\x02\x14\x28\x02\x0c\x41\x04\x47\x04\x40\x00\x0b" + // length of the status ≠ 4: trap
	"\x20\x00\x28\x02\x18\x41\x01\x3a\x00\x00" + answerOK

// TestH4QuarantineOverHTTP: a rule that goes wrong on the records of many stops, tells
// those who manage it and nobody else, and begins again with a release or another
// version.
func TestH4QuarantineOverHTTP(t *testing.T) {
	d, first, _ := twoVersions(t)
	orders := func() int { return d.ok(t, "nora", `{orders(first:0){totalCount}}`).count("orders.totalCount") }
	state := func(who string) map[string]any {
		t.Helper()
		d.ruleLog(t, "priya", swapped, "FAULTS") // what waits is stored
		for _, r := range d.manage(t, who, `{ruleModules(application:"sales"){rules{name module active quarantine{since records adders impure faults{kind count}}}}}`).list("ruleModules.rules") {
			if r := r.(map[string]any); r["name"] == swapped {
				return r
			}
		}
		t.Fatal("no rule")
		return nil
	}
	t.Cleanup(func() {
		for _, v := range d.manage(t, "mei", `{ruleVersions(application:"sales",rule:%q,first:200){nodes{number quarantine{since}}}}`, swapped).list("ruleVersions.nodes") {
			if v := v.(map[string]any); v["quarantine"] != nil {
				d.manage(t, "mei", `mutation{releaseRule(application:"sales",rule:%q,version:%v){rule{name}}}`, swapped, v["number"])
			}
		}
	})
	with := orders()
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales",rule:%q){rule{active}}}`, swapped)
	without := orders()
	hash := d.sharing(t, guest{decide: openOnly}.build())
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{module}} activateRule(application:"sales",rule:%q){rule{active}}}`, swapped, hash, swapped)
	if q := state("jonas")["quarantine"]; q != nil {
		t.Fatalf("before anything went wrong: %v", q)
	}
	more := orders()
	if q := state("jonas")["quarantine"]; q != nil {
		t.Fatalf("one person had added all orders: %v", q)
	}
	for n := range 10 {
		if q := state("jonas")["quarantine"]; q != nil {
			t.Fatalf("one person had added all orders but %d: %v", n, q)
		}
		d.liveOrder(t, "ravi", fmt.Sprintf(`number: "QUARANTINE-%d", title: "Shipped", status: "shipped", amount: "10.00"`, n))
		orders()
	}
	if got := orders(); got != more {
		t.Errorf("nora sees %d orders, %d before", got, more)
	}
	q, _ := state("jonas")["quarantine"].(map[string]any)
	if more <= without || q == nil || q["records"] != 100.0 || q["adders"] != 2.0 || q["impure"] != false || fmt.Sprint(q["faults"]) != "[map[count:100 kind:trap]]" {
		t.Fatalf("nora saw %d orders, %d without the rule; %v", more, without, q)
	}
	if got := orders(); got != without {
		t.Errorf("in quarantine nora sees %d orders, %d without the rule", got, without)
	}
	open := d.ok(t, "priya", `{orders(where:{status:{eq:"open"}} first:100){nodes{id}}}`).list("orders.nodes")
	i := slices.IndexFunc(open, func(n any) bool {
		return d.ok(t, "nora", `{order(id:%q){id}}`, n.(map[string]any)["id"]).at("order") == nil
	})
	if i < 0 {
		t.Fatal("nora sees every open order without the rule")
	}
	if text := d.explained(t, "priya", d.id(t, "nora"), "Order", open[i].(map[string]any)["id"].(string)); !strings.Contains(text, "as it is in quarantine") {
		t.Error(text)
	}
	for who, code := range map[string]string{"nora": "FORBIDDEN", "felix": "FORBIDDEN"} {
		for _, query := range []string{
			`{ruleModules(application:"sales"){rules{quarantine{records}}}}`, `{ruleVersions(application:"sales",rule:"` + swapped + `"){nodes{quarantine{records}}}}`,
			`mutation{releaseRule(application:"sales",rule:"` + swapped + `"){rule{name}}}`,
		} {
			if a := d.graphql(t, managePath, who, query); a.code() != code {
				t.Errorf("%s: %s: %+v", who, query, a)
			}
		}
	}
	act := func(mutation string) string {
		return d.graphql(t, managePath, "mei", `mutation{`+mutation+`{rule{active quarantine{records}}}}`).code()
	}
	if code := act(`activateRule(application:"sales",rule:"` + swapped + `")`); code != "CONFLICT" {
		t.Errorf("activated: %q", code)
	}
	if code := act(`releaseRule(application:"sales",rule:"` + swapped + `")`); code != "" || state("mei")["quarantine"] != nil {
		t.Errorf("released: %q, %v", code, state("mei"))
	}
	if got := orders(); got != more {
		t.Errorf("released, nora sees %d orders, %d before", got, more)
	}
	if state("mei")["quarantine"] == nil {
		t.Error("what was released and goes wrong again is not in quarantine again")
	}
	if code := act(fmt.Sprintf(`rollbackRule(application:"sales",rule:%q,version:%d)`, swapped, first.number)); code != "" || state("mei")["quarantine"] != nil || orders() != with {
		t.Errorf("another version: %q, %v, nora sees %d orders, %d before", code, state("mei"), orders(), with)
	}
	if code := act(`rollbackRule(application:"sales",rule:"` + swapped + `")`); code != "CONFLICT" {
		t.Errorf("rolled back to a version in quarantine: %q", code)
	}
	var acts []string
	for _, n := range d.manage(t, "mei", `{ruleEvents(application:"sales",rule:%q,first:6){nodes{act stamp{by displayName}}}}`, swapped).list("ruleEvents.nodes") {
		n := n.(map[string]any)
		by := n["stamp"].(map[string]any)
		acts = append(acts, n["act"].(string))
		if nobody := by["by"] == nil && by["displayName"] == nil; nobody != (n["act"] == "QUARANTINED") {
			t.Errorf("%v", n)
		}
	}
	if got := strings.Join(acts, " "); got != "ROLLED_BACK QUARANTINED RELEASED QUARANTINED ACTIVATED BOUND" && got != "ROLLED_BACK QUARANTINED RELEASED QUARANTINED ACTIVATED DEACTIVATED" {
		t.Error(got)
	}
}
