package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/directory"
	"sluice/internal/effort"
	"sluice/internal/httpd"
)

// TestEndlessRuleBesideANeighbour: while an organization asks a rule that never ends by
// sixteen requests at once, another's requests, for each of which its own rule is asked,
// all succeed, show what they show alone, and spend what they spend alone.
func TestEndlessRuleBesideANeighbour(t *testing.T) {
	d := anInn(t, httpd.Options{Decided: -1})
	mill := d.aMill(t)
	source := strings.Replace(inn, "[VIEW_ALL]", "[VIEW]", 1) + guestsRule
	if status, code := d.applied(t, "ann", source, ""); status != http.StatusOK {
		t.Fatal(status, code)
	}
	fills := func(s *demoServer, module []byte) {
		hash := (&victim{demoServer: s}).upload(t, module)
		s.manage(t, "ann", `mutation{bindRuleModule(application:"inn",rule:"all",module:%q){rule{name}} activateRule(application:"inn",rule:"all"){rule{name}}}`, hash)
	}
	fills(d, guestModule(t, everybody, 0))
	fills(mill, guestModule(t, endless+answerOK, 0))
	const query = `{guests(first:10){totalCount nodes{name}} again:guests(first:0,where:{name:{ne:"A"}}){totalCount}}`
	tenant, err := d.httpd.Directory.TenantOf("inn")
	if err != nil {
		t.Fatal(err)
	}
	spent := func() (fuel int64) {
		for _, m := range d.httpd.Engine.RuleMeters().Rules {
			if m.Tenant == tenant {
				fuel += m.Fuel
			}
		}
		return fuel
	}
	ask := func() (fuel int64) {
		t.Helper()
		before := spent()
		a := d.graphql(t, "/apps/inn/graphql", "cleo", query)
		if len(a.Errors) > 0 || a.count("guests.totalCount") != 3 || a.count("again.totalCount") != 2 {
			t.Errorf("%+v", a)
		}
		return spent() - before
	}
	alone := ask()
	if alone <= 0 {
		t.Fatal("no rule was asked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var ended atomic.Int64
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if mill.endless(ctx) {
					ended.Add(1)
				}
			}
		})
	}
	for n := 0; n < effort.Of(8, 25, 200) || ended.Load() < 1; n++ {
		if fuel := ask(); fuel != alone {
			t.Errorf("a request spends %d, alone %d", fuel, alone)
		}
	}
	cancel()
	wg.Wait()
}

// aMill is another organization of the same server, with the same application.
func (d *demoServer) aMill(t *testing.T) *demoServer {
	t.Helper()
	const password = "a long password"
	if _, _, err := d.httpd.Directory.CreateOrganization(t.Context(), "mill", directory.NewUser{Email: "ann@mill.example", DisplayName: "Ann", Password: password}); err != nil {
		t.Fatal(err)
	}
	m := *d
	m.tokens = map[string]string{}
	signIn := func(who string) {
		m.tokens[who] = m.manage(t, "", `mutation{signIn(organization:"mill",email:"%s@mill.example",password:%q){token}}`, who, password).at("signIn.token").(string)
	}
	signIn("ann")
	if status, code := m.applied(t, "ann", strings.Replace(inn, "[VIEW_ALL]", "[VIEW]", 1)+guestsRule, ""); status != http.StatusOK {
		t.Fatal(status, code)
	}
	id := m.manage(t, "ann", `mutation{addUser(input:{email:"cleo@mill.example",displayName:"Cleo",password:%q}){user{id}}}`, password).at("addUser.user.id").(string)
	m.manage(t, "ann", `mutation{assignUser(application:"inn",user:%q,role:"clerk",permissionSet:"clerks"){user{id}}}`, id)
	signIn("cleo")
	var all strings.Builder
	for i := range 100 {
		fmt.Fprintf(&all, "{name:\"%d\"}", i)
	}
	for range 1 {
		m.inInn(t, "ann", `mutation{createGuests(input:[%s]){ids}}`, all.String())
	}
	return &m
}

// endless asks for all guests, and reports whether that was answered: that the query spent
// its fuel, or too much of its organization's.
func (d *demoServer) endless(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/apps/inn/graphql", strings.NewReader(asked(`{guests(first:100){totalCount nodes{name}}}`)))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.tokens["cleo"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Body.Close() == nil && err == nil
}
