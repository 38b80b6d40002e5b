package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/httpd"
)

// serving is the demo served by another server over the same store, which keeps as many
// bytes of answers of rules as said.
func (d *demoServer) serving(t *testing.T, kept int64) *demoServer {
	t.Helper()
	runner, _, closeRules, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	s, err := httpd.New(httpd.Options{Store: d.store, Rules: runner, Inspect: inspect, Decided: kept})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.Close(); _ = closeRules() })
	other := *d
	other.url, other.httpd = srv.URL, s
	return &other
}

// liveRule follows orders as Nora while the rule that shares one of them with her is
// changed.
type liveRule struct {
	*demoServer
	t     *testing.T
	order string
	n     int
}

const followRuled = `subscription{orderChanges(where:{number:{eq:"KEPT-1"}} %s){kind id token order{title amount}}}`

func (l *liveRule) follow(args string) *wire {
	l.t.Helper()
	w := l.dial(l.t, "nora")
	w.subscribe("a", fmt.Sprintf(followRuled, args))
	return w
}

// changes gives the order a title that nobody was told before.
func (l *liveRule) changes() (title string) {
	l.t.Helper()
	l.n++
	title = fmt.Sprint("state ", l.n)
	l.ok(l.t, "priya", `mutation{updateOrder(id:%q input:{title:%q}){id}}`, l.order, title)
	return title
}

// tells holds that a change is told, as a list tells it.
func (l *liveRule) tells(w *wire, what string) (token string) {
	l.t.Helper()
	title := l.changes()
	a := w.next("a")
	if a.at("orderChanges.order.title") != title || l.ok(l.t, "nora", `{order(id:%q){title}}`, l.order).at("order.title") != title {
		l.t.Errorf("%s: %+v", what, a)
	}
	token, _ = a.at("orderChanges.token").(string)
	return token
}

// ends holds that an act ends a subscription before it tells of anything that comes after,
// and that what was to be told since the token is told to nobody.
func (l *liveRule) ends(what string, act func()) {
	l.t.Helper()
	w := l.follow("")
	token := l.tells(w, what)
	act()
	l.changes()
	if code := w.fails("a"); code != "RESET" {
		l.t.Errorf("%s: %s", what, code)
	}
	again := l.dial(l.t, "nora")
	again.say(`{"type":"subscribe","id":"a","payload":{"query":%q}}`, fmt.Sprintf(followRuled, fmt.Sprintf("resume:%q", token)))
	if code := again.fails("a"); code != "RESET" {
		l.t.Errorf("%s, and resumed: %s", what, code)
	}
}

// silent holds that a change of what Nora does not see is told by nothing.
func (l *liveRule) silent(what string, show func()) {
	l.t.Helper()
	w := l.follow("")
	l.changes()
	if l.ok(l.t, "nora", `{order(id:%q){title}}`, l.order).at("order") != nil {
		l.t.Fatalf("%s: the order is seen", what)
	}
	show() // ends the subscription
	if code := w.fails("a"); code != "RESET" {
		l.t.Errorf("%s: %s", what, code)
	}
}

// condemned holds what happens when a version that decides goes into quarantine, for what
// it does to the orders of many, and out of it.
func (l *liveRule) condemned(bind func(module string)) {
	l.t.Helper()
	bind(l.sharing(l.t, guest{decide: openOnly}.build()))
	l.ends("quarantine", func() {
		l.ok(l.t, "nora", `{orders(first:0){totalCount}}`)
		l.ruleLog(l.t, "priya", swapped, "FAULTS") // what waits is stored
	})
	l.silent("in quarantine", func() {
		l.manage(l.t, "mei", `mutation{releaseRule(application:"sales",rule:%q){rule{quarantine{since}}}}`, swapped)
	})
	l.tells(l.follow(""), "released")
}

