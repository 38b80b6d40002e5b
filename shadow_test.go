package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"sluice/rules"
)

// sharing uploads a module for a SHARE rule on orders that grants what guest says.
func (d *demoServer) sharing(t *testing.T, module []byte) (hash string) {
	t.Helper()
	module, err := rules.Embed(module, []byte(hostileManifest))
	if err != nil {
		t.Fatal(err)
	}
	status, b := d.do(t, call{method: "PUT", path: "/apps/sales/rules/beside", token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
	var up struct{ Hash string }
	if err := json.Unmarshal(b, &up); err != nil || status != http.StatusOK || up.Hash == "" {
		t.Fatalf("status %d, %s", status, b)
	}
	return up.Hash
}

// shadowed begins a shadow of the demo's sharing rule that grants nothing.
func (d *demoServer) shadowed(t *testing.T) (module string) {
	t.Helper()
	module = d.sharing(t, guest{}.build())
	d.manage(t, "mei", `mutation{shadowRule(application:"sales",rule:%q,module:%q,hours:2){shadow{running module by{name}}}}`, sharedOrders, module)
	t.Cleanup(func() {
		d.manage(t, "mei", `mutation{unshadowRule(application:"sales",rule:%q){shadow{rule}}}`, sharedOrders)
	})
	return module
}

const sharedOrders = "same-team-open-orders"

// shadow is what somebody is told of what the shadow found, asking until it is found: a
// report waits for questions, but not for ever.
func (d *demoServer) shadow(t *testing.T, who string, ask func(), found func(answer) bool) answer {
	t.Helper()
	var a answer
	for range 60 {
		ask()
		a = d.manage(t, who, `{ruleShadow(application:"sales",rule:%q){running module effect compared more less other failed faults{kind count} samples{kind record viewer{name} deciding{grant} shadow{grant fault}}}}`, sharedOrders)
		if found(a) {
			return a
		}
	}
	t.Fatalf("%s: %+v", who, a.Data)
	return a
}

// samples are the records that a report names.
func samples(a answer) map[any]map[string]any {
	out := map[any]map[string]any{}
	for _, s := range a.list("ruleShadow.samples") {
		out[s.(map[string]any)["record"]] = s.(map[string]any)
	}
	return out
}

// TestShadowOverHTTP: the next version of a rule runs beside the deciding one, and who
// asks is answered as before, until it is switched off and on again.
func TestShadowOverHTTP(t *testing.T) {
	d := theDemo(t)
	seen := func() float64 {
		return d.ok(t, "nora", `{orders(where:{and:[{team:{eq:"north"}},{status:{eq:"open"}},{amount:{gte:"1000.00"}}]}){totalCount nodes{id}}}`).at("orders.totalCount").(float64)
	}
	before := seen()
	if before == 0 {
		t.Fatal("nora sees no order")
	}
	module := d.shadowed(t)
	asks := func() {
		if got := seen(); got != before {
			t.Errorf("nora sees %v orders, %v without a shadow", got, before)
		}
	}
	a := d.shadow(t, "jonas", asks, func(a answer) bool { return a.at("ruleShadow.less").(float64) > 0 })
	if a.at("ruleShadow.running") != true || a.at("ruleShadow.module") != module || a.at("ruleShadow.effect") != "SHARE" {
		t.Fatalf("%+v", a.Data)
	}
	for _, s := range samples(a) {
		if s["kind"] != "LESS" || s["deciding"].(map[string]any)["grant"] != "VIEW" || s["shadow"].(map[string]any)["grant"] != "NONE" {
			t.Errorf("%v", s)
		}
	}
	d.refused(t, "nora", "FORBIDDEN", `{ruleShadow(application:"sales",rule:%q){rule}}`, sharedOrders)
	d.refused(t, "mei", "BAD_USER_INPUT", `mutation{shadowRule(application:"sales",rule:%q,module:%q,hours:169){shadow{rule}}}`, sharedOrders, module)
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales",rule:%q){rule{active}} activateRule(application:"sales",rule:%q){rule{active}}}`, sharedOrders, sharedOrders)
	a = d.shadow(t, "mei", asks, func(answer) bool { return true })
	if a.at("ruleShadow.running") != false || a.at("ruleShadow.less").(float64) == 0 {
		t.Errorf("after another decided: %+v", a.Data)
	}
	d.manage(t, "mei", `mutation{unshadowRule(application:"sales",rule:%q){shadow{rule}}}`, sharedOrders)
	if a := d.manage(t, "mei", `{ruleShadow(application:"sales",rule:%q){rule}}`, sharedOrders); a.at("ruleShadow") != nil {
		t.Errorf("%+v", a.Data)
	}
}

// TestP10ShadowNamesNoHiddenRecord: a record that its admin hides is in no number and no
// sample that others read, developers included.
func TestP10ShadowNamesNoHiddenRecord(t *testing.T) {
	d := theDemo(t)
	d.hider(t)
	id := d.ok(t, "vera", `mutation{createOrder(input:{number:"SHDW-1" title:"x" team:"north" status:"open" amount:"5000.00"}){id}}`).at("createOrder.id").(string)
	d.shadowed(t)
	asks := func() {
		if a := d.ok(t, "nora", `{order(id:%q){id}}`, id); a.at("order.id") != id {
			t.Fatalf("%+v", a.Data)
		}
	}
	people := []string{"vera", "mei", "jonas", "priya"}
	for _, who := range people {
		d.shadow(t, who, asks, func(a answer) bool { return samples(a)[id] != nil })
		asks = func() {}
	}
	d.hide(t, "vera", "Order", `{number: {eq: "SHDW-1"}}`)
	compared := func(a answer) float64 { return a.at("ruleShadow.compared").(float64) }
	for _, who := range people[1:] {
		var vera, other answer
		d.shadow(t, "vera", asks, func(a answer) bool { // nothing was found meanwhile
			vera, other = a, d.shadow(t, who, asks, func(answer) bool { return true })
			return compared(d.shadow(t, "vera", asks, func(answer) bool { return true })) == compared(a)
		})
		if samples(vera)[id] == nil || samples(other)[id] != nil || compared(other) != compared(vera)-1 {
			t.Errorf("%s: named %t, %v pairs; vera: named %t, %v", who, samples(other)[id] != nil, compared(other), samples(vera)[id] != nil, compared(vera))
		}
	}
}
