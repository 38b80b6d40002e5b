package policy_test

import (
	"fmt"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// The cases here are those that random worlds meet too seldom.

// estranged has a parent at hand and says that there is none.
type estranged struct{ *subject }

func (s estranged) Parent() (policy.Subject, bool) { return s.parent, false }

// TestE4NoParentIsNoReach: what Parent returns beside false does not count.
func TestE4NoParentIsNoReach(t *testing.T) {
	v := withLines(list{view, edit}, list{view, edit}).live(t, "rep")
	s := under(by("rep"), "rep")
	can(t, v, line, view, s, true)
	can(t, v, line, view, estranged{s}, false)
	can(t, v, line, edit, estranged{s}, false)
}

// TestF3SeveralFieldRules: each field rule names people for itself.
func TestF3SeveralFieldRules(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	w.share(definition.SharingRule{Name: "a", Field: "assignee", Level: definition.Read})
	w.share(definition.SharingRule{Name: "b", Field: "addedBy", Level: definition.ReadWrite})
	w.share(definition.SharingRule{Name: "c", Field: "modifiedBy", Level: definition.Read})
	s := by("ceo", cell(assignee, record.Ref(uid("rep"))))
	can(t, w.live(t, "rep"), order, view, s, true)
	can(t, w.live(t, "agent"), order, view, s, false)
	w.holds["adder"] = "Agent" // by adds and modifies as this person
	can(t, w.live(t, "adder"), order, view, s, true)
	can(t, w.live(t, "adder"), order, edit, s, true)
	h := record.Header{Version: 2, Owner: uid("ceo"), AddedBy: uid("ceo"), ModifiedBy: uid("rep2")}
	modified := &subject{rec: record.Encode(uid("r"), h, record.Record{}, nil)}
	can(t, w.live(t, "rep2"), order, view, modified, true)
	can(t, w.live(t, "rep2"), order, edit, modified, false)
}

// TestP4NobodyIsNamedByAnEmptyField: a viewer without id is not who an empty
// user field names.
func TestP4NobodyIsNamedByAnEmptyField(t *testing.T) {
	v := newWorld().onOrders(view).policy(t).View(identity.Viewer{}, nil, nil)
	f := record.Field{Number: assignee, Name: "assignee", Type: record.User}
	if v.Contains(&policy.Audience{Field: f}, by("rep")) {
		t.Error("an empty field names nobody, and nobody is in the audience")
	}
	if !v.Contains(policy.Intersect{policy.All{}}, by("rep")) {
		t.Error("an intersection of one is that one")
	}
}

// TestUnknownFormsHaveNoMasks holds for every question about a form.
func TestUnknownFormsHaveNoMasks(t *testing.T) {
	w := newWorld().onOrders(view)
	w.custom(definition.CustomRule{Name: "m", Effect: definition.Mask, Fields: []string{"title"}})
	v := w.live(t, "rep")
	if len(v.Masks(order)) != 1 || len(v.Masks(99)) != 0 || !v.MayMask(99).Empty() || !v.Masked(99, by("rep")).Empty() {
		t.Error("a form that does not exist has masks")
	}
}

// TestH5MaskOfSeveralFields: each field of a rule is hidden or not by itself, in
// whatever order the rule names them.
func TestH5MaskOfSeveralFields(t *testing.T) {
	fields := []uint32{title, amount, region}
	for bits := range 1 << len(fields) {
		w := newWorld().onOrders(view)
		w.custom(definition.CustomRule{Name: "m", Effect: definition.Mask, Fields: []string{"title", "amount", "region"}})
		visible, hidden := record.FieldSet{}, record.FieldSet{}
		for i, n := range fields {
			if bits&(1<<i) != 0 {
				visible = visible.With(n)
			} else {
				hidden = hidden.With(n)
			}
		}
		got := w.live(t, "rep").Masked(order, by("rep").saying("m", policy.Outcome{Visible: visible}))
		if fmt.Sprint(got.Numbers()) != fmt.Sprint(hidden.Numbers()) {
			t.Errorf("of %v visible %v: hidden %v, want %v", fields, visible.Numbers(), got.Numbers(), hidden.Numbers())
		}
	}
}

// TestB1RefusedViewersHaveNoMasks: a refused view has rights and rules of nobody.
func TestB1RefusedViewersHaveNoMasks(t *testing.T) {
	w := newWorld().onOrders(view)
	w.app.Sets[0].APIAccess = false
	w.custom(definition.CustomRule{Name: "m", Effect: definition.Mask, Fields: []string{"title"}})
	w.custom(definition.CustomRule{Name: "r", Effect: definition.Restrict})
	v := w.as(t, identity.Viewer{User: uid("rep"), Kind: identity.Live, Role: "Rep", PermissionSet: "s", Credential: identity.PersonalToken})
	if v.Refused() == nil || len(v.Masks(order)) != 0 || !v.MayMask(order).Empty() {
		t.Error("a refused view has masks")
	}
	deniesEverything(t, v)
}

// TestG1HiddenReachIsPlain: of an admin who hides everything the reach takes
// away that owner, and nothing beside.
func TestG1HiddenReachIsPlain(t *testing.T) {
	w := newWorld().onOrders(viewAll).hide("admin", nil)
	m, ok := w.live(t, "rep").Reach(order, view).(*policy.Minus)
	if !ok {
		t.Fatal("nothing is taken away")
	}
	if o, ok := m.Take.(*policy.Owners); !ok || len(o.Users) != 1 || o.Users[0] != uid("admin") || o.NoRole {
		t.Errorf("taken away: %#v", m.Take)
	}
	if m.From != (policy.All{}) {
		t.Errorf("from %#v", m.From)
	}
}

// TestReachCarriesTheFilter: plans are made from the filter of a criteria reach.
func TestReachCarriesTheFilter(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"bigOrders": {viewAll}})
	v := w.live(t, "rep")
	c, ok := v.Reach(order, view).(*policy.Criteria)
	if !ok || c.Program == nil {
		t.Fatalf("reach %#v", v.Reach(order, view))
	}
	if fs := filter.Fields(c.Expr); len(fs) != 1 || fs[0].Number != amount {
		t.Errorf("the filter reads %v", fs)
	}
	if p := w.policy(t); p.Application() != w.app {
		t.Error("the policy has lost its definition")
	}
}

