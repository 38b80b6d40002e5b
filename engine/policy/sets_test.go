package policy_test

import (
	"slices"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func orderShape(t *testing.T, v *policy.View) *policy.FormShape {
	t.Helper()
	f, ok := v.Shape().Form(order)
	if !ok {
		t.Fatal("Order is not in the shape")
	}
	return f
}

func TestB2PersonalAndHealthSwitches(t *testing.T) {
	for _, c := range []struct {
		pii, ephi bool
		want      []uint32
	}{
		{false, false, nil},
		{true, false, []uint32{taxNumber}},
		{false, true, []uint32{bloodType}},
		{true, true, []uint32{taxNumber, bloodType, allergy}},
	} {
		w := newWorld().onOrders(view, edit)
		w.app.Sets[0].ShowPII, w.app.Sets[0].ShowEPHI = c.pii, c.ephi
		f := orderShape(t, w.live(t, "rep"))
		for _, n := range []uint32{taxNumber, bloodType, allergy} {
			want := slices.Contains(c.want, n)
			if f.Visible.Has(n) != want || f.Writable.Has(n) != want {
				t.Errorf("PII %v, ePHI %v: field %d visible %v, writable %v, want %v", c.pii, c.ephi, n, f.Visible.Has(n), f.Writable.Has(n), want)
			}
		}
		if !f.Visible.Has(title) {
			t.Error("an ordinary field is hidden by the switches")
		}
	}
}

func TestB3FieldPermissions(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	fields := w.app.Sets[0].Forms["Order"].Fields
	fields["title"] = definition.Hidden
	delete(fields, "amount")
	f := orderShape(t, w.live(t, "rep"))
	if f.Visible.Has(title) || f.Writable.Has(title) {
		t.Error("a hidden field is visible")
	}
	if f.Visible.Has(amount) || f.Writable.Has(amount) {
		t.Error("a field that the set does not list is visible")
	}
	for _, s := range record.System {
		if f.Visible.Has(s.Number) != (s.Type != record.User) || f.Writable.Has(s.Number) {
			t.Errorf("system field %s: visible %v, writable %v", s.Name, f.Visible.Has(s.Number), f.Writable.Has(s.Number))
		}
	}
	w.app.Sets[0].Forms["Order"].Fields["addedBy"] = definition.ReadOnly
	if f = orderShape(t, w.live(t, "rep")); !f.Visible.Has(record.FieldAddedBy) || f.Writable.Has(record.FieldAddedBy) {
		t.Error("addedBy is listed and not visible, or writable")
	}
	w.app.Sets[0].Forms["Order"].Fields["addedBy"] = definition.Hidden
	w.app.Sets[0].Forms["Order"].Fields["id"] = definition.Hidden
	f = orderShape(t, w.live(t, "rep"))
	if f.Visible.Has(record.FieldAddedBy) || !f.Visible.Has(record.FieldID) {
		t.Error("addedBy can be hidden, id cannot")
	}
	delete(w.app.Sets[0].Forms, "Order")
	if f = orderShape(t, w.live(t, "rep")); f.Visible.Has(region) {
		t.Error("fields of a form that the set does not list are visible")
	}
}

func TestB3aColumnsLimitNothing(t *testing.T) {
	w := newWorld()
	w.app.Reports[1].Columns = []string{"amount"}
	w.set("s", map[string][]definition.Action{"bigOrders": {view}})
	f := orderShape(t, w.live(t, "rep"))
	if !f.Visible.Has(title) {
		t.Error("a report's columns hide a field")
	}
}

func TestB4ReadOnlyFields(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	w.app.Sets[0].Forms["Order"].Fields["title"] = definition.ReadOnly
	f := orderShape(t, w.live(t, "rep"))
	if !f.Visible.Has(title) || f.Writable.Has(title) || !f.Writable.Has(amount) {
		t.Errorf("visible %v, writable %v", f.Visible.Numbers(), f.Writable.Numbers())
	}
}

// document is an application as people write it, with the built-in sets that
// every definition has.
const document = `
application: shop
hierarchy: true
forms:
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text}
      - {name: taxNumber, type: text, pii: true}
  - name: Task
    plural: tasks
    fields:
      - {name: title, type: text}
roles:
  - name: CEO
  - {name: Head, reportsTo: CEO}
  - {name: Rep, reportsTo: Head}
`

func TestB5BuiltInSets(t *testing.T) {
	app, faults := definition.Resolve([]byte(document), definition.Context{NextForm: numbers(), Users: func(string) (record.ID, bool) { return record.ID{}, false }})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	w := newWorld()
	w.app = app
	holding := func(set string) *policy.View {
		return w.as(t, identity.Viewer{User: uid("head"), Kind: identity.Live, Role: "Head", PermissionSet: set})
	}
	read, write := holding("Read"), holding("Write")
	sees(t, read, view, "head", "rep", "rep2")
	sees(t, read, edit)
	sees(t, read, del)
	sees(t, write, view, "head", "rep", "rep2")
	sees(t, write, edit, "head", "rep", "rep2")
	sees(t, write, del)
	if read.MayCreate(order, nil) || !write.MayCreate(order, nil) {
		t.Error("ACCESS is for Write alone")
	}
	for _, f := range app.Forms {
		if s, ok := write.Shape().Form(f.Number); !ok || !s.View || !s.Edit || !s.Create || s.Delete {
			t.Errorf("Write on %s: %+v", f.Name, s)
		}
		if s, ok := read.Shape().Form(f.Number); !ok || !s.View || s.Edit || s.Create || s.Delete || !s.Writable.Empty() {
			t.Errorf("Read on %s: %+v", f.Name, s)
		}
	}
	for _, v := range []*policy.View{read, write} {
		tax, _ := app.Forms[0].Field("taxNumber")
		name, _ := app.Forms[0].Field("title")
		if f := orderShape(t, v); f.Visible.Has(tax.Number) || !f.Visible.Has(name.Number) {
			t.Error("built-in sets show ordinary fields and no personal data")
		}
	}
	deniesEverything(t, holding("Customer")) // of portal users alone
}

// numbers allots form numbers from 1.
func numbers() func() uint32 {
	n := uint32(0)
	return func() uint32 { n++; return n }
}

func TestB6ImpliedActions(t *testing.T) {
	for _, c := range []struct {
		name  string
		given []definition.Action
		own   []definition.Action // on the viewer's own records
		all   []definition.Action // on everybody's
	}{
		{"nothing", nil, nil, nil},
		{"view", []definition.Action{view}, []definition.Action{view}, nil},
		{"view and edit", []definition.Action{view, edit}, []definition.Action{view, edit}, nil},
		{"view and delete", []definition.Action{view, del}, []definition.Action{view, del}, nil},
		{"view all", []definition.Action{viewAll}, []definition.Action{view}, []definition.Action{view}},
		{"view all, edit", []definition.Action{viewAll, edit}, []definition.Action{view, edit}, []definition.Action{view}},
		{"view all, delete", []definition.Action{viewAll, del}, []definition.Action{view, del}, []definition.Action{view}},
		{"modify all", []definition.Action{modifyAll}, []definition.Action{view, edit}, []definition.Action{view, edit}},
		{"modify all, delete", []definition.Action{modifyAll, del}, []definition.Action{view, edit, del}, []definition.Action{view, edit, del}},
		{"view, write comments", []definition.Action{view, writeComm}, []definition.Action{view, readComm, writeComm}, nil},
		{"view, read comments", []definition.Action{view, readComm}, []definition.Action{view, readComm}, nil},
		{"view all, write comments", []definition.Action{viewAll, writeComm}, []definition.Action{view, readComm, writeComm}, []definition.Action{view, readComm, writeComm}},
		{"comments without view", []definition.Action{writeComm, export, history}, nil, nil},
		{"view, history", []definition.Action{view, history}, []definition.Action{view, history}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld().onOrders(c.given...)
			v := w.live(t, "rep")
			for _, a := range judged {
				can(t, v, order, a, by("rep"), slices.Contains(c.own, a))
				can(t, v, order, a, by("agent"), slices.Contains(c.all, a))
			}
		})
	}
}

