package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
	"sluice/storage/memstore"
)

func (h *house) where(op *Op, form string, where cell) filter.Expr {
	h.t.Helper()
	e, faults := filter.Parse(where, op.Scope(h.form(form).Number), filter.Options{})
	if len(faults) > 0 {
		h.t.Fatal(faults)
	}
	return e
}

// TestP7_BulkIsNotCut: a write by filter that is about more records than one
// operation may be does nothing, and tells no more than that.
func TestP7_BulkIsNotCut(t *testing.T) {
	h := newHouse(t)
	slot := h.form("Slot").Number
	for from := 0; from <= MaxBulk; from += 200 {
		must(t, h.write("rep", func(op *Op) error {
			var ds []*Draft
			for i := from; i < min(from+200, MaxBulk+1); i++ {
				ds = append(ds, &Draft{Values: h.input("Slot", cell{"label": fmt.Sprint("s", i%2)})})
			}
			_, err := op.AddMany(slot, ds)
			return err
		}))
	}
	count := func() (n int) {
		h.read("admin", func(op *Op) {
			page, err := op.List(List{Form: slot, Total: true})
			must(t, err)
			n = page.Total
		})
		return n
	}
	remove := func(where cell) (ids []record.ID, err error) {
		err = h.write("admin", func(op *Op) error {
			ids, err = op.DeleteWhere(slot, h.where(op, "Slot", where))
			return err
		})
		return ids, err
	}
	_, err := remove(cell{"id": cell{"isNull": false}})
	if msg := denied(t, err, fault.Limit); count() != MaxBulk+1 || msg != "where: more than 1000 records match; narrow the filter" {
		t.Errorf("%d are left, told %q", count(), msg)
	}
	ids, err := remove(cell{"label": cell{"eq": "s1"}})
	if err != nil || len(ids) != MaxBulk/2 || !slices.IsSortedFunc(ids, compareIDs) || count() != MaxBulk/2+1 {
		t.Errorf("%d deleted, %d left: %v", len(ids), count(), err)
	}
	err = h.write("rep", func(op *Op) error {
		_, err := op.AddMany(slot, make([]*Draft, MaxBulk+1))
		return err
	})
	denied(t, err, fault.Limit)
}

// TestP8_BulkPermissionBeforeValues: what is not permitted on any record is told
// before what is wrong with the values of any.
func TestP8_BulkPermissionBeforeValues(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "t", "badge": "taken"})
	mine, shown := h.add("clerk", "Deal", cell{"title": "a"}), h.add("manager", "Deal", cell{"title": "b"})
	deal := h.form("Deal").Number
	wrong := &Draft{Values: h.input("Deal", cell{"title": nil, "badge": "taken"})}
	try := func(fn func(op *Op) error) error { return h.write("clerk", fn) }
	for _, id := range []record.ID{mine, shown} {
		err := try(func(op *Op) error {
			return op.ChangeMany(deal, []Amendment{{ID: mine, Draft: wrong, IfVersion: 7}, {ID: shown, Draft: wrong}})
		})
		denied(t, err, fault.Forbidden)
		err = try(func(op *Op) error {
			_, err := op.ChangeWhere(deal, h.where(op, "Deal", cell{"id": cell{"in": []any{mine.String(), shown.String(), id.String()}}}), wrong)
			return err
		})
		denied(t, err, fault.Forbidden)
	}
	err := try(func(op *Op) error {
		_, err := op.ChangeWhere(deal, h.where(op, "Deal", cell{"id": cell{"eq": mine.String()}}), wrong)
		return err
	})
	denied(t, err, fault.Invalid)
	err = try(func(op *Op) error {
		_, err := op.ChangeWhere(deal, h.where(op, "Deal", cell{"and": []any{cell{}}}), wrong)
		return err
	})
	denied(t, err, fault.Invalid)
}

// TestH5_MaskedUpsertKey: a key that a mask hides is none that the viewer finds a
// record by.
func TestH5_MaskedUpsertKey(t *testing.T) {
	h := newHouse(t)
	h.cover()
	shut, open := h.add("rep", "Deal", cell{"title": "shut", "badge": "shut"}), h.add("rep", "Deal", cell{"title": "open", "badge": "open"})
	must(t, h.update("admin", "Deal", open, cell{"stage": "open"}))
	upsert := func(badge string) (id record.ID, created bool, err error) {
		err = h.write("mia", func(op *Op) error {
			in := &Draft{Values: h.input("Deal", cell{"title": "by mia", "badge": badge})}
			id, created, err = op.Upsert(h.form("Deal").Number, h.field("Deal", "badge").Number, in)
			return err
		})
		return id, created, err
	}
	if id, created, err := upsert("open"); err != nil || created || id != open {
		t.Errorf("%v %v %v", id, created, err)
	}
	_, _, err := upsert("shut")
	_, created := h.create("mia", "Deal", cell{"title": "by mia", "badge": "shut"})
	if x, y := denied(t, err, fault.Conflict), denied(t, created, fault.Conflict); x != y {
		t.Errorf("an upsert is told %q, a create %q", x, y)
	}
	if got := h.value("rep", "Deal", shut, "title"); string(got.Text()) != "shut" {
		t.Error("the record that was not found is changed")
	}
}

