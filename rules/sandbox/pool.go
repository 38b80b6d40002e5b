package sandbox

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"sluice/internal/identity"
	"sluice/rules"
)

// slots bounds the guests that run at once in this process: a guest cannot be
// preempted, so one processor always stays for everything else. A turn is a call of
// a guest with what prepares and checks it, and what tenants spend is fuel.
var slots = sync.OnceValue(func() *gate {
	g := newGate(guestsAtOnce(), guestsAtOnce(), quietFuel)
	g.margin = turnFuel
	return g
})

func guestsAtOnce() int { return max(1, runtime.GOMAXPROCS(0)-1) }

const (
	// quietFuel is what the rules of a tenant that was quiet may spend before it
	// takes turns with tenants that were busy: the fuel of one query.
	quietFuel = rules.QueryFuel
	// turnFuel is what a tenant spends in a row where another wants every turn as well,
	// about a quarter of a millisecond: to change takes time.
	turnFuel = 1_000_000
	// faultWeight is how many times a call about one record counts in the order of turns
	// while it runs, and for good if it fails: that is of no use to anybody. About n records
	// it is an n-th of that: a call that does not end soon makes room for the questions of
	// others before it is known what becomes of it. A call of the Go profile may spend more
	// before that, and counts less often: what one call may count stays a small part of
	// quietFuel, so that nobody's failures wipe out what tenants have spent before.
	faultWeight   = 64
	goFaultWeight = 8
)

// compiling lets one module at a time be compiled in this process.
var compiling = make(chan struct{}, 1)

func compileTurn(ctx context.Context) (done func(), err error) {
	return enter(ctx, compiling, func() { <-compiling })
}

// loading is held by whoever loads one version; the others wait for it.
type loading struct {
	gate    chan struct{}
	holders int // guarded by Runner.mu: who has it or waits
}

// turn waits for the right to load the version, or for the end of ctx. With a
// Cache, versions are loaded side by side; what is compiled in this process is
// compiled one by one.
func (r *Runner) turn(ctx context.Context, k key) (done func(), err error) {
	if r.opts.Cache == nil {
		return compileTurn(ctx)
	}
	r.mu.Lock()
	t := r.loading[k]
	if t == nil {
		t = &loading{gate: make(chan struct{}, 1)}
		r.loading[k] = t
	}
	t.holders++
	r.mu.Unlock()
	leave := func() {
		r.mu.Lock()
		if t.holders--; t.holders == 0 {
			delete(r.loading, k)
		}
		r.mu.Unlock()
	}
	done, err = enter(ctx, t.gate, func() { <-t.gate; leave() })
	if err != nil {
		leave()
	}
	return done, err
}

// slot waits for the right to run one guest, or for the end of ctx. Whoever gets
// it leaves it, and says what was spent.
func slot(ctx context.Context, tenant identity.Tenant) (*turn, error) {
	t := slots().turn(tenant)
	return t, t.take(ctx)
}

func enter(ctx context.Context, gate chan struct{}, leave func()) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case gate <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pool holds the idle guests of one version. A guest is taken only by who holds a
// slot, but keeps while it stands back for others in the middle of a call: there may be
// more of them than slots, and the budget bounds those that are idle.
type pool struct {
	mu   sync.Mutex
	idle []*guest // guarded by mu
}

func (p *pool) get() *guest {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	g := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return g
}

func (p *pool) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle) > 0
}

func (p *pool) put(g *guest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, g)
}

// drain closes all idle guests.
func (v *version) drain(ctx context.Context) {
	for g := v.pool.get(); g != nil; g = v.pool.get() {
		v.budget.give(v.bytes())
		g.close(ctx)
	}
}

// guest returns an idle guest or makes one.
func (v *version) guest(ctx context.Context) (*guest, error) {
	if g := v.pool.get(); g != nil {
		v.budget.give(v.bytes())
		return g, nil
	}
	var g *guest
	err := contain(func() (err error) {
		g, err = v.newGuest(ctx)
		return err
	})
	return g, err
}

// back takes a guest that has been asked: it is put back to its first state, or
// thrown away.
func (v *version) back(ctx context.Context, g *guest, spoil bool) {
	if spoil || !v.room(ctx) {
		g.close(ctx)
		return
	}
	if !v.noReset && g.reset(ctx) != nil {
		v.budget.give(v.bytes())
		g.close(ctx)
		return
	}
	g.at = nil
	v.pool.put(g)
}

// room takes a guest's bytes from the budget, and closes idle guests of others
// to get them.
func (v *version) room(ctx context.Context) bool {
	for v.budget != nil && !v.budget.take(v.bytes()) {
		if !v.reclaim(ctx, v) {
			return false
		}
	}
	return true
}

// bytes is what an idle guest may hold: its memory, and the stack that the
// engine keeps after the deepest calls that their weight allows.
func (v *version) bytes() int64 { return int64(len(v.state.memory)) + stackBytes }

const stackBytes = 1 << 20

// budget bounds the memory of all idle guests of a Runner. A guest for which
// there is no room is made anew each time: slower, and never more memory.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) {
	if b != nil {
		b.left.Add(n)
	}
}
