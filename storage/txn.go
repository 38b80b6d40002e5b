package storage

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage/driver"
)

// Txn is a Reader that collects writes. Point reads (Record, Doc, Guarded,
// Epoch) join its read set; walks do not, on any driver.
type Txn struct {
	Reader
	w *writer
}

// writer is the part of a transaction that a snapshot does not have.
type writer struct {
	v        *view
	meta     Meta
	ordinals *allotment
	buf      driver.Tree[[]byte] // key → value, nil for deleted
	log      []driver.Write      // the change log, stamped
	indexed  int                 // entries of log, each of which stands in a history too
	reads    map[string]read
	bytes    int
	dirty    uint64 // what Epoch returns once a document was written
	bumped   bool
	docs     []DocRef // written ones, secrets included
	err      error    // the first failure that no part of the transaction survives
}

type read struct {
	value []byte
	found bool
}

// dirtyEpochs numbers the uncommitted states that Epoch has to tell apart.
var dirtyEpochs atomic.Uint64

func nextDirty() uint64 { return 1<<63 | dirtyEpochs.Add(1) }

func (w *writer) get(key []byte) ([]byte, bool, error) {
	if value, pending := w.buf.Get(key); pending {
		return value, value != nil, nil
	}
	if r, known := w.reads[string(key)]; known {
		return r.value, r.found, nil
	}
	value, found, err := w.v.snap.Get(key)
	if err != nil {
		return nil, false, w.fail(err)
	}
	w.reads[string(key)] = read{value, found}
	return value, found, nil
}

// fail makes the transaction one that cannot be committed.
func (w *writer) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return err
}

// put writes a key; a nil value deletes it. The writer keeps both.
func (w *writer) put(key, value []byte) error {
	if old, pending := w.buf.Get(key); pending {
		w.bytes -= len(key) + len(old)
	}
	if err := w.grow(len(key) + len(value)); err != nil {
		return err
	}
	w.buf.Set(key, value)
	return nil
}

func (w *writer) grow(n int) error {
	const op = "storage.Update"
	w.bytes += n
	if w.bytes > MaxTxnBytes {
		return w.fail(limit(op, "one change may write at most %d bytes, with indexes and history; split it", MaxTxnBytes))
	}
	if w.buf.Len()+len(w.log)+w.indexed >= MaxTxnWrites {
		return w.fail(limit(op, "one change may make at most %d writes, with indexes and history; split it", MaxTxnWrites))
	}
	return nil
}

func (w *writer) writes() []driver.Write {
	out := make([]driver.Write, 0, w.buf.Len()+len(w.log))
	it := w.buf.Iter()
	for it.Seek(nil); it.Valid(); it.Next() {
		out = append(out, driver.Write{Key: it.Key(), Value: it.Value()})
	}
	return append(out, w.log...)
}

func (w *writer) readSet() [][]byte {
	out := make([][]byte, 0, len(w.reads)+1)
	out = append(out, w.v.scope.epoch())
	for key := range w.reads {
		out = append(out, []byte(key))
	}
	return out
}

// begin is called by every writing method first.
func (w *writer) begin() error {
	if w.v.closed {
		return ErrClosed
	}
	return w.err
}

// Number allots a number of a form's field, from 1, that no other transaction
// gets. Numbers are dense but for gaps that a restart leaves, and roughly
// ascending. No transaction reads a counter for it, so that none conflicts;
// attempts of one Update get the same numbers in the same order.
func (t *Txn) Number(f *Form, field uint32) (int64, error) {
	if err := t.w.begin(); err != nil {
		return 0, err
	}
	n, err := t.w.ordinals.take(counter{f.Number, field})
	if err != nil {
		return 0, t.w.fail(err)
	}
	return int64(n) + 1, nil
}

// Insert adds a record. The caller sets every header field but the ordinal,
// which Insert allots. A taken unique value is a *UniqueError, an id that
// exists a fault of kind Conflict; both leave the transaction as it was.
func (t *Txn) Insert(f *Form, r record.Record) error {
	w := t.w
	if err := w.begin(); err != nil {
		return err
	}
	key := w.v.scope.record(f.Number, r.ID())
	if _, taken, err := w.get(key); err != nil {
		return err
	} else if taken {
		return fault.New(fault.Conflict, "storage.Insert", "the id is taken")
	}
	if err := w.checkGuards(f, record.Record{}, r); err != nil {
		return err
	}
	ordinal, err := w.ordinals.take(counter{form: f.Number})
	if err != nil {
		return w.fail(err)
	}
	h := r.Header()
	h.Ordinal = ordinal
	return w.replace(f, key, record.Record{}, record.Encode(r.ID(), h, r, nil))
}

