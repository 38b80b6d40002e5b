package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/internal/record"
	"sluice/rules"
)

// guest is one instance of a version. It is used by one goroutine at a time.
type guest struct {
	v      *version
	mod    api.Module
	mem    api.Memory
	decide api.Function
	plan   api.Function // nil where there is none
	fuel   api.MutableGlobal
	depth  api.MutableGlobal
	floor  api.MutableGlobal
	saved  []api.MutableGlobal
	stack  [1]uint64
	batch  batch

	at      *turn  // with which it runs, and stands back at every pause; nil for none
	inside  inside // of the current call
	slice   int64  // fuel of the current slice
	paid    int64  // with what the turn was charged for the current call already
	weight  int64  // of the fuel of the current call in the order of turns, unless it succeeds
	stopped error  // what standBack returned
}

// state is what every instance of a version looks like after start-up. A guest
// is deterministic and imports nothing that is not, so one copy serves all.
type state struct {
	memory  []byte
	areas   []area // of memory, all of it
	globals []uint64
	base    uint32 // the guest's address of the batch
}

// bare is the configuration of every instance: no name, no start function, and no
// randomness. The engine's own source of it, which no guest reaches, would be seeded for
// each.
var bare = wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(strings.NewReader(""))

// newGuest makes an instance: the first of a version runs its start-up, the others
// are put where that ended.
func (v *version) newGuest(ctx context.Context) (*guest, error) {
	mod, err := v.runtime.InstantiateModule(v.inMemory(ctx), v.compiled, bare)
	if err != nil {
		return nil, err
	}
	g, err := v.bind(mod)
	switch {
	case err != nil:
	case v.state == nil:
		err = g.start(ctx)
	default:
		err = g.restore(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, mod.Close(ctx))
	}
	return g, nil
}

// bind looks up everything that the host uses; the check has made sure that it
// is there.
func (v *version) bind(mod api.Module) (*guest, error) {
	g := &guest{v: v, mod: mod, mem: mod.Memory(), decide: mod.ExportedFunction("sluice_decide")}
	if v.plans {
		g.plan = mod.ExportedFunction("sluice_plan")
	}
	counter := func(name string) api.MutableGlobal {
		m, _ := mod.ExportedGlobal(name).(api.MutableGlobal)
		return m
	}
	g.fuel, g.depth, g.floor = counter(exportFuel), counter(exportDepth), counter(exportFloor)
	complete := g.mem != nil && g.decide != nil && (g.plan != nil) == v.plans && g.fuel != nil && g.depth != nil && g.floor != nil
	for _, name := range v.saved {
		m := counter(name)
		g.saved = append(g.saved, m)
		complete = complete && m != nil
	}
	if !complete {
		return nil, errors.New("an export of the metering is missing")
	}
	return g, nil
}

// start runs the start function and asks for the buffer, and lays down the state of
// the version.
func (g *guest) start(ctx context.Context) error {
	g.fill(g.v.limits.start)
	if err := g.begin(ctx, exportStart); err != nil {
		return err
	}
	if g.v.manifest.Profile == rules.Go {
		if err := g.begin(ctx, initialize); err != nil {
			return err
		}
	}
	g.stack[0] = uint64(g.v.shape.buffer)
	if err := g.mod.ExportedFunction("sluice_buf").CallWithStack(ctx, g.stack[:]); err != nil {
		return err
	}
	base := uint32(g.stack[0])
	if _, ok := g.mem.Read(base, uint32(g.v.shape.buffer)); !ok || base == 0 || base%8 != 0 {
		return errors.New("sluice_buf: expected the address of an 8-aligned area of the size asked for, inside memory")
	}
	memory, _ := g.mem.Read(0, g.mem.Size())
	g.v.startFuel = g.v.limits.start - int64(g.fuel.Get())
	g.v.state = &state{memory: bytes.Clone(memory), areas: areas(memory), globals: g.globals(), base: base}
	return nil
}

// restore puts a new instance where start-up ended.
func (g *guest) restore(ctx context.Context) error {
	if missing := len(g.v.state.memory) - int(g.mem.Size()); missing > 0 {
		if _, ok := g.mem.Grow(uint32(missing >> 16)); !ok {
			return errors.New("no memory for a guest")
		}
	}
	return g.reset(ctx)
}

// initialize is what sets up the runtime of Go.
const initialize = "_initialize"

// begin calls a function without parameters and results, if there is one.
func (g *guest) begin(ctx context.Context, name string) error {
	f := g.mod.ExportedFunction(name)
	if f == nil {
		return nil
	}
	return f.CallWithStack(ctx, nil)
}

func (g *guest) globals() []uint64 {
	out := make([]uint64, len(g.saved))
	for i, m := range g.saved {
		out[i] = m.Get()
	}
	return out
}

