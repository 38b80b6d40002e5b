package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
)

// version is one module ready to run, for one tenant.
type version struct {
	key      key
	limits   *limits
	manifest *rules.Manifest
	shape    shape
	runtime  wazero.Runtime
	cached   wazero.CompilationCache // nil without a [Cache]; closed after runtime
	compiled wazero.CompiledModule
	saved    []string
	state    *state
	pool     pool
	plans    bool // it exports sluice_plan
	planned  plans
	// budget and reclaim are the Runner's; nil while there is none.
	budget  *budget
	reclaim func(ctx context.Context, but *version) bool

	startFuel    int64
	facts        facts
	metered      int // bytes
	pages        int
	mutable      int
	noReset      bool // tests only: shows that the reset is what stops a leak
	noPurity     bool // tests only
	pins         int  // guarded by Runner.mu
	used         uint64
	disconnected bool // guarded by Runner.mu: close when the last pin goes
}

func runtimeConfig(interpreter bool) wazero.RuntimeConfig {
	c := wazero.NewRuntimeConfig()
	if interpreter {
		c = wazero.NewRuntimeConfigInterpreter()
	}
	// Reference types cannot be switched off without the bulk operations that
	// compilers emit; the check refuses every instruction that uses them.
	return c.WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureSIMD, false)).
		WithMemoryLimitPages(maxMemoryPages).
		WithDebugInfoEnabled(false).
		WithCustomSections(false).
		WithCloseOnContextDone(false)
}

// build turns a module into a version with one trial guest in its pool. Every
// version has a runtime of its own: closing it frees everything, and nothing
// that one tenant's module does to it reaches another. The entries of the cache, which
// is nil for compiling here, are the tenant's own as well.
func build(ctx context.Context, tenant identity.Tenant, source []byte, cache *Cache, interpreter bool) (*version, error) {
	manifest, err := rules.ReadManifest(source)
	if err != nil {
		return nil, err
	}
	m, err := parseAs(source, manifest.Profile)
	if err != nil {
		return nil, err
	}
	_, plans := m.export("sluice_plan")
	if plans && manifest.Effect != rules.Share {
		return nil, fault.New(fault.Invalid, "sandbox", "module: it exports sluice_plan, which only share rules may have; this one is for %s", manifest.Effect)
	}
	metered := m.meter()
	v := &version{
		key:    key{tenant, rules.HashOf(source)},
		limits: m.limits, manifest: manifest, shape: newShape(manifest), saved: m.saved(), facts: m.facts,
		metered: len(metered), pages: m.pages, mutable: len(m.saved()), plans: plans,
	}
	if err := v.prepare(ctx, metered, m.imported > 0, cache, interpreter); err != nil {
		return nil, errors.Join(err, v.free(ctx))
	}
	return v, nil
}

// prepare makes the runtime, the code and the trial guest. After an error the
// caller frees what there is.
func (v *version) prepare(ctx context.Context, metered []byte, imports bool, cache *Cache, interpreter bool) error {
	config := runtimeConfig(interpreter).WithMemoryLimitPages(uint32(v.limits.pages))
	compile := func() error { return contain(func() error { return v.compile(ctx, config, metered, imports) }) }
	if cache == nil {
		if err := compile(); err != nil {
			return err
		}
	} else if err := cache.load(ctx, v.key.tenant, metered, func(dir string) (err error) {
		if v.cached, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return fault.Wrap(fault.Internal, "sandbox", err, "custom rules: compiled code cannot be read")
		}
		config = config.WithCompilationCache(v.cached)
		return compile()
	}); err != nil {
		return err
	}
	return contain(func() error { return v.try(ctx) })
}

// compile makes the runtime and the code.
func (v *version) compile(ctx context.Context, config wazero.RuntimeConfig, metered []byte, imports bool) (err error) {
	v.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if imports {
		if err := addHost(ctx, v.runtime, v.manifest.Profile); err != nil {
			return err
		}
	}
	if v.compiled, err = v.runtime.CompileModule(withPauses(ctx), metered); err != nil {
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: not valid WebAssembly")
	}
	return nil
}

// try makes the trial guest.
func (v *version) try(ctx context.Context) error {
	t, err := slot(ctx, v.key.tenant)
	if err != nil {
		return err
	}
	defer t.leave()
	g, err := v.newGuest(ctx)
	t.spend(v.startFuel)
	if err != nil {
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: its start-up failed: expected sluice_buf to return an 8-aligned area of %d bytes, without a trap and within %d fuel", v.shape.buffer, v.limits.start)
	}
	v.pool.put(g)
	return nil
}

// free gives back what the version holds of the engine.
func (v *version) free(ctx context.Context) error {
	var errs []error
	if v.runtime != nil {
		errs = append(errs, v.runtime.Close(ctx))
	}
	if v.cached != nil {
		errs = append(errs, v.cached.Close(ctx))
	}
	return errors.Join(errs...)
}

// contain turns a panic of the engine into an error: a module that makes the
// compiler fail must not end the process.
func contain(f func() error) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fault.Wrap(fault.Invalid, "sandbox", fmt.Errorf("panic: %v", e), "module: it could not be compiled")
		}
	}()
	return f()
}
