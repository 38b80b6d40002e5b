package policy_test

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func TestP4ZeroValuesDeny(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll, del)
	for name, v := range map[string]*policy.View{
		"admin": w.kind(t, "admin", identity.SuperAdmin),
		"live":  w.live(t, "rep"),
	} {
		for _, a := range judged {
			can(t, v, order, a, nil, false)
			can(t, v, order, a, &subject{}, false)
			can(t, v, line, a, &subject{parent: by("rep")}, false)
		}
		for a := range definition.CreateReport + 2 {
			if slices.Contains(judged, a) {
				continue
			}
			if v.Decide(order, a, by("rep")) || v.Reach(order, a) != (policy.None{}) {
				t.Errorf("%s: action %d is taken on records", name, a)
			}
		}
		for _, r := range []policy.Reach{
			nil, policy.None{}, policy.Union{}, policy.Union(nil), policy.Intersect{}, policy.Intersect(nil),
			&policy.Owners{}, &policy.Criteria{}, &policy.Audience{}, &policy.Rule{}, &policy.Kept{}, &policy.OfParent{}, &policy.Minus{},
			(*policy.Owners)(nil), (*policy.Criteria)(nil), (*policy.Audience)(nil), (*policy.Rule)(nil), (*policy.Kept)(nil), (*policy.OfParent)(nil), (*policy.Minus)(nil),
			&policy.Rule{Rule: &definition.CustomRule{MaxLevel: definition.ReadWriteDelete}}, &policy.Kept{Rule: &definition.CustomRule{}},
			policy.Union{nil, policy.None{}}, policy.Intersect{policy.All{}, nil}, &policy.Minus{From: policy.All{}, Take: policy.All{}},
		} {
			if v.Contains(r, under(by("rep"), "")) {
				t.Errorf("%s: %#v holds a record", name, r)
			}
		}
		if v.Contains(policy.All{}, nil) || v.Contains(policy.All{}, &subject{}) {
			t.Errorf("%s: All holds a record that is not there", name)
		}
	}
	deniesEverything(t, w.policy(t).View(identity.Viewer{}, w.people(), nil))
	deniesEverything(t, w.policy(t).View(identity.Viewer{}, nil, nil))
	if _, err := policy.Compile(nil); err == nil {
		t.Error("no definition compiled")
	}
}

func TestP4WithoutPeopleOnlyOwn(t *testing.T) {
	w := newWorld().onOrders(view)
	v := w.policy(t).View(identity.Viewer{User: uid("head"), Kind: identity.Live, Role: "Head", PermissionSet: "s", Application: "shop", Credential: identity.Session}, nil, nil)
	sees(t, v, view, "head")
}

func TestContainsMinus(t *testing.T) {
	v := newWorld().onOrders(view).live(t, "rep")
	m := &policy.Minus{From: policy.All{}, Take: &policy.Owners{Users: []record.ID{uid("rep")}}}
	if v.Contains(m, by("rep")) || !v.Contains(m, by("head")) {
		t.Error("Minus takes what it should keep")
	}
}

// rights is everything that a view grants over some records.
type rights struct {
	decisions        map[[3]int]bool
	visible, written map[uint32]record.FieldSet
	forms            map[uint32]policy.FormShape
}

func rightsOf(v *policy.View, records map[uint32][]*subject) rights {
	r := rights{map[[3]int]bool{}, map[uint32]record.FieldSet{}, map[uint32]record.FieldSet{}, map[uint32]policy.FormShape{}}
	for form, list := range records {
		for i, s := range list {
			for _, a := range judged {
				r.decisions[[3]int{int(form), i, int(a)}] = v.Decide(form, a, s)
			}
			r.decisions[[3]int{int(form), i, 100}] = v.MayChangeOwner(form, s)
			r.decisions[[3]int{int(form), i, 101}] = v.MayCreate(form, s.parentOrNil())
		}
		if f, ok := v.Shape().Form(form); ok {
			r.forms[form], r.visible[form], r.written[form] = *f, f.Visible, f.Writable
		}
	}
	return r
}

func (s *subject) parentOrNil() policy.Subject {
	if s.parent == nil {
		return nil
	}
	return s.parent
}

// TestP6MoreNeverTakesAway widens random worlds by one grant.
func TestP6MoreNeverTakesAway(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt}
		w := d.world()
		who := w.viewer(d)
		widen := w.widening(d) // drawn before the records, whose outcomes it may need
		records := map[uint32][]*subject{order: {w.order(d), w.order(d)}, line: {w.line(d), w.line(d)}}
		before := rightsOf(w.as(t, who), records)
		widen()
		after := rightsOf(w.as(t, who), records)
		for key, had := range before.decisions {
			if had && !after.decisions[key] {
				rt.Fatalf("form %d, record %d, action %d was taken away", key[0], key[1], key[2])
			}
		}
		for form, f := range before.forms {
			g, ok := after.forms[form]
			if !ok || f.View && !g.View || f.Create && !g.Create || f.Edit && !g.Edit || f.Delete && !g.Delete || len(f.Reports) > len(g.Reports) {
				rt.Fatalf("form %d lost a right", form)
			}
			if !before.visible[form].Minus(after.visible[form]).Empty() || !before.written[form].Minus(after.written[form]).Empty() {
				rt.Fatalf("form %d lost a field", form)
			}
		}
	})
}

