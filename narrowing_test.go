package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// line is one open connection to the server, used again for every request.
type line struct {
	t      *testing.T
	d      *demoServer
	client *http.Client
	used   bool
}

func (d *demoServer) line(t *testing.T) *line {
	t.Helper()
	tr := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(tr.CloseIdleConnections)
	return &line{t: t, d: d, client: &http.Client{Transport: tr}}
}

// ask sends a query with a token over the open connection.
func (l *line) ask(token, query string) answer {
	l.t.Helper()
	reused := false
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		l.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(l.t.Context(), trace), http.MethodPost, l.d.url+"/apps/sales/graphql", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := l.client.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.used && !reused {
		l.t.Error("the connection was opened anew")
	}
	l.used = true
	a := answer{status: resp.StatusCode}
	if err := json.Unmarshal(b, &a); err != nil {
		l.t.Fatalf("%d %s", resp.StatusCode, b)
	}
	return a
}

// outlook is what somebody gets of the customers P5: the error's code, or how
// many there are, how many phones are shown, and how many lie behind the cursor
// of the first, which was taken once.
func (l *line) outlook(token, cursor string) string {
	l.t.Helper()
	after := ""
	if cursor != "" {
		after = fmt.Sprintf("after:%q ", cursor)
	}
	a := l.ask(token, `{customers(`+after+`where:{name:{startsWith:"P5 "}} orderBy:[{field:name}]){totalCount nodes{phone}}}`)
	if code := a.code(); code != "" {
		return code
	}
	phones := 0
	for _, n := range a.list("customers.nodes") {
		if n.(map[string]any)["phone"] != nil {
			phones++
		}
	}
	return fmt.Sprintf("%d, behind %d, phones %d", a.count("customers.totalCount"), len(a.list("customers.nodes")), phones)
}

// narrowing is one way to take something away from somebody, and back.
type narrowing struct {
	name         string
	take, back   func()
	full, narrow string
	// defines says that the definition has another version afterwards: cursors of
	// the one before are taken back by none.
	defines bool
}

// narrows takes the cursor, takes something away and gives it back, each time
// asking on the next operation over the same connection.
func (d *demoServer) narrows(t *testing.T, who string, n narrowing) {
	t.Run(n.name, func(t *testing.T) {
		l := d.line(t)
		first := l.ask(d.tokens[who], `{customers(first:1 where:{name:{startsWith:"P5 "}} orderBy:[{field:name}]){pageInfo{endCursor}}}`)
		cursor, ok := first.at("customers.pageInfo.endCursor").(string)
		if !ok {
			t.Fatalf("no cursor: %+v", first)
		}
		if got := l.outlook(d.tokens[who], cursor); got != n.full {
			t.Fatalf("before: %s, want %s", got, n.full)
		}
		n.take()
		if n.defines {
			if got := l.outlook(d.tokens[who], cursor); !strings.Contains("BAD_USER_INPUT FORBIDDEN", got) {
				t.Errorf("a cursor of the version before: %s", got)
			}
			cursor = ""
		}
		if got := l.outlook(d.tokens[who], cursor); got != n.narrow {
			t.Errorf("taken away: %s, want %s", got, n.narrow)
		}
		if n.back == nil {
			return
		}
		n.back()
		full := n.full
		if n.defines {
			full = strings.NewReplacer("behind 3", "behind 4", "phones 3", "phones 4").Replace(full) // from the first on
		}
		if got := l.outlook(d.tokens[who], cursor); got != full {
			t.Errorf("given back: %s, want %s", got, n.full)
		}
	})
}

