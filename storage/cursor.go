package storage

import (
	"encoding/binary"

	"sluice/internal/record"
)

// entrySize is the least length of an index entry's value: owner, version,
// ordinal. Columns of a covering index follow.
const entrySize = idSize + 8

// RecordCursor walks records. Record is valid until the next call of Next.
type RecordCursor struct {
	*walk
	rec record.Record
}

// Next moves to the next record and reports whether there is one. After false,
// Err says whether the walk is complete.
func (c *RecordCursor) Next() bool {
	c.rec = record.Record{}
	if !c.walk.Next() {
		return false
	}
	rest := c.rest()
	if len(rest) != idSize {
		return c.fail(errDamaged)
	}
	r, err := parse(record.ID(rest), c.value)
	if err != nil {
		return c.fail(err)
	}
	c.rec = r
	return true
}

// Record returns the record, borrowed until the next call of Next.
func (c *RecordCursor) Record() record.Record { return c.rec }

// Position returns where the cursor stands, for Range.After: the record's id.
func (c *RecordCursor) Position() []byte { return c.rest() }

// IndexCursor walks index entries. What its methods return is valid until the
// next call of Next.
type IndexCursor struct{ *walk }

// Next moves to the next entry and reports whether there is one. After false,
// Err says whether the walk is complete.
func (c *IndexCursor) Next() bool {
	if !c.walk.Next() {
		return false
	}
	if len(c.rest()) < idSize || len(c.value) < entrySize {
		return c.fail(errDamaged)
	}
	return true
}

// ID returns the id of the record that the entry stands for.
func (c *IndexCursor) ID() record.ID { return record.ID(c.key[len(c.key)-idSize:]) }

// Owner returns the record's owner.
func (c *IndexCursor) Owner() record.ID { return record.ID(c.value[:idSize]) }

// Version returns the record's version.
func (c *IndexCursor) Version() uint32 { return binary.BigEndian.Uint32(c.value[idSize:]) }

// Ordinal returns the record's ordinal.
func (c *IndexCursor) Ordinal() uint32 { return binary.BigEndian.Uint32(c.value[idSize+4:]) }

// Position is the encoded rest of the key behind the Eq parts: it orders
// entries of walks with different Eq over the same index against each other
// (merges compare it), and it resumes a walk as Range.After.
func (c *IndexCursor) Position() []byte { return c.rest() }

// DocCursor walks documents.
type DocCursor struct{ *walk }

// Key returns the document's key.
func (c *DocCursor) Key() string { return string(c.rest()) }

// Value returns the document, borrowed until the next call of Next.
func (c *DocCursor) Value() []byte { return c.value }
