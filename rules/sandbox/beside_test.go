package sandbox

import (
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// beside asks about rows in a way that decides nothing.
func beside(r *Runner, h rules.Hash, values ...int64) ([]rules.Verdict, error) {
	out := make([]rules.Verdict, len(values))
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}, Rows: rowsOf(values...), Beside: true}
	err := r.Decide(bg, b, &rules.Fuel{Left: rules.QueryFuel}, out)
	return out, err
}

// TestBesideTakesWhatIsSpare: what decides nothing gets the same answers, and none where
// half of what the tenant may save up is spent; it never waits, and what decides does
// not wait for it.
func TestBesideTakesWhatIsSpare(t *testing.T) {
	const rate = 1_000_000
	r := newRunner(t, &Options{TenantFuel: rate})
	slept := clocked(r)
	h := mustLoad(t, r, tenantA, parity())
	want, _ := decide(t, r, tenantA, h, 0, upTo(20)...)
	got, err := beside(r, h, upTo(20)...)
	for i := range want {
		if err != nil || got[i] != want[i] {
			t.Fatalf("row %d: %+v, %v, deciding %+v", i, got[i], err, want[i])
		}
	}
	n := 0
	for ; err == nil && n < 1_000_000; n++ {
		_, err = beside(r, h, upTo(200)...)
	}
	if fault.KindOf(err) != fault.Limit || *slept != 0 {
		t.Fatalf("after %d questions: %v, slept %s", n, err, *slept)
	}
	if left := r.fuel.of[tenantA].left; left < (burst*rate/2)*9/10 {
		t.Errorf("%d fuel is left to those who wait for answers", left)
	}
	if decide(t, r, tenantA, h, 0, upTo(200)...); *slept != 0 {
		t.Errorf("what decides slept %s", *slept)
	}
	now := r.fuel.now()
	r.fuel.now = func() time.Time { return now.Add(burst * time.Second) }
	if _, err = beside(r, h, 1); err != nil {
		t.Errorf("with a full bucket: %v", err)
	}
}

// TestBesideAccusesNobody: an answer that is not pure is told to who asked, and neither
// puts the module into quarantine nor is reported.
func TestBesideAccusesNobody(t *testing.T) {
	w := eachRule(grant(loadCount + i32(1) + "\x4b")) // n > 1
	told := 0
	r := newRunner(t, &Options{Events: Events{
		Quarantine: func(identity.Tenant, rules.Hash, rules.FaultKind) { told++ },
		Fault:      func(identity.Tenant, rules.Hash, rules.FaultKind, int) { told++ },
	}})
	h := mustLoad(t, r, tenantA, w)
	out, err := beside(r, h, upTo(1200)...)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, out, rules.FaultImpure)
	if r.Quarantined(tenantA, h) || told != 0 {
		t.Errorf("in quarantine: %t, %d events", r.Quarantined(tenantA, h), told)
	}
	if out, _ = decide(t, r, tenantA, h, 0, upTo(1200)...); out[0].Fault != rules.FaultImpure || !r.Quarantined(tenantA, h) {
		t.Error("where it decides nothing is found")
	}
}
