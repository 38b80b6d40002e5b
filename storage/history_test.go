package storage_test

import (
	"testing"

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
