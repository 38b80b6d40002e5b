package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// RunStore tests what package storage promises over the stores that open
// returns: each call a fresh, empty one, which the kit closes.
func RunStore(t *testing.T, open func(testing.TB) *storage.Store) {
	tests := []struct {
		name string
		run  func(*testing.T, *storage.Store)
	}{
		{"Tenants", testTenants},
		{"Records", testRecords},
		{"IndexRanges", testIndexRanges},
		{"Positions", testPositions},
		{"PendingWrites", testPendingWrites},
		{"Unique", testUnique},
		{"FillIndex", testFillIndex},
		{"Words", testWords},
		{"Documents", testDocuments},
		{"Changes", testChanges},
		{"History", testHistory},
		{"Past", testPast},
		{"Epoch", testEpoch},
		{"Conflicts", testConflicts},
		{"Limits", testLimits},
		{"Closed", testClosed},
		{"Ordinals", testOrdinals},
		{"Contention", testContention},
		{"Stats", testStats},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { must(t, s.Close()) }) // after the snapshots, which come later
			test.run(t, s)
		})
	}
}

func testTenants(t *testing.T, s *storage.Store) {
	a, b := newTenant(t, s), newTenant(t, s)
	if a.ID() == b.ID() || a.ID().IsZero() {
		t.Fatalf("tenants %v and %v", a.ID(), b.ID())
	}
	insert(t, a, rec(1, 1, cells{16: record.String("a's")}))
	update(t, a, func(tx *storage.Txn) error { return tx.PutDoc(1, "k", []byte("a's")) })
	for name, tn := range map[string]storage.Tenant{"other": b, "system": s.System(), "unknown": s.Tenant(identity.Tenant{1, 2, 3})} {
		sn := snapshot(t, tn)
		_, found, err := sn.Record(order, id(1))
		_, doc, err2 := sn.Doc(1, "k")
		if err != nil || err2 != nil || found || doc || len(walkRecords(t, sn, storage.Range{})) > 0 || len(walkIndex(t, sn, byAmount, storage.Range{})) > 0 {
			t.Errorf("%s: sees data of another tenant: %v %v %v %v", name, found, doc, err, err2)
		}
		sn.Close()
	}
	if _, err := s.Tenant(identity.Tenant{}).Snapshot(); err == nil {
		t.Error("the zero tenant has a snapshot")
	}
	if err := (storage.Tenant{}).Update(t.Context(), meta, func(*storage.Txn) error { return nil }); err == nil {
		t.Error("the zero scope has a transaction")
	}
	all, err := s.Tenants()
	must(t, err)
	if len(all) != 2 || !slices.Contains(all, a.ID()) || !slices.Contains(all, b.ID()) {
		t.Errorf("tenants %v, want %v and %v", all, a.ID(), b.ID())
	}
}

func testRecords(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	insert(t, tn, rec(2, 1, cells{16: record.String("two")}), rec(1, 1, cells{16: record.String("one"), 17: record.Int(5)}))
	before := snapshot(t, tn)
	update(t, tn, func(tx *storage.Txn) error {
		r, ok, err := tx.Record(order, id(1))
		if err != nil || !ok {
			return fmt.Errorf("record 1: %v %w", ok, err)
		}
		if err := tx.Update(order, r, edit(r, cells{16: record.String("uno"), 17: {}})); err != nil {
			return err
		}
		two, _, err := tx.Record(order, id(2))
		if err != nil {
			return err
		}
		return tx.Delete(order, two)
	})
	after := snapshot(t, tn)
	must(t, CheckAgree(before, order))
	must(t, CheckAgree(after, order))
	if got := walkRecords(t, before, storage.Range{}); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the old snapshot shows %v", got)
	}
	if got := walkRecords(t, after, storage.Range{}); !slices.Equal(got, []int{1}) {
		t.Errorf("the new snapshot shows %v", got)
	}
	r, _, err := after.Record(order, id(1))
	must(t, err)
	if string(r.Get(&title).Text()) != "uno" || !r.Get(&amount).IsNull() || r.Version() != 2 {
		t.Errorf("after the update: %q %v version %d", r.Get(&title).Text(), r.Get(&amount).IsNull(), r.Version())
	}
	err = tn.Update(t.Context(), meta, func(tx *storage.Txn) error { return tx.Insert(order, rec(1, 1, nil)) })
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("inserting an id twice: %v", err)
	}
	err = tn.Update(t.Context(), meta, func(tx *storage.Txn) error { return tx.Delete(order, rec(1, 1, nil)) })
	if err == nil {
		t.Error("a record was deleted by what is not stored")
	}
	boom := errors.New("boom")
	err = tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
		return errors.Join(tx.Insert(order, rec(9, 1, nil)), boom)
	})
	last := snapshot(t, tn)
	if _, found, _ := last.Record(order, id(9)); found || !errors.Is(err, boom) {
		t.Errorf("a failed transaction: found %v, error %v", found, err)
	}
}

