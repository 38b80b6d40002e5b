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
// costs to put the guest back.
type Result struct {
	Case Case
	Got  rules.Verdict
	Fuel int64
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
		out[i] = Result{c, verdict[0], rules.QueryFuel - fuel.Left}
	}
	return out, nil
}

// Report prints a line for each result, under a failed one what was expected
// and what came, and a sum. It returns how many failed.
func Report(w io.Writer, m *rules.Manifest, results []Result) (failed int, err error) {
	var b strings.Builder
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
	}
	fmt.Fprintf(&b, "%d cases: %d ok, %d failed\n", len(results), len(results)-failed, failed)
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
	var answer string
	switch m.Effect {
	case rules.Mask:
		hidden := []string{}
		for i, name := range m.Mask {
			if v.Visible>>i&1 == 0 {
				hidden = append(hidden, name)
			}
		}
		answer = "[" + strings.Join(hidden, ", ") + "]"
	case rules.Restrict:
		answer = named(keeps, v.Grant)
	default:
		answer = named(grants, v.Grant)
	}
	reason := "none"
	if n := int(v.Reason); n > 0 && n <= len(m.Reasons) {
		reason = fmt.Sprintf("%d %q", n, m.Reasons[n-1])
	}
	return [3]string{answer, reason, v.Fault.String()}
}

func named(words []string, n uint8) string {
	if int(n) < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// Costliest returns the result that spent most; results must not be empty.
func Costliest(results []Result) Result {
	return slices.MaxFunc(results, func(a, b Result) int { return int(a.Fuel - b.Fuel) })
}
