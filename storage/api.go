package storage

import (
	"context"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage/driver"
)

// Limits of one transaction and one entry. More is a fault of kind Limit, with
// nothing done.
const (
	MaxTxnBytes  = 4 << 20
	MaxTxnWrites = 4000
	MaxValue     = 512 << 10
	MaxKey       = 1 << 10
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
	// Building rows are written by writers and ignored by readers.
	Building bool
}

// Space separates documents of different use inside a tenant.
type Space uint8

// Options configure a Store; nil means all defaults.
type Options struct {
	Now func() time.Time // default time.Now
	// MaxAttempts bounds how often Update runs its function on conflicts;
	// default 10.
	MaxAttempts int
}

// Store is the portable store over one driver.
type Store struct{ d driver.Driver }

// New returns a store over d, which it owns from now on.
func New(d driver.Driver, o *Options) (*Store, error) { panic("skeleton") }

// Close closes the driver.
func (s *Store) Close() error { panic("skeleton") }

// NewTenant makes a tenant with a fresh random prefix.
func (s *Store) NewTenant(ctx context.Context) (identity.Tenant, error) { panic("skeleton") }

// Tenant returns the scope of one tenant. The zero tenant gives a scope whose
// every call fails. Whether the tenant exists is not checked here: an unknown
// one is empty.
func (s *Store) Tenant(id identity.Tenant) Tenant { panic("skeleton") }

// System returns the scope that belongs to no tenant: names of organizations.
func (s *Store) System() Tenant { panic("skeleton") }

// Tenant is the only way to data: every key that it touches begins with the
// tenant's prefix.
type Tenant struct {
	s  *Store
	id identity.Tenant
}

// ID returns the tenant.
func (t Tenant) ID() identity.Tenant { return t.id }

// Snapshot opens a read-only view. The caller closes it. One goroutine at a time.
func (t Tenant) Snapshot() (*Snapshot, error) { panic("skeleton") }

// Update runs fn in a transaction and commits it, running fn again on a fresh
// snapshot after a conflict, at most MaxAttempts times. What fn returned as
// error is returned as it is, with nothing written. The epoch key is in the
// read set of every transaction.
func (t Tenant) Update(ctx context.Context, m Meta, fn func(*Txn) error) error { panic("skeleton") }

// Meta goes into the change log with every change of a transaction.
type Meta struct {
	Actor     record.ID
	Operation string // short name of what was done: "createOrder", "apply"
	Time      time.Time
}

// Stats counts the work of a snapshot or transaction.
type Stats struct {
	Keys    int // keys that cursors stood on, hits of Get not included
	Gets    int // point reads of records, documents and guards
	Cursors int // cursors opened
}

// Reader is what a Snapshot and a Txn have in common. A Txn shows its own
// pending writes.
type Reader interface {
	Tenant() identity.Tenant
	// Epoch is the number of changes so far to the tenant's directory and
	// definitions; caches of both are keyed by it.
	Epoch() (uint64, error)
	// Record returns a record, borrowed: valid until the reader is closed.
	Record(f *Form, id record.ID) (record.Record, bool, error)
	// Records walks all records of a form in the order of their ids.
	Records(f *Form, r Range) *RecordCursor
	// Index walks the entries of one index.
	Index(f *Form, ix *Index, r Range) *IndexCursor
	// Guarded returns the record that holds the value in a unique index.
	Guarded(f *Form, ix *Index, v record.Value) (record.ID, bool, error)
	// Doc returns a document, borrowed.
	Doc(s Space, key string) ([]byte, bool, error)
	// Docs walks the documents whose key begins with prefix, in byte order.
	Docs(s Space, prefix string) *DocCursor
	// Changes walks the change log from sequence from on.
	Changes(from uint64) *ChangeCursor
	Stats() Stats
}

// Range says where a walk begins and ends. The zero Range is everything, in
// ascending order.
type Range struct {
	// Eq are the values of the leading parts of the index; nulls are values.
	// Records takes none.
	Eq []record.Value
	// Low and High bound the next part, nil for no bound. They do not bound
	// nulls away by themselves: use Low with a value.
	Low, High *Bound
	// After resumes behind a position that Position gave for the same walk.
	After []byte
	Desc  bool
}

// Bound is one end of a range.
type Bound struct {
	Value     record.Value
	Exclusive bool
}

