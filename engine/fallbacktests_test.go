package engine

import (
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

const neverShut = "user rex@x.io cannot view Deal where stage is shut"

// TestH4_FallbackIsTestedAfterItIsNamed: what is applied and switched on while a
// fallback is named is held to the tests with the fallback, too, since nobody is asked
// when it takes over.
func TestH4_FallbackIsTestedAfterItIsNamed(t *testing.T) {
	h, _, _, _ := twoEmbargoes(t)
	h.fallBack(1)
	for _, never := range []string{neverShut, "user rex@x.io cannot view Deal on any record where stage is shut"} {
		faults := h.applied("admin", houseWith(t, sentences("user rex@x.io can view Deal where stage is open", never)))
		if len(faults) != 1 || faults[0].Path != "tests[1]" || !strings.Contains(faults[0].Msg, "once the fallback version decides of rule embargo") {
			t.Fatalf("%s: applied: %v", never, faults)
		}
	}
	if faults := h.applied("admin", houseWith(t, sentences("user rex@x.io can view Deal where stage is open"))); len(faults) > 0 {
		t.Errorf("what people can do is no matter of the fallback: %v", faults)
	}
	_, err := h.e.DeactivateRule(t.Context(), h.as["admin"], "crm", "embargo")
	must(t, err)
	if faults := h.applied("admin", houseWith(t, sentences(neverShut))); len(faults) > 0 {
		t.Fatalf("a rule that is off has no fallback: %v", faults)
	}
	_, err = h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "embargo")
	denied(t, err, fault.Conflict)
	if !strings.Contains(fault.Message(err), neverShut) || !strings.Contains(fault.Message(err), "once the fallback version decides") {
		t.Error(err)
	}
	h.fallBack(0)
	_, err = h.e.ActivateRule(t.Context(), h.as["admin"], "crm", "embargo")
	must(t, err)
}

// TestH4_FallbackInQuarantineIsTested: a fallback that is in quarantine itself is
// released without a test while the active version decides, so it is tested before.
func TestH4_FallbackInQuarantineIsTested(t *testing.T) {
	h, now, first, _ := twoEmbargoes(t)
	h.fallBack(1)
	h.condemns("embargo", first, rules.FaultTrap, *now)
	if f := h.ruleState("embargo").Fallback; f == nil || f.Quarantine == nil {
		t.Fatalf("%+v", f)
	}
	if faults := h.applied("admin", houseWith(t, sentences(neverShut))); len(faults) != 1 {
		t.Errorf("%v", faults)
	}
}

// TestH4_LooserOfTwo: of two outcomes the one that lets more through, for everybody.
func TestH4_LooserOfTwo(t *testing.T) {
	in, out, wrong := policy.Outcome{Through: true}, policy.Outcome{}, policy.Outcome{Fault: true}
	shows := func(n ...uint32) policy.Outcome { return policy.Outcome{Visible: record.FieldSetOf(n...)} }
	for _, x := range []struct {
		effect     definition.Effect
		a, b, want policy.Outcome
	}{
		{definition.Restrict, in, out, in},
		{definition.Restrict, in, wrong, in},
		{definition.Restrict, out, out, out},
		{definition.Restrict, out, wrong, wrong}, // the super admin is let through
		{definition.Mask, shows(1, 2), shows(2, 3), shows(1, 2, 3)},
		{definition.Mask, shows(1), wrong, shows(1)},
		{definition.Mask, wrong, wrong, wrong},
	} {
		for _, got := range []policy.Outcome{looser(x.effect, x.a, x.b), looser(x.effect, x.b, x.a)} {
			if got.Through != x.want.Through || got.Fault != x.want.Fault || !got.Visible.Equal(x.want.Visible) {
				t.Errorf("%v of %+v and %+v: %+v", x.effect, x.a, x.b, got)
			}
		}
	}
}
