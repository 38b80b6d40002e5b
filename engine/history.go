package engine

import (
	"encoding/binary"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// Revision is one change of a record, as the viewer may know of it.
type Revision struct {
	Version uint32 // that the record had afterwards
	Time    int64  // microseconds since 1970 UTC
	// Actor made the change; zero where the viewer may not know who: the cell
	// addedBy of a creation, modifiedBy of another change.
	Actor   record.ID
	Created bool
	Cells   []CellChange // in the order of the fields, the owner last
}

// CellChange is a cell before and after a change. A lookup that leads out of
// reach is null (L1).
type CellChange struct {
	Field         *record.Field
	Before, After record.Value
}

// HistoryPage is a part of the history of one record, the newest change first.
type HistoryPage struct {
	Marks
	Revisions []Revision
	// Complete says that the history goes back to the record's creation; only
	// where it was asked for. Data of releases that kept no histories begin later.
	Complete bool
}

// Cursor returns the sealed cursor of revision i.
func (p *HistoryPage) Cursor(i int) string { return p.cursor(versionMark(p.Revisions[i].Version)) }

// versionMark puts a version into the place of an id. Cursors must not be made of
// sequences of the change log: those tell of changes elsewhere.
func versionMark(v uint32) (id record.ID) {
	binary.BigEndian.PutUint32(id[12:], v)
	return id
}

// History returns for each record of a form a part of its history, in the order
// of ids: nil where the viewer may not read it, or where there is no such record.
//
// A cell is part of it where its field is visible, and no MASK rule of today
// covers it on the record as it is now, nor on either state of the change: a
// value beside a covered one would tell what the rule saw. A change without any
// such cell is not part of it. complete asks for Complete.
func (op *Op) History(form uint32, ids []record.ID, q Part, complete bool) ([]*HistoryPage, error) {
	readable, err := op.may(form, definition.ReadHistory, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*HistoryPage, len(ids))
	for i, id := range ids {
		if !readable[i] {
			continue
		}
		if err := op.ctx.Err(); err != nil {
			return nil, err
		}
		f, shape, err := op.shape(form)
		if err != nil {
			return nil, err
		}
		h := &historian{op: op, form: f, shape: shape, q: q, page: &HistoryPage{}}
		if err := h.run(id); err != nil {
			return nil, err
		}
		if complete {
			if h.page.Complete, err = op.begins(f, id); err != nil {
				return nil, err
			}
		}
		out[i] = h.page
	}
	return out, nil
}

// begins reports whether the oldest change of a record's history is its creation.
func (op *Op) begins(f *form, id record.ID) (bool, error) {
	c := op.r.History(f.store, id, false)
	defer c.Close()
	if !c.Next() {
		return false, c.Err()
	}
	ch, err := c.Change()
	return ch.Before == nil, err
}

// historian reads the history of one record.
type historian struct {
	op    *Op
	form  *form
	shape *policy.FormShape
	q     Part
	page  *HistoryPage

	seen   *stretch[Revision]
	hidden record.FieldSet // masked on the record as it is now
}

// change is an entry of the log with both states, the first of which is zero for
// a creation.
type change struct {
	version       uint32
	before, after *subject
}

// historyBatch is how many changes are decided together: both states of each make
// one rule batch.
const historyBatch = windowSize / 2

func (h *historian) run(id record.ID) error {
	marks, err := h.op.newPart(h.q, h.op.recordWords("history", h.form.def.Number, id)...)
	if err != nil {
		return err
	}
	h.page.Marks = marks
	h.seen = newStretch[Revision](h.q, &marks, func(a, b record.ID) int { return compareIDs(b, a) })
	rec, _ := h.op.raw(h.form, id)
	h.hidden = h.op.view.Masked(h.form.def.Number, &subject{op: h.op, form: h.form, rec: rec})
	c := h.op.r.History(h.form.store, id, !h.q.Backward)
	defer c.Close()
	for more := true; more && !h.seen.full; {
		var batch []change
		if batch, more, err = h.read(c, id); err != nil {
			return err
		}
		if err := h.take(batch); err != nil {
			return err
		}
		h.op.trim()
	}
	h.page.Revisions = h.seen.page(h.q, &h.page.Marks)
	return c.Err()
}

// read reads the next changes: no more than the page needs where every change is
// likely to be shown.
func (h *historian) read(c *storage.HistoryCursor, id record.ID) (batch []change, more bool, err error) {
	need := h.q.First + 1 - len(h.seen.items)
	if h.q.Total {
		need = historyBatch
	}
	for len(batch) < min(need, historyBatch) {
		if h.op.overdue() {
			return nil, false, h.op.failed()
		}
		if !c.Next() {
			return batch, false, c.Err()
		}
		if c.Version() == 0 || !h.seen.matters(versionMark(c.Version())) {
			continue
		}
		one, err := h.change(c, id)
		if err != nil {
			return nil, false, err
		}
		batch = append(batch, one)
	}
	return batch, true, nil
}

func (h *historian) change(c *storage.HistoryCursor, id record.ID) (change, error) {
	ch, err := c.Change()
	if err != nil {
		return change{}, err
	}
	out := change{version: c.Version()}
	if out.after, err = h.state(id, ch.After); err == nil && ch.Before != nil {
		out.before, err = h.state(id, ch.Before)
	}
	return out, err
}

func (h *historian) state(id record.ID, b []byte) (*subject, error) {
	rec, err := record.Parse(id, b)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "engine.history", err, "the history of a record is damaged")
	}
	return &subject{op: h.op, form: h.form, rec: rec}, nil
}