func TestB6EditAndDeleteNeedView(t *testing.T) {
	for _, list := range [][]definition.Action{{edit}, {del}, {edit, del}, {edit, export}} {
		if _, err := policy.Compile(newWorld().onOrders(list...).app); err == nil {
			t.Errorf("a set with %v compiled", list)
		}
	}
	// VIEW on another report does not help.
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {view}, "bigOrders": {edit}})
	if _, err := policy.Compile(w.app); err == nil {
		t.Error("a set with EDIT on one report and VIEW on another compiled")
	}
}

func TestB6AllRightsStayWithinTheReport(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {view, del}, "bigOrders": {modifyAll}})
	v := w.live(t, "rep")
	big, small := cell(amount, record.Int(100)), cell(amount, record.Int(99))
	can(t, v, order, edit, by("agent", big), true)
	can(t, v, order, edit, by("agent", small), false)
	can(t, v, order, edit, by("rep", small), false) // EDIT is on the big ones alone
	can(t, v, order, view, by("agent", small), false)
	// DELETE on one report and MODIFY_ALL on another is not both on one.
	can(t, v, order, del, by("agent", big), false)
	can(t, v, order, del, by("rep", big), true)
}

func TestB7ExportReach(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {viewAll}, "bigOrders": {view, export}})
	v := w.live(t, "head")
	big, small := cell(amount, record.Int(100)), cell(amount, record.Int(1))
	can(t, v, order, export, by("rep", big), true)
	can(t, v, order, export, by("rep", small), false)
	can(t, v, order, export, by("agent", big), false) // VIEW_ALL is of the other report
	w = newWorld().onOrders(viewAll, modifyAll, del, writeComm, history)
	can(t, w.live(t, "rep"), order, export, by("rep"), false) // never implied
}

