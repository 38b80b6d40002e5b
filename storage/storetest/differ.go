package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// RunDifferential makes the same random transactions in two stores and compares
// every answer: of the transactions, of each kind of walk in both directions,
// inside transactions and after them, and of old snapshots.
func RunDifferential(t *testing.T, a, b *storage.Store, seed uint64, steps int) {
	t.Logf("seed %d", seed)
	d := &differ{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), a: newTenant(t, a), b: newTenant(t, b)}
	type pair struct{ a, b *storage.Snapshot }
	var old []pair
	for step := range steps {
		plan := d.plan()
		ra, rb := d.run(d.a, plan), d.run(d.b, plan)
		if ra != rb {
			t.Fatalf("step %d, seed %d: the stores answer\n%s\n%s", step, seed, ra, rb)
		}
		if step%10 == 0 {
			old = append(old, pair{snapshot(t, d.a), snapshot(t, d.b)})
		}
	}
	for i, p := range old {
		walks := d.walks()
		if ra, rb := describe(p.a, walks), describe(p.b, walks); ra != rb {
			t.Fatalf("snapshot %d, seed %d: the stores answer\n%s\n%s", i, seed, ra, rb)
		}
		must(t, CheckAgree(p.a, order))
		must(t, CheckAgree(p.b, order))
	}
	last := snapshot(t, d.b)
	must(t, CheckHistories(last))
}

type differ struct {
	t    *testing.T
	rnd  *rand.Rand
	a, b storage.Tenant
}

// action is one write of a plan.
type action struct {
	what, n int
	c       cells
	doc     []byte
}

type plan struct {
	actions []action
	walks   []walkPlan
	abort   bool
}

type walkPlan struct {
	ix *storage.Index // nil for records
	r  storage.Range
}

func (d *differ) value(i int) record.Value {
	switch i {
	case 16:
		return record.String([]string{"", "a", "ab", "b\x01", "z"}[d.rnd.IntN(5)])
	case 17:
		return record.Int(int64(d.rnd.IntN(7) - 3))
	case 18:
		return [...]record.Value{record.List(), record.List("x"), record.List("x", "y"), record.List("y")}[d.rnd.IntN(4)]
	}
	if i == 20 {
		return record.String([]string{"red pump", "Pump", "red-blue Straße", "", many(storage.MaxWords+1, "w"), "東京"}[d.rnd.IntN(6)])
	}
	return record.String(fmt.Sprint(d.rnd.IntN(15)))
}

func (d *differ) cells() cells {
	c := cells{}
	for _, f := range []uint32{16, 17, 18, 19, 20} {
		switch d.rnd.IntN(4) {
		case 0:
			c[f] = record.Value{}
		case 1, 2:
			c[f] = d.value(int(f))
		}
	}
	return c
}

func (d *differ) plan() plan {
	p := plan{abort: d.rnd.IntN(10) == 0, walks: d.walks()}
	for range 1 + d.rnd.IntN(6) {
		a := action{what: d.rnd.IntN(6), n: 1 + d.rnd.IntN(40), c: d.cells()}
		if d.rnd.IntN(3) > 0 {
			a.doc = []byte(fmt.Sprint(d.rnd.IntN(100)))
		}
		p.actions = append(p.actions, a)
	}
	return p
}

func (d *differ) walks() []walkPlan {
	var out []walkPlan
	for range 4 {
		w := walkPlan{r: storage.Range{Desc: d.rnd.IntN(2) == 0}}
		switch d.rnd.IntN(5) {
		case 4:
			w.ix = byWords
			if d.rnd.IntN(2) == 0 {
				w.r.Eq = []record.Value{record.String([]string{"red", "pump", ""}[d.rnd.IntN(3)])}
			}
		case 0:
			w.ix = byOwner
			if d.rnd.IntN(2) == 0 {
				w.r.Eq = []record.Value{record.Ref(user(d.rnd.IntN(3)))}
				w.r.Low = d.bound(17)
			}
		case 1:
			w.ix, w.r.Low, w.r.High = byAmount, d.bound(17), d.bound(17)
		case 2:
			w.ix, w.r.Low = byTags, d.bound(18)
		}
		out = append(out, w)
	}
	return out
}