// widening draws one more grant and returns what adds it.
func (w *world) widening(d *drawing) func() {
	set := w.app.Sets[0]
	switch d.upTo(6) {
	case 0:
		report, a := pick(d, w.app.Reports).Name, pick(d, reportActions)
		return func() { set.Reports[report] = append(slices.Clone(set.Reports[report]), view, a) }
	case 1:
		r := w.sharingRule(d, "more")
		return func() { w.app.Sharing = append(w.app.Sharing, r) }
	case 2:
		r := w.customRule(d, "c0") // records know the answers of c0
		r.Effect, r.Name = definition.Share, "more"
		return func() { w.app.Custom = append(w.app.Custom, r) }
	case 3:
		f := set.Forms[pick(d, w.app.Forms).Name]
		return func() {
			f.Actions = append(f.Actions, access)
			for name := range f.Fields {
				f.Fields[name] = definition.Writable
			}
		}
	case 4:
		return func() { w.app.Hierarchy = true }
	case 5:
		r := pick(d, w.app.Roles)
		return func() { r.SharePeers = true }
	}
	return func() { set.ShowPII, set.ShowEPHI = true, true }
}

func TestFingerprint(t *testing.T) {
	base := func() *world { return newWorld().onOrders(view, edit) }
	print := func(w *world, user string) [32]byte { return w.live(t, user).Shape().Fingerprint }
	want := print(base(), "rep")
	if print(base(), "ceo") != want {
		t.Error("equal rights of two users differ")
	}
	same := base()
	same.app.Sets[0].Name, same.app.Sets[0].Description = "s", "the same rights in other words"
	same.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	if print(same, "rep") != want {
		t.Error("a rule changes the shape")
	}
	seen := map[[32]byte]string{want: "base"}
	for name, change := range map[string]func(*world){
		"version":            func(w *world) { w.app.Version++ },
		"name":               func(w *world) { w.app.Name = "shop2" },
		"other name":         func(w *world) { w.app.Name = "shoq" },
		"form number":        func(w *world) { w.app.Forms[0].Number, w.app.Forms[1].Fields[0].Target = 4, 4 },
		"two reports":        func(w *world) { w.reportNames("ab", "c") },
		"the same letters":   func(w *world) { w.reportNames("a", "bc") },
		"shorter and longer": func(w *world) { w.reportNames("abcd", "e") },
		"visible":            func(w *world) { w.app.Sets[0].Forms["Order"].Fields["title"] = definition.Hidden },
		"read only":          func(w *world) { w.app.Sets[0].Forms["Order"].Fields["title"] = definition.ReadOnly },
		"create":             func(w *world) { w.app.Sets[0].Forms["Order"].Actions = list{access} },
		"edit":               func(w *world) { w.app.Sets[0].Reports["orders"] = list{view} },
		"delete":             func(w *world) { w.app.Sets[0].Reports["orders"] = list{view, edit, del} },
		"report":             func(w *world) { w.app.Sets[0].Reports["bigOrders"] = list{view} },
		"other report":       func(w *world) { w.app.Sets[0].Reports["emeaOrders"] = list{view} },
		"form":               func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view} },
		"nothing":            func(w *world) { w.app.Sets[0].Reports = nil },
	} {
		w := base()
		change(w)
		got := print(w, "rep")
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[got] = name
	}
	w := base()
	nobody, later := w.kind(t, "rep", identity.Nobody), base()
	later.app.Version++
	if nobody.Shape().Fingerprint == later.kind(t, "rep", identity.Nobody).Shape().Fingerprint {
		t.Error("shapes without rights of two versions have one fingerprint")
	}
	who := identity.Viewer{Tenant: identity.Tenant{2}, User: uid("rep"), Kind: identity.Live, Role: "Rep", PermissionSet: "s", Application: "shop", Credential: identity.Session}
	if w.policy(t).View(who, w.people(), nil).Shape().Fingerprint == want {
		t.Error("two tenants have one fingerprint")
	}
}

// reportNames renames the two reports of Order and opens them to the set.
func (w *world) reportNames(first, second string) {
	w.app.Reports[1].Name, w.app.Reports[2].Name = first, second
	w.app.Sets[0].Reports[first], w.app.Sets[0].Reports[second] = list{view}, list{view}
}

func TestShapeReports(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {view}, "bigOrders": {viewAll}, "emeaOrders": {export}})
	f := orderShape(t, w.live(t, "rep"))
	if len(f.Reports) != 1 || f.Reports[0].Name != "bigOrders" {
		t.Errorf("%d reports", len(f.Reports))
	}
	if _, ok := w.live(t, "rep").Shape().Form(task); ok {
		t.Error("a form without rights is in the shape")
	}
}

// TestConcurrentUse is of use under -race.
func TestConcurrentUse(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	w.share(definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.Read})
	v := w.live(t, "rep")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for _, owner := range everybody {
				for _, a := range judged {
					if v.Decide(order, a, by(owner)) != v.Contains(v.Reach(order, a), by(owner)) {
						t.Error("decision and reach differ")
					}
				}
			}
		})
	}
	wait.Wait()
}
