package engine

import (
	"context"
	"errors"
	"fmt"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// prepareChunk is how many records one transaction of a preparation visits: with
// the indexes of a wide form still far below the limits of a transaction.
const prepareChunk = 200

// maxListed bounds how many offending records a fault lists; the count of those
// that the applier sees is exact.
const maxListed = 20

// preparation is a stored version that is not active yet, with what has to be
// done to the records of each form first.
type preparation struct {
	name string
	next *definition.Application
	work []formWork
}

// formWork is what a new version asks of the stored records of one form.
type formWork struct {
	form     *definition.Form
	build    []uint32            // numbers of indexes to fill
	required []*definition.Field // fields that must not be null
	empty    bool                // no record may be stored
}

// workOf compares two versions.
func workOf(prev, next *definition.Application) []formWork {
	if prev == nil {
		return nil
	}
	work := map[uint32]*formWork{}
	for _, c := range definition.Diff(prev, next) {
		f, ok := next.FormNumber(c.Form)
		if _, existed := prev.FormNumber(c.Form); !ok || !existed || !c.NeedsData() {
			continue
		}
		w := work[c.Form]
		if w == nil {
			w = &formWork{form: f}
			work[c.Form] = w
		}
		switch c.Kind {
		case definition.IndexAdded:
			w.build = append(w.build, c.Index.Number)
		case definition.RequiredOn:
			if fd, ok := f.FieldNumber(c.Field); ok {
				w.required = append(w.required, fd)
			}
		case definition.OwnerFieldChanged:
			w.empty = true // the owner stands in every record and every index entry
		}
	}
	var out []formWork
	for _, f := range next.Forms {
		if w := work[f.Number]; w != nil {
			out = append(out, *w)
		}
	}
	return out
}

// raise keeps numbers that an abandoned version used from being given again:
// entries of its indexes may still be stored.
func (ptr *pointer) raise(prev *definition.Application) {
	for _, f := range prev.Forms {
		f.NextIndex = max(f.NextIndex, ptr.Floors[f.Number])
	}
}

// next is the version number after every one that was ever stored.
func (ptr *pointer) next() uint64 { return max(ptr.Active, ptr.Last) + 1 }

// finish completes a preparation that was interrupted.
func (e *Engine) finish(ctx context.Context, p identity.Principal, name string) error {
	var prep *preparation
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		ptr, ok, err := readPointer(r, name)
		if err != nil || !ok || ptr.Preparing == 0 {
			return err
		}
		if err := people.MayDefine(p, name); err != nil {
			return err
		}
		prev, err := readDefinition(r, name, ptr.Active)
		if err != nil {
			return err
		}
		next, err := readDefinition(r, name, ptr.Preparing)
		if err != nil {
			return err
		}
		prep = &preparation{name: name, next: next, work: workOf(prev, next)}
		return nil
	})
	if err != nil || prep == nil {
		return err
	}
	_, err = e.prepare(ctx, p, prep) // what it finds wrong abandons that version
	return err
}

// prepare visits every record that the new version asks about, then activates
// the version, or abandons it with the faults found.
func (e *Engine) prepare(ctx context.Context, p identity.Principal, prep *preparation) ([]definition.Fault, error) {
	var faults []definition.Fault
	for _, w := range prep.work {
		v := &visit{e: e, p: p, prep: prep, work: w, nulls: map[uint32]*offence{}}
		if err := v.run(ctx); err != nil {
			return nil, err
		}
		faults = append(faults, v.faults()...)
	}
	if len(faults) > 0 {
		return faults, e.settle(ctx, p, prep, false, nil)
	}
	_, faults, err := gated(func(g *pass) error { return e.settle(ctx, p, prep, true, g) },
		func() (*pass, []definition.Fault, error) { return e.judged(ctx, p, prep) })
	if errors.Is(err, errRightsChanged) {
		faults = refusal(err)
	}
	if len(faults) > 0 {
		return faults, e.settle(ctx, p, prep, false, nil)
	}
	return nil, err
}

