package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
	"sluice/storage/storetest"
)

// attempt is one write that somebody tries.
type attempt struct {
	verb    string // create, update, give, delete
	form    *definition.Form
	id      record.ID
	input   map[uint32]record.Value
	version uint32
	owner   record.ID // to give it to
}

func (a attempt) String() string {
	return fmt.Sprintf("%s %s %s with %v, version %d", a.verb, a.form.Name, a.id, a.input, a.version)
}

// expectation is what the model says of an attempt: the kinds of error of which
// one must come, or none and the record as it is then, nil for deleted.
type expectation struct {
	refused []fault.Kind
	after   *oracle.Record
}

func refuse(kinds ...fault.Kind) expectation { return expectation{refused: kinds} }

// expect judges an attempt by the oracle: first who may at all, then what of the
// input is not permitted, then all that is wrong with it, and a taken unique
// value only where nothing else is (P8).
func expect(w *world.World, u *oracle.User, a attempt) expectation {
	form := a.form.Name
	if !oracle.Opens(w, u, form) {
		return refuse(fault.NotFound)
	}
	if a.verb == "create" {
		return expectCreate(w, u, a)
	}
	r := w.Find(form, a.id)
	act := definition.Edit
	if a.verb == "delete" {
		act = definition.Delete
	}
	switch {
	case r == nil || !oracle.MaySee(w, u, definition.View, form, r):
		return refuse(fault.NotFound)
	case !oracle.MaySee(w, u, act, form, r):
		return refuse(fault.Forbidden)
	}
	next := r.Copy()
	var j sentence
	switch a.verb {
	case "update":
		j.input(w, u, a, next)
		j.update(w, u, a, r, next)
	case "give":
		j.input(w, u, a, next)
		j.update(w, u, a, r, next)
		j.give(w, u, a, r, next)
	}
	if a.version != 0 && a.version != r.Version {
		j.wrong = append(j.wrong, fault.Conflict)
	}
	if a.verb == "delete" && len(j.wrong) == 0 {
		return expectation{}
	}
	return j.end(w, a, next)
}

// sentence gathers the kinds of error that an attempt deserves: what is not
// permitted, and what is wrong with the values.
type sentence struct{ denied, wrong []fault.Kind }

// update judges what depends on the stored record.
func (j *sentence) update(w *world.World, u *oracle.User, a attempt, r, next *oracle.Record) {
	form := a.form.Name
	next.Version++
	next.ModifiedBy = u.ID
	for n, v := range a.input {
		fd, _ := a.form.FieldNumber(n)
		_, readable := oracle.Cell(w, u, form, r, fd.Name)
		if oracle.Access(w, u, form, fd.Name) == definition.Writable && !readable {
			j.denied = append(j.denied, fault.Forbidden) // masked: H5
		}
		if fd.Required && missing(v) {
			j.wrong = append(j.wrong, fault.Invalid)
		}
		if fd.Type == record.MultiLookup {
			keepUnseen(w, u, fd, r, next)
		}
	}
	if ownerChanges(w, u, a, r, next) && !oracle.MayChangeOwner(w, u, form, r) {
		j.denied = append(j.denied, fault.Forbidden) // W1
	}
	next.Owner = oracle.Owner(a.form, next)
	if oracle.Unmasks(w, u, form, r, next) {
		j.denied = append(j.denied, fault.Forbidden) // W2
	}
}

// give judges a change of owner beyond that of the field that names one: where
// there is none, and W1 also where the owner stays.
func (j *sentence) give(w *world.World, u *oracle.User, a attempt, r, next *oracle.Record) {
	form := a.form.Name
	if !oracle.MayChangeOwner(w, u, form, r) {
		j.denied = append(j.denied, fault.Forbidden)
	}
	if fd, ok := a.form.FieldNumber(a.form.OwnerField); ok && a.form.OwnerField != 0 {
		if oracle.Access(w, u, form, fd.Name) != definition.Writable {
			j.denied = append(j.denied, fault.Forbidden)
		}
		return
	}
	if _, readable := oracle.Cell(w, u, form, r, "owner"); !readable {
		j.denied = append(j.denied, fault.Forbidden) // hidden or masked
	}
	if next.Owner = a.owner; oracle.Unmasks(w, u, form, r, next) {
		j.denied = append(j.denied, fault.Forbidden)
	}
	if to := w.User(a.owner); to == nil || to.Inactive || to.Kind == identity.Nobody {
		j.wrong = append(j.wrong, fault.Invalid)
	}
}

