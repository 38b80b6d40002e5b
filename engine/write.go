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

// Create is Add of a record without children.
func (op *Op) Create(number uint32, input map[uint32]record.Value) (record.ID, error) {
	return op.Add(number, &Draft{Values: input})
}

// Update is Change to values that could all be read.
func (op *Op) Update(number uint32, id record.ID, input map[uint32]record.Value, ifVersion uint32) error {
	return op.Change(number, id, &Draft{Values: input}, ifVersion)
}

// Change gives a record other values, judged as it is stored (W3). Errors come
// in this order (P8): NotFound outside VIEW reach, Forbidden outside EDIT reach
// (W5); Invalid for fields that are not writable; Forbidden for masked cells
// (H5), a parent that may not be edited (E4), a change of owner (W1), and a change
// that would uncover a masked cell (W2); Conflict when ifVersion is not 0 and not
// the record's version; all that is wrong with the values, as [Problems] where
// that is several things; Conflict for a taken unique value. Drafts of children are refused.
func (op *Op) Change(number uint32, id record.ID, d *Draft, ifVersion uint32) error {
	if len(d.Below) > 0 {
		return fault.New(fault.Invalid, opWrite, "input: records are added below new records only")
	}
	c, err := op.revise(number, id)
	if err != nil {
		return err
	}
	c.values, c.at = d.Values, func(name string) string { return "input." + name }
	c.unread, c.ifVersion = d.Unread, ifVersion
	return op.apply([]*revision{c})
}

// ChangeOwner gives a record to another owner: by the field that the form names
// as record owner, which has to be writable then, else as such. Who added it
// stays. Errors as Change, and Forbidden without one of the rights of W1 also
// where the owner stays the same; Invalid for everybody who is not an active
// member of the application, whether there is such a user or not.
func (op *Op) ChangeOwner(number uint32, id, owner record.ID, ifVersion uint32) error {
	c, err := op.revise(number, id)
	if err != nil {
		return err
	}
	if !c.shape.ChangesOwner() {
		return errForbidden
	}
	c.values, c.owner, c.gives = map[uint32]record.Value{}, owner, true
	c.at = func(string) string { return "owner" }
	if n := c.form.def.OwnerField; n != 0 {
		c.values[n] = record.Ref(owner)
	}
	c.ifVersion = ifVersion
	return op.apply([]*revision{c})
}

// revision is a new state of a record on its way: first what forbids it, then what
// is wrong with it (P8).
type revision struct {
	op        *Op
	form      *form
	shape     *policy.FormShape
	stored    *subject
	values    map[uint32]record.Value
	unread    map[uint32]string // of the draft
	twice     string            // says that the request changes the record twice
	ifVersion uint32
	at        func(field string) string // how the request calls a field
	path      string                    // how it calls the change, with a dot behind; empty for the only one
	shared    bool                      // its values are those of the revision before
	gives     bool                      // the change is one of owner, to this one
	owner     record.ID
	masked    record.FieldSet // as stored
	next      record.Record
}

func (op *Op) revise(number uint32, id record.ID) (*revision, error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return nil, err
	}
	s, err := op.target(f, number, id, definition.Edit)
	if err != nil {
		return nil, err
	}
	return op.revision(f, shape, s), op.failed()
}

func (op *Op) revision(f *form, shape *policy.FormShape, s *subject) *revision {
	return &revision{op: op, form: f, shape: shape, stored: s, masked: op.view.Masked(f.def.Number, s)}
}

// apply makes revisions of one form, all or none: each is judged on what is
// stored before the first is written, and what forbids any comes before what is
// wrong with any.
func (op *Op) apply(cs []*revision) error {
	err := op.judge(cs)
	for i := 0; i < len(cs) && err == nil; i++ {
		c := cs[i]
		if err = op.release(c.form, c.stored.rec, c.next); err != nil {
			break
		}
		err = op.stored(c.shape, c.at, op.txn.Update(c.form.store, c.stored.rec, c.next))
		if err != nil && i > 0 {
			op.fail(err) // others are written already: none of it is committed
		}
	}
	if err != nil {
		for _, c := range cs {
			if !c.next.IsZero() {
				op.forget(c.next)
			}
		}
	}
	return err
}

func (op *Op) judge(cs []*revision) error {
	for _, c := range cs {
		if err := c.claim(); err != nil {
			return err
		}
		if err := c.permitted(); err != nil {
			return err
		}
	}
	if err := op.judgeMasks(cs); err != nil {
		return err
	}
	var wrong problems
	for _, c := range cs {
		if err := wrong.add(c.valid()); err != nil {
			return err
		}
	}
	return wrong.err()
}

// judgeMasks asks the rules that mask cells about all new states at once, then
// refuses those that uncover a cell.
func (op *Op) judgeMasks(cs []*revision) error {
	var next []record.Record
	for _, c := range cs {
		if !c.masked.Empty() {
			next = append(next, c.next)
		}
	}
	if len(next) > 0 {
		op.askShown(cs[0].form, op.view.Masks(cs[0].form.def.Number), next)
	}
	for _, c := range cs {
		if err := c.checkUnmasking(); err != nil {
			return err
		}
	}
	return op.failed()
}

// permitted makes the new state and refuses what the viewer may not do.
func (c *revision) permitted() error {
	if !c.shared {
		if err := checkWritable(c.form, c.shape, c.values); err != nil {
			return err
		}
	}
	if err := c.checkMasked(); err != nil {
		return err
	}
	if !c.shared {
		if err := c.op.checkParent(c.form, c.values, c.at); err != nil {
			return err
		}
	}
	return c.successor()
}

