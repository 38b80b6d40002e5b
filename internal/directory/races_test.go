package directory

import (
	"sync"
	"testing"

	"sluice/internal/effort"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

func rounds() int { return effort.Of(15, 150, 500) }

// race runs the functions at once and returns their errors.
func race(fns ...func() error) []error {
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, fn := range fns {
		wg.Go(func() {
			<-start
			errs[i] = fn()
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneSuper demands exactly one super admin, who is active, and returns them.
func (w *world) oneSuper() string {
	w.t.Helper()
	name := ""
	for _, u := range w.people().Users() {
		if u.Admin != identity.SuperAdmin {
			continue
		}
		if name != "" || u.Status != Active {
			w.t.Fatalf("super admins %s and %s, %v", name, u.Email, u.Status)
		}
		name = u.Email
	}
	if name == "" {
		w.t.Fatal("there is no super admin")
	}
	return name
}

// TestA1TransferRaces hands the place over in two directions at once, and to
// somebody who is deactivated, demoted or deleted at the same moment: there is
// always exactly one super admin, and an active one.
func TestA1TransferRaces(t *testing.T) {
	for range rounds() {
		w := newWorld(t)
		ctx, super := t.Context(), w.as["super"]
		errs := race(
			func() error { return w.d.TransferSuperAdmin(ctx, super, w.id["admin"]) },
			func() error { return w.d.TransferSuperAdmin(ctx, super, w.id["admin2"]) },
		)
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("of two transfers: %v, %v", errs[0], errs[1])
		}
		for _, err := range errs {
			if err != nil && fault.KindOf(err) != fault.Forbidden {
				t.Errorf("the loser: %v", err)
			}
		}
		if w.oneSuper() == "super@x.io" {
			t.Error("nobody got the place")
		}
	}
	for name, fall := range map[string]func(w *world) error{
		"deactivated": func(w *world) error { return w.d.SetActive(t.Context(), w.as["super"], w.id["admin"], false) },
		"demoted":     func(w *world) error { return w.d.DemoteAdmin(t.Context(), w.as["super"], w.id["admin"]) },
		"deleted":     func(w *world) error { return w.d.DeleteUser(t.Context(), w.as["super"], w.id["admin"], nil) },
	} {
		for range rounds() {
			w := newWorld(t)
			errs := race(
				func() error { return w.d.TransferSuperAdmin(t.Context(), w.as["super"], w.id["admin"]) },
				func() error { return fall(w) },
			)
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("to somebody who is %s: %v, %v", name, errs[0], errs[1])
			}
			if got := w.oneSuper(); (got == "admin@x.io") != (errs[0] == nil) {
				t.Errorf("to somebody who is %s: super admin %s, %v", name, got, errs[0])
			}
		}
	}
}

// TestA1TransferLifeCycle hands the place on and back: whoever had it can be
// demoted, deactivated and deleted like any admin, and has lost what it gives.
func TestA1TransferLifeCycle(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.must(w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["admin"]))
	wants(t, "the former ranks", w.d.PromoteAdmin(ctx, w.as["super"], w.id["idle"]), fault.Forbidden)
	wants(t, "the former takes it back", w.d.TransferSuperAdmin(ctx, w.as["super"], w.id["super"]), fault.Forbidden)
	wants(t, "the former deletes", w.d.DeleteUser(ctx, w.as["super"], w.id["admin"], nil), fault.Forbidden)
	wants(t, "the new one ranks", w.d.PromoteAdmin(ctx, w.as["admin"], w.id["idle"]), noFault)
	w.must(w.d.SetActive(ctx, w.as["admin"], w.id["super"], false))
	wants(t, "to an inactive admin", w.d.TransferSuperAdmin(ctx, w.as["admin"], w.id["super"]), fault.Invalid)
	w.must(w.d.SetActive(ctx, w.as["admin"], w.id["super"], true))
	wants(t, "back", w.d.TransferSuperAdmin(ctx, w.as["admin"], w.id["super"]), noFault)
	w.must(w.d.DemoteAdmin(ctx, w.sessionOf("super"), w.id["admin"]))
	w.must(w.d.DeleteUser(ctx, w.as["super"], w.id["admin"], nil))
	if got := w.oneSuper(); got != "super@x.io" {
		t.Errorf("the super admin is %s", got)
	}
}

// sessionOf signs a person in anew.
func (w *world) sessionOf(name string) identity.Principal {
	w.t.Helper()
	w.sign(name)
	return w.as[name]
}

// TestA4PromotionRaces promotes somebody who is given a place at the same moment:
// nobody ends up with both.
func TestA4PromotionRaces(t *testing.T) {
	for range rounds() {
		w := newWorld(t)
		ctx, id := t.Context(), w.id["idle"]
		errs := race(
			func() error { return w.d.PromoteAdmin(ctx, w.as["super"], id) },
			func() error { return w.d.Assign(ctx, w.as["admin"], live(id, "orders"), nil) },
		)
		u, places := w.user("idle"), w.people().Assignments(id)
		if u.Admin.Administers() == (len(places) > 0) || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%+v with %d places; %v, %v", u, len(places), errs[0], errs[1])
		}
	}
}

// TestA11PlacesRace gives somebody a portal place and a role at once.
func TestA11PlacesRace(t *testing.T) {
	for range rounds() {
		w := newWorld(t)
		ctx, id := t.Context(), w.id["idle"]
		errs := race(
			func() error { return w.d.Assign(ctx, w.as["super"], portal(id, "orders"), nil) },
			func() error { return w.d.Assign(ctx, w.as["admin"], live(id, "hr"), nil) },
		)
		if places := w.people().Assignments(id); len(places) != 1 || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%d places; %v, %v", len(places), errs[0], errs[1])
		}
	}
}

// TestE5DeletionRaces deletes somebody who signs in, makes a token, is given a
// place or renamed to an admin at the same moment: nothing of them is left that
// opens anything.
func TestE5DeletionRaces(t *testing.T) {
	for range rounds() {
		w := newWorld(t)
		ctx, id, idle := t.Context(), w.id["idle"], w.as["idle"]
		var token, personal string
		errs := race(
			func() error { return w.d.DeleteUser(ctx, w.as["super"], id, nil) },
			func() (err error) { token, err = w.d.SignIn(ctx, "zylker", "idle@x.io", password); return err },
			func() (err error) { personal, _, err = w.d.CreateToken(ctx, idle, "t", 0); return err },
			func() error { return w.d.Assign(ctx, w.as["admin"], live(id, "orders"), nil) },
		)
		w.must(errs[0])
		for i, err := range errs[1:] {
			if k := fault.KindOf(err); err != nil && k != fault.Unauthenticated && k != fault.NotFound {
				t.Errorf("%d: %v", i+1, err)
			}
		}
		for _, s := range []string{token, personal} {
			if _, err := w.d.Authenticate(ctx, s); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("a token of a deleted user: %v", err)
			}
		}
		if len(w.people().Assignments(id)) != 0 || w.people().In("orders").RoleOf(id) != "" {
			t.Error("a place of a deleted user")
		}
		if w.check(idle) == nil {
			t.Error("a session of a deleted user")
		}
	}
}
