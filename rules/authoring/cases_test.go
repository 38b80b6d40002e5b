package authoring_test

import (
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/ruletest"
)

func manifestOf(e rules.Effect) *rules.Manifest {
	m := &rules.Manifest{
		ABI: 1, Form: "Order", Effect: e, Reasons: []string{"because", "none of it"},
		Viewer: []rules.Column{{Name: "team", Type: record.Text}},
		Record: []rules.Column{
			{Name: "amount", Type: record.Decimal, Scale: 2}, {Name: "tags", Type: record.MultiChoice},
			{Name: "due", Type: record.Date}, {Name: "extra", Type: record.JSON},
		},
	}
	switch e {
	case rules.Share:
		m.Grant = 2
	case rules.Mask:
		m.Mask = []string{"phone", "email"}
	}
	return m
}

// counting is a runner with one rule, which grants view and costs 100, and how
// many records it was asked about.
func counting(m *rules.Manifest) (module []byte, asked *int, d *ruletest.Double) {
	asked, d = new(int), ruletest.NewDouble()
	module, _ = d.Register("counting", m, func(_, _ []record.Value) rules.Verdict {
		*asked++
		return rules.Verdict{Grant: 1}
	})
	return module, asked, d
}

func TestReadCases(t *testing.T) {
	cases, err := authoring.ReadCases([]byte(`
- name: all
  viewer: {team: 007}
  record: {amount: 12.5, tags: [a, b], due: 2026-03-01, extra: {a: [1, null]}}
  expect: {grant: edit, reason: because}
- {name: none, expect: {}}
- {name: fault, expect: {fault: fuel}}
`), manifestOf(rules.Share))
	if err != nil || len(cases) != 3 {
		t.Fatalf("%v, %v", cases, err)
	}
	c := cases[0]
	if c.Line != 2 || c.Want != (rules.Verdict{Grant: 2, Reason: 1}) || string(c.Viewer[0].Text()) != "007" || c.Record[0].Int() != 1250 ||
		c.Record[2].Int() != 20513 || string(c.Record[3].Text()) != `{"a":[1,null]}` {
		t.Errorf("%+v", c)
	}
	if c = cases[1]; c.Want != (rules.Verdict{}) || !c.Viewer[0].IsNull() || !c.Record[1].IsNull() {
		t.Errorf("%+v", c)
	}
	if cases[2].Want.Fault != rules.FaultFuel {
		t.Errorf("%+v", cases[2])
	}
	masks, err := authoring.ReadCases([]byte("[{name: a, expect: {mask: [email]}}, {name: b, expect: {mask: []}}, {name: c, expect: {}}]"), manifestOf(rules.Mask))
	if err != nil || masks[0].Want.Visible != 1 || masks[1].Want.Visible != 3 || masks[2].Want.Visible != 0 {
		t.Errorf("%+v, %v", masks, err)
	}
}

// TestReadCasesRefuses: what is not understood is an error with the line.
func TestReadCasesRefuses(t *testing.T) {
	for src, says := range map[string]string{
		"":                                     "expected a list",
		"{}":                                   "expected a list",
		"[]":                                   "expected a list",
		"- a":                                  "cases:1: expected a mapping",
		"- {expect: {}}":                       "cases:1: expected name",
		"- {name: a}":                          "cases:1: expected expect",
		"- {name: a, name: b, expect: {}}":     "given twice",
		"- {name: a, expect: {}, more: 1}":     `"more": expected name, viewer, record, expect`,
		"- name: a\n  expect: {keep: in}":      `cases:2: "keep": expected grant, reason, fault`,
		"- {name: a, expect: {grant: delete}}": "grant: expected none, view, edit",
		"- {name: a, expect: {reason: 3}}":     "reason: expected none, or",
		"- {name: a, expect: {fault: fuel, grant: view}}":         "it stands alone",
		"- {name: a, expect: {}, viewer: {region: x}}":            `"region": expected team, the columns`,
		"- {name: a, expect: {}, record: {amount: 1.234}}":        "record.amount: ",
		"- {name: a, expect: {}, record: {tags: a}}":              "record.tags: ",
		"- {name: a, expect: {}, record: {tags: [a, a]}}":         "record.tags: ",
		"- {name: a, expect: {}, record: {due: tomorrow}}":        "record.due: ",
		"- {name: a, expect: {}, viewer: {team: [a]}}":            "viewer.team: expected one value of type text",
		"- {name: &x a, expect: {}, viewer: {team: *x}}":          "viewer.team: ",
		"- {name: a, expect: {}}\n---\n- {name: a, expect: {}}\n": "one document",
	} {
		if _, err := authoring.ReadCases([]byte(src), manifestOf(rules.Share)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", src, err, says)
		}
	}
	if _, err := authoring.ReadCases([]byte("- {name: a, expect: {mask: [fax]}}"), manifestOf(rules.Mask)); err == nil || !strings.Contains(err.Error(), "phone, email") {
		t.Error(err)
	}
}

func TestReport(t *testing.T) {
	var b strings.Builder
	for _, e := range []rules.Effect{rules.Share, rules.Restrict, rules.Mask} {
		results := []authoring.Result{
			{Case: authoring.Case{Name: "as expected", Want: rules.Verdict{Reason: 1}}, Got: rules.Verdict{Reason: 1}},
			{Case: authoring.Case{Name: "another answer", Line: 7, Want: rules.Verdict{Grant: 1, Visible: 1, Reason: 2}}, Got: rules.Verdict{Visible: 2}},
			{Case: authoring.Case{Name: "a fault", Line: 9}, Got: rules.Verdict{Fault: rules.FaultTrap}},
		}
		if failed, err := authoring.Report(&b, manifestOf(e), results); err != nil || failed != 2 {
			t.Errorf("%d, %v", failed, err)
		}
	}
	golden(t, "report.txt", b.String())
}
