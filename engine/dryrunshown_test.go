package engine

import (
	"testing"

	"sluice/internal/record"
)

// TestDryRunNamesNoRecordUnseenByNow: the records that a plan leaves out are named as
// long as the asker sees them, as the samples of a difference are.
func TestDryRunNamesNoRecordUnseenByNow(t *testing.T) {
	h, _, _ := newHideout(t)
	module, _ := h.oddGift()
	odd := []record.ID{h.add("boss", "Deal", cell{"title": "an odd title", "amount": int64(1)}), h.add("admin", "Deal", cell{"title": "an odd title"})}
	c := h.compared("admin", ProposedChange{Modules: map[string]string{"gift": module}})
	if c.Result == nil || len(c.Result.Costs) != 1 || len(c.Result.Costs[0].OutsideRecords) != 2 || c.Outdated {
		t.Fatalf("%+v", c)
	}
	h.hide("boss", "Deal", cell{"title": cell{"eq": "an odd title"}})
	c = h.ended("admin", c.ID)
	if got := c.Result.Costs[0].OutsideRecords; len(got) != 1 || got[0] != odd[1] || !c.Outdated {
		t.Errorf("%v are named, outdated %t", got, c.Outdated)
	}
}
