package oracle

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
)

// hiding has an admin who hides the orders with an amount below 10.
func hiding(t *testing.T) (h *house, admin *User, others map[string]*User) {
	h = build(t, definition.View, definition.ViewAll, definition.ModifyAll, definition.Delete, definition.Export)
	admin = h.person("admin", identity.Admin, "")
	others = map[string]*User{
		"super": h.person("super", identity.SuperAdmin, ""), "admin2": h.person("admin2", identity.Admin, ""),
		"developer": h.person("developer", identity.Developer, ""), "root": h.live("root", "CEO"), "rep": h.live("rep", "Rep"),
	}
	h.order("o1", admin, "amount", 5, "assignee", others["rep"].ID)
	h.order("o2", admin, "amount", 15)
	h.order("o3", others["root"], "amount", 5)
	h.share(definition.SharingRule{From: somebody("admin"), To: role("Rep"), Level: definition.ReadWriteDelete})
	h.share(definition.SharingRule{Field: "assignee", Level: definition.ReadWriteDelete})
	h.Hides = []*Hide{{Admin: admin.ID, Form: "Order", Where: map[string]any{"amount": map[string]any{"lt": 10}}}}
	return h, admin, others
}

func TestG1AdminHidesOwnRecords(t *testing.T) {
	h, admin, others := hiding(t)
	for _, a := range append(viewEditDelete, definition.Export) {
		h.reach(admin, a, "Order", "o1", "o2", "o3")
		for _, u := range others {
			h.reach(u, a, "Order", "o2", "o3")
		}
	}
	h.Find("Order", id("o1")).Owner = others["rep"].ID // judged by who owns it now
	h.reach(others["super"], definition.View, "Order", "o1", "o2", "o3")
	h.Find("Order", id("o3")).Owner = admin.ID
	h.reach(others["rep"], definition.View, "Order", "o1", "o2")
	h.Hides[0].Where = nil // hides all that the admin owns
	h.reach(others["admin2"], definition.View, "Order", "o1")
	h.Hides[0].Form = "Line"
	h.reach(others["admin2"], definition.View, "Order", "o1", "o2", "o3")
}

func TestG1HiddenParentsAndTargets(t *testing.T) {
	h, admin, others := hiding(t)
	h.set.Reports["lines"] = []definition.Action{definition.View}
	h.add("Line", "l1", others["rep"].ID, "order", id("o1"))
	h.add("Line", "l2", others["rep"].ID, "order", id("o2"))
	h.reach(others["rep"], definition.View, "Line", "l2")
	h.reach(others["super"], definition.View, "Line", "l1", "l2") // A3: all records
	h.reach(admin, definition.View, "Line", "l1", "l2")
	v, readable := Cell(h.World, others["super"], "Line", h.Records["Line"][0], "order")
	h.is("the order is null", readable && v.IsNull(), true)
	h.is("rep adds a line under a hidden order", MayCreateUnder(h.World, others["rep"], "Line", id("o1")), false)
}

func TestG2LapsedHideLeavesTheSuperAdmin(t *testing.T) {
	for what, lapse := range map[string]func(h *house, admin *User){
		"inactive": func(_ *house, u *User) { u.Inactive = true },
		"demoted":  func(_ *house, u *User) { u.Kind, u.Role, u.Set = identity.Live, "CEO", "S" },
		"nobody":   func(_ *house, u *User) { u.Kind = identity.Nobody },
		"deleted":  func(h *house, u *User) { h.Users = h.Users[1:] },
	} {
		h, admin, others := hiding(t)
		was := *admin
		lapse(h, admin)
		for name, u := range others {
			if name == "super" {
				h.reach(u, definition.Edit, "Order", "o1", "o2", "o3")
				continue
			}
			h.reach(u, definition.Edit, "Order", "o2", "o3")
		}
		if what == "demoted" {
			h.reach(admin, definition.View, "Order", "o2", "o3") // the super admin alone
		}
		if what != "deleted" {
			*admin = was
			h.reach(others["super"], definition.View, "Order", "o2", "o3")
			h.reach(admin, definition.View, "Order", "o1", "o2", "o3")
		}
	}
}

