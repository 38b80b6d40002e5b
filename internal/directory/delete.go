package directory

import (
	"context"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// DeleteUser takes a person out of the directory: their places, password and
// credentials, and the address, which is free again. The id is never given to
// anybody else: what names it goes on to name nobody, records that it owns have
// an owner without role (E5), and who is added under the address later inherits
// nothing.
//
// The super admin cannot be deleted (A1), and only the super admin deletes
// admins (A2); so nobody deletes themselves. with, which may be nil, writes what
// belongs to the same transaction.
func (d *Directory) DeleteUser(ctx context.Context, actor identity.Principal, user record.ID, with func(*storage.Txn) error) error {
	return d.change(ctx, actor, "deleteUser", func(t *storage.Txn, me *userDoc) error {
		u, err := target(t, user)
		if err != nil {
			return err
		}
		if err := mayRule(me, u.Admin); err != nil {
			return err
		}
		if err := dropPlaces(t, user); err != nil {
			return err
		}
		if err := dropSecrets(t, user); err != nil {
			return err
		}
		for _, key := range []string{emailKey(u.Email), userKey(user)} {
			if err := t.PutDoc(SpaceUser, key, nil); err != nil {
				return err
			}
		}
		if with == nil {
			return nil
		}
		return with(t)
	})
}

func dropPlaces(t *storage.Txn, user record.ID) error {
	keys, err := keysOf(t, SpaceAssignment, placePrefix(user))
	for _, key := range keys {
		if err == nil {
			err = t.PutDoc(SpaceAssignment, key, nil)
		}
	}
	return err
}

func keysOf(r storage.Reader, s storage.Space, prefix string) (keys []string, err error) {
	c := r.Docs(s, prefix)
	defer c.Close()
	for c.Next() {
		keys = append(keys, c.Key())
	}
	return keys, c.Err()
}

// dropSecrets removes password and credentials. A session that is opened at the
// same moment may be left behind; it is dead, for its user is not there.
func dropSecrets(t *storage.Txn, user record.ID) error {
	ids, err := holderIDs(t, user)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := dropCredential(t, user, id); err != nil {
			return err
		}
	}
	return putSecret(t, passwordKey(user), nil)
}

// MayDelete reports whether the principal may delete a person, as DeleteUser
// does: NotFound for somebody who is not there.
func (p *People) MayDelete(pr identity.Principal, user record.ID) error {
	if err := p.MayOpen(pr); err != nil {
		return err
	}
	u, ok := p.byID[user]
	if !ok {
		return fault.New(fault.NotFound, "directory.DeleteUser", "user: no such user")
	}
	me := p.byID[pr.User]
	return mayRule(&userDoc{Admin: me.Admin}, u.Admin)
}
