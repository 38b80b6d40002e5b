package directory

import (
	"context"
	"strings"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// errSignIn is the one answer to a sign-in that fails, whatever the reason.
var errSignIn = fault.New(fault.Unauthenticated, "directory.SignIn", "organization, email or password is wrong")

// errThrottled is the answer to an account that was tried too often, whether it
// exists or not.
var errThrottled = fault.New(fault.Limit, "directory.SignIn", "too many attempts for this account: try again later")

// SignIn checks a password and opens a session. Unknown organization, unknown
// address, wrong password and inactive user answer alike and cost one password
// hash each. An account that was tried too often is a fault of kind Limit, too
// many sign-ins at once one of kind Unavailable.
func (d *Directory) SignIn(ctx context.Context, organization, email, password string) (token string, err error) {
	organization = strings.ToLower(strings.TrimSpace(organization))
	email, ok := cleanEmail(email)
	if !ok || !organizationName.MatchString(organization) || len(password) > maxPassword {
		organization, email, password = "", "", "" // goes on as an unknown account
	}
	key := throttleKey(organization, email)
	if !d.throttle.take(key, d.options.Now()) {
		return "", errThrottled
	}
	a, err := d.account(organization, email)
	if err != nil {
		return "", err
	}
	ok, stale, err := d.hasher.verify(ctx, a.phc, password)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", errSignIn
	}
	if stale {
		if a.renewed, err = d.hasher.hash(ctx, password); err != nil {
			return "", err
		}
	}
	if token, err = d.openSession(ctx, a); err == nil {
		d.throttle.clear(key)
	}
	return token, err
}

// account is what a sign-in found under its address; phc is empty for none.
type account struct {
	tenant  identity.Tenant
	user    record.ID
	phc     string
	renewed string // the password's hash at today's cost, where phc is not
}

// account looks an account up. An account that does not exist is no error.
func (d *Directory) account(organization, email string) (account, error) {
	var a account
	tenant, ok, err := d.tenantOf(organization)
	if err != nil || !ok {
		return a, err
	}
	s, err := d.store.Tenant(tenant).Snapshot()
	if err != nil {
		return a, err
	}
	defer s.Close()
	id, ok, err := userByEmail(s, email)
	if err != nil || !ok {
		return a, err
	}
	phc, _, err := s.Doc(SpaceCredential, passwordKey(id))
	return account{tenant: tenant, user: id, phc: string(phc)}, err
}

// openSession writes the session if the password that was checked is still the
// user's.
func (d *Directory) openSession(ctx context.Context, a account) (string, error) {
	token, s := newToken(identity.Session, a.tenant)
	err := d.update(ctx, identity.Principal{Tenant: a.tenant, User: a.user}, "signIn", func(t *storage.Txn) error {
		phc, _, err := t.Doc(SpaceCredential, passwordKey(a.user))
		if err != nil {
			return err
		}
		if string(phc) != a.phc {
			return errSignIn
		}
		if a.renewed != "" {
			if err := putSecret(t, passwordKey(a.user), []byte(a.renewed)); err != nil {
				return err
			}
		}
		return d.addCredential(t, a.user, s, "", d.options.SessionLife)
	})
	if fault.KindOf(err) == fault.Unauthenticated && err != nil {
		return "", errSignIn
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// userByEmail reads the guard of an address.
func userByEmail(r storage.Reader, email string) (record.ID, bool, error) {
	b, ok, err := r.Doc(SpaceUser, emailKey(email))
	if err != nil || !ok {
		return record.ID{}, false, err
	}
	id, err := record.ParseID(string(b))
	return id, err == nil, err
}
