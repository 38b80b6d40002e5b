package directory

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Bounds of a user's credentials. Beyond maxSessions the oldest session ends;
// beyond maxTokens making another is refused.
const (
	maxSessions = 50
	maxTokens   = 50
	maxLabel    = 100
)

// errUnauthenticated is the one answer to everything that is wrong with a
// credential.
var errUnauthenticated = fault.New(fault.Unauthenticated, "directory.Check", "sign in again: the credential is not valid")

// Credential is a session or a personal token of a user, without its secret.
type Credential struct {
	ID      string
	Kind    identity.Credential
	Label   string
	Created time.Time
	Expires time.Time
}

// Check reports in the reader's snapshot whether the principal's credential
// still stands and its user may sign in; kind Unauthenticated when not. Both
// documents are point reads: a transaction that checks conflicts with one that
// revokes.
func (d *Directory) Check(r storage.Reader, p identity.Principal) error {
	_, _, err := d.standing(r, p)
	return err
}

// standing is Check with what it read.
func (d *Directory) standing(r storage.Reader, p identity.Principal) (*credentialDoc, *userDoc, error) {
	if p.Tenant.IsZero() || p.Tenant != r.Tenant() || p.User.IsZero() || p.CredentialID == "" || p.Credential == identity.NoCredential {
		return nil, nil, errUnauthenticated
	}
	var c credentialDoc
	ok, err := get(r, SpaceCredential, credentialKey(p.CredentialID), &c)
	if err != nil {
		return nil, nil, err
	}
	if !ok || c.User != p.User || c.Kind != p.Credential || !d.options.Now().Before(c.Expires) {
		return nil, nil, errUnauthenticated
	}
	var u userDoc
	ok, err = get(r, SpaceUser, userKey(p.User), &u)
	if err != nil {
		return nil, nil, err
	}
	if !ok || !u.Status.maySignIn() || u.Generation != c.Generation {
		return nil, nil, errUnauthenticated
	}
	return &c, &u, nil
}

// Until is Check that also says when the credential ends by itself.
func (d *Directory) Until(r storage.Reader, p identity.Principal) (time.Time, error) {
	c, _, err := d.standing(r, p)
	if err != nil {
		return time.Time{}, err
	}
	return c.Expires, nil
}

// CredentialRefs names the documents by which Check decides: it keeps answering
// the same until one of them is written, or the credential's time is over.
func CredentialRefs(p identity.Principal) []storage.DocRef {
	return []storage.DocRef{
		{Space: SpaceCredential, Key: credentialKey(p.CredentialID)},
		{Space: SpaceUser, Key: userKey(p.User)},
	}
}

// Authenticate returns the principal of a token. The token names its tenant.
// Everything that is wrong with it is one error of kind Unauthenticated; errors
// of storage keep their own kind.
func (d *Directory) Authenticate(ctx context.Context, token string) (identity.Principal, error) {
	if err := ctx.Err(); err != nil {
		return identity.Principal{}, err
	}
	t, ok := parseToken(token)
	if !ok {
		return identity.Principal{}, errUnauthenticated
	}
	s, err := d.store.Tenant(t.tenant).Snapshot()
	if err != nil {
		return identity.Principal{}, err
	}
	defer s.Close()
	var c credentialDoc
	ok, err = get(s, SpaceCredential, credentialKey(t.id), &c)
	if err != nil {
		return identity.Principal{}, err
	}
	if !ok || subtle.ConstantTimeCompare(c.Sum, t.sum[:]) != 1 {
		return identity.Principal{}, errUnauthenticated
	}
	p := identity.Principal{Tenant: t.tenant, User: c.User, Credential: t.kind, CredentialID: t.id}
	if err := d.Check(s, p); err != nil {
		return identity.Principal{}, err
	}
	return p, nil
}

// SignOut ends the principal's session.
func (d *Directory) SignOut(ctx context.Context, p identity.Principal) error {
	if p.Credential != identity.Session {
		return fault.New(fault.Invalid, "directory.SignOut", "only a session can sign out; revoke a personal token")
	}
	return d.update(ctx, p, "signOut", func(t *storage.Txn) error {
		if err := d.Check(t, p); err != nil {
			return err
		}
		return dropCredential(t, p.User, p.CredentialID)
	})
}

