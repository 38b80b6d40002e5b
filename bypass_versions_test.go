package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// versionAttacks ask for the history and the modules of a rule, which are for admins
// and developers, and try to swap what decides.
var versionAttacks = map[string][]attack{
	"manage Query.ruleVersions":    barred(`{ruleVersions(application:"vault",rule:"@"){nodes{module}}}`, "notes-covered", "notes-coverez"),
	"manage Query.ruleEvents":      barred(`{ruleEvents(application:"vault",rule:"@"){nodes{stamp{displayName}}}}`, "notes-covered", "notes-coverez"),
	"manage Mutation.rollbackRule": append(barred(`mutation{rollbackRule(application:"vault",rule:"@"){rule{name}}}`, "notes-covered", "notes-coverez"), barred(`mutation{rollbackRule(application:"vault",rule:"notes-covered",version:1,difference:"@"){rule{name}}}`, "<difference>", "<absent>")...),
	"manage Mutation.deleteRuleVersion": append(
		barred(`mutation{deleteRuleVersion(application:"vault",rule:"@",version:"1"){number module}}`, "notes-covered", "notes-coverez"),
		attack{class: "B26", by: deletingIsForDevelopers}),
	"route /metrics": {{class: "B09", by: metricsAreElsewhere}, {class: "B15", by: metricsAreElsewhere}},
	"route GET /apps/{application}/rules/{name}/versions/{version}": {
		{class: "B15", by: func(t *testing.T, v *vault) {
			v.foreignIsAbsent(t, "GET", "/apps/@/rules/notes-covered/versions/1", "", "")
		}},
		{class: "B23", by: func(t *testing.T, v *vault) {
			v.endedIsRefused(t, "GET", "/apps/@/rules/notes-covered/versions/1", "", "")
		}},
		{class: "B26", by: modulesAreForDevelopers},
	},
}

// metricsAreElsewhere: the listener for clients answers as for a route that does not
// exist, whoever asks.
func metricsAreElsewhere(t *testing.T, v *vault) {
	for _, who := range []string{"", "ravi", "mei", "jonas"} {
		for _, path := range []string{"/metrics", "/metrics/", "/metrics?x=1", "/apps/sales/metrics", "/playground/../metrics", "//metrics"} {
			status, got := v.demoServer.do(t, call{method: "GET", path: path, token: v.demoServer.tokens[who]})
			if strings.Contains(string(got), "sluice_") || status == http.StatusOK {
				t.Errorf("%q, %s: %d %.200s", who, path, status, got)
			}
		}
		status, got := v.demoServer.do(t, call{method: "GET", path: "/metrics", token: v.demoServer.tokens[who]})
		if none, other := v.demoServer.do(t, call{method: "GET", path: "/metricz", token: v.demoServer.tokens[who]}); status != none || string(got) != string(other) {
			t.Errorf("%q: %d %.200s, of none %d %.200s", who, status, got, none, other)
		}
	}
}

// deletingIsForDevelopers: nobody else deletes a module, and what decides is deleted by
// nobody.
func deletingIsForDevelopers(t *testing.T, v *vault) {
	const ask = `mutation{deleteRuleVersion(application:"sales",rule:%q,version:%q){number module}}`
	d, module := v.demoServer, strings.Repeat("0", 64)
	for _, who := range []string{"ravi", "felix", "omar"} {
		none := d.graphql(t, managePath, who, fmt.Sprintf(ask, "none", module)).code()
		for _, version := range []string{"1", "2", "99", module, "-1", ""} {
			if got := d.graphql(t, managePath, who, fmt.Sprintf(ask, "same-team-open-orders", version)).code(); got != none || got == "" {
				t.Errorf("%s, version %s: %q, of none %q", who, version, got, none)
			}
		}
	}
	if got := d.graphql(t, managePath, "mei", fmt.Sprintf(ask, "same-team-open-orders", "1")).code(); got != "CONFLICT" {
		t.Errorf("what decides: %q", got)
	}
	for _, version := range []string{"999", "0", "01", "+1", "-1", "1 ", "", module, "x"} {
		if got := d.graphql(t, managePath, "mei", fmt.Sprintf(ask, "same-team-open-orders", version)).code(); got != "NOT_FOUND" {
			t.Errorf("version %q: %q", version, got)
		}
	}
}

// modulesAreForDevelopers: nobody else is given a module, by number or hash, and is
// not told which rules and versions there are.
func modulesAreForDevelopers(t *testing.T, v *vault) {
	const rule = "same-team-open-orders"
	get := func(who, rule, version string) (int, string) {
		status, b := v.demoServer.do(t, call{method: "GET", path: "/apps/sales/rules/" + rule + "/versions/" + version, token: v.demoServer.tokens[who]})
		return status, string(b)
	}
	status, module := get("mei", rule, "1")
	if status != http.StatusOK || !strings.HasPrefix(module, "\x00asm") {
		t.Fatalf("an admin is given %d %.80q", status, module)
	}
	for _, who := range []string{"ravi", "felix", "omar"} {
		_, none := get(who, rule+"s", "9")
		for _, version := range []string{"1", "9", strings.Repeat("0", 64), "..%2f1", "-1", "1%00"} {
			if status, got := get(who, rule, version); status < 400 || got != none {
				t.Errorf("%s, version %s: %d %.200s, of none %.200s", who, version, status, got, none)
			}
		}
	}
	for _, version := range []string{"999", "0", "01", "+1", "-1", "1%20", "..%2f1", "1%00", strings.Repeat("0", 64), rule, "x"} {
		if status, got := get("mei", rule, version); status != http.StatusNotFound {
			t.Errorf("an admin, version %s: %d %.200s", version, status, got)
		}
	}
}
