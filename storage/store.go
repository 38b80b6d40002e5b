package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage/driver"
)

// Limits of one transaction and one entry. More is a fault of kind Limit, with
// nothing done.
const (
	// MaxTxnBytes bounds the sum of all keys and values that one transaction
	// writes: records, index entries, documents and the change log, which holds
	// each record before and after.
	MaxTxnBytes = 4 << 20
	// MaxTxnWrites bounds their number.
	MaxTxnWrites = 4000
	// MaxValue bounds one record or document.
	MaxValue = 512 << 10
	// MaxKey bounds one key. It limits the indexed values of a record: together
	// they have about 1,000 bytes.
	MaxKey = 1 << 10
)

// format is the layout of keys and values that this package reads and writes. In
// format 1 no history of a space was kept.
const format = 2

// Options configure a Store; nil means all defaults.
type Options struct {
	Now func() time.Time // default time.Now
	// MaxAttempts bounds how often Update runs its function on conflicts;
	// default 10.
	MaxAttempts int
}

func (o *Options) withDefaults() Options {
	var r Options
	if o != nil {
		r = *o
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.MaxAttempts <= 0 {
		r.MaxAttempts = 10
	}
	return r
}

// Store is the portable store over one driver. It is safe for concurrent use.
type Store struct {
	d        driver.Driver
	opt      Options
	ordinals ordinals
	lanes    [64]lane
	watches  watches
}

// New returns a store over d, which it owns from now on. Data of a format that
// this build does not know is refused; d is closed then.
func New(d driver.Driver, o *Options) (*Store, error) {
	if d == nil {
		return nil, errors.New("storage: a driver is required")
	}
	s := &Store{d: d, opt: o.withDefaults()}
	for i := range s.lanes {
		s.lanes[i].turn = make(chan struct{}, 1)
	}
	if err := s.checkFormat(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

func (s *Store) checkFormat() error {
	key := scope{}.format()
	snap, err := s.d.Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	v, found, err := snap.Get(key)
	switch {
	case err != nil:
		return err
	case found && bytes.Equal(v, []byte{1}):
		return s.upgrade(key)
	case found && !bytes.Equal(v, []byte{format}):
		return fmt.Errorf("storage: the data has format %x, this build reads and writes %d", v, format)
	case found:
		return nil
	}
	_, err = s.d.Commit(context.Background(), snap.Seq(), [][]byte{key}, []driver.Write{{Key: key, Value: []byte{format}}})
	return err
}

// Close closes the driver. Snapshots have to be closed before.
func (s *Store) Close() error { return s.d.Close() }

// NewTenant makes a tenant with a fresh random prefix.
func (s *Store) NewTenant(ctx context.Context) (identity.Tenant, error) {
	var id identity.Tenant
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	if id.IsZero() {
		return id, errNoTenant
	}
	err := s.System().update(ctx, Meta{Operation: "newTenant"}, func(t *Txn) error {
		key := scope{}.tenant(id)
		if _, taken, err := t.w.get(key); err != nil || taken {
			return errors.Join(errNoTenant, err)
		}
		if err := t.w.put(scope(id).since(), behind(nil, 0)); err != nil {
			return err
		}
		return t.w.put(key, s.opt.Now().AppendFormat(nil, time.RFC3339))
	})
	if err != nil {
		return identity.Tenant{}, err
	}
	return id, nil
}

// Tenants returns all tenants in byte order: for maintenance, never for
// requests.
func (s *Store) Tenants() ([]identity.Tenant, error) {
	v, err := s.System().open()
	if err != nil {
		return nil, err
	}
	defer v.close()
	w := v.walk(span{prefix: scope{}.tenants()})
	defer w.Close()
	var ids []identity.Tenant
	for w.Next() {
		ids = append(ids, identity.Tenant(w.rest()))
	}
	return ids, w.Err()
}

// Readable returns an error where data cannot be read. It reads the first tenant, so that
// what it costs does not grow with them.
func (s *Store) Readable() error {
	v, err := s.System().open()
	if err != nil {
		return err
	}
	defer v.close()
	w := v.walk(span{prefix: scope{}.tenants()})
	defer w.Close()
	w.Next()
	return w.Err()
}

// Tenant returns the scope of one tenant. The zero tenant gives a scope whose
// every call fails. Whether the tenant exists is not checked here: an unknown
// one is empty.
func (s *Store) Tenant(id identity.Tenant) Tenant { return Tenant{s: s, id: id} }

// System returns the scope that belongs to no tenant: names of organizations.
func (s *Store) System() Tenant { return Tenant{s: s, system: true} }

// Tenant is the only way to data: every key that it touches begins with the
// tenant's prefix. The zero Tenant fails every call.
type Tenant struct {
	s      *Store
	id     identity.Tenant
	system bool
}

// ID returns the tenant, zero for the system scope.
func (t Tenant) ID() identity.Tenant { return t.id }

func (t Tenant) valid() bool { return t.s != nil && (t.system || !t.id.IsZero()) }

func (t Tenant) scope() scope { return scope(t.id) }

// Snapshot opens a read-only view. The caller closes it. One goroutine at a time.
func (t Tenant) Snapshot() (*Snapshot, error) {
	v, err := t.open()
	if err != nil {
		return nil, err
	}
	return &Snapshot{Reader: v, v: v}, nil
}

func (t Tenant) open() (*view, error) {
	if !t.valid() {
		return nil, errNoTenant
	}
	snap, err := t.s.d.Snapshot()
	if err != nil {
		return nil, err
	}
	return &view{id: t.id, scope: t.scope(), snap: snap, stats: new(Stats)}, nil
}

// Meta goes into the change log with every change of a transaction.
type Meta struct {
	Actor     record.ID
	Operation string // short name of what was done: "createOrder", "apply"
	Time      time.Time
}
