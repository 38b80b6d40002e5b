package sandbox

import (
	"bytes"
	"context"
	"errors"

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
	fuel   api.MutableGlobal
	depth  api.MutableGlobal
	saved  []api.MutableGlobal
	stack  [1]uint64
	batch  batch
}

// state is what every instance of a version looks like after start-up. A guest
// is deterministic and imports nothing that is not, so one copy serves all.
type state struct {
	memory  []byte
	globals []uint64
	base    uint32 // the guest's address of the batch
}

// newGuest makes an instance and runs its start-up.
func (v *version) newGuest(ctx context.Context) (*guest, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := v.runtime.InstantiateModule(ctx, v.compiled, config)
	if err != nil {
		return nil, err
	}
	g, err := v.bind(mod)
	if err == nil {
		err = g.start(ctx)
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
	counter := func(name string) api.MutableGlobal {
		m, _ := mod.ExportedGlobal(name).(api.MutableGlobal)
		return m
	}
	g.fuel, g.depth = counter(exportFuel), counter(exportDepth)
	complete := g.mem != nil && g.decide != nil && g.fuel != nil && g.depth != nil
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

var errState = errors.New("start-up gave another state than before")

// start runs the start function and asks for the buffer. The first guest of a
// version lays down the state; every later one must reach the same.
func (g *guest) start(ctx context.Context) error {
	g.fuel.Set(StartFuel)
	if f := g.mod.ExportedFunction(exportStart); f != nil {
		if err := f.CallWithStack(ctx, nil); err != nil {
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
	if g.v.state == nil {
		g.v.startFuel = StartFuel - int64(g.fuel.Get())
		g.v.state = &state{memory: bytes.Clone(memory), globals: g.globals(), base: base}
		return nil
	}
	if s := g.v.state; base != s.base || !bytes.Equal(memory, s.memory) || !equal(g.globals(), s.globals) {
		return errState
	}
	return nil
}

func (g *guest) globals() []uint64 {
	out := make([]uint64, len(g.saved))
	for i, m := range g.saved {
		out[i] = m.Get()
	}
	return out
}

func equal(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// answer is the outcome of one call.
type answer struct {
	n     int             // rows asked about; 0 when not even the first fits
	used  int64           // fuel
	fault rules.FaultKind // of the whole call
	spoil bool            // the guest must be thrown away
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
	g.fuel.Set(RecordFuel)
	g.depth.Set(0)
	g.stack[0] = uint64(v.state.base)
	err := g.decide.CallWithStack(ctx, g.stack[:])
	left := int64(g.fuel.Get())
	// A charge that went far below zero was for work that was not done.
	a := answer{n: n, used: min(RecordFuel-left, RecordFuel)}
	switch {
	case err != nil && left < 0:
		a.fault, a.spoil = rules.FaultFuel, true
	case err != nil:
		// Where in its block a guest trapped, and so what it has paid by then, is
		// up to the compiler: a trap has one price on every machine.
		a.fault, a.spoil, a.used = rules.FaultTrap, true, RecordFuel
	case left < 0: // spent after the last test: the next one would have stopped it
		a.fault = rules.FaultFuel
	case uint32(g.stack[0]) != 0:
		a.fault = rules.FaultAnswer
	}
	if int(g.mem.Size()) != len(v.state.memory) {
		a.spoil = true
	}
	if g.batch.buf, ok = g.mem.Read(v.state.base, size); !ok && a.fault == rules.NoFault {
		a.fault, a.spoil = rules.FaultTrap, true
	}
	return a
}

// reset puts memory and globals back to what they were after start-up.
func (g *guest) reset() {
	memory, ok := g.mem.Read(0, uint32(len(g.v.state.memory)))
	if !ok {
		return // memory never shrinks
	}
	copy(memory, g.v.state.memory)
	for i, m := range g.saved {
		m.Set(g.v.state.globals[i])
	}
}

// cost is what a query pays for putting the guest back: its memory at the price
// of a bulk operation.
func (v *version) cost() int64 { return int64(len(v.state.memory)) >> bulkShift }

func (g *guest) close(ctx context.Context) {
	_ = g.mod.Close(ctx) // nothing of a guest outlives it: there is no error to act on
}
