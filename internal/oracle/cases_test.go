package oracle

import (
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// The worked cases of the access model.

func TestCase1OwnRecordsOnly(t *testing.T) {
	h := build(t, viewEditDelete...)
	rep, other := h.live("rep", "Rep"), h.live("other", "Rep")
	h.order("o1", rep)
	h.order("o2", other)
	for _, a := range viewEditDelete {
		h.reach(rep, a, "Order", "o1")
	}
	h.reach(rep, definition.Export, "Order")
}

func TestCase2Hierarchy(t *testing.T) {
	h := build(t, viewEditDelete...)
	boss := h.live("boss", "Manager")
	h.order("o1", h.live("r1", "Rep"))
	h.order("o2", h.live("r2", "Rep"))
	h.order("o3", boss)
	h.order("o4", h.live("far", "Distributor"))
	for _, a := range viewEditDelete {
		h.App.Hierarchy = true
		h.reach(boss, a, "Order", "o1", "o2", "o3")
		h.App.Hierarchy = false
		h.reach(boss, a, "Order", "o3")
	}
}

func TestCase3RuleFromAnotherDepartment(t *testing.T) {
	h := build(t, definition.View, definition.Edit)
	rep := h.live("rep", "Rep")
	h.order("o1", h.live("far", "Distributor"))
	h.order("o2", rep)
	h.share(definition.SharingRule{From: role("Distributor"), To: role("Rep"), Level: definition.ReadWriteDelete})
	h.reach(rep, definition.View, "Order", "o1", "o2")
	h.reach(rep, definition.Edit, "Order", "o1", "o2")
	h.reach(rep, definition.Delete, "Order")
	h.App.Sharing[0].Level = definition.Read
	h.reach(rep, definition.View, "Order", "o1", "o2")
	h.reach(rep, definition.Edit, "Order", "o2")
}

func TestCase4AllRights(t *testing.T) {
	for _, c := range []struct {
		rights             []definition.Action
		view, edit, delete bool
	}{
		{[]definition.Action{definition.ViewAll}, true, false, false},
		{[]definition.Action{definition.ModifyAll}, true, true, false},
		{[]definition.Action{definition.ViewAll, definition.Edit, definition.Delete}, true, false, false},
		{[]definition.Action{definition.ModifyAll, definition.Delete}, true, true, true},
	} {
		h := build(t, c.rights...)
		h.App.Hierarchy = false
		rep := h.live("rep", "Rep")
		r := h.order("o1", h.person("admin", identity.Admin, ""))
		h.is("view", MaySee(h.World, rep, definition.View, "Order", r), c.view)
		h.is("edit", MaySee(h.World, rep, definition.Edit, "Order", r), c.edit)
		h.is("delete", MaySee(h.World, rep, definition.Delete, "Order", r), c.delete)
	}
}

func TestCase5OneFormEach(t *testing.T) {
	h := build(t)
	h.set.Reports = map[string][]definition.Action{"orders": {definition.ViewAll}}
	supplier := *h.set
	supplier.Name, supplier.Reports = "Supplier", map[string][]definition.Action{"customers": {definition.ViewAll}}
	h.App.Sets = append(h.App.Sets, &supplier)
	d, s := h.live("d", "Distributor"), h.live("s", "Rep")
	s.Set = "Supplier"
	h.order("o1", d)
	h.add("Customer", "c1", s.ID)
	h.is("d opens orders", Opens(h.World, d, "Order"), true)
	h.is("d opens customers", Opens(h.World, d, "Customer"), false)
	h.is("s opens orders", Opens(h.World, s, "Order"), false)
	h.is("s opens customers", Opens(h.World, s, "Customer"), true)
	h.reach(d, definition.View, "Customer")
	h.reach(s, definition.View, "Order")
	if got := Visible(h.World, d, "Customer"); len(got) != 0 {
		t.Errorf("fields of a closed form: %v", got)
	}
}

func TestCase6Assignee(t *testing.T) {
	for _, way := range []string{"field rule", "record owner"} {
		h := build(t, definition.View)
		admin, ann, bob := h.person("admin", identity.Admin, ""), h.live("ann", "Rep"), h.live("bob", "Rep")
		h.order("o1", admin, "assignee", ann.ID)
		if way == "field rule" {
			h.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
		} else {
			h.Form("Order").OwnerField = 18
		}
		h.reach(ann, definition.View, "Order", "o1")
		h.reach(bob, definition.View, "Order")
		h.reach(admin, definition.View, "Order", "o1")
	}
}

func TestCase7PersonalData(t *testing.T) {
	h := build(t, definition.View)
	rep := h.live("rep", "Rep")
	r := h.add("Customer", "c1", rep.ID, "taxNumber", "7")
	tax := h.Form("Customer").Fields[1]
	for _, c := range []struct {
		pii, ephi, showPII, showEPHI, visible bool
	}{
		{true, false, false, true, false}, {true, false, true, false, true}, {false, true, true, false, false},
		{false, true, false, true, true}, {true, true, true, false, false}, {true, true, false, true, false}, {true, true, true, true, true},
	} {
		tax.PII, tax.EPHI, h.set.ShowPII, h.set.ShowEPHI = c.pii, c.ephi, c.showPII, c.showEPHI
		h.is("visible", slices.Contains(Visible(h.World, rep, "Customer"), "taxNumber"), c.visible)
		_, readable := Cell(h.World, rep, "Customer", r, "taxNumber")
		h.is("readable", readable, c.visible)
		h.is("writable", Access(h.World, rep, "Customer", "taxNumber") == definition.Writable, c.visible)
		found := len(List(h.World, rep, "Customer", map[string]any{"taxNumber": map[string]any{"eq": "7"}}, nil)) == 1
		h.is("found by it", found, c.visible)
	}
}

func TestCase8Parent(t *testing.T) {
	h := build(t, viewEditDelete...)
	rep, other := h.live("rep", "Rep"), h.live("other", "Rep")
	o := h.order("o1", rep)
	h.add("Line", "l1", other.ID, "order", o.ID)
	h.add("Line", "l2", rep.ID, "order", h.order("o2", other).ID)
	h.add("Line", "l3", rep.ID, "order", id("gone"))
	for _, a := range viewEditDelete {
		h.reach(rep, a, "Line", "l1")
		h.reach(other, a, "Line", "l2")
	}
	h.set.Reports["orders"] = []definition.Action{definition.View, definition.Delete}
	h.reach(rep, definition.View, "Line", "l1")
	h.reach(rep, definition.Edit, "Line")
	h.reach(rep, definition.Delete, "Line") // the parent's EDIT, not its DELETE
	h.set.Reports["orders"] = viewEditDelete
	h.set.Reports["lines"] = []definition.Action{definition.View, definition.Export}
	h.reach(rep, definition.Edit, "Line") // capped by the set on the child
	h.reach(rep, definition.Export, "Line", "l1")
	h.set.Reports["lines"] = []definition.Action{definition.ViewAll}
	h.reach(rep, definition.View, "Line", "l1", "l2", "l3")
	h.set.Forms["Line"].Actions = []definition.Action{definition.Access}
	h.is("create under own order", MayCreateUnder(h.World, rep, "Line", o.ID), true)
	h.is("create under another's order", MayCreateUnder(h.World, rep, "Line", id("o2")), false)
	h.is("create under nothing", MayCreateUnder(h.World, rep, "Line", id("gone")), false)
	h.set.Forms["Line"].Actions = nil
	h.is("create without access", MayCreateUnder(h.World, rep, "Line", o.ID), false)
}

func TestChildIgnoresRules(t *testing.T) {
	h := build(t, definition.View)
	rep := h.live("rep", "Rep")
	h.add("Line", "l1", h.live("far", "Distributor").ID, "order", h.order("o1", h.live("fox", "Distributor")).ID)
	h.App.Sharing = []*definition.SharingRule{{Form: "Line", From: role("Distributor"), To: role("Rep"), Level: definition.Read}}
	h.reach(rep, definition.View, "Line")
	h.App.Sharing[0].Form = "Order"
	h.reach(rep, definition.View, "Line", "l1")
}

func TestPeople(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(u *User)
		sees   bool
	}{
		{"live user", func(*User) {}, true},
		{"A9 inactive", func(u *User) { u.Inactive = true }, false},
		{"A7 no assignment", func(u *User) { u.Kind, u.Role, u.Set = identity.Nobody, "", "" }, false},
		{"A7 role only", func(u *User) { u.Set = "" }, false},
		{"A7 set only", func(u *User) { u.Role = "" }, false},
		{"A11 portal user", func(u *User) { u.Kind, u.Role = identity.Portal, "" }, true},
		{"B1 token", func(u *User) { u.Credential = identity.PersonalToken }, false},
		{"no credential", func(u *User) { u.Credential = identity.NoCredential }, false},
		{"A3 admin", func(u *User) { u.Kind, u.Role, u.Set = identity.Admin, "", "" }, true},
		{"A9 inactive admin", func(u *User) { u.Kind, u.Role, u.Set, u.Inactive = identity.Admin, "", "", true }, false},
		{"B1 token of an admin", func(u *User) {
			u.Kind, u.Role, u.Set, u.Credential = identity.SuperAdmin, "", "", identity.PersonalToken
		}, true},
		{"A13 developer", func(u *User) { u.Kind, u.Role, u.Set = identity.Developer, "", "" }, true},
	} {
		h := build(t, definition.View)
		h.set.APIAccess = false
		u := h.live("u", "Rep")
		r := h.order("o1", u)
		c.change(u)
		h.is(c.name, MaySee(h.World, u, definition.View, "Order", r), c.sees)
		h.is(c.name+" opens", Opens(h.World, u, "Order"), c.sees)
		h.is(c.name+" may create", MayCreate(h.World, u, "Order"), c.sees && everything(u))
	}
}