// TestE4ParentFieldAnywhere: the parent lookup need not be the first field.
func TestE4ParentFieldAnywhere(t *testing.T) {
	w := withLines(list{view, edit}, list{view})
	f := w.app.Forms[1].Fields
	f[0], f[1] = f[1], f[0]
	can(t, w.live(t, "rep"), line, view, under(by("rep"), "x"), true)
	can(t, w.live(t, "rep"), line, view, under(by("agent"), "x"), false)
}

// TestSystemFieldsOfFormsNotListed: a form that the set says nothing of has the
// four system fields that every reader sees, and no other.
func TestSystemFieldsOfFormsNotListed(t *testing.T) {
	w := newWorld()
	w.set("s", map[string][]definition.Action{"orders": {view}, "tasks": {view}, "lines": {view}}).Forms = nil
	for _, form := range []uint32{order, line, task} {
		f, ok := w.live(t, "rep").Shape().Form(form)
		if !ok {
			t.Fatalf("form %d is not in the shape", form)
		}
		want := []uint32{record.FieldID, record.FieldVersion, record.FieldAddedTime, record.FieldModifiedTime}
		if got := f.Visible; !got.Minus(record.FieldSetOf(want...)).Empty() || !record.FieldSetOf(want...).Minus(got).Empty() || !f.Writable.Empty() {
			t.Errorf("form %d: visible %v, writable %v", form, got.Numbers(), f.Writable.Numbers())
		}
	}
	admin, _ := w.kind(t, "admin", identity.Admin).Shape().Form(task)
	for _, s := range record.System {
		if !admin.Visible.Has(s.Number) {
			t.Errorf("an admin does not see %s", s.Name)
		}
	}
}

// TestFormActionsAreEachTheirOwn: of several actions on a form every one counts,
// and none stands for another.
func TestFormActionsAreEachTheirOwn(t *testing.T) {
	report := definition.CreateReport
	for _, c := range []struct {
		actions        list
		create, report bool
	}{
		{nil, false, false}, {list{access}, true, false}, {list{report}, false, true}, {list{importRight}, false, false},
		{list{access, report}, true, true}, {list{report, access}, true, true}, {list{importRight, access}, true, false},
		{list{report, importRight}, false, true}, {list{access, importRight, report}, true, true},
	} {
		w := newWorld().onOrders(view)
		w.app.Sets[0].Forms["Order"].Actions = c.actions
		if f := orderShape(t, w.live(t, "rep")); f.Create != c.create || f.CreateReport != c.report {
			t.Errorf("%v: create %v, create report %v", c.actions, f.Create, f.CreateReport)
		}
	}
}