// impure holds that a version which turns out to be no rule tells nothing from then on,
// also before that is stored.
func (l *liveRule) impure(variant string) {
	l.t.Helper()
	n, code := 11, "CONFLICT" // what tests of the activation happen to find is refused
	for ; code != "" && n < 20; n++ {
		module := l.sharing(l.t, append(guest{decide: ofBatch(fmt.Sprintf("%s\x41%c\x47", recordsAsked, n))}.build(), part(0, sized("variant")+variant)...))
		code = l.graphql(l.t, managePath, "mei", fmt.Sprintf(`mutation{bindRuleModule(application:"sales",rule:"fickle",module:%q){rule{name}} activateRule(application:"sales",rule:"fickle"){rule{name}}}`, module)).code()
	}
	w := l.follow("")
	l.tells(w, "a version not known to be impure")
	var ids []string
	for i := range n - 1 {
		ids = append(ids, l.liveOrder(l.t, "priya", fmt.Sprintf(`number: "FICKLE-%d", title: "x"`, i)))
	}
	l.ok(l.t, "nora", `{nodes(ids:["%s"]){id}}`, strings.Join(ids, `","`)) // of so many it answers otherwise
	l.changes()
	if l.ok(l.t, "nora", `{order(id:%q){title}}`, l.order).at("order") != nil {
		l.t.Error("an impure version shows an order")
	}
	l.ruleLog(l.t, "priya", "fickle", "FAULTS") // what waits is stored
	if code := w.fails("a"); code != "RESET" {
		l.t.Errorf("impure: %s", code)
	}
}

// TestP9SubscriptionsAcrossARule: whatever is done with a rule, subscribers are told
// nothing that a list would not tell at that moment, with kept answers and without.
func TestP9SubscriptionsAcrossARule(t *testing.T) {
	d, first, second := twoVersions(t)
	d.rewrite(t, "effect: MASK, fields: [phone], roles: [inside-sales]}\n", "effect: MASK, fields: [phone], roles: [inside-sales]}\n  - {name: fickle, form: Order, effect: SHARE, maxLevel: READ, roles: [inside-sales]}\n")
	id := d.teamOrder(t)
	for i := range 15 {
		d.liveOrder(t, "ravi", fmt.Sprintf(`number: "CONDEMNED-%d", title: "Shipped", status: "shipped"`, i))
	}
	act := func(mutation string, args ...any) func() {
		return func() {
			t.Helper()
			d.manage(t, "mei", `mutation{`+mutation+`}`, args...)
		}
	}
	back := act(`rollbackRule(application:"sales",rule:%q,version:%d){rule{name}}`, swapped, first.number)
	all := act(`rollbackRule(application:"sales",rule:%q,version:%d){rule{name}}`, swapped, second.number)
	off := act(`deactivateRule(application:"sales",rule:%q){rule{name}}`, swapped)
	on := act(`activateRule(application:"sales",rule:%q){rule{name}}`, swapped)
	act(`bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} activateRule(application:"sales",rule:%q){rule{name}}`, swapped, second.module, swapped)()
	back()
	for name, kept := range map[string]int64{"kept": 0, "not kept": -1} {
		t.Run(name, func(t *testing.T) {
			l := &liveRule{demoServer: d.serving(t, kept), t: t, order: id}
			l.ok(t, "nora", keptQuestion)
			l.ends("another version", all)
			l.ends("rolled back", back)
			l.ends("switched off", off)
			l.silent("off", on)
			w := l.follow("")
			hash := d.sharing(t, guest{decide: "\x20\x00\x1a\x01" + answerOK}.build())
			act(`bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} bound:bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}}`, swapped, hash, swapped, first.module)()
			l.tells(w, "a version that waits")
			act(`shadowRule(application:"sales",rule:%q,module:%q,hours:1){shadow{running}}`, swapped, hash)()
			l.tells(w, "a shadow")
			act(`unshadowRule(application:"sales",rule:%q){shadow{rule}}`, swapped)()
			v := 0
			for _, n := range d.manage(t, "mei", `{ruleVersions(application:"sales",rule:%q,first:200){nodes{number module}}}`, swapped).list("ruleVersions.nodes") {
				if n := n.(map[string]any); n["module"] == hash {
					v = int(n["number"].(float64))
				}
			}
			act(`deleteRuleVersion(application:"sales",rule:%q,version:"%d"){number}`, swapped, v)()
			l.tells(w, "a version deleted")
			l.condemned(func(module string) {
				act(`bindRuleModule(application:"sales",rule:%q,module:%q){rule{name}} activateRule(application:"sales",rule:%q){rule{name}}`, swapped, module, swapped)()
			})
			off()
			l.impure(name)
			on()
			back()
		})
	}
}
