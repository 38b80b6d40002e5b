package main

import (
	"testing"
)

// TestA5a_MembersAreOffered: who may write a user field is offered the active
// members of the application, by id and display name, page by page; who may
// write none has no such field.
func TestA5a_MembersAreOffered(t *testing.T) {
	d := theDemo(t)
	want := map[string]bool{}
	for _, u := range d.manage(t, "priya", `{users(first:200){nodes{id kind status assignments{application}}}}`).list("users.nodes") {
		u := u.(map[string]any)
		placed := u["kind"] != "USER"
		for _, a := range u["assignments"].([]any) {
			placed = placed || a.(map[string]any)["application"] == "sales"
		}
		if placed && u["status"] == "ACTIVE" {
			want[u["id"].(string)] = true
		}
	}
	if len(want) < 5 {
		t.Fatalf("the demo has %d members", len(want))
	}
	for _, who := range []string{"marta", "jonas", "priya"} {
		got, after := map[string]bool{}, "null"
		for {
			a := d.ok(t, who, `{members(first:3 after:%s){nodes{id displayName} pageInfo{hasNextPage endCursor}}}`, after)
			for _, u := range a.list("members.nodes") {
				got[u.(map[string]any)["id"].(string)] = true
			}
			if a.at("members.pageInfo.hasNextPage") != true {
				break
			}
			after = `"` + a.at("members.pageInfo.endCursor").(string) + `"`
		}
		for id := range want {
			if !got[id] {
				t.Errorf("%s is not offered %s", who, id)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s is offered %d people, the application has %d", who, len(got), len(want))
		}
	}
	if n := len(d.ok(t, "marta", `{members(search:"RAVI"){nodes{id}}}`).list("members.nodes")); n != 1 {
		t.Errorf("a search by display name finds %d", n)
	}
	if n := len(d.ok(t, "marta", `{members(search:"@"){nodes{id}}}`).list("members.nodes")); n != 0 {
		t.Errorf("a search by address finds %d", n)
	}
	hidden, unknown := d.as(t, "omar", `{members{nodes{id}}}`), d.as(t, "omar", `{nembers{nodes{id}}}`)
	if hidden.code() != unknown.code() || hidden.status != unknown.status {
		t.Errorf("a distributor asks for members: %+v", hidden)
	}
}