// p5Customers makes three customers of a person and one of inside sales, which
// reps read, for the length of the test.
func (d *demoServer) p5Customers(t *testing.T, owner string) {
	t.Helper()
	for i, c := range []struct{ owner, region string }{{owner, "EMEA"}, {owner, "EMEA"}, {owner, "APAC"}, {d.id(t, "nora"), "EMEA"}} {
		id := d.ok(t, "priya", `mutation{createCustomer(input:{name:"P5 %d" region:%q phone:"%d" accountManager:%q}){id}}`, i, c.region, i, c.owner).at("createCustomer.id")
		t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteCustomer(id:%q){id}}`, id) })
	}
}

const unauthenticated = "UNAUTHENTICATED"

// TestP5_NarrowingBindsOnTheNextOperation takes access away in every way there
// is: over a connection that is open, with a cursor that was given before, the
// very next operation has the narrower answer, and the wider one when it is back.
func TestP5_NarrowingBindsOnTheNextOperation(t *testing.T) {
	d := theDemo(t)
	nils := d.hire(t, "nils", false)
	assign := func(role, set, region string) func() {
		return func() {
			d.manage(t, "jonas", `mutation{assignUser(application:"sales" user:%q role:%q permissionSet:%q attributes:[{name:"region" value:%q}]){user{id}}}`, nils, role, set, region)
		}
	}
	rep := assign("sales-rep", "sales", "EMEA")
	rep()
	d.p5Customers(t, nils)
	define := func(old, text string) func() {
		if strings.Count(string(demo.Definition), old) != 1 {
			t.Fatalf("%q is not once in the demo's definition", old)
		}
		return func() { d.define(t, strings.Replace(string(demo.Definition), old, text, 1)) }
	}
	blind := regexp.MustCompile(`(?m)^      (customers|myCustomers): \[VIEW, EDIT.*\n`).ReplaceAllString(string(demo.Definition), "")
	if strings.Count(string(demo.Definition), "\n") != strings.Count(blind, "\n")+2 {
		t.Fatal("the reports of customers do not stand in the demo's definition as they did")
	}
	restore := func() { d.define(t, string(demo.Definition)) }
	t.Cleanup(restore)
	user := func(mutation string) func() {
		return func() { d.manage(t, "priya", `mutation{%s(user:%q){user{id}}}`, mutation, nils) }
	}
	again := func(before func()) func() {
		return func() {
			if before != nil {
				before()
			}
			d.openSession(t, "nils", nils)
		}
	}
	const all, own = "4, behind 3, phones 3", "3, behind 2, phones 2"
	for _, n := range []narrowing{
		{"deactivation", user("deactivateUser"), again(user("activateUser")), all, unauthenticated, false},
		{"unassignment", func() {
			d.manage(t, "jonas", `mutation{unassignUser(application:"sales" user:%q){user{id}}}`, nils)
		}, rep, all, "NOT_FOUND", false},
		{"another role", assign("distributor", "sales", "EMEA"), rep, all, own, false},
		{"another set", assign("sales-rep", "supplier", "EMEA"), rep, all, "BAD_USER_INPUT", false},
		{"a right of the set", func() { d.define(t, blind) }, restore, all, "BAD_USER_INPUT", true},
		{"a field of the set", define("email: VISIBLE, phone: VISIBLE,", "email: VISIBLE,"), restore, all, "BAD_USER_INPUT", true},
		{"a sharing rule", define("to: {role: sales-rep}, level: READ}", "to: {role: finance-clerk}, level: READ}"), restore, all, "3, behind 3, phones 3", true},
		{"sign-out", func() { d.manage(t, "nils", `mutation{signOut{signedOut}}`) }, again(nil), all, unauthenticated, false},
		{"credentials revoked", user("revokeCredentials"), again(nil), all, unauthenticated, false},
		{"another password", func() {
			d.manage(t, "priya", `mutation{setPassword(user:%q password:"another long one"){user{id}}}`, nils)
		}, again(nil), all, unauthenticated, false},
	} {
		d.narrows(t, "nils", n)
	}
	t.Run("as inside sales", func(t *testing.T) {
		desk := assign("inside-sales", "sales", "EMEA")
		desk()
		t.Cleanup(rep)
		rule := func(mutation string) func() {
			return func() {
				d.manage(t, "mei", `mutation{%s(application:"sales" rule:"phone-outside-region"){rule{active}}}`, mutation)
			}
		}
		const masked = "4, behind 3, phones 2" // the last of nils is in another region
		d.narrows(t, "nils", narrowing{"a rule switched off", rule("deactivateRule"), rule("activateRule"), masked, "4, behind 3, phones 0", false})
		d.narrows(t, "nils", narrowing{"a viewer attribute", assign("inside-sales", "sales", "APAC"), desk, masked, "4, behind 3, phones 1", false})
		d.narrows(t, "nils", narrowing{"widened and narrowed again", desk, desk, masked, masked, false})
	})
	d.narrows(t, "nils", narrowing{name: "deletion", take: func() { d.manage(t, "jonas", `mutation{deleteUser(user:%q){deleted}}`, nils) }, full: all, narrow: unauthenticated})
}

// TestP5_TokensNarrowOnTheNextOperation: a personal token that is revoked, and
// one whose owner's set no longer lets it in, which the session outlives.
func TestP5_TokensNarrowOnTheNextOperation(t *testing.T) {
	d := theDemo(t)
	nils := d.hire(t, "nils", false)
	d.manage(t, "jonas", `mutation{assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"sales"){user{id}}}`, nils)
	d.p5Customers(t, nils)
	t.Cleanup(func() { delete(d.tokens, "program") })
	var id any
	issue := func() {
		a := d.manage(t, "nils", `mutation{createToken(label:"p5"){token id}}`)
		d.tokens["program"], id = a.at("createToken.token").(string), a.at("createToken.id")
	}
	issue()
	const all = "4, behind 3, phones 3"
	off := func() {
		d.define(t, strings.Replace(string(demo.Definition), "  - name: sales\n    description: View", "  - name: sales\n    apiAccess: false\n    description: View", 1))
	}
	restore := func() { d.define(t, string(demo.Definition)) }
	t.Cleanup(restore)
	d.narrows(t, "program", narrowing{"API access switched off", off, restore, all, "FORBIDDEN", true})
	d.narrows(t, "nils", narrowing{"which sessions do not mind", off, restore, all, "4, behind 4, phones 4", true})
	d.narrows(t, "program", narrowing{"revoked", func() { d.manage(t, "nils", `mutation{revokeToken(id:%q){id}}`, id) }, issue, all, unauthenticated, false})
	d.narrows(t, "program", narrowing{"all of the user's revoked", func() { d.manage(t, "jonas", `mutation{revokeCredentials(user:%q){user{id}}}`, nils) }, func() {
		d.openSession(t, "nils", nils)
		issue()
	}, all, unauthenticated, false})
}

// TestP5_StaffNarrowsOnTheNextOperation: an admin who is demoted, a developer who
// is removed, and a super admin who hands the place over and is demoted.
func TestP5_StaffNarrowsOnTheNextOperation(t *testing.T) {
	d := theDemo(t)
	d.p5Customers(t, d.id(t, "ravi"))
	const all = "4, behind 3, phones 3"
	ada := d.hire(t, "ada", true)
	d.narrows(t, "ada", narrowing{"demotion",
		func() { d.manage(t, "priya", `mutation{demoteAdmin(user:%q){user{id}}}`, ada) },
		func() { d.manage(t, "priya", `mutation{promoteAdmin(user:%q){user{id}}}`, ada) }, all, "NOT_FOUND", false})
	d.manage(t, "priya", `mutation{transferSuperAdmin(user:%q){user{id}}}`, ada)
	priya := d.id(t, "priya")
	d.narrows(t, "priya", narrowing{"demotion after a transfer",
		func() { d.manage(t, "ada", `mutation{demoteAdmin(user:%q){user{id}}}`, priya) },
		func() { d.manage(t, "ada", `mutation{promoteAdmin(user:%q){user{id}}}`, priya) }, all, "NOT_FOUND", false})
	d.manage(t, "ada", `mutation{transferSuperAdmin(user:%q){user{id}}}`, priya)
	dora := d.hire(t, "dora", false)
	develop := func() { d.manage(t, "jonas", `mutation{assignDeveloper(application:"sales" user:%q){user{id}}}`, dora) }
	develop()
	d.narrows(t, "dora", narrowing{"a developer removed",
		func() { d.manage(t, "jonas", `mutation{unassignUser(application:"sales" user:%q){user{id}}}`, dora) }, develop, all, "NOT_FOUND", false})
}
