package storage

import (
	"bytes"
	"slices"

	"sluice/internal/record"
)

// ofItems reports whether the index has an entry for each item of its one part, a
// list of references, as if the item were the value: a range of values equal to
// a reference finds the records whose list holds it, each once. Records without a
// list have no entry.
func (ix *Index) ofItems() bool { return len(ix.Parts) == 1 && ix.Parts[0].Type.Refs() }

// items returns the keys of a record in an index of items, in their order.
func (s scope) items(form uint32, ix *Index, r record.Record) [][]byte {
	if r.IsZero() {
		return nil
	}
	var keys [][]byte
	for _, ref := range r.Get(&ix.Parts[0]).Refs() {
		id := r.ID()
		keys = append(keys, append(AppendSortKey(s.index(form, ix.Number), record.Ref(ref)), id[:]...))
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal)
}

// replaceItems moves the entries of a record in an index of items from old to
// next; either may be zero.
func (w *writer) replaceItems(f *Form, ix *Index, old, next record.Record) error {
	to := w.v.scope.items(f.Number, ix, next)
	for _, key := range w.v.scope.items(f.Number, ix, old) {
		if _, stays := slices.BinarySearchFunc(to, key, bytes.Compare); stays {
			continue
		}
		if err := w.put(key, nil); err != nil {
			return err
		}
	}
	for _, key := range to {
		if err := w.put(key, appendEntry(nil, next)); err != nil {
			return err
		}
	}
	return nil
}
