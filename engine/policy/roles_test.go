package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

func TestC1OneTree(t *testing.T) {
	type roles = []*definition.Role
	const root, circle = "exactly the first role reports to nobody", "run in a circle"
	for name, c := range map[string]struct {
		list roles
		want string
	}{
		"none":             {roles{}, "no root role"},
		"two roots":        {roles{{Name: "CEO"}, {Name: "King"}}, root},
		"unknown superior": {roles{{Name: "CEO"}, {Name: "A", ReportsTo: "B"}}, "does not exist"},
		"circle":           {roles{{Name: "CEO"}, {Name: "A", ReportsTo: "B"}, {Name: "B", ReportsTo: "A"}}, circle},
		"self":             {roles{{Name: "CEO"}, {Name: "A", ReportsTo: "A"}}, circle},
		"no root":          {roles{{Name: "A", ReportsTo: "B"}, {Name: "B", ReportsTo: "A"}}, root},
		"root not first":   {roles{{Name: "A", ReportsTo: "CEO"}, {Name: "CEO"}}, root},
		"twice":            {roles{{Name: "CEO"}, {Name: "A", ReportsTo: "CEO"}, {Name: "A", ReportsTo: "CEO"}}, "name is taken"},
		"no name":          {roles{{Name: "CEO"}, {Name: "", ReportsTo: "CEO"}}, "has no name"},
		"nil":              {roles{{Name: "CEO"}, nil}, "has no name"},
	} {
		w := newWorld()
		w.app.Roles = c.list
		if _, err := policy.Compile(w.app); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestC2RolesCarryNoAction(t *testing.T) {
	w := newWorld().onOrders()
	for _, r := range w.app.Roles {
		r.SharePeers = true
	}
	for user := range w.holds {
		deniesEverything(t, w.live(t, user))
	}
}

func TestC3BelowAndNeverUp(t *testing.T) {
	w := newWorld().onOrders(view, edit, del)
	for _, a := range []definition.Action{view, edit, del} {
		sees(t, w.live(t, "head"), a, "head", "rep", "rep2")
		sees(t, w.live(t, "rep"), a, "rep")
		sees(t, w.live(t, "support"), a, "support", "agent")
		sees(t, w.live(t, "agent"), a, "agent")
	}
	w.app.Hierarchy = false
	for user := range w.holds {
		sees(t, w.live(t, user), view, user)
	}
}

func TestC3ManyLevels(t *testing.T) {
	w := newWorld().onOrders(view)
	w.app.Roles = []*definition.Role{{Name: "CEO"}}
	up := "CEO"
	for i := range 50 {
		name := fmt.Sprint("level ", i)
		w.app.Roles = append(w.app.Roles, &definition.Role{Name: name, ReportsTo: up})
		w.holds[name], up = name, name
	}
	v := w.live(t, "level 10")
	for i := range 50 {
		can(t, v, order, view, by(fmt.Sprint("level ", i)), i >= 10)
	}
}

func TestC4RootReachesOwnersWithoutRole(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	for _, a := range []definition.Action{view, edit} {
		sees(t, w.live(t, "ceo"), a, everybody...)
	}
	w.holds["ceo2"] = "CEO"
	can(t, w.live(t, "ceo"), order, view, by("ceo2"), false) // not sideways, at the top either
	can(t, w.live(t, "head"), order, view, by("deleted"), false)
	w.app.Hierarchy = false
	sees(t, w.live(t, "ceo"), view, "ceo")
}

func TestC4RoleOutsideTheDefinition(t *testing.T) {
	w := newWorld().onOrders(view)
	w.holds["stray"] = "Intern"
	can(t, w.live(t, "ceo"), order, view, by("stray"), false) // holds a role, and not one below
}

func TestC5Peers(t *testing.T) {
	for _, hierarchy := range []bool{true, false} {
		w := newWorld().onOrders(view, edit)
		w.app.Hierarchy = hierarchy
		w.role("Rep").SharePeers = true
		sees(t, w.live(t, "rep"), view, "rep", "rep2")
		sees(t, w.live(t, "rep2"), edit, "rep", "rep2")
		w.holds["head2"] = "Head"
		can(t, w.live(t, "head"), order, view, by("head2"), false) // the switch of another role
		can(t, w.live(t, "head"), order, view, by("rep"), hierarchy)
		w.role("Head").SharePeers = true
		can(t, w.live(t, "head"), order, view, by("head2"), true)
		can(t, w.live(t, "head"), order, view, by("rep"), hierarchy)
		can(t, w.live(t, "head"), order, view, by("ceo"), false)
	}
}

func TestC6SharedDoesNotRollUp(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{From: definition.Group{Role: "Agent"}, To: definition.Group{Role: "Rep"}, Level: definition.Read})
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	w.role("Rep").SharePeers = true
	can(t, w.live(t, "rep"), order, view, by("agent"), true)
	can(t, w.live(t, "head"), order, view, by("agent"), false)
	assigned := by("support", cell(assignee, record.Ref(uid("rep"))))
	can(t, w.live(t, "rep"), order, view, assigned, true)
	can(t, w.live(t, "head"), order, view, assigned, false)
	can(t, w.live(t, "rep2"), order, view, assigned, false) // nor sideways
}

func TestCase2ManagerWithTwoBelow(t *testing.T) {
	w := newWorld().onOrders(view, edit, del)
	for _, a := range []definition.Action{view, edit, del} {
		sees(t, w.live(t, "head"), a, "head", "rep", "rep2")
	}
	w.app.Hierarchy = false
	for _, a := range []definition.Action{view, edit, del} {
		sees(t, w.live(t, "head"), a, "head")
	}
}

func TestE2OwnIsOwnedNow(t *testing.T) {
	v := newWorld().onOrders(view, edit).live(t, "rep")
	h := record.Header{Version: 2, Owner: uid("agent"), AddedBy: uid("rep"), ModifiedBy: uid("rep")}
	given := &subject{rec: record.Encode(uid("r"), h, record.Record{}, nil)}
	can(t, v, order, view, given, false)
	h.Owner, h.AddedBy = uid("rep"), uid("agent")
	received := &subject{rec: record.Encode(uid("r"), h, record.Record{}, nil)}
	can(t, v, order, view, received, true)
}

func TestE3RoleMoveChangesReach(t *testing.T) {
	w := newWorld().onOrders(view)
	s := by("rep")
	can(t, w.live(t, "head"), order, view, s, true)
	can(t, w.live(t, "support"), order, view, s, false)
	w.holds["rep"] = "Agent"
	can(t, w.live(t, "head"), order, view, s, false)
	can(t, w.live(t, "support"), order, view, s, true)
}

func TestE5OwnersWithoutRole(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{From: definition.Group{User: w.address("admin")}, To: definition.Group{Role: "Rep"}, Level: definition.Read})
	w.share(definition.SharingRule{From: definition.Group{Role: "CEO", Subordinates: true}, To: definition.Group{Role: "Agent"}, Level: definition.Read})
	w.share(definition.SharingRule{Criteria: map[string]any{"title": map[string]any{"eq": "x"}}, To: definition.Group{Role: "Agent"}, Level: definition.Read})
	sees(t, w.live(t, "rep"), view, "rep", "admin")
	sees(t, w.live(t, "agent"), view, "ceo", "head", "rep", "rep2", "support", "agent")
	can(t, w.live(t, "agent"), order, view, by("deleted", cell(title, record.String("x"))), true)
	sees(t, w.live(t, "head"), view, "head", "rep", "rep2")
}
