package engine

import (
	"bytes"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// Bounds of what is read of the change log at once. More resets whom it concerns.
const (
	maxLiveEntries = 50_000
	maxLiveBytes   = 64 << 20 // of records as they were
	maxFollowed    = 10_000   // records that one commit makes another look at
)

// errReset ends a subscription that cannot go on from what its client holds.
var errReset = fault.New(fault.Reset, "engine.live", "rights or definition changed, or too much at once: list anew and subscribe again")

// memo is a reader that reads each record once for all who ask.
type memo struct {
	storage.Reader
	recs map[recordKey]memoRecord
	over *memo // what answers for records that are not in recs; nil for the Reader
}

type memoRecord struct {
	rec record.Record
	ok  bool
}

// Record implements [storage.Reader].
func (m *memo) Record(f *storage.Form, id record.ID) (record.Record, bool, error) {
	k := recordKey{f.Number, id}
	if r, ok := m.recs[k]; ok {
		return r.rec, r.ok, nil
	}
	if m.over != nil {
		return m.over.Record(f, id)
	}
	rec, ok, err := m.Reader.Record(f, id)
	if err == nil {
		m.recs[k] = memoRecord{rec, ok}
	}
	return rec, ok, err
}

// liveBatch is what changed between two states: the later one is a snapshot, the
// earlier one the same with changed records as they were.
type liveBatch struct {
	now, past *memo
	changed   []recordKey // in the order of their first change
	to        uint64      // sequence of the later state
}

// newLiveBatch reads the change log behind a sequence, as far as forms wants it.
func newLiveBatch(r storage.Reader, from, to uint64, wants func(form uint32) bool) (*liveBatch, error) {
	b := &liveBatch{to: to, now: &memo{Reader: r, recs: map[recordKey]memoRecord{}}}
	b.past = &memo{Reader: r, recs: map[recordKey]memoRecord{}, over: b.now}
	c := r.Changes(from + 1)
	defer c.Close()
	entries, size := 0, 0
	for c.Next() {
		ch := c.Change()
		if ch.Seq > to {
			break
		}
		if entries++; entries > maxLiveEntries {
			return nil, errReset
		}
		if ch.Form == 0 || !wants(ch.Form) {
			continue
		}
		k := recordKey{ch.Form, ch.Record}
		if _, known := b.past.recs[k]; known {
			continue
		}
		if size += len(ch.Before); size > maxLiveBytes {
			return nil, errReset
		}
		if err := b.was(k, ch.Before); err != nil {
			return nil, err
		}
	}
	return b, c.Err()
}

// was keeps a record as it was in the earlier state.
func (b *liveBatch) was(k recordKey, before []byte) error {
	var m memoRecord
	if before != nil {
		rec, err := record.Parse(k.id, bytes.Clone(before))
		if err != nil {
			return fault.Wrap(fault.Unavailable, "engine.live", err, "the change log is damaged")
		}
		m = memoRecord{rec, true}
	}
	b.past.recs[k] = m
	b.changed = append(b.changed, k)
	return nil
}
