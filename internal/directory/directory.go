package directory

import (
	"context"
	"encoding/json"
	"fmt"
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
	key := cacheKey{r.Tenant(), epoch}
	if p, ok := d.cache.get(key); ok {
		return p, nil
	}
	p, err := load(r)
	if err != nil {
		return nil, err
	}
	d.cache.put(key, p)
	return p, nil
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

func load(r storage.Reader) (*People, error) {
	p := &People{
		tenant: r.Tenant(), byID: map[record.ID]*User{}, byEmail: map[string]*User{},
		assignments: map[record.ID][]*Assignment{}, roles: map[string]*Roles{},
		members: map[string][]*User{},
	}
	var o organizationDoc
	if _, err := get(r, SpaceOrganization, organizationKey, &o); err != nil {
		return nil, err
	}
	p.organization = o.Name
	err := walk(r, SpaceUser, "u/", func(key string, d *userDoc) error {
		id, err := record.ParseID(strings.TrimPrefix(key, "u/"))
		p.users = append(p.users, d.user(id))
		return err
	})
	if err != nil {
		return nil, err
	}
	var assignments []*Assignment
	err = walk(r, SpaceAssignment, "", func(key string, d *assignmentDoc) error {
		a, err := d.assignment(key)
		assignments = append(assignments, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.build(assignments)
	return p, nil
}

// walk calls fn with each document of a prefix; a damaged one ends it: people
// are loaded whole or not at all.
func walk[T any](r storage.Reader, s storage.Space, prefix string, fn func(key string, d *T) error) error {
	c := r.Docs(s, prefix)
	defer c.Close()
	for c.Next() {
		d := new(T)
		if err := json.Unmarshal(c.Value(), d); err != nil {
			return fmt.Errorf("directory: damaged document in space %d: %w", s, err)
		}
		if err := fn(c.Key(), d); err != nil {
			return fmt.Errorf("directory: damaged document in space %d: %w", s, err)
		}
	}
	return c.Err()
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