// ownerChanges says when W1 is asked: also where the owner stays and the user
// cannot read who it is.
func ownerChanges(w *world.World, u *oracle.User, a attempt, r, next *oracle.Record) bool {
	if oracle.Owner(a.form, next) != oracle.Owner(a.form, r) {
		return true
	}
	fd, ok := a.form.FieldNumber(a.form.OwnerField)
	_, readable := oracle.Cell(w, u, a.form.Name, r, "owner")
	return ok && !readable && !next.Cells[fd.Name].Equal(r.Cells[fd.Name])
}

func expectCreate(w *world.World, u *oracle.User, a attempt) expectation {
	if !oracle.MayCreate(w, u, a.form.Name) {
		if a.form.ParentField != 0 {
			return refuse(fault.Forbidden, fault.NotFound) // absent where no parent can be seen
		}
		return refuse(fault.Forbidden)
	}
	next := &oracle.Record{AddedBy: u.ID, ModifiedBy: u.ID, Version: 1, Cells: map[string]record.Value{}}
	var j sentence
	j.input(w, u, a, next)
	for _, fd := range a.form.Fields {
		if fd.Required && missing(next.Cells[fd.Name]) {
			j.wrong = append(j.wrong, fault.Invalid)
		}
	}
	if a.form.ParentField != 0 && !editsSomeParent(w, u, a.form) {
		return refuse(append(append(j.denied, j.wrong...), fault.Forbidden, fault.NotFound)...) // nothing can be added, or the form is absent
	}
	next.Owner = u.ID
	next.Owner = oracle.Owner(a.form, next)
	return j.end(w, a, next)
}

// editsSomeParent reports whether the user may put a child under any record of
// this world.
func editsSomeParent(w *world.World, u *oracle.User, f *definition.Form) bool {
	fd, _ := f.FieldNumber(f.ParentField)
	name := w.FormNumber(fd.Target).Name
	return slices.ContainsFunc(w.Records[name], func(r *oracle.Record) bool { return oracle.MaySee(w, u, definition.Edit, name, r) })
}

// input writes the input to next and says what is wrong with it on any record.
func (j *sentence) input(w *world.World, u *oracle.User, a attempt, next *oracle.Record) {
	form := a.form.Name
	for n, v := range a.input {
		fd, _ := a.form.FieldNumber(n)
		if oracle.Access(w, u, form, fd.Name) != definition.Writable {
			j.denied = append(j.denied, fault.Invalid)
		}
		if delete(next.Cells, fd.Name); !v.IsNull() {
			next.Cells[fd.Name] = v
		}
		switch {
		case v.IsNull():
		case fd.Type == record.Lookup:
			target := w.FormNumber(fd.Target).Name
			rec := w.Find(target, v.Ref())
			if rec == nil || !oracle.MaySee(w, u, definition.View, target, rec) {
				j.wrong = append(j.wrong, fault.Invalid) // L2
			} else if n == a.form.ParentField && !oracle.MaySee(w, u, definition.Edit, target, rec) {
				j.denied = append(j.denied, fault.Forbidden) // E4
			}
		case fd.Type == record.MultiLookup:
			target := w.FormNumber(fd.Target).Name
			for _, id := range v.Refs() {
				if rec := w.Find(target, id); rec == nil || !oracle.MaySee(w, u, definition.View, target, rec) {
					j.wrong = append(j.wrong, fault.Invalid) // L2
				}
			}
		case fd.Type == record.Users:
			for _, id := range v.Refs() {
				if named := w.User(id); named == nil || named.Inactive || named.Kind == identity.Nobody {
					j.wrong = append(j.wrong, fault.Invalid) // A5a
				}
			}
		case fd.Type == record.User:
			if named := w.User(v.Ref()); named == nil || named.Inactive || named.Kind == identity.Nobody {
				j.wrong = append(j.wrong, fault.Invalid) // A5a
			}
		}
	}
}

func (j *sentence) end(w *world.World, a attempt, next *oracle.Record) expectation {
	if len(j.denied) > 0 {
		return refuse(j.denied...)
	}
	if len(j.wrong) > 0 {
		return refuse(j.wrong...)
	}
	for _, fd := range a.form.Fields {
		v := next.Cells[fd.Name]
		if !fd.Unique || v.IsNull() {
			continue
		}
		for _, r := range w.Records[a.form.Name] {
			if r.ID != a.id && r.Cells[fd.Name].Equal(v) {
				return refuse(fault.Conflict) // P3: form-wide
			}
		}
	}
	return expectation{after: next}
}

