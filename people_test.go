package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/internal/record"
)

// hire adds a person to the demo for the length of the test, with a session, and
// returns their id.
func (d *demoServer) hire(t *testing.T, name string, admin bool) string {
	t.Helper()
	id := d.manage(t, "priya", `mutation{addUser(input:{email:%q displayName:%q password:%q admin:%t}){user{id}}}`,
		name+"@guest.example", name, demo.Password, admin).at("addUser.user.id").(string)
	t.Cleanup(func() { // unless the test has deleted them, or made them super admin
		d.graphql(t, "/graphql", "priya", fmt.Sprintf(`mutation{deleteUser(user:%q){deleted}}`, id))
		delete(d.tokens, name)
	})
	d.openSession(t, name, id)
	return id
}

// openSession opens another session for a person.
func (d *demoServer) openSession(t *testing.T, name, id string) {
	t.Helper()
	user, err := record.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := d.httpd.Directory.TenantOf(demo.Organization)
	if err != nil {
		t.Fatal(err)
	}
	if d.tokens[name], err = d.httpd.Directory.OpenSession(context.Background(), tenant, user); err != nil {
		t.Fatal(err)
	}
}

// rewrite is redefine with several texts replaced: old, new, old, new.
func (d *demoServer) rewrite(t *testing.T, pairs ...string) {
	t.Helper()
	source := string(demo.Definition)
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(source, pairs[i]) != 1 {
			t.Fatalf("%q stands %d times in the demo's definition", pairs[i], strings.Count(source, pairs[i]))
		}
		source = strings.Replace(source, pairs[i], pairs[i+1], 1)
	}
	d.define(t, source)
	t.Cleanup(func() { d.define(t, string(demo.Definition)) })
}

// refused asks the management API and wants an error of the code.
func (d *demoServer) refused(t *testing.T, who, code, query string, args ...any) answer {
	t.Helper()
	a := d.graphql(t, "/graphql", who, fmt.Sprintf(query, args...))
	if a.code() != code {
		t.Errorf("%s: %s: %q, want %s: %+v", who, fmt.Sprintf(query, args...), a.code(), code, a)
	}
	return a
}

// A portal user is an external person with a portal set and no role: signs in
// like others, uses the application like others, and sees nothing of the
// management API but themselves.
func TestA11_PortalUser(t *testing.T) {
	d := theDemo(t)
	kim := d.hire(t, "kim", false)
	d.redefine(t, "  - name: distributor\n    forms:", "  - name: Partner\n    portal: true\n    forms:\n"+
		"      Order: {actions: [ACCESS], fields: {\"*\": VISIBLE}}\n    reports: {orders: [VIEW, EDIT]}\n  - name: distributor\n    forms:")
	for _, c := range []struct{ who, set, code string }{
		{"ravi", "Partner", "FORBIDDEN"}, {"mei", "Partner", "FORBIDDEN"}, {"kim", "Partner", "FORBIDDEN"},
		{"jonas", "sales", "BAD_USER_INPUT"}, {"jonas", "zzz", "BAD_USER_INPUT"}, {"jonas", "Partner", ""},
	} {
		d.refused(t, c.who, c.code, `mutation{assignPortalUser(application:"sales" user:%q permissionSet:%q){user{id}}}`, kim, c.set)
	}
	d.refused(t, "jonas", "CONFLICT", `mutation{assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"sales"){user{id}}}`, kim)
	d.refused(t, "jonas", "CONFLICT", `mutation{assignPortalUser(application:"sales" user:%q permissionSet:"Partner"){user{id}}}`, d.id(t, "ravi"))
	d.refused(t, "priya", "CONFLICT", `mutation{promoteAdmin(user:%q){user{id}}}`, kim)
	d.refused(t, "jonas", "BAD_USER_INPUT", `mutation{assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"Partner"){user{id}}}`, d.id(t, "ravi"))

	me := d.manage(t, "kim", `{me{kind user{email assignments{kind role permissionSet}} organization{name} applications{kind role permissionSet} credentials{id}}}`)
	if me.at("me.applications.0.kind") != "PORTAL" || me.at("me.applications.0.role") != nil || me.at("me.user.assignments.0.kind") != "PORTAL" || len(me.list("me.credentials")) != 1 {
		t.Errorf("me: %+v", me)
	}
	for _, q := range []string{
		`{organization{name}}`, `{applications{name}}`, `{application(name:"sales"){version}}`, `{application(name:"none"){version}}`,
		`{users{nodes{id}}}`, `{ruleModules(application:"sales"){rules{name}}}`,
	} {
		d.refused(t, "kim", "FORBIDDEN", "%s", q)
	}
	d.manage(t, "kim", `mutation{createToken(label:"mine"){id}}`)

	// In the application: own records, no peers, nobody below.
	if got := d.ok(t, "kim", `{me{kind role permissionSet} orders{totalCount}}`); got.at("me.kind") != "PORTAL" || got.at("me.role") != nil || got.count("orders.totalCount") != 0 {
		t.Errorf("in the application: %+v", got)
	}
	id := d.ok(t, "kim", `mutation{createOrder(input:{number:"PORTAL-1" title:"external"}){id order{owner{id}}}}`).at("createOrder.id")
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, id) })
	for who, want := range map[string]bool{"kim": true, "grace": true, "marta": false, "ravi": false, "priya": true} {
		if who == "grace" { // the root: it counts as an owner without role (C4)
			d.openSession(t, "grace", personID(t, d, "grace@zylker.example"))
		}
		if got := d.ok(t, who, `{order(id:%q){title}}`, id); (got.at("order") != nil) != want {
			t.Errorf("%s sees the portal user's order: %v", who, !want)
		}
	}
	// Named in a user field, by somebody who is offered them.
	if got := d.ok(t, "jonas", `{members(search:"kim"){nodes{id}}}`); got.at("members.nodes.0.id") != kim {
		t.Errorf("not offered: %+v", got)
	}
	given := d.ok(t, "jonas", `mutation{createOrder(input:{number:"PORTAL-2" title:"for kim" salesperson:%q}){id}}`, kim).at("createOrder.id")
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, given) })
	if got := d.ok(t, "kim", `{orders(orderBy:{field:number}){nodes{number}}}`); len(got.list("orders.nodes")) != 2 || got.at("orders.nodes.1.number") != "PORTAL-2" {
		t.Errorf("owned as named in the owner field: %+v", got)
	}
}