// TestFaultAnywhereInARule: a name that does not exist is found behind others.
func TestFaultAnywhereInARule(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"second set of the second rule": func(w *world) {
			w.custom(definition.CustomRule{Name: "a", Effect: definition.Restrict, Sets: []string{"s"}})
			w.custom(definition.CustomRule{Name: "b", Effect: definition.Restrict, Sets: []string{"s", "t"}})
		},
		"set of the second rule": func(w *world) {
			w.custom(definition.CustomRule{Name: "a", Effect: definition.Restrict})
			w.custom(definition.CustomRule{Name: "b", Effect: definition.Restrict, Sets: []string{"t"}})
		},
		"second role": func(w *world) {
			w.custom(definition.CustomRule{Name: "a", Effect: definition.Restrict, Roles: []string{"Rep", "Intern"}})
		},
		"second field": func(w *world) {
			w.custom(definition.CustomRule{Name: "a", Effect: definition.Mask, Fields: []string{"title", "version"}})
		},
	} {
		w := newWorld().onOrders(view)
		spoil(w)
		if _, err := policy.Compile(w.app); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
}

// TestC5StrangersAreNoPeersOfTheRoot: a role that the definition does not have is
// nobody's, the root's neither.
func TestC5StrangersAreNoPeersOfTheRoot(t *testing.T) {
	w := newWorld().onOrders(view)
	w.role("CEO").SharePeers = true
	w.holds["stray"], w.holds["ceo2"] = "Intern", "CEO"
	can(t, w.live(t, "ceo"), order, view, by("ceo2"), true)
	can(t, w.live(t, "ceo"), order, view, by("stray"), false)
	w.share(definition.SharingRule{From: group{Role: "CEO", Subordinates: true}, To: group{Role: "Agent"}, Level: definition.Read})
	can(t, w.live(t, "agent"), order, view, by("stray"), false)
}

// TestC4WithoutPeopleNobodyHasARole: with nobody to ask, every owner is without
// a role, and those are the root's.
func TestC4WithoutPeopleNobodyHasARole(t *testing.T) {
	w := newWorld().onOrders(view)
	who := identity.Viewer{User: uid("ceo"), Kind: identity.Live, Role: "CEO", PermissionSet: "s", Application: "shop", Credential: identity.Session}
	sees(t, w.policy(t).View(who, nil, nil), view, everybody...)
}

// TestF1GroupsThatOverlap: rules whose groups contain one another share what
// each of them does, whichever comes first.
func TestF1GroupsThatOverlap(t *testing.T) {
	from := []group{
		{Role: "Head", Subordinates: true}, {Role: "Rep"}, {Role: "CEO"}, {Role: "Support", Subordinates: true}, {Role: "Agent"},
	}
	w := newWorld().onOrders(view)
	w.app.Roles = append(w.app.Roles, &definition.Role{Name: "Junior", ReportsTo: "Head"}, &definition.Role{Name: "Out", ReportsTo: "CEO"})
	w.holds["junior"], w.holds["out"] = "Junior", "Out"
	in := map[string]int{"head": 1, "rep": 1 | 2, "junior": 1, "ceo": 4, "support": 8, "agent": 8 | 16}
	for bits := range 1 << len(from) {
		w.app.Sharing = nil
		for i, g := range from {
			if bits&(1<<i) != 0 {
				w.share(definition.SharingRule{From: g, To: group{Role: "Out"}, Level: definition.Read})
			}
		}
		v := w.live(t, "out")
		for owner, groups := range in {
			can(t, v, order, view, by(owner), bits&groups != 0)
		}
		can(t, v, order, view, by("deleted"), false)
	}
}

// TestE4ReportsOfChildForms: a report of a child form is listed where it may show
// something: with an all-right of its own, or below a parent that may be viewed.
func TestE4ReportsOfChildForms(t *testing.T) {
	for _, c := range []struct {
		orders, lines list
		want          int
	}{
		{list{view}, list{view}, 1}, {nil, list{viewAll}, 1}, {list{view}, list{viewAll}, 1}, {nil, list{view}, 0}, {list{view}, nil, 0},
	} {
		w := withLines(c.orders, list{viewAll})
		w.app.Reports = append(w.app.Reports, &definition.Report{Name: "allLines", Form: "Line"})
		w.app.Sets[0].Reports["allLines"] = c.lines
		f, ok := w.live(t, "rep").Shape().Form(line)
		if !ok || len(f.Reports) != c.want {
			t.Errorf("orders %v, lines %v: %d reports, want %d", c.orders, c.lines, len(f.Reports), c.want)
		}
	}
}

