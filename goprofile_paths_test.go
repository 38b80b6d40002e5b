package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// TestGoProfileWithoutPermissionOnEveryPath: where an application has taken the
// permission back, no path leads to a module of the Go profile that it was given: none
// takes, binds, activates, compares, runs beside, rolls back to or replays it.
func TestGoProfileWithoutPermissionOnEveryPath(t *testing.T) {
	d := theDemo(t)
	const put, media = "/apps/sales/rules/generous", "application/wasm"
	orders := func() int { return d.ok(t, "nora", `{orders(first:0){totalCount}}`).count("orders.totalCount") }
	few := orders()
	source := string(demo.Definition)
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	rule := func(more string) {
		t.Helper()
		d.define(t, strings.Replace(source, last, last+"  - {name: generous, form: Order, effect: SHARE, maxLevel: READ"+more+"}\n", 1))
	}
	t.Cleanup(func() { d.define(t, source) })
	rule(", profile: GO")
	golang := d.putRule(t, put, ofGo(t, "go"))
	lean, err := rules.Embed(append(guest{}.build(), part(0, sized("variant")+"go")...), []byte(hostileManifest))
	if err != nil {
		t.Fatal(err)
	}
	plain := d.putRule(t, put, lean)
	const fill = `mutation{bindRuleModule(application:"sales" rule:"generous" module:%q){rule{module}} activateRule(application:"sales" rule:"generous"){rule{active}}}`
	d.manage(t, "mei", fill, golang)
	if orders() <= few {
		t.Fatal("the module shares nothing")
	}
	logged := ""
	for _, n := range d.ruleLog(t, "priya", "generous", "DECISIONS") {
		if n["module"] == golang && n["record"] != nil {
			logged = n["id"].(string)
		}
	}
	d.manage(t, "mei", fill, plain)
	version := ""
	for _, n := range d.manage(t, "mei", `{ruleVersions(application:"sales",rule:"generous",first:200){nodes{number module}}}`).list("ruleVersions.nodes") {
		if n := n.(map[string]any); n["module"] == golang {
			version = fmt.Sprint(n["number"])
		}
	}
	if logged == "" || version == "" {
		t.Fatalf("entry %q, version %q", logged, version)
	}
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:"generous" module:%q){rule{module}}}`, golang)        // it waits
	d.manage(t, "mei", `mutation{shadowRule(application:"sales",rule:"generous",module:%q,hours:1){shadow{running}}}`, golang) // and runs beside
	rule("")
	shadow := d.manage(t, "mei", `{ruleShadow(application:"sales",rule:"generous"){running}}`)
	if shadow.at("ruleShadow.running") == true {
		t.Errorf("the shadow goes on: %v", shadow.Data)
	}
	d.refusedAll(t, map[string]string{
		"what waits is activated": `mutation{activateRule(application:"sales" rule:"generous"){rule{active}}}`,
		"bound":                   `mutation{bindRuleModule(application:"sales" rule:"generous" module:"` + golang + `"){rule{module}}}`,
		"rolled back to":          `mutation{rollbackRule(application:"sales" rule:"generous" version:` + version + `){rule{active}}}`,
		"run beside":              `mutation{shadowRule(application:"sales",rule:"generous",module:"` + golang + `"){shadow{running}}}`,
		"run beside another":      `mutation{shadowRule(application:"sales",rule:"same-team-open-orders",module:"` + golang + `"){shadow{running}}}`,
		"compared":                `mutation{compareAccess(application:"sales",input:{rules:[{rule:"generous",module:"` + golang + `"}]}){difference{id}}}`,
		"compared in another":     `mutation{compareAccess(application:"sales",input:{rules:[{rule:"same-team-open-orders",module:"` + golang + `"}]}){difference{id}}}`,
		"replayed":                `{ruleReplay(application:"sales",rule:"generous",entry:"` + logged + `"){record}}`,
	})
	if a := d.send(t, http.MethodPut, put, "mei", media, ofGo(t, "go")); a.status != http.StatusBadRequest || !strings.Contains(a.Errors[0].Message, "write profile: GO at the rule") {
		t.Errorf("uploaded: %d %+v", a.status, a.Errors)
	}
	if got := orders(); got != few {
		t.Errorf("nora sees %d orders, %d without the rule", got, few)
	}
}

// refusedAll sends each as an admin and wants none to succeed, for want of a permission.
func (d *demoServer) refusedAll(t *testing.T, attempts map[string]string) {
	t.Helper()
	for what, query := range attempts {
		a := d.graphql(t, managePath, "priya", query)
		if a.code() == "" || a.code() == "INTERNAL" {
			t.Errorf("%s: %+v", what, a)
			continue
		}
		if a.code() != "CONFLICT" && !strings.Contains(a.Errors[0].Message, "profile") {
			t.Errorf("%s: %s", what, a.Errors[0].Message)
		}
	}
}