// randomAttempt makes a write, mostly of fields that the user may write.
func (h *inhabited) randomAttempt(u *oracle.User, rnd *rand.Rand) attempt {
	f := h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))]
	a := attempt{verb: []string{"create", "update", "update", "update", "give", "delete"}[rnd.IntN(6)], form: f, id: record.ID{1}, input: map[uint32]record.Value{}}
	if rows := h.w.Records[f.Name]; len(rows) > 0 {
		r := rows[rnd.IntN(len(rows))]
		a.id, a.version = r.ID, []uint32{0, 0, r.Version, r.Version + 1}[rnd.IntN(4)]
	}
	if a.verb == "create" {
		a.id, a.version = record.ID{}, 0
	}
	switch a.verb {
	case "delete":
		a.input = nil
	case "give":
		a.owner = h.w.Users[rnd.IntN(len(h.w.Users))].ID
		a.input = map[uint32]record.Value{}
		if f.OwnerField != 0 {
			a.input[f.OwnerField] = record.Ref(a.owner)
		}
	default:
		h.someInput(u, a, rnd)
	}
	return a
}

// someInput gives values to fields, mostly to those that the user may write.
func (h *inhabited) someInput(u *oracle.User, a attempt, rnd *rand.Rand) {
	for _, fd := range a.form.Fields {
		if fd.Formula != nil && rnd.IntN(8) > 0 {
			continue // it is refused, which a few attempts show
		}
		closed := oracle.Access(h.w, u, a.form.Name, fd.Name) != definition.Writable
		if fd.Type.Refs() && rnd.IntN(4) > 0 && !fd.Required || closed && rnd.IntN(12) > 0 || !closed && rnd.IntN(3) > 0 && !(a.verb == "create" && fd.Required) {
			continue
		}
		a.input[fd.Number] = h.randomValue(a.form, fd, rnd)
	}
}

func (h *inhabited) randomValue(f *definition.Form, fd *definition.Field, rnd *rand.Rand) record.Value {
	n := rnd.IntN(10)
	switch {
	case n == 0:
		return record.Value{}
	case n > 4 && fd.Unique:
		return record.String(fmt.Sprint("new-", rnd.IntN(50)))
	case n > 4 && fd.Type == record.User:
		return record.Ref(h.w.Users[rnd.IntN(len(h.w.Users))].ID)
	case fd.Type == record.Lookup:
		if rows := h.w.Records[h.w.FormNumber(fd.Target).Name]; len(rows) > 0 {
			return record.Ref(rows[rnd.IntN(len(rows))].ID)
		}
		return record.Ref(record.ID{1})
	}
	if rows := h.w.Records[f.Name]; len(rows) > 0 {
		return rows[rnd.IntN(len(rows))].Cells[fd.Name]
	}
	return record.Value{}
}

// try runs an attempt through the engine and holds it against the model, which
// follows where it succeeds. It reports whether it did.
func (h *inhabited) try(u *oracle.User, a attempt) bool {
	want := expect(h.w, u, a)
	err := h.e.Write(h.tb.Context(), h.as[u.ID], h.w.App.Name, "test", func(op *Op) (err error) {
		switch a.verb {
		case "create":
			a.id, err = op.Create(a.form.Number, a.input)
		case "update":
			err = op.Update(a.form.Number, a.id, a.input, a.version)
		case "give":
			err = op.ChangeOwner(a.form.Number, a.id, a.owner, a.version)
		default:
			err = op.Delete(a.form.Number, a.id, a.version)
		}
		return err
	})
	switch {
	case err == nil && len(want.refused) == 0:
		h.follow(a, want.after)
		return true
	case err == nil || !slices.Contains(want.refused, fault.KindOf(err)):
		h.tb.Fatalf("seed %d: %s tries to %s: %v, expected one of %v", h.w.Seed, u.Email, a, err, want.refused)
	}
	return false
}

func (h *inhabited) follow(a attempt, after *oracle.Record) {
	rows := slices.DeleteFunc(h.w.Records[a.form.Name], func(r *oracle.Record) bool { return r.ID == a.id })
	if after != nil {
		after.ID = a.id
		h.stamp(a, after)
		rows = append(rows, after)
	}
	h.w.Records[a.form.Name] = rows
	oracle.SortRecords(rows)
}

// stamp takes the times, which the clock decides, from what was stored.
func (h *inhabited) stamp(a attempt, after *oracle.Record) {
	snap, err := h.tenant.Snapshot()
	must(h.tb, err)
	defer snap.Close()
	rec, ok, err := snap.Record(h.app.forms[a.form.Number].store, a.id)
	if err != nil || !ok {
		h.tb.Fatalf("seed %d: %s: stored %v, %v", h.w.Seed, a, ok, err)
	}
	after.ModifiedTime = rec.Header().ModifiedTime
	if a.verb == "create" {
		after.AddedTime = after.ModifiedTime
	}
}

