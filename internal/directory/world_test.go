package directory

import (
	"context"
	"sync"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/memstore"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const password = "correct horse"

// world is one organization with one person of each kind, all signed in:
// super, admin, admin2, dev (developer of orders), rep (live in orders), idle
// (confirmed, without a place); other is a second one like idle.
type world struct {
	t      *testing.T
	store  *storage.Store
	clock  *clock
	d      *Directory
	tenant identity.Tenant
	id     map[string]record.ID
	as     map[string]identity.Principal
}

func newStore(t *testing.T) (*storage.Store, *clock, *Directory) {
	t.Helper()
	s := memstore.Open()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	return s, c, New(s, &Options{Now: c.Now, HashMemory: 64})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, c, d := newStore(t)
	return populate(t, s, c, d, "zylker")
}

func populate(t *testing.T, s *storage.Store, c *clock, d *Directory, organization string) *world {
	t.Helper()
	tenant, super, err := d.CreateOrganization(t.Context(), organization, NewUser{Email: "super@x.io", DisplayName: "Super", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, clock: c, d: d, tenant: tenant, id: map[string]record.ID{"super": super}, as: map[string]identity.Principal{}}
	w.sign("super")
	for _, name := range []string{"admin", "admin2", "dev", "rep", "idle", "other"} {
		w.add(name, name == "admin" || name == "admin2")
	}
	w.must(d.Assign(t.Context(), w.as["admin"], Assignment{User: w.id["dev"], Application: "orders", Kind: identity.Developer}, nil))
	w.must(d.Assign(t.Context(), w.as["admin"], live(w.id["rep"], "orders"), nil))
	return w
}

func live(user record.ID, application string) Assignment {
	return Assignment{User: user, Application: application, Kind: identity.Live, Role: "Rep", PermissionSet: "Sales"}
}

func (w *world) add(name string, admin bool) {
	w.t.Helper()
	id, err := w.d.AddUser(w.t.Context(), w.as["super"], NewUser{Email: name + "@x.io", DisplayName: name, Password: password, Admin: admin})
	w.must(err)
	w.id[name] = id
	w.sign(name)
}

func (w *world) sign(name string) {
	w.t.Helper()
	token, err := w.d.OpenSession(w.t.Context(), w.tenant, w.id[name])
	w.must(err)
	p, err := w.d.Authenticate(w.t.Context(), token)
	w.must(err)
	w.as[name] = p
}

// other is a person whom nothing else in the world depends on.
func (w *world) other() record.ID { return w.id["other"] }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) people() *People {
	w.t.Helper()
	s, err := w.store.Tenant(w.tenant).Snapshot()
	w.must(err)
	defer s.Close()
	p, err := w.d.Load(s)
	w.must(err)
	return p
}

func (w *world) check(p identity.Principal) error {
	w.t.Helper()
	s, err := w.store.Tenant(p.Tenant).Snapshot()
	w.must(err)
	defer s.Close()
	return w.d.Check(s, p)
}

func (w *world) user(name string) *User {
	w.t.Helper()
	u, ok := w.people().User(w.id[name])
	if !ok {
		w.t.Fatalf("%s is not in the directory", name)
	}
	return u
}

func (w *world) epoch() uint64 {
	w.t.Helper()
	s, err := w.store.Tenant(w.tenant).Snapshot()
	w.must(err)
	defer s.Close()
	n, err := s.Epoch()
	w.must(err)
	return n
}

// wants fails unless err is of the kind; noFault wants success.
func wants(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	switch {
	case kind == noFault && err != nil:
		t.Errorf("%s: %v, want success", what, err)
	case kind != noFault && err == nil:
		t.Errorf("%s: succeeded, want %v", what, kind)
	case kind != noFault && fault.KindOf(err) != kind:
		t.Errorf("%s: %v (%v), want %v", what, err, fault.KindOf(err), kind)
	}
}

const noFault fault.Kind = 255

var everyone = []string{"super", "admin", "admin2", "dev", "rep", "idle"}

// each runs act in a fresh world for every kind of person and wants success of
// those in may, Forbidden for the rest.
func each(t *testing.T, may []string, act func(ctx context.Context, w *world, p identity.Principal) error) {
	t.Helper()
	allowed := map[string]bool{}
	for _, name := range may {
		allowed[name] = true
	}
	for _, name := range everyone {
		w := newWorld(t)
		want := fault.Forbidden
		if allowed[name] {
			want = noFault
		}
		before := w.epoch()
		err := act(t.Context(), w, w.as[name])
		wants(t, name, err, want)
		if bumped := w.epoch() > before; bumped != (err == nil) {
			t.Errorf("%s: error %v, epoch bumped %v", name, err, bumped)
		}
	}
}
