package sandbox

import (
	"context"
	"sync"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
)

const (
	// defaultTenantFuel is for each guest that may run at once: about half of what
	// one core does.
	defaultTenantFuel = 2_000_000_000
	// burst is how many seconds' fuel a tenant may save up.
	burst = 10
	// maxTenantFuel keeps what is saved up within an int64.
	maxTenantFuel = 1 << 50
	// maxBuckets bounds how many tenants are remembered that spend less than they may.
	maxBuckets = 4096
)

// buckets hold back tenants whose rules run all the time, so that the others'
// find a free processor. A tenant that spent its fuel waits until there is some
// again: that changes when its queries are answered, and no answer. It is a token
// bucket that may go below zero, since what a call costs is known after it.
type buckets struct {
	rate  int64 // fuel a second
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error

	mu sync.Mutex
	of map[identity.Tenant]*bucket // guarded by mu; who is not in it has a full one
}

type bucket struct {
	left int64 // as of at
	at   time.Time
}

func newBuckets(rate int64) *buckets {
	return &buckets{rate: rate, now: time.Now, sleep: sleep, of: map[identity.Tenant]*bucket{}}
}

// enter waits until the tenant has fuel. The error is of kind Limit where it
// would not have any before ctx ends, and ctx's where that ends meanwhile.
func (b *buckets) enter(ctx context.Context, tenant identity.Tenant) error {
	for {
		wait := b.wait(tenant)
		if wait <= 0 {
			return nil
		}
		if end, ok := ctx.Deadline(); ok && b.now().Add(wait).After(end) {
			return fault.New(fault.Limit, "sandbox.Decide",
				"custom rules: those of the organization spent their fuel of %d a second; try again in %s", b.rate, wait.Round(time.Millisecond))
		}
		if err := b.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// wait returns how long it takes until the tenant has fuel.
func (b *buckets) wait(tenant identity.Tenant) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.of[tenant]
	if t == nil {
		return 0
	}
	b.fill(t)
	return b.until(t)
}

// until returns how long it takes until t has fuel.
func (b *buckets) until(t *bucket) time.Duration {
	if t.left > 0 {
		return 0
	}
	return time.Duration(float64(1-t.left)/float64(b.rate)*float64(time.Second)) + 1
}

// spares reports whether the tenant has so much that half of what it may save up is
// left to those who wait for answers.
func (b *buckets) spares(tenant identity.Tenant) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.of[tenant]
	if t == nil {
		return true
	}
	b.fill(t)
	return t.left > burst*b.rate/2
}

func errNothingToSpare() error {
	return fault.New(fault.Limit, "sandbox.Decide", "custom rules: those that decide need the organization's fuel")
}

// spend takes what a call has used, and returns what wait would.
func (b *buckets) spend(tenant identity.Tenant, fuel int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.of[tenant]
	if t == nil {
		b.trim()
		t = &bucket{left: burst * b.rate, at: b.now()}
		b.of[tenant] = t
	}
	b.fill(t)
	t.left -= fuel
	return b.until(t)
}

// fill adds what came in since the last time. A clock that goes back adds
// nothing.
func (b *buckets) fill(t *bucket) {
	now := b.now()
	if since := now.Sub(t.at); since > 0 {
		t.left = int64(min(float64(t.left)+since.Seconds()*float64(b.rate), float64(burst*b.rate)))
	}
	t.at = now
}

// trim forgets the full buckets where there are many. The caller holds mu.
func (b *buckets) trim() {
	if len(b.of) < maxBuckets {
		return
	}
	for tenant, t := range b.of {
		if b.fill(t); t.left == burst*b.rate {
			delete(b.of, tenant)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
