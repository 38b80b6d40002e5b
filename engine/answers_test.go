package engine

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// told runs a write of the user that is not kept, and returns what they are
// told of it.
func (h *inhabited) told(u *oracle.User, fn func(op *Op) error) string {
	h.tb.Helper()
	text := "done"
	err := h.e.Write(h.tb.Context(), h.as[u.ID], h.w.App.Name, "test", func(op *Op) error {
		if err := fn(op); err != nil {
			text = failure(err)
		}
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		h.tb.Fatalf("seed %d: %v", h.w.Seed, err)
	}
	return text
}

// unseen returns a record of the form that the user cannot view.
func (h *inhabited) unseen(u *oracle.User, f *definition.Form, rnd *rand.Rand) (record.ID, bool) {
	rows := h.w.Records[f.Name]
	for _, i := range rnd.Perm(len(rows)) {
		if !oracle.MaySee(h.w, u, definition.View, f.Name, rows[i]) {
			return rows[i].ID, true
		}
	}
	return record.ID{}, false
}

// writesOn are the writes of one record that a random user could try, with
// whatever input.
func (h *inhabited) writesOn(u *oracle.User, f *definition.Form, rnd *rand.Rand) []func(op *Op, id record.ID) error {
	a := attempt{verb: "update", form: f, input: map[uint32]record.Value{}}
	h.someInput(u, a, rnd)
	version, to := uint32(rnd.IntN(4)), h.w.Users[rnd.IntN(len(h.w.Users))].ID
	wrong := &Draft{Values: a.input, Unread: map[uint32]string{}}
	for n := range a.input {
		wrong.Unread[n] = "expected another"
	}
	return []func(op *Op, id record.ID) error{
		func(op *Op, id record.ID) error { return op.Update(f.Number, id, a.input, version) },
		func(op *Op, id record.ID) error { return op.Change(f.Number, id, wrong, version) },
		func(op *Op, id record.ID) error { return op.Delete(f.Number, id, version) },
		func(op *Op, id record.ID) error { return op.ChangeOwner(f.Number, id, to, version) },
	}
}

// namings are writes that name a record of the target form: by each lookup, in a
// create, in a child below a new record, and in an update of some record.
func (h *inhabited) namings(u *oracle.User, target *definition.Form, rnd *rand.Rand) (out []func(op *Op, id record.ID) error) {
	for _, f := range h.w.App.Forms {
		for _, fd := range f.Fields {
			if fd.Type != record.Lookup || fd.Target != target.Number {
				continue
			}
			make := attempt{verb: "create", form: f, input: map[uint32]record.Value{}}
			change := attempt{verb: "update", form: f, input: map[uint32]record.Value{}}
			h.someInput(u, make, rnd)
			h.someInput(u, change, rnd)
			out = append(out, func(op *Op, id record.ID) error {
				make.input[fd.Number] = record.Ref(id)
				_, err := op.Create(f.Number, make.input)
				return err
			})
			if rows := h.w.Records[f.Name]; len(rows) > 0 {
				at, version := rows[rnd.IntN(len(rows))].ID, uint32(rnd.IntN(4))
				out = append(out, func(op *Op, id record.ID) error {
					change.input[fd.Number] = record.Ref(id)
					return op.Update(f.Number, at, change.input, version)
				})
			}
			if parent, ok := f.FieldNumber(f.ParentField); ok && f.ParentField != 0 {
				root := attempt{verb: "create", form: h.w.FormNumber(parent.Target), input: map[uint32]record.Value{}}
				h.someInput(u, root, rnd)
				out = append(out, func(op *Op, id record.ID) error {
					make.input[fd.Number] = record.Ref(id)
					if fd.Number != f.ParentField {
						delete(make.input, f.ParentField)
					}
					_, err := op.Add(root.form.Number, &Draft{Values: root.input, Below: []Below{{f.Number, "below", []*Draft{{Values: make.input}}}}})
					return err
				})
			}
		}
	}
	return out
}

// TestP2_UnseenIsAbsentToWrites: whatever somebody writes to a record that is out
// of their VIEW reach, and whatever they write that names one, they are told
// what they would be told with an id that nobody has.
func TestP2_UnseenIsAbsentToWrites(t *testing.T) {
	var compared, named atomic.Int64
	prove(t, 60, 2_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		for _, u := range h.actors() {
			op := h.op(u)
			refused := op.view.Refused() != nil
			if op.Close(); refused {
				continue
			}
			f := h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))]
			id, ok := h.unseen(u, f, rnd)
			if !ok {
				continue
			}
			absent := id
			absent[15] ^= 0x55
			writes := h.writesOn(u, f, rnd)
			direct := len(writes)
			for i, write := range append(writes, h.namings(u, f, rnd)...) {
				got := h.told(u, func(op *Op) error { return write(op, id) })
				want := h.told(u, func(op *Op) error { return write(op, absent) })
				if got != want || got == "done" {
					t.Fatalf("seed %d: %s, write %d about %s %s: told %q, of an id that nobody has %q", seed, u.Email, i, f.Name, id, got, want)
				}
				if compared.Add(1); i >= direct {
					named.Add(1)
				}
			}
		}
	})
	t.Logf("%d writes compared, %d of them name the record", compared.Load(), named.Load())
	if compared.Load() < 500 || named.Load() < 100 {
		t.Error("too few to prove anything")
	}
}
