package decided

import (
	"bytes"
	"math"
	"slices"

	"sluice/internal/record"
)

// maxOrders is how many orders a list of grants is kept in.
const maxOrders = 8

// placeWeight is about what a Place holds without its position.
const placeWeight = 64

// Place is a record of a list and where an index of one field has it: under the
// sort key of the field's cell, and the id.
type Place struct {
	Position []byte
	Entry
}

// Ordered is a list of grants in the order of a field. It is a proposal as the list
// is, and does not change.
type Ordered struct {
	seq    uint64
	places []Place // ascending by position, each record once
	size   int64   // bytes of the positions
}

// Seq returns the change that the list's state is right behind.
func (o *Ordered) Seq() uint64 { return o.seq }

// Places are the records in ascending order. They must not be changed.
func (o *Ordered) Places() []Place { return o.places }

// Order puts a list in the order of positions. Those of records that did not change
// are taken from was, an earlier order of the same field, nil for none; position is
// asked for the others. Nil where it gives none.
func (g *Grants) Order(was *Ordered, position func(*Entry) []byte) *Ordered {
	known := map[record.ID]*Place{}
	if was != nil {
		for i := range was.places {
			known[was.places[i].ID] = &was.places[i]
		}
	}
	o := &Ordered{seq: g.seq, places: make([]Place, 0, g.Len())}
	for w := g.Walk(nil, false); w.Next(); {
		en := w.At()
		at := known[en.ID]
		if at == nil || at.Record != en.Record {
			if at = (&Place{Position: position(en)}); at.Position == nil {
				return nil
			}
		}
		o.places = append(o.places, Place{at.Position, *en})
		o.size += int64(cap(at.Position))
	}
	slices.SortFunc(o.places, func(a, b Place) int { return bytes.Compare(a.Position, b.Position) })
	return o
}

// part is what a set keeps of a scope.
type part struct {
	list   *Grants
	orders map[uint32]*Ordered // of the list or of one before, by the field's number
}

func (p *part) bytes() int64 {
	n := entryWeight * int64(cap(p.list.base)+cap(p.list.over))
	for _, o := range p.orders {
		n += placeWeight*int64(cap(o.places)) + o.size
	}
	return n
}

// Ordered returns the list of a scope in the order of a field that was kept last, nil
// for none: it may be of an earlier state than the list that is kept.
func (s *Set) Ordered(of Scope, field uint32) *Ordered {
	if s == nil {
		return nil
	}
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	if p := s.grants[of]; p != nil {
		return p.orders[field]
	}
	return nil
}

// KeepOrdered keeps an order of a list of a scope beside that, where one is kept,
// unless there is one of a later state. Where there are too many orders, that of the
// earliest state makes room.
func (s *Set) KeepOrdered(of Scope, field uint32, o *Ordered) {
	if s == nil {
		return
	}
	s.form.mu.Lock()
	if !s.keepOrdered(of, field, o) {
		s.form.mu.Unlock()
		return
	}
	set, all := s.bytes(), s.form.bytes()
	s.form.mu.Unlock()
	s.form.cache.weigh(s, set, all)
}

func (s *Set) keepOrdered(of Scope, field uint32, o *Ordered) bool {
	p := s.grants[of]
	if p == nil || p.list.wide {
		return false
	}
	was := p.orders[field]
	if was != nil && was.seq > o.seq {
		return false
	}
	if was == nil && len(p.orders) == maxOrders {
		delete(p.orders, p.earliest())
	}
	if p.orders == nil {
		p.orders = map[uint32]*Ordered{}
	}
	p.orders[field] = o
	return true
}

// earliest is the field whose order is of the earliest state.
func (p *part) earliest() (field uint32) {
	first := uint64(math.MaxUint64)
	for n, o := range p.orders {
		if o.seq < first || o.seq == first && n < field {
			field, first = n, o.seq
		}
	}
	return field
}
