package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// clocked gives a runner's buckets a clock that moves by sleeping alone.
func clocked(r *Runner) (slept *time.Duration) {
	now := time.Unix(1_800_000_000, 0)
	slept = new(time.Duration)
	r.fuel.now = func() time.Time { return now }
	r.fuel.sleep = func(ctx context.Context, d time.Duration) error {
		now, *slept = now.Add(d), *slept+d
		return ctx.Err()
	}
	return slept
}

// A tenant that spent its fuel waits, in proportion to what it spent, and gets
// the answers that it would have had; another does not wait for it.
func TestTenantThatSpentItsFuelWaits(t *testing.T) {
	r := newRunner(t, &Options{TenantFuel: 4_000})
	slept := clocked(r)
	h := mustLoad(t, r, tenantA, parity())
	mustLoad(t, r, tenantB, parity())

	plain := newRunner(t, nil)
	want, _ := decide(t, plain, tenantA, mustLoad(t, plain, tenantA, parity()), 0, upTo(2000)...)
	got, used := decide(t, r, tenantA, h, 0, upTo(2000)...)
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d: %+v, without waiting %+v", i, got[i], want[i])
		}
	}
	// What is above the burst is waited for, all but the cost of the last step.
	atLeast := time.Duration(used-burst*4_000-2*RecordFuel) * time.Second / 4_000
	atMost := time.Duration(used-burst*4_000)*time.Second/4_000 + time.Second
	if *slept < atLeast || *slept > atMost {
		t.Fatalf("slept %s for %d fuel at 4,000 a second, expected %s to %s", *slept, used, atLeast, atMost)
	}
	before := *slept
	if decide(t, r, tenantB, h, 0, 1); *slept != before {
		t.Fatalf("another tenant slept %s", *slept-before)
	}
}

// Where there will be no fuel before the deadline the query ends at once, with
// an error and no answer.
func TestTenantWithoutFuelBeforeTheDeadline(t *testing.T) {
	r := newRunner(t, &Options{TenantFuel: 1})
	slept := clocked(r)
	h := mustLoad(t, r, tenantA, parity())
	decide(t, r, tenantA, h, 0, 1)

	ctx, cancel := context.WithDeadline(bg, r.fuel.now().Add(time.Minute))
	defer cancel()
	out := []rules.Verdict{{Grant: 1}}
	err := r.Decide(ctx, &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}, Rows: rowsOf(1)}, &rules.Fuel{Left: rules.QueryFuel}, out)
	if fault.KindOf(err) != fault.Limit || out[0] != (rules.Verdict{}) || *slept != 0 {
		t.Fatalf("got %v, verdict %+v, after %s", err, out[0], *slept)
	}

	ended, end := context.WithCancel(bg)
	end()
	err = r.fuel.enter(ended, tenantA)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a query that ended while it waited: %v", err)
	}
}

// What is remembered of tenants stays bounded, and a debt is not forgotten.
func TestBucketsAreBounded(t *testing.T) {
	b := newBuckets(100)
	now := time.Unix(1_800_000_000, 0)
	b.now = func() time.Time { return now }
	b.spend(tenantA, 1_000_000)
	for i := range 3 * maxBuckets {
		now = now.Add(100 * time.Millisecond)
		b.spend(identity.Tenant{9, byte(i), byte(i >> 8)}, 1)
	}
	if len(b.of) > maxBuckets {
		t.Fatalf("%d tenants are remembered, at most %d", len(b.of), maxBuckets)
	}
	if b.wait(tenantA) <= 0 {
		t.Fatal("a debt was forgotten")
	}
	now = now.Add(-time.Hour)
	if b.fill(b.of[tenantA]); b.wait(tenantA) <= 0 {
		t.Fatal("a clock that went back paid a debt")
	}
}

// What a tenant may spend has a bound, beyond which its bucket would overflow.
func TestTenantFuelIsBounded(t *testing.T) {
	for fuel, ok := range map[int64]bool{-1: false, 0: true, maxTenantFuel: true, maxTenantFuel + 1: false, 1 << 62: false} {
		r, err := New(&Options{TenantFuel: fuel})
		if (err == nil) != ok {
			t.Errorf("TenantFuel %d: %v", fuel, err)
		}
		if err == nil {
			_ = r.Close()
		}
	}
}
