package decided

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// TestOrderEqualsSorting holds orders that follow a list through its changes against
// sorting what is there, and that positions are asked for of changed records alone.
func TestOrderEqualsSorting(t *testing.T) {
	id := func(n int) record.ID { return record.ID{15: byte(n)} }
	rapid.Check(t, func(t *rapid.T) {
		// A state of a record, which names its cell for ever.
		cells := map[Record]byte{}
		position := func(en *Entry) []byte { return append([]byte{cells[en.Record]}, en.ID[:]...) }
		next := uint32(0)
		state := func() Record {
			next++
			r := Record{next % 3, 1 + next/3}
			cells[r] = rapid.Byte().Draw(t, "cell")
			return r
		}
		var first []Entry
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 30), 0, 20, func(n int) int { return n }).Draw(t, "first") {
			first = append(first, Entry{ID: id(n), Record: state()})
		}
		g := NewGrants(5, first)
		var was *Ordered
		seen := map[Entry]bool{} // of those in was
		for step := range rapid.IntRange(1, 5).Draw(t, "steps") {
			o := g.Order(was, func(en *Entry) []byte {
				if seen[*en] {
					t.Errorf("%v was not changed", en)
				}
				return position(en)
			})
			var want []Place
			clear(seen)
			for w := g.Walk(nil, false); w.Next(); {
				want = append(want, Place{position(w.At()), *w.At()})
				seen[*w.At()] = true
			}
			slices.SortFunc(want, func(a, b Place) int { return bytes.Compare(a.Position, b.Position) })
			same := func(a, b Place) bool { return a.Entry == b.Entry && bytes.Equal(a.Position, b.Position) }
			if !slices.EqualFunc(o.Places(), want, same) || o.Seq() != g.Seq() {
				t.Fatalf("got %v, want %v", o.Places(), want)
			}
			was = o
			var changed []Entry
			for range rapid.IntRange(0, 10).Draw(t, "changes") {
				en := Entry{ID: id(rapid.IntRange(1, 30).Draw(t, "id"))}
				if rapid.Bool().Draw(t, "there") {
					en.Record = state()
				}
				changed = append(changed, en)
			}
			g = g.Follow(uint64(6+step), changed)
		}
	})
}

// TestOrdersHaveBounds: an order is kept beside its list only, and weighs; one of an
// earlier state does not take the place of a later one; those of the earliest states make
// room; and a list that is no list any more has none.
func TestOrdersHaveBounds(t *testing.T) {
	key := func(en *Entry) []byte { return slices.Clone(en.ID[:]) }
	c := New(Usual)
	s := c.Open(someForm, someAsked)
	of := func(seq uint64, n int) *Ordered {
		var entries []Entry
		for i := range n {
			entries = append(entries, Entry{ID: record.ID{14: byte(i >> 8), 15: byte(i)}, Record: Record{uint32(i), 1}})
		}
		return NewGrants(seq, entries).Order(nil, key)
	}
	if s.KeepOrdered(Scope{}, 1, of(1, 1)); s.Ordered(Scope{}, 1) != nil {
		t.Error("an order without its list")
	}
	s.KeepGrants(Scope{}, NewGrants(1, nil))
	before := c.Size()
	s.KeepOrdered(Scope{}, 1, of(2, 1000))
	if n := c.Size() - before; n < 1000*(placeWeight+16) {
		t.Errorf("%d bytes", n)
	}
	if s.KeepOrdered(Scope{}, 1, of(1, 0)); s.Ordered(Scope{}, 1).Seq() != 2 {
		t.Error("an earlier state is kept")
	}
	if s.KeepGrants(Scope{}, NewGrants(3, nil)); s.Ordered(Scope{}, 1) == nil {
		t.Error("the order goes with the state of its list")
	}
	for i := range uint32(maxOrders) {
		s.KeepOrdered(Scope{}, 2+i, of(uint64(10+i), 0))
	}
	if p := s.grants[Scope{}]; len(p.orders) != maxOrders || p.orders[1] != nil || p.orders[2] == nil {
		t.Error("the order of the earliest state does not make room")
	}
	if s.KeepOrdered(Scope{}, 2, of(20, 0)); s.Ordered(Scope{}, 2).Seq() != 20 || len(s.grants[Scope{}].orders) != maxOrders {
		t.Error("an order that is kept already makes others go")
	}
	if s.KeepGrants(Scope{}, TooMany(30, 1)); s.Ordered(Scope{}, 2) != nil {
		t.Error("orders of no list")
	}
	if s.KeepOrdered(Scope{}, 2, of(31, 0)); s.Ordered(Scope{}, 2) != nil {
		t.Error("an order is kept beside no list")
	}
	if NewGrants(1, []Entry{{Record: Record{1, 1}}}).Order(nil, func(*Entry) []byte { return nil }) != nil {
		t.Error("an order without positions")
	}
	var none *Set
	if none.KeepOrdered(Scope{}, 1, of(1, 1)); none.Ordered(Scope{}, 1) != nil {
		t.Error("a set that is none keeps")
	}
}