// checkMasked refuses cells that a mask hides on this record (H5).
func (c *revision) checkMasked() error {
	for _, n := range slices.Sorted(maps.Keys(c.values)) { // the same field, whenever asked
		if c.masked.Has(n) {
			return fault.New(fault.Forbidden, opWrite, "%s: not permitted on this record", c.at(c.form.fields[n].Name))
		}
	}
	if c.gives && c.form.def.OwnerField == 0 && c.masked.Has(record.FieldOwner) {
		return fault.New(fault.Forbidden, opWrite, "%s: not permitted on this record", c.at("owner"))
	}
	return nil
}

// successor makes the record's new state and checks a change of owner (W1).
func (c *revision) successor() error {
	s := c.stored
	h := s.rec.Header()
	h.Version++
	h.ModifiedTime, h.ModifiedBy = c.op.write.now.UnixMicro(), c.op.principal.User
	if _, given := c.values[c.form.def.OwnerField]; given && c.form.def.OwnerField != 0 {
		h.Owner = ownerOf(c.form, h.AddedBy, func(n uint32) record.Value { return c.values[n] })
	} else if c.gives {
		h.Owner = c.owner
	}
	if c.ownerChanges(h.Owner) && !c.op.view.MayChangeOwner(c.form.def.Number, s) {
		return c.op.or(fault.New(fault.Forbidden, opWrite, "%s: not permitted to change the owner of this record", c.at(c.ownerName())))
	}
	cells, err := c.replacing()
	if err != nil {
		return err
	}
	c.next = record.Encode(s.rec.ID(), h, s.rec, cells)
	return c.op.failed()
}

func (c *revision) ownerName() string {
	if f := c.form.fields[c.form.def.OwnerField]; f != nil {
		return f.Name
	}
	return "owner"
}

// ownerChanges reports whether W1 is asked. Where the viewer may not read who
// owns the record, any other value of the owner field counts: a refusal must not
// tell who added a record that names nobody.
func (c *revision) ownerChanges(next record.ID) bool {
	if c.gives || next != c.stored.rec.Owner() {
		return true
	}
	f := c.form.fields[c.form.def.OwnerField]
	if f == nil || c.shape.Visible.Has(record.FieldOwner) && !c.masked.Has(record.FieldOwner) {
		return false
	}
	v, given := c.values[f.Number]
	return given && !v.Equal(c.stored.rec.Get(f))
}

// checkUnmasking refuses an update that would show its author a cell which a
// mask hid from them before (W2).
func (c *revision) checkUnmasking() error {
	if c.masked.Empty() {
		return nil
	}
	after := c.op.view.Masked(c.form.def.Number, &subject{op: c.op, form: c.form, rec: c.next})
	for _, n := range c.masked.Minus(after).Numbers() {
		if c.shape.Visible.Has(n) {
			return c.op.or(fault.New(fault.Forbidden, opWrite, "input: this change is not permitted on this record"))
		}
	}
	return c.op.failed()
}

// valid says what is wrong with a change that is permitted.
func (c *revision) valid() error {
	if err := checkVersion(c.stored.rec, c.ifVersion, c.path); err != nil {
		return err
	}
	if c.shared {
		return nil
	}
	if c.gives && !c.op.memberOf(c.owner) {
		return fault.New(fault.Invalid, opWrite, "%s: no such user", c.at("owner"))
	}
	var wrong problems
	if c.twice != "" {
		wrong.about(c.path+"id", "%s", c.twice)
	}
	g := &given{form: c.form, shape: c.shape, values: c.values, unread: c.unread, at: c.at}
	if err := c.op.checkGiven(g, c.values, &wrong); err != nil {
		return err
	}
	return wrong.err()
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

// Delete removes a record; errors as Change.
func (op *Op) Delete(number uint32, id record.ID, ifVersion uint32) error {
	f, shape, err := op.writable(number)
	if err != nil {
		return err
	}
	s, err := op.target(f, number, id, definition.Delete)
	if err != nil {
		return err
	}
	if err := checkVersion(s.rec, ifVersion, ""); err != nil {
		return err
	}
	return op.drop(f, shape, s)
}

func (op *Op) drop(f *form, shape *policy.FormShape, s *subject) error {
	if err := op.dropComments(f.def.Number, s.rec.ID()); err != nil {
		return err
	}
	if err := op.release(f, s.rec, record.Record{}); err != nil {
		return err
	}
	return op.stored(shape, nil, op.txn.Delete(f.store, s.rec))
}

func (op *Op) writable(number uint32) (*form, *policy.FormShape, error) {
	if op.txn == nil {
		return nil, nil, errReadOnlyOp
	}
	return op.shape(number)
}

// target finds the record that a write is about: NotFound out of VIEW reach,
// Forbidden in it without the action (W5).
func (op *Op) target(f *form, number uint32, id record.ID, a definition.Action) (*subject, error) {
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
	return s, op.failed()
}

func checkVersion(rec record.Record, ifVersion uint32, path string) error {
	if ifVersion != 0 && ifVersion != rec.Version() {
		return fault.New(fault.Conflict, opWrite, "%sifVersion: %d, but the record has version %d", path, ifVersion, rec.Version())
	}
	return nil
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
// not named (B3). at says how the request calls a field.
func (op *Op) stored(shape *policy.FormShape, at func(string) string, err error) error {
	clear(op.seen)
	if u, ok := errors.AsType[*storage.UniqueError](err); ok {
		if part := u.Index.Parts[0]; shape.Visible.Has(part.Number) {
			return fault.Wrap(fault.Conflict, opWrite, err, "%s: this value is taken", at(part.Name))
		}
		return fault.Wrap(fault.Conflict, opWrite, err, "input: a value is taken")
	}
	return op.or(err)
}
