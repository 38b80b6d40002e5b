package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/storage"
)

// TestH2_KeptListsChangeNothing holds lists of those who see by rules, while records
// change cells and owners, go and come back, against the same lists with nothing kept:
// those of single owners, of some and of all, in the orders of indexed fields with
// nulls and equal values, from any place and in both directions; and those of an
// operation that began before the changes, and of one that writes.
func TestH2_KeptListsChangeNothing(t *testing.T) {
	prove(t, 8, 100, func(t *testing.T, seed uint64) {
		k := newLately(t, seed)
		for range 3 {
			before := k.op(k.user["rep0 barred"])
			k.compare(k.ops())
			k.compare(k.ops()) // what is known now is used
			k.write()
			k.compare([]*Op{before}) // while newer states are kept
			k.compare(k.ops())
			k.compare([]*Op{before})
			before.Close()
		}
	})
}

// lately is a small crowd of people who see by rules, whose records keep changing.
type lately struct {
	*twice
	t    *testing.T
	rnd  *rand.Rand
	kept *decided.Cache
}

const latelyTotal = 60

func newLately(t *testing.T, seed uint64) *lately {
	k := &lately{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), kept: decided.New(decided.Usual), twice: newTwiceOf(t, latelyTotal, 3)}
	k.w.Seed, k.e.fewGrants = seed, []int{1, 12, usualFew}[seed%3]
	for name, as := range map[string]string{"rep0 barred": "rep0", "rep1 barred": "rep1", "chief": "nobody"} {
		u := *k.user["barred from most"]
		u.ID = k.user[as].ID
		k.user[name] = &u
	}
	k.user["chief"].Role = "Chief"
	return k
}

// ops are operations of everybody who sees by a rule.
func (k *lately) ops() (out []*Op) {
	for _, name := range []string{
		"given few", "own and given", "rep0 barred", "rep1 barred", "chief", "barred from most", "few, barred from none", "few, veiled",
	} {
		out = append(out, k.op(k.user[name]))
	}
	return out
}

// compare asks for some lists, with what is kept and without. It closes no operation
// that is alone.
func (k *lately) compare(ops []*Op) {
	k.t.Helper()
	for _, op := range ops {
		for range 4 {
			q := k.list()
			k.e.decided = nil
			op.anew()
			want := k.told(op, q)
			k.e.decided = k.kept
			op.anew()
			if got := k.told(op, q); got != want {
				k.t.Fatalf("seed %d: %s, %+v: with what was kept\n%s\nwithout\n%s", k.w.Seed, op.view.Viewer().Role, q, got, want)
			}
		}
		if len(ops) > 1 {
			op.Close()
		}
	}
}

// anew makes the operation look again for what is kept.
func (op *Op) anew() {
	op.trimAll()
	clear(op.decisions)
	refill(op)
}

// list is some list in the order of amounts or of states, or in none.
func (k *lately) list() List {
	q := List{Form: k.form.Number, First: 1 + k.rnd.IntN(8), Backward: k.rnd.IntN(3) == 0, Total: k.rnd.IntN(2) == 0}
	if k.rnd.IntN(4) > 0 {
		by := []string{"amount", "amount", "state"}[k.rnd.IntN(3)]
		q.OrderBy = []Order{{Field: k.named(by), Desc: k.rnd.IntN(2) == 0, NullsFirst: k.rnd.IntN(2) == 0}}
	}
	return q
}

// told are the first pages of a list.
func (k *lately) told(op *Op, q List) string {
	k.t.Helper()
	var b strings.Builder
	for range 4 {
		page, err := op.List(q)
		must(k.t, err)
		fmt.Fprintln(&b, page.Total, page.HasPrevious, page.HasNext)
		for _, r := range page.Records {
			fmt.Fprintln(&b, "", r.ID(), r.Get(&k.form.Fields[1].Field))
		}
		n := len(page.Records)
		if n == 0 || q.Backward && !page.HasPrevious || !q.Backward && !page.HasNext {
			break
		}
		if q.After, q.Before = page.Cursor(n-1), ""; q.Backward {
			q.After, q.Before = "", page.Cursor(0)
		}
		q.Total, q.Previous, q.Next = false, !q.Backward, q.Backward
	}
	return b.String()
}