// A sharing rule may name a portal user; a role never includes one.
func TestA11_SharedWithAPortalUser(t *testing.T) {
	d := theDemo(t)
	kim := d.hire(t, "kim", false)
	d.rewrite(t,
		"sharingRules:\n", "sharingRules:\n  - {name: for-kim, form: DistributionArea, criteria: {name: {eq: shared with kim}}, to: {user: kim@guest.example}, level: READ}\n"+
			"  - {name: for-everybody, form: Supplier, criteria: {name: {isNull: false}}, to: {roleAndSubordinates: CEO}, level: READ}\n",
		"  - name: distributor\n    forms:", "  - name: Partner\n    portal: true\n    forms:\n      DistributionArea: {fields: {\"*\": READ_ONLY}}\n"+
			"      Supplier: {fields: {name: READ_ONLY}}\n    reports: {distributionAreas: [VIEW], suppliers: [VIEW]}\n  - name: distributor\n    forms:")
	d.manage(t, "jonas", `mutation{assignPortalUser(application:"sales" user:%q permissionSet:"Partner"){user{id}}}`, kim)
	if got := d.ok(t, "kim", `{suppliers{totalCount}}`); got.count("suppliers.totalCount") != 0 {
		t.Errorf("a role includes a portal user: %+v", got)
	}
	area := d.ok(t, "priya", `mutation{createDistributionArea(input:{name:"shared with kim"}){id}}`).at("createDistributionArea.id")
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteDistributionArea(id:%q){id}}`, area) })
	if got := d.ok(t, "kim", `{distributionAreas{totalCount nodes{name viewerCanUpdate}}}`); got.count("distributionAreas.totalCount") != 1 || got.at("distributionAreas.nodes.0.viewerCanUpdate") != false {
		t.Errorf("shared with the portal user: %+v", got)
	}
}

// The built-in portal set Customer sees every record and says so in a warning; a
// tenant's own set of that name takes its place.
func TestA12_CustomerSeesAll(t *testing.T) {
	d := theDemo(t)
	kim := d.hire(t, "kim", false)
	a := d.manage(t, "mei", `mutation{applyDefinition(yaml:%s){warnings{path message}}}`, jsonText(string(demo.Definition)))
	warned := false
	for _, w := range a.list("applyDefinition.warnings") {
		w := w.(map[string]any)
		warned = warned || strings.HasPrefix(w["path"].(string), "permissionSets.Customer") && strings.Contains(w["message"].(string), "see every record of")
	}
	if !warned {
		t.Errorf("no warning: %+v", a)
	}
	d.manage(t, "jonas", `mutation{assignPortalUser(application:"sales" user:%q permissionSet:"Customer"){user{id}}}`, kim)
	all := d.ok(t, "priya", `{orders{totalCount} suppliers{totalCount}}`)
	got := d.ok(t, "kim", `{orders{totalCount nodes{viewerCanUpdate viewerCanDelete}} suppliers{totalCount}}`)
	if got.count("orders.totalCount") != all.count("orders.totalCount") || got.count("suppliers.totalCount") != all.count("suppliers.totalCount") || got.at("orders.nodes.0.viewerCanUpdate") != false {
		t.Errorf("built in: %+v", got)
	}
	if got := d.as(t, "kim", `{customers{nodes{taxNumber}}}`); got.code() != "BAD_USER_INPUT" {
		t.Errorf("personal data: %+v", got)
	}
	d.redefine(t, "  - name: distributor\n    forms:", "  - name: Customer\n    portal: true\n    forms:\n      Order: {fields: {title: READ_ONLY}}\n"+
		"    reports: {orders: [VIEW]}\n  - name: distributor\n    forms:")
	if got := d.ok(t, "kim", `{orders{totalCount}}`); got.count("orders.totalCount") != 0 {
		t.Errorf("replaced: %+v", got)
	}
	if got := d.as(t, "kim", `{suppliers{totalCount}}`); got.code() != "BAD_USER_INPUT" {
		t.Errorf("replaced, another form: %+v", got)
	}
}

// jsonText writes a text as a string of JSON, which is one of GraphQL as well.
func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func personID(t *testing.T, d *demoServer, email string) string {
	t.Helper()
	id, _ := d.manage(t, "priya", `{users(search:%q){nodes{id}}}`, email).at("users.nodes.0.id").(string)
	if id == "" {
		t.Fatalf("there is nobody of the address %s", email)
	}
	return id
}