func cell(n uint32, v record.Value) map[uint32]record.Value { return map[uint32]record.Value{n: v} }

func TestCase1OwnRecordsOnly(t *testing.T) {
	v := newWorld().onOrders(view, edit, del).live(t, "rep")
	for _, a := range []definition.Action{view, edit, del} {
		sees(t, v, a, "rep")
	}
	sees(t, v, export)
}

func TestCase4ViewAllModifyAll(t *testing.T) {
	for _, hierarchy := range []bool{true, false} {
		w := newWorld().onOrders(viewAll, modifyAll, del)
		w.app.Hierarchy = hierarchy
		v := w.live(t, "rep")
		for _, a := range []definition.Action{view, edit, del} {
			sees(t, v, a, everybody...)
			if r := v.Reach(order, a); r != (policy.All{}) {
				t.Errorf("reach is %#v, want All", r)
			}
		}
	}
}

func TestCase5PartnersDoNotFindEachOther(t *testing.T) {
	w := newWorld()
	w.set("distributor", map[string][]definition.Action{"orders": {viewAll}})
	w.set("supplier", map[string][]definition.Action{"tasks": {viewAll}})
	for set, want := range map[string]uint32{"distributor": order, "supplier": task} {
		v := w.as(t, identity.Viewer{User: uid("rep"), Kind: identity.Live, Role: "Rep", PermissionSet: set})
		if forms := v.Shape().Forms; len(forms) != 1 || forms[0].Form.Number != want {
			t.Errorf("%s has %d forms", set, len(forms))
		}
		if other := order + task - want; v.Reach(other, view) != (policy.None{}) {
			t.Errorf("%s reaches form %d", set, other)
		}
	}
}

func TestCase7HiddenPersonalField(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll)
	w.app.Sets[0].ShowPII = false
	f := orderShape(t, w.live(t, "rep"))
	if f.Visible.Has(taxNumber) || f.Writable.Has(taxNumber) {
		t.Error("taxNumber is in the shape")
	}
}
