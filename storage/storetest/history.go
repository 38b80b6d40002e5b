package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/driver"
)

// testAlso writes under two prefixes with one number.
func testAlso(t *testing.T, d driver.Driver) {
	stamp := func(also string, value []byte) driver.Write {
		return driver.Write{Key: []byte("log/"), Value: []byte("v"), Stamp: true, Also: []byte(also), AlsoValue: value}
	}
	plain := driver.Write{Key: []byte("log/"), Value: []byte("v"), Stamp: true}
	commit(t, d, stamp("a/", []byte("1")), plain, stamp("b/", nil))
	commit(t, d, plain, stamp("a/", []byte("5")))
	s := view(t, d)
	if n := stampsOf(t, s, "log/"); n != 5 {
		t.Errorf("%d numbers were given, want 5", n)
	}
	for prefix, want := range map[string]string{"a/": "1=1 5=5 ", "b/": "3= "} {
		var got strings.Builder
		c := s.Cursor([]byte(prefix), nil, false)
		for c.Next() {
			fmt.Fprintf(&got, "%d=%s ", c.Key()[len(c.Key())-1], c.Value())
		}
		must(t, c.Err())
		c.Close()
		if got.String() != want {
			t.Errorf("behind %s: %q, want %q", prefix, got.String(), want)
		}
	}
}

// historyOf writes down the history of a record: sequence, version and lengths
// of both sides of each change, and that Version agrees with the entry.
func historyOf(r storage.Reader, n int, desc bool) (out []string, err error) {
	c := r.History(order, id(n), desc)
	defer c.Close()
	for c.Next() {
		ch, err := c.Change()
		if err != nil {
			return nil, err
		}
		version := uint32(0)
		if after, err := record.Parse(id(n), ch.After); err == nil {
			version = after.Version()
		}
		if ch.Form != order.Number || ch.Record != id(n) || version != c.Version() {
			return nil, fmt.Errorf("the history of %d has an entry of form %d, record %v, version %d, under version %d", n, ch.Form, ch.Record, version, c.Version())
		}
		out = append(out, fmt.Sprintf("%d v%d %d>%d", ch.Seq, c.Version(), len(ch.Before), len(ch.After)))
	}
	return out, c.Err()
}

func testHistory(t *testing.T, s *storage.Store) {
	tn, other := newTenant(t, s), newTenant(t, s)
	insert(t, tn, rec(1, 1, nil), rec(2, 1, nil))
	insert(t, other, rec(1, 1, cells{16: record.String("the other tenant's")}))
	large := bytes.Repeat([]byte("x"), 100<<10)
	change := func(tx *storage.Txn, n int, c cells) {
		r, _, err := tx.Record(order, id(n))
		must(t, err)
		must(t, tx.Update(order, r, edit(r, c)))
	}
	check := func(r storage.Reader, n int, want ...string) {
		t.Helper()
		for _, desc := range []bool{false, true} {
			got, err := historyOf(r, n, desc)
			must(t, err)
			if desc {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the history of %d, desc %v: %q, want %q", n, desc, got, want)
			}
		}
	}
	before := snapshot(t, tn)
	update(t, tn, func(tx *storage.Txn) error {
		change(tx, 1, cells{17: record.Int(1)})
		must(t, tx.PutDoc(1, "between", []byte("x")))
		change(tx, 1, cells{20: record.String(string(large))})
		check(tx, 1, "1 v1 0>76", "0 v2 76>79", "0 v3 79>102484")
		check(tx, 2, "2 v1 0>76")
		return nil
	})
	check(before, 1, "1 v1 0>76")
	after := snapshot(t, tn)
	check(after, 1, "1 v1 0>76", "3 v2 76>79", "5 v3 79>102484")
	check(after, 3)
	update(t, tn, func(tx *storage.Txn) error {
		two, _, err := tx.Record(order, id(2))
		must(t, err)
		return tx.Delete(order, two)
	})
	check(snapshot(t, tn), 2, "2 v1 0>76", "6 v0 76>0")
	check(snapshot(t, other), 1, fmt.Sprintf("1 v1 0>%d", len(rec(1, 1, cells{16: record.String("the other tenant's")}).Encoded())))

	sn := snapshot(t, tn) // walking costs keys, reading an entry a get
	c := sn.History(order, id(1), true)
	for c.Next() {
		continue
	}
	c.Close()
	if got := sn.Stats(); got.Keys != 3 || got.Gets != 0 || got.Cursors != 1 {
		t.Errorf("a walk over 3 changes took %+v", got)
	}
}

// CheckHistories reports the first disagreement between the change log and the
// histories of the records that it speaks of: each record's history is what
// going through the whole log finds, and likewise each space's.
func CheckHistories(r *storage.Snapshot) error {
	if err := checkDocHistories(r); err != nil {
		return err
	}
	want := map[record.ID][]string{}
	var order []record.ID
	c := r.Changes(0)
	defer c.Close()
	for c.Next() {
		ch := c.Change()
		if ch.Form == 0 {
			continue
		}
		if want[ch.Record] == nil {
			order = append(order, ch.Record)
		}
		version := uint32(0)
		if after, err := record.Parse(ch.Record, ch.After); err == nil {
			version = after.Version()
		}
		want[ch.Record] = append(want[ch.Record], fmt.Sprintf("%d v%d %d>%d", ch.Seq, version, len(ch.Before), len(ch.After)))
	}
	if c.Err() != nil {
		return c.Err()
	}
	for _, id := range order {
		got, err := historyOf(r, number(id), false)
		if err != nil {
			return err
		}
		if !slices.Equal(got, want[id]) {
			return fmt.Errorf("the history of %v is %q, the log has %q", id, got, want[id])
		}
	}
	if len(order) == 0 {
		return errors.New("the log has no changes of records")
	}
	return nil
}
