package engine

import (
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// checkWritable refuses fields that may not be written, and values that are not
// of their field's type: for one of a file, the file or the id of one. A field that does not exist, one that is hidden and one
// that is read only are the same error (B3, B4).
func checkWritable(f *form, shape *policy.FormShape, input map[uint32]record.Value) error {
	for _, n := range slices.Sorted(maps.Keys(input)) {
		field, ok := f.field(n)
		if !ok || !shape.Writable.Has(n) {
			return fault.New(fault.Invalid, opWrite, "input: a field that does not exist or may not be written")
		}
		if v := input[n]; !v.IsNull() && v.Kind() != field.Type.Kind() && (v.Kind() != record.KindRef || !field.Type.IsFile()) {
			return fault.New(fault.Invalid, opWrite, "input.%s: expected a value of type %s", field.Name, field.Type)
		}
	}
	return nil
}

// parentIn returns the record that values put a child under, as far as it is in
// VIEW reach. One that is out of reach, absent or null is no matter of
// permission: the checks of the value answer all of these alike (L2).
func (op *Op) parentIn(f *form, values map[uint32]record.Value) (*subject, bool) {
	if f.parent == nil {
		return nil, false
	}
	parent, id := op.app.forms[f.parent.Target], values[f.parent.Number].Ref()
	if id.IsZero() || parent == nil {
		return nil, false
	}
	rec, ok := op.raw(parent, id)
	s := &subject{op: op, form: parent, rec: rec}
	return s, ok && op.view.Decide(parent.def.Number, viewAction, s)
}

// checkParent demands EDIT on the parent that a child is put under (E4).
func (op *Op) checkParent(f *form, values map[uint32]record.Value, at func(string) string) error {
	if s, ok := op.parentIn(f, values); ok && !op.view.Decide(s.form.def.Number, definition.Edit, s) {
		return op.or(errParent(f, at))
	}
	return op.failed()
}

func errParent(f *form, at func(string) string) error {
	return fault.New(fault.Forbidden, opWrite, "%s: not permitted to change this record", at(f.parent.Name))
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