func TestRights(t *testing.T) {
	for _, c := range []struct {
		rights []definition.Action
		yes    []definition.Action // on an own record
	}{
		{nil, nil},
		{[]definition.Action{definition.View}, []definition.Action{definition.View}},
		{[]definition.Action{definition.View, definition.Edit}, []definition.Action{definition.View, definition.Edit}},
		{[]definition.Action{definition.ViewAll, definition.Edit}, []definition.Action{definition.View, definition.Edit}},
		{[]definition.Action{definition.Edit, definition.Delete, definition.Export}, nil},
		{[]definition.Action{definition.ModifyAll}, []definition.Action{definition.View, definition.Edit}},
		{[]definition.Action{definition.View, definition.WriteComments}, []definition.Action{definition.View, definition.ReadComments, definition.WriteComments}},
		{[]definition.Action{definition.View, definition.ReadComments}, []definition.Action{definition.View, definition.ReadComments}},
		{[]definition.Action{definition.View, definition.Export, definition.ReadHistory}, []definition.Action{definition.View, definition.Export, definition.ReadHistory}},
	} {
		h := build(t, c.rights...)
		u := h.live("u", "Rep")
		r := h.order("o1", u)
		var yes []definition.Action
		for a := definition.NoAction; a <= definition.CreateReport; a++ {
			if MaySee(h.World, u, a, "Order", r) {
				yes = append(yes, a)
			}
		}
		if !slices.Equal(yes, c.yes) {
			t.Errorf("rights %v allow %v, want %v", c.rights, yes, c.yes)
		}
	}
}

