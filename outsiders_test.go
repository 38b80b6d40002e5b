package main

import (
	"fmt"
	"testing"
)

// TestP10_ToolsNameNobodyOutside: a developer who tries a tool on somebody
// without a place in the application learns no name by it, neither from the
// answer nor from what is written down of it, and not that there is such a
// person. An admin reads the name.
func TestP10_ToolsNameNobodyOutside(t *testing.T) {
	d := theDemo(t)
	d.developer(t, "Dora", "EXPLAIN", "COMPARE")
	d.developer(t, "Dick")
	order := d.ok(t, "priya", `{orders(first:1){nodes{id}}}`).at("orders.nodes.0.id").(string)
	outside := d.manage(t, "jonas", `mutation{addUser(input:{email:"out@zylker.example" displayName:"Outsider" password:"correct horse"}){user{id}}}`).at("addUser.user.id").(string)
	t.Cleanup(func() { d.manage(t, "jonas", `mutation{deleteUser(user:%q){deleted}}`, outside) })
	nobody := outside[:len(outside)-4] + "0000"

	explain, compare := `{explainAccess(application:"sales" user:%q form:"Order" record:"`+order+`"){user{displayName}}}`,
		`mutation{compareAccess(application:"sales" input:{assignments:[{user:%q role:"CEO" permissionSet:"sales"}]}){difference{id}}}`
	for _, id := range []string{outside, nobody} {
		d.refused(t, "dora", "NOT_FOUND", explain, id)
		d.refused(t, "dick", "FORBIDDEN", explain, id)
		d.refused(t, "dora", "BAD_USER_INPUT", compare, id)
		for _, who := range []string{"dora", "dick"} {
			if l := d.newest(t, who, fmt.Sprintf("target:%q", id)); l == nil || fmt.Sprint(l["target"]) != "map[displayName:<nil>]" {
				t.Errorf("%s is shown %v of %s", who, l, id)
			}
		}
	}
	if l := d.newest(t, "jonas", fmt.Sprintf("target:%q", outside)); l == nil || l["target"].(map[string]any)["displayName"] != "Outsider" {
		t.Errorf("an admin is shown %v", l)
	}
	// Admins give places to people who have none: they may look at it before.
	job := d.manage(t, "jonas", compare, outside).at("compareAccess.difference.id").(string)
	if a := d.done(t, "jonas", job); a.at("accessDifference.state") != "DONE" {
		t.Errorf("%+v", a)
	}
}

// TestComparePeopleOnce: of two changes of one person none is left out silently.
func TestComparePeopleOnce(t *testing.T) {
	d := theDemo(t)
	ravi := d.id(t, "ravi")
	d.refused(t, "jonas", "BAD_USER_INPUT", `mutation{compareAccess(application:"sales" input:{assignments:[{user:%q unassign:true} {user:%q role:"CEO"}]}){difference{id}}}`, ravi, ravi)
}
