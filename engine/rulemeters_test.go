package engine

import (
	"fmt"
	"testing"

	"sluice/internal/identity"
	"sluice/rules"
)

// TestRuleMetersCount: what a rule was asked, let through and failed at, and how often
// an answer that was kept took the place of a question.
func TestRuleMetersCount(t *testing.T) {
	h := newHouse(t)
	h.embargo(trapOnShut)
	for _, stage := range []string{"open", "open", "shut"} {
		h.add("rep", "Deal", cell{"title": stage, "stage": stage})
	}
	read := func() RuleCounts {
		h.read("rex", func(op *Op) { h.listed(op, "Deal", nil) })
		m := h.e.RuleMeters()
		if m.Folded != 0 || m.Others != (RuleCounts{}) || m.KeptBytes == 0 {
			t.Fatalf("%+v", m)
		}
		for _, r := range m.Rules {
			if r.Rule == "embargo" && r.Application == "crm" && r.Tenant == h.tenant {
				return r.RuleCounts
			}
		}
		t.Fatal("the rule is not counted")
		return RuleCounts{}
	}
	first := read()
	if first.Questions == 0 || first.Records < 3 || first.Granted != 2 || first.Faults[rules.FaultTrap] == 0 || first.Refused != 0 {
		t.Errorf("%+v", first)
	}
	again := read()
	if again.Granted != first.Granted || again.Kept < first.Kept+2 || again.Faults[rules.FaultTrap] <= first.Faults[rules.FaultTrap] {
		t.Errorf("%+v after %+v: two answers are kept, a fault never", again, first)
	}
}

// TestRuleMetersAreBounded: rules beyond the bounds are counted together, those that
// are counted apart stay so, one organization leaves the others their places, and
// nothing is lost of the sum.
func TestRuleMetersAreBounded(t *testing.T) {
	e := newHouse(t).e
	e.meters = ruleMeters{}
	m := &e.meters
	tenant := func(i int) identity.Tenant { return identity.Tenant{byte(i + 1)} }
	add := func(i, rule int) {
		m.count(ruleKey{tenant(i), "a", fmt.Sprint(rule)}, &RuleCounts{Records: 1})
	}
	sum := func(out RuleMeters) (n int64) {
		for _, r := range out.Rules {
			n += r.Records
		}
		return n + out.Others.Records
	}
	for rule := range MaxTenantMeters + 7 {
		add(0, rule)
	}
	out := e.RuleMeters()
	if len(out.Rules) != MaxTenantMeters || out.Folded != 7 || out.Others.Records != 7 {
		t.Errorf("%d apart, %d folded: %+v", len(out.Rules), out.Folded, out.Others)
	}
	for i := range 10 {
		for rule := range MaxTenantMeters {
			add(i, rule)
		}
	}
	out = e.RuleMeters()
	if len(out.Rules) != MaxRuleMeters || sum(out) != MaxTenantMeters+7+10*MaxTenantMeters {
		t.Errorf("%d apart, a sum of %d", len(out.Rules), sum(out))
	}
	if r := out.Rules[0]; r.Tenant != tenant(0) || r.Records != 2 {
		t.Errorf("%+v", r)
	}
	for rule := range maxFolded + 1 {
		add(20, rule)
	}
	if out = e.RuleMeters(); out.Folded != maxFolded || len(out.Rules) != MaxRuleMeters {
		t.Errorf("%d folded", out.Folded)
	}
}