func TestB8SavedReport(t *testing.T) {
	h := build(t, definition.View)
	rep, boss := h.live("rep", "Rep"), h.live("boss", "Manager")
	c := h.add("Customer", "c1", boss.ID, "name", "x")
	h.order("o1", rep, "title", "a", "amount", 5, "customer", c.ID)
	h.order("o2", boss, "title", "a")
	h.order("o3", boss, "title", "b")
	s := &SavedReport{Name: "mine", Form: "Order", Maker: rep.ID, Criteria: map[string]any{"title": map[string]any{"eq": "a"}}}
	shows := func(what string, u *User, want ...string) {
		got := ""
		for _, id := range ListSaved(h.World, u, s, nil, nil) {
			got += short(id)
		}
		all := ""
		for _, w := range want {
			all += w
		}
		if got != all {
			t.Errorf("%s: %s, want %s", what, got, all)
		}
	}
	shows("maker", rep, "o1")
	shows("manager", boss, "o1", "o2")
	h.is("the right to make one", MayCreateReport(h.World, rep, "Order"), false)
	h.set.Forms["Order"].Actions = []definition.Action{definition.CreateReport}
	h.is("the right to make one", MayCreateReport(h.World, rep, "Order"), true)
	h.custom(no, definition.CustomRule{Effect: definition.Mask, Fields: []string{"title"}}, "amount")
	shows("a masked cell is null to criteria", boss)
	h.App.Custom = nil
	s.Criteria = map[string]any{"customer": map[string]any{"name": map[string]any{"eq": "x"}}}
	shows("through a lookup out of reach", rep)
	shows("through a lookup", boss, "o1")
	h.set.Forms["Customer"].Fields["name"] = definition.Hidden
	shows("a name that the reader does not know", boss)
	h.is("absent", SeesSaved(h.World, boss, s), false)
	s.Criteria, s.Columns = nil, []string{"amount"}
	h.is("column", SeesSaved(h.World, boss, s), true)
	h.set.Forms["Order"].Fields["amount"] = definition.Hidden
	h.is("hidden column", SeesSaved(h.World, boss, s), false)
	h.is("admin", SeesSaved(h.World, h.person("admin", identity.Admin, ""), s), true)
	s.Columns, s.OrderBy = nil, []Order{{Field: "customer.name"}}
	h.is("hidden key", SeesSaved(h.World, boss, s), false)
	s.OrderBy, s.Form = nil, "Line"
	h.is("child form", SeesSaved(h.World, boss, s), true)
	h.set.Reports["orders"] = nil
	h.is("child form without its parent", SeesSaved(h.World, boss, s), false)
	h.set.Reports["lines"] = []definition.Action{definition.ViewAll}
	h.is("all of the child form", SeesSaved(h.World, boss, s), true)
	s.Form = "Order"
	h.is("no report of the form", SeesSaved(h.World, boss, s), false)
}

func TestA11PortalUsersHaveASetAndNoRole(t *testing.T) {
	h := build(t, definition.View)
	rep, client := h.live("rep", "Rep"), h.person("client", identity.Portal, "")
	client.Set = "S"
	root := h.live("root", "CEO")
	h.order("o1", client)
	h.order("o2", rep, "assignee", client.ID)
	h.order("o3", rep)
	h.reach(client, definition.View, "Order", "o1")
	h.reach(root, definition.View, "Order", "o1", "o2", "o3") // C4
	h.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	h.reach(client, definition.View, "Order", "o1", "o2")
	h.share(definition.SharingRule{From: role("Rep"), To: below("CEO"), Level: definition.Read})
	h.reach(client, definition.View, "Order", "o1", "o2") // a role never includes one
	h.share(definition.SharingRule{From: role("Rep"), To: somebody("client"), Level: definition.Read})
	h.reach(client, definition.View, "Order", "o1", "o2", "o3")
	h.share(definition.SharingRule{Criteria: map[string]any{"owner": map[string]any{"eq": client.ID.String()}}, To: role("Rep"), Level: definition.Read})
	h.reach(rep, definition.View, "Order", "o1", "o2", "o3")
}

// TestB7ExportIsItsOwnReach is B7 for lists and reports.
func TestB7ExportIsItsOwnReach(t *testing.T) {
	h := build(t, definition.View)
	rep := h.live("rep", "Rep")
	h.order("o1", rep, "title", "a")
	h.order("o2", rep, "title", "b")
	h.App.Reports = append(h.App.Reports, &definition.Report{Name: "as", Form: "Order", Criteria: map[string]any{"title": map[string]any{"eq": "a"}}})
	count := func(report string) int {
		return len(ListReportFor(h.World, rep, definition.Export, report, nil, nil))
	}
	h.is("nothing without EXPORT", len(ListFor(h.World, rep, definition.Export, "Order", nil, nil)) == 0, true)
	h.set.Reports["as"] = []definition.Action{definition.View, definition.Export}
	h.is("what the report with EXPORT shows", len(ListFor(h.World, rep, definition.Export, "Order", nil, nil)) == 1, true)
	h.order("o3", h.live("far", "Distributor"), "title", "a")
	h.is("a report filters it", count("as") == 1 && count("orders") == 1, true)
}
