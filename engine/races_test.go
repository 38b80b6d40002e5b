package engine

import (
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/fault"
)

// TestP5_NarrowingBindsAtOnce races readers and writers with a user who gains
// and loses a place above them: nobody sees, in an operation that began after
// the narrowing was answered, what it took away.
func TestP5_NarrowingBindsAtOnce(t *testing.T) {
	h := newHouse(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	number := h.form("Deal").Number
	var phase atomic.Int64 // odd while the clerk's role is in force
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				before := phase.Load()
				op, err := h.e.Read(t.Context(), h.as["manager"], "crm")
				if err != nil {
					t.Error(err)
					return
				}
				_, ok, err := op.Get(number, id)
				op.Close()
				if err != nil || ok && before%2 == 1 && phase.Load() == before {
					t.Errorf("seen %v in phase %d, %v", ok, before, err)
					return
				}
				err = h.write("manager", func(op *Op) error { return op.Update(number, id, nil, 0) })
				if err == nil && before%2 == 1 && phase.Load() == before {
					t.Errorf("written in phase %d", before)
					return
				}
				if k := fault.KindOf(err); err != nil && k != fault.NotFound && k != fault.Conflict {
					t.Error(err)
					return
				}
			}
		})
	}
	for range worlds(100, 2000) {
		h.place("manager", "Clerk", "Sales")
		phase.Add(1)
		for range 3 {
			if h.sees("manager", "Deal", id) {
				t.Error("seen after the narrowing")
			}
		}
		phase.Add(1)
		h.place("manager", "Manager", "Sales")
	}
	stop.Store(true)
	wg.Wait()
}
