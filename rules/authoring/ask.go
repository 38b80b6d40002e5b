package authoring

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// author is the tenant that modules run for on the author's machine.
var author = identity.Tenant{1}

// Result is what one case gave. Fuel is that of the case alone, with what it
// costs to put the guest back. Outside says that sluice_decide shares the record and
// sluice_plan leaves it out, which is [rules.FaultPlan] of the record.
type Result struct {
	Case    Case
	Got     rules.Verdict
	Fuel    int64
	Outside bool
}

// OK reports whether the rule answered as expected.
func (r *Result) OK() bool { return r.Got == r.Case.Want }

// Ask loads the module and asks it about each case alone.
func Ask(ctx context.Context, runner rules.Runner, module []byte, cases []Case) ([]Result, error) {
	h, err := runner.Load(ctx, author, module)
	if err != nil {
		return nil, err
	}
	out := make([]Result, len(cases))
	for i, c := range cases {
		verdict := make([]rules.Verdict, 1)
		fuel := rules.Fuel{Left: rules.QueryFuel}
		b := rules.Batch{Tenant: author, Rule: h, Viewer: c.Viewer, Rows: [][]record.Value{c.Record}}
		if err := runner.Decide(ctx, &b, &fuel, verdict); err != nil {
			return nil, err
		}
		out[i] = Result{Case: c, Got: verdict[0], Fuel: rules.QueryFuel - fuel.Left}
		n, err := outside(ctx, runner, &b)
		if err != nil {
			return nil, err
		}
		if out[i].Outside = n > 0; n > 0 {
			out[i].Got = rules.Verdict{Fault: rules.FaultPlan}
		}
	}
	return out, together(ctx, runner, h, out)
}

// together asks again about the cases of each viewer, as a list does, and sets
// [rules.FaultImpure] where the answer is another than alone. Cases that went wrong
// alone are left out: what one record may spend is less than what a list may.
func together(ctx context.Context, runner rules.Runner, h rules.Hash, results []Result) error {
	done := make([]bool, len(results))
	for i := range results {
		var same []*Result
		var rows [][]record.Value
		for k := i; k < len(results); k++ {
			r := &results[k]
			if !done[k] && r.Got.Fault == rules.NoFault && slices.EqualFunc(r.Case.Viewer, results[i].Case.Viewer, record.Value.Equal) {
				done[k] = true
				same, rows = append(same, r), append(rows, r.Case.Record)
			}
		}
		if len(rows) == 1 { // a list of the same record twice
			same, rows = append(same, same[0]), append(rows, rows[0])
		}
		for len(rows) > 1 {
			n := min(len(rows), batchSize)
			verdicts := make([]rules.Verdict, n)
			fuel := rules.Fuel{Left: rules.QueryFuel}
			b := rules.Batch{Tenant: author, Rule: h, Viewer: results[i].Case.Viewer, Rows: rows[:n]}
			if err := runner.Decide(ctx, &b, &fuel, verdicts); err != nil {
				return err
			}
			for k, v := range verdicts {
				if v != same[k].Got {
					same[k].Got = rules.Verdict{Fault: rules.FaultImpure}
				}
			}
			same, rows = same[n:], rows[n:]
		}
	}
	return nil
}

// outside counts the rows that are shared outside of the plan.
func outside(ctx context.Context, runner rules.Runner, b *rules.Batch) (n int, err error) {
	planner, ok := runner.(rules.Planner)
	if !ok {
		return 0, nil
	}
	out := make([]bool, len(b.Rows))
	fuel := rules.Fuel{Left: rules.QueryFuel}
	err = planner.Outside(ctx, b, &fuel, out)
	for _, shared := range out {
		if shared {
			n++
		}
	}
	return n, err
}

// CheckPlan holds the plan of a module to its cases and to generated ones, and
// returns what is wrong: of kind Invalid where the plan leaves out what the module
// shares. A module without a plan has nothing wrong.
func CheckPlan(ctx context.Context, runner rules.Runner, module []byte, m *rules.Manifest, cases []Case) error {
	planner, ok := runner.(rules.Planner)
	if !ok || !rules.MayPlan(module) {
		return nil
	}
	h, err := runner.Load(ctx, author, module)
	if err != nil {
		return err
	}
	var in rules.PlanInputs
	for _, c := range cases {
		in.Cases = append(in.Cases, rules.PlanCase{Name: c.Name, Viewer: c.Viewer, Record: c.Record})
	}
	got, err := rules.CheckPlan(ctx, planner, author, h, m, in)
	if err != nil {
		return err
	}
	return got.Gap.Err()
}

// Report prints a line for each result, under a failed one what was expected
// and what came, what a fault means where it is the first of its kind, and a sum. It
// returns how many failed.
func Report(w io.Writer, m *rules.Manifest, results []Result) (failed int, err error) {
	var b strings.Builder
	var explained [rules.FaultKinds]bool
	for i := range results {
		r := &results[i]
		if r.OK() {
			fmt.Fprintf(&b, "ok    %s\n", r.Case.Name)
			continue
		}
		failed++
		fmt.Fprintf(&b, "FAIL  %s (line %d)\n", r.Case.Name, r.Case.Line)
		for _, d := range differences(m, r.Case.Want, r.Got) {
			fmt.Fprintf(&b, "        %-7s expected %s, got %s\n", d[0], d[1], d[2])
		}
		if why := explain(r.Got.Fault); why != "" && r.Got.Fault != r.Case.Want.Fault && !explained[r.Got.Fault] {
			explained[r.Got.Fault] = true
			fmt.Fprintf(&b, "        %-7s %s\n", r.Got.Fault, why)
		}
		if r.Outside {
			fmt.Fprintf(&b, "        %-7s too narrow: sluice_decide shares the record, sluice_plan leaves it out; widen sluice_plan\n", "plan")
		}
	}
	cases := "cases"
	if len(results) == 1 {
		cases = "case"
	}
	fmt.Fprintf(&b, "%d %s: %d ok, %d failed\n", len(results), cases, len(results)-failed, failed)
	_, err = io.WriteString(w, b.String())
	return failed, err
}

// differences lists what differs: the key of a case file, expected, got.
func differences(m *rules.Manifest, want, got rules.Verdict) (out [][3]string) {
	a, b := describe(m, want), describe(m, got)
	for i, key := range []string{answerKey(m.Effect), "reason", "fault"} {
		if a[i] != b[i] {
			out = append(out, [3]string{key, a[i], b[i]})
		}
	}
	return out
}

// describe writes a verdict as a case file does: answer, reason, fault.
func describe(m *rules.Manifest, v rules.Verdict) [3]string {
	reason := "none"
	if n := int(v.Reason); n > 0 && n <= len(m.Reasons) {
		reason = fmt.Sprintf("%d %q", n, m.Reasons[n-1])
	}
	return [3]string{m.Answer(v), reason, v.Fault.String()}
}
