package sandbox

import (
	"fmt"
	"testing"

	"sluice/rules"
)

// variant is a module with other bytes, and so another hash, that does the same.
func variant(t *testing.T, r *Runner, w wasm, n int) rules.Hash {
	t.Helper()
	h, err := r.Load(bg, tenantA, withManifest(append(w.build(), raw(0, sized("variant")+fmt.Sprint(n))...), share()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (r *Runner) decided(t *testing.T, h rules.Hash, n int, sample uint64) ([]rules.Verdict, int64) {
	t.Helper()
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: rowsOf(0)[0], Rows: rowsOf(upTo(n)...), Sample: sample}
	fuel, out := rules.Fuel{Left: rules.QueryFuel}, make([]rules.Verdict, n)
	if err := r.Decide(bg, b, &fuel, out); err != nil {
		t.Fatal(err)
	}
	return out, rules.QueryFuel - fuel.Left
}

// byPosition are modules that give a record otherwise what it gets alone.
var byPosition = map[string]wasm{
	"gives among others":            eachRule(grant(loadCount + i32(1) + "\x4b")),
	"keeps among others":            eachRule(grant(loadCount + i32(1) + "\x46")),
	"gives the last among others":   rule(loadCount + i32(1) + "\x4b\x04\x40" + loadGrants + loadCount + "\x6a" + i32(1) + "\x6b" + i32(1) + store8 + end + returnOK),
	"gives the second among others": rule(loadCount + i32(1) + "\x4b\x04\x40" + loadGrants + i32(1) + "\x6a" + i32(2) + store8 + end + returnOK),
}

// TestH2FewAreSampled: of fewer records than a window some are asked again at every
// question, first of all those that the module opened, so that one that decides by
// what else is asked gives nothing, whatever its hash and the question.
func TestH2FewAreSampled(t *testing.T) {
	for what, w := range byPosition {
		r := newRunner(t, nil)
		for i, n := range []int{2, 3, 5, 20, 63, 64, 65, 255} {
			out, _ := r.decided(t, variant(t, r, w, i), n, uint64(i)*7919)
			for at, v := range out {
				if v != (rules.Verdict{Fault: rules.FaultImpure}) {
					t.Errorf("%s: record %d of %d got %+v", what, at, n, v)
					break
				}
			}
		}
	}
}

// TestH2WindowsAreSampled: an operation asks about one window of records at a time. No
// module has windows that are never sampled, whatever its hash, and equal questions
// cost the same.
func TestH2WindowsAreSampled(t *testing.T) {
	r := newRunner(t, nil)
	for i := range 8 {
		h := variant(t, r, byPosition["gives among others"], i)
		found := false
		for sample := uint64(0); sample < checkedRecords*checkedWindows && !found; sample += checkedRecords {
			out, _ := r.decided(t, h, MaxBatch, sample)
			found = out[0].Fault == rules.FaultImpure
		}
		if !found {
			t.Errorf("variant %d is in no sample", i)
		}
	}
	pure := mustLoad(t, r, tenantA, parity())
	for _, n := range []int{1, 2, 20, 255, MaxBatch, 1000} {
		for sample := range uint64(3) {
			_, first := r.decided(t, pure, n, sample*29)
			if _, again := r.decided(t, pure, n, sample*29); again != first {
				t.Errorf("%d records cost %d and then %d", n, first, again)
			}
		}
	}
}
