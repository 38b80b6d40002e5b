package engine

import (
	"bytes"

	"sluice/internal/record"
	"sluice/storage"
)

const (
	// joinLeast is how many records are worth a walk.
	joinLeast = 4
	// joinSteps is how many steps of a walk cost as much as reading a record by its
	// id.
	joinSteps = 8
)

// joiner reads the records that index entries stand for: by one walk over the
// form from the first to the last where their ordinals say that they lie close
// together, else one by one. A walk that passes too much by all the same is given
// up, and the next is tried later, so that the cost stays within a factor of that
// of reading one by one.
type joiner struct {
	op     *Op
	form   *form
	missed int // walks that were given up in a row
	pause  int // batches until the next try
}

// each calls fn with the position and the record of each entry that has one. The
// record is borrowed until fn returns.
func (j *joiner) each(entries []entry, read func(record.ID) (record.Record, bool), fn func(i int, rec record.Record) error) error {
	at := 0
	if j.pause > 0 {
		j.pause--
	} else if len(entries) >= joinLeast && ascending(entries) && dense(entries) {
		var err error
		if at, err = j.walk(entries, fn); err != nil {
			return err
		}
	}
	for ; at < len(entries); at++ {
		rec, ok := read(entries[at].id)
		if !ok {
			continue // deleted by this transaction, or failed
		}
		if err := fn(at, rec); err != nil {
			return err
		}
	}
	return nil
}

// walk returns how many of the entries are done with.
func (j *joiner) walk(entries []entry, fn func(i int, rec record.Record) error) (int, error) {
	bound := func(e entry) *storage.Bound { return &storage.Bound{Value: record.Ref(e.id)} }
	c := j.op.r.Records(j.form.store, storage.Range{Low: bound(entries[0]), High: bound(entries[len(entries)-1])})
	defer c.Close()
	at := 0
	for steps := joinSteps * len(entries); c.Next(); steps-- {
		if j.op.overdue() {
			return len(entries), j.op.failed()
		}
		if steps == 0 {
			j.missed++
			j.pause = 1 << min(j.missed, 10)
			return at, nil
		}
		rec := c.Record()
		id := rec.ID()
		for at < len(entries) && bytes.Compare(entries[at].id[:], id[:]) < 0 {
			at++ // without a record
		}
		if at < len(entries) && entries[at].id == id {
			if err := fn(at, rec); err != nil {
				return at, err
			}
			at++
		}
	}
	j.missed = 0
	return len(entries), c.Err()
}

func ascending(entries []entry) bool {
	for i := 1; i < len(entries); i++ {
		if bytes.Compare(entries[i-1].id[:], entries[i].id[:]) >= 0 {
			return false
		}
	}
	return true
}

// dense reports whether no more records seem to lie between the entries than a
// walk over them is worth.
func dense(entries []entry) bool {
	first, last := entries[0].ordinal, entries[len(entries)-1].ordinal
	return last > first && int(last-first) <= joinSteps*len(entries)
}
