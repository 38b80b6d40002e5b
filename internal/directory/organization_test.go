package directory

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

func TestCreateOrganization(t *testing.T) {
	_, _, d := newStore(t)
	ctx := t.Context()
	boss := NewUser{Email: "boss@x.io", DisplayName: "Boss", Password: password}
	for name, want := range map[string]fault.Kind{
		"": fault.Invalid, "a": fault.Invalid, "Zylker": fault.Invalid, "1abc": fault.Invalid, "-abc": fault.Invalid,
		"a/b": fault.Invalid, "a b": fault.Invalid, "zylker\n": fault.Invalid, strings.Repeat("a", 64): fault.Invalid,
		"ab": noFault, "zylker": noFault, "a-1": noFault, strings.Repeat("b", 63): noFault,
	} {
		_, _, err := d.CreateOrganization(ctx, name, boss)
		wants(t, name, err, want)
	}
	_, _, err := d.CreateOrganization(ctx, "zylker", boss)
	wants(t, "taken", err, fault.Conflict)
	for what, u := range map[string]NewUser{
		"no address": {DisplayName: "B", Password: password}, "no name": {Email: "b@x.io", Password: password},
		"no password": {Email: "b@x.io", DisplayName: "B"},
	} {
		_, _, err := d.CreateOrganization(ctx, "fresh", u)
		wants(t, what, err, fault.Invalid)
	}
	_, err = d.TenantOf("fresh")
	wants(t, "after refusals", err, fault.NotFound)
}

func TestOrganizationsAreApart(t *testing.T) {
	w := newWorld(t)
	other := populate(t, w.store, w.clock, w.d, "decoy")
	ctx := t.Context()
	if w.people().Organization() != "zylker" || other.people().Organization() != "decoy" {
		t.Errorf("names %q and %q", w.people().Organization(), other.people().Organization())
	}
	if _, ok := w.people().User(other.id["rep"]); ok {
		t.Error("a user of another organization is found")
	}
	wants(t, "deactivate across", w.d.SetActive(ctx, w.as["super"], other.id["rep"], false), fault.NotFound)
	wants(t, "assign across", w.d.Assign(ctx, w.as["super"], live(other.id["rep"], "orders"), nil), fault.NotFound)
	stranger := other.as["super"]
	stranger.Tenant = w.tenant
	wants(t, "principal moved across", w.d.SetActive(ctx, stranger, w.id["rep"], false), fault.Unauthenticated)
	tenant, err := w.d.TenantOf("zylker")
	if err != nil || tenant != w.tenant {
		t.Errorf("tenant of zylker: %v %v", tenant, err)
	}
}

// failing is a driver that refuses the nth commit from now on.
type failing struct {
	driver.Driver
	left int
}

var errCut = errors.New("cut off")

func (f *failing) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if f.left--; f.left == 0 {
		return 0, errCut
	}
	return f.Driver.Commit(ctx, snap, reads, writes)
}

// TestInterruptedCreation cuts the creation of an organization off at each of
// its commits: the name is free, and creating anew gives a whole organization.
func TestInterruptedCreation(t *testing.T) {
	boss := NewUser{Email: "boss@x.io", DisplayName: "Boss", Password: password}
	for n := 1; ; n++ {
		f := &failing{Driver: memstore.NewDriver()}
		s, err := storage.New(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := New(s, &Options{HashMemory: 64})
		f.left = n
		_, _, err = d.CreateOrganization(t.Context(), "zylker", boss)
		if err == nil {
			if n < 4 {
				t.Errorf("creation took %d commits, want 3 or more: the test cut nothing off", n-1)
			}
			_ = s.Close()
			return
		}
		if _, err := d.TenantOf("zylker"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("cut at commit %d: name is %v", n, err)
		}
		f.left = 0
		tenant, id, err := d.CreateOrganization(t.Context(), "zylker", boss)
		if err != nil {
			t.Fatalf("cut at commit %d, then anew: %v", n, err)
		}
		assertWhole(t, d, tenant, id)
		_ = s.Close()
	}
}

func assertWhole(t *testing.T, d *Directory, tenant identity.Tenant, id record.ID) {
	t.Helper()
	token, err := d.SignIn(t.Context(), "zylker", "boss@x.io", password)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Authenticate(t.Context(), token)
	if err != nil || p.Tenant != tenant || p.User != id {
		t.Fatalf("principal %+v %v", p, err)
	}
	people, err := d.People(t.Context(), p)
	if err != nil || len(people.Users()) != 1 || people.Users()[0].Admin != identity.SuperAdmin {
		t.Fatalf("people %+v %v", people, err)
	}
}

// TestCreationRace has many create the same organization at once: one does.
func TestCreationRace(t *testing.T) {
	_, _, d := newStore(t)
	results := make(chan error, 16)
	for range cap(results) {
		go func() {
			_, _, err := d.CreateOrganization(t.Context(), "zylker", NewUser{Email: "boss@x.io", DisplayName: "Boss", Password: password})
			results <- err
		}()
	}
	won := 0
	for range cap(results) {
		if err := <-results; err == nil {
			won++
		} else {
			wants(t, "a loser", err, fault.Conflict)
		}
	}
	if won != 1 {
		t.Errorf("%d creations succeeded", won)
	}
}
