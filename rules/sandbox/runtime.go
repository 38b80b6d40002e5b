package sandbox

import (
	"context"
	"sync"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
)

// Events are hooks for logs and metrics. Nil ones are not called; the others
// must be fast and safe for concurrent use.
type Events struct {
	// Fault is told of each kind of fault in a Decide, with the number of
	// records that have it.
	Fault func(tenant identity.Tenant, rule rules.Hash, kind rules.FaultKind, records int)
	// Quarantine is told once when a rule is quarantined in this process.
	Quarantine func(tenant identity.Tenant, rule rules.Hash, kind rules.FaultKind)
}

// Options configure a Runner. The zero Options and nil are usable.
type Options struct {
	// Cache compiles modules and keeps their code, and may be shared by Runners;
	// with nil they are compiled in this process, bounded by the static check
	// alone, which is for tools and tests.
	Cache  *Cache
	Events Events
	// MaxVersions is how many modules stay loaded, 256 by default. Of the tenant that
	// has most the one that was not asked for longest makes room; it can be loaded again.
	MaxVersions int
	// MaxIdle is how many bytes the guests that wait for work may hold, 256 MiB
	// by default. When they hold more, the guests of the rule that was not asked
	// for longest are closed.
	MaxIdle int64
	// TenantFuel is how much fuel the rules of one tenant may spend a second in
	// the long run, by default 2,000,000,000 for each guest that may run at once.
	// A tenant that spends more waits.
	TenantFuel int64

	interpreter bool // tests: the slow engine, to compare with
}

const (
	defaultVersions = 256
	defaultIdle     = 256 << 20
)

type key struct {
	tenant identity.Tenant
	rule   rules.Hash
}

// Runner is a [rules.Runner] that runs WebAssembly modules. It is safe for
// concurrent use. Close it after the last call has returned.
type Runner struct {
	opts Options
	idle budget
	fuel *buckets

	mu          sync.Mutex
	versions    map[key]*version // guarded by mu
	quarantined map[key]bool     // guarded by mu; outlives eviction
	clock       uint64           // guarded by mu: orders uses
	loading     map[key]*loading // guarded by mu
	closed      bool             // guarded by mu
}

var _ rules.Runner = (*Runner)(nil)

// New returns a Runner; nil options are the defaults.
func New(o *Options) (*Runner, error) {
	r := &Runner{versions: map[key]*version{}, quarantined: map[key]bool{}, loading: map[key]*loading{}}
	if o != nil {
		r.opts = *o
	}
	if r.opts.MaxVersions < 0 || r.opts.MaxIdle < 0 || r.opts.TenantFuel < 0 || r.opts.TenantFuel > maxTenantFuel {
		return nil, fault.New(fault.Invalid, "sandbox.New", "MaxVersions, MaxIdle, TenantFuel: expected 0 or more, and TenantFuel at most %d", int64(maxTenantFuel))
	}
	if r.opts.TenantFuel == 0 {
		r.opts.TenantFuel = defaultTenantFuel * int64(guestsAtOnce())
	}
	r.fuel = newBuckets(r.opts.TenantFuel)
	if r.opts.MaxIdle == 0 {
		r.opts.MaxIdle = defaultIdle
	}
	r.idle.left.Store(r.opts.MaxIdle)
	if r.opts.MaxVersions == 0 {
		r.opts.MaxVersions = defaultVersions
	}
	return r, nil
}

// Close frees all modules. What is asked later finds nothing loaded and gets
// [rules.FaultMissing].
func (r *Runner) Close() error {
	r.mu.Lock()
	r.closed = true
	var idle []*version
	for k := range r.versions {
		idle = r.drop(k, idle)
	}
	r.mu.Unlock()
	closeVersions(context.Background(), idle)
	return nil
}

// Load checks, meters and compiles a module for the tenant. It returns an error
// of kind Invalid for a module that is refused, of kind Unavailable when nothing
// can be compiled here now, and ctx's error if that ends first; without a Cache
// compilation itself is not interrupted.
func (r *Runner) Load(ctx context.Context, tenant identity.Tenant, module []byte) (rules.Hash, error) {
	if tenant.IsZero() {
		return rules.Hash{}, fault.New(fault.Internal, "sandbox.Load", "no tenant")
	}
	if len(module) > MaxModule {
		return rules.Hash{}, fault.New(fault.Invalid, "sandbox.Load", "module: %d bytes, at most %d", len(module), MaxModule)
	}
	h := rules.HashOf(module)
	if ctx.Err() == nil && r.Loaded(tenant, h) {
		return h, nil
	}
	done, err := r.turn(ctx, key{tenant, h})
	if err != nil {
		return rules.Hash{}, err
	}
	defer done()
	if r.Loaded(tenant, h) {
		return h, nil
	}
	v, err := build(ctx, tenant, module, r.opts.Cache, r.opts.interpreter)
	if err != nil {
		return rules.Hash{}, err
	}
	r.adopt(ctx, v)
	return h, r.add(ctx, v)
}