func testIndexRanges(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	insert(t, tn,
		rec(1, 1, cells{17: record.Int(10)}), rec(2, 1, cells{17: record.Int(-3)}), rec(3, 1, nil),
		rec(4, 2, cells{17: record.Int(10)}), rec(5, 2, cells{17: record.Int(20)}), rec(6, 2, cells{17: record.Int(20)}))
	val := func(n int64, ex bool) *storage.Bound { return &storage.Bound{Value: record.Int(n), Exclusive: ex} }
	owner := func(n int) []record.Value { return []record.Value{record.Ref(user(n))} }
	tests := []struct {
		name string
		ix   *storage.Index
		r    storage.Range
		want []int
	}{
		{"all", byAmount, storage.Range{}, []int{3, 2, 1, 4, 5, 6}},
		{"equal", byAmount, storage.Range{Eq: []record.Value{record.Int(10)}}, []int{1, 4}},
		{"null", byAmount, storage.Range{Eq: []record.Value{{}}}, []int{3}},
		{"not null", byAmount, storage.Range{Low: &storage.Bound{Exclusive: true}}, []int{2, 1, 4, 5, 6}},
		{"low", byAmount, storage.Range{Low: val(10, false)}, []int{1, 4, 5, 6}},
		{"low exclusive", byAmount, storage.Range{Low: val(10, true)}, []int{5, 6}},
		{"high keeps nulls", byAmount, storage.Range{High: val(10, false)}, []int{3, 2, 1, 4}},
		{"between", byAmount, storage.Range{Low: val(-3, false), High: val(10, true)}, []int{2}},
		{"empty", byAmount, storage.Range{Low: val(10, true), High: val(10, false)}, []int{}},
		{"reversed bounds", byAmount, storage.Range{Low: val(20, false), High: val(10, false)}, []int{}},
		{"by id", byAmount, storage.Range{Eq: []record.Value{record.Int(20)}, Low: &storage.Bound{Value: record.Ref(id(5)), Exclusive: true}}, []int{6}},
		{"owner", byOwner, storage.Range{Eq: owner(1)}, []int{3, 2, 1}},
		{"owner, high", byOwner, storage.Range{Eq: owner(2), High: val(20, true)}, []int{4}},
		{"owner and amount", byOwner, storage.Range{Eq: append(owner(2), record.Int(20))}, []int{5, 6}},
		{"nobody", byOwner, storage.Range{Eq: owner(3)}, []int{}},
	}
	sn := snapshot(t, tn)
	check := func(name string, ix *storage.Index, r storage.Range, want []int) {
		if got := walkIndex(t, sn, ix, r); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, test := range tests {
		check(test.name, test.ix, test.r, test.want)
		test.r.Desc = true
		slices.Reverse(test.want)
		check(test.name+", descending", test.ix, test.r, test.want)
	}
	c := sn.Index(order, byAmount, storage.Range{Eq: make([]record.Value, 2)})
	if c.Next() || c.Err() == nil {
		t.Error("a range with too many equal values has no error")
	}
}

func testPositions(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	var recs []record.Record
	for n := range 40 {
		recs = append(recs, rec(n+1, n%4, cells{17: record.Int(int64(n * 7 % 10))}))
	}
	insert(t, tn, recs...)
	sn := snapshot(t, tn)
	for _, desc := range []bool{false, true} {
		all := walkIndex(t, sn, byAmount, storage.Range{Desc: desc})
		if got := resumed(t, sn, byAmount, storage.Range{Desc: desc}); !slices.Equal(got, all) {
			t.Errorf("desc %v: page by page %v, at once %v", desc, got, all)
		}
		eq := storage.Range{Desc: desc, Eq: []record.Value{record.Ref(user(2))}}
		if got, want := resumed(t, sn, byOwner, eq), walkIndex(t, sn, byOwner, eq); !slices.Equal(got, want) {
			t.Errorf("owner, desc %v: page by page %v, at once %v", desc, got, want)
		}
		if got := mergeOwners(t, sn, desc); !slices.Equal(got, all) {
			t.Errorf("desc %v: merged by position %v, by index %v", desc, got, all)
		}
		want := walkRecords(t, sn, storage.Range{Desc: desc})[7:]
		after := id(7)
		if desc {
			after = id(34)
		}
		if got := walkRecords(t, sn, storage.Range{Desc: desc, After: after[:]}); !slices.Equal(got, want) {
			t.Errorf("records, desc %v: %v, want %v", desc, got, want)
		}
	}
}

// resumed walks with a new cursor for every entry.
func resumed(t *testing.T, r storage.Reader, ix *storage.Index, rg storage.Range) []int {
	out := []int{}
	for {
		c := r.Index(order, ix, rg)
		if !c.Next() {
			must(t, c.Err())
			return out
		}
		out = append(out, number(c.ID()))
		rg.After = slices.Clone(c.Position())
		c.Close()
	}
}

// mergeOwners walks the entries of all owners in the order of the amount.
func mergeOwners(t *testing.T, r storage.Reader, desc bool) []int {
	var open []*storage.IndexCursor
	for n := range 4 {
		c := r.Index(order, byOwner, storage.Range{Eq: []record.Value{record.Ref(user(n))}, Desc: desc})
		defer c.Close()
		if c.Next() {
			open = append(open, c)
		}
	}
	out := []int{}
	for len(open) > 0 {
		best := 0
		for i, c := range open {
			cmp := slices.Compare(c.Position(), open[best].Position())
			if cmp < 0 != desc && cmp != 0 {
				best = i
			}
		}
		out = append(out, number(open[best].ID()))
		if !open[best].Next() {
			open = slices.Delete(open, best, best+1)
		}
	}
	return out
}

func testPendingWrites(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	insert(t, tn, rec(1, 1, cells{17: record.Int(1)}), rec(3, 1, cells{17: record.Int(3)}), rec(5, 1, cells{17: record.Int(5)}))
	update(t, tn, func(tx *storage.Txn) error {
		open := tx.Records(order, storage.Range{})
		one, _, err := tx.Record(order, id(1))
		must(t, err)
		must(t, tx.Delete(order, one))
		must(t, tx.Insert(order, rec(2, 2, cells{17: record.Int(9)})))
		must(t, tx.Insert(order, rec(6, 2, cells{17: record.Int(-9)})))
		three, _, err := tx.Record(order, id(3))
		must(t, err)
		must(t, tx.Update(order, three, edit(three, cells{17: record.Int(7)})))
		for _, desc := range []bool{false, true} {
			recs, amounts := []int{2, 3, 5, 6}, []int{6, 5, 3, 2}
			if desc {
				slices.Reverse(recs)
				slices.Reverse(amounts)
			}
			if got := walkRecords(t, tx, storage.Range{Desc: desc}); !slices.Equal(got, recs) {
				t.Errorf("records, desc %v: %v, want %v", desc, got, recs)
			}
			if got := walkIndex(t, tx, byAmount, storage.Range{Desc: desc}); !slices.Equal(got, amounts) {
				t.Errorf("index, desc %v: %v, want %v", desc, got, amounts)
			}
		}
		must(t, CheckAgree(tx, order))
		var got []int
		for open.Next() {
			got = append(got, number(open.Record().ID()))
		}
		must(t, open.Err())
		if !slices.Equal(got, []int{1, 3, 5}) {
			t.Errorf("a cursor opened before the writes shows %v", got)
		}
		return nil
	})
	must(t, CheckAgree(snapshot(t, tn), order))
}

func testUnique(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	long := strings.Repeat("x", 900)
	insert(t, tn, rec(1, 1, cells{19: record.String("A")}), rec(2, 1, cells{19: record.String(long)}), rec(3, 1, nil), rec(4, 1, nil))
	sn := snapshot(t, tn)
	for value, want := range map[string]int{"A": 1, long: 2} {
		got, held, err := sn.Guarded(order, byCode, record.String(value))
		if err != nil || !held || number(got) != want {
			t.Errorf("guard of %.5q: %v %v %v", value, got, held, err)
		}
	}
	for _, value := range []record.Value{{}, record.String("B"), record.String(long + "x")} {
		if _, held, err := sn.Guarded(order, byCode, value); held || err != nil {
			t.Errorf("a free value is held: %v", err)
		}
	}
	for _, taken := range []string{"A", long} {
		err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			err := tx.Insert(order, rec(9, 1, cells{19: record.String(taken)}))
			if got := walkRecords(t, tx, storage.Range{}); len(got) != 4 {
				t.Errorf("a refused insert left %v", got)
			}
			return err
		})
		u, ok := errors.AsType[*storage.UniqueError](err)
		if !ok || u.Index != byCode {
			t.Errorf("a taken value: %v", err)
		}
	}
	update(t, tn, func(tx *storage.Txn) error { // the value moves from 1 to 3
		one, _, _ := tx.Record(order, id(1))
		three, _, _ := tx.Record(order, id(3))
		if err := tx.Update(order, three, edit(three, cells{19: record.String("A")})); err == nil {
			t.Error("a value was given while it was held")
		}
		must(t, tx.Update(order, one, edit(one, cells{19: {}})))
		return tx.Update(order, three, edit(three, cells{19: record.String("A")}))
	})
	must(t, CheckAgree(snapshot(t, tn), order))
	update(t, tn, func(tx *storage.Txn) error {
		three, _, _ := tx.Record(order, id(3))
		must(t, tx.Delete(order, three))
		return tx.Insert(order, rec(5, 1, cells{19: record.String("A")}))
	})
	must(t, CheckAgree(snapshot(t, tn), order))
}

