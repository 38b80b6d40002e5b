package sandbox

import (
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/rules"
)

// withRecursion has a function (i32) → i32 that calls itself twice without any loop.
func withRecursion() wasm {
	w := rule("")
	self := u(2)
	w.fn(0, code(i32(2)+"\x20\x00\x4b\x04\x7f\x20\x00\x05"+ // 2 > n ? n :
		"\x20\x00\x41\x01\x6b\x10"+self+"\x20\x00\x41\x02\x6b\x10"+self+"\x6a"+end+end))
	w.bodies[1] = code(i32(90) + "\x10" + self + "\x1a" + returnOK)
	return w
}

func withEndlessRecursion() wasm {
	w := rule("")
	w.fn(1, code("\x10\x02"+end))
	w.bodies[1] = code("\x10\x02" + returnOK)
	return w
}

func withIndirectRecursion() wasm {
	w := rule("")
	w.tables = []string{"\x70\x00\x01"}
	w.elems = []string{"\x00" + i32(0) + end + "\x01\x02"}
	w.fn(1, code(i32(0)+"\x11\x01\x00"+end))
	w.bodies[1] = code("\x10\x02" + returnOK)
	return w
}

// deepFrames recurses through a function with as large a frame as the check
// lets through.
func deepFrames() wasm {
	w := rule("")
	self := u(2)
	pushes := repeat("\x10"+u(3), 3000) + repeat("\x1a", 3000)
	w.fn(1, body("\x01"+u(500)+"\x7e", "\x10"+self+pushes+end))
	w.types = append(w.types, "\x60\x00\x01\x7e")
	w.fn(2, code("\x42\x07"+end))
	w.bodies[1] = code("\x10" + self + returnOK)
	return w
}

// running are modules that pass the check and misbehave when they run.
var running = []struct {
	name   string
	module wasm
	fault  rules.FaultKind
}{
	{"endless loop", rule(forever + returnOK), rules.FaultFuel},
	{"endless loop by br_if", rule("\x03\x40" + i32(1) + "\x0d\x00" + end + returnOK), rules.FaultFuel},
	{"endless loop by br_table", rule("\x03\x40" + i32(1) + "\x0e\x00\x00" + end + returnOK), rules.FaultFuel},
	{"exponential recursion", withRecursion(), rules.FaultFuel},
	{"endless recursion", withEndlessRecursion(), rules.FaultTrap},
	{"indirect recursion", withIndirectRecursion(), rules.FaultTrap},
	{"large frames", deepFrames(), rules.FaultFuel},
	{"fill in a loop", rule("\x03\x40" + i32(0) + i32(0) + i32(1<<17) + "\xfc\x0b\x00\x0c\x00" + end + returnOK), rules.FaultFuel},
	{"copy in a loop", rule("\x03\x40" + i32(0) + i32(1) + i32(1<<16) + "\xfc\x0a\x00\x00\x0c\x00" + end + returnOK), rules.FaultFuel},
	{"fill beyond memory", rule(i32(0) + i32(0) + i32(-1) + "\xfc\x0b\x00" + returnOK), rules.FaultFuel},
	{"three grows", rule(repeat(i32(1)+"\x40\x00\x1a", 3) + returnOK), rules.FaultFuel},
	{"grow in a loop", rule("\x03\x40" + i32(1) + "\x40\x00\x1a\x0c\x00" + end + returnOK), rules.FaultFuel},
	{"unreachable", rule(unreached + returnOK), rules.FaultTrap},
	{"load out of bounds", rule(i32(-8) + "\x28\x02\x00" + end), rules.FaultTrap},
	{"store out of bounds", rule(i32(-8) + i32(1) + "\x36\x02\x00" + returnOK), rules.FaultTrap},
	{"division by zero", rule(i32(1) + i32(0) + "\x6d" + end), rules.FaultTrap},
	{"NaN to integer", rule("\x44\x00\x00\x00\x00\x00\x00\xf8\x7f\xaa" + end), rules.FaultTrap},
	{"status", rule(i32(7) + end), rules.FaultAnswer},
	{"negative status", rule(i32(-1) + end), rules.FaultAnswer},
	{"grant above the manifest", eachRule(grant(i32(3))), rules.FaultAnswer},
	{"grant out of range", eachRule(grant(i32(255))), rules.FaultAnswer},
	{"mask from a share", eachRule(loadMasks + "\x20\x01\x41\x03\x74\x6a\x42\x01\x37\x03\x00"), rules.FaultAnswer},
	{"reason without a text", eachRule(loadReasons + "\x20\x01\x6a" + i32(3) + store8), rules.FaultAnswer},
}

