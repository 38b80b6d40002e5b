package engine

import (
	"encoding/hex"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// twoAnswers is what a runner says of a module that is no rule, on shut deals.
func twoAnswers(_, row []record.Value) rules.Verdict {
	if string(row[0].Text()) == "open" {
		return rules.Verdict{Grant: 1}
	}
	return rules.Verdict{Fault: rules.FaultImpure}
}

// TestH2_ImpureIsRemembered: a module that a comparison found to give two answers is
// never let decide, nor released from a quarantine for other faults, by another process
// either, and whoever tries is told what to do.
func TestH2_ImpureIsRemembered(t *testing.T) {
	h, now := failingHouse(t)
	h.shut("rep", 1)
	restrict := rules.Manifest{Effect: rules.Restrict, Record: stageOf}
	bad := h.keepModule("bad", restrict, twoAnswers)
	_, err := h.e.BindModule(t.Context(), h.as["dev"], "crm", "embargo", bad)
	must(t, err)
	h.fallBack(2)
	if h.costOf("admin", "embargo", bad).Faults[0].Kind != rules.FaultImpure {
		t.Fatal("the comparison finds nothing")
	}
	if q := h.flushed(); q != nil {
		t.Errorf("the active version: %+v", q)
	}
	h.restart()
	if f := h.ruleState("embargo").Fallback; f.Quarantine == nil || !f.Quarantine.Impure {
		t.Errorf("the fallback: %+v", f)
	}
	never := func(err error, says string) {
		t.Helper()
		denied(t, err, fault.Conflict)
		if m := fault.Message(err); !strings.Contains(m, "gave two answers to one question") || !strings.Contains(m, says) {
			t.Error(m)
		}
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["super"], "crm", "embargo", 2, "")
	never(err, "never released; mend the module, upload it and activate the new version")
	_, err = h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 2, "")
	denied(t, err, fault.Conflict)
	h.condemns("embargo", bad, rules.FaultTrap, *now)
	_, err = h.e.ReleaseRule(t.Context(), h.as["super"], "crm", "embargo", 2, "")
	never(err, "never released")
	h.condemns("embargo", h.ruleState("embargo").Bound, rules.FaultTrap, *now)
	_, err = h.e.RollbackRule(t.Context(), h.as["dev"], "crm", "embargo", 2, "")
	never(err, "upload the mended module")
}

// TestH2_ImpureIsOfAllRules: one that is in quarantine for other faults when it is found
// to be no rule stays there for good.
func TestH2_ImpureIsOfAllRules(t *testing.T) {
	h, now := failingHouse(t)
	active := h.ruleState("embargo").Bound
	h.condemns("embargo", active, rules.FaultTrap, *now)
	proved := provedModule{tenant: h.tenant}
	_, err := hex.Decode(proved.hash[:], []byte(active))
	must(t, err)
	h.e.watches.prove(proved, []rules.Verdict{{Fault: rules.FaultImpure}})
	q := h.flushed()
	if q == nil || !q.Impure || len(q.Faults) != 2 {
		t.Fatalf("%+v", q)
	}
	if story := h.storyOf("embargo"); strings.Count(story, "QUARANTINED") != 1 {
		t.Error(story)
	}
	_, err = h.e.ReleaseRule(t.Context(), h.as["super"], "crm", "embargo", 0, "")
	denied(t, err, fault.Conflict)
}

// TestH4_QuarantineOutlivesTheRule: a rule that a definition drops and another makes
// again, of the same name or another, finds the same module in quarantine.
func TestH4_QuarantineOutlivesTheRule(t *testing.T) {
	for name, as := range map[string]string{"the same name": "embargo", "another": "ban"} {
		h, now := failingHouse(t)
		module := h.ruleState("embargo").Bound
		other := h.keepModule("other", rules.Manifest{Effect: rules.Restrict, Record: stageOf}, onlyOpen)
		h.condemns("embargo", module, rules.FaultTrap, *now)
		for _, line := range []string{"", "  - {name: " + as + ", form: Deal, effect: RESTRICT, users: [rex@x.io]}"} {
			if faults := h.applied("admin", houseWith(t, "", "  - "+embargoOfRex, line)); len(faults) > 0 {
				t.Fatal(faults)
			}
		}
		for _, m := range []string{other, module} {
			_, err := h.e.BindModule(t.Context(), h.as["dev"], "crm", as, m)
			must(t, err)
			if q := h.ruleState(as).Quarantine; (q != nil) != (m == module) {
				t.Errorf("%s: %+v", name, q)
			}
		}
		_, err := h.e.ActivateRule(t.Context(), h.as["dev"], "crm", as)
		denied(t, err, fault.Conflict)
		_, err = h.e.ReleaseRule(t.Context(), h.as["dev"], "crm", as, 0, "")
		must(t, err)
		_, err = h.e.BindModule(t.Context(), h.as["dev"], "crm", as, module) // a version by now
		must(t, err)
		_, err = h.e.ActivateRule(t.Context(), h.as["dev"], "crm", as)
		must(t, err)
	}
}
