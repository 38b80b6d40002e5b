package engine

import (
	"maps"
	"strconv"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// MaxNested is how many records one operation may add below others.
const MaxNested = 500

// Draft is what a write gives a record. The engine only reads it.
type Draft struct {
	// Values holds a value, or null, for each field given.
	Values map[uint32]record.Value
	// Unread says of values that could not be read what was expected; Values holds
	// null for their fields. It is part of the answer where permission does not
	// refuse first (P8), also to other drafts of the same request.
	Unread map[uint32]string
	// Below are records to add below a new one. Add takes them, Change does not.
	Below []Below
}

// Below are the children of one form that a new record is added with, whose form
// is the parent of theirs. Name is what the request calls them.
type Below struct {
	Form   uint32
	Name   string
	Drafts []*Draft
}

// sapling is a draft with what is known about its place.
type sapling struct {
	form   *form
	shape  *policy.FormShape
	draft  *Draft
	values map[uint32]record.Value // with the parent and defaults
	path   string
	id     record.ID
}

func (s *sapling) at(field string) string { return s.path + "." + field }

// Add adds a record with those below it and returns its id. A record below a new
// one takes ACCESS to its form and no right on its parent, which may be out of
// the viewer's reach by then (W4); its parent lookup has to be writable, and is
// filled in. Nothing else reaches a record for being new: a later field of the
// operation that names one needs it in reach.
//
// Errors come in this order (P8): Forbidden without ACCESS, or where the parent
// that the input names may not be edited; Invalid for a field that is not
// writable; Limit for more than MaxNested records below others in one operation;
// then all that is wrong with the values, draft by draft, as [Problems] where
// that is several things: values outside of a field's bounds, required fields,
// references out of reach; Conflict for a taken unique value. They name a field by its way
// from "input": "input.lines[2].quantity". Nothing is written when there is an
// error; where one comes after the first record was stored, the operation fails.
func (op *Op) Add(number uint32, d *Draft) (record.ID, error) {
	ids, err := op.add(number, []*Draft{d}, []string{"input"})
	if err != nil {
		return record.ID{}, err
	}
	return ids[0], nil
}

// add adds records of one form, each called by its path.
func (op *Op) add(number uint32, ds []*Draft, paths []string) ([]record.ID, error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return nil, err
	}
	if !shape.Create {
		return nil, fault.New(fault.Forbidden, opWrite, "not permitted to add records to %s", f.def.Name)
	}
	roots := make([]*sapling, len(ds))
	for i, d := range ds {
		roots[i] = &sapling{form: f, shape: shape, draft: d, values: maps.Clone(d.Values), path: paths[i]}
		if err := op.checkCreate(roots[i]); err != nil {
			return nil, err
		}
	}
	var all []*sapling
	ids := make([]record.ID, len(ds))
	for i, root := range roots {
		if all, err = op.grow(append(all, root), root); err != nil {
			return nil, err
		}
		ids[i] = root.id
	}
	for _, s := range all {
		if err := s.claim(op); err != nil {
			return nil, err
		}
		if err := checkWritable(s.form, s.shape, s.draft.Values); err != nil {
			return nil, err
		}
	}
	if err := op.checkValues(all); err != nil {
		return nil, err
	}
	if err := op.insert(all); err != nil {
		return nil, err
	}
	return ids, nil
}

// checkCreate asks, for a child, for EDIT on the parent that it names (E4).
func (op *Op) checkCreate(s *sapling) error {
	if parent, ok := op.parentIn(s.form, s.values); ok && !op.view.MayCreate(s.form.def.Number, parent) {
		return op.or(errParent(s.form, s.at))
	}
	return op.failed()
}

// grow appends what is below s to all, each record behind its parent, and gives
// every one its id.
func (op *Op) grow(all []*sapling, s *sapling) ([]*sapling, error) {
	if s.values == nil {
		s.values = map[uint32]record.Value{}
	}
	s.id = op.write.id()
	for _, below := range s.draft.Below {
		f, shape, err := op.shape(below.Form)
		if err != nil {
			return nil, err
		}
		if !shape.CreateNested || f.parent == nil || f.parent.Target != s.form.def.Number || !shape.Writable.Has(f.parent.Number) {
			return nil, fault.New(fault.Forbidden, opWrite, "%s: not permitted to add records to %s", s.at(below.Name), f.def.Name)
		}
		if op.nested += len(below.Drafts); op.nested > MaxNested {
			return nil, fault.New(fault.Limit, opWrite, "%s: one operation may add at most %d records below others; send the rest in another",
				s.at(below.Name), MaxNested)
		}
		for i, d := range below.Drafts {
			child := &sapling{form: f, shape: shape, draft: d, values: maps.Clone(d.Values), path: s.at(below.Name) + "[" + strconv.Itoa(i) + "]"}
			if _, given := d.Values[f.parent.Number]; given {
				return nil, fault.New(fault.Invalid, opWrite, "%s: the record above is filled in", child.at(f.parent.Name))
			}
			if all, err = op.grow(append(all, child), child); err != nil {
				return nil, err
			}
			child.values[f.parent.Number] = record.Ref(s.id)
		}
	}
	return all, nil
}

// checkValues says what is wrong with the drafts, in their order, and fills in
// defaults.
func (op *Op) checkValues(all []*sapling) error {
	var wrong problems
	for _, s := range all {
		if err := op.checkValuesOf(s, &wrong); err != nil {
			return err
		}
	}
	return wrong.err()
}

func (op *Op) checkValuesOf(s *sapling, wrong *problems) error {
	if s.form.frozen {
		return fault.New(fault.Unavailable, opWrite, "a change of the definition of %s is being prepared; try again", s.form.def.Name)
	}
	for _, fd := range s.form.def.Fields {
		if _, given := s.values[fd.Number]; !given && !fd.Default.IsNull() {
			s.values[fd.Number] = fd.Default
		}
	}
	return op.checkGiven(&given{form: s.form, shape: s.shape, values: s.draft.Values, unread: s.draft.Unread, isNew: true, at: s.at}, s.values, wrong)
}

// allot gives a new record its numbers.
func (op *Op) allot(s *sapling) error {
	for _, fd := range s.form.def.Fields {
		if !fd.Allotted() {
			continue
		}
		n, err := op.txn.Number(s.form.store, fd.Number)
		if err != nil {
			op.fail(err)
			return op.failed()
		}
		s.values[fd.Number] = record.Int(n)
	}
	return nil
}

// insert stores the records. Half of a request is never committed, whatever is
// done with the error.
func (op *Op) insert(all []*sapling) error {
	now := op.write.now.UnixMicro()
	for i, s := range all {
		h := record.Header{Version: 1, AddedTime: now, ModifiedTime: now, AddedBy: op.principal.User, ModifiedBy: op.principal.User}
		h.Owner = ownerOf(s.form, h.AddedBy, func(n uint32) record.Value { return s.values[n] })
		if err := op.allot(s); err != nil {
			return err
		}
		err := op.stored(s.shape, s.at, op.txn.Insert(s.form.store, record.Encode(s.id, h, record.Record{}, s.values)))
		if err != nil && i > 0 {
			op.fail(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
