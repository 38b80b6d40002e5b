package oracle

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Places in the table of truths.
const (
	faults = 0
	yes    = 1
	most   = 2
	no     = 3
	equal  = 4
	filled = 6
	torn   = 9
)

func TestShareModule(t *testing.T) {
	h := build(t, viewEditDelete...)
	rep := h.live("rep", "Rep")
	h.order("o1", h.live("far", "Distributor"), "title", "north")
	rule := h.custom(most, definition.CustomRule{Effect: definition.Share, MaxLevel: definition.ReadWrite}, "title")
	set := func(truth int) {
		h.Modules["custom"] = Module{Truth: truth, Record: []string{"title"}, Viewer: []string{"region"}}
	}
	h.reach(rep, definition.View, "Order", "o1")
	h.reach(rep, definition.Edit, "Order", "o1")
	h.reach(rep, definition.Delete, "Order") // H3: capped
	set(yes)
	h.reach(rep, definition.Edit, "Order") // the module grants less than the cap
	for _, truth := range []int{faults, no, torn} {
		set(truth)
		h.reach(rep, definition.View, "Order") // H4
	}
	set(equal)
	h.reach(rep, definition.View, "Order")
	rep.Attributes["region"] = record.String("north")
	h.reach(rep, definition.View, "Order", "o1")
	delete(h.set.Forms["Order"].Fields, "title")
	h.reach(rep, definition.View, "Order", "o1") // H6
	delete(h.Modules, "custom")
	h.reach(rep, definition.View, "Order")
	set(most)
	rule.MaxLevel = definition.NoLevel
	h.reach(rep, definition.View, "Order")
}

func TestWhomACustomRuleConcerns(t *testing.T) { // H3
	for _, c := range []struct {
		name string
		rule definition.CustomRule
		want bool
	}{
		{"everybody", definition.CustomRule{}, true},
		{"role", definition.CustomRule{Roles: []string{"CEO", "Rep"}}, true},
		{"another role", definition.CustomRule{Roles: []string{"Manager"}}, false},
		{"set", definition.CustomRule{Sets: []string{"S"}}, true},
		{"another set", definition.CustomRule{Sets: []string{"T"}}, false},
		{"user", definition.CustomRule{Users: []string{"rep@example.test"}}, true},
		{"another user", definition.CustomRule{Users: []string{"far@example.test", "ghost@example.test"}}, false},
		{"either", definition.CustomRule{Roles: []string{"Manager"}, Users: []string{"rep@example.test"}}, true},
	} {
		h := build(t, definition.View)
		rep := h.live("rep", "Rep")
		h.order("o1", h.live("far", "Distributor"))
		c.rule.Effect, c.rule.MaxLevel = definition.Share, definition.Read
		h.custom(yes, c.rule, "title")
		h.is(c.name, MaySee(h.World, rep, definition.View, "Order", h.Records["Order"][0]), c.want)
	}
}

func TestRestrict(t *testing.T) { // A3, H4, H7
	for _, c := range []struct {
		truth                             int
		binds                             bool
		rep, admin, superAdmin, developer bool
	}{
		{yes, true, true, true, true, true},
		{no, false, false, true, true, true},
		{no, true, false, false, false, false},
		{faults, false, false, true, true, true},
		{faults, true, false, false, true, false},
		{torn, true, false, false, true, false},
	} {
		h := build(t, definition.ModifyAll, definition.Delete)
		rep := h.live("rep", "Rep")
		r := h.order("o1", rep)
		h.custom(c.truth, definition.CustomRule{Effect: definition.Restrict, BindsAdmins: c.binds}, "title")
		for _, a := range viewEditDelete {
			h.is("rep", MaySee(h.World, rep, a, "Order", r), c.rep)
			h.is("admin", MaySee(h.World, h.person("admin", identity.Admin, ""), a, "Order", r), c.admin)
			h.is("super admin", MaySee(h.World, h.person("super", identity.SuperAdmin, ""), a, "Order", r), c.superAdmin)
			h.is("developer", MaySee(h.World, h.person("dev", identity.Developer, ""), a, "Order", r), c.developer)
		}
	}
}

func TestRestrictReachesLinesAndLookups(t *testing.T) {
	h := build(t, definition.View)
	rep := h.live("rep", "Rep")
	o := h.order("o1", rep)
	h.add("Line", "l1", rep.ID, "order", o.ID)
	h.reach(rep, definition.View, "Line", "l1")
	h.custom(no, definition.CustomRule{Effect: definition.Restrict}, "title")
	h.reach(rep, definition.View, "Line")
	h.set.Reports["lines"] = []definition.Action{definition.ViewAll}
	h.reach(rep, definition.View, "Line", "l1")
	v, readable := Cell(h.World, rep, "Line", h.Records["Line"][0], "order")
	h.is("the order is null", readable && v.IsNull(), true)
}

func TestMask(t *testing.T) { // H4, H5, H7
	h := build(t, definition.View, definition.Edit)
	rep, admin := h.live("rep", "Rep"), h.person("admin", identity.Admin, "")
	r1 := h.order("o1", rep, "title", "x", "amount", 5)
	r2 := h.order("o2", rep, "title", "x")
	h.custom(filled, definition.CustomRule{Effect: definition.Mask, Fields: []string{"title", "version", "owner"}}, "amount")
	cell := func(u *User, r *Record, field string) bool { _, ok := Cell(h.World, u, "Order", r, field); return ok }
	h.is("o1 title", cell(rep, r1, "title"), false) // filled: all but the first
	h.is("o1 owner", cell(rep, r1, "owner"), true)
	h.is("o2 title", cell(rep, r2, "title"), true) // not filled: the first alone
	h.is("o2 owner", cell(rep, r2, "owner"), false)
	h.is("o2 version", cell(rep, r2, "version"), true) // cannot be masked
	h.is("admin", cell(admin, r1, "title"), true)
	h.is("masked is not writable", Writable(h.World, rep, "Order", r1, "title"), false)
	h.is("shown is writable", Writable(h.World, rep, "Order", r2, "title"), true)
	title := func(op string, x any) int {
		return len(List(h.World, rep, "Order", map[string]any{"title": map[string]any{op: x}}, nil))
	}
	h.is("filtered as null", title("eq", "x") == 1 && title("ne", "x") == 1 && title("isNull", true) == 1, true)
	h.reach(rep, definition.View, "Order", "o1", "o2") // own, though the owner is masked
	h.is("W2: filling in amount shows the owner", Unmasks(h.World, rep, "Order", r2, r1), true)
	h.is("W2: admins", Unmasks(h.World, admin, "Order", r2, r1), false)
	h.Modules["custom"] = Module{Truth: torn, Record: []string{"amount"}}
	h.is("fault hides title", cell(rep, r2, "title"), false)
	h.is("fault hides owner", cell(rep, r1, "owner"), false)
	h.is("fault leaves the rest", cell(rep, r1, "amount"), true)
}

func TestRuleElsewhere(t *testing.T) {
	h := build(t, definition.View)
	rep := h.live("rep", "Rep")
	h.order("o1", h.live("far", "Distributor"))
	for _, c := range []definition.CustomRule{
		{Effect: definition.Share, Form: "Customer", MaxLevel: definition.Read},
		{Effect: definition.Mask, Form: "Order", MaxLevel: definition.Read, Fields: []string{"title"}},
		{Form: "Order", MaxLevel: definition.Read},
	} {
		h.App.Custom = nil
		rule := h.custom(most, c, "id")
		rule.Form = c.Form
		h.reach(rep, definition.View, "Order")
	}
}
