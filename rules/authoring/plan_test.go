package authoring_test

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/ruletest"
)

// planned is a rule that shares amounts of 10.00 and more, whose plan begins at 20.00.
func planned(t *testing.T, plan string) (m *rules.Manifest, module []byte, d *ruletest.Double, cases []authoring.Case) {
	t.Helper()
	m, d = manifestOf(rules.Share), ruletest.NewDouble()
	module, h := d.Register("with sluice_plan", m, func(_, row []record.Value) rules.Verdict {
		if row[0].Int() >= 1000 {
			return rules.Verdict{Grant: 1}
		}
		return rules.Verdict{}
	})
	d.SetPlan(h, func([]record.Value) string { return plan })
	cases, err := authoring.ReadCases([]byte(`
- {name: large, record: {amount: 25}, expect: {grant: view}}
- {name: just large, record: {amount: 15}, expect: {}}
- {name: small, record: {amount: 5}, expect: {}}
`), m)
	if err != nil {
		t.Fatal(err)
	}
	return m, module, d, cases
}

// TestNarrowPlanFailsItsCase: by name, also where the case expects what the plan does.
func TestNarrowPlanFailsItsCase(t *testing.T) {
	m, module, d, cases := planned(t, `{"amount":{"gte":20}}`)
	results, err := authoring.Ask(t.Context(), d, module, cases)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	failed, err := authoring.Report(&b, m, results)
	want := "ok    large\nFAIL  just large (line 3)\n        fault   expected none, got plan\n        plan    too narrow: sluice_decide shares the record, sluice_plan leaves it out; widen sluice_plan\n" +
		"ok    small\n3 cases: 2 ok, 1 failed\n"
	if err != nil || failed != 1 || b.String() != want {
		t.Errorf("%d, %v\n%s", failed, err, b.String())
	}
	err = authoring.CheckPlan(t.Context(), d, module, m, cases)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), `case "just large"`) || !strings.Contains(err.Error(), `amount: "15.00"`) {
		t.Error(err)
	}
	if err = authoring.CheckPlan(t.Context(), d, module, m, nil); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "a generated record") {
		t.Error(err)
	}
	got, err := authoring.Measure(t.Context(), d, module, cases, 300, time.Now)
	if err != nil || got.Outside != 100 {
		t.Fatalf("%+v, %v", got, err)
	}
	b.Reset()
	if err := got.Print(&b); err != nil || !strings.Contains(b.String(), "100 of the records in batches are shared by sluice_decide and left out by sluice_plan") {
		t.Error(err, b.String())
	}
}

func TestPlanThatIsWideEnough(t *testing.T) {
	for _, plan := range []string{"", "{}", `{"amount":{"gte":10}}`} {
		m, module, d, cases := planned(t, plan)
		if err := authoring.CheckPlan(t.Context(), d, module, m, cases); err != nil {
			t.Errorf("%s: %v", plan, err)
		}
		got, err := authoring.Measure(t.Context(), d, module, cases, 300, time.Now)
		if err != nil || got.Outside != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
}
