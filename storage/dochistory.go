package storage

import "encoding/binary"

// DocHistoryCursor walks what the change log holds about the documents of one
// space. Next reads the index of the space's history alone, Change reads the
// entry.
type DocHistoryCursor struct{ *walk }

// DocHistory opens a walk over the changes of documents of a space behind a
// change of the log, in the order of their sequences. Its cost follows their
// number. Whole says from where on it has every change; documents written with
// PutSecret have no history.
func (s *Snapshot) DocHistory(space Space, after uint64) *DocHistoryCursor {
	return s.v.docHistory(space, after)
}

func (v *view) docHistory(space Space, after uint64) *DocHistoryCursor {
	prefix := v.scope.docHistory(space)
	return &DocHistoryCursor{v.walk(span{prefix: prefix, lo: behind(v.scope.docHistory(space), after+1), cut: len(prefix)})}
}

// Next moves to the next change and reports whether there is one. After false,
// Err says whether the walk is complete.
func (c *DocHistoryCursor) Next() bool {
	if !c.walk.Next() {
		return false
	}
	if len(c.rest()) != 8 || len(c.value) < 2 {
		return c.fail(errDamaged)
	}
	return true
}

// Seq returns the number of the change in the log.
func (c *DocHistoryCursor) Seq() uint64 { return binary.BigEndian.Uint64(c.rest()) }

// Key returns the document's key.
func (c *DocHistoryCursor) Key() string { return string(c.value[1:]) }

// Was reports whether the document was there before the change.
func (c *DocHistoryCursor) Was() bool { return c.value[0] == 1 }

// Change reads the entry that the cursor stands on. Its slices are valid until
// the reader is closed.
func (c *DocHistoryCursor) Change() (Change, error) {
	ch, found, err := c.v.change(c.Seq())
	if err == nil && !found {
		err = errDamaged
	}
	return ch, err
}
