package engine

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// verdict is what the model says of writes of several records: the kinds of
// error of which one must come, none where all of them are done.
type verdict struct {
	kinds []fault.Kind
	after []*oracle.Record // parallel to the attempts
}

// judge holds every attempt against the world as it is before the first (W3). A
// unique value for two records is taken where nothing else is wrong.
func judge(w *world.World, u *oracle.User, as []attempt) (v verdict) {
	twice := false
	for i, a := range as {
		e := expect(w, u, a)
		v.kinds, v.after = append(v.kinds, e.refused...), append(v.after, e.after)
		for n, x := range a.input {
			fd, _ := a.form.FieldNumber(n)
			for _, b := range as[:i] {
				twice = twice || fd.Unique && !x.IsNull() && x.Equal(b.input[n])
			}
		}
	}
	if twice && len(v.kinds) == 0 {
		v.kinds = []fault.Kind{fault.Conflict}
	}
	return v
}

// met compares what came with what had to.
func (h *inhabited) met(u *oracle.User, what string, as []attempt, v verdict, err error) bool {
	h.tb.Helper()
	if err == nil && len(v.kinds) > 0 || err != nil && !slices.Contains(v.kinds, fault.KindOf(err)) {
		h.tb.Fatalf("seed %d: %s tries to %s %v: %v, expected one of %v", h.w.Seed, u.Email, what, as, err, v.kinds)
	}
	if err != nil {
		return false
	}
	for i, a := range as {
		h.follow(a, v.after[i])
	}
	return true
}

func (h *inhabited) engineWrite(u *oracle.User, fn func(op *Op) error) error {
	return h.e.Write(h.tb.Context(), h.as[u.ID], h.w.App.Name, "test", fn)
}

// bulkWhere is a filter of a user over a form: by values, or by the ids of
// records of which most may be changed.
func (h *inhabited) bulkWhere(u *oracle.User, op *Op, f *definition.Form, rnd *rand.Rand) map[string]any {
	if rnd.IntN(2) == 0 {
		return world.RandomWhere(h.w, rnd, f.Name, h.fields(op, u))
	}
	ids := []any{}
	for _, r := range h.w.Records[f.Name] {
		edits := oracle.MaySee(h.w, u, definition.Edit, f.Name, r)
		if edits && rnd.IntN(2) == 0 || !edits && rnd.IntN(12) == 0 {
			ids = append(ids, r.ID.String())
		}
	}
	return map[string]any{"id": map[string]any{"in": ids}}
}

// tryWhere writes by filter: the same as to filter by oracle and to write each
// record by itself, judged as it is stored.
func (h *inhabited) tryWhere(u *oracle.User, f *definition.Form, rnd *rand.Rand) bool {
	op := h.op(u)
	shape, ok := op.view.Shape().Form(f.Number)
	if !ok || !shape.View {
		op.Close()
		return false
	}
	where := h.bulkWhere(u, op, f, rnd)
	expr := h.parse(op, f, where)
	op.Close()
	if expr == nil || len(filter.Fields(expr)) == 0 {
		return false
	}
	a := attempt{verb: []string{"update", "update", "delete"}[rnd.IntN(3)], form: f, input: map[uint32]record.Value{}}
	action := definition.Delete
	if a.verb == "update" {
		action = definition.Edit
		h.someInput(u, a, rnd)
	}
	var as []attempt
	forbidden := false
	for _, id := range oracle.List(h.w, u, f.Name, where, nil) {
		a.id = id
		as = append(as, a)
		forbidden = forbidden || !oracle.MaySee(h.w, u, action, f.Name, h.w.Find(f.Name, id))
	}
	v := judge(h.w, u, as)
	var got []record.ID
	err := h.engineWrite(u, func(op *Op) (err error) {
		if a.verb == "delete" {
			got, err = op.DeleteWhere(f.Number, expr)
		} else {
			got, err = op.ChangeWhere(f.Number, expr, &Draft{Values: a.input})
		}
		return err
	})
	if len(as) == 0 { // what is wrong with the input is told in any case
		if len(got) > 0 || err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Forbidden {
			h.tb.Fatalf("seed %d: %s writes to nothing: %v %v", h.w.Seed, u.Email, got, err)
		}
		return false
	}
	if forbidden && fault.KindOf(err) != fault.Forbidden {
		h.tb.Fatalf("seed %d: %s may not %s one of %v: %v", h.w.Seed, u.Email, a.verb, as, err)
	}
	done := h.met(u, "write by filter", as, v, err)
	if done && !slices.EqualFunc(got, as, func(id record.ID, a attempt) bool { return id == a.id }) {
		h.tb.Fatalf("seed %d: %s wrote %v, expected %v", h.w.Seed, u.Email, got, as)
	}
	return done
}

