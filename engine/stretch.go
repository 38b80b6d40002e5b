package engine

import (
	"slices"

	"sluice/internal/record"
)

// stretch gathers the page of a part from its items, in the order in which they
// are walked: that of the list, or the opposite one where the last are asked for.
type stretch[T any] struct {
	first     int
	near, far *position                // the cursors that the walk meets first and last, nil for none
	compare   func(a, b record.ID) int // in the order of the walk
	counts    bool                     // all items are walked, to be counted
	looks     bool                     // what stands beyond far matters
	looksBack bool                     // what stands before near matters

	items          []T
	total          int
	behind, beyond bool // whether any item was walked before the page, and behind it
	full           bool // no further item changes anything
}

// newStretch returns what gathers a part whose list is in the order given.
func newStretch[T any](q Part, m *Marks, compare func(a, b record.ID) int) *stretch[T] {
	s := &stretch[T]{first: q.First, near: m.after, far: m.before, compare: compare, counts: q.Total, looks: q.Next, looksBack: q.Previous}
	if q.Backward {
		s.near, s.far, s.looks, s.looksBack = m.before, m.after, q.Previous, q.Next
		s.compare = func(a, b record.ID) int { return compare(b, a) }
	}
	return s
}

// skipped reports whether an item is before the part that the walk gathers.
func (s *stretch[T]) skipped(id record.ID) bool {
	return s.near != nil && s.compare(id, s.near.id) <= 0
}

// start is where the walk may begin: nil for the beginning, since where the cursors
// stand the wrong way round, the far one is met first.
func (s *stretch[T]) start() *position {
	if s.near == nil || s.past(s.near.id) {
		return nil
	}
	return s.near
}

// matters reports whether an item has to be decided.
func (s *stretch[T]) matters(id record.ID) bool {
	return s.counts || !s.skipped(id) || s.looksBack && !s.behind || s.looks && !s.beyond && s.past(id)
}

func (s *stretch[T]) past(id record.ID) bool { return s.far != nil && s.compare(id, s.far.id) >= 0 }

// add takes the next item that the viewer may know of.
func (s *stretch[T]) add(id record.ID, item T) {
	if s.full {
		return
	}
	s.total++
	skipped, past := s.skipped(id), s.past(id)
	s.behind = s.behind || skipped
	switch {
	case past:
		s.beyond = s.beyond || s.looks
	case skipped:
	case len(s.items) < s.first:
		s.items = append(s.items, item)
	default:
		s.beyond = true
	}
	s.full = !s.counts && (s.beyond || past && !s.looks)
}

// page returns the items in the order of the list and sets what lies on both
// sides of them.
func (s *stretch[T]) page(q Part, m *Marks) []T {
	m.HasPrevious, m.HasNext = s.behind && s.looksBack, s.beyond
	if q.Backward {
		m.HasPrevious, m.HasNext = m.HasNext, m.HasPrevious
		slices.Reverse(s.items)
	}
	if q.Total {
		m.Total = s.total
	}
	return s.items
}
