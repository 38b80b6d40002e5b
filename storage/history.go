package storage

import (
	"bytes"
	"encoding/binary"

	"sluice/internal/record"
)

// HistoryCursor walks what the change log holds about one record. Next reads the
// index of the record's history alone, Change reads the entry.
type HistoryCursor struct {
	*walk
	desc    bool
	own     [][]byte // entries that the transaction itself will add, oldest first
	vers    []uint32 // parallel to own
	at      int      // position in own, -1 while the walk is elsewhere
	started bool
}

// History opens a walk over the changes of one record.
func (v *view) History(f *Form, id record.ID, desc bool) *HistoryCursor {
	return v.historyIn(f, id, desc, nil, nil)
}

// historyIn is History from the key lo on, up to the key hi; nil for no bound.
func (v *view) historyIn(f *Form, id record.ID, desc bool, lo, hi []byte) *HistoryCursor {
	prefix := v.scope.history(f.Number, id)
	c := &HistoryCursor{walk: v.walk(span{prefix: prefix, lo: lo, hi: hi, desc: desc, cut: len(prefix)}), desc: desc, at: -1}
	if v.w == nil || v.closed {
		return c
	}
	for i := range v.w.log {
		if e := &v.w.log[i]; bytes.Equal(e.Also, prefix) {
			c.own, c.vers = append(c.own, e.Value), append(c.vers, binary.BigEndian.Uint32(e.AlsoValue))
		}
	}
	return c
}

// Next moves to the next change and reports whether there is one. After false,
// Err says whether the walk is complete.
func (c *HistoryCursor) Next() bool {
	if c.desc {
		return c.nextOwn() || c.nextStored()
	}
	return c.at < 0 && c.nextStored() || c.err == nil && c.nextOwn()
}

// nextOwn moves among the transaction's entries.
func (c *HistoryCursor) nextOwn() bool {
	switch {
	case c.started && c.at < 0:
		return false
	case !c.started && c.desc:
		c.at = len(c.own) - 1
	case c.desc:
		c.at--
	default:
		c.at++
	}
	c.started = true
	if c.at >= len(c.own) {
		c.at = -1
	}
	return c.at >= 0
}

func (c *HistoryCursor) nextStored() bool {
	if !c.walk.Next() {
		return false
	}
	if len(c.rest()) != 8 || len(c.value) != 4 {
		return c.fail(errDamaged)
	}
	return true
}

// Version returns the version that the record had after the change, 0 where the
// change deleted it.
func (c *HistoryCursor) Version() uint32 {
	if c.at >= 0 {
		return c.vers[c.at]
	}
	if len(c.value) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(c.value)
}

// Seq returns the number of the change in the log, 0 for one that the transaction
// itself makes.
func (c *HistoryCursor) Seq() uint64 {
	if rest := c.rest(); c.at < 0 && len(rest) == 8 {
		return binary.BigEndian.Uint64(rest)
	}
	return 0
}

// HistoryAfter is History, oldest first, without what was changed up to a change
// of the log.
func (s *Snapshot) HistoryAfter(f *Form, id record.ID, after uint64) *HistoryCursor {
	return s.v.historyIn(f, id, false, behind(s.v.scope.history(f.Number, id), after+1), nil)
}

// Change reads the entry that the cursor stands on. Its slices are valid until
// the reader is closed. The sequence of a change that the transaction itself
// makes is 0: it has none yet.
func (c *HistoryCursor) Change() (Change, error) {
	if c.at >= 0 {
		return c.decode(0, c.own[c.at])
	}
	rest := c.rest()
	if len(rest) != 8 {
		return Change{}, errDamaged
	}
	seq := binary.BigEndian.Uint64(rest)
	c.v.stats.Gets++
	b, found, err := c.v.snap.Get(c.v.scope.change(seq))
	if err != nil {
		return Change{}, err
	}
	if !found {
		return Change{}, errDamaged
	}
	return c.decode(seq, b)
}

func (c *HistoryCursor) decode(seq uint64, b []byte) (Change, error) {
	ch, ok := c.v.decodeChange(seq, b)
	if !ok {
		return Change{}, errDamaged
	}
	return ch, nil
}