// take decides a batch and adds what is shown of it to the page.
func (h *historian) take(batch []change) error {
	h.ask(batch)
	revisions := make([]Revision, len(batch))
	for i := range batch {
		revisions[i] = h.revision(&batch[i])
	}
	if err := h.resolve(revisions); err != nil {
		return err
	}
	for i := range revisions {
		r := &revisions[i]
		if !r.Created && len(r.Cells) == 0 {
			continue
		}
		h.seen.add(versionMark(r.Version), *r)
	}
	return h.op.failed()
}

// ask asks the MASK rules about all states of a batch at once.
func (h *historian) ask(batch []change) {
	masks := h.op.view.Masks(h.form.def.Number)
	if len(masks) == 0 {
		return
	}
	states := make([]record.Record, 0, 2*len(batch))
	known := map[uint32]bool{}
	for i := range batch {
		for _, s := range []*subject{batch[i].after, batch[i].before} {
			if s != nil && !known[s.rec.Version()] { // the state between two changes is in both
				known[s.rec.Version()] = true
				states = append(states, s.rec)
			}
		}
	}
	for _, rule := range masks {
		h.op.ask(h.form, rule, states)
	}
}

// revision compares both states of a change as the viewer may read them.
func (h *historian) revision(c *change) Revision {
	number := h.form.def.Number
	hidden := h.hidden.Union(h.op.view.Masked(number, c.after))
	var before record.Redacted
	if c.before != nil {
		hidden = hidden.Union(h.op.view.Masked(number, c.before))
		before = h.op.redactState(h.shape, c.before, hidden)
	}
	after := h.op.redactState(h.shape, c.after, hidden)
	by := record.FieldModifiedBy
	if c.before == nil {
		by = record.FieldAddedBy
	}
	r := Revision{Version: c.version, Created: c.before == nil}
	r.Time = after.Get(h.form.fields[record.FieldModifiedTime]).Int()
	r.Actor = after.Get(h.form.fields[by]).Ref()
	compare := func(n uint32) {
		field := h.form.fields[n]
		x := CellChange{Field: field, Before: before.Get(field), After: after.Get(field)}
		if !x.Before.Equal(x.After) {
			r.Cells = append(r.Cells, x)
		}
	}
	for _, fd := range h.form.def.Fields {
		if fd.Formula == nil { // what was written, not what follows from it
			compare(fd.Number)
		}
	}
	compare(record.FieldOwner)
	return r
}

// resolve makes null of lookups that lead out of reach, and drops cells that are
// no change any more.
func (h *historian) resolve(revisions []Revision) error {
	reached, err := h.reached(revisions)
	if err != nil {
		return err
	}
	for i := range revisions {
		r := &revisions[i]
		kept := r.Cells[:0]
		for _, x := range r.Cells {
			if x.Field.Type == record.MultiLookup {
				x.Before, x.After = reachedOf(reached, x.Field, x.Before), reachedOf(reached, x.Field, x.After)
			}
			if x.Field.Type == record.Lookup {
				for _, v := range []*record.Value{&x.Before, &x.After} {
					if !reached[recordKey{x.Field.Target, v.Ref()}] {
						*v = record.Value{}
					}
				}
			}
			if !x.Before.Equal(x.After) {
				kept = append(kept, x)
			}
		}
		r.Cells = kept
	}
	return nil
}

// reachedOf is a list of references without those that are not reached.
func reachedOf(reached map[recordKey]bool, f *record.Field, v record.Value) record.Value {
	return record.Refs(slices.DeleteFunc(v.Refs(), func(id record.ID) bool { return !reached[recordKey{f.Target, id}] })...)
}

// reached reads the targets of all lookups, those of one form at once.
func (h *historian) reached(revisions []Revision) (map[recordKey]bool, error) {
	targets := map[uint32][]record.ID{}
	for i := range revisions {
		for _, x := range revisions[i].Cells {
			if !x.Field.Type.Links() {
				continue
			}
			for _, v := range []record.Value{x.Before, x.After} {
				targets[x.Field.Target] = append(targets[x.Field.Target], v.Refs()...)
				if !v.Ref().IsZero() {
					targets[x.Field.Target] = append(targets[x.Field.Target], v.Ref())
				}
			}
		}
	}
	out := map[recordKey]bool{}
	for _, f := range h.op.app.def.Forms { // in order: maps have none
		ids := targets[f.Number]
		if len(ids) == 0 {
			continue
		}
		recs, err := h.op.GetMany(f.Number, ids)
		if err := unlessAbsent(err); err != nil {
			return nil, err
		}
		for i, r := range recs {
			out[recordKey{f.Number, ids[i]}] = !r.IsZero()
		}
	}
	return out, nil
}
