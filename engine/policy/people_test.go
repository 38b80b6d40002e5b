package policy_test

import (
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

var everybody = []string{"ceo", "head", "rep", "rep2", "support", "agent", "admin", "dev", "portal", "deleted", ""}

func TestA3AdminsReachEverything(t *testing.T) {
	for _, k := range []identity.Kind{identity.Admin, identity.SuperAdmin} {
		w := newWorld()
		w.app.Hierarchy = false
		v := w.kind(t, "admin", k)
		for _, a := range judged {
			sees(t, v, a, everybody...)
			can(t, v, line, a, by("rep"), true)
		}
		f, ok := v.Shape().Form(order)
		if !ok || !f.View || !f.Create || !f.Edit || !f.Delete || len(f.Reports) != 2 {
			t.Errorf("%s: shape of Order is %+v", k, f)
		}
		if !f.Visible.Has(taxNumber) || !f.Visible.Has(allergy) || !f.Writable.Has(taxNumber) || f.Writable.Has(record.FieldOwner) {
			t.Errorf("%s: visible %v, writable %v", k, f.Visible.Numbers(), f.Writable.Numbers())
		}
		if !v.MayCreate(order, nil) || v.MayCreate(line, nil) || !v.MayCreate(line, by("rep")) {
			t.Errorf("%s: may not create as expected", k)
		}
	}
}

func TestA7RoleAndSetOrNothing(t *testing.T) {
	w := newWorld().onOrders(view, modifyAll)
	good := identity.Viewer{User: uid("rep"), Kind: identity.Live, Role: "Rep", PermissionSet: "s"}
	can(t, w.as(t, good), order, view, by("rep"), true)
	for name, spoil := range map[string]func(*identity.Viewer){
		"no role":              func(v *identity.Viewer) { v.Role = "" },
		"unknown role":         func(v *identity.Viewer) { v.Role = "Intern" },
		"no set":               func(v *identity.Viewer) { v.PermissionSet = "" },
		"unknown set":          func(v *identity.Viewer) { v.PermissionSet = "t" },
		"other application":    func(v *identity.Viewer) { v.Application = "other" },
		"no user":              func(v *identity.Viewer) { v.User = record.ID{} },
		"unknown kind":         func(v *identity.Viewer) { v.Kind = 200 },
		"unknown credential":   func(v *identity.Viewer) { v.Credential = 200 },
		"portal with a role":   func(v *identity.Viewer) { v.Kind = identity.Portal },
		"portal, live set":     func(v *identity.Viewer) { v.Kind, v.Role = identity.Portal, "" },
		"nobody in particular": func(v *identity.Viewer) { v.Kind = identity.Nobody },
	} {
		t.Run(name, func(t *testing.T) {
			v := good
			spoil(&v)
			deniesEverything(t, w.as(t, v))
		})
	}
}

func TestA9InactiveViewer(t *testing.T) {
	w := newWorld().onOrders(view, modifyAll)
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	mask := w.custom(definition.CustomRule{Name: "m", Effect: definition.Mask, Fields: []string{"title"}})
	v := w.as(t, identity.Viewer{User: uid("rep"), Kind: identity.Nobody, Role: "Rep", PermissionSet: "s"})
	deniesEverything(t, v)
	if len(v.Masks(order)) != 0 {
		t.Errorf("a mask %q concerns nobody", mask.Name)
	}
}

// deniesEverything asserts a view without any right.
func deniesEverything(t *testing.T, v *policy.View) {
	t.Helper()
	for _, form := range []uint32{order, line, task, 99, 0} {
		for a := definition.NoAction; a <= definition.CreateReport+1; a++ {
			for _, owner := range everybody {
				s := under(by(owner, map[uint32]record.Value{assignee: record.Ref(v.Viewer().User)}), owner)
				if v.Decide(form, a, s) {
					t.Errorf("form %d, action %d: decided for %q's record", form, a, owner)
				}
			}
			if r := v.Reach(form, a); r != (policy.None{}) {
				t.Errorf("form %d, action %d: reach %#v", form, a, r)
			}
		}
		if v.MayChangeOwner(form, by("rep")) || v.MayCreate(form, by("rep")) {
			t.Errorf("form %d: may change the owner or create", form)
		}
	}
	for _, name := range []string{"orders", "bigOrders", "lines", "none such", ""} {
		if r := v.ReportReach(name); r != (policy.None{}) {
			t.Errorf("report %q: reach %#v", name, r)
		}
	}
	if len(v.Shape().Forms) != 0 {
		t.Errorf("shape has forms")
	}
}

func TestA11PortalUsers(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	w.app.Sets[0].Portal = true
	w.role("CEO").SharePeers = true
	w.share(definition.SharingRule{From: definition.Group{Role: "Agent"}, To: definition.Group{User: w.address("portal")}, Level: definition.Read})
	w.share(definition.SharingRule{From: definition.Group{Role: "Head"}, To: definition.Group{Role: "CEO", Subordinates: true}, Level: definition.Read})
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	portal := w.as(t, identity.Viewer{User: uid("portal"), Kind: identity.Portal, PermissionSet: "s"})
	sees(t, portal, view, "portal", "agent")
	sees(t, portal, edit, "portal")
	can(t, portal, order, view, by("rep", map[uint32]record.Value{assignee: record.Ref(uid("portal"))}), true)
	deniesEverything(t, w.as(t, identity.Viewer{User: uid("portal"), Kind: identity.Portal, PermissionSet: "t"}))
	deniesEverything(t, w.as(t, identity.Viewer{User: uid("portal"), Kind: identity.Portal, Role: "Rep", PermissionSet: "s"}))
	deniesEverything(t, w.live(t, "rep")) // a live user cannot hold a portal set
}

func TestA13DevelopersReachAllData(t *testing.T) {
	v := newWorld().kind(t, "dev", identity.Developer)
	for _, a := range judged {
		sees(t, v, a, everybody...)
	}
	if f, ok := v.Shape().Form(order); !ok || !f.Visible.Has(taxNumber) || !f.Create {
		t.Errorf("shape of Order is %+v", f)
	}
}

func TestB1APIAccess(t *testing.T) {
	for _, on := range []bool{true, false} {
		w := newWorld().onOrders(view, modifyAll)
		w.app.Sets[0].APIAccess = on
		who := identity.Viewer{User: uid("rep"), Kind: identity.Live, Role: "Rep", PermissionSet: "s"}
		if v := w.as(t, who); v.Refused() != nil || !v.Decide(order, view, by("head")) {
			t.Errorf("API access %v: an interactive session is refused", on)
		}
		who.Credential = identity.PersonalToken
		v := w.as(t, who)
		if on {
			can(t, v, order, view, by("head"), true)
			if v.Refused() != nil {
				t.Errorf("refused: %v", v.Refused())
			}
			continue
		}
		deniesEverything(t, v)
		if err := v.Refused(); err == nil || fault.KindOf(err) != fault.Forbidden {
			t.Errorf("refused with %v, want Forbidden", err)
		}
	}
	// Somebody without a place is not refused, there is nothing to refuse.
	w := newWorld().onOrders(view)
	w.app.Sets[0].APIAccess = false
	v := w.as(t, identity.Viewer{User: uid("rep"), Kind: identity.Live, Role: "Intern", PermissionSet: "s", Credential: identity.PersonalToken})
	if v.Refused() != nil {
		t.Errorf("refused: %v", v.Refused())
	}
	// Admins hold no set that could switch it off.
	if v := w.as(t, identity.Viewer{User: uid("admin"), Kind: identity.Admin, Credential: identity.PersonalToken}); !v.Decide(order, view, by("rep")) {
		t.Error("an admin's token is refused")
	}
}
