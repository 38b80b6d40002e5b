package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Options configure a Directory; nil means all defaults.
type Options struct {
	Now func() time.Time // default time.Now
	// HashMemory is the memory of one password hash in KiB; default 64 MiB.
	HashMemory uint32
	// SessionLife and TokenLife bound credentials; defaults 30 days and 365.
	SessionLife, TokenLife time.Duration
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.Now == nil {
		out.Now = time.Now
	}
	if out.HashMemory == 0 {
		out.HashMemory = defaultHashMemory
	}
	if out.SessionLife <= 0 {
		out.SessionLife = 30 * 24 * time.Hour
	}
	if out.TokenLife <= 0 {
		out.TokenLife = 365 * 24 * time.Hour
	}
	return out
}

// Directory reads and changes the directory. It is safe for concurrent use.
type Directory struct {
	store    *storage.Store
	options  Options
	hasher   *hasher
	throttle *throttle
	cache    *cache
}

// New returns a directory over a store that the caller owns.
func New(s *storage.Store, o *Options) *Directory {
	opts := o.withDefaults()
	return &Directory{
		store: s, options: opts, hasher: newHasher(opts.HashMemory),
		throttle: newThrottle(throttleEntries), cache: newCache(cacheEntries),
	}
}

// Load returns the people at the reader's epoch, from a cache where possible.
// A transaction that has itself changed people must not call it.
func (d *Directory) Load(r storage.Reader) (*People, error) {
	epoch, err := r.Epoch()
	if err != nil {
		return nil, err
	}
	return d.cache.load(cacheKey{r.Tenant(), epoch}, func(near *People) (*People, error) { return load(r, near) })
}

// People returns the directory as of now to somebody whose credential stands:
// Unauthenticated when it does not. It is for parts that do not read storage.
func (d *Directory) People(ctx context.Context, p identity.Principal) (*People, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := d.store.Tenant(p.Tenant).Snapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := d.Check(s, p); err != nil {
		return nil, err
	}
	return d.Load(s)
}

// load reads everybody. near is a picture of the same tenant at another epoch,
// nil for none: what has the same text in it is not decoded again, as most has
// after most changes.
func load(r storage.Reader, near *People) (*People, error) {
	if near == nil {
		near = &People{}
	}
	p := &People{tenant: r.Tenant()}
	var o organizationDoc
	if _, err := get(r, SpaceOrganization, organizationKey, &o); err != nil {
		return nil, err
	}
	p.organization = o.Name
	var err error
	p.userTexts, err = texts(r, SpaceUser, "u/", near.userTexts, func(key string, d *userDoc) (*User, error) {
		id, err := record.ParseID(strings.TrimPrefix(key, "u/"))
		if err == nil && key != userKey(id) {
			err = errDamagedKey
		}
		return d.user(id), err
	})
	if err != nil {
		return nil, err
	}
	p.placeTexts, err = texts(r, SpaceAssignment, "", near.placeTexts, func(key string, d *assignmentDoc) (*Assignment, error) {
		return d.assignment(key)
	})
	if err != nil {
		return nil, err
	}
	if same(p.userTexts, near.userTexts) {
		p.users, p.byID, p.byEmail = near.users, near.byID, near.byEmail
	} else {
		p.know()
	}
	p.build()
	return p, nil
}

// text is a document as stored and what was read from it.
type text[V any] struct {
	key, source string
	value       V
}

// texts reads the documents of a prefix in order of their keys. A damaged one
// ends it: people are loaded whole or not at all. near is what an earlier call
// returned.
func texts[T, V any](r storage.Reader, s storage.Space, prefix string, near []text[V], decode func(key string, d *T) (V, error)) ([]text[V], error) {
	c := r.Docs(s, prefix)
	defer c.Close()
	out := make([]text[V], 0, len(near)+1)
	for c.Next() {
		key := c.Key()
		for len(near) > 0 && near[0].key < key {
			near = near[1:]
		}
		if len(near) > 0 && near[0].key == key && near[0].source == string(c.Value()) {
			out = append(out, near[0])
			continue
		}
		t := text[V]{key: key, source: string(c.Value())}
		d := new(T)
		err := json.Unmarshal(c.Value(), d)
		if err == nil {
			t.value, err = decode(t.key, d)
		}
		if err != nil {
			return nil, damaged(s, err)
		}
		out = append(out, t)
	}
	return out, c.Err()
}

// same reports whether both were read from equal documents.
func same[V comparable](a, b []text[V]) bool {
	return slices.EqualFunc(a, b, func(a, b text[V]) bool { return a.value == b.value })
}

// walk calls fn with each document of a prefix; a damaged one ends it.
func walk[T any](r storage.Reader, s storage.Space, prefix string, fn func(key string, d *T) error) error {
	c := r.Docs(s, prefix)
	defer c.Close()
	for c.Next() {
		d := new(T)
		if err := json.Unmarshal(c.Value(), d); err != nil {
			return damaged(s, err)
		}
		if err := fn(c.Key(), d); err != nil {
			return damaged(s, err)
		}
	}
	return c.Err()
}

func damaged(s storage.Space, err error) error {
	return fmt.Errorf("directory: damaged document in space %d: %w", s, err)
}

// Organization returns the name of a tenant's organization.
func (d *Directory) Organization(r storage.Reader) (string, error) {
	var o organizationDoc
	ok, err := get(r, SpaceOrganization, organizationKey, &o)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "directory.Organization", "no such organization")
	}
	return o.Name, err
}
