package storetest

import (
	"fmt"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Fields of the form that the kit uses.
var (
	title  = record.Field{Number: 16, Name: "title", Type: record.Text}
	amount = record.Field{Number: 17, Name: "amount", Type: record.Integer}
	tags   = record.Field{Number: 18, Name: "tags", Type: record.MultiChoice}
	code   = record.Field{Number: 19, Name: "code", Type: record.Text}
	note   = record.Field{Number: 20, Name: "note", Type: record.LongText}
	owner  = record.System[1]
)

var (
	byOwner  = &storage.Index{Number: 1, Parts: []record.Field{owner, amount}}
	byAmount = &storage.Index{Number: 2, Parts: []record.Field{amount}}
	byTags   = &storage.Index{Number: 3, Parts: []record.Field{tags, title}}
	byCode   = &storage.Index{Number: 4, Parts: []record.Field{code}, Unique: true}
	byWords  = &storage.Index{Number: 5, Parts: []record.Field{note}, Words: true}
	order    = &storage.Form{Number: 7, Indexes: []*storage.Index{byOwner, byAmount, byTags, byCode, byWords}}
)

// cells are the values of a record of the kit's form; nil means null.
type cells map[uint32]record.Value

// id returns the n-th id of the kit: they order as their numbers do.
func id(n int) record.ID {
	return record.ID{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
}

// user returns the n-th user of the kit.
func user(n int) record.ID { return record.ID{0: 0xAA, 15: byte(n)} }

func rec(n, owner int, c cells) record.Record {
	h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: user(owner), AddedBy: user(owner), ModifiedBy: user(owner)}
	return record.Encode(id(n), h, record.Record{}, c)
}

// edit returns old with another version and the cells given.
func edit(old record.Record, c cells) record.Record {
	h := old.Header()
	h.Version++
	return record.Encode(old.ID(), h, old, c)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newTenant(t testing.TB, s *storage.Store) storage.Tenant {
	t.Helper()
	var tenant identity.Tenant
	tenant, err := s.NewTenant(t.Context())
	must(t, err)
	return s.Tenant(tenant)
}

var meta = storage.Meta{Actor: user(1), Operation: "test", Time: time.Unix(1700000000, 0)}

func update(t testing.TB, tn storage.Tenant, fn func(*storage.Txn) error) {
	t.Helper()
	must(t, tn.Update(t.Context(), meta, fn))
}

func snapshot(t testing.TB, tn storage.Tenant) *storage.Snapshot {
	t.Helper()
	s, err := tn.Snapshot()
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// insert adds records in one transaction.
func insert(t testing.TB, tn storage.Tenant, recs ...record.Record) {
	t.Helper()
	update(t, tn, func(tx *storage.Txn) error {
		for _, r := range recs {
			if err := tx.Insert(order, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// walkIndex returns the last bytes of the ids that a walk gives, in order.
func walkIndex(t testing.TB, r storage.Reader, ix *storage.Index, rg storage.Range) []int {
	t.Helper()
	c := r.Index(order, ix, rg)
	defer c.Close()
	out := []int{}
	for c.Next() {
		out = append(out, number(c.ID()))
	}
	must(t, c.Err())
	return out
}

func walkRecords(t testing.TB, r storage.Reader, rg storage.Range) []int {
	t.Helper()
	c := r.Records(order, rg)
	defer c.Close()
	out := []int{}
	for c.Next() {
		out = append(out, number(c.Record().ID()))
	}
	must(t, c.Err())
	return out
}

func number(i record.ID) int { return int(i[13])<<16 | int(i[14])<<8 | int(i[15]) }

// CheckAgree reports the first disagreement between the records of a form and
// the entries and guards of its indexes, as a reader sees them: each record has
// exactly its entries, with its owner, version and ordinal, and no two records
// have one ordinal.
func CheckAgree(r storage.Reader, f *storage.Form) error {
	records := map[record.ID]record.Record{}
	ordinals := map[uint32]record.ID{}
	c := r.Records(f, storage.Range{})
	for c.Next() {
		rec := c.Record().Clone()
		records[rec.ID()] = rec
		o := rec.Header().Ordinal
		if other, taken := ordinals[o]; taken {
			return fmt.Errorf("records %v and %v have ordinal %d", other, rec.ID(), o)
		}
		ordinals[o] = rec.ID()
	}
	if c.Err() != nil {
		return c.Err()
	}
	for _, ix := range f.Indexes {
		if err := checkIndex(r, f, ix, records); err != nil {
			return fmt.Errorf("index %d: %w", ix.Number, err)
		}
	}
	return nil
}

func checkIndex(r storage.Reader, f *storage.Form, ix *storage.Index, records map[record.ID]record.Record) error {
	if ix.Words {
		return checkWords(r, f, ix, records)
	}
	if len(ix.Parts) == 1 && ix.Parts[0].Type.Refs() {
		return checkItems(r, f, ix, records)
	}
	seen := map[record.ID]bool{}
	c := r.Index(f, ix, storage.Range{})
	defer c.Close()
	for c.Next() {
		rec, ok := records[c.ID()]
		h := rec.Header()
		switch {
		case !ok:
			return fmt.Errorf("an entry for %v, which does not exist", c.ID())
		case seen[c.ID()]:
			return fmt.Errorf("two entries for %v", c.ID())
		case c.Owner() != h.Owner || c.Version() != h.Version || c.Ordinal() != h.Ordinal:
			return fmt.Errorf("the entry of %v has owner %v version %d ordinal %d, the record %v %d %d", c.ID(), c.Owner(), c.Version(), c.Ordinal(), h.Owner, h.Version, h.Ordinal)
		}
		seen[c.ID()] = true
		want := sortKey(ix, rec)
		if got := string(c.Position()[:len(c.Position())-16]); got != want {
			return fmt.Errorf("the entry of %v has key %x, the record %x", c.ID(), got, want)
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	if len(seen) != len(records) {
		return fmt.Errorf("%d entries for %d records", len(seen), len(records))
	}
	return checkGuards(r, f, ix, records)
}

func checkGuards(r storage.Reader, f *storage.Form, ix *storage.Index, records map[record.ID]record.Record) error {
	if !ix.Unique || len(ix.Parts) != 1 {
		return nil
	}
	for _, rec := range records {
		v := rec.Get(&ix.Parts[0])
		holder, held, err := r.Guarded(f, ix, v)
		if err != nil {
			return err
		}
		if held == v.IsNull() || held && holder != rec.ID() {
			return fmt.Errorf("the guard of %v is held by %v (%v)", rec.ID(), holder, held)
		}
	}
	return nil
}

func sortKey(ix *storage.Index, r record.Record) string {
	var k []byte
	for i := range ix.Parts {
		k = storage.AppendSortKey(k, r.Get(&ix.Parts[i]))
	}
	return string(k)
}