// Snapshot is a Reader of one published state.
type Snapshot struct{ Reader }

// Close releases the snapshot. What was borrowed from it ends.
func (s *Snapshot) Close() { panic("skeleton") }

// Txn is a Reader that collects writes. Point reads (Record, Doc, Guarded,
// Epoch) join its read set; walks do not, on any driver.
type Txn struct{ Reader }

// Insert adds a record. The caller sets every header field but the ordinal,
// which Insert allots. A taken unique value is a *UniqueError, an id that
// exists a fault of kind Conflict.
func (t *Txn) Insert(f *Form, r record.Record) error { panic("skeleton") }

// Update replaces old, as read in this transaction, by next, which has the same
// id; index entries and guards follow.
func (t *Txn) Update(f *Form, old, next record.Record) error { panic("skeleton") }

// Delete removes old, as read in this transaction, with its index entries.
func (t *Txn) Delete(f *Form, old record.Record) error { panic("skeleton") }

// PutDoc writes a document and logs the change under the given kind; nil
// deletes it.
func (t *Txn) PutDoc(s Space, key string, value []byte) error { panic("skeleton") }

// BumpEpoch marks the transaction as one that changes directory or definitions:
// every transaction that began before conflicts with it.
func (t *Txn) BumpEpoch() error { panic("skeleton") }

// FillIndex writes the entries of a building index for one record: backfill.
func (t *Txn) FillIndex(f *Form, ix *Index, r record.Record) error { panic("skeleton") }

// UniqueError says which unique index refused a value. It names no record.
type UniqueError struct{ Index *Index }

// Error says that a value is taken.
func (e *UniqueError) Error() string { return "storage: value is taken" }

// RecordCursor walks records. Record is valid until the next call of Next.
type RecordCursor struct{}

func (c *RecordCursor) Next() bool            { panic("skeleton") }
func (c *RecordCursor) Record() record.Record { panic("skeleton") }
func (c *RecordCursor) Position() []byte      { panic("skeleton") }
func (c *RecordCursor) Err() error            { panic("skeleton") }
func (c *RecordCursor) Close()                { panic("skeleton") }

// IndexCursor walks index entries. What its methods return is valid until the
// next call of Next.
type IndexCursor struct{}

func (c *IndexCursor) Next() bool { panic("skeleton") }

// ID, Owner, Version, Ordinal are of the record that the entry stands for.
func (c *IndexCursor) ID() record.ID    { panic("skeleton") }
func (c *IndexCursor) Owner() record.ID { panic("skeleton") }
func (c *IndexCursor) Version() uint32  { panic("skeleton") }
func (c *IndexCursor) Ordinal() uint32  { panic("skeleton") }

// Position is the encoded rest of the key behind the Eq parts: it orders
// entries of walks with different Eq over the same index against each other
// (merges compare it), and it resumes a walk as Range.After.
func (c *IndexCursor) Position() []byte { panic("skeleton") }
func (c *IndexCursor) Err() error       { panic("skeleton") }
func (c *IndexCursor) Close()           { panic("skeleton") }

// DocCursor walks documents.
type DocCursor struct{}

func (c *DocCursor) Next() bool    { panic("skeleton") }
func (c *DocCursor) Key() string   { panic("skeleton") }
func (c *DocCursor) Value() []byte { panic("skeleton") }
func (c *DocCursor) Err() error    { panic("skeleton") }
func (c *DocCursor) Close()        { panic("skeleton") }

// Change is one entry of the change log.
type Change struct {
	Seq           uint64 // dense per tenant
	Meta          Meta
	Form          uint32 // 0 for a document
	Record        record.ID
	Space         Space // of a document
	Key           string
	Before, After []byte // stored bytes; nil for absent
}

// ChangeCursor walks the change log.
type ChangeCursor struct{}

func (c *ChangeCursor) Next() bool     { panic("skeleton") }
func (c *ChangeCursor) Change() Change { panic("skeleton") }
func (c *ChangeCursor) Err() error     { panic("skeleton") }
func (c *ChangeCursor) Close()         { panic("skeleton") }

// AppendSortKey appends the order-preserving encoding of v as index keys use
// it: null first, then as record.Value.Compare orders. It is self-delimiting.
func AppendSortKey(dst []byte, v record.Value) []byte { panic("skeleton") }
