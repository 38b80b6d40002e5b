package main

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"sluice/engine"
	"sluice/internal/httpd"
	"sluice/rules"
)

// keptTest asks one question of a server that keeps answers of rules, and of others over
// the same store that have kept nothing yet.
type keptTest struct {
	*demoServer
	t      *testing.T
	runner rules.Runner // of the others
}

const keptQuestion = `{orders(first:100,orderBy:[{field:number}]){totalCount nodes{id number}} open:orders(first:0,where:{status:{eq:"open"}}){totalCount} large:ordersAggregate(where:{amount:{gte:"1000"}},groupBy:[{field:status}]){nodes{key{status} count}} customers(first:0,where:{phone:{isNull:false}}){totalCount}}`

// asked returns the answer for somebody, as text.
func (k *keptTest) asked(who string) string {
	k.t.Helper()
	a := k.as(k.t, who, keptQuestion)
	b, err := json.Marshal(a.Data)
	if err != nil || len(a.Errors) > 0 {
		k.t.Fatalf("%s: %v %+v", who, err, a.Errors)
	}
	return string(b)
}

// meter are the counts of the rules of the application in the server of the demo.
func (k *keptTest) meter() (sum engine.RuleCounts) {
	for _, m := range k.httpd.Engine.RuleMeters().Rules {
		if m.Application == "sales" {
			sum.Questions += m.Questions
			sum.Fuel += m.Fuel
			sum.Kept += m.Kept
		}
	}
	return sum
}

// same holds Nora's answer to that of a server that begins anew, and her second answer
// to the first, for which no rule is asked any more.
func (k *keptTest) same(what string) string {
	k.t.Helper()
	first := k.asked("nora")
	before := k.meter()
	if again := k.asked("nora"); again != first {
		k.t.Errorf("%s: Nora is told\n%s\nand then\n%s", what, first, again)
	}
	if after := k.meter(); after.Questions != before.Questions || after.Fuel != before.Fuel || after.Kept <= before.Kept {
		k.t.Errorf("%s: the second answer asked a rule, or used nothing that was kept: %+v, then %+v", what, before, after)
	}
	if fresh := k.fresh().asked("nora"); fresh != first {
		k.t.Errorf("%s: Nora is told\n%s\nby a server that kept answers, and\n%s\nby one that has none", what, first, fresh)
	}
	return first
}

// fresh is the demo served by another server over the same store.
func (k *keptTest) fresh() *keptTest {
	k.t.Helper()
	s, err := httpd.New(httpd.Options{Store: k.store, Rules: k.runner, Inspect: inspect})
	if err != nil {
		k.t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	k.t.Cleanup(srv.Close)
	d := *k.demoServer
	d.url, d.httpd = srv.URL, s
	return &keptTest{&d, k.t, k.runner}
}

// TestKeptAnswersOverHTTP: a list that a rule takes part in is the same the second time,
// without a question to the rule, and follows records, the viewer's attributes and the
// version of the rule at once: it is always that of a server that kept nothing.
func TestKeptAnswersOverHTTP(t *testing.T) {
	d, first, second := twoVersions(t)
	runner, _, closeRules, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closeRules() })
	k := (&keptTest{d, t, runner}).fresh() // counts nothing that other tests leave behind
	id := d.teamOrder(t)
	at := k.same("at first")
	changed := func(what string, change func(), back func()) {
		t.Helper()
		change()
		got := k.same(what)
		back()
		if got == at {
			t.Errorf("%s: the answer is the one before; nothing is shown", what)
		}
		if again := k.same(what + ", and back"); again != at {
			t.Errorf("%s, and back:\n%s\nat first\n%s", what, again, at)
		}
	}
	amount := func(v string) func() {
		return func() {
			t.Helper()
			d.ok(t, "priya", `mutation{updateOrder(id:%q input:{amount:%q}){id}}`, id, v)
		}
	}
	changed("an order that is small", amount("1.00"), amount("123456.00"))
	user := d.id(t, "nora")
	region := func(name string) func() {
		return func() {
			t.Helper()
			d.manage(t, "priya", `mutation{assignUser(application:"sales",user:%q,role:"inside-sales",permissionSet:"sales",attributes:[{name:"team",value:"north"},{name:"region",value:%q}]){user{id}}}`, user, name)
		}
	}
	changed("a viewer of another region", region("AMER"), region("EMEA"))
	version := func(v ruleVersion) func() {
		return func() {
			t.Helper()
			d.manage(t, "mei", `mutation{rollbackRule(application:"sales",rule:%q,version:%d){rule{active}}}`, swapped, v.number)
		}
	}
	d.manage(t, "mei", `mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} activateRule(application:"sales",rule:%q){rule{name}}}`, swapped, second.module, swapped)
	version(first)()
	changed("a version that shows all", version(second), version(first))
}

// teamOrder is an order that the rule shares with the team of Nora, and nothing else
// does; it goes when the test ends.
func (d *demoServer) teamOrder(t *testing.T) string {
	t.Helper()
	a := d.ok(t, "priya", `mutation{createOrder(input:{number:"KEPT-1" title:"kept" status:"open" team:"north" amount:"123456.00"}){order{id}}}`)
	id := a.at("createOrder.order.id").(string)
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, id) })
	return id
}
