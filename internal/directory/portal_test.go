package directory

import (
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func portal(user record.ID, application string) Assignment {
	return Assignment{User: user, Application: application, Kind: identity.Portal, PermissionSet: "Customer"}
}

// TestA11PortalPlaces: an external person holds portal places only, an internal
// one never does, and a portal user has a set and no role.
func TestA11PortalPlaces(t *testing.T) {
	w := newWorld(t)
	ctx, admin, guest := t.Context(), w.as["admin"], w.id["idle"]
	give := func(a Assignment) error { return w.d.Assign(ctx, admin, a, nil) }
	withRole, withoutSet := portal(guest, "orders"), portal(guest, "orders")
	withRole.Role, withoutSet.PermissionSet = "Rep", ""
	wants(t, "with a role", give(withRole), fault.Invalid)
	wants(t, "without a set", give(withoutSet), fault.Invalid)
	wants(t, "an admin", give(portal(w.id["admin2"], "orders")), fault.Invalid)
	wants(t, "a live user here", give(portal(w.id["rep"], "orders")), fault.Conflict)
	wants(t, "a live user elsewhere", give(portal(w.id["rep"], "shop")), fault.Conflict)
	wants(t, "a developer elsewhere", give(portal(w.id["dev"], "shop")), fault.Conflict)
	if w.people().IsPortal(guest) {
		t.Error("somebody without a place is external")
	}
	with := portal(guest, "orders")
	with.Attributes = map[string]record.Value{"region": record.String("EMEA")}
	wants(t, "external", give(with), noFault)
	wants(t, "external in a second application", give(portal(guest, "shop")), noFault)
	wants(t, "external, another set", give(Assignment{User: guest, Application: "shop", Kind: identity.Portal, PermissionSet: "Partner"}), noFault)
	wants(t, "live in the same application", give(live(guest, "orders")), fault.Conflict)
	wants(t, "live elsewhere", give(live(guest, "hr")), fault.Conflict)
	wants(t, "developer elsewhere", give(Assignment{User: guest, Application: "hr", Kind: identity.Developer}), fault.Conflict)
	wants(t, "promoted", w.d.PromoteAdmin(ctx, w.as["super"], guest), fault.Conflict)

	p := w.people()
	v, ok := p.Viewer(w.as["idle"], "orders")
	if !ok || v.Kind != identity.Portal || v.Role != "" || v.PermissionSet != "Customer" || string(v.Attributes["region"].Text()) != "EMEA" {
		t.Errorf("the viewer is %+v, %v", v, ok)
	}
	if !p.IsPortal(guest) || p.IsPortal(w.id["rep"]) || p.IsPortal(w.id["admin"]) {
		t.Error("who is external is wrong")
	}
	if r := p.In("orders").RoleOf(guest); r != "" {
		t.Errorf("a portal user has the role %q", r)
	}
	if err := p.MayDefine(w.as["idle"], "orders"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a portal user defines: %v", err)
	}
	w.must(w.d.Unassign(ctx, admin, guest, "orders"))
	wants(t, "live while external elsewhere", give(live(guest, "orders")), fault.Conflict)
	w.must(w.d.Unassign(ctx, admin, guest, "shop"))
	wants(t, "live after the last portal place", give(live(guest, "orders")), noFault)
}
