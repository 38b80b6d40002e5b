package engine

import (
	"context"
	"errors"
	"fmt"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// prepareChunk is how many records one transaction of a preparation visits: with
// the indexes of a wide form still far below the limits of a transaction.
const prepareChunk = 200

// maxListed bounds how many offending records a fault lists; the count is exact.
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
		v := &visit{e: e, p: p, prep: prep, work: w, nulls: map[uint32]int{}}
		if err := v.run(ctx); err != nil {
			return nil, err
		}
		faults = append(faults, v.faults()...)
	}
	return faults, e.settle(ctx, p, prep, len(faults) == 0)
}

// settle ends a preparation in one transaction.
func (e *Engine) settle(ctx context.Context, p identity.Principal, prep *preparation, activate bool) error {
	return e.change(ctx, p, "activate", func(txn *storage.Txn, _ *directory.People) error {
		ptr, ok, err := readPointer(txn, prep.name)
		if err != nil || !ok || ptr.Preparing != prep.next.Version {
			return err // another Apply has settled it
		}
		ptr.Preparing = 0
		if activate {
			prev, err := readDefinition(txn, prep.name, ptr.Active)
			if err != nil {
				return err
			}
			if err := forget(txn, prev, prep.next); err != nil {
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

	stored int
	nulls  map[uint32]int
	taken  int
	listed []string
}

func (v *visit) run(ctx context.Context) error {
	var after []byte
	for {
		ids, next, err := v.chunk(after)
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
		ix := &storage.Index{Number: row.Number, Unique: row.Unique}
		for _, n := range row.Parts {
			if f, ok := v.work.form.FieldNumber(n); ok {
				ix.Parts = append(ix.Parts, f.Field)
			}
		}
		s.Indexes = append(s.Indexes, ix)
	}
	return s
}

// chunk lists the next ids and counts missing required values.
func (v *visit) chunk(after []byte) (ids []record.ID, next []byte, err error) {
	err = v.e.manage(v.p, func(r storage.Reader, _ *directory.People) error {
		c := r.Records(v.storage(), storage.Range{After: after})
		defer c.Close()
		for len(ids) < prepareChunk && c.Next() {
			rec := c.Record()
			ids, next = append(ids, rec.ID()), append(next[:0], c.Position()...)
			v.stored++
			for _, fd := range v.work.required {
				if rec.Get(&fd.Field).IsNull() {
					v.nulls[fd.Number]++
				}
			}
		}
		return c.Err()
	})
	return ids, next, err
}

// fill writes the building entries of a chunk. Records that were changed since
// carry them already; writing an entry twice changes nothing.
func (v *visit) fill(ctx context.Context, ids []record.ID) error {
	if len(v.work.build) == 0 {
		return nil
	}
	s := v.storage()
	return v.e.change(ctx, v.p, "index", func(txn *storage.Txn, _ *directory.People) error {
		taken, listed := v.taken, v.listed
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
				taken++
				if len(listed) < maxListed {
					listed = append(listed[:len(listed):len(listed)], id.String())
				}
			}
		}
		v.taken, v.listed = taken, listed
		return nil
	})
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

// faults reports what stands against the version, with exact counts.
func (v *visit) faults() []definition.Fault {
	var out []definition.Fault
	if v.work.empty && v.stored > 0 {
		out = append(out, definition.Fault{
			Path: "forms." + v.work.form.Name,
			Msg:  fmt.Sprintf("the field that names the record owner cannot change while records are stored, and %d are", v.stored),
		})
	}
	for _, fd := range v.work.required {
		if n := v.nulls[fd.Number]; n > 0 {
			out = append(out, definition.Fault{
				Path: "forms." + v.work.form.Name + ".fields." + fd.Name + ".required",
				Msg:  fmt.Sprintf("%d stored records have no value; give them one first, or leave the field optional", n),
			})
		}
	}
	if v.taken > 0 {
		out = append(out, definition.Fault{
			Path: "forms." + v.work.form.Name,
			Msg:  fmt.Sprintf("%d stored records repeat the value of a field that is to be unique, among them %v", v.taken, v.listed),
		})
	}
	return out
}
