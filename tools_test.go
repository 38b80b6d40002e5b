package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// developer adds a developer of the demo without tools, signed in under the
// first name, for the length of the test.
func (d *demoServer) developer(t *testing.T, name string, tools ...string) (id string) {
	t.Helper()
	who := strings.ToLower(name)
	id = d.manage(t, "jonas", `mutation{addUser(input:{email:"%s@zylker.example" displayName:%q password:"correct horse"}){user{id}}}`, who, name).at("addUser.user.id").(string)
	t.Cleanup(func() {
		d.manage(t, "jonas", `mutation{deleteUser(user:%q){deleted}}`, id)
		delete(d.tokens, who)
	})
	d.manage(t, "jonas", `mutation{assignDeveloper(application:"sales" user:%q tools:[%s]){user{id}}}`, id, strings.Join(tools, " "))
	d.tokens[who] = d.manage(t, "", `mutation{signIn(organization:"zylker" email:"%s@zylker.example" password:"correct horse"){token}}`, who).at("signIn.token").(string)
	return id
}

// toolsOf are the tools that somebody is told to hold in the application sales.
func (d *demoServer) toolsOf(t *testing.T, who string) string {
	t.Helper()
	for _, place := range d.manage(t, who, `{me{applications{application tools}}}`).list("me.applications") {
		if p := place.(map[string]any); p["application"] == "sales" {
			return fmt.Sprint(p["tools"])
		}
	}
	return ""
}

const everyTool = "[EXPLAIN VIEW_AS REVIEW COMPARE RECALL]"

// TestToolsAreGrantedOverHTTP: by admins to developers, withheld from admins by
// the super admin, and by nobody from anybody else.
func TestToolsAreGrantedOverHTTP(t *testing.T) {
	d := theDemo(t)
	dora := d.developer(t, "Dora")
	for who, want := range map[string]string{"priya": everyTool, "jonas": everyTool, "mei": everyTool, "dora": "[]", "ravi": "[]"} {
		if got := d.toolsOf(t, who); got != want {
			t.Errorf("%s holds %s, want %s", who, got, want)
		}
	}
	grant, revoke := `mutation{grantTools(application:"sales" user:%q tools:[%s]){user{assignments{tools} withheldTools{application tools}}}}`, `mutation{revokeTools(application:"sales" user:%q tools:[%s]){user{assignments{tools} withheldTools{application tools}}}}`
	if a := d.manage(t, "jonas", grant, dora, "EXPLAIN REVIEW"); fmt.Sprint(a.at("grantTools.user.assignments.0.tools")) != "[EXPLAIN REVIEW]" {
		t.Errorf("%+v", a)
	}
	d.manage(t, "jonas", revoke, dora, "REVIEW")
	if got := d.toolsOf(t, "dora"); got != "[EXPLAIN]" {
		t.Error(got)
	}
	for _, who := range []string{"dora", "mei", "ravi"} {
		d.refused(t, who, "FORBIDDEN", grant, dora, "REVIEW")
	}
	d.refused(t, "jonas", "BAD_USER_INPUT", grant, d.id(t, "ravi"), "EXPLAIN")
	d.refused(t, "jonas", "BAD_USER_INPUT", `mutation{grantTools(application:"sales" user:%q tools:[]){user{id}}}`, dora)
	d.refused(t, "jonas", "NOT_FOUND", `mutation{grantTools(application:"salez" user:%q tools:[EXPLAIN]){user{id}}}`, dora)
	d.refused(t, "priya", "NOT_FOUND", `mutation{revokeTools(application:"salez" user:%q tools:[EXPLAIN]){user{id}}}`, d.id(t, "jonas"))
	// Taken with the place, and not given back with the next one.
	d.manage(t, "jonas", `mutation{unassignUser(application:"sales" user:%q){user{id}}}`, dora)
	d.manage(t, "jonas", `mutation{assignDeveloper(application:"sales" user:%q){user{id}}}`, dora)
	if got := d.toolsOf(t, "dora"); got != "[]" {
		t.Error(got)
	}

	jonas := d.id(t, "jonas")
	d.refused(t, "jonas", "FORBIDDEN", revoke, jonas, "VIEW_AS")
	t.Cleanup(func() { d.manage(t, "priya", grant, jonas, "VIEW_AS") })
	if a := d.manage(t, "priya", revoke, jonas, "VIEW_AS"); fmt.Sprint(a.at("revokeTools.user.withheldTools.0")) != "map[application:sales tools:[VIEW_AS]]" {
		t.Errorf("%+v", a)
	}
	if got := d.toolsOf(t, "jonas"); got != "[EXPLAIN REVIEW COMPARE RECALL]" {
		t.Error(got)
	}
	d.refused(t, "jonas", "FORBIDDEN", grant, dora, "VIEW_AS")
	d.refused(t, "priya", "FORBIDDEN", revoke, d.id(t, "priya"), "VIEW_AS")
}

