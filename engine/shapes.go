package engine

import (
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

const opShape = "engine.Shape"

// ShapeAs returns what somebody else is shown of the application: its static
// part, no record and no cell (P10). Admins alone may ask, and none of them may
// be asked for; NotFound for everybody without access to the application.
func (op *Op) ShapeAs(address string) (*policy.Shape, error) {
	if !op.view.Viewer().Kind.Administers() {
		return nil, fault.New(fault.Forbidden, opShape, "as: for admins only")
	}
	if u, ok := op.people.ByEmail(address); ok {
		who := identity.Principal{Tenant: op.principal.Tenant, User: u.ID, Credential: identity.Session}
		if v, ok := op.people.Viewer(who, op.app.def.Name); ok && !v.Kind.Administers() {
			return op.app.policy.View(v, nil, nil).Shape(), nil
		}
	}
	return nil, fault.New(fault.NotFound, opShape, "as: nobody of this address has a place in application %s", op.app.def.Name)
}

// ShapeOfSet returns what the holders of a permission set are shown. Admins and
// developers may ask: they see every name of the definition anyway.
func (op *Op) ShapeOfSet(set string) (*policy.Shape, error) {
	if kind := op.view.Viewer().Kind; !kind.Administers() && kind != identity.Developer {
		return nil, fault.New(fault.Forbidden, opShape, "set: for admins and developers only")
	}
	s, ok := op.app.policy.SetShape(op.principal.Tenant, set)
	if !ok {
		return nil, fault.New(fault.NotFound, opShape, "set: application %s has no permission set of this name", op.app.def.Name)
	}
	return s, nil
}
