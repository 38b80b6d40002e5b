package directory

import (
	"context"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// update runs fn in a transaction of the actor's tenant.
func (d *Directory) update(ctx context.Context, actor identity.Principal, operation string, fn func(*storage.Txn) error) error {
	if actor.Tenant.IsZero() {
		return errUnauthenticated
	}
	m := storage.Meta{Actor: actor.User, Operation: operation, Time: d.options.Now()}
	return d.store.Tenant(actor.Tenant).Update(ctx, m, fn)
}

// change is update for what changes people: the actor's credential stands and
// the actor administers, or it fails; the epoch is bumped. fn is told who acts.
func (d *Directory) change(ctx context.Context, actor identity.Principal, operation string, fn func(*storage.Txn, *userDoc) error) error {
	return d.update(ctx, actor, operation, func(t *storage.Txn) error {
		_, me, err := d.standing(t, actor)
		if err != nil {
			return err
		}
		if me.Status != Active || !me.Admin.Administers() {
			return fault.New(fault.Forbidden, "directory."+operation, "only admins may do this")
		}
		if err := fn(t, me); err != nil {
			return err
		}
		return t.BumpEpoch()
	})
}

// mayRule reports whether the actor may change a person of the given kind:
// admins are the super admin's (A2), the super admin is nobody's.
func mayRule(me *userDoc, target identity.Kind) error {
	switch {
	case target == identity.SuperAdmin:
		return fault.New(fault.Forbidden, "directory.change", "an organization keeps its super admin: transfer the place first")
	case target == identity.Admin && me.Admin != identity.SuperAdmin:
		return fault.New(fault.Forbidden, "directory.change", "only the super admin may do this to admins")
	}
	return nil
}

// target reads the person that a change is about.
func target(t *storage.Txn, user record.ID) (*userDoc, error) {
	var u userDoc
	ok, err := get(t, SpaceUser, userKey(user), &u)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "directory.change", "user: no such user")
	}
	return &u, err
}

// settle sets the status that follows from what the user has; an inactive user
// stays so.
func settle(t *storage.Txn, id record.ID, u *userDoc) error {
	if u.Status == Inactive {
		return nil
	}
	_, accepted, err := t.Doc(SpaceCredential, passwordKey(id))
	if err != nil {
		return err
	}
	placed, err := hasPlace(t, id)
	switch {
	case err != nil:
		return err
	case !accepted:
		u.Status = Pending
	case placed, u.Admin.Administers():
		u.Status = Active
	default:
		u.Status = Confirmed
	}
	return nil
}

// hasPlace reports whether the user is assigned to any application. The walk is
// not in the read set; the epoch is, and every assignment bumps it.
func hasPlace(t *storage.Txn, id record.ID) (bool, error) {
	c := t.Docs(SpaceAssignment, placePrefix(id))
	defer c.Close()
	found := c.Next()
	return found, c.Err()
}

// save writes the person with the status that follows.
func save(t *storage.Txn, id record.ID, u *userDoc) error {
	if err := settle(t, id, u); err != nil {
		return err
	}
	return put(t, SpaceUser, userKey(id), u)
}

// addUser writes a new person; u is clean. An empty phc leaves them pending.
func addUser(t *storage.Txn, id record.ID, u NewUser, admin identity.Kind, phc string) error {
	_, taken, err := t.Doc(SpaceUser, emailKey(u.Email))
	if err != nil {
		return err
	}
	if taken {
		return fault.New(fault.Conflict, "directory.AddUser", "email: a user of this address exists")
	}
	if err := t.PutDoc(SpaceUser, emailKey(u.Email), []byte(id.String())); err != nil {
		return err
	}
	if phc != "" {
		if err := putSecret(t, passwordKey(id), []byte(phc)); err != nil {
			return err
		}
	}
	return save(t, id, &userDoc{Email: u.Email, Name: u.DisplayName, Admin: admin})
}

