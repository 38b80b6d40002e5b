package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/memstore"
)

// crowd stores n active people with a place in one application, as AddUser and
// Assign would, in few transactions.
func crowd(tb testing.TB, n int) (*Directory, storage.Tenant) {
	tb.Helper()
	s := memstore.Open()
	tb.Cleanup(func() { _ = s.Close() })
	id, err := s.NewTenant(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	t := s.Tenant(id)
	for at := 0; at < n; at += 500 {
		err := t.Update(tb.Context(), storage.Meta{Operation: "crowd"}, func(txn *storage.Txn) error {
			for i := at; i < min(at+500, n); i++ {
				u := userDoc{Email: fmt.Sprintf("user%d@example.com", i), Name: fmt.Sprint("User ", i), Status: Active}
				if err := put(txn, SpaceUser, userKey(member(i)), &u); err != nil {
					return err
				}
				a := assignmentDoc{Kind: identity.Live, Role: fmt.Sprint("role ", i%100), PermissionSet: "Sales"}
				if err := put(txn, SpaceAssignment, placeKey(member(i), "orders"), &a); err != nil {
					return err
				}
			}
			return txn.BumpEpoch()
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return New(s, &Options{HashMemory: 64}), t
}

func member(i int) (id record.ID) {
	binary.BigEndian.PutUint64(id[:8], 7)
	binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
	return id
}

// move gives one person another role, as Assign would.
func move(tb testing.TB, t storage.Tenant, i int, role string) {
	tb.Helper()
	err := t.Update(tb.Context(), storage.Meta{Operation: "move"}, func(txn *storage.Txn) error {
		a := assignmentDoc{Kind: identity.Live, Role: role, PermissionSet: "Sales"}
		if err := put(txn, SpaceAssignment, placeKey(member(i), "orders"), &a); err != nil {
			return err
		}
		return txn.BumpEpoch()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func snapshot(tb testing.TB, t storage.Tenant) *storage.Snapshot {
	tb.Helper()
	snap, err := t.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(snap.Close)
	return snap
}

// TestLoadNearEqualsLoad makes random changes and reads after each with the
// picture before it at hand and without: both are the same, whatever was added,
// changed or removed.
func TestLoadNearEqualsLoad(t *testing.T) {
	d, tenant := crowd(t, 30)
	rapid.Check(t, func(rt *rapid.T) {
		near, err := d.Load(snapshot(t, tenant))
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(rt, "changes") {
			i := rapid.IntRange(0, 40).Draw(rt, "who")
			change(t, tenant, member(i), rapid.IntRange(0, 4).Draw(rt, "what"), rapid.SampledFrom([]string{"role 1", "role 2"}).Draw(rt, "role"))
		}
		snap := snapshot(t, tenant)
		alone, err := load(snap, nil)
		if err != nil {
			rt.Fatal(err)
		}
		for what, from := range map[string]*People{"near": near, "itself": alone, "through the cache": nil} {
			got, err := load(snap, from)
			if from == nil {
				got, err = d.Load(snap)
			}
			if err != nil || !reflect.DeepEqual(got, alone) {
				rt.Fatalf("%s: another picture (%v)", what, err)
			}
		}
	})
}

// change writes or removes a person or a place; what comes together in real
// life may come apart here.
func change(tb testing.TB, t storage.Tenant, id record.ID, what int, role string) {
	tb.Helper()
	err := t.Update(tb.Context(), storage.Meta{Operation: "change"}, func(txn *storage.Txn) (err error) {
		switch what {
		case 0:
			err = put(txn, SpaceUser, userKey(id), &userDoc{Email: id.String() + "@x.io", Name: role, Status: Active})
		case 1:
			err = put(txn, SpaceUser, userKey(id), &userDoc{Email: id.String() + "@x.io", Name: role, Status: Active, Admin: identity.Admin})
		case 2:
			err = put(txn, SpaceAssignment, placeKey(id, role[5:]+"app"), &assignmentDoc{Kind: identity.Live, Role: role, PermissionSet: "Sales"})
		case 3:
			err = txn.PutDoc(SpaceUser, userKey(id), nil)
		case 4:
			err = txn.PutDoc(SpaceAssignment, placeKey(id, "orders"), nil)
		}
		if err != nil {
			return err
		}
		return txn.BumpEpoch()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// TestOneChangeIsDecodedAlone: after a role move nothing is read from text but
// the one place, and everybody else is the same person as before.
func TestOneChangeIsDecodedAlone(t *testing.T) {
	d, tenant := crowd(t, 200)
	before, err := d.Load(snapshot(t, tenant))
	if err != nil {
		t.Fatal(err)
	}
	move(t, tenant, 7, "role 99")
	after, err := d.Load(snapshot(t, tenant))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		was, _ := before.Assignment(member(i), "orders")
		is, _ := after.Assignment(member(i), "orders")
		u, _ := before.User(member(i))
		v, _ := after.User(member(i))
		if (was == is) != (i != 7) || u != v {
			t.Errorf("person %d: the same place %v, the same person %v", i, was == is, u == v)
		}
	}
	if role := after.In("orders").RoleOf(member(7)); role != "role 99" {
		t.Errorf("the moved one holds %q", role)
	}
	if role := before.In("orders").RoleOf(member(7)); role != "role 7" {
		t.Errorf("the older picture says %q", role)
	}
}

// TestLoadsTogetherAreOne: whoever asks while a picture is made waits for it;
// whoever waited for one that failed makes another.
func TestLoadsTogetherAreOne(t *testing.T) {
	for _, broken := range []error{nil, errors.New("broken")} {
		c := newCache(8)
		k := cacheKey{identity.Tenant{1}, 1}
		begun, finish, made := make(chan struct{}), make(chan struct{}), &People{}
		var calls atomic.Int32
		first := func(*People) (*People, error) {
			calls.Add(1)
			close(begun)
			<-finish
			return made, broken
		}
		again := func(*People) (*People, error) {
			calls.Add(1)
			return made, nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if p, err := c.load(k, first); !errors.Is(err, broken) || p != made {
				t.Errorf("the first got %v", err)
			}
		})
		<-begun
		for range 8 {
			wg.Go(func() {
				if p, err := c.load(k, again); err != nil || p != made {
					t.Errorf("one of those who wait got %v", err)
				}
			})
		}
		close(finish)
		wg.Wait()
		want := int32(1)
		if broken != nil {
			want = 2
		}
		if n := calls.Load(); n != want || len(c.loading) != 0 {
			t.Errorf("made %d times, want %d; %d are being made", n, want, len(c.loading))
		}
	}
}

func TestCacheKeepsFewOfATenant(t *testing.T) {
	c := newCache(8)
	c.put(cacheKey{identity.Tenant{2}, 1}, &People{})
	for epoch := range uint64(20) {
		c.put(cacheKey{identity.Tenant{1}, epoch}, &People{})
	}
	if len(c.entries) != 1+perTenant || c.order.Len() != len(c.entries) {
		t.Errorf("%d kept, %d in order", len(c.entries), c.order.Len())
	}
	for epoch := range uint64(perTenant) {
		if _, ok := c.entries[cacheKey{identity.Tenant{1}, 19 - epoch}]; !ok {
			t.Errorf("epoch %d is gone", 19-epoch)
		}
	}
}

// BenchmarkLoad is the first read after a role move, of 10,000 people: with
// nothing at hand, and with the picture before.
func BenchmarkLoad(b *testing.B) {
	d, t := crowd(b, 10_000)
	near, err := d.Load(snapshot(b, t))
	if err != nil {
		b.Fatal(err)
	}
	move(b, t, 7, "role 99")
	snap := snapshot(b, t)
	for name, from := range map[string]*People{"whole": nil, "near": near} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := load(snap, from); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
