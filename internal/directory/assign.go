package directory

import (
	"context"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Assign gives a user their place in an application, or a live user another
// role, set or attributes there. Roles and sets are checked by valid, which the
// caller builds from the application's definition; nil checks nothing. It is
// called inside the transaction, perhaps several times, after the actor's right
// was checked.
//
// The actor gives no tools that they do not hold themselves.
//
// Refused are: a live user without role or set (A7), a developer with either
// (A13), a portal user with a role (A11), any place for an admin (A4), and with
// Conflict: another kind of place in an application where the user has one (A8),
// and a portal place beside places of an internal person, or the other way
// round: portal users are external (A11).
func (d *Directory) Assign(ctx context.Context, actor identity.Principal, a Assignment, valid func(Assignment) error) error {
	return d.change(ctx, actor, "assignUser", func(t *storage.Txn, me *userDoc) error {
		if err := a.check(); err != nil {
			return err
		}
		if err := mayGive(me, a.Application, a.Tools); err != nil {
			return err
		}
		u, err := target(t, a.User)
		if err != nil {
			return err
		}
		if u.Admin.Administers() {
			return fault.New(fault.Invalid, "directory.Assign", "user: admins have every application and hold neither role nor permission set")
		}
		if err := sameKind(t, &a); err != nil {
			return err
		}
		if valid != nil {
			if err := valid(a); err != nil {
				return err
			}
		}
		if err := put(t, SpaceAssignment, placeKey(a.User, a.Application), newAssignmentDoc(&a)); err != nil {
			return err
		}
		return save(t, a.User, u)
	})
}

// sameKind refuses to turn one kind of place into another in one step, and to
// make one person both internal and external. The walk is not in the read set;
// the epoch is, and every assignment bumps it.
func sameKind(t *storage.Txn, a *Assignment) error {
	wrong := ""
	err := walk(t, SpaceAssignment, placePrefix(a.User), func(key string, was *assignmentDoc) error {
		switch {
		case was.Kind == a.Kind || wrong != "":
		case key == placeKey(a.User, a.Application):
			wrong = "has another kind of place in the application: unassign first"
		case a.Kind == identity.Portal:
			wrong = "portal users are external, this one has a place as live user or developer in another application"
		case was.Kind == identity.Portal:
			wrong = "is a portal user of another application: external people hold portal places only"
		}
		return nil
	})
	if err == nil && wrong != "" {
		err = fault.New(fault.Conflict, "directory.Assign", "user: %s", wrong)
	}
	return err
}

// Unassign takes a user's place in an application away; NotFound when there is
// none.
func (d *Directory) Unassign(ctx context.Context, actor identity.Principal, user record.ID, application string) error {
	return d.change(ctx, actor, "unassignUser", func(t *storage.Txn, _ *userDoc) error {
		u, err := target(t, user)
		if err != nil {
			return err
		}
		key := placeKey(user, application)
		ok := named(application)
		if ok {
			if _, ok, err = t.Doc(SpaceAssignment, key); err != nil {
				return err
			}
		}
		if !ok {
			return fault.New(fault.NotFound, "directory.Unassign", "application: the user has no place in it")
		}
		if err := t.PutDoc(SpaceAssignment, key, nil); err != nil {
			return err
		}
		return save(t, user, u)
	})
}
