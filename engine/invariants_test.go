package engine

import "testing"

// TestInvariantsAreTried: on a house where masks and hidden fields are, all three
// are tried and hold.
func TestInvariantsAreTried(t *testing.T) {
	h := newHouse(t)
	h.cover()
	h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 7})
	h.add("clerk", "Deal", cell{"title": "b", "stage": "won", "amount": 8})
	got := h.verdicts("dev")
	for _, name := range invariantNames {
		if x := got[name]; x == nil || x.Verdict != TestPassed || x.People == 0 || x.Records == 0 {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

// TestInvariantsCanFail: each path that answers otherwise is found.
func TestInvariantsCanFail(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*answers)
		which  int
	}{
		"by id":     {func(a *answers) { a.got[1] = true }, 0},
		"in a list": {func(a *answers) { a.listed[0] = false }, 0},
		"counted":   {func(a *answers) { a.counted = 2 }, 0},
		"told":      {func(a *answers) { a.absent = false }, 1},
		"a cell":    {func(a *answers) { a.open = 0 }, 2},
	} {
		a := &answers{decided: []bool{true, false}, got: []bool{true, false}, listed: []bool{true, false}, counted: 1, absent: true, open: -1}
		if a.wrong() != [3]int{-1, -1, -1} {
			t.Fatal("fails unchanged")
		}
		c.change(a)
		for i, at := range a.wrong() {
			if (at >= 0) != (i == c.which) {
				t.Errorf("%s: invariant %d: %d", name, i, at)
			}
		}
	}
}
