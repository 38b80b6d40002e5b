package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

func testChanges(t *testing.T, s *storage.Store) {
	tn, other := newTenant(t, s), newTenant(t, s)
	big := bytes.Repeat([]byte("big"), 100_000)
	r := rec(1, 1, cells{16: record.String("one")})
	insert(t, tn, r)
	insert(t, other, r)
	stored, _, err := snapshot(t, tn).Record(order, id(1))
	must(t, err)
	next := edit(stored, cells{16: record.String("uno")})
	update(t, tn, func(tx *storage.Txn) error {
		return errors.Join(tx.Update(order, stored, next), tx.PutDoc(3, "k", big), tx.PutSecret(4, "s", []byte("hidden")))
	})
	update(t, tn, func(tx *storage.Txn) error {
		return errors.Join(tx.PutDoc(3, "k", []byte{}), tx.PutSecret(4, "s", nil), tx.Delete(order, next))
	})
	want := []storage.Change{
		{Form: 7, Record: id(1), After: stored.Encoded()},
		{Form: 7, Record: id(1), Before: stored.Encoded(), After: next.Encoded()},
		{Space: 3, Key: "k", After: big},
		{Space: 3, Key: "k", Before: big, After: []byte{}},
		{Form: 7, Record: id(1), Before: next.Encoded()},
	}
	c := snapshot(t, tn).Changes(0)
	for i, w := range want {
		if !c.Next() {
			t.Fatalf("%d changes, want %d: %v", i, len(want), c.Err())
		}
		g := c.Change()
		same := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
		if g.Seq != uint64(i+1) || g.Form != w.Form || g.Record != w.Record || g.Space != w.Space || g.Key != w.Key || !same(g.Before, w.Before) || !same(g.After, w.After) {
			t.Errorf("change %d: %.300v, want %.300v", i+1, g, w)
		}
		if g.Meta.Actor != meta.Actor || g.Meta.Operation != meta.Operation || !g.Meta.Time.Equal(meta.Time) {
			t.Errorf("change %d has meta %v", i+1, g.Meta)
		}
	}
	if c.Next() || c.Err() != nil {
		t.Errorf("one change more: %v %v", c.Change(), c.Err())
	}
	late := snapshot(t, tn).Changes(4)
	if !late.Next() || late.Change().Seq != 4 {
		t.Errorf("from 4: %v", late.Change())
	}
}

func testConflicts(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	insert(t, tn, rec(1, 1, cells{17: record.Int(0)}))
	add := func(tx *storage.Txn) error {
		r, _, err := tx.Record(order, id(1))
		if err != nil {
			return err
		}
		return tx.Update(order, r, edit(r, cells{17: record.Int(r.Get(&amount).Int() + 1)}))
	}
	tests := []struct {
		name     string
		between  func(*storage.Txn) error
		fn       func(*storage.Txn) error
		conflict bool
	}{
		{"same record", add, add, true},
		{"record by walk", add, func(tx *storage.Txn) error {
			c := tx.Records(order, storage.Range{})
			defer c.Close()
			if !c.Next() {
				return errors.New("no record")
			}
			r := c.Record()
			return tx.Update(order, r, edit(r, cells{17: record.Int(r.Get(&amount).Int() + 1)}))
		}, true},
		{"other record", func(tx *storage.Txn) error { return tx.Insert(order, rec(2, 1, nil)) }, add, false},
		{"absent document", func(tx *storage.Txn) error { return tx.PutDoc(1, "k", []byte("1")) }, func(tx *storage.Txn) error {
			_, _, err := tx.Doc(1, "k")
			return errors.Join(err, tx.PutDoc(1, "other", []byte("2")))
		}, true},
		{"same unique value", func(tx *storage.Txn) error {
			return tx.Insert(order, rec(3, 1, cells{19: record.String("A")}))
		}, func(tx *storage.Txn) error {
			err := tx.Insert(order, rec(4, 1, cells{19: record.String("A")}))
			if _, taken := errors.AsType[*storage.UniqueError](err); taken {
				return tx.PutDoc(1, "taken", []byte("yes"))
			}
			return err
		}, true},
		{"same id", func(tx *storage.Txn) error { return tx.Insert(order, rec(5, 1, nil)) }, func(tx *storage.Txn) error {
			if err := tx.Insert(order, rec(5, 2, nil)); fault.KindOf(err) != fault.Conflict {
				return err
			}
			return tx.PutDoc(1, "id", []byte("yes"))
		}, true},
	}
	for _, test := range tests {
		tries := 0
		err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			if tries++; tries > 1 {
				return test.fn(tx)
			}
			if err := test.fn(tx); err != nil {
				return err
			}
			update(t, tn, test.between)
			return nil
		})
		if err != nil || (tries > 1) != test.conflict {
			t.Errorf("%s: %d tries, want a conflict: %v; %v", test.name, tries, test.conflict, err)
		}
		must(t, CheckAgree(snapshot(t, tn), order))
	}
	r, _, err := snapshot(t, tn).Record(order, id(1))
	must(t, err)
	if got := r.Get(&amount).Int(); got != 5 {
		t.Errorf("5 additions gave %d", got)
	}
	tries := 0
	err = tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
		tries++
		must(t, add(tx))
		go1(func() { update(t, tn, add) })
		return nil
	})
	if fault.KindOf(err) != fault.Conflict || tries != 10 {
		t.Errorf("an update that always meets another: %d tries, %v", tries, err)
	}
}

