package sandbox

import (
	"context"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// Info is what an upload can show about a module.
type Info struct {
	Hash         rules.Hash
	Manifest     *rules.Manifest
	Bytes        int // as uploaded
	Metered      int // bytes as run
	Instructions int
	MostBlocks   int // basic blocks of the largest function, at most 1,000
	Pages        int // memory at the beginning, 64 KiB each, at most 16
	GrowsMemory  bool
	Globals      int   // mutable ones, which are reset after every batch
	StartFuel    int64 // spent by start-up, at most StartFuel
	// NullFuel is spent by one record, alone, whose fields and viewer are all
	// null: a first idea of the price. NullFault is set when that went wrong.
	NullFuel  int64
	NullFault rules.FaultKind
	// Plan is the plan for that viewer, as JSON; empty where there is none.
	Plan string
}

// Inspect does for an upload what [Runner.Load] does, in this process and
// without a [Cache], asks the module about one record of nulls, and keeps
// nothing. The error is that of Load, or says what is wrong with the plan for that
// viewer. It is for tools; a server has [Cache.Inspect].
func Inspect(ctx context.Context, module []byte) (Info, error) {
	done, err := compileTurn(ctx)
	if err != nil {
		return Info{}, err
	}
	defer done()
	return inspect(ctx, identity.Tenant{}, module, nil)
}

// Inspect is like the function of that name, with the module compiled by the
// cache's Compiler. The code stays in the cache: loading the module for the tenant of
// ctx's principal, whose turn it is, see [Cache], finds it.
func (c *Cache) Inspect(ctx context.Context, module []byte) (Info, error) {
	if len(module) > MaxModule {
		return Info{}, fault.New(fault.Invalid, "sandbox.Inspect", "module: %d bytes, at most %d", len(module), MaxModule)
	}
	p, _ := identity.FromContext(ctx)
	return inspect(ctx, p.Tenant, module, c)
}

func inspect(ctx context.Context, tenant identity.Tenant, module []byte, cache *Cache) (Info, error) {
	v, err := build(ctx, tenant, module, cache, false)
	if err != nil {
		return Info{}, err
	}
	defer closeVersions(ctx, []*version{v})
	t, err := slot(ctx, tenant)
	if err != nil {
		return Info{}, err
	}
	defer t.leave()
	g, err := v.guest(ctx)
	if err != nil {
		return Info{}, err
	}
	a := g.ask(ctx, make([]record.Value, len(v.shape.viewer)), [][]record.Value{make([]record.Value, len(v.shape.record))}, 1)
	info := Info{
		Hash: rules.HashOf(module), Manifest: v.manifest, Bytes: len(module), Metered: v.metered,
		Instructions: v.facts.instructions, MostBlocks: v.facts.maxBlocks, Pages: v.pages,
		GrowsMemory: v.facts.grows, Globals: v.mutable, StartFuel: v.startFuel,
		NullFuel: a.used, NullFault: a.fault,
	}
	if a.fault == rules.NoFault {
		info.NullFault = v.manifest.Accept(g.batch.verdict(0)).Fault
	}
	v.back(ctx, g, a.spoil)
	if !v.plans {
		return info, nil
	}
	if g, err = v.guest(ctx); err != nil {
		return Info{}, err
	}
	info.Plan, err = v.planText(ctx, g)
	return info, err
}
