package directory

import (
	"context"
	"maps"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Tools returns the tools that a principal holds in an application (P10): the
// super admin all, an admin all but those that the super admin withholds, a
// developer those that were granted with the place, everybody else none. Reading
// as another takes a session: a personal token, which lies about in programs for
// up to a year, leaves it out.
func (p *People) Tools(pr identity.Principal, application string) identity.ToolSet {
	v, ok := p.Viewer(pr, application)
	if !ok {
		return 0
	}
	held := p.held(&v)
	if pr.Credential != identity.Session {
		held = held.Without(identity.ToolSetOf(identity.ViewAs))
	}
	return held
}

func (p *People) held(v *identity.Viewer) identity.ToolSet {
	switch v.Kind {
	case identity.SuperAdmin:
		return identity.AllTools
	case identity.Admin:
		return identity.AllTools.Without(p.byID[v.User].Withheld[v.Application])
	case identity.Developer:
		if a, ok := p.Assignment(v.User, v.Application); ok {
			return a.Tools
		}
	}
	return 0
}

// MayUse reports whether the principal may look through another's eyes with the
// tool in an application (P10): who holds it, see Tools. It is Forbidden for
// other members, and NotFound for everybody without a place in the application.
func (p *People) MayUse(pr identity.Principal, application string, tool identity.Tool) error {
	const op = "directory.MayUse"
	v, ok := p.Viewer(pr, application)
	switch {
	case !ok:
		return fault.New(fault.NotFound, op, "no such application")
	case p.Tools(pr, application).Has(tool):
		return nil
	case p.held(&v).Has(tool):
		return fault.New(fault.Forbidden, op, "%s takes a session: sign in instead of sending a personal token", tool)
	}
	return fault.New(fault.Forbidden, op, "only admins and developers who were given the right %s may do this", tool)
}

// mayGive refuses tools that the actor, who administers, does not hold: nobody
// gets through others what was taken from them.
func mayGive(me *userDoc, application string, tools identity.ToolSet) error {
	if me.Admin == identity.Admin && me.Withheld[application]&tools != 0 {
		return fault.New(fault.Forbidden, "directory.mayGive", "tools: you cannot give a tool that you do not hold yourself")
	}
	return nil
}

// GrantTools gives a person tools in an application: a developer those that they
// may use from now on, an admin back what was withheld. Admins grant to
// developers what they hold themselves, the super admin also to admins. What the
// person holds already stays. Errors: Invalid for live and portal users and for
// no tool at all, NotFound for who has no place in the application, Forbidden
// for the super admin, who holds all. Whether the application exists is known,
// up to an admin, from the place; exists says it for an admin, and nil says yes.
func (d *Directory) GrantTools(ctx context.Context, actor identity.Principal, application string, user record.ID, tools identity.ToolSet, exists func() error) error {
	return d.changeTools(ctx, actor, "grantTools", application, user, tools, exists, true)
}

// RevokeTools takes tools from a person in an application; what they do not hold
// is no error. Who may, and the errors, are those of GrantTools, but that an
// admin may take what they do not hold.
func (d *Directory) RevokeTools(ctx context.Context, actor identity.Principal, application string, user record.ID, tools identity.ToolSet, exists func() error) error {
	return d.changeTools(ctx, actor, "revokeTools", application, user, tools, exists, false)
}

func (d *Directory) changeTools(ctx context.Context, actor identity.Principal, operation, application string, user record.ID, tools identity.ToolSet, exists func() error, give bool) error {
	return d.change(ctx, actor, operation, func(t *storage.Txn, me *userDoc) error {
		if tools == 0 {
			return fault.New(fault.Invalid, "directory.changeTools", "tools: expected at least one")
		}
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if give {
			if err := mayGive(me, application, tools); err != nil {
				return err
			}
		}
		if !u.Admin.Administers() {
			return changeGranted(t, placeKey(user, application), application, tools, give)
		}
		if err := mayWithhold(me, u, application); err != nil {
			return err
		}
		if exists != nil {
			if err := exists(); err != nil {
				return err
			}
		}
		u.withhold(application, tools, give)
		return save(t, user, u)
	})
}

// changeGranted changes the tools of a developer's place.
func changeGranted(t *storage.Txn, key, application string, tools identity.ToolSet, give bool) error {
	const op = "directory.changeTools"
	var a assignmentDoc
	ok := named(application)
	if ok {
		var err error
		if ok, err = get(t, SpaceAssignment, key, &a); err != nil {
			return err
		}
	}
	switch {
	case !ok:
		return fault.New(fault.NotFound, op, "application: the user has no place in it")
	case a.Kind != identity.Developer:
		return fault.New(fault.Invalid, op, "user: live and portal users hold no tools, developers and admins do")
	case give:
		a.Tools = a.Tools.With(tools)
	default:
		a.Tools = a.Tools.Without(tools)
	}
	return put(t, SpaceAssignment, key, &a)
}

// mayWithhold refuses to change the tools of the super admin, and those of an
// admin to everybody else.
func mayWithhold(me, u *userDoc, application string) error {
	const op = "directory.changeTools"
	switch {
	case u.Admin == identity.SuperAdmin:
		return fault.New(fault.Forbidden, op, "user: the super admin holds all tools")
	case me.Admin != identity.SuperAdmin:
		return fault.New(fault.Forbidden, op, "only the super admin may do this to admins")
	case !named(application):
		return fault.New(fault.NotFound, op, "application: no such application")
	}
	return nil
}

// withhold changes what an admin does not hold. The map of the document is not
// changed in place: pictures of the directory share it.
func (d *userDoc) withhold(application string, tools identity.ToolSet, give bool) {
	left := d.Withheld[application].With(tools)
	if give {
		left = d.Withheld[application].Without(tools)
	}
	next := maps.Clone(d.Withheld)
	if next == nil {
		next = map[string]identity.ToolSet{}
	}
	next[application] = left
	if left == 0 {
		delete(next, application)
	}
	d.Withheld = next
}