// tryMany adds or changes several records, each with values of its own.
func (h *inhabited) tryMany(u *oracle.User, f *definition.Form, rnd *rand.Rand) bool {
	verb := []string{"create", "update"}[rnd.IntN(2)]
	rows := slices.Clone(h.w.Records[f.Name])
	rnd.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	var as []attempt
	for range 1 + rnd.IntN(3) {
		a := attempt{verb: verb, form: f, input: map[uint32]record.Value{}}
		if verb == "update" {
			if len(rows) == 0 {
				break
			}
			a.id, a.version = rows[0].ID, []uint32{0, 0, rows[0].Version, rows[0].Version + 1}[rnd.IntN(4)]
			rows = rows[1:]
		}
		h.someInput(u, a, rnd)
		for _, fd := range f.Fields { // values that move from record to record depend on the order
			if fd.Unique && verb == "update" && len(as) > 0 {
				delete(a.input, fd.Number)
			}
		}
		as = append(as, a)
	}
	v := judge(h.w, u, as)
	if len(as) == 0 {
		return false
	}
	err := h.engineWrite(u, func(op *Op) error {
		var drafts []*Draft
		var changes []Amendment
		for _, a := range as {
			d := &Draft{Values: a.input}
			drafts, changes = append(drafts, d), append(changes, Amendment{ID: a.id, Draft: d, IfVersion: a.version})
		}
		if verb == "update" {
			return op.ChangeMany(f.Number, changes)
		}
		ids, err := op.AddMany(f.Number, drafts)
		for i, id := range ids {
			as[i].id = id
		}
		return err
	})
	if err != nil && verb == "update" && fault.KindOf(err) == fault.Forbidden && len(v.kinds) > 0 {
		return false // no record of the form may be edited at all
	}
	return h.met(u, verb+" several", as, v, err)
}

// tryUpsert is an update of the record that the user finds by the value, as they
// read it, else a create.
func (h *inhabited) tryUpsert(u *oracle.User, f *definition.Form, rnd *rand.Rand) bool {
	unique := func(fd *definition.Field) bool { return fd.Unique }
	if i := slices.IndexFunc(h.w.App.Forms, func(f *definition.Form) bool { return slices.ContainsFunc(f.Fields, unique) }); i >= 0 && !slices.ContainsFunc(f.Fields, unique) {
		f = h.w.App.Forms[i]
	}
	i := slices.IndexFunc(f.Fields, unique)
	if i < 0 {
		return false
	}
	key := f.Fields[i]
	a := attempt{verb: "create", form: f, input: map[uint32]record.Value{}}
	h.someInput(u, a, rnd)
	if _, given := a.input[key.Number]; !given {
		a.input[key.Number] = h.randomValue(f, key, rnd)
	}
	for _, r := range h.w.Records[f.Name] {
		v, readable := oracle.Cell(h.w, u, f.Name, r, key.Name)
		if readable && !v.IsNull() && v.Equal(a.input[key.Number]) && oracle.MaySee(h.w, u, definition.View, f.Name, r) {
			a.verb, a.id = "update", r.ID
		}
	}
	v := judge(h.w, u, []attempt{a})
	if a.input[key.Number].IsNull() {
		v.kinds = append(v.kinds, fault.Invalid)
	}
	op := h.op(u)
	shape, ok := op.view.Shape().Form(f.Number)
	switch {
	case !ok:
		v.kinds = []fault.Kind{fault.NotFound}
	case !shape.Create || !shape.Edit:
		v.kinds = []fault.Kind{fault.Forbidden}
	case !shape.Writable.Has(key.Number):
		v.kinds = []fault.Kind{fault.Invalid}
	}
	op.Close()
	var created bool
	id := a.id
	err := h.engineWrite(u, func(op *Op) (err error) {
		a.id, created, err = op.Upsert(f.Number, key.Number, &Draft{Values: a.input})
		return err
	})
	if err == nil && (created != (a.verb == "create") || !created && a.id != id) {
		h.tb.Fatalf("seed %d: %s upserts %s and gets %v %v", h.w.Seed, u.Email, a, a.id, created)
	}
	return h.met(u, "upsert", []attempt{a}, v, err)
}

// TestW5_BulkEqualsModel holds writes of several records on random worlds
// against the oracle: which records they are about, whether they are done, and
// what is stored then.
func TestW5_BulkEqualsModel(t *testing.T) {
	var tried, done [3]atomic.Int64
	prove(t, 80, 2_500, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 31))
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		actors := h.actors()
		for range 30 {
			u, f := actors[rnd.IntN(len(actors))], h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))]
			v := h.op(u)
			refused := v.view.Refused() != nil
			if v.Close(); refused {
				continue
			}
			kind := rnd.IntN(3)
			tried[kind].Add(1)
			if [](func(*oracle.User, *definition.Form, *rand.Rand) bool){h.tryWhere, h.tryMany, h.tryUpsert}[kind](u, f, rnd) {
				done[kind].Add(1)
			}
		}
		h.checkStored()
		h.compare(rnd)
	})
	for kind, name := range []string{"by filter", "of several", "by a unique value"} {
		t.Logf("%d of %d writes %s were done", done[kind].Load(), tried[kind].Load(), name)
		if done[kind].Load()*30 < tried[kind].Load() {
			t.Errorf("too few writes %s were done to prove anything", name)
		}
	}
}
