package sandbox

import (
	"strings"
	"testing"

	"sluice/rules"
)

// TestCheckPlanOfModules: the check finds with modules what it finds with functions,
// and spends the same fuel again.
func TestCheckPlanOfModules(t *testing.T) {
	for _, c := range []struct{ plan, text, says string }{
		{answersPlan, "{}", ""},
		{i32(0) + end, "", ""},
		{answersPlan, `{"n":{"between":[2,4]}}`, "too narrow"},
		{answersPlan, `{"or":[]}`, "too narrow"},
		{answersPlan, "{", "nothing that can be read"},
		{trapsPlan, "", "nothing that can be read"},
	} {
		r := newRunner(t, nil)
		h := mustLoad(t, r, tenantA, planned(c.plan, c.text))
		var fuel []int64
		for range 2 {
			got, err := rules.CheckPlan(bg, r, tenantA, h, share(), rules.PlanInputs{})
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Gap.Err(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.text, err)
			}
			fuel = append(fuel, got.Fuel)
		}
		if fuel[0] != fuel[1] {
			t.Errorf("%s: fuel %v", c.text, fuel)
		}
		t.Logf("%s: fuel %d", c.text, fuel[0])
	}
}
