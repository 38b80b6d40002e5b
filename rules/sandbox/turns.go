package sandbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"sluice/internal/identity"
)

// offer is yield, which tests count.
var offer = yield

// gate hands out turns, so many at once, and always to the tenant that has spent
// least. A tenant that was quiet is behind by at most credit: so much it may spend
// before it takes turns with those that were busy, and no more. No clock decides
// anything in it: the order follows from what was spent.
//
// It is safe for concurrent use. Nobody waits while a turn is free that they may
// have.
type gate struct {
	credit int64
	margin int64 // so much less has to have been spent by who goes before the holder of a turn
	each   int   // turns of one tenant at once

	mu       sync.Mutex
	free     int                          // guarded by mu
	most     int64                        // guarded by mu: what the busiest has spent
	arrivals uint64                       // guarded by mu
	accounts map[identity.Tenant]*account // guarded by mu; who is not in it has spent most-credit
	lines    []*account                   // guarded by mu: those with somebody waiting
	queued   func(tenant identity.Tenant) // tests: called with mu held when somebody has to wait
}

// account is what a gate knows of a tenant. Its fields are guarded by gate.mu.
type account struct {
	spent   int64
	holding int
	waiting []*waiter // in order of arrival
}

type waiter struct {
	of     *account
	number uint64        // of all arrivals
	ready  chan struct{} // closed with the turn given
}

func newGate(turns, each int, credit int64) *gate {
	return &gate{free: turns, each: each, credit: credit, accounts: map[identity.Tenant]*account{}}
}

// turn is a tenant's place at a gate, held or not. It belongs to one goroutine.
type turn struct {
	g      *gate
	tenant identity.Tenant
	held   bool
	owed   int64 // spent, and not said yet: said whenever it is taken or left
	short  int64 // the fuel of the next slice, where that is less than others have; 0 otherwise
	vain   bool  // what was done with it since it was taken is of no use to anybody so far
	waited int64 // nanoseconds, of all takes
}

func (g *gate) turn(tenant identity.Tenant) *turn { return &turn{g: g, tenant: tenant} }

// take waits for a turn, or for the end of ctx. Who holds one already keeps it,
// unless somebody waits who has spent less, by margin: those go first. After an error the
// turn is not held.
func (t *turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		t.leave()
		return err
	}
	if t.held && t.vain {
		offer()
	}
	t.vain = false
	w := t.g.ask(t)
	if w == nil {
		return nil
	}
	began := time.Now()
	defer func() { t.waited += time.Since(began).Nanoseconds() }()
	select {
	case <-w.ready:
		t.held, t.short = true, firstSlice
		return nil
	case <-ctx.Done():
		t.g.cancel(w)
		return ctx.Err()
	}
}

// spend says what the tenant has spent, at once. It need not hold the turn.
func (t *turn) spend(n int64) {
	t.owed += n
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	t.g.settle(t)
}

// leave gives the turn back, if it is held.
func (t *turn) leave() {
	if !t.held && t.owed == 0 {
		return
	}
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	a := t.g.settle(t)
	if t.held {
		t.held = false
		t.g.release(a)
	}
}

// settle writes down what t owes, and returns the account. The caller holds mu.
func (g *gate) settle(t *turn) *account {
	a := g.account(t.tenant)
	a.spent += t.owed
	t.owed = 0
	g.most = max(g.most, a.spent)
	return a
}

// ask gives t its turn, or returns what it waits for.
func (g *gate) ask(t *turn) *waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.settle(t)
	if t.held {
		if first := g.next(); first == nil || first.spent+g.margin >= a.spent {
			return nil
		}
		t.held = false
		w := g.wait(a)
		// Before the tenant's others, so that no more of its guests wait in the middle of
		// a call than it has turns.
		copy(a.waiting[1:], a.waiting)
		a.waiting[0] = w
		g.release(a)
		return w
	}
	if g.free > 0 && a.holding < g.each { // whoever else could have it would
		g.grant(a)
		t.held = true
		return nil
	}
	w := g.wait(a)
	if g.queued != nil {
		g.queued(t.tenant)
	}
	return w
}

func (g *gate) wait(a *account) *waiter {
	g.arrivals++
	w := &waiter{of: a, number: g.arrivals, ready: make(chan struct{})}
	if len(a.waiting) == 0 {
		g.lines = append(g.lines, a)
	}
	a.waiting = append(a.waiting, w)
	return w
}

// unwait takes w out of its line. The caller holds mu.
func (g *gate) unwait(w *waiter) {
	a := w.of
	a.waiting = slices.DeleteFunc(a.waiting, func(o *waiter) bool { return o == w })
	if len(a.waiting) == 0 {
		g.lines = slices.DeleteFunc(g.lines, func(o *account) bool { return o == a })
	}
}

// cancel takes back what w waits for, or has got meanwhile.
func (g *gate) cancel(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready:
		g.release(w.of)
	default:
		g.unwait(w)
	}
}

func (g *gate) grant(a *account) {
	a.holding++
	g.free--
}

// release takes a turn back and gives it to the next. The caller holds mu.
func (g *gate) release(a *account) {
	a.holding--
	g.free++
	for g.free > 0 {
		next := g.next()
		if next == nil {
			return
		}
		w := next.waiting[0]
		g.unwait(w)
		g.grant(next)
		close(w.ready)
	}
}

// next returns who has spent least of those who wait and may have one turn more,
// of equals who came first, and nil for nobody. The caller holds mu.
func (g *gate) next() (first *account) {
	for _, a := range g.lines {
		if a.holding >= g.each {
			continue
		}
		if first == nil || a.spent < first.spent || a.spent == first.spent && a.waiting[0].number < first.waiting[0].number {
			first = a
		}
	}
	return first
}

// account returns what is known of the tenant. Who comes back after others were
// busy for long is not further behind than a newcomer. The caller holds mu.
func (g *gate) account(tenant identity.Tenant) *account {
	a := g.accounts[tenant]
	if a == nil {
		g.trim()
		a = &account{}
		g.accounts[tenant] = a
	}
	a.spent = max(a.spent, g.most-g.credit)
	return a
}

// trim forgets tenants that are not there, where there are many: first who has no
// more to answer for than a newcomer, and if those are not enough everybody, which
// forgives no more than credit. The caller holds mu.
func (g *gate) trim() {
	for _, most := range []int64{g.most - g.credit, g.most} {
		if len(g.accounts) < maxBuckets {
			return
		}
		for tenant, a := range g.accounts {
			if a.holding == 0 && len(a.waiting) == 0 && a.spent <= most {
				delete(g.accounts, tenant)
			}
		}
	}
}
