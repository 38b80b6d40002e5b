package policy_test

import (
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// withLines adds a set "s" with the actions on orders and on lines.
func withLines(onOrders, onLines []definition.Action) *world {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": onOrders, "lines": onLines})
	return w
}

type list = []definition.Action

func TestE4ChildrenFollowTheParent(t *testing.T) {
	for _, c := range []struct {
		name            string
		orders, lines   list
		view, edit, del bool // on a line, owned by a stranger, of the viewer's own order
	}{
		{"both", list{view, edit}, list{view, edit, del}, true, true, true},
		{"parent VIEW only", list{view}, list{view, edit, del}, true, false, false},
		{"child VIEW only", list{view, edit}, list{view}, true, false, false},
		{"parent EDIT is enough to delete", list{view, edit}, list{view, del}, true, false, true},
		{"no report of the child", list{view, edit, del}, nil, false, false, false},
		{"no report of the parent", nil, list{view, edit, del}, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := withLines(c.orders, c.lines).live(t, "rep")
			mine, other := under(by("rep"), "agent"), under(by("agent"), "rep")
			can(t, v, line, view, mine, c.view)
			can(t, v, line, edit, mine, c.edit)
			can(t, v, line, del, mine, c.del)
			for _, a := range judged { // owning the line is of no use
				can(t, v, line, a, other, false)
				can(t, v, line, a, by("rep"), false) // nor is a line without order
			}
		})
	}
}

func TestE4AllRightsOfTheChild(t *testing.T) {
	v := withLines(list{view}, list{modifyAll, del}).live(t, "rep")
	for _, a := range []definition.Action{view, edit, del} {
		can(t, v, line, a, under(by("agent"), "agent"), true)
	}
	v = withLines(list{viewAll, modifyAll}, list{view, edit, del}).live(t, "rep")
	for _, a := range []definition.Action{view, edit, del} {
		can(t, v, line, a, under(by("agent"), "agent"), true)
	}
}

func TestE4ParentStandsInForEverythingElse(t *testing.T) {
	w := withLines(list{view}, list{view})
	w.role("Rep").SharePeers = true
	w.share(definition.SharingRule{Form: "Line", From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.Read})
	w.custom(definition.CustomRule{Name: "s", Form: "Line", Effect: definition.Share, MaxLevel: definition.Read})
	w.custom(definition.CustomRule{Name: "r", Form: "Order", Effect: definition.Restrict})
	w.custom(definition.CustomRule{Name: "q", Form: "Line", Effect: definition.Restrict})
	v := w.live(t, "rep")
	ok := policy.Outcome{Through: true}
	parent := by("rep").saying("r", ok)
	can(t, v, line, view, under(parent, "x").saying("q", ok), true)
	can(t, v, line, view, under(parent, "x"), false)                                    // removed itself
	can(t, v, line, view, under(by("rep"), "x").saying("q", ok), false)                 // its parent is removed
	can(t, v, line, view, under(by("rep2").saying("r", ok), "x").saying("q", ok), true) // peers of the parent's owner
	shared := under(by("agent").saying("r", ok), "agent").saying("q", ok).saying("s", policy.Outcome{Level: definition.Read})
	can(t, v, line, view, shared, false) // sharing the line itself
}

func TestE4Create(t *testing.T) {
	w := withLines(list{view, edit}, list{view})
	w.app.Sets[0].Forms["Line"].Actions = list{access}
	v := w.live(t, "rep")
	if !v.MayCreate(line, by("rep")) || v.MayCreate(line, by("agent")) || v.MayCreate(line, nil) {
		t.Error("a line is added under an order that the viewer may edit, and under no other")
	}
	if f, ok := v.Shape().Form(line); !ok || !f.Create {
		t.Error("Create is not in the shape")
	}
	w = withLines(list{view}, list{view})
	w.app.Sets[0].Forms["Line"].Actions = list{access}
	if f, ok := w.live(t, "rep").Shape().Form(line); !ok || f.Create || !f.View {
		t.Errorf("without EDIT on orders the shape of Line is %+v", f)
	}
}

