package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/rules"
)

// ofGo is a module of the Go profile for a SHARE rule on orders that gives all of
// them, longer than the store takes in one document.
func ofGo(t *testing.T, profile string) []byte {
	t.Helper()
	module := []byte(wasmHead +
		part(1, vec("\x60\x01\x7f\x01\x7f", "\x60\x00\x00", "\x60\x00\x01\x7f")) +
		part(2, vec(sized("wasi_snapshot_preview1")+sized("sched_yield")+"\x00\x02")) +
		part(3, vec("\x00", "\x00", "\x01")) +
		part(5, vec("\x01\x02\x60")) +
		part(7, vec(sized("memory")+"\x02\x00", sized("sluice_buf")+"\x00\x01", sized("sluice_decide")+"\x00\x02", sized("_initialize")+"\x00\x03")) +
		part(10, vec(sized("\x00\x41\x80\x08\x0b"), sized("\x00\x10\x00\x1a"+everybody), sized("\x00\x10\x00\x1a\x0b"))) +
		part(0, sized("padding")+strings.Repeat("x", 2<<20)))
	manifest := strings.Replace(hostileManifest, `"abi":1,`, `"abi":1,"profile":"`+profile+`",`, 1)
	module, err := rules.Embed(module, []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// TestGoProfileIsPermitted: a module of the Go profile is taken by an application
// and fills a rule only where the definition says so, decides after it was stored in
// several documents, and keeps its
// permission for as long as it does.
func TestGoProfileIsPermitted(t *testing.T) {
	d := theDemo(t)
	const put, media = "/apps/sales/rules/generous", "application/wasm"
	orders := func() int { return d.ok(t, "nora", `{orders(first:0){totalCount}}`).count("orders.totalCount") }
	all := d.ok(t, "mei", `{orders(first:0){totalCount}}`).count("orders.totalCount")
	few := orders()
	source := string(demo.Definition)
	const last = "effect: MASK, fields: [phone], roles: [inside-sales]}\n"
	if strings.Count(source, last) != 1 || few >= all {
		t.Fatal("the demo has changed")
	}
	with := func(more string) string {
		return strings.Replace(source, last, last+"  - {name: generous, form: Order, effect: SHARE, maxLevel: READ"+more+"}\n  - {name: other, form: Order, effect: SHARE, maxLevel: READ}\n", 1)
	}
	rule := func(more string) { t.Helper(); d.define(t, with(more)) }
	t.Cleanup(func() { d.define(t, source) })

	rule("")
	a := d.send(t, http.MethodPut, put, "mei", media, ofGo(t, "go"))
	if a.status != http.StatusBadRequest || !strings.Contains(a.Errors[0].Message, "write profile: GO at the rule") {
		t.Errorf("not permitted, and %d %+v", a.status, a.Errors)
	}
	a = d.send(t, http.MethodPut, put, "mei", media, ofGo(t, "lean"))
	if a.status != http.StatusBadRequest || !strings.Contains(a.Errors[0].Message, "the limit is 262,144") {
		t.Errorf("as a lean module: %d %+v", a.status, a.Errors)
	}

	rule(", profile: GO")
	hash := d.putRule(t, put, ofGo(t, "go"))
	bind := `mutation{bindRuleModule(application:"sales" rule:%q module:%q){rule{module}}}`
	if a := d.graphql(t, "/graphql", "mei", fmt.Sprintf(bind, "other", hash)); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "its profile is go, rule other has LEAN") {
		t.Errorf("bound to a lean rule: %+v", a)
	}
	d.manage(t, "mei", bind, "generous", hash)
	if got := orders(); got != few {
		t.Errorf("%d orders before it is active", got)
	}
	d.manage(t, "mei", `mutation{activateRule(application:"sales" rule:"generous"){rule{active}}}`)
	if got := orders(); got != all {
		t.Errorf("nora sees %d orders of %d with the module", got, all)
	}
	status, b := d.do(t, call{method: http.MethodPut, path: "/definition", token: d.tokens["mei"], contentType: "application/yaml", body: with("")})
	if status != http.StatusUnprocessableEntity || !strings.Contains(string(b), "its profile is go") || orders() != all {
		t.Errorf("taken back while it decides: %d %s", status, b)
	}
	d.define(t, source)
	if got := orders(); got != few {
		t.Errorf("nora sees %d orders, %d without the rule", got, few)
	}
}

// putRule uploads a module as the developer and returns its hash.
func (d *demoServer) putRule(t *testing.T, path string, module []byte) string {
	t.Helper()
	status, b := d.do(t, call{method: http.MethodPut, path: path, token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
	_, after, _ := strings.Cut(string(b), `"hash":"`)
	hash, _, _ := strings.Cut(after, `"`)
	if status != http.StatusOK || len(hash) != 64 {
		t.Fatalf("%d %s", status, b)
	}
	return hash
}