// checkStored compares every stored record with the model, and every index with
// the records.
func (h *inhabited) checkStored() {
	snap, err := h.tenant.Snapshot()
	must(h.tb, err)
	defer snap.Close()
	for _, f := range h.w.App.Forms {
		s := h.app.forms[f.Number].store
		must(h.tb, storetest.CheckAgree(snap, s))
		rows := h.w.Records[f.Name]
		c := snap.Records(s, storage.Range{})
		for i := 0; ; i++ {
			if !c.Next() {
				if i != len(rows) {
					h.tb.Fatalf("seed %d: %s has %d records, the model %d", h.w.Seed, f.Name, i, len(rows))
				}
				break
			}
			if i >= len(rows) || !same(c.Record(), encode(f, rows[i])) {
				h.tb.Fatalf("seed %d: %s: record %d differs from the model", h.w.Seed, f.Name, i)
			}
		}
		must(h.tb, c.Err())
		c.Close()
		for _, ix := range s.Indexes {
			h.checkIndex(snap, f, s, ix)
		}
	}
}

// same compares all but the ordinal, which storage allots.
func same(a, b record.Record) bool {
	h, g := a.Header(), b.Header()
	h.Ordinal, g.Ordinal = 0, 0
	return h == g && string(record.Encode(a.ID(), h, a, nil).Encoded()) == string(record.Encode(b.ID(), g, b, nil).Encoded())
}

func (h *inhabited) checkIndex(snap *storage.Snapshot, f *definition.Form, s *storage.Form, ix *storage.Index) {
	if ix.Words || ix.Parts[0].Type.Refs() {
		return // the conformance kit of storage holds what stands in it
	}
	var want, got []record.ID
	rows := slices.Clone(h.w.Records[f.Name])
	slices.SortStableFunc(rows, func(a, b *oracle.Record) int {
		x, y := encode(f, a), encode(f, b)
		for i := range ix.Parts {
			if c := x.Get(&ix.Parts[i]).Compare(y.Get(&ix.Parts[i])); c != 0 {
				return c
			}
		}
		return 0
	})
	for _, r := range rows {
		want = append(want, r.ID)
	}
	c := snap.Index(s, ix, storage.Range{})
	defer c.Close()
	for c.Next() {
		got = append(got, c.ID())
		if r := h.w.Find(f.Name, c.ID()); r == nil || r.Owner != c.Owner() {
			h.tb.Fatalf("seed %d: %s: index %d holds %s, not a record of that owner", h.w.Seed, f.Name, ix.Number, c.ID())
		}
	}
	must(h.tb, c.Err())
	if !slices.Equal(got, want) {
		h.tb.Fatalf("seed %d: %s: index %d holds\n%v\nrecords in its order\n%v", h.w.Seed, f.Name, ix.Number, got, want)
	}
}

// TestWritesEqualModel lets random users write to random worlds through
// Engine.Write and a directory, and holds every outcome, what is stored after
// it, and what everybody then reads, against the oracle.
func TestWritesEqualModel(t *testing.T) {
	var worlds, done atomic.Int64
	prove(t, 120, 3_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		actors := h.actors()
		for range 40 {
			u := actors[rnd.IntN(len(actors))]
			v := h.op(u)
			refused := v.view.Refused() != nil
			if v.Close(); refused {
				continue // no operation begins: B1
			}
			if h.try(u, h.randomAttempt(u, rnd)) {
				done.Add(1)
			}
		}
		worlds.Add(1)
		h.checkStored()
		h.compare(rnd)
	})
	t.Logf("%d writes done of %d tried", done.Load(), worlds.Load()*40)
	if done.Load() < worlds.Load()*4 {
		t.Error("too few writes were permitted to prove anything")
	}
}

// keepUnseen puts what a list leads to out of the user's reach behind what they
// gave: they neither learn of it nor take it away.
func keepUnseen(w *world.World, u *oracle.User, fd *definition.Field, r, next *oracle.Record) {
	ids, target := next.Cells[fd.Name].Refs(), w.FormNumber(fd.Target).Name
	for _, id := range r.Cells[fd.Name].Refs() {
		if rec := w.Find(target, id); rec != nil && !oracle.MaySee(w, u, definition.View, target, rec) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		next.Cells[fd.Name] = record.Refs(ids...)
	}
}

// missing is what a required field does not take: no value, a blank text, a list
// of nothing.
func missing(v record.Value) bool {
	return v.IsNull() || strings.TrimSpace(string(v.Text())) == "" && v.Kind() == record.KindText || v.Kind() == record.KindList && len(v.List()) == 0
}
