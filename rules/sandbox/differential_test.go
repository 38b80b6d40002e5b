package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/effort"
)

// outcomeOf is everything that can be seen of a run.
type outcomeOf struct {
	result  uint64
	trapped bool
	memory  []byte
	fuel    int64
}

func (o outcomeOf) String() string {
	return fmt.Sprintf("result %d, trapped %v, %d bytes of memory, fuel %d", o.result, o.trapped, len(o.memory), o.fuel)
}

func (o outcomeOf) same(p outcomeOf) bool {
	return o.result == p.result && o.trapped == p.trapped && bytes.Equal(o.memory, p.memory)
}

// runPlain runs sluice_decide(argument) of a module as it is, or metered: the
// start function is then called by hand.
func runPlain(t testing.TB, module []byte, argument uint64, metered, interpreter bool) (o outcomeOf) {
	t.Helper()
	rt := wazero.NewRuntimeWithConfig(bg, runtimeConfig(interpreter))
	defer rt.Close(bg)
	compiled, err := rt.CompileModule(bg, module)
	if err != nil {
		t.Fatalf("metered %v: %v", metered, err)
	}
	mod, err := rt.InstantiateModule(bg, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return outcomeOf{trapped: true} // the start function of the plain module
	}
	const plenty = int64(1) << 40
	if metered {
		mod.ExportedGlobal(exportFuel).(api.MutableGlobal).Set(uint64(plenty))
		if f := mod.ExportedFunction(exportStart); f != nil {
			if _, err := f.Call(bg); err != nil {
				return outcomeOf{trapped: true}
			}
		}
	}
	result, err := mod.ExportedFunction("sluice_decide").Call(bg, argument)
	if o.trapped = err != nil; !o.trapped {
		o.result = result[0]
	}
	memory, _ := mod.Memory().Read(0, mod.Memory().Size())
	o.memory = slices.Clone(memory)
	if metered {
		o.fuel = plenty - int64(mod.ExportedGlobal(exportFuel).Get())
	}
	return o
}

// TestMeterChangesNothing: a module gives the same result, trap and memory
// metered as plain, on both engines, and spends the same fuel unless it traps:
// the engines may disagree on whether a block is paid for before or after a trap
// in it, and a trap has a price of its own.
func TestMeterChangesNothing(t *testing.T) {
	n := effort.Of[uint64](150, 5000, 50_000)
	trapped, fuel := 0, int64(0)
	for seed := range n {
		module := genModule(seed)
		m, err := parse(module)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		metered := m.meter()
		plain := runPlain(t, module, seed, false, false)
		compiled := runPlain(t, metered, seed, true, false)
		interpreted := runPlain(t, metered, seed, true, true)
		if !plain.same(compiled) {
			t.Errorf("seed %d: plain %v, metered %v", seed, plain, compiled)
		}
		if !compiled.same(interpreted) || compiled.fuel != interpreted.fuel && !compiled.trapped {
			t.Errorf("seed %d: compiled %v, interpreted %v", seed, compiled, interpreted)
		}
		if plain.trapped {
			trapped++
		}
		fuel += compiled.fuel
	}
	if trapped == 0 || trapped*2 > int(n) || fuel < int64(n)*20 {
		t.Errorf("the generator is poor: %d of %d modules trap, %d fuel in all", trapped, n, fuel)
	}
}

// checkProperties holds for any bytes: the check never panics; what it accepts
// and the engine accepts, the engine accepts metered; and metering never makes
// a module valid that was not, since that is how one could reach the counters.
func checkProperties(t testing.TB, module []byte) (accepted bool) {
	t.Helper()
	before := bytes.Clone(module)
	m, err := parse(module)
	if err != nil {
		return false
	}
	metered := m.meter()
	if !bytes.Equal(module, before) {
		t.Fatal("the metering wrote to its input")
	}
	plain, after := compiles(module), compiles(metered)
	if (plain == nil) != (after == nil) {
		t.Fatalf("%x\nthe engine says of the module: %v, and of the metered one: %v", module, plain, after)
	}
	return plain == nil
}

// TestMutations breaks valid modules in one to three places.
func TestMutations(t *testing.T) {
	n := effort.Of(1500, 60_000, 1_000_000)
	accepted := 0
	for i := range n {
		module, g := genModule(uint64(i%50)), newRand(uint64(i))
		for range 1 + g.IntN(3) {
			at := g.IntN(len(module))
			switch g.IntN(3) {
			case 0:
				module[at] = byte(g.Uint32())
			case 1:
				module[at] ^= 1 << g.IntN(8)
			case 2:
				module[at]++
			}
		}
		if checkProperties(t, module) {
			accepted++
		}
	}
	if accepted*20 < n {
		t.Errorf("only %d of %d mutated modules are valid: the test shows little", accepted, n)
	}
}

func FuzzCheck(f *testing.F) {
	for _, c := range refusedModules {
		if len(c.module) < 4096 {
			f.Add(c.module)
		}
	}
	for _, c := range running {
		f.Add(c.module.build())
	}
	for seed := range uint64(20) {
		f.Add(genModule(seed))
	}
	for _, name := range rulesexamples.Names() {
		for _, language := range rulesexamples.Languages() {
			module, err := rulesexamples.Module(name, language)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(module)
		}
	}
	f.Fuzz(func(t *testing.T, module []byte) { checkProperties(t, module) })
}