func testFillIndex(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	bare := &storage.Form{Number: order.Number}
	building := &storage.Index{Number: 9, Parts: []record.Field{title}, Unique: true, Building: true}
	full := &storage.Form{Number: order.Number, Indexes: []*storage.Index{building}}
	update(t, tn, func(tx *storage.Txn) error {
		return errors.Join(tx.Insert(bare, rec(1, 1, cells{16: record.String("x")})),
			tx.Insert(bare, rec(2, 1, cells{16: record.String("x")})), tx.Insert(bare, rec(3, 1, cells{16: record.String("y")})))
	})
	fill := func(n int) error {
		return tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
			r, _, err := tx.Record(full, id(n))
			return errors.Join(err, tx.FillIndex(full, building, r))
		})
	}
	must(t, fill(1))
	must(t, fill(1))
	if _, ok := errors.AsType[*storage.UniqueError](fill(2)); !ok {
		t.Error("a duplicate was not found by the backfill")
	}
	update(t, tn, func(tx *storage.Txn) error { // a writer meets the index half built
		two, _, _ := tx.Record(full, id(2))
		return tx.Update(full, two, edit(two, cells{16: record.String("z")}))
	})
	must(t, fill(2))
	must(t, fill(3))
	must(t, CheckAgree(snapshot(t, tn), full))
}

