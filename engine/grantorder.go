package engine

import (
	"bytes"
	"sort"

	"sluice/engine/decided"
	"sluice/internal/record"
	"sluice/storage"
)

// inOrder turns scans that come in the order of ids into such that come in the order
// of an indexed field, as its index has it: over the records of one owner by the index
// of owner and field, over what a rule grants by the order that is kept of that. False
// where one of them has no such order.
func (op *Op) inOrder(f *form, scans []scan, field *record.Field) ([]scan, bool) {
	n := field.Number
	if f.byField[n] == nil && f.ownerThen[n] == nil {
		return nil, false
	}
	out := make([]scan, 0, len(scans))
	for _, s := range scans {
		switch {
		case s.grants != nil:
			o := op.orderOf(f, s, field)
			if o == nil {
				return nil, false
			}
			s.order = o
		case f.ownedBy([]scan{s}) && f.ownerThen[n] != nil:
			s.ix = f.ownerThen[n]
		default:
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// orderOf is a list of grants in the order of a field, nil where a record of it cannot
// be read as the list has it. What is kept of an earlier state tells of all records that
// did not change since.
func (op *Op) orderOf(f *form, s scan, field *record.Field) *decided.Ordered {
	set := op.decisionsOf(f, s.of.rule).set
	was := set.Ordered(s.of.of, field.Number)
	if was != nil && was.Seq() == s.grants.Seq() {
		return was
	}
	o := s.grants.Order(was, func(en *decided.Entry) []byte {
		rec, ok, err := op.r.Record(f.store, en.ID)
		if err != nil {
			op.fail(err)
		}
		if err != nil || !ok || committed(rec) != en.Record {
			return nil
		}
		return append(storage.AppendSortKey(make([]byte, 0, 32), rec.Get(field)), en.ID[:]...)
	})
	if o != nil {
		set.KeepOrdered(s.of.of, field.Number, o)
	}
	return o
}

// proposals opens what a rule may grant, behind a position of its phase, nil for all.
func (s *stream) proposals(sc scan, after []byte) cursor {
	if sc.order != nil {
		return s.ranked(sc, after)
	}
	return &granted{Walk: sc.grants.Walk(s.behind(), s.p.desc)}
}

// ranked walks what a rule may grant in the order of a field as if that were an index.
type ranked struct {
	left []decided.Place // in ascending order
	desc bool
	skip int // how many bytes of each position the phase leaves out
	at   *decided.Place
}

// ranked opens what of a scan lies behind a position of its phase, nil for all.
func (s *stream) ranked(sc scan, after []byte) *ranked {
	c := &ranked{left: sc.order.Places(), desc: s.p.desc}
	nulls := sort.Search(len(c.left), func(i int) bool { return !bytes.HasPrefix(c.left[i].Position, nullKey) })
	switch {
	case sc.low != nil:
		c.left = c.left[nulls:]
	case len(sc.eq) > 0:
		c.left, c.skip = c.left[:nulls], len(nullKey)
	}
	if after == nil {
		return c
	}
	if c.desc {
		c.left = c.left[:sort.Search(len(c.left), func(i int) bool { return bytes.Compare(c.left[i].Position[c.skip:], after) >= 0 })]
	} else {
		c.left = c.left[sort.Search(len(c.left), func(i int) bool { return bytes.Compare(c.left[i].Position[c.skip:], after) > 0 }):]
	}
	return c
}

func (c *ranked) Next() bool {
	switch n := len(c.left); {
	case n == 0:
		return false
	case c.desc:
		c.at, c.left = &c.left[n-1], c.left[:n-1]
	default:
		c.at, c.left = &c.left[0], c.left[1:]
	}
	return true
}

func (c *ranked) Err() error       { return nil }
func (c *ranked) Close()           {}
func (c *ranked) ID() record.ID    { return c.at.ID }
func (c *ranked) Owner() record.ID { return c.at.Owner }
func (c *ranked) Ordinal() uint32  { return c.at.Ordinal }
func (c *ranked) Version() uint32  { return c.at.Version }

// Position is the sort key and the id, or the id alone in a phase of nulls, as the
// indexes beside it have it.
func (c *ranked) Position() []byte { return c.at.Position[c.skip:] }
