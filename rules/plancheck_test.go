package rules_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
)

var planner = identity.Tenant{'p', 'l', 'a', 'n'}

// teamOrders declares orders with a team, a status, an amount and a day.
func teamOrders() *rules.Manifest {
	return &rules.Manifest{
		ABI: rules.ABI, Form: "Order", Effect: rules.Share, Grant: 1,
		Viewer: []rules.Column{{Name: "team", Type: record.Text}, {Name: "chief", Type: record.Boolean}},
		Record: []rules.Column{
			{Name: "team", Type: record.Text}, {Name: "status", Type: record.Choice},
			{Name: "amount", Type: record.Decimal, Scale: 2}, {Name: "due", Type: record.Date}, {Name: "tags", Type: record.MultiChoice},
		},
	}
}

// sameTeam shares the orders of a team, and with whoever has none nothing.
func sameTeam(viewer, row []record.Value) bool {
	return !viewer[0].IsNull() && !row[0].IsNull() && viewer[0].Compare(row[0]) == 0
}

func quotedTeam(format string) ruletest.PlanFunc {
	return func(viewer []record.Value) string {
		if viewer[0].IsNull() {
			return `{"or":[]}`
		}
		return fmt.Sprintf(format, record.AppendJSONString(nil, viewer[0].Text()))
	}
}

func says(text string) ruletest.PlanFunc { return func([]record.Value) string { return text } }

func TestCheckPlan(t *testing.T) {
	status := func(row []record.Value, s string) bool { return string(row[1].Text()) == s }
	for _, c := range []struct {
		name   string
		plan   ruletest.PlanFunc
		decide func(viewer, row []record.Value) bool
		says   string // of the gap; empty for none
	}{
		{"no plan", says(""), sameTeam, ""},
		{"everything", says("{}"), sameTeam, ""},
		{"the same", quotedTeam(`{"team":{"eq":%s}}`), sameTeam, ""},
		{"wider", quotedTeam(`{"team":{"eq":%s}}`), func(v, r []record.Value) bool { return sameTeam(v, r) && status(r, "open") }, ""},
		{"nothing", says(`{"or":[]}`), sameTeam, `plan: {"or":[]}`},
		{"another condition", quotedTeam(`{"team":{"eq":%s},"status":{"eq":"open"}}`), sameTeam, "record: {team:"},
		{"bound too high", says(`{"amount":{"gt":"1000.00"}}`), func(_, r []record.Value) bool { return r[2].Int() >= 100_000 }, `record: {amount: "1000.00"}`},
		{"bound by one", says(`{"amount":{"gte":"1234.57"}}`), func(_, r []record.Value) bool { return r[2].Int() >= 123_456 }, `record: {amount: "1234.56"}`},
		{"a bound of days", says(`{"due":{"lt":"2026-03-01"}}`), func(_, r []record.Value) bool { return !r[3].IsNull() && r[3].Int() <= 20513 }, `record: {due: "2026-03-01"}`},
		{"nulls", says(`{"amount":{"lt":"5"}}`), func(_, r []record.Value) bool { return r[2].Int() < 500 }, "record: {} (all null)"},
		{"ne holds for nulls", says(`{"status":{"ne":"open"}}`), func(_, r []record.Value) bool { return !status(r, "open") }, ""},
		{"in leaves out", says(`{"status":{"in":["open"]}}`), func(_, r []record.Value) bool { return status(r, "open") || status(r, "held") }, `record: {status: "held"}`},
		{"case of letters", says(`{"team":{"eq":"North"}}`), func(_, r []record.Value) bool { return strings.EqualFold(string(r[0].Text()), "north") }, "record: {team:"},
		{"of a list", says(`{"tags":{"hasAll":["a","b"]}}`), func(_, r []record.Value) bool { return r[4].Holds([]byte("a")) }, `record: {tags: ["a"`},
		{"only for chiefs", quotedTeam(`{"team":{"eq":%s}}`), func(v, r []record.Value) bool { return v[1].Bool() || sameTeam(v, r) }, "chief: true"},
		{"the team is not quoted", func(v []record.Value) string {
			return `{"team":{"eq":"` + string(v[0].Text()) + `"}}`
		}, sameTeam, `quote texts as JSON does`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := ruletest.NewDouble()
			m := teamOrders()
			module, h := d.Register(c.name, m, func(v, r []record.Value) rules.Verdict {
				if c.decide(v, r) {
					return rules.Verdict{Grant: 1}
				}
				return rules.Verdict{}
			})
			d.SetPlan(h, c.plan)
			if _, err := d.Load(t.Context(), planner, module); err != nil {
				t.Fatal(err)
			}
			in := rules.PlanInputs{Record: [][]record.Value{1: {record.String("open"), record.String("held"), record.String("closed")}}}
			var said []string
			for range 2 {
				got, err := rules.CheckPlan(t.Context(), d, planner, h, m, in)
				if err != nil {
					t.Fatal(err)
				}
				err = got.Gap.Err()
				said = append(said, fmt.Sprint(got.Viewers, got.Records, got.Fuel, err))
				if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || fault.KindOf(err) != fault.Invalid) {
					t.Fatalf("%v, want %q", err, c.says)
				}
			}
			if t.Log(said[0]); said[0] != said[1] {
				t.Errorf("twice not the same: %s", said[1])
			}
		})
	}
}