// TestUpsertRunsAgain: when another adds the value in the meantime, the write is
// run again, finds it, and nothing of its first run is left.
func TestUpsertRunsAgain(t *testing.T) {
	h := newHouse(t)
	var other, id record.ID
	var created bool
	attempts := 0
	err := h.write("rep", func(op *Op) (err error) {
		attempts++
		in := &Draft{Values: h.input("Deal", cell{"title": "upserted", "badge": "race"})}
		id, created, err = op.Upsert(h.form("Deal").Number, h.field("Deal", "badge").Number, in)
		if attempts == 1 {
			other = h.add("rep", "Deal", cell{"title": "other", "badge": "race"})
		}
		return err
	})
	must(t, err)
	if attempts != 2 || created || id != other || len(h.list("rep", "Deal", nil)) != 1 {
		t.Errorf("%d attempts, created %v, %v and %v", attempts, created, id, other)
	}
}

// replays sends a write under a key as who, and reports whether it was done
// before.
func (h *house) replays(who, key string, content byte) (replayed bool, got []Outcome, err error) {
	k := &ReplayKey{Key: key, Content: [32]byte{content}}
	err = h.write(who, func(op *Op) error {
		if got, replayed, err = op.Replay(k); err != nil || replayed {
			return err
		}
		id, err := op.Create(h.form("Deal").Number, h.input("Deal", cell{"title": key}))
		if err != nil {
			return err
		}
		got = []Outcome{{IDs: []record.ID{id}, Created: true}}
		return op.Keep(k, got)
	})
	return replayed, got, err
}

// keys counts the documents of replays.
func (h *house) keys() (n int) {
	h.read("admin", func(op *Op) {
		c := op.r.Docs(spaceReplay, "crm/k/")
		defer c.Close()
		for c.Next() {
			n++
		}
		must(h.t, c.Err())
	})
	return n
}

// TestP11_KeysOfOnePersonForADay: an outcome is kept with its write for a day, for
// one person, and then goes.
func TestP11_KeysOfOnePersonForADay(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h.e.o.Now = func() time.Time { return now }
	replayed, first, err := h.replays("rep", "a", 1)
	if replayed || err != nil {
		t.Fatal(replayed, err)
	}
	now = now.Add(KeptFor - time.Minute)
	replayed, again, err := h.replays("rep", "a", 1)
	if !replayed || err != nil || again[0].ID() != first[0].ID() || !again[0].Created {
		t.Errorf("%v %v %v", replayed, again, err)
	}
	if replayed, _, err := h.replays("rep2", "a", 2); replayed || err != nil {
		t.Errorf("the key of somebody else: %v %v", replayed, err)
	}
	_, _, err = h.replays("rep", "a", 2)
	if denied(t, err, fault.Invalid); err != ErrKeyReused { //nolint:errorlint // the very error
		t.Error(err)
	}
	now = now.Add(2 * time.Minute)
	replayed, other, err := h.replays("rep", "a", 2)
	if replayed || err != nil || other[0].ID() == first[0].ID() {
		t.Errorf("after a day: %v %v", replayed, err)
	}
	for i := range 60 {
		if _, _, err := h.replays("rep", fmt.Sprint("k", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(2 * KeptFor)
	for i := range 60 {
		if _, _, err := h.replays("rep", fmt.Sprint("n", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.keys(); n < 60 || n > 90 {
		t.Errorf("%d keys are kept, of which 60 are a day old at most", n)
	}
	failed := h.write("rep", func(op *Op) error {
		must(t, op.Keep(&ReplayKey{Key: "failed"}, nil))
		return errRollback
	})
	if replayed, _, err := h.replays("rep", "failed", 3); failed == nil || replayed || err != nil {
		t.Errorf("a write that failed is kept: %v %v", replayed, err)
	}
}

// TestKeysAreBounded: more keys than are kept refuse the write; none is given up
// early.
func TestKeysAreBounded(t *testing.T) {
	h := newHouse(t)
	for what, n := range map[string]keptCount{"count": {Count: maxReplays}, "bytes": {Count: 1, Bytes: maxReplayBytes}} {
		must(t, h.write("rep", func(op *Op) error {
			b, err := json.Marshal(n)
			must(t, err)
			return op.txn.PutSecret(spaceReplay, op.placeOf(what).count, b)
		}))
		_, _, err := h.replays("rep", what, 1)
		denied(t, err, fault.Limit)
	}
	if n := len(h.list("rep", "Deal", nil)); n != 0 || h.keys() != 0 {
		t.Errorf("%d records, %d keys", n, h.keys())
	}
	if _, _, err := h.replays("clerk", "count", 1); err != nil {
		t.Errorf("the keys of others count: %v", err)
	}
}

// TestCostOfBulkFollowsTheVisible: what a write by filter touches does not depend
// on how many records there are beside those in reach.
func TestCostOfBulkFollowsTheVisible(t *testing.T) {
	var spent [2]storage.Stats
	for i, total := range []int{1000, 8000} {
		c := newCrowd(t, memstore.Open(), total, 4)
		c.w.App.Sets[0].Reports["orders"] = []definition.Action{definition.View, definition.Edit}
		var err error
		c.app.policy, err = policy.Compile(c.w.App)
		must(t, err)
		err = c.change(c.user["rep3"], func(op *Op) error {
			where := filter.And{&filter.Compare{Field: *op.app.forms[c.form.Number].fields[record.FieldID], Op: filter.IsNull, Args: []filter.Operand{{Value: record.Bool(false)}}}}
			title, _ := c.form.Field("title")
			ids, err := op.ChangeWhere(c.form.Number, where, &Draft{Values: map[uint32]record.Value{title.Number: record.String("x")}})
			if len(ids) != ownedByRep {
				t.Errorf("%d records were changed", len(ids))
			}
			spent[i] = op.Stats()
			return err
		})
		must(t, err)
		c.close()
	}
	if spent[0] != spent[1] || spent[0].Keys > ownedByRep+10 || spent[0].Gets > 5*ownedByRep {
		t.Errorf("spent %+v, and with more records of others %+v", spent[0], spent[1])
	}
}