// OpenSession makes a session without a password: for the demo's personas. The
// user must be confirmed or active.
func (d *Directory) OpenSession(ctx context.Context, tenant identity.Tenant, user record.ID) (token string, err error) {
	token, s := newToken(identity.Session, tenant)
	err = d.update(ctx, identity.Principal{Tenant: tenant, User: user}, "openSession", func(t *storage.Txn) error {
		return d.addCredential(t, user, s, "", d.options.SessionLife)
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// CreateToken makes a personal token of the actor and returns it once. It takes
// a session: a token cannot make its successor. A life of 0 or above the bound
// of Options is the bound.
func (d *Directory) CreateToken(ctx context.Context, actor identity.Principal, label string, life time.Duration) (token, id string, err error) {
	if actor.Credential == identity.PersonalToken {
		return "", "", fault.New(fault.Forbidden, "directory.CreateToken", "a personal token cannot make tokens: sign in")
	}
	label, ok := cleanName(label)
	if !ok {
		return "", "", fault.New(fault.Invalid, "directory.CreateToken", "label: expected 1 to %d printable characters", maxLabel)
	}
	if life < 0 {
		return "", "", fault.New(fault.Invalid, "directory.CreateToken", "life: expected a positive time")
	}
	if life == 0 || life > d.options.TokenLife {
		life = d.options.TokenLife
	}
	token, s := newToken(identity.PersonalToken, actor.Tenant)
	err = d.update(ctx, actor, "createToken", func(t *storage.Txn) error {
		if err := d.Check(t, actor); err != nil {
			return err
		}
		return d.addCredential(t, actor.User, s, label, life)
	})
	if err != nil {
		return "", "", err
	}
	return token, s.id, nil
}

// RevokeToken ends a personal token of the actor; NotFound for every other id.
func (d *Directory) RevokeToken(ctx context.Context, actor identity.Principal, id string) error {
	return d.update(ctx, actor, "revokeToken", func(t *storage.Txn) error {
		if err := d.Check(t, actor); err != nil {
			return err
		}
		var c credentialDoc
		ok := validCredentialID(id)
		if ok {
			var err error
			if ok, err = get(t, SpaceCredential, credentialKey(id), &c); err != nil {
				return err
			}
		}
		if !ok || c.User != actor.User || c.Kind != identity.PersonalToken {
			return fault.New(fault.NotFound, "directory.RevokeToken", "no such token")
		}
		return dropCredential(t, actor.User, id)
	})
}

// Credentials returns the actor's sessions and tokens that stand, the newest
// first.
func (d *Directory) Credentials(ctx context.Context, actor identity.Principal) ([]Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := d.store.Tenant(actor.Tenant).Snapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	_, u, err := d.standing(s, actor)
	if err != nil {
		return nil, err
	}
	held, err := d.held(s, actor.User, u.Generation)
	return held.live, err
}

// holding is what a user holds: what stands, the newest first, and the ids of
// the rest.
type holding struct {
	live []Credential
	dead []string
}

func (h *holding) count(k identity.Credential) (n int) {
	for i := range h.live {
		if h.live[i].Kind == k {
			n++
		}
	}
	return n
}

// held lists the user's credentials.
func (d *Directory) held(r storage.Reader, user record.ID, generation uint64) (h holding, err error) {
	ids, err := holderIDs(r, user)
	if err != nil {
		return h, err
	}
	now := d.options.Now()
	for _, id := range ids {
		var c credentialDoc
		ok, err := get(r, SpaceCredential, credentialKey(id), &c)
		if err != nil {
			return h, err
		}
		if !ok || c.Generation != generation || !now.Before(c.Expires) {
			h.dead = append(h.dead, id)
			continue
		}
		h.live = append(h.live, Credential{ID: id, Kind: c.Kind, Label: c.Label, Created: c.Created, Expires: c.Expires})
	}
	slices.SortFunc(h.live, func(a, b Credential) int {
		if n := b.Created.Compare(a.Created); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return h, nil
}

func holderIDs(r storage.Reader, user record.ID) ([]string, error) {
	prefix := holderPrefix(user)
	c := r.Docs(SpaceCredential, prefix)
	defer c.Close()
	var ids []string
	for c.Next() {
		ids = append(ids, strings.TrimPrefix(c.Key(), prefix))
	}
	return ids, c.Err()
}

// addCredential writes a credential of a user who may sign in, and takes away
// what is dead or too old to keep.
func (d *Directory) addCredential(t *storage.Txn, user record.ID, s secret, label string, life time.Duration) error {
	var u userDoc
	ok, err := get(t, SpaceUser, userKey(user), &u)
	if err != nil {
		return err
	}
	if !ok || !u.Status.maySignIn() {
		return errUnauthenticated
	}
	if err := d.makeRoom(t, user, u.Generation, s.kind); err != nil {
		return err
	}
	now := d.options.Now()
	b, err := json.Marshal(&credentialDoc{
		User: user, Kind: s.kind, Label: label, Sum: s.sum[:], Generation: u.Generation,
		Created: now, Expires: now.Add(life),
	})
	if err != nil {
		return err
	}
	if err := putSecret(t, holderKey(user, s.id), []byte{1}); err != nil {
		return err
	}
	return putSecret(t, credentialKey(s.id), b)
}

// makeRoom drops the user's dead credentials and, for a new session, the oldest
// beyond the bound.
func (d *Directory) makeRoom(t *storage.Txn, user record.ID, generation uint64, kind identity.Credential) error {
	h, err := d.held(t, user, generation)
	if err != nil {
		return err
	}
	if kind == identity.PersonalToken && h.count(kind) >= maxTokens {
		return fault.New(fault.Limit, "directory.CreateToken", "at most %d personal tokens: revoke one first", maxTokens)
	}
	drop := h.dead
	if kind == identity.Session {
		kept := 0
		for i := range h.live {
			if h.live[i].Kind != kind {
				continue
			}
			if kept++; kept >= maxSessions {
				drop = append(drop, h.live[i].ID)
			}
		}
	}
	for _, id := range drop {
		if err := dropCredential(t, user, id); err != nil {
			return err
		}
	}
	return nil
}

func dropCredential(t *storage.Txn, user record.ID, id string) error {
	if err := putSecret(t, holderKey(user, id), nil); err != nil {
		return err
	}
	return putSecret(t, credentialKey(id), nil)
}

func validCredentialID(id string) bool {
	if len(id) != 32 {
		return false
	}
	for i := range len(id) {
		if !strings.ContainsRune("0123456789abcdef", rune(id[i])) {
			return false
		}
	}
	return true
}
