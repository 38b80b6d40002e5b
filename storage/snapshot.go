package storage

import (
	"encoding/binary"
	"fmt"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage/driver"
)

// Form is what storage has to know about a form to keep its records and
// indexes. It is built from a definition and read only.
type Form struct {
	Number  uint32
	Indexes []*Index
}

// Index is one row of a form's catalogue: keys over Parts, then the record id.
type Index struct {
	Number uint32
	Parts  []record.Field
	Unique bool // a guard: at most one record per value; records with a null part are not guarded
	// Words makes it an index of the words of its one part, a text: an entry for
	// each word, under the word's term as package words gives it; or, where a text
	// has more than MaxWords, one under the empty text, which stands for any word.
	// A record without a word has no entry. Entries have version 0, so that only
	// other words, or another owner, write them anew.
	Words bool
	// Building rows are written by writers and ignored by readers.
	Building bool
}

// Space separates documents of different use inside a tenant.
type Space uint8

// DocRange says where a walk over documents begins and in which direction it
// goes. The zero DocRange is the walk of Docs.
type DocRange struct {
	After string // a key with the prefix, behind which the walk begins; empty for its beginning
	Desc  bool
}

// Stats counts the work of a snapshot or transaction.
type Stats struct {
	Keys    int // keys that cursors stood on, hits of Get not included
	Gets    int // point reads of records, documents and guards
	Cursors int // cursors opened
}

// Reader is what a Snapshot and a Txn have in common. A Txn shows its own
// pending writes: point reads at once, a cursor those that were made before it
// was opened. A Reader and its cursors are used by one goroutine at a time.
type Reader interface {
	Tenant() identity.Tenant
	// Epoch is the number of changes so far to the tenant's directory and
	// definitions; caches of both are keyed by it. In a Txn that has written a
	// document it is a number that is given once and never again, so that what is
	// cached under it is never found by others: what the Txn sees is not
	// committed.
	Epoch() (uint64, error)
	// Record returns a record, borrowed: valid until the reader is closed.
	Record(f *Form, id record.ID) (record.Record, bool, error)
	// Records walks all records of a form in the order of their ids. Low and High
	// of the range, where given, are references.
	Records(f *Form, r Range) *RecordCursor
	// Index walks the entries of one index.
	Index(f *Form, ix *Index, r Range) *IndexCursor
	// Guarded returns the record that holds the value in a unique index of one
	// part.
	Guarded(f *Form, ix *Index, v record.Value) (record.ID, bool, error)
	// Doc returns a document, borrowed: valid until the reader is closed.
	Doc(s Space, key string) ([]byte, bool, error)
	// Docs walks the documents whose key begins with prefix, in byte order.
	Docs(s Space, prefix string) *DocCursor
	// DocsIn is Docs from a place on, in either direction.
	DocsIn(s Space, prefix string, r DocRange) *DocCursor
	// Changes walks the change log from sequence from on. A Txn does not show the
	// changes that it will add.
	Changes(from uint64) *ChangeCursor
	// LastChange returns the sequence of the newest entry of the change log, 0
	// where there is none. A Txn does not count the changes that it will add.
	LastChange() (uint64, error)
	// History walks the entries of the change log about one record, in the order
	// of their sequences or, where desc is set, the newest first; its cost follows
	// the number of those entries, not the length of the log. A Txn shows its own
	// changes too, as the newest. Changes made before the store kept histories are
	// in the log alone: a history that does not begin with an entry without Before
	// has lost its beginning.
	History(f *Form, id record.ID, desc bool) *HistoryCursor
	Stats() Stats
}

// Snapshot is a Reader of one published state.
type Snapshot struct {
	Reader
	v *view
}

// Close releases the snapshot with its cursors. What was borrowed from it ends.
// Later calls do nothing.
func (s *Snapshot) Close() { s.v.close() }

// view implements Reader, for a transaction with a writer on top.
type view struct {
	id     identity.Tenant
	scope  scope
	snap   driver.Snapshot
	w      *writer // nil for a snapshot
	stats  *Stats
	walks  *walk // open ones
	closed bool
	pasts  []*view // earlier states over the same snapshot, which end with it
}

func (v *view) close() {
	if v.closed {
		return
	}
	for _, p := range v.pasts {
		p.end()
	}
	v.end()
	v.snap.Close()
}