func TestHostileRunning(t *testing.T) {
	for _, c := range running {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(t, nil)
			h := mustLoad(t, r, tenantA, c.module)
			good := mustLoad(t, r, tenantB, eachRule(grant(i32(1))))
			stop := keepBusy()
			first, fuel := decide(t, r, tenantA, h, 0, upTo(5)...)
			again, fuelAgain := decide(t, r, tenantA, h, 0, upTo(5)...)
			other, _ := decide(t, r, tenantB, good, 0, upTo(300)...)
			beats := stop()
			wantFault(t, first, c.fault)
			wantFault(t, again, c.fault)
			if fuel != fuelAgain {
				t.Errorf("fuel %d, then %d", fuel, fuelAgain)
			}
			if beats == 0 {
				t.Error("nothing else ran meanwhile")
			}
			for i, v := range other {
				if v != (rules.Verdict{Grant: 1}) {
					t.Fatalf("the other tenant's record %d got %+v", i, v)
				}
			}
		})
	}
}

// keepBusy forces garbage collections from another goroutine, which a guest
// that does not return would hold up for good. The returned function stops that
// and returns how many it managed.
func keepBusy() (stop func() int64) {
	var beats atomic.Int64
	done, gone := make(chan struct{}), make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			runtime.GC()
			if beats.Add(1) == 1 {
				close(started)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	<-started
	return func() int64 {
		close(done)
		<-gone
		return beats.Load()
	}
}

// TestHostileTime holds the time of one call at its fuel limit to what a
// garbage collection can wait for.
func TestHostileTime(t *testing.T) {
	for _, c := range running {
		r := newRunner(t, nil)
		h := mustLoad(t, r, tenantA, c.module)
		took := quickest(5*time.Second, func() { decide(t, r, tenantA, h, 0, 1) })
		t.Logf("%s: %v", c.name, took)
		if took > 5*time.Second { // 12 ms where nothing else runs
			t.Errorf("%s: a call took %v", c.name, took)
		}
	}
}

// quickest returns how long fn took, or the least of three times where it took longer
// than enough: a machine that stood still for a moment is no fault of fn's.
func quickest(enough time.Duration, fn func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for try := 0; try < 3 && least > enough; try++ {
		began := time.Now()
		fn()
		least = min(least, time.Since(began))
	}
	return least
}

func TestHostileStart(t *testing.T) {
	inBuffer := func(c string) wasm { w := ok(); w.bodies[0] = code(c); return w }
	starts := func(c string) wasm { w := ok(); w.start = u(w.fn(1, code(c))); return w }
	for name, w := range map[string]wasm{
		"loop in start":           starts(forever + end),
		"trap in start":           starts(unreached + end),
		"loop in sluice_buf":      inBuffer(forever + i32(8) + end),
		"no buffer":               inBuffer(i32(0) + end),
		"buffer not aligned":      inBuffer(i32(1025) + end),
		"buffer beyond memory":    inBuffer(i32(1<<17) + end),
		"buffer at the last byte": inBuffer(i32(1<<17-8) + end),
		"buffer that wraps":       inBuffer(i32(-8) + end),
		"data beyond memory":      func() wasm { w := ok(); w.data = []string{"\x00" + i32(1<<17) + end + "\x01x"}; return w }(),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t, nil)
			stop := keepBusy()
			defer stop()
			if _, err := r.Load(bg, tenantA, withManifest(w.build(), share())); err == nil {
				t.Error("loaded")
			}
		})
	}
}

// TestHostileAbort: the one import traps, wherever it is called from.
func TestHostileAbort(t *testing.T) {
	w := rule("")
	w.types = append(w.types, abortSig)
	w.imports = []string{sized("env") + sized("abort") + "\x00\x02"}
	for i, name := range []string{"memory", "sluice_buf", "sluice_decide"} {
		w.exports[i] = exported(name, []byte{kindMemory, kindFunc, kindFunc}[i], i)
	}
	w.bodies[1] = code(i32(0) + i32(0) + i32(0) + i32(0) + "\x10\x00" + returnOK)
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, w)
	out, _ := decide(t, r, tenantA, h, 0, upTo(3)...)
	wantFault(t, out, rules.FaultTrap)
}