func (d *differ) bound(field int) *storage.Bound {
	switch d.rnd.IntN(4) {
	case 0:
		return nil
	case 1:
		return &storage.Bound{Exclusive: true}
	}
	return &storage.Bound{Value: d.value(field), Exclusive: d.rnd.IntN(2) == 0}
}

// run makes a plan's transaction and returns all that there is to see of it.
func (d *differ) run(tn storage.Tenant, p plan) string {
	var inside string
	err := tn.Update(d.t.Context(), meta, func(tx *storage.Txn) error {
		inside = ""
		for _, a := range p.actions {
			inside += fmt.Sprintln(a.what, a.n, outcome(d.act(tx, a)))
		}
		inside += describe(tx, p.walks)
		if err := CheckAgree(tx, order); err != nil {
			return err
		}
		if p.abort {
			return errors.New("aborted")
		}
		return nil
	})
	sn, serr := tn.Snapshot()
	must(d.t, serr)
	defer sn.Close()
	return fmt.Sprintln(inside, "then", outcome(err), describe(sn, p.walks))
}

// outcome names an error without what differs between stores.
func outcome(err error) string {
	if u, ok := errors.AsType[*storage.UniqueError](err); ok {
		return fmt.Sprint("unique ", u.Index.Number)
	}
	if err == nil {
		return "ok"
	}
	return fmt.Sprint(fault.KindOf(err), " ", err)
}

func (d *differ) act(tx *storage.Txn, a action) error {
	old, found, err := tx.Record(order, id(a.n))
	if err != nil {
		return err
	}
	switch {
	case a.what == 0:
		return tx.PutDoc(1, fmt.Sprint(a.n%5), a.doc)
	case a.what == 1:
		return tx.PutSecret(2, fmt.Sprint(a.n%5), a.doc)
	case !found:
		return tx.Insert(order, rec(a.n, a.n%3, a.c))
	case a.what == 2:
		return tx.Delete(order, old)
	case a.what == 3:
		return tx.Insert(order, rec(a.n, a.n%3, a.c))
	}
	return tx.Update(order, old, edit(old, a.c))
}

// describe writes down what a reader shows.
func describe(r storage.Reader, walks []walkPlan) string {
	var out []byte
	for _, w := range walks {
		if w.ix == nil {
			c := r.Records(order, storage.Range{Desc: w.r.Desc})
			for c.Next() {
				out = fmt.Appendf(out, "%d:%x ", number(c.Record().ID()), c.Record().Encoded())
			}
			out = fmt.Appendln(out, c.Err())
			continue
		}
		c := r.Index(order, w.ix, w.r)
		for c.Next() {
			out = fmt.Appendf(out, "%d:%d:%d:%x ", number(c.ID()), c.Version(), c.Ordinal(), c.Position())
		}
		out = fmt.Appendln(out, c.Err())
	}
	for _, space := range []storage.Space{1, 2} {
		c := r.Docs(space, "")
		for c.Next() {
			out = fmt.Appendf(out, "%s=%s ", c.Key(), c.Value())
		}
		out = fmt.Appendln(out, c.Err())
	}
	c := r.Changes(0)
	var last []storage.Change
	for c.Next() {
		last = append(last, c.Change())
	}
	for _, ch := range slices.Backward(last[max(0, len(last)-3):]) {
		out = fmt.Appendf(out, "%d %d %v %d %s %d %d|", ch.Seq, ch.Form, ch.Record, ch.Space, ch.Key, len(ch.Before), len(ch.After))
	}
	for n := 1; n <= 40; n += 7 {
		for _, desc := range []bool{false, true} {
			history, err := historyOf(r, n, desc)
			out = fmt.Appendln(out, n, history, err)
		}
	}
	return string(fmt.Appendln(out, c.Err()))
}