// TestCheckPlanGiven: cases come first, as they are, and are named.
func TestCheckPlanGiven(t *testing.T) {
	d, m := ruletest.NewDouble(), teamOrders()
	secret := "a team that nothing generates"
	module, h := d.Register("given", m, func(_, r []record.Value) rules.Verdict {
		if string(r[0].Text()) == secret {
			return rules.Verdict{Grant: 1}
		}
		return rules.Verdict{}
	})
	d.SetPlan(h, says(`{"or":[]}`))
	if _, err := d.Load(t.Context(), planner, module); err != nil {
		t.Fatal(err)
	}
	got, err := rules.CheckPlan(t.Context(), d, planner, h, m, rules.PlanInputs{})
	if err != nil || got.Gap != nil || got.Records == 0 {
		t.Fatalf("nothing to be found: %+v, %v", got, err)
	}
	row := make([]record.Value, len(m.Record))
	row[0] = record.String(secret)
	in := rules.PlanInputs{Cases: []rules.PlanCase{{Name: "the odd one", Viewer: make([]record.Value, 2), Record: row}}}
	got, err = rules.CheckPlan(t.Context(), d, planner, h, m, in)
	if err != nil || got.Gap == nil || got.Gap.Case != "the odd one" || !strings.Contains(got.Gap.String(), `case "the odd one"`) {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestCheckPlanEndsWithItsBudget: a dear rule is asked less, and not refused for it.
func TestCheckPlanEndsWithItsBudget(t *testing.T) {
	d, m := ruletest.NewDouble(), teamOrders()
	d.Cost = rules.PlanFuel / 1000
	module, h := d.Register("dear", m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} })
	d.SetPlan(h, says("{}"))
	if _, err := d.Load(t.Context(), planner, module); err != nil {
		t.Fatal(err)
	}
	got, err := rules.CheckPlan(t.Context(), d, planner, h, m, rules.PlanInputs{})
	if err != nil || !got.Spent || got.Fuel != rules.PlanFuel || got.Gap != nil {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestCheckPlanWide: as many columns as there may be.
func TestCheckPlanWide(t *testing.T) {
	d, m := ruletest.NewDouble(), &rules.Manifest{ABI: rules.ABI, Form: "Order", Effect: rules.Share, Grant: 1}
	types := []record.Type{record.Text, record.Integer, record.Time, record.DateTime, record.Email, record.Phone, record.URL, record.JSON, record.User, record.Duration, record.Boolean}
	for i := range rules.MaxColumns {
		m.Viewer = append(m.Viewer, rules.Column{Name: "v" + strconv.Itoa(i), Type: types[i%len(types)]})
		m.Record = append(m.Record, rules.Column{Name: "r" + strconv.Itoa(i), Type: types[i%len(types)]})
	}
	module, h := d.Register("wide", m, func(_, r []record.Value) rules.Verdict {
		if r[5].IsNull() && !r[63].IsNull() {
			return rules.Verdict{Grant: 1}
		}
		return rules.Verdict{}
	})
	d.SetPlan(h, says(`{"r63":{"isNull":false},"r5":{"isNull":false}}`))
	if _, err := d.Load(t.Context(), planner, module); err != nil {
		t.Fatal(err)
	}
	got, err := rules.CheckPlan(t.Context(), d, planner, h, m, rules.PlanInputs{})
	if err != nil || got.Gap == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, v := range got.Gap.Record {
		if v.IsNull() == (i == 63) {
			t.Errorf("column %d of the case that is shown: %v", i, v)
		}
	}
}
