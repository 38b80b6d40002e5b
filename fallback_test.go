package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// embargoes puts a RESTRICT rule on orders into the demo, and binds and activates a
// module of each kind in turn: version 1, 2 and so on.
func (d *demoServer) embargoes(t *testing.T, modules ...[]byte) {
	t.Helper()
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	source := string(demo.Definition)
	untested, _, ok := strings.Cut(source, "# What must stay so:") // with nothing bound nobody sees orders
	if !ok || !strings.Contains(untested, last) {
		t.Fatal("the demo has changed")
	}
	t.Cleanup(func() { d.define(t, source) })
	d.define(t, strings.Replace(untested, last, last+"  - {name: fallen, form: Order, effect: RESTRICT}\n", 1))
	for _, module := range modules {
		module, err := rules.Embed(module, []byte(`{"abi":1,"form":"Order","effect":"restrict","viewer":[],"record":[{"name":"status","type":"choice"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		status, b := d.do(t, call{method: "PUT", path: "/apps/sales/rules/fallen", token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
		var up struct{ Hash string }
		if err := json.Unmarshal(b, &up); err != nil || status != http.StatusOK || up.Hash == "" {
			t.Fatalf("status %d, %s", status, b)
		}
		d.manage(t, "mei", `mutation{bindRuleModule(application:"sales",rule:"fallen",module:%q){rule{module}} activateRule(application:"sales",rule:"fallen"){rule{active}}}`, up.Hash)
	}
}

// paths counts the orders that somebody finds by each path, and fails where two differ.
func (d *demoServer) paths(t *testing.T, who, one string) (orders int, seesOne bool) {
	t.Helper()
	a := d.ok(t, who, `{orders(first:1000){totalCount nodes{id}} order(id:%q){id} ordersAggregate(groupBy:[{field:status}]){nodes{count}}
		customers(first:1000){nodes{orders(first:0){totalCount}}}}`, one)
	list := a.list("orders.nodes")
	grouped, nested := 0, 0
	for i := range a.list("ordersAggregate.nodes") {
		grouped += a.count(fmt.Sprintf("ordersAggregate.nodes.%d.count", i))
	}
	for i := range a.list("customers.nodes") {
		nested += a.count(fmt.Sprintf("customers.nodes.%d.orders.totalCount", i))
	}
	_, rows := d.taken(t, who, "Order", url.Values{"columns": {"id"}})
	found := d.ok(t, who, `{orders(first:0 search:"order"){totalCount}}`).count("orders.totalCount")
	if orders = a.count("orders.totalCount"); len(list) != min(orders, 1000) || grouped != orders || len(rows) != orders || nested > orders || found > orders || (orders > 50) != (nested > 0 && found > 0) {
		t.Errorf("%s lists %d orders of %d, %d in groups, %d nested, %d by words and exports %d", who, len(list), orders, grouped, nested, found, len(rows))
	}
	return orders, a.at("order") != nil
}

// TestH4FallbackOverHTTP: a RESTRICT rule that goes wrong goes over to the version that
// is named for that, on every path, and back.
func TestH4FallbackOverHTTP(t *testing.T) {
	d := theDemo(t)
	shipped := d.liveOrder(t, "ravi", `number: "FALLBACK-0", title: "Order shipped", status: "shipped", amount: "10.00"`)
	all, _ := d.paths(t, "felix", shipped)
	d.embargoes(t, guest{decide: everybody}.build(), guest{decide: openOnly}.build())
	fallBack := func(who, args string) answer {
		return d.graphql(t, managePath, who, `mutation{fallbackRule(application:"sales",rule:"fallen"`+args+`){rule{fallback{module decides}}}}`)
	}
	for args, code := range map[string]string{",version:2": "CONFLICT", ",version:3": "NOT_FOUND", ",version:0": "BAD_USER_INPUT"} {
		if a := fallBack("mei", args); a.code() != code {
			t.Errorf("%s: %+v", args, a)
		}
	}
	if a := fallBack("felix", ",version:1"); a.code() != "FORBIDDEN" {
		t.Errorf("%+v", a)
	}
	if a := d.graphql(t, managePath, "mei", `mutation{fallbackRule(application:"sales",rule:"same-team-open-orders",version:1){rule{name}}}`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a fallback of a SHARE: %+v", a)
	}
	code, out, errs := d.run(t, "mei", "", "rule", "fallback", "-app", "sales", "-rule", "fallen", "-version", "1", "-dry-run")
	if code != 0 || !strings.Contains(out, "No fallback was named. To name exactly this:\n  sluice rule fallback -application sales -rule fallen -version 1 -difference ") || !strings.Contains(out, " gain") {
		t.Errorf("the dry run: %d: %s%s", code, out, errs)
	}
	if rules := d.rulesText(t); strings.Contains(rules, `"decides"`) {
		t.Errorf("a dry run names one: %s", rules)
	}
	if code, out, errs = d.run(t, "mei", "", "rule", "fallback", "-app", "sales", "-rule", "fallen", "-version", "1"); code != 0 || out != "Version 1 of rule fallen decides while the active one is in quarantine.\n" {
		t.Fatalf("%d: %s%s", code, out, errs)
	}
	quarantined := func() bool {
		d.ruleLog(t, "priya", "fallen", "FAULTS") // what waits is stored
		return strings.Contains(d.rulesText(t), `"quarantine":{`)
	}
	const few = `{orders(where:{number:{lt:"SO-10300"}} first:0){totalCount}}`
	open := d.ok(t, "felix", few).count("orders.totalCount")
	if open == 0 || open >= all || quarantined() { // one person added nearly all
		t.Fatalf("felix lists %d open orders of %d; in quarantine: %s", open, all, d.rulesText(t))
	}
	w := d.dial(t, "felix")
	w.subscribe("a", followOrders)
	for n := 1; n < 11; n++ {
		d.liveOrder(t, "ravi", fmt.Sprintf(`number: "FALLBACK-%d", title: "Shipped", status: "shipped", amount: "10.00"`, n))
	}
	d.ok(t, "felix", few)
	if !quarantined() {
		t.Fatal(d.rulesText(t))
	}
	if code := w.fails("a"); code != "RESET" {
		t.Errorf("the subscription ended with %q", code)
	}
	if orders, sees := d.paths(t, "felix", shipped); orders != all+10 || !sees {
		t.Errorf("with the fallback felix lists %d orders of %d, and sees one that is shipped: %t", orders, all+10, sees)
	}
	_, out, _ = d.run(t, "mei", "", "rule", "list", "-app", "sales")
	if !strings.Contains(out, "fallen is in quarantine since") || !strings.Contains(out, "its fallback decides") {
		t.Error(out)
	}
	_, out, _ = d.run(t, "mei", "", "rule", "versions", "-app", "sales", "-rule", "fallen")
	if !strings.Contains(out, "active, quarantine") || !strings.Contains(out, "previous, fallback, decides") {
		t.Error(out)
	}
	for who, want := range map[string]string{"priya": "[fallen]", "jonas": "[fallen]", "mei": "[fallen]", "felix": "[]", "nora": "[]"} {
		for _, place := range d.manage(t, who, `{me{applications{application rulesInQuarantine}}}`).list("me.applications") {
			if place := place.(map[string]any); place["application"] == "sales" && fmt.Sprint(place["rulesInQuarantine"]) != want {
				t.Errorf("%s is told %v", who, place)
			}
		}
	}
	if text := d.explained(t, "priya", d.id(t, "felix"), "Order", shipped); strings.Contains(text, "as it is in quarantine") {
		t.Error(text)
	}
	if a := fallBack("mei", ""); a.code() != "" || a.at("fallbackRule.rule.fallback") != nil {
		t.Errorf("%+v", a)
	}
	if orders, sees := d.paths(t, "felix", shipped); orders != 0 || sees {
		t.Errorf("without a fallback felix lists %d orders", orders)
	}
	d.manage(t, "mei", `mutation{releaseRule(application:"sales",rule:"fallen"){rule{name}}}`)
	if orders := d.ok(t, "felix", few).count("orders.totalCount"); orders != open {
		t.Errorf("released, felix lists %d orders, %d before", orders, open)
	}
}

// rulesText is what the rules say of the quarantine and the fallback of each.
func (d *demoServer) rulesText(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(d.manage(t, "mei", `{ruleModules(application:"sales"){rules{name active fallback{decides} quarantine{records}}}}`).list("ruleModules.rules"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