func TestReachIsAUnionOfReports(t *testing.T) {
	h := build(t)
	rep, far := h.live("rep", "Rep"), h.live("far", "Distributor")
	h.App.Reports = append(h.App.Reports, &definition.Report{Name: "big", Form: "Order", Criteria: map[string]any{"amount": map[string]any{"gte": 10}}},
		&definition.Report{Name: "mine", Form: "Order", Criteria: map[string]any{"assignee": map[string]any{"eq": "VIEWER"}}})
	h.set.Reports = map[string][]definition.Action{"big": {definition.ViewAll}, "mine": {definition.View, definition.Edit}}
	h.order("o1", far, "amount", 10)
	h.order("o2", far, "amount", 9)
	h.order("o3", rep, "assignee", rep.ID)
	h.order("o4", rep)
	h.order("o5", far, "assignee", rep.ID)
	h.order("o6", rep, "assignee", rep.ID, "amount", 11)
	h.reach(rep, definition.View, "Order", "o1", "o3", "o6")
	h.reach(rep, definition.Edit, "Order", "o3", "o6")
	if got := ListReport(h.World, rep, "big", nil, nil); !slices.Equal(got, []record.ID{id("o1"), id("o6")}) {
		t.Errorf("big: %v", got)
	}
	if got := ListReport(h.World, rep, "orders", nil, nil); got != nil {
		t.Errorf("a report without right: %v", got)
	}
	dev := h.person("dev", identity.Developer, "")
	if got := ListReport(h.World, dev, "big", nil, nil); !slices.Equal(got, []record.ID{id("o1"), id("o6")}) {
		t.Errorf("big for a developer: %v", got)
	}
}