// write changes some records: what they hold, whose they are and whether they are
// there; and some more in vain, while somebody lists what was written.
func (k *lately) write() {
	k.update(func(txn *storage.Txn) error { return k.rewrite(txn) })
	vain := errors.New("not committed")
	err := k.tenant.Update(k.t.Context(), storage.Meta{Operation: "in vain"}, func(txn *storage.Txn) error {
		must(k.t, k.rewrite(txn))
		k.compare([]*Op{k.opOn(k.user["rep0 barred"], txn, nil)})
		return vain
	})
	if !errors.Is(err, vain) {
		k.t.Fatal(err)
	}
}

func (k *lately) rewrite(txn *storage.Txn) error {
	form := k.app.forms[k.form.Number].store
	owners := []record.ID{k.user["rep0"].ID, k.user["rep1"].ID, k.user["stranger"].ID}
	for range k.rnd.IntN(8) {
		id := numbered(3, k.rnd.Uint64N(latelyTotal))
		old, found, err := txn.Record(form, id)
		if err != nil {
			return err
		}
		h := record.Header{Version: 1, AddedTime: 1, ModifiedTime: 1, Owner: owners[k.rnd.IntN(len(owners))], AddedBy: owners[0], ModifiedBy: owners[0]}
		amount := record.Int(k.rnd.Int64N(20))
		if k.rnd.IntN(4) == 0 {
			amount = record.Value{}
		}
		cells := map[uint32]record.Value{k.form.Fields[0].Number: record.String("again"), k.form.Fields[1].Number: amount, k.form.Fields[2].Number: record.String(fmt.Sprint("s", k.rnd.IntN(4)))}
		switch at := k.rnd.IntN(5); {
		case !found:
			err = txn.Insert(form, record.Encode(id, h, record.Record{}, cells))
		case at == 0:
			err = txn.Delete(form, old)
		default:
			was := h.Owner
			if h = old.Header(); at == 1 {
				h.Owner = was
			}
			h.Version++
			err = txn.Update(form, old, record.Encode(id, h, old, cells))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestH2_AWalkOverSomeOwnersIsNotOneOverAll: what a rule lets through of the records
// of some owners is not kept as that of more, whose records the walk left out as
// something else left them out.
func TestH2_AWalkOverSomeOwnersIsNotOneOverAll(t *testing.T) {
	k := newTwice(t, 400)
	rep0, rep1 := k.user["rep0"].ID, k.user["rep1"].ID
	op := k.op(k.user["barred from most"])
	defer op.Close()
	total := func(r policy.Reach) int {
		op.anew()
		l, err := op.newLister(List{Form: k.form.Number, First: 1, Total: true})
		must(t, err)
		page, err := l.page(r)
		must(t, err)
		return page.Total
	}
	rule := &policy.Kept{Rule: op.view.Restricts(k.form.Number)[0]}
	both := policy.Intersect{&policy.Owners{Users: []record.ID{rep0, rep1}}, rule}
	one := policy.Intersect{both[0], &policy.Owners{Users: []record.ID{rep0}}, rule}
	kept := k.e.decided
	k.e.decided = nil
	wantOne, wantBoth := total(one), total(both)
	k.e.decided = kept
	for range 2 {
		if got := total(one); got != wantOne {
			t.Errorf("%d records of one, want %d", got, wantOne)
		}
	}
	if got := total(both); got != wantBoth || wantBoth <= wantOne {
		t.Errorf("%d records of both, want %d; of one there are %d", got, wantBoth, wantOne)
	}
}

// TestRuleOfSeveralReportsIsLookedUpOnce: what a rule said of a record is looked up, and
// counted as used, once, however many parts of a reach ask it.
func TestRuleOfSeveralReportsIsLookedUpOnce(t *testing.T) {
	k := newTwice(t, 400)
	op := k.op(k.user["given few"])
	defer op.Close()
	rule := k.app.def.Custom[len(k.app.def.Custom)-3]
	asked := &policy.Rule{Rule: rule, Level: definition.Read}
	used := func(r policy.Reach) (total, used int) {
		op.anew()
		l, err := op.newLister(List{Form: k.form.Number, First: 1, Total: true})
		must(t, err)
		page, err := l.page(r)
		must(t, err)
		return page.Total, op.decisionsOf(op.app.forms[k.form.Number], rule).used
	}
	used(asked) // learns
	total, once := used(asked)
	owned := policy.Intersect{asked, &policy.Owners{Users: []record.ID{k.user["rep0"].ID}}}
	if again, n := used(policy.Union{asked, owned}); again != total || n != once || once == 0 {
		t.Errorf("%d records with %d kept answers, then %d with %d", total, once, again, n)
	}
}
