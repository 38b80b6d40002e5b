package policy_test

import (
	"slices"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// ownFields lets a filter name every field of the record itself.
type ownFields struct{ form *definition.Form }

func (s ownFields) Field(name string) (record.Field, bool) {
	f, ok := s.form.Field(name)
	if !ok {
		return record.Field{}, false
	}
	return f.Field, true
}

func (ownFields) Related(record.Field) (filter.Scope, bool) { return nil, false }

func compiled(form *definition.Form, where map[string]any) *policy.Criteria {
	e, faults := filter.Parse(where, ownFields{form}, filter.Options{})
	if len(faults) > 0 {
		panic(faults[0].Msg)
	}
	return &policy.Criteria{Expr: e, Program: filter.Compile(e)}
}

// hideFilters are what random worlds hide by, and the formula knows.
var hideFilters = []map[string]any{
	{"region": map[string]any{"eq": "EMEA"}}, {"amount": map[string]any{"gte": 100}}, {},
}

// hide lets the user hide their orders; nil where hides all of them.
func (w *world) hide(owner string, where map[string]any) *world {
	h := policy.Hide{Form: order, Owner: uid(owner)}
	if where != nil {
		h.Criteria = compiled(w.app.Forms[0], where)
	}
	w.hides = append(w.hides, h)
	return w
}

// hidden is §7 without compiling anything.
func (f *formula) hidden(form string, s *subject) bool {
	return slices.ContainsFunc(f.w.hides, func(h policy.Hide) bool {
		number := map[string]uint32{"Order": order, "Line": line}[form]
		if h.Form != number || h.Owner != s.rec.Owner() || !h.Lapsed && h.Owner == f.v.User || h.Lapsed && f.v.Kind == identity.SuperAdmin {
			return false
		}
		if h.Criteria == nil {
			return true
		}
		switch fields := filter.Fields(h.Criteria.Expr); {
		case len(fields) == 0:
			return true
		case fields[0].Number == region:
			return string(s.cell(region, record.Text).Text()) == "EMEA"
		}
		return s.cell(amount, record.Integer).Int() >= 100
	})
}

var emea = map[string]any{"region": map[string]any{"eq": "EMEA"}}

// viewers are one of each kind, whatever they are granted.
func viewers(t *testing.T, w *world) map[string]*policy.View {
	t.Helper()
	return map[string]*policy.View{
		"a live user": w.live(t, "rep"), "the root": w.live(t, "ceo"), "a developer": w.kind(t, "dev", identity.Developer),
		"another admin": w.kind(t, "admin2", identity.Admin), "the super admin": w.kind(t, "super", identity.SuperAdmin),
	}
}

func TestG1HiddenFromEveryKindOfViewer(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll, del, export, readComm, writeComm, history)
	w.share(definition.SharingRule{From: group{Role: "CEO"}, To: group{Role: "Rep"}, Level: definition.ReadWriteDelete})
	w.share(definition.SharingRule{Field: "assignee", Level: definition.ReadWriteDelete})
	w.share(definition.SharingRule{Criteria: map[string]any{}, To: group{Role: "Rep"}, Level: definition.ReadWriteDelete})
	w.hide("admin", emea)
	shut, open := cell(region, record.String("EMEA")), cell(region, record.String("APAC"))
	named := cell(assignee, record.Ref(uid("rep")))
	for who, v := range viewers(t, w) {
		t.Run(who, func(t *testing.T) {
			for _, a := range judged {
				can(t, v, order, a, by("admin", shut, named), false)
				can(t, v, order, a, by("admin", open), true)
				can(t, v, order, a, by("admin"), true)
				can(t, v, order, a, by("head", shut), true)
			}
			if v.MayChangeOwner(order, by("admin", shut)) {
				t.Error("may give a hidden record away")
			}
		})
	}
	owner := w.kind(t, "admin", identity.Admin)
	for _, a := range judged {
		can(t, owner, order, a, by("admin", shut), true)
	}
	w.app.Sets[0].Portal = true
	portal := w.as(t, identity.Viewer{User: uid("portal"), Kind: identity.Portal, PermissionSet: "s"})
	can(t, portal, order, view, by("admin", shut), false)
	can(t, portal, order, view, by("admin", open), true)
}

// An owner sees what they hide, but what somebody else hides stays hidden.
func TestG1EachHidesTheirOwn(t *testing.T) {
	w := newWorld().onOrders(viewAll).hide("admin", nil).hide("admin2", nil).hide("admin", emea)
	for _, who := range []string{"admin", "admin2"} {
		v := w.kind(t, who, identity.Admin)
		for _, owner := range []string{"admin", "admin2", "rep", ""} {
			can(t, v, order, view, by(owner), owner == who || owner == "rep" || owner == "")
		}
	}
	// Hiding orders hides no task.
	can(t, w.kind(t, "super", identity.SuperAdmin), task, view, by("admin"), true)
}