func TestRoles(t *testing.T) {
	h := build(t, definition.View)
	ceo, boss, rep, far := h.live("ceo", "CEO"), h.live("boss", "Manager"), h.live("rep", "Rep"), h.live("far", "Distributor")
	h.order("o1", ceo)
	h.order("o2", boss)
	h.order("o3", rep)
	h.order("o4", h.live("rep2", "Rep"))
	h.order("o5", far)
	h.order("o6", h.person("admin", identity.Admin, ""))
	h.add("Order", "o7", id("deleted"))
	h.order("o8", h.person("none", identity.Nobody, ""))
	h.User(id("rep")).Inactive = true                                                      // E5: counts on for others
	h.reach(ceo, definition.View, "Order", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8") // C3, C4
	h.reach(boss, definition.View, "Order", "o2", "o3", "o4")
	h.reach(h.User(id("rep2")), definition.View, "Order", "o4")
	h.Role("Rep").SharePeers = true // C5
	h.reach(h.User(id("rep2")), definition.View, "Order", "o3", "o4")
	h.App.Hierarchy = false
	h.reach(ceo, definition.View, "Order", "o1")
	h.reach(h.User(id("rep2")), definition.View, "Order", "o3", "o4")
	h.Role("CEO").SharePeers = true // those without role are no peers
	h.reach(ceo, definition.View, "Order", "o1")
}

func TestNothingRollsUp(t *testing.T) { // C6
	h := build(t, definition.View)
	boss, rep := h.live("boss", "Manager"), h.live("rep", "Rep")
	h.order("o1", h.live("far", "Distributor"))
	h.share(definition.SharingRule{From: role("Distributor"), To: role("Rep"), Level: definition.Read})
	h.reach(rep, definition.View, "Order", "o1")
	h.reach(boss, definition.View, "Order")
}

func TestSharing(t *testing.T) {
	all := map[string]any{}
	for _, c := range []struct {
		name string
		rule definition.SharingRule
		rep  []string // what the rep views
	}{
		{"user to user", definition.SharingRule{From: somebody("far"), To: somebody("rep"), Level: definition.Read}, []string{"o1"}},
		{"user to another", definition.SharingRule{From: somebody("far"), To: somebody("boss"), Level: definition.Read}, nil},
		{"role to role", definition.SharingRule{From: role("Manager"), To: role("Rep"), Level: definition.Read}, []string{"o2"}},
		{"role alone to the rep", definition.SharingRule{From: role("CEO"), To: role("Rep"), Level: definition.Read}, nil},
		{"with subordinates", definition.SharingRule{From: below("CEO"), To: role("Rep"), Level: definition.Read}, []string{"o1", "o2"}},
		{"to subordinates", definition.SharingRule{From: role("Distributor"), To: below("Manager"), Level: definition.Read}, []string{"o1"}},
		{"to the role above", definition.SharingRule{From: role("Distributor"), To: role("Manager"), Level: definition.Read}, nil},
		{"unknown address", definition.SharingRule{From: somebody("ghost"), To: somebody("rep"), Level: definition.Read}, nil},
		{"to an unknown address", definition.SharingRule{From: role("Manager"), To: somebody("ghost"), Level: definition.Read}, nil},
		{"nobody", definition.SharingRule{From: role("Manager"), Level: definition.Read}, nil},
		{"no level", definition.SharingRule{From: role("Manager"), To: role("Rep")}, nil},
		{"all", definition.SharingRule{Criteria: all, To: role("Rep"), Level: definition.Read}, []string{"o1", "o2", "o3"}},
		{"criteria", definition.SharingRule{Criteria: map[string]any{"amount": map[string]any{"lt": 5}}, To: role("Rep"), Level: definition.Read}, []string{"o2"}},
		{"criteria with VIEWER", definition.SharingRule{Criteria: map[string]any{"assignee": map[string]any{"ne": "VIEWER"}}, To: role("Rep"), Level: definition.Read}, []string{"o1", "o2"}},
		{"criteria for others", definition.SharingRule{Criteria: all, To: role("Manager"), Level: definition.Read}, nil},
		{"field", definition.SharingRule{Field: "assignee", Level: definition.Read}, []string{"o3"}},
	} {
		h := build(t, definition.View)
		h.App.Hierarchy = false
		rep, far := h.live("rep", "Rep"), h.live("far", "Distributor")
		h.order("o1", far, "amount", 5)
		h.order("o2", h.live("boss", "Manager"), "amount", 4)
		h.add("Order", "o3", id("gone"), "assignee", rep.ID)
		h.share(c.rule)
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			h.reach(rep, definition.View, "Order", c.rep...)
			h.set.Reports = nil
			h.reach(rep, definition.View, "Order") // F5
		})
	}
}