// settle ends a preparation in one transaction.
func (e *Engine) settle(ctx context.Context, p identity.Principal, prep *preparation, activate bool, g *pass) error {
	return e.change(ctx, p, "activate", func(txn *storage.Txn, people *directory.People) error {
		if err := people.MayDefine(p, prep.name); err != nil {
			return err
		}
		ptr, ok, err := readPointer(txn, prep.name)
		if err != nil || !ok || ptr.Preparing != prep.next.Version {
			return err // another Apply has settled it
		}
		was := ptr
		ptr.Preparing, ptr.Held, ptr.Approved = 0, 0, false
		if activate {
			if err := was.held(txn); err != nil {
				return err
			}
			if err := g.needs(txn, prep.next, e.o.ApproveExposure && !was.Approved); err != nil {
				return err
			}
			prev, err := readDefinition(txn, prep.name, ptr.Active)
			if err != nil {
				return err
			}
			if err := forget(txn, prev, prep.next, stampDoc{p.User, e.stampTime()}); err != nil {
				return err
			}
			ptr.Active = prep.next.Version
			return writePointer(txn, prep.name, ptr)
		}
		if ptr.Floors == nil {
			ptr.Floors = map[uint32]uint32{}
		}
		for _, f := range prep.next.Forms {
			ptr.Floors[f.Number] = max(ptr.Floors[f.Number], f.NextIndex)
		}
		return writePointer(txn, prep.name, ptr)
	})
}

// visit walks the records of one form in chunks, each a transaction.
type visit struct {
	e    *Engine
	p    identity.Principal
	prep *preparation
	work formWork

	stored offence
	nulls  map[uint32]*offence
	taken  offence
}

func (v *visit) run(ctx context.Context) error {
	var after []byte
	for {
		ids, next, err := v.chunk(ctx, after)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		if err := v.fill(ctx, ids); err != nil {
			return err
		}
		after = next
	}
}

func (v *visit) storage() *storage.Form {
	s := &storage.Form{Number: v.work.form.Number}
	for _, row := range v.work.form.Indexes {
		if ix := storageIndex(v.work.form, row, false); ix != nil {
			s.Indexes = append(s.Indexes, ix)
		}
	}
	return s
}

// chunk lists the next ids and notes missing required values.
func (v *visit) chunk(ctx context.Context, after []byte) (ids []record.ID, next []byte, err error) {
	err = v.e.manage(v.p, func(r storage.Reader, people *directory.People) error {
		if err := people.MayDefine(v.p, v.prep.name); err != nil {
			return err
		}
		c := r.Records(v.storage(), storage.Range{After: after})
		defer c.Close()
		nulls := map[uint32][]record.ID{}
		for len(ids) < prepareChunk && c.Next() {
			rec := c.Record()
			ids, next = append(ids, rec.ID()), append(next[:0], c.Position()...)
			for _, fd := range v.work.required {
				if rec.Get(&fd.Field).IsNull() {
					nulls[fd.Number] = append(nulls[fd.Number], rec.ID())
				}
			}
		}
		if c.Err() != nil {
			return c.Err()
		}
		return v.note(ctx, r, ids, nulls)
	})
	return ids, next, err
}