func TestE4Shape(t *testing.T) {
	w := withLines(nil, list{view, edit, del})
	if _, ok := w.live(t, "rep").Shape().Form(line); ok {
		t.Error("lines of unreachable orders are in the shape")
	}
	w = withLines(nil, list{viewAll, edit})
	w.app.Reports = append(w.app.Reports, &definition.Report{Name: "bigLines", Form: "Line", Criteria: map[string]any{"quantity": map[string]any{"gt": 5}}})
	w.app.Sets[0].Reports["bigLines"] = list{view}
	f, ok := w.live(t, "rep").Shape().Form(line)
	if !ok || !f.View || f.Edit || len(f.Reports) != 0 {
		t.Errorf("shape of Line is %+v", f)
	}
}

func TestE4FaultyParents(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"not a lookup":   func(w *world) { w.app.Forms[1].ParentField = quantity },
		"no such field":  func(w *world) { w.app.Forms[1].ParentField = 99 },
		"no such form":   func(w *world) { w.app.Forms[1].Fields[0].Target = 99 },
		"its own parent": func(w *world) { w.app.Forms[1].Fields[0].Target = line },
		"a circle": func(w *world) {
			back := &definition.Field{Field: record.Field{Number: 30, Name: "line", Type: record.Lookup, Target: line}}
			w.app.Forms[0].Fields = append(w.app.Forms[0].Fields, back)
			w.app.Forms[0].ParentField = 30
		},
	} {
		w := newWorld().onOrders(view)
		spoil(w)
		if _, err := policy.Compile(w.app); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
}

func TestCase8OrderLines(t *testing.T) {
	w := withLines(list{view, edit}, list{view, edit, del})
	w.share(definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.Read})
	for user := range w.holds {
		v := w.live(t, user)
		for _, owner := range everybody {
			can(t, v, line, view, under(by(owner), "x"), v.Decide(order, view, by(owner)))
			can(t, v, line, del, under(by(owner), "x"), v.Decide(order, edit, by(owner)))
		}
	}
}

func TestW1ChangingTheOwner(t *testing.T) {
	may := func(w *world, user string, s policy.Subject, want bool) {
		t.Helper()
		if got := w.live(t, user).MayChangeOwner(order, s); got != want {
			t.Errorf("%s may change the owner: %v, want %v", user, got, want)
		}
	}
	w := newWorld().onOrders(view, edit)
	w.role("Rep").SharePeers = true
	w.share(definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.ReadWrite})
	may(w, "rep", by("rep"), true)
	may(w, "rep", by("rep2"), false)  // reached as a peer
	may(w, "rep", by("agent"), false) // reached by a rule
	may(w, "rep", by("head"), false)  // not reached
	may(w, "head", by("rep"), true)   // below
	may(w, "ceo", by("deleted"), true)
	w.app.Hierarchy = false
	may(w, "head", by("rep"), false)
	may(newWorld().onOrders(view), "rep", by("rep"), false) // EDIT comes first

	w = newWorld()
	w.set("s", map[string][]definition.Action{"orders": {view, edit}, "bigOrders": {modifyAll}})
	w.share(definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.ReadWrite})
	may(w, "rep", by("agent", cell(amount, record.Int(100))), true)
	may(w, "rep", by("agent", cell(amount, record.Int(99))), false)

	for i, k := range full {
		v := newWorld().kind(t, "admin", k)
		if got, want := v.MayChangeOwner(order, by("rep")), i > 0; got != want {
			t.Errorf("%s may change the owner: %v, want %v", k, got, want)
		}
		if v.MayChangeOwner(order, nil) || v.MayChangeOwner(99, by("rep")) {
			t.Errorf("%s changes the owner of nothing", k)
		}
	}
}

func TestW4CreatingNeedsAccessAlone(t *testing.T) {
	w := newWorld().onOrders()
	w.app.Sets[0].Forms["Order"].Actions = list{access}
	v := w.live(t, "rep")
	f, ok := v.Shape().Form(order)
	if !ok || !f.Create || f.View || f.Edit || f.Delete || !f.Writable.Has(title) {
		t.Errorf("shape of Order is %+v", f)
	}
	if !v.MayCreate(order, nil) || v.MayCreate(task, nil) || v.MayCreate(99, nil) {
		t.Error("ACCESS on Order is for Order")
	}
	sees(t, v, view)
	w = newWorld().onOrders(viewAll, modifyAll, del, export)
	w.app.Sets[0].Forms["Order"].Actions = list{importRight, definition.CreateReport}
	if w.live(t, "rep").MayCreate(order, nil) || orderShape(t, w.live(t, "rep")).Create {
		t.Error("adding without ACCESS")
	}
}
