package storetest

import (
	"fmt"

	"sluice/internal/record"
	"sluice/storage"
)

// checkItems compares an index of the references of lists with the records: each
// record once under each of its references, and nothing else.
func checkItems(r storage.Reader, f *storage.Form, ix *storage.Index, records map[record.ID]record.Record) error {
	want := map[string]bool{}
	for id, rec := range records {
		for _, ref := range rec.Get(&ix.Parts[0]).Refs() {
			want[string(storage.AppendSortKey(nil, record.Ref(ref)))+string(id[:])] = true
		}
	}
	c := r.Index(f, ix, storage.Range{})
	defer c.Close()
	for c.Next() {
		if h := records[c.ID()].Header(); c.Owner() != h.Owner || c.Version() != h.Version || c.Ordinal() != h.Ordinal {
			return fmt.Errorf("the entry of %v is not that of the record", c.ID())
		}
		at := string(c.Position())
		if !want[at] {
			return fmt.Errorf("the entry %x of %v is none of its references", at, c.ID())
		}
		delete(want, at)
	}
	if c.Err() != nil {
		return c.Err()
	}
	if len(want) > 0 {
		return fmt.Errorf("%d references have no entry", len(want))
	}
	return nil
}
