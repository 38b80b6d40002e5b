package engine

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// tree is a create with records below the new one.
type tree struct {
	attempt
	below []*tree
}

// all are the attempts in the order in which the engine adds them.
func (x *tree) all() []*tree {
	out := []*tree{x}
	for _, c := range x.below {
		out = append(out, c.all()...)
	}
	return out
}

func (x *tree) draft() *Draft {
	d := &Draft{Values: x.input}
	for _, c := range x.below {
		d.Below = append(d.Below, Below{Form: c.form.Number, Name: c.form.Plural, Drafts: []*Draft{c.draft()}})
	}
	return d
}

// randomTree makes a create of the form with up to two children, and up to two
// below each of these; now and then one that names its parent.
func (h *inhabited) randomTree(u *oracle.User, f *definition.Form, depth int, rnd *rand.Rand) *tree {
	x := &tree{attempt: attempt{verb: "create", form: f, input: map[uint32]record.Value{}}}
	h.someInput(u, x.attempt, rnd)
	for _, child := range h.w.App.Forms {
		fd, ok := child.FieldNumber(child.ParentField)
		if depth == 0 || !ok || child.ParentField == 0 || fd.Target != f.Number {
			continue
		}
		for range rnd.IntN(3) {
			c := h.randomTree(u, child, depth-1, rnd)
			if rnd.IntN(20) > 0 {
				delete(c.input, child.ParentField)
			}
			x.below = append(x.below, c)
		}
	}
	return x
}

// expectTree judges a tree as expect judges a create: a child takes ACCESS and a
// parent lookup that may be written, and nothing of its parent.
func expectTree(w *world.World, u *oracle.User, x *tree) (refused []fault.Kind, after []*oracle.Record) {
	if want := expectCreate(w, u, x.attempt); slices.ContainsFunc(want.refused, func(k fault.Kind) bool { return k == fault.Forbidden || k == fault.NotFound }) {
		return append(want.refused, fault.NotFound, fault.Invalid, fault.Forbidden), nil
	}
	var j sentence
	for i, c := range x.all() {
		next := &oracle.Record{AddedBy: u.ID, ModifiedBy: u.ID, Version: 1, Cells: map[string]record.Value{}}
		j.input(w, u, c.attempt, next)
		if i > 0 {
			j.child(w, u, c)
		}
		for _, fd := range c.form.Fields {
			if filled := i > 0 && fd.Number == c.form.ParentField; !filled && fd.Required && missing(next.Cells[fd.Name]) {
				j.wrong = append(j.wrong, fault.Invalid)
			}
		}
		next.Owner = u.ID
		next.Owner = oracle.Owner(c.form, next)
		after = append(after, next)
	}
	switch {
	case len(j.denied) > 0:
		return j.denied, nil
	case len(j.wrong) > 0:
		return j.wrong, nil
	}
	return nil, after
}

func (j *sentence) child(w *world.World, u *oracle.User, c *tree) {
	if !oracle.MayCreate(w, u, c.form.Name) {
		j.denied = append(j.denied, fault.Forbidden, fault.NotFound)
	}
	lookup, _ := c.form.FieldNumber(c.form.ParentField)
	if oracle.Access(w, u, c.form.Name, lookup.Name) != definition.Writable {
		j.denied = append(j.denied, fault.Forbidden)
	}
	if _, given := c.input[c.form.ParentField]; given {
		j.denied = append(j.denied, fault.Invalid, fault.Forbidden) // it is filled in
	}
}

// settleTree gives the records their ids and parents, and reports whether their
// unique values are free, among themselves too.
func settleTree(w *world.World, x *tree, ids []record.ID, after []*oracle.Record) (free bool) {
	all := x.all()
	for i, c := range all {
		c.id, after[i].ID = ids[i], ids[i]
	}
	for i, c := range all {
		for _, child := range c.below {
			lookup, _ := child.form.FieldNumber(child.form.ParentField)
			after[slices.Index(all, child)].Cells[lookup.Name] = record.Ref(after[i].ID)
		}
	}
	for i, c := range all {
		for _, fd := range c.form.Fields {
			v := after[i].Cells[fd.Name]
			if !fd.Unique || v.IsNull() {
				continue
			}
			for k, other := range all {
				if k != i && other.form == c.form && after[k].Cells[fd.Name].Equal(v) {
					return false
				}
			}
			for _, r := range w.Records[c.form.Name] {
				if r.Cells[fd.Name].Equal(v) {
					return false
				}
			}
		}
	}
	return true
}

// plantTree runs a tree through the engine and holds it against the model.
func (h *inhabited) plantTree(u *oracle.User, x *tree) bool {
	refused, after := expectTree(h.w, u, x)
	var ids []record.ID
	err := h.e.Write(h.tb.Context(), h.as[u.ID], h.w.App.Name, "test", func(op *Op) error {
		root, err := op.Add(x.form.Number, x.draft())
		if ids = slices.Clone(op.write.ids); err == nil && root != ids[0] {
			h.tb.Errorf("seed %d: the id of another record", h.w.Seed)
		}
		return err
	})
	if after != nil {
		for len(ids) < len(after) {
			ids = append(ids, record.NewID(h.e.o.Now()))
		}
		if !settleTree(h.w, x, ids, after) {
			refused = []fault.Kind{fault.Conflict}
		}
	}
	if err == nil != (len(refused) == 0) || err != nil && !slices.Contains(refused, fault.KindOf(err)) {
		h.tb.Fatalf("seed %d: %s adds %v with %d records: %v, expected one of %v", h.w.Seed, u.Email, x.attempt, len(x.all()), err, refused)
	}
	if err != nil {
		return false
	}
	for i, c := range x.all() {
		h.follow(c.attempt, after[i])
	}
	return true
}

// TestW4_NestedCreatesEqualModel lets random users add trees of records to random
// worlds, and holds outcome, records, indexes, and what everybody then reads
// against the oracle.
func TestW4_NestedCreatesEqualModel(t *testing.T) {
	var tried, done, deep atomic.Int64
	prove(t, 60, 1_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		actors := h.actors()
		for range 30 {
			u := actors[rnd.IntN(len(actors))]
			op := h.op(u)
			refused := op.view.Refused() != nil
			if op.Close(); refused {
				continue
			}
			x := h.randomTree(u, h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))], 2, rnd)
			if len(x.below) == 0 {
				continue
			}
			if tried.Add(1); h.plantTree(u, x) {
				if done.Add(1); len(x.all()) > 1+len(x.below) {
					deep.Add(1)
				}
			}
		}
		h.checkStored()
		h.compare(rnd)
	})
	t.Logf("%d of %d trees added, %d of them with grandchildren", done.Load(), tried.Load(), deep.Load())
	if done.Load() < 30 {
		t.Error("too few to prove anything")
	}
}