func testDocuments(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	update(t, tn, func(tx *storage.Txn) error {
		return errors.Join(tx.PutDoc(1, "b", []byte("B")), tx.PutDoc(1, "a", []byte{}), tx.PutDoc(1, "ab", []byte("AB")), tx.PutDoc(2, "a", []byte("other")), tx.PutSecret(1, "s", []byte("secret")))
	})
	docs := func(r storage.Reader, prefix string) (out []string) {
		c := r.Docs(1, prefix)
		defer c.Close()
		for c.Next() {
			out = append(out, c.Key()+"="+string(c.Value()))
		}
		must(t, c.Err())
		return out
	}
	sn := snapshot(t, tn)
	if got := docs(sn, ""); !slices.Equal(got, []string{"a=", "ab=AB", "b=B", "s=secret"}) {
		t.Errorf("documents %v", got)
	}
	if got := docs(sn, "a"); !slices.Equal(got, []string{"a=", "ab=AB"}) {
		t.Errorf("documents from a: %v", got)
	}
	for _, r := range []struct {
		storage.DocRange
		prefix, want string
	}{
		{storage.DocRange{Desc: true}, "", "s b ab a "},
		{storage.DocRange{After: "a"}, "a", "ab "},
		{storage.DocRange{After: "ab", Desc: true}, "a", "a "},
		{storage.DocRange{After: "b", Desc: true}, "", "ab a "},
		{storage.DocRange{After: "b"}, "", "s "},
		{storage.DocRange{After: "s"}, "", ""},
		{storage.DocRange{After: "aa"}, "", "ab b s "},
	} {
		got := ""
		c := sn.DocsIn(1, r.prefix, r.DocRange)
		for c.Next() {
			got += c.Key() + " "
		}
		must(t, c.Err())
		c.Close()
		if got != r.want {
			t.Errorf("documents in %+v: %q, want %q", r, got, r.want)
		}
	}
	if v, found, err := sn.Doc(1, "a"); !found || v == nil || len(v) != 0 || err != nil {
		t.Errorf("an empty document: %v %v %v", v, found, err)
	}
	update(t, tn, func(tx *storage.Txn) error {
		must(t, tx.PutDoc(1, "a", nil))
		must(t, tx.PutDoc(1, "never", nil))
		if _, found, _ := tx.Doc(1, "a"); found {
			t.Error("a deleted document is found in the transaction")
		}
		if got := docs(tx, "a"); !slices.Equal(got, []string{"ab=AB"}) {
			t.Errorf("documents in the transaction: %v", got)
		}
		return nil
	})
	if _, found, _ := snapshot(t, tn).Doc(1, "a"); found {
		t.Error("a deleted document is found")
	}
}

