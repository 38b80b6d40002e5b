package policy_test

import (
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

var full = []identity.Kind{identity.Developer, identity.Admin, identity.SuperAdmin}

// only is a rule of the effect that concerns the role Rep.
func only(e definition.Effect) definition.CustomRule {
	return definition.CustomRule{Name: "x", Effect: e, MaxLevel: definition.ReadWriteDelete, Fields: []string{"title", "amount"}, Roles: []string{"Rep"}}
}

func TestF4CustomShareLevels(t *testing.T) {
	w := newWorld().onOrders(view, edit, del)
	w.custom(only(definition.Share))
	v := w.live(t, "rep")
	for l, want := range [][3]bool{{}, {true}, {true, true}, {true, true, true}, {}, {}} {
		s := by("agent").saying("x", policy.Outcome{Level: definition.Level(l)})
		for i, a := range []definition.Action{view, edit, del} {
			can(t, v, order, a, s, want[i])
		}
	}
}

func TestF4CustomShareWithinTheSet(t *testing.T) {
	w := newWorld()
	w.custom(only(definition.Share))
	w.set("s", map[string][]definition.Action{"bigOrders": {view}})
	v, all := w.live(t, "rep"), policy.Outcome{Level: definition.ReadWriteDelete}
	can(t, v, order, view, by("agent", cell(amount, record.Int(100))).saying("x", all), true)
	can(t, v, order, view, by("agent", cell(amount, record.Int(1))).saying("x", all), false)
	can(t, v, order, edit, by("agent", cell(amount, record.Int(100))).saying("x", all), false)
}

func TestH1Effects(t *testing.T) {
	for e, c := range map[definition.Effect]struct {
		o       policy.Outcome
		foreign bool
		own     bool
	}{
		definition.Share:    {o: policy.Outcome{Level: definition.Read}, own: true, foreign: true},
		definition.Restrict: {o: policy.Outcome{}, own: false, foreign: false},
		definition.Mask:     {o: policy.Outcome{}, own: true, foreign: false},
	} {
		w := newWorld().onOrders(view)
		w.custom(only(e))
		v := w.live(t, "rep")
		can(t, v, order, view, by("rep").saying("x", c.o), c.own)
		can(t, v, order, view, by("agent").saying("x", c.o), c.foreign)
	}
	w := newWorld().onOrders(view)
	w.custom(definition.CustomRule{Name: "x"})
	if _, err := policy.Compile(w.app); err == nil {
		t.Error("a rule without effect compiled")
	}
}

func TestH1RestrictTakesFromEveryGrant(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll, del, export, writeComm, history)
	w.custom(only(definition.Restrict))
	second := only(definition.Restrict)
	second.Name = "y"
	w.custom(second)
	v := w.live(t, "rep")
	keep, drop := policy.Outcome{Through: true}, policy.Outcome{}
	for _, a := range judged {
		can(t, v, order, a, by("rep").saying("x", keep).saying("y", keep), true)
		can(t, v, order, a, by("rep").saying("x", drop).saying("y", keep), false)
		can(t, v, order, a, by("rep").saying("x", keep).saying("y", drop), false)
	}
	if v.Contains(v.ReportReach("bigOrders"), by("rep", cell(amount, record.Int(200))).saying("x", drop).saying("y", keep)) {
		t.Error("a report shows what a rule removed")
	}
}

func TestH3WhomARuleConcerns(t *testing.T) {
	for name, c := range map[string]struct {
		roles, sets, users []string
		want               []string
	}{
		"everyone":        {nil, nil, nil, []string{"ceo", "head", "rep", "rep2", "agent"}},
		"role, not below": {[]string{"Head"}, nil, nil, []string{"head"}},
		"roles":           {[]string{"Rep", "CEO"}, nil, nil, []string{"ceo", "rep", "rep2"}},
		"set":             {nil, []string{"s"}, nil, []string{"ceo", "head", "rep", "rep2", "agent"}},
		"another set":     {nil, []string{"other"}, nil, nil},
		"user":            {nil, nil, []string{"rep@x"}, []string{"rep"}},
		"unknown user":    {nil, nil, []string{"who@x"}, nil},
		"any is enough":   {[]string{"Agent"}, []string{"other"}, []string{"rep@x"}, []string{"agent", "rep"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, user := range []string{"ceo", "head", "rep", "rep2", "agent"} {
				concerned := false
				for _, u := range c.want {
					concerned = concerned || u == user
				}
				concern(t, user, concerned, func(r *definition.CustomRule) { r.Roles, r.Sets, r.Users = c.roles, c.sets, c.users })
			}
		})
	}
}