// TestPersonalTokensDoNotViewAs: they hold the other tools.
func TestPersonalTokensDoNotViewAs(t *testing.T) {
	d := theDemo(t)
	a := d.manage(t, "mei", `mutation{createToken(label:"tools"){token id}}`)
	d.tokens["program"] = a.at("createToken.token").(string)
	t.Cleanup(func() {
		delete(d.tokens, "program")
		d.manage(t, "mei", `mutation{revokeToken(id:%q){id}}`, a.at("createToken.id"))
	})
	if got := d.toolsOf(t, "program"); got != "[EXPLAIN REVIEW COMPARE RECALL]" {
		t.Error(got)
	}
}

// newest is the newest look that somebody is shown.
func (d *demoServer) newest(t *testing.T, who, arguments string) map[string]any {
	t.Helper()
	nodes := d.manage(t, who, `{looks(application:"sales" first:1 %s){nodes{tool user{id displayName} target{displayName} form record detail refused muted}}}`, arguments).list("looks.nodes")
	if len(nodes) == 0 {
		return nil
	}
	return nodes[0].(map[string]any)
}

// TestLooksAreShownOverHTTP: what a developer looked at, and was refused, to
// admins and to the developer; who looked at somebody, to that person.
func TestLooksAreShownOverHTTP(t *testing.T) {
	d := theDemo(t)
	dora, nora := d.developer(t, "Dora", "REVIEW"), d.id(t, "nora")
	order := d.ok(t, "priya", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id").(string)
	d.manage(t, "dora", `{whoCanSee(application:"sales" form:"Order" record:%q){totalCount}}`, order)
	for _, who := range []string{"priya", "jonas", "dora"} {
		if l := d.newest(t, who, `user:"`+dora+`"`); l["tool"] != "REVIEW" || l["form"] != "Order" || l["record"] != order || l["refused"] != false || l["target"] != nil {
			t.Errorf("%s is shown %v", who, l)
		}
	}
	d.manage(t, "mei", `{whatCanSee(application:"sales" user:%q){displayName}}`, nora)
	if l := d.newest(t, "jonas", `target:"`+nora+`"`); l["target"].(map[string]any)["displayName"] != "Nora Lindqvist" {
		t.Errorf("%v", l)
	}
	if l := d.newest(t, "dora", `target:"`+nora+`"`); l != nil {
		t.Errorf("a developer is shown what another looked at: %v", l)
	}
	d.refused(t, "dora", "FORBIDDEN", `{looks(application:"sales" user:%q){nodes{id}}}`, d.id(t, "mei"))
	d.refused(t, "nora", "FORBIDDEN", `{looks(application:"sales"){nodes{id}}}`)
	d.manage(t, "jonas", `mutation{revokeTools(application:"sales" user:%q tools:[REVIEW]){user{id}}}`, dora)
	d.refused(t, "dora", "FORBIDDEN", `{whoCanSee(application:"sales" form:"Order" record:%q){totalCount}}`, order)
	if l := d.newest(t, "jonas", `user:"`+dora+`"`); l["refused"] != true || l["muted"] != false {
		t.Errorf("%v", l)
	}
	for _, q := range []string{`before:"x"`, `last:1 first:1`, `last:0`, `first:201`, `after:"x"`, `last:1 after:"` + nora + `"`, `user:"00000000-0000-0000-0000-000000000000"`} {
		d.refused(t, "jonas", "BAD_USER_INPUT", `{looks(application:"sales" %s){nodes{id}}}`, q)
	}
	page := d.manage(t, "jonas", `{looks(application:"sales" first:1){nodes{id} pageInfo{hasNextPage hasPreviousPage endCursor}}}`)
	next := d.manage(t, "jonas", `{looks(application:"sales" first:1 after:%q){nodes{id} pageInfo{hasPreviousPage startCursor}}}`, page.at("looks.pageInfo.endCursor"))
	back := d.manage(t, "jonas", `{looks(application:"sales" last:1 before:%q){nodes{id}}}`, next.at("looks.pageInfo.startCursor"))
	if page.at("looks.pageInfo.hasNextPage") != true || page.at("looks.nodes.0.id") != back.at("looks.nodes.0.id") || next.at("looks.pageInfo.hasPreviousPage") != true {
		t.Errorf("%+v %+v %+v", page, next, back)
	}
	if n := d.manage(t, "nora", `{me{lookedAt(application:"sales"){nodes{tool}}}}`).list("me.lookedAt.nodes"); slices.ContainsFunc(n, func(l any) bool { return l.(map[string]any)["tool"] == "REVIEW" }) {
		t.Errorf("%v", n)
	}
}