func testEpoch(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	epoch := func(r storage.Reader) uint64 {
		n, err := r.Epoch()
		must(t, err)
		return n
	}
	if n := epoch(snapshot(t, tn)); n != 0 {
		t.Errorf("the first epoch is %d", n)
	}
	seen := map[uint64]bool{}
	update(t, tn, func(tx *storage.Txn) error {
		for range 3 {
			must(t, tx.PutDoc(1, "k", []byte("v")))
			if n := epoch(tx); n>>63 == 0 || seen[n] {
				t.Errorf("uncommitted documents under epoch %x", n)
			} else {
				seen[n] = true
			}
		}
		return errors.Join(tx.BumpEpoch(), tx.BumpEpoch())
	})
	if n := epoch(snapshot(t, tn)); n != 1 {
		t.Errorf("after one change the epoch is %d", n)
	}
	tries := 0
	err := tn.Update(t.Context(), meta, func(tx *storage.Txn) error {
		if tries++; tries == 1 {
			update(t, tn, func(tx *storage.Txn) error { return tx.BumpEpoch() })
		}
		return tx.Insert(order, rec(1, 1, nil))
	})
	if err != nil || tries != 2 {
		t.Errorf("a transaction that began before a bump: %d tries, %v", tries, err)
	}
}

func testClosed(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	insert(t, tn, rec(1, 1, nil), rec(2, 1, nil))
	sn, err := tn.Snapshot()
	must(t, err)
	c := sn.Records(order, storage.Range{})
	if !c.Next() {
		t.Fatal("no record")
	}
	sn.Close()
	sn.Close()
	if c.Next() {
		t.Error("a cursor outlives its snapshot")
	}
	c.Close()
	if _, _, err := sn.Record(order, id(1)); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("a read of a closed snapshot: %v", err)
	}
	if c := sn.Index(order, byAmount, storage.Range{}); c.Next() || !errors.Is(c.Err(), storage.ErrClosed) {
		t.Errorf("a walk of a closed snapshot: %v", c.Err())
	}
	var kept *storage.Txn
	update(t, tn, func(tx *storage.Txn) error { kept = tx; return nil })
	if err := kept.Insert(order, rec(3, 1, nil)); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("a write after the end: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = tn.Update(ctx, meta, func(tx *storage.Txn) error { return tx.Insert(order, rec(3, 1, nil)) })
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled update: %v", err)
	}
}

func testStats(t *testing.T, s *storage.Store) {
	tn := newTenant(t, s)
	var recs []record.Record
	for n := range 100 {
		recs = append(recs, rec(n+1, 1, cells{17: record.Int(int64(n))}))
	}
	insert(t, tn, recs...)
	sn := snapshot(t, tn)
	c := sn.Index(order, byAmount, storage.Range{Low: &storage.Bound{Value: record.Int(50)}})
	for range 10 {
		c.Next()
	}
	c.Close()
	_, _, err := sn.Record(order, id(1))
	must(t, err)
	if got := sn.Stats(); got != (storage.Stats{Keys: 10, Gets: 1, Cursors: 1}) {
		t.Errorf("stats %+v", got)
	}
}