// concern asserts that rules of each effect do or do not concern the user.
func concern(t *testing.T, user string, concerned bool, limit func(*definition.CustomRule)) {
	t.Helper()
	for _, e := range []definition.Effect{definition.Share, definition.Restrict, definition.Mask} {
		w := newWorld().onOrders(view)
		w.set("other", nil)
		w.address("rep")
		rule := only(e)
		limit(&rule)
		w.custom(rule)
		w.app.Hierarchy = false
		v := w.live(t, user)
		var got bool
		switch e {
		case definition.Share:
			s := by("support").saying("x", policy.Outcome{Level: definition.Read})
			got = v.Decide(order, view, s)
			can(t, v, order, view, s, concerned)
		case definition.Restrict:
			s := by(user)
			got = !v.Decide(order, view, s)
			can(t, v, order, view, s, !concerned)
		case definition.Mask:
			got = len(v.Masks(order)) == 1
			if masked := v.Masked(order, by(user)); masked.Has(title) != concerned || v.MayMask(order).Has(title) != concerned {
				t.Errorf("%s: masked %v", user, masked.Numbers())
			}
		}
		if got != concerned {
			t.Errorf("effect %d concerns %s: %v, want %v", e, user, got, concerned)
		}
	}
}

func TestH3PortalUsersAreConcerned(t *testing.T) {
	w := newWorld().onOrders(view)
	w.app.Sets[0].Portal = true
	rule := only(definition.Restrict)
	rule.Roles = nil
	w.custom(rule)
	v := w.as(t, identity.Viewer{User: uid("portal"), Kind: identity.Portal, PermissionSet: "s"})
	can(t, v, order, view, by("portal"), false)
	can(t, v, order, view, by("portal").saying("x", policy.Outcome{Through: true}), true)
}

func TestH3ShareCap(t *testing.T) {
	for limit, want := range [][3]bool{{}, {true}, {true, true}, {true, true, true}} {
		w := newWorld().onOrders(view, edit, del)
		rule := only(definition.Share)
		rule.MaxLevel = definition.Level(limit)
		w.custom(rule)
		v := w.live(t, "rep")
		s := by("agent").saying("x", policy.Outcome{Level: definition.ReadWriteDelete})
		for i, a := range []definition.Action{view, edit, del} {
			can(t, v, order, a, s, want[i])
		}
		// A reach that names a higher level than the cap grants nothing either.
		over := &policy.Rule{Rule: w.app.Custom[0], Level: definition.Level(limit) + 1}
		if v.Contains(over, s) {
			t.Errorf("cap %d: level %d is in reach", limit, over.Level)
		}
	}
	w := newWorld().onOrders(view)
	rule := only(definition.Share)
	rule.MaxLevel = 4
	w.custom(rule)
	if _, err := policy.Compile(w.app); err == nil {
		t.Error("an unknown cap compiled")
	}
}

func TestH3MaskCap(t *testing.T) {
	w := newWorld().onOrders(view)
	rule := only(definition.Mask)
	w.custom(rule)
	second := only(definition.Mask)
	second.Name, second.Fields = "y", []string{"region", "owner"}
	w.custom(second)
	v := w.live(t, "rep")
	all := record.FieldSetOf(title, amount, region, record.FieldOwner)
	if got := v.MayMask(order); !got.Equal(all) || len(v.Masks(order)) != 2 {
		t.Errorf("may mask %v", got.Numbers())
	}
	for _, c := range []struct {
		x, y []uint32 // left visible
		want []uint32 // masked
	}{
		{nil, nil, all.Numbers()},
		{[]uint32{title, amount}, []uint32{region, record.FieldOwner}, nil},
		{[]uint32{title}, []uint32{region, record.FieldOwner}, []uint32{amount}},
		{[]uint32{title, amount, region, record.FieldOwner}, nil, []uint32{region, record.FieldOwner}},
	} {
		s := by("rep").saying("x", policy.Outcome{Visible: record.FieldSetOf(c.x...)}).saying("y", policy.Outcome{Visible: record.FieldSetOf(c.y...)})
		if got := v.Masked(order, s); !got.Equal(record.FieldSetOf(c.want...)) {
			t.Errorf("visible %v and %v: masked %v, want %v", c.x, c.y, got.Numbers(), c.want)
		}
	}
	if got := v.Masked(order, nil); !got.Equal(all) {
		t.Errorf("without a record masked %v", got.Numbers())
	}
	gone := (&subject{}).saying("x", policy.Outcome{Visible: all}).saying("y", policy.Outcome{Visible: all})
	if got := v.Masked(order, gone); !got.Equal(all) {
		t.Errorf("of a record that is not there masked %v", got.Numbers())
	}
	if got := v.Masked(99, by("rep")); !got.Empty() {
		t.Errorf("of a form that is not there masked %v", got.Numbers())
	}
	if got := v.Masked(task, by("rep")); !got.Empty() || len(v.Masks(task)) != 0 || !v.MayMask(99).Empty() {
		t.Errorf("another form is masked: %v", got.Numbers())
	}
}

