package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/sandbox"
)

const rulesLogged = `{ruleLog(application:"sales",rule:%q,kind:%s,first:200){nodes{id time module fault form record version viewer{id displayName} answer reason reasonText fuel asked} droppedCount lostCount}}`

func (d *demoServer) ruleLog(t *testing.T, who, rule, kind string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, n := range d.manage(t, who, rulesLogged, rule, kind).list("ruleLog.nodes") {
		out = append(out, n.(map[string]any))
	}
	return out
}

// TestP10RuleLog reads over HTTP what a rule decided for somebody, and puts the
// question again with another sandbox: the same verdict, and for a question about one
// record the same fuel.
func TestP10RuleLog(t *testing.T) {
	d := theDemo(t)
	const rule = "same-team-open-orders"
	d.ok(t, "nora", `{orders(first:100){nodes{id}}}`)
	// Other tests leave orders that are gone, and other modules.
	module := d.manage(t, "priya", `{ruleModules(application:"sales"){rules{name module}}}`).at("ruleModules.rules.0.module")
	mine := func(n map[string]any) bool { return n["record"] != nil && n["module"] == module }
	// A new state of the record has not been decided yet, and is asked about alone.
	for _, n := range d.ruleLog(t, "priya", rule, "DECISIONS") {
		if n["answer"] == "view" && mine(n) {
			d.ok(t, "priya", `mutation{updateOrder(id:%q input:{orderDate:"2026-02-03"}){id}}`, n["record"])
			d.ok(t, "nora", `{order(id:%q){id}}`, n["record"])
			break
		}
	}
	entries := d.ruleLog(t, "priya", rule, "DECISIONS")
	if len(entries) == 0 {
		t.Fatal("nothing was logged")
	}
	looked := false
	for _, l := range d.manage(t, "priya", `{looks(application:"sales",tool:EXPLAIN){nodes{detail}}}`).list("looks.nodes") {
		looked = looked || l.(map[string]any)["detail"] == `{"asks":"ruleLog","rule":"`+rule+`"}`
	}
	if !looked {
		t.Error("the look at the log was not written down")
	}
	runner, err := sandbox.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = runner.Close() }()
	entries = slices.DeleteFunc(entries, func(n map[string]any) bool { return !mine(n) })
	alone := 0
	for _, n := range entries {
		d.replayed(t, runner, rule, n)
		if n["asked"] == float64(1) {
			alone++
		}
	}
	if alone == 0 {
		t.Fatal("no question about one record was logged: fuel is not compared")
	}
	if a := d.graphql(t, managePath, "mei", fmt.Sprintf(`{ruleReplay(application:"sales",rule:%q,entry:%q){record}}`, rule, entries[0]["id"])); a.code() != "FORBIDDEN" {
		t.Errorf("a developer is given attributes of a viewer: %+v", a)
	}
	for _, who := range []string{"nora"} {
		if a := d.graphql(t, managePath, who, fmt.Sprintf(rulesLogged, rule, "FAULTS")); a.code() != "FORBIDDEN" {
			t.Errorf("%s reads the log: %+v", who, a)
		}
	}
	stats := d.manage(t, "mei", `{ruleStats(application:"sales"){rule asked fuel fuelP50 fuelP99 faults{kind count}}}`)
	for _, s := range stats.list("ruleStats") {
		if s := s.(map[string]any); s["rule"] == rule && (s["asked"].(float64) < 3 || s["fuel"].(float64) == 0 || s["fuelP99"].(float64) < s["fuelP50"].(float64)) {
			t.Errorf("%v", s)
		}
	}
}

// replayed asks the module of an entry again, and compares.
func (d *demoServer) replayed(t *testing.T, runner rules.Runner, rule string, n map[string]any) {
	t.Helper()
	a := d.manage(t, "priya", `{ruleReplay(application:"sales",rule:%q,entry:%q){moduleBytes viewer record}}`, rule, n["id"])
	module, err := base64.StdEncoding.DecodeString(a.at("ruleReplay.moduleBytes").(string))
	if err != nil || rules.HashOf(module).String() != n["module"] {
		t.Fatalf("module of %v: %v", n, err)
	}
	m, err := rules.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("- {name: x, viewer: %s, record: %s, expect: {grant: %s, reason: %v}}", a.at("ruleReplay.viewer"), a.at("ruleReplay.record"), n["answer"], n["reason"])
	cases, err := authoring.ReadCases([]byte(text), m)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	got, err := authoring.Ask(t.Context(), runner, module, cases)
	if err != nil {
		t.Fatal(err)
	}
	if !got[0].OK() {
		t.Errorf("entry %v: %+v, then %+v", n, got[0].Got, cases[0].Want)
	}
	if n["asked"] == float64(1) && n["fuel"] != float64(got[0].Fuel) {
		t.Errorf("entry %v: fuel %d", n, got[0].Fuel)
	}
}