// end closes cursors, and whoever reads on gets ErrClosed.
func (v *view) end() {
	for v.walks != nil {
		v.walks.finish(nil)
	}
	v.closed = true
}

func (v *view) Tenant() identity.Tenant { return v.id }

func (v *view) Stats() Stats { return *v.stats }

// get is a point read: of the pending writes first, and into the read set.
func (v *view) get(key []byte) ([]byte, bool, error) {
	if v.closed {
		return nil, false, ErrClosed
	}
	if v.w != nil {
		return v.w.get(key)
	}
	return v.snap.Get(key)
}

func (v *view) Epoch() (uint64, error) {
	if v.w != nil && v.w.dirty != 0 && !v.closed {
		return v.w.dirty, nil
	}
	return v.storedEpoch()
}

func (v *view) storedEpoch() (uint64, error) {
	b, found, err := v.get(v.scope.epoch())
	if err != nil || !found {
		return 0, err
	}
	if len(b) != 8 {
		return 0, errDamaged
	}
	return binary.BigEndian.Uint64(b), nil
}

func (v *view) Record(f *Form, id record.ID) (record.Record, bool, error) {
	v.stats.Gets++
	b, found, err := v.get(v.scope.record(f.Number, id))
	if err != nil || !found {
		return record.Record{}, false, err
	}
	r, err := parse(id, b)
	return r, err == nil, err
}

func parse(id record.ID, b []byte) (record.Record, error) {
	r, err := record.Parse(id, b)
	if err != nil {
		return r, fmt.Errorf("storage: record %v: %w", id, err)
	}
	return r, nil
}

func (v *view) Guarded(f *Form, ix *Index, value record.Value) (record.ID, bool, error) {
	if len(ix.Parts) != 1 || !ix.Unique {
		return record.ID{}, false, fault.New(fault.Internal, "storage.Guarded", "the index is not unique over one part")
	}
	v.stats.Gets++
	key := v.scope.guard(f.Number, ix, []record.Value{value})
	if key == nil {
		return record.ID{}, false, nil
	}
	return v.holder(key)
}

// holder returns the record that a guard key names.
func (v *view) holder(key []byte) (record.ID, bool, error) {
	b, found, err := v.get(key)
	if err != nil || !found {
		return record.ID{}, false, err
	}
	if len(b) != idSize {
		return record.ID{}, false, errDamaged
	}
	return record.ID(b), true, nil
}

func (v *view) Doc(s Space, key string) ([]byte, bool, error) {
	v.stats.Gets++
	return v.get(v.scope.doc(s, key))
}

func (v *view) Docs(s Space, prefix string) *DocCursor {
	space := v.scope.docs(s)
	return &DocCursor{walk: v.walk(span{prefix: append(space, prefix...), cut: len(space)})}
}

func (v *view) DocsIn(s Space, prefix string, r DocRange) *DocCursor {
	space := v.scope.docs(s)
	cut := len(space)
	sp := span{prefix: append(space, prefix...), desc: r.Desc, cut: cut}
	switch from := v.scope.doc(s, r.After); {
	case r.After == "":
	case r.Desc:
		sp.hi = from
	default:
		sp.lo = append(from, 0)
	}
	return &DocCursor{walk: v.walk(sp)}
}

func (v *view) Records(f *Form, r Range) *RecordCursor {
	if len(r.Eq) > 0 {
		return &RecordCursor{walk: failed(errEq)}
	}
	return &RecordCursor{walk: v.ranged(v.scope.records(f.Number), r, nil)}
}

func (v *view) Index(f *Form, ix *Index, r Range) *IndexCursor {
	if len(r.Eq) > len(ix.Parts) {
		return &IndexCursor{walk: failed(errEq)}
	}
	return &IndexCursor{walk: v.ranged(v.scope.index(f.Number, ix.Number), r, ix.Parts)}
}

func (v *view) Changes(from uint64) *ChangeCursor {
	prefix := v.scope.changes()
	return &ChangeCursor{walk: v.walk(span{prefix: prefix, lo: v.scope.change(from), cut: len(prefix)})}
}

func (v *view) LastChange() (uint64, error) {
	prefix := v.scope.changes()
	w := v.walk(span{prefix: prefix, desc: true, cut: len(prefix)})
	defer w.Close()
	if !w.Next() {
		return 0, w.Err()
	}
	if len(w.rest()) != 8 {
		return 0, errDamaged
	}
	return binary.BigEndian.Uint64(w.rest()), nil
}
