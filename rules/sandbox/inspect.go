package sandbox

import (
	"context"

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
}

// Inspect does for an upload what [Runner.Load] does, in this process and
// without a [Compiler], asks the module about one record of nulls, and keeps
// nothing. The error is that of Load.
func Inspect(ctx context.Context, module []byte) (Info, error) {
	done, err := compileTurn(ctx)
	if err != nil {
		return Info{}, err
	}
	defer done()
	v, err := build(ctx, module, nil, false)
	if err != nil {
		return Info{}, err
	}
	defer closeVersions(ctx, []*version{v})
	release, err := slot(ctx)
	if err != nil {
		return Info{}, err
	}
	defer release()
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
	return info, nil
}