// TestFingerprintOfEveryPart: two sets that differ in one part alone, of the
// second form or behind an equal first one too, have two fingerprints.
func TestFingerprintOfEveryPart(t *testing.T) {
	hidden := func(names ...string) func(*world) {
		return func(w *world) {
			for _, n := range names {
				w.app.Sets[0].Forms["Order"].Fields[n] = definition.Hidden
			}
		}
	}
	actions := func(a ...definition.Action) func(*world) {
		return func(w *world) { w.app.Sets[0].Forms["Order"].Actions = a }
	}
	reports := func(names ...string) func(*world) {
		return func(w *world) {
			w.app.Reports = append(w.app.Reports, &definition.Report{Name: "third", Form: "Order"})
			for _, n := range names {
				w.app.Sets[0].Reports[n] = list{view}
			}
		}
	}
	none := func(w *world) { w.app.Sets[0].Reports["orders"] = nil }
	seen := map[[32]byte]string{}
	for name, change := range map[string]func(*world){
		"base":                    func(*world) {},
		"title hidden":            hidden("title"),
		"amount hidden":           hidden("amount"),
		"region hidden":           hidden("region"),
		"title and amount hidden": hidden("title", "amount"),
		"title and region hidden": hidden("title", "region"),
		"add":                     actions(access),
		"keep reports":            actions(definition.CreateReport),
		"add and keep reports":    actions(access, definition.CreateReport),
		"add alone":               func(w *world) { none(w); actions(access)(w) },
		"view and add only":       func(w *world) { w.app.Sets[0].Reports["orders"] = list{view}; actions(access)(w) },
		"view only":               func(w *world) { w.app.Sets[0].Reports["orders"] = list{view} },
		"two reports":             reports("bigOrders", "emeaOrders"),
		"two others":              reports("bigOrders", "third"),
		"tasks":                   func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view} },
		"tasks to edit":           func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view, edit} },
		"tasks to export":         func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view, export} },
		"tasks without title": func(w *world) {
			w.app.Sets[0].Reports["tasks"] = list{view}
			w.app.Sets[0].Forms["Task"].Fields["title"] = definition.Hidden
		},
	} {
		w := newWorld().onOrders(view, edit)
		change(w)
		print := w.live(t, "rep").Shape().Fingerprint
		if other, taken := seen[print]; taken {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[print] = name
	}
}

