package main

import "testing"

// TestDryRunOverHTTP: the difference of a rule that is switched off, and of one whose
// module answers, with what the module does and costs.
func TestDryRunOverHTTP(t *testing.T) {
	d := theDemo(t)
	module := ""
	for _, m := range d.manage(t, "mei", `{ruleModules(application:"sales"){rules{name module}}}`).list("ruleModules.rules") {
		if r := m.(map[string]any); r["name"] == "same-team-open-orders" {
			module = r["module"].(string)
		}
	}
	id := d.manage(t, "jonas", `mutation{compareAccess(application:"sales",input:{rules:[{rule:"same-team-open-orders",module:%q}]}){difference{id}}}`, module).at("compareAccess.difference.id").(string)
	d.done(t, "jonas", id)
	a := d.manage(t, "jonas", `{accessDifference(id:%q){result{records costs{rule module decisions faults{kind} impure outsidePlan outsidePlanRecords measured fuelP50 fuelP99 fuelMax}}}}`, id)
	cost := a.list("accessDifference.result.costs")[0].(map[string]any)
	if cost["rule"] != "same-team-open-orders" || cost["module"] != module || cost["impure"].(float64) != 0 || cost["outsidePlan"].(float64) != 0 || len(cost["outsidePlanRecords"].([]any)) != 0 || len(cost["faults"].([]any)) != 0 {
		t.Errorf("%v", cost)
	}
	if n := cost["measured"].(float64); n < 100 || cost["decisions"].(float64) < n || cost["fuelP50"].(float64) < 50 || cost["fuelMax"].(float64) < cost["fuelP50"].(float64) {
		t.Errorf("%v", cost)
	}
	off := d.manage(t, "jonas", `mutation{compareAccess(application:"sales",input:{rules:[{rule:"same-team-open-orders"}]}){difference{id}}}`).at("compareAccess.difference.id").(string)
	if d.done(t, "jonas", off); len(d.manage(t, "jonas", `{accessDifference(id:%q){result{costs{rule}}}}`, off).list("accessDifference.result.costs")) != 0 {
		t.Error("a rule that is switched off costs something")
	}
}