// go1 runs fn in another goroutine and waits: a transaction inside another must
// not need the other's lane.
func go1(fn func()) {
	var wg sync.WaitGroup
	wg.Go(fn)
	wg.Wait()
}

func testLimits(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	half := make([]byte, storage.MaxValue)
	tests := []struct {
		name string
		fn   func(*storage.Txn) error
	}{
		{"document", func(tx *storage.Txn) error { return tx.PutDoc(1, "k", make([]byte, storage.MaxValue+1)) }},
		{"document key", func(tx *storage.Txn) error { return tx.PutDoc(1, strings.Repeat("k", storage.MaxKey), nil) }},
		{"empty key", func(tx *storage.Txn) error { return tx.PutDoc(1, "", []byte("v")) }},
		{"record", func(tx *storage.Txn) error { return tx.Insert(order, rec(1, 1, cells{99: record.Bytes(half)})) }},
		{"indexed value", func(tx *storage.Txn) error {
			return tx.Insert(order, rec(1, 1, cells{16: record.String(strings.Repeat("x", storage.MaxKey))}))
		}},
		{"bytes", func(tx *storage.Txn) error {
			for n := range 9 {
				_ = tx.PutSecret(1, fmt.Sprint(n), half)
			}
			return nil // the limit holds though the error was dropped
		}},
		{"writes", func(tx *storage.Txn) error {
			for n := range storage.MaxTxnWrites + 1 {
				_ = tx.PutSecret(1, fmt.Sprint(n), []byte{1})
			}
			return nil
		}},
	}
	for _, test := range tests {
		err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			must(t, tx.PutDoc(2, "first", []byte("v")))
			return test.fn(tx)
		})
		if fault.KindOf(err) != fault.Limit {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, found, _ := snapshot(t, tn).Doc(2, "first"); found {
			t.Fatalf("%s: a part was written", test.name)
		}
	}
	update(t, tn, func(tx *storage.Txn) error { // the largest that fits
		for n := range 7 {
			must(t, tx.PutSecret(1, fmt.Sprint(n), half))
		}
		return nil
	})
	for range 2 {
		update(t, tn, func(tx *storage.Txn) error { return tx.PutDoc(1, "both", half) })
		half = bytes.Repeat([]byte{1}, len(half))
	}
}

func testOrdinals(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	seen := map[uint32]bool{}
	for n := range 300 {
		tries := 0
		must(t, tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			if tries++; tries == 1 && n%10 == 0 {
				update(t, tn, func(tx *storage.Txn) error { return tx.BumpEpoch() })
			}
			return tx.Insert(order, rec(n+1, 1, nil))
		}))
		_ = tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			return errors.Join(tx.Insert(order, rec(1000, 1, nil)), errors.New("undone"))
		})
	}
	c := snapshot(t, tn).Records(order, storage.Range{})
	for c.Next() {
		seen[c.Record().Header().Ordinal] = true
	}
	must(t, c.Err())
	for n := range uint32(300) {
		if !seen[n] {
			t.Errorf("ordinal %d is missing: they are not dense", n)
		}
	}
}

// testContention runs writers against one counter, their own records and unique
// values at once: nothing is lost, nothing is double.
func testContention(t *testing.T, s *storage.Store) {
	const writers, each = 8, 40
	tn := newTenant(t, s)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
					b, _, err := tx.Doc(1, "counter")
					if err != nil {
						return err
					}
					var count uint64
					if len(b) == 8 {
						count = binary.BigEndian.Uint64(b)
					}
					code := record.String(fmt.Sprint(count))
					return errors.Join(tx.PutDoc(1, "counter", binary.BigEndian.AppendUint64(nil, count+1)),
						tx.Insert(order, rec(w*each+n+1, w, cells{17: record.Int(int64(count)), 19: code})))
				})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
	sn := snapshot(t, tn)
	must(t, CheckAgree(sn, order))
	b, _, err := sn.Doc(1, "counter")
	must(t, err)
	if got := binary.BigEndian.Uint64(b); got != writers*each {
		t.Errorf("the counter is %d after %d updates", got, writers*each)
	}
	c := sn.Changes(0)
	seq := uint64(0)
	for c.Next() {
		if seq++; c.Change().Seq != seq {
			t.Fatalf("change %d stands where %d was expected", c.Change().Seq, seq)
		}
	}
	must(t, c.Err())
	if seq != 2*writers*each {
		t.Errorf("%d changes, want %d", seq, 2*writers*each)
	}
}
