package engine

import (
	"testing"
	"time"
)

// TestShadowThatIsOverCostsNothing: from the end of its time on a shadow makes no
// question of what is known, though what it found is still there to be read.
func TestShadowThatIsOverCostsNothing(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a", "stage": "open"})
	h.embargo(onlyOpen)
	move, _ := h.besides(1, always1)
	asked := func() (n int) {
		h.list("rex", "Deal", nil)
		h.read("rex", func(op *Op) {
			h.listed(op, "Deal", nil)
			n = len(op.outcomes) + len(op.besides)
		})
		return n
	}
	if n := asked(); n != 2 {
		t.Fatalf("beside a shadow there are %d questions", n)
	}
	move(2 * time.Hour)
	if n := asked(); n != 0 {
		t.Errorf("beside one that is over there are %d questions", n)
	}
	if got := h.shadowOf("admin"); got.Running || got.Compared == 0 {
		t.Errorf("%+v", got)
	}
}