// Update replaces old, as read in this transaction, by next, which has the same
// id; index entries and guards follow. The ordinal of old is kept, whatever next
// says. A taken unique value is a *UniqueError and leaves the transaction as it
// was. The transaction keeps the bytes of next until it ends.
func (t *Txn) Update(f *Form, old, next record.Record) error {
	w := t.w
	key, err := w.current(f, old)
	if err != nil {
		return err
	}
	if next.ID() != old.ID() {
		return fault.New(fault.Internal, "storage.Update", "the id of a record cannot change")
	}
	if err := w.checkGuards(f, old, next); err != nil {
		return err
	}
	if h := next.Header(); h.Ordinal != old.Header().Ordinal {
		h.Ordinal = old.Header().Ordinal
		next = record.Encode(next.ID(), h, next, nil)
	}
	return w.replace(f, key, old, next)
}

// Delete removes old, as read in this transaction, with its index entries.
func (t *Txn) Delete(f *Form, old record.Record) error {
	key, err := t.w.current(f, old)
	if err != nil {
		return err
	}
	return t.w.replace(f, key, old, record.Record{})
}

// current makes sure that old is what the transaction sees, and that the
// transaction conflicts with whoever changes it.
func (w *writer) current(f *Form, old record.Record) (key []byte, err error) {
	if err := w.begin(); err != nil {
		return nil, err
	}
	key = w.v.scope.record(f.Number, old.ID())
	b, found, err := w.get(key)
	if err != nil {
		return nil, err
	}
	if !found || !bytes.Equal(b, old.Encoded()) {
		return nil, errStale
	}
	return key, nil
}

// replace writes a record in the place of old; either may be zero.
func (w *writer) replace(f *Form, key []byte, old, next record.Record) error {
	if len(next.Encoded()) > MaxValue {
		return w.fail(limit("storage.Update", "a record may have at most %d bytes", MaxValue))
	}
	for _, ix := range f.Indexes {
		if err := w.replaceEntry(f, ix, old, next); err != nil {
			return err
		}
	}
	id := old.ID()
	if old.IsZero() {
		id = next.ID()
	}
	// old may be borrowed from a cursor or from the buffer: it is copied here.
	if err := w.logChange(Change{Form: f.Number, Record: id, Before: old.Encoded(), After: next.Encoded()}); err != nil {
		return err
	}
	return w.put(key, next.Encoded())
}

// PutDoc writes a document and logs the change, with what the document was and
// is; nil deletes it.
func (t *Txn) PutDoc(s Space, key string, value []byte) error {
	before, err := t.w.putDoc(s, key, value)
	if err != nil || before == nil && value == nil {
		return err
	}
	return t.w.logChange(Change{Space: s, Key: key, Before: before, After: value})
}

// PutSecret is PutDoc for documents that must not be found in the change log:
// password hashes, sessions, tokens. It leaves no trace there; a caller that
// wants one writes a document of its own.
func (t *Txn) PutSecret(s Space, key string, value []byte) error {
	_, err := t.w.putDoc(s, key, value)
	return err
}

func (w *writer) putDoc(s Space, key string, value []byte) (before []byte, err error) {
	if err := w.begin(); err != nil {
		return nil, err
	}
	k := w.v.scope.doc(s, key)
	switch {
	case key == "" || len(k) > MaxKey:
		return nil, w.fail(limit("storage.PutDoc", "a document's key must have 1 to %d bytes", MaxKey-prefixSize-1))
	case len(value) > MaxValue:
		return nil, w.fail(limit("storage.PutDoc", "a document may have at most %d bytes", MaxValue))
	}
	if before, _, err = w.get(k); err != nil {
		return nil, err
	}
	w.dirty = nextDirty()
	w.docs = append(w.docs, DocRef{s, key})
	if value != nil {
		value = append(make([]byte, 0, len(value)), value...)
	}
	return before, w.put(k, value)
}

// BumpEpoch marks the transaction as one that changes directory or definitions:
// every transaction that began before conflicts with it. Once is enough.
func (t *Txn) BumpEpoch() error {
	w := t.w
	if err := w.begin(); err != nil || w.bumped {
		return err
	}
	n, err := w.v.storedEpoch()
	if err != nil {
		return err
	}
	w.bumped, w.dirty = true, nextDirty()
	return w.put(w.v.scope.epoch(), binary.BigEndian.AppendUint64(nil, n+1))
}

// FillIndex writes the entries of a building index for one record, as read in
// this transaction: backfill. A value that another record holds is a
// *UniqueError.
func (t *Txn) FillIndex(f *Form, ix *Index, r record.Record) error {
	w := t.w
	if _, err := w.current(f, r); err != nil {
		return err
	}
	if err := w.checkGuard(f, ix, r); err != nil {
		return err
	}
	if err := w.replaceEntry(f, ix, record.Record{}, r); err != nil {
		return err
	}
	return nil
}

// keep returns a copy of b that is nil only when b is.
func keep(b []byte) []byte { return slices.Clone(b) }
