package command

import (
	"strings"
	"testing"
)

// TestPrintsPlanThatIsTooNarrow: only where there is something outside.
func TestPrintsPlanThatIsTooNarrow(t *testing.T) {
	for _, c := range []ruleCost{{Rule: "r", Module: "abc", Decisions: 4}, {Rule: "r", Module: "abc", Decisions: 4, OutsidePlan: 2, OutsidePlanRecords: []string{"a", "b"}}} {
		var b strings.Builder
		c.print(&b)
		if got := strings.Contains(b.String(), "PLAN TOO NARROW: sluice_decide shares by 2 decisions what sluice_plan leaves out, for instance records a, b\n"); got != (c.OutsidePlan > 0) {
			t.Error(b.String())
		}
	}
}