func TestLevels(t *testing.T) { // F1
	h := build(t, append(viewEditDelete, definition.Export)...)
	rep := h.live("rep", "Rep")
	h.order("o1", h.live("far", "Distributor"))
	h.share(definition.SharingRule{From: role("Distributor"), To: role("Rep")})
	for level, n := range map[definition.Level]int{definition.NoLevel: 0, definition.Read: 1, definition.ReadWrite: 2, definition.ReadWriteDelete: 3} {
		h.App.Sharing[0].Level = level
		for i, a := range viewEditDelete {
			h.is("action", MaySee(h.World, rep, a, "Order", h.Records["Order"][0]), i < n)
		}
		h.is("export", MaySee(h.World, rep, definition.Export, "Order", h.Records["Order"][0]), n > 0)
	}
}

func TestOwner(t *testing.T) { // E1, E2
	h := build(t, definition.View)
	ann, bob := h.live("ann", "Rep"), h.live("bob", "Rep")
	r := h.order("o1", ann)
	r.Owner = bob.ID
	h.reach(ann, definition.View, "Order")
	h.reach(bob, definition.View, "Order", "o1")
	h.Form("Order").OwnerField = 18
	h.reach(ann, definition.View, "Order", "o1") // the field is empty: who added it
	r.Cells["assignee"] = record.Ref(bob.ID)
	h.reach(ann, definition.View, "Order")
	h.reach(bob, definition.View, "Order", "o1")
}

func TestChangingOwner(t *testing.T) { // W1
	h := build(t, definition.View, definition.Edit)
	boss, rep, far, dev := h.live("boss", "Manager"), h.live("rep", "Rep"), h.live("far", "Distributor"), h.person("dev", identity.Developer, "")
	r := h.order("o1", rep)
	h.share(definition.SharingRule{From: role("Rep"), To: role("Distributor"), Level: definition.ReadWrite})
	may := func(u *User) bool { return MayChangeOwner(h.World, u, "Order", r) }
	h.is("owner", may(rep), true)
	h.is("owner below", may(boss), true)
	h.is("shared", may(far), false)
	h.is("developer", may(dev), false)
	h.is("admin", may(h.person("admin", identity.Admin, "")), true)
	h.Form("Order").OwnerField, r.AddedBy = 18, rep.ID
	h.is("the owner field of a shared record", Writable(h.World, far, "Order", r, "assignee"), false)
	h.is("another field of it", Writable(h.World, far, "Order", r, "title"), true)
	h.is("the owner field of an own record", Writable(h.World, rep, "Order", r, "assignee"), true)
	h.set.Reports["orders"] = []definition.Action{definition.ModifyAll}
	h.is("modify all", may(far), true)
	h.App.Reports[1].Criteria = map[string]any{"amount": map[string]any{"isNull": false}}
	h.App.Reports = append(h.App.Reports, &definition.Report{Name: "second", Form: "Order"})
	h.set.Reports["second"] = []definition.Action{definition.View, definition.Edit}
	h.is("modify all on a report that does not show it", may(far), false)
	h.set.Reports = map[string][]definition.Action{"orders": {definition.View}}
	h.is("owner without edit", may(rep), false)
}

func TestFields(t *testing.T) { // B3, B4
	h := build(t, definition.View, definition.Edit)
	rep := h.live("rep", "Rep")
	r := h.order("o1", rep, "title", "x", "amount", 3)
	p := h.set.Forms["Order"].Fields
	delete(p, "amount")
	delete(p, "addedBy")
	p["title"] = definition.ReadOnly
	want := []string{"id", "owner", "version", "addedTime", "modifiedTime", "title", "assignee", "customer"}
	if got := Visible(h.World, rep, "Order"); !slices.Equal(got, want) {
		t.Errorf("visible %v, want %v", got, want)
	}
	h.is("read only", Writable(h.World, rep, "Order", r, "title"), false)
	h.is("hidden", Writable(h.World, rep, "Order", r, "amount"), false)
	h.is("writable", Writable(h.World, rep, "Order", r, "assignee"), true)
	h.is("system", Writable(h.World, rep, "Order", r, "version"), false)
	p["owner"] = definition.Writable
	h.is("owner", Writable(h.World, rep, "Order", r, "owner"), false)
	other := h.live("other", "Rep")
	_, readable := Cell(h.World, other, "Order", r, "title")
	h.is("out of reach", readable, false)
	h.set.Reports["orders"] = []definition.Action{definition.ViewAll, definition.Edit}
	h.is("without edit", Writable(h.World, other, "Order", r, "assignee"), false)
	var v record.Value
	v, readable = Cell(h.World, rep, "Order", r, "title")
	h.is("title", readable && string(v.Text()) == "x", true)
	v, readable = Cell(h.World, rep, "Order", r, "amount")
	h.is("amount", readable || !v.IsNull(), false)
}