// TestA5aWhoMayNamePeople: who may write a user field, give a record away, or
// write comments; and nobody else.
func TestA5aWhoMayNamePeople(t *testing.T) {
	readers := func(t *world) { // no user field is writable
		t.app.Sets[0].Forms["Order"].Fields["assignee"] = definition.ReadOnly
	}
	for name, c := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"view":                 {func(w *world) { w.app.Sets[0].Reports["orders"] = list{view} }, false},
		"view and comments":    {func(w *world) { w.app.Sets[0].Reports["orders"] = list{view, readComm} }, false},
		"write comments":       {func(w *world) { w.app.Sets[0].Reports["orders"] = list{view, writeComm} }, true},
		"edit":                 {func(w *world) { w.app.Sets[0].Reports["orders"] = list{view, edit} }, true},
		"delete":               {func(w *world) { w.app.Sets[0].Reports["orders"] = list{view, del} }, false},
		"add":                  {func(w *world) { w.app.Sets[0].Forms["Order"].Actions = list{access} }, true},
		"add, field read only": {func(w *world) { w.app.Sets[0].Forms["Order"].Actions = list{access}; readers(w) }, false},
		"edit tasks":           {func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view, edit} }, false},
		"comment tasks":        {func(w *world) { w.app.Sets[0].Reports["tasks"] = list{view, writeComm} }, true},
		"view orders, edit tasks": {func(w *world) {
			w.app.Sets[0].Reports["orders"], w.app.Sets[0].Reports["tasks"] = list{view}, list{view, edit}
		}, false},
		"view orders, comment tasks": {func(w *world) {
			w.app.Sets[0].Reports["orders"], w.app.Sets[0].Reports["tasks"] = list{view}, list{view, writeComm}
		}, true},
		"give tasks away": {func(w *world) {
			w.app.Sets[0].Reports["tasks"] = list{view, edit}
			w.app.Sets[0].Forms["Task"].Fields["owner"] = definition.ReadOnly
		}, true},
		"see who owns tasks": {func(w *world) {
			w.app.Sets[0].Reports["tasks"] = list{view}
			w.app.Sets[0].Forms["Task"].Fields["owner"] = definition.ReadOnly
		}, false},
		"add lines below new orders": {func(w *world) {
			readers(w)
			lines := w.app.Forms[1]
			lines.Fields = append(lines.Fields, &definition.Field{Field: record.Field{Number: 30, Name: "packer", Type: record.User}})
			w.app.Sets[0].Forms["Order"].Actions, w.app.Sets[0].Forms["Line"].Actions = list{access}, list{access}
			w.app.Sets[0].Forms["Line"].Fields["packer"] = definition.Writable
		}, true},
		"nothing": {func(*world) {}, false},
	} {
		w := newWorld()
		w.set("s", map[string][]definition.Action{})
		c.change(w)
		if got := w.live(t, "rep").Shape().NamesUsers(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestW4NestedCreates: records may be added below a new parent by whoever may add
// both, at any depth and whatever they may edit. Task is a child of Line here.
func TestW4NestedCreates(t *testing.T) {
	forms := []string{"Order", "Line", "Task"}
	for bits := range 1 << 4 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		w := newWorld()
		tasks := w.app.Forms[2]
		up := &definition.Field{Field: record.Field{Number: 40, Name: "line", Type: record.Lookup, Target: line}}
		tasks.Fields, tasks.ParentField = append(tasks.Fields, up), 40
		w.set("s", map[string][]definition.Action{})
		if on(3) {
			w.app.Sets[0].Reports["orders"] = list{view, edit}
		}
		for i, name := range forms {
			if on(i) {
				w.app.Sets[0].Forms[name].Actions = list{access}
			}
		}
		shape := w.live(t, "rep").Shape()
		add := [3]bool{on(0), on(1) && on(3), false} // alone; nobody edits lines
		nested := [3]bool{false, on(1) && on(0), on(2) && on(1) && (on(0) || on(3))}
		for i, number := range []uint32{order, line, task} {
			f, ok := shape.Form(number)
			if !ok {
				f = &policy.FormShape{}
			}
			if f.Create != add[i] || f.CreateNested != nested[i] || ok != (add[i] || nested[i] || i == 0 && on(3)) {
				t.Errorf("%04b: %s: in the shape %v, create %v, below a new parent %v; want %v, %v", bits, forms[i], ok, f.Create, f.CreateNested, add[i], nested[i])
			}
		}
	}
}

// TestFingerprintOfNestedCreates: what may be added below new orders is the only
// difference of the two.
func TestFingerprintOfNestedCreates(t *testing.T) {
	print := func(actions list) [32]byte {
		w := withLines(list{view}, list{view})
		w.app.Sets[0].Forms["Order"].Actions, w.app.Sets[0].Forms["Line"].Actions = list{access}, actions
		return w.live(t, "rep").Shape().Fingerprint
	}
	if print(nil) == print(list{access}) {
		t.Error("adding lines below new orders does not show")
	}
}

// TestW1ShapeOfChangingOwners: to edit and to write the field that names the
// owner; without such a field, to edit and to see the owner.
func TestW1ShapeOfChangingOwners(t *testing.T) {
	for bits := range 1 << 4 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		named, edits, writes, sees := on(0), on(1), on(2), on(3)
		w := newWorld().onOrders(view)
		if named {
			w.app.Forms[0].OwnerField = assignee
		}
		if edits {
			w.app.Sets[0].Reports["orders"] = list{view, edit}
		}
		fields := w.app.Sets[0].Forms["Order"].Fields
		if !writes {
			fields["assignee"] = definition.ReadOnly
		}
		if sees {
			fields["owner"] = definition.ReadOnly
		}
		want := edits && (named && writes || !named && sees)
		if got := orderShape(t, w.live(t, "rep")).ChangesOwner(); got != want {
			t.Errorf("owner field %v, edit %v, field writable %v, owner visible %v: %v", named, edits, writes, sees, got)
		}
	}
}

// TestG1HidesSaysWhatIsHidden: of records that somebody hides from the viewer and
// of no others, whoever may read them; of no record and no form nothing.
func TestG1HidesSaysWhatIsHidden(t *testing.T) {
	w := newWorld().onOrders(viewAll).hide("admin", map[string]any{"region": map[string]any{"eq": "EMEA"}})
	emea, apac := cell(region, record.String("EMEA")), cell(region, record.String("APAC"))
	for who, v := range map[string]*policy.View{"rep": w.live(t, "rep"), "boss": w.kind(t, "boss", identity.SuperAdmin), "admin": w.kind(t, "admin", identity.Admin)} {
		for i, c := range []struct {
			form uint32
			s    *subject
			want bool
		}{
			{order, by("admin", emea), who != "admin"}, {order, by("admin", apac), false}, {order, by("rep", emea), false},
			{task, by("admin", emea), false}, {99, by("admin", emea), false}, {order, &subject{}, false},
		} {
			if got := v.Hides(c.form, c.s.rec); got != c.want {
				t.Errorf("%s, case %d: %v, want %v", who, i, got, c.want)
			}
		}
	}
}
