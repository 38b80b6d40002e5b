package policy_test

import (
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
)

// TestW4NestedNeedsAccessAlone: below a parent that is added with it, a record
// takes ACCESS on its form and on those above, and EDIT nowhere.
func TestW4NestedNeedsAccessAlone(t *testing.T) {
	for _, c := range []struct {
		name              string
		orders            list
		onOrder, onLine   bool
		shown, own, below bool
	}{
		{"both", nil, true, true, true, false, true},
		{"orders alone", nil, true, false, false, false, false},
		{"lines alone", nil, false, true, false, false, false},
		{"lines, and orders to edit", list{view, edit}, false, true, true, true, false},
		{"both, and orders to edit", list{view, edit}, true, true, true, true, true},
	} {
		w := withLines(c.orders, nil)
		forms := w.app.Sets[0].Forms
		for name, on := range map[string]bool{"Order": c.onOrder, "Line": c.onLine} {
			if forms[name].Actions = nil; on {
				forms[name].Actions = list{access}
			}
		}
		v := w.live(t, "rep")
		f, ok := v.Shape().Form(line)
		if ok != c.shown || ok && (f.Create != c.own || f.CreateNested != c.below) {
			t.Errorf("%s: shown %v, shape %+v", c.name, ok, f)
		}
	}
	for _, k := range full {
		f, ok := withLines(nil, nil).kind(t, "admin", k).Shape().Form(line)
		if !ok || !f.CreateNested {
			t.Errorf("%v adds no nested line", k)
		}
		if f, _ := withLines(nil, nil).kind(t, "admin", k).Shape().Form(order); f.CreateNested {
			t.Errorf("%v adds orders below nothing", k)
		}
	}
}

// TestW1WhoMayChangeOwnersAtAll: EDIT, and the owner field to write where the
// form names one, else the owner to see.
func TestW1WhoMayChangeOwnersAtAll(t *testing.T) {
	changes := func(w *world, set func(f *definition.Form, p *definition.FormPermission)) bool {
		set(w.app.Forms[0], w.app.Sets[0].Forms["Order"])
		return orderShape(t, w.live(t, "rep")).ChangesOwner()
	}
	seen := func(_ *definition.Form, p *definition.FormPermission) { p.Fields["owner"] = definition.ReadOnly }
	if !changes(newWorld().onOrders(view, edit), seen) || changes(newWorld().onOrders(view, del), seen) {
		t.Error("it takes EDIT, and no more where the owner is seen")
	}
	if changes(newWorld().onOrders(view, edit), func(_ *definition.Form, p *definition.FormPermission) { p.Fields["owner"] = definition.Hidden }) {
		t.Error("an owner that is hidden can be changed")
	}
	for access, want := range map[definition.FieldAccess]bool{definition.Hidden: false, definition.ReadOnly: false, definition.Writable: true} {
		if got := changes(newWorld().onOrders(view, edit), func(f *definition.Form, p *definition.FormPermission) {
			f.OwnerField = assignee
			p.Fields["owner"], p.Fields["assignee"] = definition.Hidden, access
		}); got != want {
			t.Errorf("owner field with access %d: %v", access, got)
		}
	}
	if (&policy.FormShape{Form: &definition.Form{}}).ChangesOwner() || (&policy.FormShape{Form: &definition.Form{}, Edit: true}).ChangesOwner() {
		t.Error("the zero shape changes owners")
	}
}
