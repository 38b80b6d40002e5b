package directory

import (
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Assignment is a user's place in one application: a role and a permission set
// for a live user (A7), a portal set and no role for a portal user (A11),
// neither for a developer (A13), who alone may hold tools.
type Assignment struct {
	User          record.ID
	Application   string
	Kind          identity.Kind // Live, Portal or Developer
	Role          string
	PermissionSet string
	Attributes    map[string]record.Value // viewer attributes by name; read only
	// Tools are what a developer may look through others' eyes with (P10); they
	// end with the place.
	Tools identity.ToolSet
}

// maxAssigned bounds names in an assignment, in bytes; it is above what a
// definition allows and keeps keys short.
const maxAssigned = 400

// check reports what is wrong with the assignment in itself.
func (a *Assignment) check() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "directory.Assign", format, args...)
	}
	switch {
	case a.User.IsZero():
		return bad("user: expected an id")
	case !named(a.Application):
		return bad("application: expected a name of at most %d bytes", maxAssigned)
	case a.Kind == identity.Live && !named(a.Role):
		return bad("role: a live user holds exactly one role")
	case a.Kind == identity.Live && !named(a.PermissionSet):
		return bad("permissionSet: a live user holds exactly one permission set")
	case a.Kind == identity.Portal && a.Role != "":
		return bad("role: a portal user holds none")
	case a.Kind == identity.Portal && !named(a.PermissionSet):
		return bad("permissionSet: a portal user holds exactly one portal permission set")
	case a.Kind == identity.Developer && (a.Role != "" || a.PermissionSet != "" || len(a.Attributes) > 0):
		return bad("role, permissionSet, attributes: a developer holds none")
	case a.Kind != identity.Developer && a.Tools != 0:
		return bad("tools: live and portal users hold none")
	case a.Kind != identity.Live && a.Kind != identity.Portal && a.Kind != identity.Developer:
		return bad("kind: expected a live user, a portal user or a developer")
	}
	return nil
}

func named(s string) bool {
	if s == "" || len(s) > maxAssigned {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '/' {
			return false
		}
	}
	return true
}
