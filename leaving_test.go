package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// rep hires a person as sales rep.
func (d *demoServer) rep(t *testing.T, name string) string {
	t.Helper()
	id := d.hire(t, name, false)
	d.manage(t, "jonas", `mutation{assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"sales"){user{id}}}`, id)
	return id
}

// customer makes a customer of a person, for the length of the test.
func (d *demoServer) customer(t *testing.T, owner, name, city string) string {
	t.Helper()
	id := d.ok(t, "priya", `mutation{createCustomer(input:{name:%q city:%q region:"EMEA" accountManager:%q}){id}}`, name, city, owner).at("createCustomer.id").(string)
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteCustomer(id:%q){id}}`, id) })
	return id
}

func (d *demoServer) seesCustomer(t *testing.T, who, id string) bool {
	t.Helper()
	return d.ok(t, who, `{customer(id:%q){id}}`, id).at("customer") != nil
}

// A deleted user's records keep the id and have an owner without role; whoever
// comes under the address later inherits neither records nor what the definition
// grants, until the definition is applied again.
func TestE5_DeletedUser(t *testing.T) {
	d := theDemo(t)
	otto := d.rep(t, "otto")
	mine, granted := d.customer(t, otto, "Of Otto", "Bonn"), d.customer(t, d.id(t, "marta"), "For Otto", "Ottoville")
	source := strings.Replace(string(demo.Definition), "sharingRules:\n",
		"sharingRules:\n  - {name: for-otto, form: Customer, criteria: {city: {eq: Ottoville}}, to: {user: otto@guest.example}, level: READ}\n", 1)
	d.define(t, source)
	t.Cleanup(func() { d.define(t, string(demo.Definition)) })
	d.openSession(t, "grace", personID(t, d, "grace@zylker.example"))
	for who, want := range map[string][2]bool{"otto": {true, true}, "marta": {true, true}, "grace": {true, true}, "ravi": {false, false}} {
		if got := [2]bool{d.seesCustomer(t, who, mine), d.seesCustomer(t, who, granted)}; got != want {
			t.Errorf("before: %s sees %v", who, got)
		}
	}
	if got := d.manage(t, "jonas", `mutation{deleteUser(user:%q){id deleted reassignment{moved}}}`, otto); got.at("deleteUser.deleted") != true || got.at("deleteUser.reassignment") != nil {
		t.Fatalf("%+v", got)
	}
	d.refused(t, "otto", unauthenticated, `{me{kind}}`)
	d.refused(t, "", unauthenticated, `mutation{signIn(organization:"zylker" email:"otto@guest.example" password:%q){token}}`, demo.Password)
	if got := d.manage(t, "jonas", `{user(id:%q){id} users(search:"otto"){nodes{id}}}`, otto); got.at("user") != nil || len(got.list("users.nodes")) != 0 {
		t.Errorf("in the directory: %+v", got)
	}
	if got := d.ok(t, "priya", `{customer(id:%q){owner{id displayName} accountManager{id displayName}}}`, mine); got.at("customer.owner.id") != otto || got.at("customer.owner.displayName") != "" || got.at("customer.accountManager.displayName") != "" {
		t.Errorf("the owner: %+v", got)
	}
	for who, want := range map[string]bool{"marta": false, "grace": true, "priya": true} { // the root reaches owners without role
		if d.seesCustomer(t, who, mine) != want {
			t.Errorf("%s sees the deleted user's record: %v", who, !want)
		}
	}
	if got := d.as(t, "priya", `mutation{updateCustomer(id:%q input:{accountManager:%q}){id}}`, granted, otto); got.code() != "BAD_USER_INPUT" {
		t.Errorf("named anew: %+v", got)
	}

	second := d.rep(t, "otto")
	if second == otto {
		t.Fatal("an id was given twice")
	}
	if d.seesCustomer(t, "otto", mine) || d.seesCustomer(t, "otto", granted) {
		t.Error("the next user of the address inherits")
	}
	d.define(t, source)
	if d.seesCustomer(t, "otto", mine) || !d.seesCustomer(t, "otto", granted) {
		t.Error("an apply does not mean who has the address now")
	}
}

// A deletion offers a reassignment: the records are the heir's, who added them
// stays, and the user is gone.
func TestE5_DeletionWithReassignment(t *testing.T) {
	d := theDemo(t)
	otto, heir := d.rep(t, "otto"), d.rep(t, "erbe")
	added := d.ok(t, "otto", `mutation{createCustomer(input:{name:"Added by Otto" region:"EMEA"}){id}}`).at("createCustomer.id").(string)
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteCustomer(id:%q){id}}`, added) })
	given := d.customer(t, otto, "Given to Otto", "Bonn")
	area := d.ok(t, "priya", `mutation{createDistributionArea(input:{name:"not Otto's"}){id}}`).at("createDistributionArea.id")
	t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteDistributionArea(id:%q){id}}`, area) })
	d.refused(t, "jonas", "BAD_USER_INPUT", `mutation{deleteUser(user:%q reassignTo:%q){deleted}}`, otto, otto)
	if d.manage(t, "jonas", `{user(id:%q){status}}`, otto).at("user.status") != "ACTIVE" {
		t.Error("a refused deletion switched the user off")
	}
	a := d.manage(t, "jonas", `mutation{deleteUser(user:%q reassignTo:%q){deleted reassignment{from to application deletes state moved kept}}}`, otto, heir)
	if a.at("deleteUser.deleted") != true || a.at("deleteUser.reassignment.state") != "DONE" || a.count("deleteUser.reassignment.moved") != 2 || a.count("deleteUser.reassignment.kept") != 0 {
		t.Errorf("%+v", a)
	}
	for _, id := range []string{added, given} {
		got := d.ok(t, "erbe", `{customer(id:%q){owner{id} accountManager{id} version}}`, id)
		if got.at("customer.owner.id") != heir || got.at("customer.accountManager.id") != heir || got.count("customer.version") != 2 {
			t.Errorf("%+v", got)
		}
	}
	if got := d.ok(t, "priya", `{customer(id:%q){addedBy{id}}}`, added); got.at("customer.addedBy.id") != otto {
		t.Errorf("who added it: %+v", got)
	}
	if got := d.manage(t, "jonas", `{reassignments{from state moved}}`); got.at("reassignments.0.from") != otto || got.at("reassignments.0.state") != "DONE" {
		t.Errorf("%+v", got)
	}
	d.refused(t, "otto", unauthenticated, `{me{kind}}`)
}

// One person may develop one application and use another; in one application it
// is one or the other.
func TestA8_DeveloperHereLiveThere(t *testing.T) {
	d := theDemo(t)
	a := d.manage(t, "priya", `mutation{applyDefinition(yaml:%s){application{name} faults{message}}}`,
		jsonText("application: tiny\nforms: [{name: Note, plural: notes, fields: [{name: text, type: text}]}]\nroles: [{name: CEO}]\n"))
	if a.at("applyDefinition.application.name") != "tiny" {
		t.Fatalf("%+v", a)
	}
	otto := d.rep(t, "otto")
	d.refused(t, "jonas", "CONFLICT", `mutation{assignDeveloper(application:"sales" user:%q){user{id}}}`, otto)
	d.manage(t, "jonas", `mutation{assignDeveloper(application:"tiny" user:%q){user{id}}}`, otto)
	d.refused(t, "jonas", "CONFLICT", `mutation{assignUser(application:"tiny" user:%q role:"CEO" permissionSet:"Read"){user{id}}}`, otto)
	d.manage(t, "otto", `{application(name:"tiny"){definition}}`)
	d.refused(t, "otto", "FORBIDDEN", `{application(name:"sales"){definition}}`)
	places := d.manage(t, "otto", `{me{applications{application kind role}}}`)
	if got := fmt.Sprint(places.at("me.applications")); got != "[map[application:sales kind:LIVE role:sales-rep] map[application:tiny kind:DEVELOPER role:<nil>]]" {
		t.Errorf("places: %s", got)
	}
	if got := d.graphql(t, "/apps/tiny/graphql", "otto", `{me{kind} notes{totalCount}}`); got.at("me.kind") != "DEVELOPER" || got.count("notes.totalCount") != 0 {
		t.Errorf("%+v", got)
	}
	if got := d.ok(t, "otto", `{me{kind role}}`); got.at("me.kind") != "LIVE" {
		t.Errorf("%+v", got)
	}
}

// A token of somebody whose set has API access off opens nothing of the
// application, in the management API either; a session goes on.
func TestB1_ManagementTellsATokenNothing(t *testing.T) {
	d := theDemo(t)
	d.rep(t, "otto")
	d.tokens["program"] = d.manage(t, "otto", `mutation{createToken(label:"b1"){token}}`).at("createToken.token").(string)
	t.Cleanup(func() { delete(d.tokens, "program") })
	count := func(who string) (n int) {
		a := d.manage(t, who, `{applications{name version} me{applications{application}}}`)
		return len(a.list("applications")) + len(a.list("me.applications"))
	}
	if count("program") != 2 || count("otto") != 2 {
		t.Fatalf("while it is on: %d, %d", count("program"), count("otto"))
	}
	d.redefine(t, "  - name: sales\n    description: View", "  - name: sales\n    apiAccess: false\n    description: View")
	if count("program") != 0 || count("otto") != 2 {
		t.Errorf("while it is off: %d by token, %d by session", count("program"), count("otto"))
	}
	d.refused(t, "program", "FORBIDDEN", `{application(name:"sales"){version}}`)
	if got := d.as(t, "program", `{me{id}}`); got.code() != "FORBIDDEN" {
		t.Errorf("the application: %+v", got)
	}
	if got := d.send(t, "GET", "/apps/sales/imports", "program", "application/json", nil); got.code() != "FORBIDDEN" {
		t.Errorf("imports: %+v", got)
	}
	d.manage(t, "otto", `{application(name:"sales"){version}}`)
}

// TestPeople_Hostile: a live user, a developer, a portal user and somebody
// without a place try everything that changes people, most of all themselves.
// Nothing of it works, and nothing has changed.
func TestPeople_Hostile(t *testing.T) {
	d := theDemo(t)
	kim, idle := d.hire(t, "kim", false), d.hire(t, "idle", false)
	d.manage(t, "jonas", `mutation{assignPortalUser(application:"sales" user:%q permissionSet:"Customer"){user{id}}}`, kim)
	picture := func() any {
		return d.manage(t, "priya", `{users(first:200){nodes{id email displayName kind status assignments{application kind role permissionSet}}} reassignments{from moved}}`).Data
	}
	before := picture()
	priya, jonas, ravi, nora := d.id(t, "priya"), d.id(t, "jonas"), d.id(t, "ravi"), d.id(t, "nora")
	for who, self := range map[string]string{"ravi": ravi, "mei": d.id(t, "mei"), "kim": kim, "idle": idle} {
		for _, whom := range []string{self, nora, jonas, priya} {
			for _, m := range []string{
				`assignUser(application:"sales" user:%q role:"CEO" permissionSet:"Write"){user{id}}`, `assignUser(application:"none" user:%q role:"CEO" permissionSet:"Write"){user{id}}`,
				`assignDeveloper(application:"sales" user:%q){user{id}}`, `assignPortalUser(application:"sales" user:%q permissionSet:"Customer"){user{id}}`,
				`unassignUser(application:"sales" user:%q){user{id}}`, `deactivateUser(user:%q){user{id}}`, `activateUser(user:%q){user{id}}`,
				`promoteAdmin(user:%q){user{id}}`, `demoteAdmin(user:%q){user{id}}`, `transferSuperAdmin(user:%q){user{id}}`,
				`setPassword(user:%q password:"a long password"){user{id}}`, `revokeCredentials(user:%q){user{id}}`, `deleteUser(user:%q){deleted}`,
				`deleteUser(user:%q reassignTo:"` + self + `"){deleted}`, `reassignRecords(from:%q to:"` + self + `"){reassignment{moved}}`,
				`reassignRecords(application:"sales" from:%q to:"` + self + `"){reassignment{moved}}`, `reassignRecords(application:"none" from:%q to:"` + self + `"){reassignment{moved}}`,
			} {
				d.refused(t, who, "FORBIDDEN", "mutation{"+m+"}", whom)
			}
		}
		d.refused(t, who, "FORBIDDEN", `mutation{addUser(input:{email:"x@guest.example" displayName:"x" admin:true}){user{id}}}`)
		for _, q := range []string{`{users{nodes{id}}}`, `{user(id:"` + self + `"){id}}`, `{reassignments{from}}`} {
			d.refused(t, who, "FORBIDDEN", "%s", q)
		}
	}
	// An admin is not the super admin, and the super admin stays.
	for _, m := range []string{`promoteAdmin(user:%q)`, `demoteAdmin(user:%q)`, `transferSuperAdmin(user:%q)`} {
		d.refused(t, "jonas", "FORBIDDEN", "mutation{"+m+"{user{id}}}", jonas)
	}
	for _, who := range []string{"jonas", "priya"} {
		d.refused(t, who, "FORBIDDEN", `mutation{deleteUser(user:%q){deleted}}`, priya)
		d.refused(t, who, "FORBIDDEN", `mutation{deleteUser(user:%q reassignTo:%q){deleted}}`, priya, jonas)
	}
	d.refused(t, "jonas", "FORBIDDEN", `mutation{deleteUser(user:%q){deleted}}`, jonas)
	if after := picture(); !reflect.DeepEqual(before, after) {
		b, _ := json.Marshal(before)
		a, _ := json.Marshal(after)
		t.Errorf("something changed:\n%s\n%s", b, a)
	}
}

// TestPeople_OtherOrganizations: the ids of another organization's people are, to
// an admin, ids of nobody.
func TestPeople_OtherOrganizations(t *testing.T) {
	d := theDemo(t)
	d.found(t, "initech")
	ann := d.signIn(t, "initech")
	d.tokens["ann"] = ann
	t.Cleanup(func() { delete(d.tokens, "ann") })
	foreign := d.manage(t, "ann", `{me{user{id}}}`).at("me.user.id").(string)
	const nobody = "01a204de-91e8-7000-91d7-b79ac4d4486e"
	ravi := d.id(t, "ravi")
	for _, m := range []string{
		`deleteUser(user:"ID"){deleted}`, `deleteUser(user:"ID" reassignTo:"` + ravi + `"){deleted}`, `deleteUser(user:"` + ravi + `" reassignTo:"ID"){deleted}`,
		`reassignRecords(from:"` + ravi + `" to:"ID"){reassignment{moved}}`, `reassignRecords(application:"sales" from:"` + ravi + `" to:"ID"){reassignment{moved}}`,
		`assignPortalUser(application:"sales" user:"ID" permissionSet:"Customer"){user{id}}`, `revokeCredentials(user:"ID"){user{id}}`,
		`deactivateUser(user:"ID"){user{id}}`, `promoteAdmin(user:"ID"){user{id}}`, `transferSuperAdmin(user:"ID"){user{id}}`,
	} {
		query := "mutation{" + m + "}"
		got, want := d.graphql(t, "/graphql", "priya", strings.ReplaceAll(query, "ID", foreign)), d.graphql(t, "/graphql", "priya", strings.ReplaceAll(query, "ID", nobody))
		if got.code() == "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, of nobody %+v", m, got, want)
		}
	}
	if got := d.manage(t, "priya", `{user(id:%q){id}}`, foreign); got.at("user") != nil {
		t.Errorf("%+v", got)
	}
	if got := d.manage(t, "priya", `mutation{reassignRecords(from:%q to:%q){reassignment{state moved}}}`, foreign, ravi); got.count("reassignRecords.reassignment.moved") != 0 {
		t.Errorf("%+v", got)
	}
	if d.manage(t, "ann", `{me{kind}}`).at("me.kind") != "SUPER_ADMIN" || d.manage(t, "priya", `{user(id:%q){status}}`, ravi).at("user.status") != "ACTIVE" {
		t.Error("somebody changed")
	}
}
