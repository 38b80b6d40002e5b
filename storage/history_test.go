package storage_test

import (
	"errors"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// TestDataWithoutHistories opens data as they were before the store kept
// histories: everything is there, and what a record's history shows begins with
// the first change that is made now.
func TestDataWithoutHistories(t *testing.T) {
	d := memstore.NewDriver()
	s, err := storage.New(d, nil)
	must(t, err)
	tenant, err := s.NewTenant(t.Context())
	must(t, err)
	form, id := &storage.Form{Number: 3}, record.ID{15: 9}
	write := func(s *storage.Store, fn func(tx *storage.Txn) error) {
		t.Helper()
		must(t, s.Tenant(tenant).Update(t.Context(), storage.Meta{Operation: "test"}, fn))
	}
	write(s, func(tx *storage.Txn) error {
		return tx.Insert(form, record.Encode(id, record.Header{Version: 1}, record.Record{}, nil))
	})
	forget(t, d, append(tenant[:], 'h'))
	if s, err = storage.New(d, nil); err != nil {
		t.Fatal(err)
	}
	versions := func() (out []uint32) {
		sn, err := s.Tenant(tenant).Snapshot()
		must(t, err)
		defer sn.Close()
		c := sn.History(form, id, false)
		for c.Next() {
			ch, err := c.Change()
			must(t, err)
			if ch.Before == nil {
				t.Error("a history without its beginning has an entry for the creation")
			}
			out = append(out, c.Version())
		}
		must(t, c.Err())
		return out
	}
	if got := versions(); len(got) != 0 {
		t.Errorf("the history has versions %v, want none", got)
	}
	write(s, func(tx *storage.Txn) error {
		old, _, err := tx.Record(form, id)
		must(t, err)
		return tx.Update(form, old, record.Encode(id, record.Header{Version: 2}, old, nil))
	})
	if got := versions(); len(got) != 1 || got[0] != 2 {
		t.Errorf("the history has versions %v, want 2", got)
	}
}

// TestDataOfFormat1 opens data as they were before the histories of spaces: what
// was then cannot be told, and what is changed from now on can.
func TestDataOfFormat1(t *testing.T) {
	d := memstore.NewDriver()
	s, err := storage.New(d, nil)
	must(t, err)
	tenant, err := s.NewTenant(t.Context())
	must(t, err)
	put := func(value string) {
		t.Helper()
		must(t, s.Tenant(tenant).Update(t.Context(), storage.Meta{Operation: "test"}, func(tx *storage.Txn) error {
			return tx.PutDoc(2, "k", []byte(value))
		}))
	}
	put("one")
	put("two")
	forget(t, d, append(tenant[:], 'l'))
	forget(t, d, append(tenant[:], 's'))
	var system [9]byte
	system[8] = 'f'
	_, err = d.Commit(t.Context(), 0, nil, []driver.Write{{Key: system[:], Value: []byte{1}}})
	must(t, err)
	for range 2 { // the second time there is nothing to do
		if s, err = storage.New(d, nil); err != nil {
			t.Fatal(err)
		}
	}
	put("three")
	sn, err := s.Tenant(tenant).Snapshot()
	must(t, err)
	defer sn.Close()
	for seq, want := range map[uint64]string{0: "", 1: "", 2: "two", 3: "three"} {
		p, err := sn.At(seq)
		must(t, err)
		b, _, err := p.Doc(2, "k")
		if want == "" && (!errors.Is(err, storage.ErrForgotten) || fault.KindOf(err) != fault.Unavailable) {
			t.Errorf("behind change %d: %q, %v; want that it is forgotten", seq, b, err)
		}
		if want != "" && (err != nil || string(b) != want) {
			t.Errorf("behind change %d: %q, %v; want %s", seq, b, err, want)
		}
		if _, _, err := p.Record(&storage.Form{Number: 3}, record.ID{1}); (err != nil) != (want == "") {
			t.Errorf("a record behind change %d: %v", seq, err)
		}
		if whole, err := sn.Whole(seq); err != nil || whole != (want != "") {
			t.Errorf("whole behind change %d: %v, %v", seq, whole, err)
		}
	}
}

// forget deletes every key with the prefix.
func forget(t *testing.T, d driver.Driver, prefix []byte) {
	sn, err := d.Snapshot()
	must(t, err)
	defer sn.Close()
	c := sn.Cursor(prefix, nil, false)
	defer c.Close()
	var writes []driver.Write
	for c.Next() {
		writes = append(writes, driver.Write{Key: append([]byte(nil), c.Key()...)})
	}
	must(t, c.Err())
	if len(writes) == 0 {
		t.Fatal("nothing to forget")
	}
	_, err = d.Commit(t.Context(), sn.Seq(), nil, writes)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
