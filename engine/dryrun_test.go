package engine

import (
	"slices"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
)

// keepModule keeps a function as a module and binds it to nothing.
func (h *house) keepModule(name string, m rules.Manifest, f func(viewer, row []record.Value) rules.Verdict) (hash string) {
	h.t.Helper()
	m.ABI, m.Form = 1, "Deal"
	module, _ := h.double.Register(name, &m, f)
	up, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", name, module)
	must(h.t, err)
	return up.Hash
}

// costOf is what a comparison of one proposed module tells an asker.
func (h *house) costOf(who, rule, module string) RuleCost {
	h.t.Helper()
	d, err := h.e.Compare(h.t.Context(), h.as[who], "crm", Proposal{Modules: map[string]string{rule: module}}, CompareOptions{Costs: true})
	must(h.t, err)
	if len(d.Costs) != 1 {
		h.t.Fatalf("%+v", d.Costs)
	}
	return d.Costs[0]
}

// TestDryRunCounts: faults by kind, answers that differ alone, and fuel, and nothing
// is bound by it.
func TestDryRunCounts(t *testing.T) {
	h := newHouse(t)
	for _, stage := range []string{"open", "open", "shut"} {
		h.add("rep", "Deal", cell{"title": "a", "stage": stage})
	}
	trap := h.keepModule("trap", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, trapOnShut)
	got := h.costOf("admin", "embargo", trap)
	if got.Decisions != 3 || len(got.Faults) != 1 || got.Faults[0] != (FaultCount{rules.FaultTrap, 1}) || got.Impure != 0 {
		t.Errorf("%+v", got)
	}
	if got.Measured != 3 || got.P50 != 100 || got.P99 != 100 || got.Max != 100 {
		t.Errorf("fuel: %+v", got)
	}
	n := 0
	moody := h.keepModule("moody", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, func(_, _ []record.Value) rules.Verdict {
		n++
		return rules.Verdict{Grant: flag(n > 3)}
	})
	if got := h.costOf("admin", "embargo", moody); got.Impure != 3 {
		t.Errorf("impure: %+v", got)
	}
	states, err := h.e.Rules(t.Context(), h.as["admin"], "crm")
	must(t, err)
	if slices.ContainsFunc(states, func(s RuleState) bool { return s.Bound != "" }) {
		t.Errorf("something was bound: %+v", states)
	}
}

// TestP10_DryRunCountsWhatTheAskerSees: hidden records are in no number.
func TestP10_DryRunCountsWhatTheAskerSees(t *testing.T) {
	h, _, _ := newHideout(t)
	h.hide("boss", "Deal", cell{"title": cell{"eq": "b"}})
	module := h.keepModule("trap", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, trapOnShut)
	for who, want := range map[string]int64{"boss": 2, "admin": 1} {
		if got := h.costOf(who, "embargo", module); got.Decisions != want || got.Measured != want {
			t.Errorf("%s: %+v, want %d decisions", who, got, want)
		}
	}
}

// TestFuelMarks: a mark holds its fuel and is at most a sixteenth wide.
func TestFuelMarks(t *testing.T) {
	for _, fuel := range []int64{0, 1, 31, 32, 33, 100, 4095, 99_999, 2_000_000, 1 << 40} {
		if at := fuelAt(markOf(fuel)); at < fuel || at-fuel > fuel/fuelMarks {
			t.Errorf("%d is told as %d", fuel, at)
		}
	}
	c := newCosting(map[string]string{"r": "m"}).rules["r"]
	for i := range int64(10_000) {
		c.spent(i)
	}
	if p := c.percentile(0.5); p < 4990 || p > 5400 || c.percentile(0.99) < 9890 || c.percentile(1) != 9999 || c.skip != 2 {
		t.Error(p, c.percentile(0.99), c.percentile(1), c.skip)
	}
}
