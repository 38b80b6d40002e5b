package directory

import (
	"errors"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// TestE5DeletedUser: whoever is deleted has no place, no credential and no role,
// and whoever comes under the address later is somebody else.
func TestE5DeletedUser(t *testing.T) {
	w := newWorld(t)
	ctx, rep := t.Context(), w.id["rep"]
	token, _, err := w.d.CreateToken(ctx, w.as["rep"], "mine", 0)
	w.must(err)
	w.must(w.d.DeleteUser(ctx, w.as["admin"], rep, nil))
	p := w.people()
	if _, ok := p.User(rep); ok || len(p.Assignments(rep)) != 0 || p.In("orders").RoleOf(rep) != "" {
		t.Error("something of the user is left")
	}
	if _, ok := p.ByEmail("rep@x.io"); ok {
		t.Error("the address still leads somewhere")
	}
	wants(t, "the session", w.check(w.as["rep"]), fault.Unauthenticated)
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "the token", err, fault.Unauthenticated)
	_, err = w.d.SignIn(ctx, "zylker", "rep@x.io", password)
	wants(t, "signing in", err, fault.Unauthenticated)
	_, err = w.d.OpenSession(ctx, w.tenant, rep)
	wants(t, "opening a session", err, fault.Unauthenticated)
	wants(t, "again", w.d.DeleteUser(ctx, w.as["admin"], rep, nil), fault.NotFound)
	w.nothingOf(rep)

	id, err := w.d.AddUser(ctx, w.as["admin"], NewUser{Email: "rep@x.io", DisplayName: "another", Password: password})
	w.must(err)
	if id == rep || len(w.people().Assignments(id)) != 0 {
		t.Error("the next user of the address inherits something")
	}
	_, err = w.d.Authenticate(ctx, token)
	wants(t, "the old token after the address was taken again", err, fault.Unauthenticated)
}

// nothingOf fails if a document of the user is stored.
func (w *world) nothingOf(user record.ID) {
	w.t.Helper()
	s, err := w.store.Tenant(w.tenant).Snapshot()
	w.must(err)
	defer s.Close()
	for space, prefixes := range map[storage.Space][]string{
		SpaceUser: {userKey(user)}, SpaceAssignment: {placePrefix(user)}, SpaceCredential: {passwordKey(user), holderPrefix(user)},
	} {
		for _, prefix := range prefixes {
			c := s.Docs(space, prefix)
			if c.Next() {
				w.t.Errorf("left in space %d: %s", space, c.Key())
			}
			w.must(c.Err())
			c.Close()
		}
	}
}

// TestA1A2WhoDeletes: the super admin is deleted by nobody, admins by the super
// admin alone, themselves by no one.
func TestA1A2WhoDeletes(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		who, whom string
		want      fault.Kind
	}{
		{"super", "super", fault.Forbidden}, {"admin", "super", fault.Forbidden},
		{"admin", "admin", fault.Forbidden}, {"admin", "admin2", fault.Forbidden},
		{"dev", "rep", fault.Forbidden}, {"rep", "idle", fault.Forbidden}, {"rep", "rep", fault.Forbidden}, {"idle", "idle", fault.Forbidden},
		{"admin", "idle", noFault}, {"super", "admin2", noFault},
	} {
		wants(t, c.who+" deletes "+c.whom, w.d.DeleteUser(t.Context(), w.as[c.who], w.id[c.whom], nil), c.want)
		if err := w.people().MayDelete(w.as[c.who], w.id[c.whom]); c.want != noFault && fault.KindOf(err) != c.want {
			t.Errorf("%s may delete %s: %v", c.who, c.whom, err)
		}
	}
	wants(t, "an id of nobody", w.d.DeleteUser(t.Context(), w.as["admin"], record.NewID(w.clock.Now()), nil), fault.NotFound)
}

// TestDeletionIsWhole: what is written with a deletion is written or neither is.
func TestDeletionIsWhole(t *testing.T) {
	w := newWorld(t)
	failed := errors.New("failed")
	if err := w.d.DeleteUser(t.Context(), w.as["admin"], w.id["rep"], func(*storage.Txn) error { return failed }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if _, ok := w.people().User(w.id["rep"]); !ok || w.check(w.as["rep"]) != nil {
		t.Error("half a deletion")
	}
}

// TestRevokeCredentials ends what a user holds and nothing else of them.
func TestRevokeCredentials(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, c := range []struct {
		who, whom string
		want      fault.Kind
	}{
		{"rep", "idle", fault.Forbidden}, {"dev", "rep", fault.Forbidden}, {"rep", "rep", fault.Forbidden}, {"admin", "admin2", fault.Forbidden},
		{"admin", "super", fault.Forbidden}, {"admin", "rep", noFault}, {"super", "admin2", noFault}, {"admin", "admin", noFault}, {"super", "super", noFault},
	} {
		wants(t, c.who+" ends those of "+c.whom, w.d.RevokeCredentials(ctx, w.as[c.who], w.id[c.whom]), c.want)
		if standing := w.check(w.as[c.whom]) == nil; standing != (c.want != noFault) {
			t.Errorf("%s after %s: standing %v", c.whom, c.who, standing)
		}
	}
	w.sign("rep")
	if v, ok := w.people().Viewer(w.as["rep"], "orders"); !ok || v.Kind != identity.Live {
		t.Errorf("the place is gone: %+v", v)
	}
}
