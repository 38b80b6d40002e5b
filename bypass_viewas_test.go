package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluice/resolvers/gateway"
)

// viewAsAttacks are made with the header that asks for another's answer, and on
// the list of those who can be named in it.
var viewAsAttacks = joined(
	map[string][]attack{
		"manage Query.viewAsTargets": append(barred(`{viewAsTargets(application:"vault",search:"@"){nodes{id}}}`, "bob", "zzz"),
			attack{class: "B04", send: `{viewAsTargets(application:"vault",after:"@"){nodes{id}}}`, right: "<bob>", wrong: "<absent>", code: "FORBIDDEN"},
			attack{class: "B15", send: `{viewAsTargets(application:"@"){nodes{id}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
			attack{class: "B08", by: targetsAreMembers},
		),
		"route /apps/{application}/graphql": {
			{class: "B08", by: func(t *testing.T, v *vault) {
				v.noEyesForOthers(t, "POST", "/apps/vault/graphql", `{"query":"{me{id}}"}`)
			}},
			{class: "B15", by: targetsOfOthersAreAbsent},
			{class: "B23", by: looksEndWithTheTool},
			{class: "B04", by: cursorsAreOfOnePairOfEyes},
			{class: "B20", by: looksAreNotKept},
		},
		"route /apps/{application}/pages/{name}": {
			{class: "B08", by: func(t *testing.T, v *vault) { v.noEyesForOthers(t, "GET", "/apps/vault/pages/desk", "") }},
		},
		"route GET /apps/{application}/schema.graphql": {
			{class: "B08", by: func(t *testing.T, v *vault) { v.noEyesForOthers(t, "GET", "/apps/vault/schema.graphql", "") }},
		},
		"route GET /apps/{application}/schema.json": {
			{class: "B08", by: func(t *testing.T, v *vault) { v.noEyesForOthers(t, "GET", "/apps/vault/schema.json", "") }},
		},
		"route GET /apps/{application}/pages": {
			{class: "B08", by: func(t *testing.T, v *vault) { v.noEyesForOthers(t, "GET", "/apps/vault/pages", "") }},
		},
	},
)

// targetsAreMembers: nobody without a place, no admin, no address and no search by
// one, and the application's people alone.
func targetsAreMembers(t *testing.T, v *vault) {
	a := v.manage("ann", `{viewAsTargets(application:"vault",first:200){nodes{id displayName}}}`)
	var names []string
	for _, n := range a.list("viewAsTargets.nodes") {
		names = append(names, n.(map[string]any)["displayName"].(string))
	}
	if got := strings.Join(names, ","); strings.Contains(got, "new") || strings.Contains(got, "ann") || !strings.Contains(got, "bob") || strings.Contains(got, "@") {
		t.Errorf("targets %s", got)
	}
	if l := v.manage("ann", `{viewAsTargets(application:"vault",search:"vault.example"){nodes{id}}}`).list("viewAsTargets.nodes"); len(l) > 0 {
		t.Errorf("found by address: %v", l)
	}
}

// noEyesForOthers: who holds no tool is answered alike whomever they name, and who
// has no place is told of none.
func (v *vault) noEyesForOthers(t *testing.T, method, path, body string) {
	t.Helper()
	for who, want := range map[string]int{"eve": http.StatusForbidden, "dan": http.StatusForbidden, "new": http.StatusNotFound} {
		answers := map[string]bool{}
		for _, target := range []string{"bob", "eve", "ann", "new", "absent"} {
			got := v.look(t, call{method: method, path: path, token: v.tokens[who], body: body}, v.values[target])
			if got.status != want || got.Data != nil || got.header.Get(gateway.ViewAsHeader) != "" {
				t.Errorf("%s as %s: %d %s", who, target, got.status, got.body)
			}
			answers[string(got.body)] = true
		}
		if len(answers) != 1 {
			t.Errorf("%s is answered in %d ways", who, len(answers))
		}
	}
}

// targetsOfOthersAreAbsent: people without a place, and of other organizations.
func targetsOfOthersAreAbsent(t *testing.T, v *vault) {
	answers := map[string]bool{}
	for _, target := range []string{v.values["new"], v.id(t, "ravi"), nobody} {
		got := v.look(t, call{path: vaultPath, token: v.tokens["ann"], body: asked(`{folders{totalCount}}`)}, target)
		if got.status != http.StatusNotFound {
			t.Errorf("%d %s", got.status, got.body)
		}
		answers[string(got.body)] = true
	}
	if len(answers) != 1 {
		t.Errorf("answered in %d ways: %v", len(answers), slices.Collect(maps.Keys(answers)))
	}
	if got := v.look(t, call{path: vaultPath, token: v.demoServer.tokens["priya"], body: asked(`{folders{totalCount}}`)}, v.values["bob"]); got.code() != "NOT_FOUND" {
		t.Errorf("from another organization: %s", got.body)
	}
}

// looksEndWithTheTool: a developer whose tool was taken is refused at once.
func looksEndWithTheTool(t *testing.T, v *vault) {
	v.must("ann", managePath, `mutation{assignDeveloper(application:"vault",user:%q,tools:[VIEW_AS]){user{id}}}`, v.values["new"])
	defer v.must("ann", managePath, `mutation{unassignUser(application:"vault",user:%q){user{id}}}`, v.values["new"])
	ask := func() *looked {
		return v.look(t, call{path: vaultPath, token: v.tokens["new"], body: asked(`{folders(first:100){nodes{title secret}}}`)}, v.values["dan"])
	}
	if got := ask(); got.code() != "BAD_USER_INPUT" || bytes.Contains(got.body, []byte(secretMark)) { // dan's schema has no secret
		t.Errorf("with the tool: %s", got.body)
	}
	v.must("ann", managePath, `mutation{revokeTools(application:"vault",user:%q,tools:[VIEW_AS]){user{id}}}`, v.values["new"])
	if got := ask(); got.code() != "FORBIDDEN" {
		t.Errorf("without it: %s", got.body)
	}
}

// cursorsAreOfOnePairOfEyes: neither the asker's nor the target's own fit a look,
// nor the other way round.
func cursorsAreOfOnePairOfEyes(t *testing.T, v *vault) {
	query := `{folders(first:1%s){pageInfo{endCursor}}}`
	first := v.look(t, call{path: vaultPath, token: v.tokens["ann"], body: asked(fmt.Sprintf(query, ""))}, v.values["eve"])
	_, seen, _ := strings.Cut(string(first.Data), `"endCursor":"`)
	seen, _, _ = strings.Cut(seen, `"`)
	if len(seen) < 16 {
		t.Fatalf("%s", first.body)
	}
	for _, who := range []string{"ann", "eve"} {
		after := fmt.Sprintf(query, fmt.Sprintf(",after:%q", v.values["cursor of "+who]))
		if got := v.look(t, call{path: vaultPath, token: v.tokens["ann"], body: asked(after)}, v.values["eve"]); got.code() != "BAD_USER_INPUT" {
			t.Errorf("%s's own cursor in a look: %s", who, got.body)
		}
		if a := v.ask(who, fmt.Sprintf(query, fmt.Sprintf(",after:%q", seen))); a.code() != "BAD_USER_INPUT" {
			t.Errorf("a look's cursor for %s: %+v", who, a)
		}
	}
}

// looksAreNotKept: a document that is run by GET is kept for oneself, and asked
// about by whom it is for.
func looksAreNotKept(t *testing.T, v *vault) {
	c := call{method: "GET", path: vaultPath + "?documentId=list", token: v.tokens["ann"], header: map[string]string{"If-None-Match": "*"}}
	got := v.look(t, c, v.values["eve"])
	if got.status != http.StatusOK || got.header.Get("ETag") != "" || got.header.Get("Cache-Control") != "no-store" || bytes.Contains(got.body, []byte(secretMark)) {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
}

// TestBypassesThroughAnothersEyes: every query of the attacks, made by the super
// admin as eve, is answered as it is to eve: the right guess and the wrong one
// alike, and without a secret.
func TestBypassesThroughAnothersEyes(t *testing.T) {
	v := theVault(t)
	tried := 0
	for _, key := range slices.Sorted(maps.Keys(attacks)) {
		if !strings.HasPrefix(key, "app ") {
			continue
		}
		for i, a := range attacks[key] {
			if send := strings.TrimSpace(a.send); a.by != nil || !strings.HasPrefix(send, "{") && !strings.HasPrefix(send, "query") {
				continue
			}
			tried++
			right, wrong := v.lookAs(t, a, v.put(a.right)), v.lookAs(t, a, v.put(a.wrong))
			if right != wrong || strings.Contains(right, secretMark) {
				t.Errorf("%s %s %d: %s\nright guess %s\nwrong guess %s", a.class, key, i, a.send, right, wrong)
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d attacks were tried", tried)
	}
}

// lookAs makes an attack with one guess as eve, and returns the answer with the
// guess replaced.
func (v *vault) lookAs(t *testing.T, a attack, guess string) string {
	t.Helper()
	put := func(s string) string { return strings.ReplaceAll(v.put(s), "@", guess) }
	body := asked(put(a.send))
	if a.vars != "" {
		body = strings.TrimSuffix(body, "}") + `,"variables":` + put(a.vars) + "}"
	}
	got := v.look(t, call{path: vaultPath, token: v.tokens["ann"], body: body}, v.values["eve"])
	if guess == "" {
		return string(got.body)
	}
	return strings.ReplaceAll(string(got.body), guess, "@")
}