// AddUser adds a person: admins and the super admin add ordinary users, the
// super admin alone adds admins (A2). Conflict when the address is taken.
func (d *Directory) AddUser(ctx context.Context, actor identity.Principal, u NewUser) (record.ID, error) {
	if err := d.mayAdd(ctx, actor, u.Admin); err != nil {
		return record.ID{}, err
	}
	u, err := u.clean()
	if err != nil {
		return record.ID{}, err
	}
	phc := ""
	if u.Password != "" {
		if phc, err = d.hasher.hash(ctx, u.Password); err != nil {
			return record.ID{}, err
		}
	}
	kind := identity.Nobody
	if u.Admin {
		kind = identity.Admin
	}
	id := record.NewID(d.options.Now())
	err = d.change(ctx, actor, "addUser", func(t *storage.Txn, me *userDoc) error {
		if err := mayRule(me, kind); err != nil {
			return err
		}
		return addUser(t, id, u, kind, phc)
	})
	if err != nil {
		return record.ID{}, err
	}
	return id, nil
}

// mayAdd refuses early what the transaction would refuse: a caller without the
// right costs no password hash and learns nothing of the input's faults.
func (d *Directory) mayAdd(ctx context.Context, actor identity.Principal, admin bool) error {
	p, err := d.People(ctx, actor)
	if err != nil {
		return err
	}
	if err := p.MayOpen(actor); err != nil {
		return fault.New(fault.Forbidden, "directory.AddUser", "only admins may do this")
	}
	me, _ := p.User(actor.User)
	kind := identity.Nobody
	if admin {
		kind = identity.Admin
	}
	return mayRule(&userDoc{Admin: me.Admin}, kind)
}

// SetActive deactivates or reactivates a user (A9). Deactivation ends all of
// the user's credentials; role, set and records stay. Admins are the super
// admin's to switch, and the super admin cannot be.
func (d *Directory) SetActive(ctx context.Context, actor identity.Principal, user record.ID, active bool) error {
	operation := "activateUser"
	if !active {
		operation = "deactivateUser"
	}
	return d.change(ctx, actor, operation, func(t *storage.Txn, me *userDoc) error {
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if err := mayRule(me, u.Admin); err != nil {
			return err
		}
		switch {
		case !active && u.Status != Inactive:
			u.Status = Inactive
			u.Generation++
		case active && u.Status == Inactive:
			u.Status = NoStatus
		}
		return save(t, user, u)
	})
}

// PromoteAdmin makes an ordinary user an admin; only the super admin may (A2).
// A user who has a place in an application is refused with Conflict: admins
// hold neither role nor permission set (A4).
func (d *Directory) PromoteAdmin(ctx context.Context, actor identity.Principal, user record.ID) error {
	return d.rank(ctx, actor, "promoteAdmin", user, func(t *storage.Txn, u *userDoc) error {
		placed, err := hasPlace(t, user)
		if err == nil && placed {
			err = fault.New(fault.Conflict, "directory.promoteAdmin", "user: an admin holds neither role nor permission set: remove the user from their applications first")
		}
		u.Admin = identity.Admin
		return err
	})
}

// DemoteAdmin makes an admin an ordinary user; only the super admin may (A2).
func (d *Directory) DemoteAdmin(ctx context.Context, actor identity.Principal, user record.ID) error {
	return d.rank(ctx, actor, "demoteAdmin", user, func(_ *storage.Txn, u *userDoc) error {
		u.Admin, u.Withheld = identity.Nobody, nil
		return nil
	})
}

func (d *Directory) rank(ctx context.Context, actor identity.Principal, operation string, user record.ID, fn func(*storage.Txn, *userDoc) error) error {
	return d.change(ctx, actor, operation, func(t *storage.Txn, me *userDoc) error {
		if err := mayRule(me, identity.Admin); err != nil {
			return err
		}
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if err := mayRule(me, u.Admin); err != nil {
			return err
		}
		if err := fn(t, u); err != nil {
			return err
		}
		return save(t, user, u)
	})
}

