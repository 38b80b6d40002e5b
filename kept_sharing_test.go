package main

import (
	"fmt"
	"testing"

	"sluice/internal/effort"
)

// TestKeptAnswersAreSharedByEqualsAlone: of people with equal, almost equal and no
// attributes, with the role that a rule concerns and another, each is told what a server
// that keeps nothing tells them, whoever of the others asked before.
func TestKeptAnswersAreSharedByEqualsAlone(t *testing.T) {
	d, _, _ := twoVersions(t)
	d.teamOrder(t)
	people := map[string]string{
		"equal": `{name:"team",value:"north"},{name:"region",value:"EMEA"}`, "order": `{name:"region",value:"EMEA"},{name:"team",value:"north"}`,
		"large": `{name:"team",value:"North"}`, "space": `{name:"team",value:"north "}`, "empty": `{name:"team",value:""}`, "missing": "", "other": `{name:"team",value:"south"}`,
		"stranger": `{name:"team",value:"north"},{name:"region",value:"EMEA"}`,
	}
	for name, attributes := range people {
		role := "inside-sales"
		if name == "stranger" {
			role = "sales-rep"
		}
		id := d.hire(t, name, false)
		if a := d.graphql(t, managePath, "priya", fmt.Sprintf(`mutation{assignUser(application:"sales",user:%q,role:%q,permissionSet:"sales",attributes:[%s]){user{id}}}`, id, role, attributes)); a.code() != "" {
			t.Fatalf("%s: %+v", name, a)
		}
	}
	cold := &keptTest{d.serving(t, -1), t, nil}
	want, given := map[string]string{}, 0
	for name := range people {
		if want[name] = cold.asked(name); want[name] == want["equal"] {
			given++
		}
	}
	if given == len(people) || want["stranger"] == want["equal"] || want["order"] != want["equal"] {
		t.Fatal("all are told the same: nothing is shown")
	}
	for range effort.Of(1, 3, 10) { // in the order of the map, which is another each time
		warm := &keptTest{d.serving(t, 0), t, nil}
		for range 2 {
			for name := range people {
				if got := warm.asked(name); got != want[name] {
					t.Errorf("%s is told\n%.300s\nand by a server that keeps nothing\n%.300s", name, got, want[name])
				}
			}
		}
	}
}