// note counts what stands against the version among the records of a chunk.
func (v *visit) note(ctx context.Context, r storage.Reader, ids []record.ID, nulls map[uint32][]record.ID) error {
	if v.work.empty {
		if err := v.offend(ctx, r, &v.stored, ids); err != nil {
			return err
		}
	}
	for _, fd := range v.work.required {
		o := v.nulls[fd.Number]
		if o == nil {
			o = &offence{}
			v.nulls[fd.Number] = o
		}
		if err := v.offend(ctx, r, o, nulls[fd.Number]); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the building entries of a chunk, in halves where it has more words
// than a transaction takes.
func (v *visit) fill(ctx context.Context, ids []record.ID) error {
	if len(v.work.build) == 0 {
		return nil
	}
	err := v.fillAll(ctx, ids)
	if len(ids) < 2 || fault.KindOf(err) != fault.Limit {
		return err
	}
	if err := v.fill(ctx, ids[:len(ids)/2]); err != nil {
		return err
	}
	return v.fill(ctx, ids[len(ids)/2:])
}

// fillAll fills in one transaction. Records that were changed since carry the
// entries already; writing an entry twice changes nothing.
func (v *visit) fillAll(ctx context.Context, ids []record.ID) error {
	s := v.storage()
	var taken []record.ID
	err := v.e.change(ctx, v.p, "index", func(txn *storage.Txn, people *directory.People) error {
		if err := people.MayDefine(v.p, v.prep.name); err != nil {
			return err
		}
		taken = nil
		for _, id := range ids {
			rec, ok, err := txn.Record(s, id)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			dup, err := v.fillOne(txn, s, rec)
			if err != nil {
				return err
			}
			if dup {
				taken = append(taken, id)
			}
		}
		return nil
	})
	if err != nil || len(taken) == 0 {
		return err
	}
	return v.e.manage(v.p, func(r storage.Reader, _ *directory.People) error { return v.offend(ctx, r, &v.taken, taken) })
}

func (v *visit) fillOne(txn *storage.Txn, s *storage.Form, rec record.Record) (dup bool, err error) {
	for _, ix := range s.Indexes {
		for _, n := range v.work.build {
			if ix.Number != n {
				continue
			}
			err := txn.FillIndex(s, ix, rec)
			if _, ok := errors.AsType[*storage.UniqueError](err); ok {
				dup = true
			} else if err != nil {
				return false, err
			}
		}
	}
	return dup, nil
}

// faults reports what stands against the version.
func (v *visit) faults() []definition.Fault {
	form := "forms." + v.work.form.Name
	var out []definition.Fault
	add := func(path string, o *offence, seen, unseen string) {
		switch {
		case o.seen > 0:
			out = append(out, definition.Fault{Path: path, Msg: seen})
		case o.unseen:
			out = append(out, definition.Fault{Path: path, Msg: unseen})
		}
	}
	const owner = "the field that names the record owner cannot change while records are stored, and "
	add(form, &v.stored, fmt.Sprintf(owner+"%d are", v.stored.seen), owner+"some are that you do not see")
	for _, fd := range v.work.required {
		if o := v.nulls[fd.Number]; o != nil {
			add(form+".fields."+fd.Name+".required", o,
				fmt.Sprintf("%d stored records have no value; give them one first, or leave the field optional", o.seen),
				"stored records that you do not see have no value; leave the field optional")
		}
	}
	add(form, &v.taken,
		fmt.Sprintf("%d stored records repeat the value of a field that is to be unique, among them %v", v.taken.seen, v.taken.listed),
		"stored records that you do not see repeat the value of a field that is to be unique")
	return out
}

// offence is the records that stand against a version in one way. Those that the
// applier does not see are neither counted nor listed, and named only where
// there are no others: that the version is refused tells of them anyway.
type offence struct {
	seen   int
	unseen bool
	listed []string
}

// offend adds records to an offence.
func (v *visit) offend(ctx context.Context, r storage.Reader, o *offence, ids []record.ID) error {
	if len(ids) == 0 {
		return nil
	}
	op := &Op{e: v.e, ctx: ctx, r: r, principal: v.p}
	if err := op.open(v.prep.name); err != nil {
		return err
	}
	seen, err := op.may(v.work.form.Number, viewAction, ids)
	if err != nil {
		if fault.KindOf(err) != fault.Limit {
			return err
		}
		seen = make([]bool, len(ids)) // a rule that spends its fuel shows nothing, and stops no apply
	}
	for i, id := range ids {
		switch {
		case !seen[i]:
			o.unseen = true
		default:
			if o.seen++; o.seen <= maxListed {
				o.listed = append(o.listed, id.String())
			}
		}
	}
	return nil
}
