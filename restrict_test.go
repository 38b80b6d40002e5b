package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// TestH7RestrictThatBindsAdmins follows a RESTRICT rule through its life over
// HTTP: as the definition binds admins by it or not, and as its module is bound,
// fails, and is switched.
func TestH7RestrictThatBindsAdmins(t *testing.T) {
	d := theDemo(t)
	people := []string{"priya", "jonas", "mei", "ines"} // super admin, admin, developer, supplier
	count := func(who string) int {
		return d.ok(t, who, `{suppliers(first:0){totalCount}}`).count("suppliers.totalCount")
	}
	all := count("priya")
	id := d.ok(t, "priya", `{suppliers(first:1){nodes{id}}}`).at("suppliers.nodes.0.id")
	see := func(what string, want ...bool) {
		t.Helper()
		for i, who := range people {
			n, one := count(who), d.ok(t, who, `{supplier(id:%q){id}}`, id).at("supplier.id") == id
			if want[i] != one || want[i] && n != all || !want[i] && n != 0 {
				t.Errorf("%s: %s sees %d of %d suppliers, one by id: %v", what, who, n, all, one)
			}
		}
	}
	source := string(demo.Definition)
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	if !strings.Contains(source, last) || all < 2 {
		t.Fatal("the demo has changed")
	}
	rule := func(more string) {
		t.Helper()
		d.define(t, strings.Replace(source, last, last+"  - {name: embargo, form: Supplier, effect: RESTRICT"+more+"}\n", 1))
	}
	t.Cleanup(func() { d.define(t, source) })
	use := func(module []byte) {
		t.Helper()
		hash := d.restricting(t, module)
		d.manage(t, "mei", `mutation{bindRuleModule(application:"sales" rule:"embargo" module:%q){rule{module}} activateRule(application:"sales" rule:"embargo"){rule{active}}}`, hash)
	}
	see("without a rule", true, true, true, true)
	rule("")
	see("no module, not binding", true, true, true, false)
	rule(", bindsAdmins: true")
	see("no module, binding", true, false, false, false)
	use(guest{decide: everybody}.build())
	see("a module that lets everything through", true, true, true, true)
	use(guest{}.build())
	see("a module that lets nothing through", false, false, false, false)
	for _, who := range []string{"priya", "jonas", "mei"} {
		if a := d.as(t, who, `mutation{updateSupplier(id:%q input:{rating:1}){id}}`, id); a.code() != "NOT_FOUND" {
			t.Errorf("%s updates what the rule removes: %+v", who, a)
		}
	}
	use(guest{decide: "\x00" + answerOK}.build())
	see("a module that traps", true, false, false, false)
	use(guest{decide: everybody}.build())
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales" rule:"embargo"){rule{active}}}`)
	see("switched off", true, false, false, false)
	d.manage(t, "jonas", `mutation{activateRule(application:"sales" rule:"embargo"){rule{active}}}`)
	see("switched on", true, true, true, true)
	use(guest{}.build())
	rule("")
	see("binding no more", true, true, true, false)
	rule(", bindsAdmins: true")
	see("binding again", false, false, false, false)
	d.define(t, source)
	see("without the rule", true, true, true, true)
}

// restricting uploads a module for a RESTRICT rule on suppliers.
func (d *demoServer) restricting(t *testing.T, module []byte) string {
	t.Helper()
	module, err := rules.Embed(module, []byte(`{"abi":1,"form":"Supplier","effect":"restrict","viewer":[],"record":[{"name":"country","type":"text"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	status, b := d.do(t, call{method: "PUT", path: "/apps/sales/rules/embargo", token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
	var up struct{ Hash string }
	if err := json.Unmarshal(b, &up); err != nil || status != http.StatusOK || up.Hash == "" {
		t.Fatal(fmt.Sprint(status, " ", string(b)))
	}
	return up.Hash
}