func TestH4Faults(t *testing.T) {
	fault := policy.Outcome{Fault: true, Level: definition.ReadWriteDelete, Through: true, Visible: record.FieldSetOf(title, amount)}
	for name, o := range map[string]policy.Outcome{"fault": fault, "zero": {}} {
		w := newWorld().onOrders(view)
		w.custom(only(definition.Share))
		can(t, w.live(t, "rep"), order, view, by("agent").saying("x", o), false)
		can(t, w.live(t, "rep"), order, view, by("rep").saying("x", o), true)

		w = newWorld().onOrders(view)
		w.custom(only(definition.Restrict))
		can(t, w.live(t, "rep"), order, view, by("rep").saying("x", o), false)

		w = newWorld().onOrders(view)
		w.custom(only(definition.Mask))
		if got := w.live(t, "rep").Masked(order, by("rep").saying("x", o)); !got.Equal(record.FieldSetOf(title, amount)) {
			t.Errorf("%s: masked %v, want all of the rule's fields", name, got.Numbers())
		}
	}
}

func TestH4FaultsSpareTheSuperAdmin(t *testing.T) {
	w := newWorld()
	rule := only(definition.Restrict)
	rule.BindsAdmins = true
	w.custom(rule)
	for _, k := range full {
		v := w.kind(t, "admin", k)
		super := k == identity.SuperAdmin
		can(t, v, order, view, by("rep").saying("x", policy.Outcome{Fault: true}), super)
		can(t, v, order, view, by("rep").saying("x", policy.Outcome{Fault: true, Through: true}), super)
		can(t, v, order, view, by("rep").saying("x", policy.Outcome{}), false) // a verdict binds everyone
		can(t, v, order, view, by("rep").saying("x", policy.Outcome{Through: true}), true)
	}
}

func TestH5UnmaskableFields(t *testing.T) {
	for _, name := range []string{"id", "version", "addedTime", "modifiedTime", "color"} {
		w := newWorld().onOrders(view)
		rule := only(definition.Mask)
		rule.Fields = []string{"title", name}
		w.custom(rule)
		if _, err := policy.Compile(w.app); err == nil {
			t.Errorf("a mask over %s compiled", name)
		}
	}
	w := newWorld().onOrders(view)
	rule := only(definition.Mask)
	rule.Fields = []string{"owner", "addedBy", "modifiedBy"}
	w.custom(rule)
	want := record.FieldSetOf(record.FieldOwner, record.FieldAddedBy, record.FieldModifiedBy)
	if got := w.live(t, "rep").Masked(order, by("rep")); !got.Equal(want) {
		t.Errorf("masked %v", got.Numbers())
	}
}

func TestH7AdminsAndDevelopers(t *testing.T) {
	for _, k := range full {
		for _, binds := range []bool{false, true} {
			w := newWorld()
			for _, e := range []definition.Effect{definition.Restrict, definition.Mask} {
				rule := only(e)
				rule.BindsAdmins = binds
				w.custom(rule)
			}
			v := w.kind(t, "admin", k)
			can(t, v, order, view, by("rep").saying("x", policy.Outcome{}), !binds)
			can(t, v, order, edit, by("rep").saying("x", policy.Outcome{}), !binds)
			if !v.Masked(order, by("rep")).Empty() || len(v.Masks(order)) != 0 {
				t.Errorf("%s is masked", k)
			}
		}
		// A rule for everyone is one for live and portal users.
		w := newWorld()
		rule := only(definition.Restrict)
		rule.Roles = nil
		w.custom(rule)
		can(t, w.kind(t, "admin", k), order, view, by("rep"), true)
	}
	// Binding admins frees no one else.
	w := newWorld().onOrders(view)
	rule := only(definition.Restrict)
	rule.BindsAdmins = true
	w.custom(rule)
	can(t, w.live(t, "rep"), order, view, by("rep"), false)
	can(t, w.live(t, "agent"), order, view, by("agent"), true)
}

func TestP3PolicyReadsTrueValues(t *testing.T) {
	w := newWorld()
	s := w.set("s", map[string][]definition.Action{"bigOrders": {view}})
	s.Forms["Order"].Fields["amount"] = definition.Hidden
	s.Forms["Order"].Fields["assignee"] = definition.Hidden
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	rule := only(definition.Mask)
	rule.Fields = []string{"amount", "assignee", "owner"}
	w.custom(rule)
	v := w.live(t, "rep")
	can(t, v, order, view, by("rep", cell(amount, record.Int(100))), true)
	can(t, v, order, view, by("rep", cell(amount, record.Int(99))), false)
	can(t, v, order, view, by("ceo", cell(amount, record.Int(100)), cell(assignee, record.Ref(uid("rep")))), true)
}
