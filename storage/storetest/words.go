package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/internal/words"
	"sluice/storage"
)

// checkWords holds that an index of words has the entries that the texts of the
// records ask for, and no other.
func checkWords(r storage.Reader, f *storage.Form, ix *storage.Index, records map[record.ID]record.Record) error {
	want := map[string]record.ID{}
	for id, rec := range records {
		distinct := map[string]bool{}
		for _, w := range words.Of(rec.Get(&ix.Parts[0]).Text()) {
			distinct[words.Term(string(w))] = true
		}
		if len(distinct) > storage.MaxWords {
			distinct = map[string]bool{storage.AnyWord: true}
		}
		for term := range distinct {
			want[string(storage.AppendSortKey(nil, record.String(term)))+string(id[:])] = id
		}
	}
	c := r.Index(f, ix, storage.Range{})
	defer c.Close()
	found := 0
	for c.Next() {
		id, ok := want[string(c.Position())]
		if h := records[id].Header(); !ok || c.ID() != id || c.Owner() != h.Owner || c.Version() != 0 || c.Ordinal() != h.Ordinal {
			return fmt.Errorf("the entry %x of %v, with owner %v version %d ordinal %d", c.Position(), c.ID(), c.Owner(), c.Version(), c.Ordinal())
		}
		found++
	}
	if c.Err() == nil && found != len(want) {
		return fmt.Errorf("%d entries, the records have %d words", found, len(want))
	}
	return c.Err()
}

// many is a text of n words of its own.
func many(n int, what string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprint(&b, what, i, " ")
	}
	return b.String()
}

// testWords follows an index of words through inserts, updates, owners, deletes,
// texts that are too long for it, and a build over what is stored.
func testWords(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	noted := func(text string) cells { return cells{note.Number: record.String(text)} }
	find := func(r storage.Reader, term string) []int {
		return walkIndex(t, r, byWords, storage.Range{Eq: []record.Value{record.String(term)}})
	}
	expect := func(want map[string][]int) {
		t.Helper()
		sn := snapshot(t, tn)
		must(t, CheckAgree(sn, order))
		for term, ids := range want {
			if got := find(sn, term); !slices.Equal(got, ids) {
				t.Errorf("%q is in %v, want %v", term, got, ids)
			}
		}
	}
	insert(t, tn, rec(1, 1, noted("Red pump, red pump")), rec(2, 2, noted("Pump-Haus Straße")), rec(3, 1, cells{}), rec(4, 1, noted("...")))
	expect(map[string][]int{"pump": {1, 2}, "red": {1}, "haus": {2}, "strasse": {2}, "Pump": {}, storage.AnyWord: {}})

	insert(t, tn, rec(5, 1, noted(many(storage.MaxWords, "w"))), rec(6, 1, noted(many(storage.MaxWords+1, "w"))))
	expect(map[string][]int{"w1": {5}, storage.AnyWord: {6}})

	update(t, tn, func(tx *storage.Txn) error {
		for n, text := range map[int]string{1: "Blue pump", 5: many(storage.MaxWords+1, "v"), 6: "short"} {
			old, _, err := tx.Record(order, id(n))
			if err != nil {
				return err
			}
			if err := tx.Update(order, old, edit(old, noted(text))); err != nil {
				return err
			}
		}
		if got := find(tx, "pump"); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("inside the transaction pump is in %v", got)
		}
		return CheckAgree(tx, order)
	})
	expect(map[string][]int{"red": {}, "blue": {1}, "w1": {}, "short": {6}, storage.AnyWord: {5}})

	update(t, tn, func(tx *storage.Txn) error { // another owner, the same words
		old, _, err := tx.Record(order, id(2))
		if err != nil {
			return err
		}
		h := old.Header()
		h.Owner = user(1)
		return tx.Update(order, old, record.Encode(old.ID(), h, old, nil))
	})
	update(t, tn, func(tx *storage.Txn) error {
		old, _, err := tx.Record(order, id(1))
		if err != nil {
			return err
		}
		return tx.Delete(order, old)
	})
	expect(map[string][]int{"pump": {2}, "blue": {}})
	testWordsBuild(t, tn)
}

// testWordsBuild fills an index of words over what is stored.
func testWordsBuild(t *testing.T, tn storage.Tenant) {
	second := &storage.Index{Number: 6, Parts: []record.Field{note}, Words: true, Building: true}
	with := &storage.Form{Number: order.Number, Indexes: append(slices.Clone(order.Indexes), second)}
	update(t, tn, func(tx *storage.Txn) error {
		old, _, err := tx.Record(with, id(2))
		if err != nil {
			return err
		}
		return tx.Update(with, old, edit(old, cells{note.Number: record.String("Pump written while it is built")}))
	})
	for n := 1; n <= 6; n++ {
		for range 2 { // twice gives the same
			update(t, tn, func(tx *storage.Txn) error {
				r, ok, err := tx.Record(with, id(n))
				if err != nil || !ok {
					return err
				}
				return tx.FillIndex(with, second, r)
			})
		}
	}
	must(t, CheckAgree(snapshot(t, tn), with))
	testWordsKept(t, tn)
	err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
		bad := &storage.Form{Number: 9, Indexes: []*storage.Index{{Number: 1, Words: true}}}
		return tx.Insert(bad, rec(1, 1, nil))
	})
	if err == nil || fault.KindOf(err) == fault.Limit {
		t.Errorf("an index of words without a part: %v", err)
	}
}

// testWordsKept holds that an update of other cells writes no words: those of all
// records together would be more than a transaction takes.
func testWordsKept(t *testing.T, tn storage.Tenant) {
	const n = storage.MaxTxnWrites/storage.MaxWords + 1
	for i := range n {
		insert(t, tn, rec(100+i, 1, cells{note.Number: record.String(many(storage.MaxWords, "k"))}))
	}
	update(t, tn, func(tx *storage.Txn) error {
		for i := range n {
			old, _, err := tx.Record(order, id(100+i))
			if err != nil {
				return err
			}
			if err := tx.Update(order, old, edit(old, cells{amount.Number: record.Int(9)})); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, CheckAgree(snapshot(t, tn), order))
}
