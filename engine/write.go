package engine

import (
	"errors"
	"maps"
	"slices"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// writeState outlives the attempts of one write: clock and ids stay the same
// when a conflict makes it run again.
type writeState struct {
	now  time.Time
	ids  []record.ID
	next int
}

// id returns the next id. Those of one write ascend in the order of creation:
// the twelve bits behind the time count (RFC 9562, section 6.2, method 1).
func (w *writeState) id() record.ID {
	if n := len(w.ids); w.next == n {
		id := record.NewID(w.now)
		id[6], id[7] = 0x70|byte(n>>8&0x0f), byte(n)
		w.ids = append(w.ids, id)
	}
	w.next++
	return w.ids[w.next-1]
}

const opWrite = "engine.write"

var (
	errRecordNotFound = fault.New(fault.NotFound, opWrite, "id: record not found")
	errForbidden      = fault.New(fault.Forbidden, opWrite, "not permitted on this record")
	errReadOnlyOp     = fault.New(fault.Internal, opWrite, "write in a read")
)

// Create adds a record and returns its id. input holds a value, or null, for
// each field given. Errors: Forbidden without ACCESS, or where the parent record
// may not be edited; Invalid for a field that is not writable, a required field
// without value, a reference out of reach; Conflict for a taken unique value.
// Nothing is written when there is an error.
func (op *Op) Create(number uint32, input map[uint32]record.Value) (record.ID, error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return record.ID{}, err
	}
	if !shape.Create {
		return record.ID{}, fault.New(fault.Forbidden, opWrite, "not permitted to add records to %s", f.def.Name)
	}
	if f.frozen {
		return record.ID{}, fault.New(fault.Unavailable, opWrite, "a change of the definition of %s is being prepared; try again", f.def.Name)
	}
	values := maps.Clone(input)
	if values == nil {
		values = map[uint32]record.Value{}
	}
	if err := op.checkInput(f, shape, values); err != nil {
		return record.ID{}, err
	}
	for _, fd := range f.def.Fields {
		if _, given := values[fd.Number]; !given && !fd.Default.IsNull() {
			values[fd.Number] = fd.Default
		}
	}
	if err := requireAll(f, shape, values, record.Record{}); err != nil {
		return record.ID{}, err
	}
	if err := op.checkParent(f, values); err != nil {
		return record.ID{}, err
	}
	id := op.write.id()
	now := op.write.now.UnixMicro()
	h := record.Header{Version: 1, AddedTime: now, ModifiedTime: now, AddedBy: op.principal.User, ModifiedBy: op.principal.User}
	h.Owner = ownerOf(f, h.AddedBy, func(n uint32) record.Value { return values[n] })
	return id, op.stored(shape, op.txn.Insert(f.store, record.Encode(id, h, record.Record{}, values)))
}

// Update changes the fields of input, judged on the record as it is stored.
// NotFound outside VIEW reach, Forbidden outside EDIT reach and for masked
// cells, Conflict when ifVersion is not 0 and not the record's version.
func (op *Op) Update(number uint32, id record.ID, input map[uint32]record.Value, ifVersion uint32) error {
	f, shape, err := op.writable(number)
	if err != nil {
		return err
	}
	s, err := op.target(f, number, id, definition.Edit, ifVersion)
	if err != nil {
		return err
	}
	if err := op.checkInput(f, shape, input); err != nil {
		return err
	}
	before := op.view.Masked(number, s)
	for _, n := range slices.Sorted(maps.Keys(input)) { // the same field, whenever asked
		if before.Has(n) {
			return fault.New(fault.Forbidden, opWrite, "input.%s: not permitted on this record", f.fields[n].Name)
		}
	}
	if err := requireAll(f, shape, input, s.rec); err != nil {
		return err
	}
	if err := op.checkParent(f, input); err != nil {
		return err
	}
	next, err := op.successor(f, s, input)
	if err != nil {
		return err
	}
	err = op.checkUnmasking(f, shape, before, next)
	if err == nil {
		err = op.stored(shape, op.txn.Update(f.store, s.rec, next))
	}
	if err != nil {
		op.forget(next)
	}
	return err
}

// forget drops what rules said about a state of a record that was not stored:
// another state may get the same version later in the operation.
func (op *Op) forget(rec record.Record) {
	for k := range op.outcomes {
		if k.id == rec.ID() && k.version == rec.Version() {
			delete(op.outcomes, k)
		}
	}
}

// successor makes the record's new state and checks a change of owner (W1).
func (op *Op) successor(f *form, s *subject, input map[uint32]record.Value) (record.Record, error) {
	h := s.rec.Header()
	h.Version++
	h.ModifiedTime, h.ModifiedBy = op.write.now.UnixMicro(), op.principal.User
	if _, given := input[f.def.OwnerField]; given && f.def.OwnerField != 0 {
		h.Owner = ownerOf(f, h.AddedBy, func(n uint32) record.Value { return input[n] })
		if h.Owner != s.rec.Owner() && !op.view.MayChangeOwner(f.def.Number, s) {
			return record.Record{}, fault.New(fault.Forbidden, opWrite, "input.%s: not permitted to change the owner of this record", f.fields[f.def.OwnerField].Name)
		}
	}
	return record.Encode(s.rec.ID(), h, s.rec, input), op.failed()
}

// checkUnmasking refuses an update that would show its author a cell which a
// mask hid from them before (W2).
func (op *Op) checkUnmasking(f *form, shape *policy.FormShape, before record.FieldSet, next record.Record) error {
	if before.Empty() {
		return nil
	}
	after := op.view.Masked(f.def.Number, &subject{op: op, form: f, rec: next})
	for _, n := range before.Minus(after).Numbers() {
		if shape.Visible.Has(n) {
			return fault.New(fault.Forbidden, opWrite, "input: this change is not permitted on this record")
		}
	}
	return op.failed()
}