func TestG1SeveralFiltersOfOneOwner(t *testing.T) {
	w := newWorld().onOrders(viewAll).hide("admin", emea).hide("admin", map[string]any{"amount": map[string]any{"gte": 100}})
	v := w.live(t, "rep")
	can(t, v, order, view, by("admin", cell(region, record.String("EMEA"))), false)
	can(t, v, order, view, by("admin", cell(amount, record.Int(100))), false)
	can(t, v, order, view, by("admin", cell(amount, record.Int(99))), true)
}

// A report shows its own term of the reach, without what is hidden.
func TestG1Reports(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"bigOrders": {viewAll}, "orders": {view}})
	w.hide("admin", emea)
	for who, v := range viewers(t, w) {
		if r := v.ReportReach("bigOrders"); v.Contains(r, by("admin", cell(amount, record.Int(200)), cell(region, record.String("EMEA")))) ||
			!v.Contains(r, by("admin", cell(amount, record.Int(200)))) {
			t.Errorf("%s: the report does not follow the hiding", who)
		}
	}
}

// Lines follow their order: whoever reaches them by it alone loses them with
// it. An all-right on the child form is not cut by the parent, and the child
// form's own hides are.
func TestG1ChildForms(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {viewAll}, "lines": {view}})
	w.hide("admin", emea)
	shut := by("admin", cell(region, record.String("EMEA")))
	can(t, w.live(t, "rep"), line, view, under(shut, "rep"), false)
	can(t, w.live(t, "rep"), line, view, under(by("admin"), "rep"), true)
	super := w.kind(t, "super", identity.SuperAdmin)
	can(t, super, line, view, under(shut, "admin"), true)
	if super.MayCreate(line, shut) || w.live(t, "rep").MayCreate(line, shut) {
		t.Error("a line may be put under a hidden order")
	}
	w.hides = append(w.hides, policy.Hide{Form: line, Owner: uid("admin")})
	can(t, w.kind(t, "super", identity.SuperAdmin), line, view, under(shut, "admin"), false)
	can(t, w.kind(t, "super", identity.SuperAdmin), line, view, under(shut, "rep"), true)
}

// What cannot be evaluated hides.
func TestG1AFilterThatIsBrokenHidesEverything(t *testing.T) {
	w := newWorld().onOrders(viewAll)
	w.hides = []policy.Hide{{Form: order, Owner: uid("admin"), Criteria: &policy.Criteria{Expr: filter.Or{}}}}
	for _, v := range viewers(t, w) {
		can(t, v, order, view, by("admin"), false)
		can(t, v, order, view, by("rep"), true)
	}
}

func TestG2LapsedHidesShowToTheSuperAdminAlone(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll, del).hide("admin", emea)
	w.hides[0].Lapsed = true
	s := by("admin", cell(region, record.String("EMEA")))
	for who, v := range viewers(t, w) {
		for _, a := range judged[:3] {
			can(t, v, order, a, s, who == "the super admin")
		}
	}
	// Who hid them and is an ordinary user now is not the super admin either.
	w.holds["admin"] = "Rep"
	can(t, w.live(t, "admin"), order, view, s, false)
	can(t, w.live(t, "admin"), order, view, by("admin"), true)
}

func TestA3AdminsLessWhatIsHidden(t *testing.T) {
	w := newWorld().hide("admin", emea)
	for _, k := range []identity.Kind{identity.Admin, identity.SuperAdmin} {
		v := w.kind(t, "someone", k)
		for _, a := range judged {
			can(t, v, order, a, by("admin", cell(region, record.String("EMEA"))), false)
			can(t, v, order, a, by("admin", cell(region, record.String("APAC"))), true)
			can(t, v, order, a, by("rep", cell(region, record.String("EMEA"))), true)
			if m, ok := v.Reach(order, a).(*policy.Minus); !ok || m.From != (policy.All{}) {
				t.Errorf("the reach of an admin is %#v", v.Reach(order, a))
			}
			if v.Reach(task, a) != (policy.All{}) {
				t.Errorf("the reach of an admin on a form without hides is %#v", v.Reach(task, a))
			}
		}
	}
}

// A nobody is shown nothing by a hide that has lapsed.
func TestG2HidingGrantsNothing(t *testing.T) {
	w := newWorld().onOrders(view).hide("rep", nil)
	w.hides[0].Lapsed = true
	can(t, w.as(t, identity.Viewer{User: uid("rep")}), order, view, by("rep"), false)
	can(t, w.live(t, "agent"), order, view, by("head"), false)
	can(t, w.live(t, "head"), order, view, by("rep"), false)
	can(t, w.live(t, "rep"), order, view, by("rep"), false)
}