// Loaded reports whether Decide can run the rule without Load.
func (r *Runner) Loaded(tenant identity.Tenant, h rules.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.versions[key{tenant, h}] != nil
}

// Unload forgets a version; calls in progress finish with it.
func (r *Runner) Unload(tenant identity.Tenant, h rules.Hash) {
	r.mu.Lock()
	idle := r.drop(key{tenant, h}, nil)
	r.mu.Unlock()
	closeVersions(context.Background(), idle)
}

// adopt counts the guests of v in the budget from here on.
func (r *Runner) adopt(ctx context.Context, v *version) {
	trial := v.pool.get()
	v.budget = &r.idle
	v.reclaim = r.reclaim
	v.back(ctx, trial, false)
}

// reclaim closes the idle guests of the version whose last use is longest ago,
// but's excepted, and reports whether there were any.
func (r *Runner) reclaim(ctx context.Context, but *version) bool {
	r.mu.Lock()
	var first *version
	for _, v := range r.versions {
		if v != but && v.pool.any() && (first == nil || v.used < first.used) {
			first = v
		}
	}
	if first != nil {
		first.pins++
	}
	r.mu.Unlock()
	if first == nil {
		return false
	}
	first.drain(ctx)
	r.unpin(ctx, first)
	return true
}

func (r *Runner) add(ctx context.Context, v *version) error {
	r.mu.Lock()
	var idle []*version
	closed := r.closed
	if closed {
		idle = append(idle, v)
	} else {
		for len(r.versions) >= r.opts.MaxVersions {
			idle = r.drop(r.oldest(v.key.tenant), idle)
		}
		r.clock++
		v.used = r.clock
		r.versions[v.key] = v
	}
	r.mu.Unlock()
	closeVersions(ctx, idle)
	if closed {
		return fault.New(fault.Unavailable, "sandbox.Load", "custom rules: closed")
	}
	return nil
}

// oldest returns the version whose last use is longest ago, of the tenant that has most
// with the one that is loading: nobody's modules have to be loaded again because another
// loads many. The caller holds mu.
func (r *Runner) oldest(loading identity.Tenant) (k key) {
	has := map[identity.Tenant]int{loading: 1}
	for k := range r.versions {
		has[k.tenant]++
	}
	var first *version
	for _, v := range r.versions {
		more := 0
		if first != nil {
			more = has[v.key.tenant] - has[first.key.tenant]
		}
		if first == nil || more > 0 || more == 0 && v.used < first.used {
			first, k = v, v.key
		}
	}
	return k
}

// drop forgets a version and appends it to idle if nobody uses it; otherwise
// the last user closes it. The caller holds mu.
func (r *Runner) drop(k key, idle []*version) []*version {
	v := r.versions[k]
	if v == nil {
		return idle
	}
	delete(r.versions, k)
	v.disconnected = true
	if v.pins == 0 {
		idle = append(idle, v)
	}
	return idle
}

// pin returns the version, if it is loaded, and keeps it from being closed
// until unpin.
func (r *Runner) pin(k key) (v *version, quarantined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v = r.versions[k]; v != nil {
		r.clock++
		v.used = r.clock
		v.pins++
	}
	return v, r.quarantined[k]
}

func (r *Runner) unpin(ctx context.Context, v *version) {
	r.mu.Lock()
	v.pins--
	last := v.pins == 0 && v.disconnected
	r.mu.Unlock()
	if last {
		closeVersions(ctx, []*version{v})
	}
}

// quarantine marks the rule and reports it the first time.
func (r *Runner) quarantine(k key, kind rules.FaultKind) {
	r.mu.Lock()
	first := !r.quarantined[k]
	r.quarantined[k] = true
	r.mu.Unlock()
	if first && r.opts.Events.Quarantine != nil {
		r.opts.Events.Quarantine(k.tenant, k.rule, kind)
	}
}

func closeVersions(ctx context.Context, vs []*version) {
	for _, v := range vs {
		v.drain(ctx)
		_ = v.free(ctx) // memory only: there is no error to act on
	}
}