// TransferSuperAdmin gives the place of super admin to an active admin; the
// actor, who has it, becomes an admin. The place is never empty (A1).
func (d *Directory) TransferSuperAdmin(ctx context.Context, actor identity.Principal, to record.ID) error {
	return d.change(ctx, actor, "transferSuperAdmin", func(t *storage.Txn, me *userDoc) error {
		if err := mayRule(me, identity.Admin); err != nil {
			return err
		}
		u, err := target(t, to)
		if err != nil {
			return err
		}
		if u.Admin != identity.Admin || u.Status != Active {
			return fault.New(fault.Invalid, "directory.transferSuperAdmin", "user: expected an active admin")
		}
		me.Admin, u.Admin = identity.Admin, identity.SuperAdmin
		u.Withheld = nil
		if err := t.PutDoc(SpaceUser, superAdminKey, []byte(to.String())); err != nil {
			return err
		}
		if err := save(t, actor.User, me); err != nil {
			return err
		}
		return save(t, to, u)
	})
}

// RevokeCredentials ends all sessions and personal tokens of a user, who may
// sign in anew: admins those of others and their own, the super admin those of
// admins.
func (d *Directory) RevokeCredentials(ctx context.Context, actor identity.Principal, user record.ID) error {
	return d.change(ctx, actor, "revokeCredentials", func(t *storage.Txn, me *userDoc) error {
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if user != actor.User {
			if err := mayRule(me, u.Admin); err != nil {
				return err
			}
		}
		u.Generation++
		return save(t, user, u)
	})
}

// SetPassword gives another person a password, which makes a pending user
// confirmed, and ends all their credentials. Admins are the super admin's.
func (d *Directory) SetPassword(ctx context.Context, actor identity.Principal, user record.ID, password string) error {
	phc, err := d.newPassword(ctx, actor, password)
	if err != nil {
		return err
	}
	return d.change(ctx, actor, "setPassword", func(t *storage.Txn, me *userDoc) error {
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if err := mayRule(me, u.Admin); err != nil {
			return err
		}
		return replacePassword(t, user, u, phc)
	})
}

// ChangePassword gives the actor a new password if the old one is right, and
// ends all their credentials, this one included. It takes a session.
func (d *Directory) ChangePassword(ctx context.Context, actor identity.Principal, old, password string) error {
	if actor.Credential != identity.Session {
		return fault.New(fault.Forbidden, "directory.ChangePassword", "a personal token cannot change the password: sign in")
	}
	if err := checkPassword(password); err != nil {
		return err
	}
	was, err := d.checkOld(ctx, actor, old)
	if err != nil {
		return err
	}
	phc, err := d.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return d.update(ctx, actor, "changePassword", func(t *storage.Txn) error {
		_, me, err := d.standing(t, actor)
		if err != nil {
			return err
		}
		b, _, err := t.Doc(SpaceCredential, passwordKey(actor.User))
		if err != nil {
			return err
		}
		if string(b) != was {
			return errOldPassword
		}
		if err := replacePassword(t, actor.User, me, phc); err != nil {
			return err
		}
		return t.BumpEpoch()
	})
}

var errOldPassword = fault.New(fault.Invalid, "directory.ChangePassword", "old: the password is wrong")

// checkOld returns the actor's stored hash if the password belongs to it.
// Guesses are throttled as sign-ins are.
func (d *Directory) checkOld(ctx context.Context, actor identity.Principal, old string) (string, error) {
	s, err := d.store.Tenant(actor.Tenant).Snapshot()
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := d.Check(s, actor); err != nil {
		return "", err
	}
	key := throttleKey(actor.Tenant.String(), actor.User.String())
	if !d.throttle.take(key, d.options.Now()) {
		return "", errThrottled
	}
	b, _, err := s.Doc(SpaceCredential, passwordKey(actor.User))
	if err != nil {
		return "", err
	}
	phc := string(b)
	ok, _, err := d.hasher.verify(ctx, phc, old)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errOldPassword
	}
	d.throttle.clear(key)
	return phc, nil
}

// newPassword checks and hashes a password that an admin gives somebody.
func (d *Directory) newPassword(ctx context.Context, actor identity.Principal, password string) (string, error) {
	if err := d.mayAdd(ctx, actor, false); err != nil {
		return "", err
	}
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return d.hasher.hash(ctx, password)
}

func replacePassword(t *storage.Txn, id record.ID, u *userDoc, phc string) error {
	if err := putSecret(t, passwordKey(id), []byte(phc)); err != nil {
		return err
	}
	u.Generation++
	return save(t, id, u)
}