// TestHostileSecond asks well-behaved questions after each misbehaviour of the
// same module: what a record did must not reach the next.
func TestHostileSecond(t *testing.T) {
	for _, c := range []struct {
		name string
		bad  string // runs for records whose field is 13
		want rules.FaultKind
	}{
		{"trap", unreached, rules.FaultTrap},
		{"loop", forever, rules.FaultFuel},
		{"grow", i32(1) + "\x40\x00\x1a" + grant(i32(1)), rules.NoFault},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := eachRule(fieldLow + i32(13) + "\x46\x04\x40" + c.bad + "\x05" + grant(i32(2)) + end)
			r := newRunner(t, nil)
			h := mustLoad(t, r, tenantA, w)
			out, fuel := decide(t, r, tenantA, h, 0, upTo(600)...)
			for i, v := range out {
				want := rules.Verdict{Grant: 2}
				if i == 13 {
					want = rules.Verdict{Fault: c.want}
					if c.want == rules.NoFault {
						want.Grant = 1
					}
				}
				if v != want {
					t.Fatalf("record %d: %+v, want %+v", i, v, want)
				}
			}
			if _, again := decide(t, r, tenantA, h, 0, upTo(600)...); again != fuel {
				t.Errorf("fuel %d, then %d", fuel, again)
			}
		})
	}
}

// TestHostileStack: the deepest stack of the largest frames for their weight
// stays within what an idle guest is taken to hold.
func TestHostileStack(t *testing.T) {
	const locals = instructionsPerWeight - 20
	for name, frame := range map[string]func(self string) string{
		"locals": func(self string) string {
			// Every local is set from a call and read after the recursion.
			return body("\x01"+u(locals)+"\x7e", repeatEach(locals, func(i int) string { return "\x10" + u(3) + "\x21" + u(i) })+"\x10"+self+
				"\x42\x00"+repeatEach(locals, func(i int) string { return "\x20" + u(i) + "\x7c" })+"\x24\x00"+end)
		},
		"values": func(self string) string {
			return body(u(0), repeat("\x10"+u(3), 2000)+"\x10"+self+repeat("\x7c", 1999)+"\x24\x00"+end)
		},
		"small": func(self string) string { return code("\x10" + self + end) },
	} {
		t.Run(name, func(t *testing.T) {
			w := ok()
			w.globals = []string{"\x7e\x01\x42\x00" + end}
			w.types = append(w.types, "\x60\x00\x01\x7e")
			w.fn(1, frame(u(2)))
			w.fn(2, code("\x42\x07"+end))
			// In start-up, which has fuel enough to get to the bottom.
			w.bodies[0] = code("\x10\x02" + i32(bufferAt) + end)
			m, err := parse(w.build())
			if err != nil {
				t.Fatal(err)
			}
			v := &version{shape: newShape(share()), saved: m.saved()}
			v.runtime = wazero.NewRuntimeWithConfig(bg, runtimeConfig(false))
			defer v.runtime.Close(bg)
			if v.compiled, err = v.runtime.CompileModule(bg, m.meter()); err != nil {
				t.Fatal(err)
			}
			mod, err := v.runtime.InstantiateModule(bg, v.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
			if err != nil {
				t.Fatal(err)
			}
			mod.ExportedGlobal(exportFuel).(api.MutableGlobal).Set(1 << 40)
			before := heap()
			f := mod.ExportedFunction("sluice_buf")
			if _, err := f.Call(bg, 64); err == nil {
				t.Error("endless recursion returned")
			}
			depth := mod.ExportedGlobal(exportDepth).Get()
			if held := heap() - before; held > stackBytes || depth <= maxStackWeight {
				t.Errorf("%d bytes held after a depth of %d, expected at most %d", held, depth, stackBytes)
			} else {
				t.Logf("%d bytes held at a weight of %d", held, depth)
			}
			runtime.KeepAlive(f)
		})
	}
}

func repeatEach(n int, f func(i int) string) (c string) {
	for i := range n {
		c += f(i)
	}
	return c
}

// heap returns the bytes that are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
