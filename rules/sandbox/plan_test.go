package sandbox

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

const planAt = 60_000

// planned is a rule that grants 1 to every record and whose sluice_plan has the
// given code, with text as the plan at address planAt.
func planned(plan, text string) wasm {
	w := eachRule(grant(i32(1)))
	n := w.fn(0, code(plan))
	w.exports = append(w.exports, exported("sluice_plan", kindFunc, n))
	w.data = []string{u(0) + i32(planAt) + end + sized(string(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))+text)}
	return w
}

const (
	answersPlan = "\x41\xe0\xd4\x03" + end // i32.const planAt
	trapsPlan   = "\x00" + end
)

func TestPlanIsPartOfTheDecision(t *testing.T) {
	for _, c := range []struct{ name, plan, text, grants string }{
		{"none", i32(0) + end, "", "111111"},
		{"everything", answersPlan, "{}", "111111"},
		{"some", answersPlan, `{"n":{"between":[2,4]}}`, "001110"},
		{"nothing", answersPlan, `{"n":{"in":[]}}`, "000000"},
		{"nothing by or", answersPlan, `{"or":[]}`, "000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t, nil)
			h := mustLoad(t, r, tenantA, planned(c.plan, c.text))
			out, used := decide(t, r, tenantA, h, 1, upTo(6)...)
			for i, v := range out {
				if v != (rules.Verdict{Grant: c.grants[i] - '0'}) {
					t.Errorf("record %d: %+v", i, v)
				}
				if alone, _ := decide(t, r, tenantA, h, 1, int64(i)); alone[0] != v {
					t.Errorf("record %d alone: %+v", i, alone[0])
				}
			}
			if _, again := decide(t, r, tenantA, h, 1, upTo(6)...); again != used {
				t.Errorf("fuel %d, then %d", used, again)
			}
			outside := make([]bool, 6)
			fuel := rules.Fuel{Left: rules.QueryFuel}
			b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(1)}, Rows: rowsOf(upTo(6)...)}
			if err := r.Outside(bg, b, &fuel, outside); err != nil {
				t.Fatal(err)
			}
			for i := range outside {
				if outside[i] != (c.grants[i] == '0') {
					t.Errorf("record %d is outside: %v", i, outside[i])
				}
			}
			if _, err := Inspect(bg, withManifest(planned(c.plan, c.text).build(), share())); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestH4_PlansThatCannotBeRead: nothing is shared then, and every record says why.
func TestH4_PlansThatCannotBeRead(t *testing.T) {
	long := `{"n":{"eq":1}}` + strings.Repeat(" ", rules.MaxPlan)
	for _, c := range []struct{ name, plan, text, says string }{
		{"trap", trapsPlan, "", "ended by trap"},
		{"endless", forever + i32(0) + end, "", "ended by fuel"},
		{"outside memory", i32(-1) + end, "", "inside memory"},
		{"at the edge of memory", i32(131_070) + end, "", "inside memory"},
		{"length over the edge", i32(131_000) + end, "", "at byte 0"}, // zero bytes
		{"too long", answersPlan, long, "at most 4096"},
		{"no JSON", answersPlan, "{", "byte 1"},
		{"two objects", answersPlan, "{}{}", "nothing after"},
		{"twice", answersPlan, `{"n":null,"n":{"eq":1}}`, "given twice"},
		{"unknown field", answersPlan, `{"amount":{"eq":1}}`, "unknown name"},
		{"a viewer's attribute", answersPlan, `{"m":{"eq":1}}`, "unknown name"},
		{"other type", answersPlan, `{"n":{"eq":"x"}}`, "whole number"},
		{"VIEWER", answersPlan, `{"n":{"eq":"VIEWER"}}`, "whole number"},
		{"unknown operator", answersPlan, `{"n":{"like":1}}`, "unknown operator"},
		{"null", answersPlan, `{"n":{"eq":null}}`, "isNull"},
		{"no object", answersPlan, `[]`, "expected an object"},
		{"bytes", answersPlan, "{\"\xff\":1}", "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t, nil)
			h := mustLoad(t, r, tenantA, planned(c.plan, c.text))
			out, _ := decide(t, r, tenantA, h, 1, upTo(5)...)
			wantFault(t, out, rules.FaultPlan)
			p, kind, err := r.Plan(bg, &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{{}}}, &rules.Fuel{Left: rules.QueryFuel})
			if p != nil || kind != rules.FaultPlan || err != nil {
				t.Errorf("%v, %v, %v", p, kind, err)
			}
			_, err = Inspect(bg, withManifest(planned(c.plan, c.text).build(), share()))
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Inspect: %v", err)
			}
		})
	}
}

func TestPlanFuel(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, planned(answersPlan, `{"n":{"eq":1}}`))
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{{}}}
	var used []int64
	for range 2 {
		fuel := rules.Fuel{Left: rules.QueryFuel}
		if _, _, err := r.Plan(bg, b, &fuel); err != nil {
			t.Fatal(err)
		}
		used = append(used, rules.QueryFuel-fuel.Left)
	}
	if used[0] <= 0 || used[0] != used[1] {
		t.Errorf("asked and remembered plans cost %v", used)
	}
	if _, _, err := r.Plan(bg, b, &rules.Fuel{Left: used[0] - 1}); fault.KindOf(err) != fault.Limit {
		t.Errorf("with too little fuel: %v", err)
	}
}

func TestPlanIsForShareRules(t *testing.T) {
	m := share()
	m.Effect, m.Grant = rules.Restrict, 0
	r := newRunner(t, nil)
	_, err := r.Load(bg, tenantA, withManifest(planned(answersPlan, "{}").build(), m))
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "only share rules") {
		t.Errorf("got %v", err)
	}
}

// TestPlanSeesTheViewer asks a module that writes the viewer's number into its plan.
func TestPlanSeesTheViewer(t *testing.T) {
	text := `{"n":{"eq":0}}`
	digit := int64(planAt + 4 + strings.IndexByte(text, '0'))
	w := planned(i32(digit)+getBatch+"\x28\x02\x10"+"\x28\x02\x08"+i32('0')+"\x6a"+store8+answersPlan, text)
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, w)
	for _, viewer := range []int64{3, 5, 3, 0} {
		out, _ := decide(t, r, tenantA, h, viewer, upTo(8)...)
		got := slices.IndexFunc(out, func(v rules.Verdict) bool { return v.Grant == 1 })
		if int64(got) != viewer {
			t.Errorf("viewer %d: record %d is shared", viewer, got)
		}
	}
}