// Delete removes a record; errors as Update.
func (op *Op) Delete(number uint32, id record.ID, ifVersion uint32) error {
	f, shape, err := op.writable(number)
	if err != nil {
		return err
	}
	s, err := op.target(f, number, id, definition.Delete, ifVersion)
	if err != nil {
		return err
	}
	if err := op.dropComments(number, id); err != nil {
		return err
	}
	return op.stored(shape, op.txn.Delete(f.store, s.rec))
}

func (op *Op) writable(number uint32) (*form, *policy.FormShape, error) {
	if op.txn == nil {
		return nil, nil, errReadOnlyOp
	}
	return op.shape(number)
}

// target finds the record that a write is about: NotFound out of VIEW reach,
// Forbidden in it without the action (W5), then the version.
func (op *Op) target(f *form, number uint32, id record.ID, a definition.Action, ifVersion uint32) (*subject, error) {
	rec, ok := op.raw(f, id)
	if !ok {
		return nil, op.or(errRecordNotFound)
	}
	s := &subject{op: op, form: f, rec: rec.Clone()}
	if !op.view.Decide(number, viewAction, s) {
		return nil, op.or(errRecordNotFound)
	}
	if !op.view.Decide(number, a, s) {
		return nil, op.or(errForbidden)
	}
	if ifVersion != 0 && ifVersion != rec.Version() {
		return nil, op.or(fault.New(fault.Conflict, opWrite, "ifVersion: %d, but the record has version %d", ifVersion, rec.Version()))
	}
	return s, op.failed()
}

// or returns the error that made a decision deny, where there was one, else err.
func (op *Op) or(err error) error {
	if op.err != nil {
		return op.err
	}
	return err
}

// stored translates what storage said and forgets what was read before the
// write. A unique field that the viewer cannot see, which a default filled, is
// not named (B3).
func (op *Op) stored(shape *policy.FormShape, err error) error {
	clear(op.seen)
	if u, ok := errors.AsType[*storage.UniqueError](err); ok {
		if part := u.Index.Parts[0]; shape.Visible.Has(part.Number) {
			return fault.Wrap(fault.Conflict, opWrite, err, "input.%s: this value is taken", part.Name)
		}
		return fault.Wrap(fault.Conflict, opWrite, err, "input: a value is taken")
	}
	return op.or(err)
}

// checkInput checks each value of an input: writable, of the field's type, and
// references in reach.
func (op *Op) checkInput(f *form, shape *policy.FormShape, input map[uint32]record.Value) error {
	for _, n := range slices.Sorted(maps.Keys(input)) {
		field, ok := f.field(n)
		if !ok || !shape.Writable.Has(n) {
			return fault.New(fault.Invalid, opWrite, "input: a field that does not exist or may not be written")
		}
		v := input[n]
		if v.IsNull() {
			continue
		}
		if v.Kind() != field.Type.Kind() {
			return fault.New(fault.Invalid, opWrite, "input.%s: expected a value of type %s", field.Name, field.Type)
		}
		if err := op.checkReference(field, v); err != nil {
			return err
		}
	}
	return op.failed()
}

// checkReference answers alike for a reference that is absent and one out of
// reach (L2).
func (op *Op) checkReference(field *record.Field, v record.Value) error {
	switch field.Type {
	case record.Lookup:
		_, ok, err := op.Get(field.Target, v.Ref())
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if !ok {
			return fault.New(fault.Invalid, opWrite, "input.%s: no such record", field.Name)
		}
	case record.User:
		if !op.memberOf(v.Ref()) {
			return fault.New(fault.Invalid, opWrite, "input.%s: no such user", field.Name)
		}
	}
	return nil
}

// requireAll checks that required fields have a value. A field that the viewer
// cannot see is not named (B10).
func requireAll(f *form, shape *policy.FormShape, values map[uint32]record.Value, stored record.Record) error {
	for _, fd := range slices.Concat(f.def.Fields, f.soon) {
		if !fd.Required {
			continue
		}
		v, given := values[fd.Number]
		if given && !v.IsNull() || !given && !stored.IsZero() {
			continue
		}
		if !shape.Writable.Has(fd.Number) {
			return fault.New(fault.Invalid, opWrite, "input: a required field of %s has no value and may not be written with these rights", f.def.Name)
		}
		return fault.New(fault.Invalid, opWrite, "input.%s: a value is required", fd.Name)
	}
	return nil
}

// checkParent demands EDIT on the parent that a child is put under (E4).
func (op *Op) checkParent(f *form, values map[uint32]record.Value) error {
	if f.parent == nil {
		return nil
	}
	v, given := values[f.parent.Number]
	if !given {
		return nil
	}
	parent := op.app.forms[f.parent.Target]
	rec, ok := op.raw(parent, v.Ref())
	if ok && op.view.Decide(parent.def.Number, definition.Edit, &subject{op: op, form: parent, rec: rec}) {
		return op.failed()
	}
	return op.or(fault.New(fault.Forbidden, opWrite, "input.%s: not permitted to change this record", f.parent.Name))
}

// ownerOf is E1: the user that the owner field names, else who added it.
func ownerOf(f *form, addedBy record.ID, get func(uint32) record.Value) record.ID {
	if f.def.OwnerField != 0 {
		if u := get(f.def.OwnerField).Ref(); !u.IsZero() {
			return u
		}
	}
	return addedBy
}
