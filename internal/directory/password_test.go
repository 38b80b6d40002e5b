package directory

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

func TestPHC(t *testing.T) {
	h := newHasher(64)
	phc, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := h.hash(t.Context(), password)
	if phc == again {
		t.Error("two hashes of one password are equal: no salt")
	}
	ok, stale, err := h.verify(t.Context(), phc, password)
	if !ok || stale || err != nil {
		t.Errorf("right password: %v %v %v", ok, stale, err)
	}
	if ok, stale, _ := newHasher(128).verify(t.Context(), phc, password); !ok || !stale {
		t.Errorf("other cost: %v %v", ok, stale)
	}
	for _, bad := range []string{
		"", "x", phc + "$", strings.Replace(phc, "argon2id", "argon2i", 1), strings.Replace(phc, "m=64", "m=4000000000", 1),
		strings.Replace(phc, "t=3", "t=0", 1), strings.Replace(phc, "p=1", "p=0", 1), strings.Replace(phc, "v=19", "v=16", 1),
		strings.Replace(phc, "m=64", "m=+64", 1), phc[:strings.LastIndex(phc, "$")+1], phc + "A",
	} {
		if ok, _, err := h.verify(t.Context(), bad, password); ok || err != nil {
			t.Errorf("%q: %v %v", bad, ok, err)
		}
	}
	if newHasher(0).params.memory != 0 || New(nil, nil).hasher.params != (hashParams{memory: 64 << 10, time: 3, lanes: 1}) {
		t.Error("default cost is not 64 MiB, 3 passes, 1 lane")
	}
}

// TestHashesAreBounded fills all slots and the queue: the next is refused, and
// one that waits ends with its context.
func TestHashesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(64)
		for range cap(h.slots) {
			if err := h.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, hashQueue)
		for range hashQueue {
			go func() { ended <- h.acquire(ctx) }()
		}
		synctest.Wait()
		wants(t, "beyond the queue", h.acquire(t.Context()), fault.Unavailable)
		cancel()
		for range hashQueue {
			wants(t, "waiting", <-ended, fault.Unavailable)
		}
		h.release()
		wants(t, "after a release", h.acquire(t.Context()), noFault)
	})
}

// TestRehashOnSignIn signs in under another cost: the stored hash follows.
func TestRehashOnSignIn(t *testing.T) {
	w := newWorld(t)
	w.d.hasher = newHasher(128)
	for range 2 {
		if _, err := w.signIn("rep"); err != nil {
			t.Fatal(err)
		}
	}
	a, err := w.d.account("zylker", "rep@x.io")
	if err != nil || !strings.Contains(a.phc, "m=128,") {
		t.Errorf("stored hash %q %v", a.phc, err)
	}
}

// TestLoadCaches has one picture of people per epoch, and a bounded number.
func TestLoadCaches(t *testing.T) {
	w := newWorld(t)
	first := w.people()
	if w.people() != first {
		t.Error("the same epoch was loaded twice")
	}
	old, err := w.store.Tenant(w.tenant).Snapshot()
	w.must(err)
	defer old.Close()
	w.must(w.d.SetActive(t.Context(), w.as["admin"], w.other(), false))
	if w.people() == first || w.user("other").Status != Inactive {
		t.Error("a change did not show")
	}
	if p, err := w.d.Load(old); err != nil || p != first {
		t.Errorf("the older snapshot sees newer people: %v", err)
	}
	c := newCache(2)
	for i := range byte(5) {
		c.put(cacheKey{identity.Tenant{i}, 1}, first)
	}
	if len(c.entries) != 2 || c.order.Len() != 2 {
		t.Errorf("%d entries in a cache of 2", len(c.entries))
	}
}

// TestDamagedPeopleLoadNothing breaks one document: nobody is loaded.
func TestDamagedPeopleLoadNothing(t *testing.T) {
	for _, at := range []struct {
		space storage.Space
		key   string
		doc   []byte
	}{
		{SpaceUser, "u/not-an-id", []byte(`{}`)}, {SpaceUser, userKey(record.ID{1}), []byte(`{"email":`)},
		{SpaceAssignment, "not-an-id/orders", []byte(`{}`)}, {SpaceAssignment, placeKey(record.ID{1}, "a"), []byte(`[]`)},
		{SpaceOrganization, organizationKey, []byte("x")},
	} {
		w := newWorld(t)
		w.must(w.store.Tenant(w.tenant).Update(t.Context(), storage.Meta{}, func(x *storage.Txn) error {
			if err := x.PutDoc(at.space, at.key, at.doc); err != nil {
				return err
			}
			return x.BumpEpoch()
		}))
		s, err := w.store.Tenant(w.tenant).Snapshot()
		w.must(err)
		if p, err := w.d.Load(s); err == nil || p != nil {
			t.Errorf("%s: loaded with a damaged document", at.key)
		}
		s.Close()
	}
}

func FuzzParseToken(f *testing.F) {
	token, _ := newToken(identity.Session, identity.Tenant{1, 2, 3})
	f.Add(token)
	f.Add(personalPrefix + token[4:])
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseToken(s)
		if ok && (got.tenant.IsZero() || len(s) != tokenChars || got.kind == identity.NoCredential || !validCredentialID(got.id)) {
			t.Errorf("%q parsed to %+v", s, got)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	phc, err := newHasher(8).hash(context.Background(), password)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(phc)
	f.Add("$argon2id$v=19$m=99999999,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, salt, sum, ok := parsePHC(s)
		if ok && (p.encode(salt, sum) != s || p.memory > maxHashMemory) {
			t.Errorf("%q parsed to %+v", s, p)
		}
	})
}
