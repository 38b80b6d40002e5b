package sandbox

import (
	"math"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
)

// raceDetector is set where the tests run with it: pools keep nothing then, at random.
var raceDetector bool

// TestBatchesAllocateNothing: a query about records of a rule that is loaded allocates
// what it knows of itself, and nothing more for each batch, the records asked alone or
// the pauses.
func TestBatchesAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the detector allocates")
	}
	r := newRunner(t, nil)
	longer := eachRule(i32(50) + "\x21\x03\x03\x40\x20\x03" + i32(1) + "\x6b\x22\x03\x0d\x00" + end + grant(i32(1)))
	for name, w := range map[string]wasm{"at once": eachRule(grant(i32(1))), "with pauses": longer} {
		h := mustLoad(t, r, tenantA, w)
		rows := rowsOf(upTo(16 * MaxBatch)...)
		out := make([]rules.Verdict, len(rows))
		fuel := &rules.Fuel{}
		b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}}
		ask := func(n int) float64 {
			b.Rows, fuel.Left = rows[:n], rules.QueryFuel
			return testing.AllocsPerRun(1, func() {
				if err := r.Decide(bg, b, fuel, out[:n]); err != nil || out[n-1] != (rules.Verdict{Grant: 1}) {
					t.Errorf("%s: %v, %+v", name, err, out[n-1])
				}
			})
		}
		one, many := math.Inf(1), math.Inf(1)
		for range 5 { // something else may allocate meanwhile: the least counts
			one, many = min(one, ask(1)), min(many, ask(len(rows)))
		}
		if perRecord := (rules.QueryFuel - fuel.Left) / int64(len(rows)); one > 1 || many > one || name == "with pauses" && perRecord*MaxBatch < 2*slice {
			t.Errorf("%s: %v allocations for a record, %v for %d of %d fuel each", name, one, many, len(rows), perRecord)
		}
	}
}
