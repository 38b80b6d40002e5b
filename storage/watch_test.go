package storage_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"sluice/internal/identity"
	"sluice/storage"
	"sluice/storage/memstore"
)

func TestWatchTellsOfCommits(t *testing.T) {
	s := memstore.Open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	tn, other := s.Tenant(identity.Tenant{1}), s.Tenant(identity.Tenant{2})
	w := tn.Watch()
	put := func(to storage.Tenant, key string) error {
		return to.Update(t.Context(), storage.Meta{}, func(txn *storage.Txn) error { return txn.PutSecret(7, key, []byte("x")) })
	}
	quiet := func(when string) {
		t.Helper()
		select {
		case <-w.C():
			t.Errorf("woken %s", when)
		default:
		}
	}
	if err := put(other, "a"); err != nil {
		t.Fatal(err)
	}
	quiet("by another tenant")
	broken := errors.New("broken")
	if err := tn.Update(t.Context(), storage.Meta{}, func(*storage.Txn) error { return broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	quiet("by a transaction that wrote nothing")
	for _, key := range []string{"a", "b"} {
		if err := put(tn, key); err != nil {
			t.Fatal(err)
		}
	}
	<-w.C()
	quiet("twice")
	refs, every := w.Docs()
	slices.SortFunc(refs, func(a, b storage.DocRef) int { return int(a.Key[0]) - int(b.Key[0]) })
	if want := []storage.DocRef{{Space: 7, Key: "a"}, {Space: 7, Key: "b"}}; !slices.Equal(refs, want) || every {
		t.Errorf("written %v, every %v, want %v", refs, every, want)
	}
	if refs, every := w.Docs(); len(refs) > 0 || every {
		t.Errorf("told again: %v, %v", refs, every)
	}
	w.Close()
	w.Close()
	if err := put(tn, "c"); err != nil {
		t.Fatal(err)
	}
	quiet("after it was closed")
}

// TestWatchForgetsNoDocument: too many to remember are all of them.
func TestWatchForgetsNoDocument(t *testing.T) {
	s := memstore.Open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	tn := s.Tenant(identity.Tenant{1})
	w := tn.Watch()
	defer w.Close()
	err := tn.Update(t.Context(), storage.Meta{}, func(txn *storage.Txn) error {
		for i := range 1100 {
			if err := txn.PutSecret(7, fmt.Sprint(i), []byte("x")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, every := w.Docs(); !every {
		t.Error("1,100 documents were written, and not all of them may have been")
	}
}

// TestLastChange: the newest sequence is found without walking the log, and a
// document that leaves no trace in the log adds none.
func TestLastChange(t *testing.T) {
	s := memstore.Open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	tn := s.Tenant(identity.Tenant{1})
	last := func() uint64 {
		snap, err := tn.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		n, err := snap.LastChange()
		if err != nil {
			t.Fatal(err)
		}
		if st := snap.Stats(); st.Cursors != 1 || st.Keys > 1 {
			t.Errorf("it took %+v", st)
		}
		return n
	}
	for want := range uint64(4) {
		if n := last(); n != want {
			t.Errorf("the last change is %d, want %d", n, want)
		}
		err := tn.Update(t.Context(), storage.Meta{}, func(txn *storage.Txn) error {
			return errors.Join(txn.PutDoc(7, "k", []byte{byte(want)}), txn.PutSecret(8, "k", []byte{1}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
