package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/internal/fault"
	"sluice/rules"
)

// Compiler is asked about every metered module before this process compiles it:
// an error refuses the module. It is the seam for compiling in a child process
// with limits on processor time and memory. Without one the module is compiled
// in this process straight away, bounded by the static check alone. It may be
// called from several goroutines.
type Compiler func(ctx context.Context, metered []byte) error

// version is one module ready to run, for one tenant.
type version struct {
	key      key
	manifest *rules.Manifest
	shape    shape
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	saved    []string
	state    *state
	pool     pool
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
// that one tenant's module does to it reaches another.
func build(ctx context.Context, source []byte, compiler Compiler, interpreter bool) (*version, error) {
	manifest, err := rules.ReadManifest(source)
	if err != nil {
		return nil, err
	}
	m, err := parse(source)
	if err != nil {
		return nil, err
	}
	metered := m.meter()
	v := &version{
		manifest: manifest, shape: newShape(manifest), saved: m.saved(), facts: m.facts,
		metered: len(metered), pages: m.pages, mutable: len(m.saved()),
	}
	if compiler != nil {
		if err := compiler(ctx, metered); err != nil {
			return nil, fault.Wrap(fault.Invalid, "sandbox", err, "module: it could not be compiled within its limits")
		}
	}
	v.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(interpreter))
	if err := contain(func() error { return v.compile(ctx, metered, m.imported > 0) }); err != nil {
		return nil, errors.Join(err, v.runtime.Close(ctx))
	}
	return v, nil
}

func (v *version) compile(ctx context.Context, metered []byte, abort bool) (err error) {
	if abort {
		if err := addAbort(ctx, v.runtime); err != nil {
			return err
		}
	}
	if v.compiled, err = v.runtime.CompileModule(ctx, metered); err != nil {
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: not valid WebAssembly")
	}
	release, err := slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	g, err := v.newGuest(ctx)
	if err != nil {
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: its start-up failed: expected sluice_buf to return an 8-aligned area of %d bytes, without a trap and within %d fuel", v.shape.buffer, StartFuel)
	}
	v.pool.put(g)
	return nil
}

var errAbort = errors.New("abort")

// addAbort gives the module its one import. It traps.
func addAbort(ctx context.Context, rt wazero.Runtime) error {
	params := []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	trap := api.GoFunc(func(context.Context, []uint64) { panic(errAbort) })
	_, err := rt.NewHostModuleBuilder("env").NewFunctionBuilder().WithGoFunction(trap, params, nil).Export("abort").Instantiate(ctx)
	return err
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