func TestCreate(t *testing.T) { // W4, B7
	h := build(t)
	rep := h.live("rep", "Rep")
	h.is("nothing", MayCreate(h.World, rep, "Order"), false)
	h.set.Forms["Order"].Actions = []definition.Action{definition.Import}
	h.is("import without access", MayImport(h.World, rep, "Order"), false)
	h.is("open by import", Opens(h.World, rep, "Order"), false)
	h.set.Forms["Order"].Actions = []definition.Action{definition.Access}
	h.is("access", MayCreate(h.World, rep, "Order"), true)
	h.is("import", MayImport(h.World, rep, "Order"), false)
	h.is("open by access", Opens(h.World, rep, "Order"), true)
	h.is("elsewhere", MayCreate(h.World, rep, "Customer"), false)
}

func TestLookups(t *testing.T) { // L1
	h := build(t, definition.View)
	rep, other := h.live("rep", "Rep"), h.live("other", "Rep")
	c1, c2 := h.add("Customer", "c1", rep.ID, "name", "a"), h.add("Customer", "c2", other.ID, "name", "b")
	h.order("o1", rep, "customer", c1.ID)
	h.order("o2", rep, "customer", c2.ID)
	h.order("o3", rep)
	h.order("o4", rep, "customer", id("gone"))
	list := func(where map[string]any, want ...string) {
		t.Helper()
		var got []string
		for _, id := range List(h.World, rep, "Order", where, nil) {
			got = append(got, short(id))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", where, got, want)
		}
	}
	cu := func(x map[string]any) map[string]any { return map[string]any{"customer": x} }
	name := func(op string, x any) map[string]any { return cu(map[string]any{"name": map[string]any{op: x}}) }
	list(cu(map[string]any{}), "o1")
	list(name("eq", "a"), "o1")
	list(name("eq", "b"))
	list(name("ne", "a"))
	list(map[string]any{"not": name("eq", "b")}, "o1", "o2", "o3", "o4")
	list(name("isNull", true))
	for name, isNull := range map[string]bool{"o1": false, "o2": true, "o3": true, "o4": true} {
		v, readable := Cell(h.World, rep, "Order", h.Find("Order", id(name)), "customer")
		h.is(name, readable && v.IsNull() == isNull, true)
	}
	h.set.Forms["Order"].Fields["customer"] = definition.Hidden
	list(cu(map[string]any{}))
}

func TestOrder(t *testing.T) {
	h := build(t, definition.View)
	rep, other := h.live("rep", "Rep"), h.live("other", "Rep")
	c1, c2 := h.add("Customer", "c1", rep.ID, "name", "z"), h.add("Customer", "c2", rep.ID, "name", "a")
	c3 := h.add("Customer", "c3", other.ID, "name", "0")
	h.order("o1", rep, "amount", 2, "customer", c1.ID)
	h.order("o2", rep, "customer", c2.ID)
	h.order("o3", rep, "amount", 1, "customer", c3.ID)
	h.order("o4", rep, "amount", 2)
	for _, c := range []struct {
		keys []Order
		want []string
	}{
		{nil, []string{"o1", "o2", "o3", "o4"}},
		{[]Order{{Field: "amount"}}, []string{"o3", "o1", "o4", "o2"}},
		{[]Order{{Field: "amount", Desc: true}}, []string{"o1", "o4", "o3", "o2"}},
		{[]Order{{Field: "amount", Desc: true, NullsFirst: true}}, []string{"o2", "o1", "o4", "o3"}},
		{[]Order{{Field: "amount"}, {Field: "id", Desc: true}}, []string{"o3", "o4", "o1", "o2"}},
		{[]Order{{Field: "customer.name"}}, []string{"o2", "o1", "o3", "o4"}},
	} {
		var got []string
		for _, id := range List(h.World, rep, "Order", nil, c.keys) {
			got = append(got, short(id))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.keys, got, c.want)
		}
	}
}
