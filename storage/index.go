package storage

import (
	"bytes"
	"encoding/binary"

	"sluice/internal/record"
)

// checkGuards refuses a record whose unique values other records hold.
func (w *writer) checkGuards(f *Form, old, next record.Record) error {
	for _, ix := range f.Indexes {
		if !ix.Unique {
			continue
		}
		if err := w.checkGuard(f, ix, next); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) checkGuard(f *Form, ix *Index, r record.Record) error {
	if !ix.Unique {
		return nil
	}
	key := w.v.scope.guardOf(f.Number, ix, r)
	if key == nil {
		return nil
	}
	w.v.stats.Gets++
	id, held, err := w.v.holder(key)
	if err != nil {
		return w.fail(err)
	}
	if held && id != r.ID() {
		return &UniqueError{Index: ix}
	}
	return nil
}

// replaceEntry moves the index entry of a record, and its guard, from old to
// next; either may be zero. Guards have been checked.
func (w *writer) replaceEntry(f *Form, ix *Index, old, next record.Record) error {
	switch {
	case ix.Words:
		return w.replaceWords(f, ix, old, next)
	case ix.ofItems():
		return w.replaceItems(f, ix, old, next)
	}
	var from, to []byte
	if !old.IsZero() {
		from = w.v.scope.entry(f.Number, ix, old)
	}
	if !next.IsZero() {
		to = w.v.scope.entry(f.Number, ix, next)
		if len(to) > MaxKey {
			return w.fail(limit("storage.Update", "indexed values of a record may have at most %d bytes together", MaxKey-prefixSize-8-idSize))
		}
	}
	if from != nil && !bytes.Equal(from, to) {
		if err := w.put(from, nil); err != nil {
			return err
		}
	}
	if to != nil {
		if err := w.put(to, appendEntry(nil, next)); err != nil {
			return err
		}
	}
	if ix.Unique {
		return w.replaceGuard(f, ix, old, next)
	}
	return nil
}

func (w *writer) replaceGuard(f *Form, ix *Index, old, next record.Record) error {
	var from, to []byte
	if !old.IsZero() {
		from = w.v.scope.guardOf(f.Number, ix, old)
	}
	if !next.IsZero() {
		to = w.v.scope.guardOf(f.Number, ix, next)
	}
	if from != nil && !bytes.Equal(from, to) {
		if err := w.releaseGuard(from, old.ID()); err != nil {
			return err
		}
	}
	if to == nil {
		return nil
	}
	id, held, err := w.v.holder(to)
	if err != nil || held && id == next.ID() {
		return err
	}
	holder := next.ID()
	return w.put(to, holder[:])
}

// releaseGuard removes a guard if the record holds it: while a unique index is
// being built, a record may have a value that another one holds.
func (w *writer) releaseGuard(key []byte, id record.ID) error {
	holder, held, err := w.v.holder(key)
	if err != nil || !held || holder != id {
		return err
	}
	return w.put(key, nil)
}

// appendEntry appends the value of a record's index entries.
func appendEntry(dst []byte, r record.Record) []byte {
	return appendEntryAt(dst, r, r.Version())
}

func appendEntryAt(dst []byte, r record.Record, version uint32) []byte {
	owner := r.Owner()
	dst = append(dst, owner[:]...)
	dst = binary.BigEndian.AppendUint32(dst, version)
	return binary.BigEndian.AppendUint32(dst, r.Header().Ordinal)
}
