package directory

import (
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// MayUse reports whether the principal may look through another's eyes with the
// tool in an application (P10): admins and its developers. It is Forbidden for
// its other members, and NotFound for everybody without a place in it.
func (p *People) MayUse(pr identity.Principal, application string, tool identity.Tool) error {
	const op = "directory.MayUse"
	v, ok := p.Viewer(pr, application)
	switch {
	case !ok:
		return fault.New(fault.NotFound, op, "no such application")
	case tool == identity.NoTool:
	case v.Kind.Administers(), v.Kind == identity.Developer:
		return nil
	}
	return fault.New(fault.Forbidden, op, "only admins and developers who were given the right %s may do this", tool)
}