// answer is the outcome of one call.
type answer struct {
	n     int             // rows asked about; 0 when not even the first fits
	used  int64           // fuel
	paid  int64           // with what the turn was charged for it already
	ended error           // of the context, in place of an answer
	fault rules.FaultKind // of the whole call
	spoil bool            // the guest must be thrown away
}

// weigh returns how many times the fuel of a call about n rows counts in the order of turns
// while it is not known to succeed.
func (l *limits) weigh(n int) int64 { return max(1, l.weight/int64(max(n, 1))) }

// inTurns returns what fuel that was spent for the call counts in the order of turns.
func (a answer) inTurns(l *limits, fuel int64) int64 {
	if a.fault == rules.NoFault {
		return fuel
	}
	return fuel * l.weigh(a.n)
}

// ask asks about as many of rows as fit, at most limit, and leaves the verdicts
// in g.batch. The caller resets or discards the guest before it asks for
// anybody else.
func (g *guest) ask(ctx context.Context, viewer []record.Value, rows [][]record.Value, limit int) answer {
	v := g.v
	size := uint32(v.shape.buffer)
	buf, ok := g.mem.Read(v.state.base, size)
	if !ok {
		return answer{n: 1, fault: rules.FaultTrap, spoil: true}
	}
	g.batch.buf, g.batch.base = buf, v.state.base
	n := v.shape.encode(&g.batch, viewer, rows, limit)
	if n == 0 {
		return answer{fault: rules.FaultInput}
	}
	a := g.call(ctx, g.decide, n)
	if a.fault == rules.NoFault && uint32(g.stack[0]) != 0 {
		a.fault = rules.FaultAnswer
	}
	if g.batch.buf, ok = g.mem.Read(v.state.base, size); !ok && a.fault == rules.NoFault {
		a.fault, a.spoil = rules.FaultTrap, true
	}
	return a
}

// fill gives the guest its fuel.
func (g *guest) fill(fuel int64) {
	g.fuel.Set(uint64(fuel))
	g.cut(fuel)
}

// cut begins a slice of the fuel that is left.
func (g *guest) cut(left int64) {
	g.slice = g.v.limits.slice
	if g.at != nil && g.at.short > 0 {
		g.slice = min(g.slice, g.at.short)
	}
	g.floor.Set(uint64(max(left-g.slice, 0)))
}

// call runs one function on the batch, which has n rows, with the fuel of one record.
// What it returns is in g.stack.
func (g *guest) call(ctx context.Context, f api.Function, n int) answer {
	limit := g.v.limits.call
	g.weight = g.v.limits.weigh(n)
	g.fill(limit)
	g.depth.Set(0)
	g.stack[0] = uint64(g.v.state.base)
	g.paid, g.stopped = 0, nil
	g.inside = inside{ctx, g}
	err := f.CallWithStack(&g.inside, g.stack[:])
	g.inside.Context = nil
	left := int64(g.fuel.Get())
	// A charge that went far below zero was for work that was not done.
	a := answer{n: n, used: min(limit-left, limit), paid: g.paid, ended: g.stopped}
	switch {
	case err != nil && left < 0:
		// Stopped at a test of the metering's own, between two instructions of the
		// module's: what it changed is what a reset puts back.
		a.fault = rules.FaultFuel
	case err != nil:
		// Where in its block a guest trapped, and so what it has paid by then, is
		// up to the compiler: a trap has one price on every machine.
		a.fault, a.spoil, a.used = rules.FaultTrap, true, limit
	case left < 0: // spent after the last test: the next one would have stopped it
		a.fault = rules.FaultFuel
	}
	if int(g.mem.Size()) != len(g.v.state.memory) {
		a.spoil = true
	}
	return a
}

// reset puts memory and globals back to what they were after start-up. Between the pages
// of memory the guest stands back like in a call; the error is that of ctx.
func (g *guest) reset(ctx context.Context) error {
	memory, ok := g.mem.Read(0, uint32(len(g.v.state.memory)))
	if !ok {
		return nil // memory never shrinks
	}
	for _, a := range g.v.state.areas {
		if g.at != nil && a.from > 0 && a.from%pageSize == 0 {
			if err := g.at.take(ctx); err != nil {
				return err
			}
		}
		if a.zero {
			clear(memory[a.from:a.to])
		} else {
			copy(memory[a.from:a.to], g.v.state.memory[a.from:a.to])
		}
	}
	for i, m := range g.saved {
		m.Set(g.v.state.globals[i])
	}
	return nil
}

// cost is what a query pays for putting the guest back: its memory at the price
// of a bulk operation.
func (v *version) cost() int64 { return int64(len(v.state.memory)) >> bulkShift }

func (g *guest) close(ctx context.Context) {
	_ = g.mod.Close(ctx) // nothing of a guest outlives it: there is no error to act on
}
