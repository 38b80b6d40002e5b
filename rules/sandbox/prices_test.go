package sandbox

import (
	"slices"
	"testing"
	"time"

	"sluice/internal/record"
	"sluice/rules"
)

// priced is one class of instructions: a piece of code that leaves the stack as it
// was, repeated in a loop until the fuel of a call is gone. It is written so that
// each instruction waits for the one before, which is the dearest way to run it.
// Locals 1 and 2 are i32, 3 and 4 i64, 5 and 6 f64, 7 and 8 f32.
type priced struct {
	name  string
	unit  string
	times int // in one round of the loop; 0 for 32
	with  func(w *wasm)
	once  bool // without the loop
	inGo  bool // in the Go profile, where function 0 is sched_yield
}

// Locals 9 and 10 are the f64 1 and the smallest number above 0, 11 and 12 those of f32.
const pricedLocals = "\x06\x02\x7f\x02\x7e\x02\x7c\x02\x7d\x02\x7c\x02\x7d"

// chain is op applied to a local and another, and written to the first.
func chain(op string, a, b int) string {
	return "\x20" + u(a) + "\x20" + u(b) + op + "\x21" + u(a)
}

func bulk(op string, from, length int64) string { return i32(0) + i32(from) + i32(length) + op }

const (
	opFill = "\xfc\x0b\x00"
	opCopy = "\xfc\x0a\x00\x00"
	opInit = "\xfc\x08\x00\x00"
)

// pricedRule is the module of a class.
func (p priced) module() wasm {
	w := rule("")
	w.memories = []string{"\x01\x10\x10"}
	if p.inGo {
		w = hosted("sched_yield")
		w.memories = []string{"\x01\x60\x60"}
	}
	if p.with != nil {
		p.with(&w)
	}
	times := p.times
	if times == 0 {
		times = 32
	}
	loop := "\x03\x40" + repeat(p.unit, times) + "\x0c\x00" + end
	if p.once {
		loop = p.unit
	}
	w.bodies[1] = body(pricedLocals, i32(77)+"\x21\x01"+i32(3)+"\x21\x02"+"\x42"+s(1<<40+12345)+"\x21\x03\x42\x07\x21\x04"+
		"\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\x21\x05\x44\x00\x00\x00\x00\x00\x00\xf8\x3f\x21\x06"+
		"\x43\x00\x00\x80\x3f\x21\x07\x43\x00\x00\xc0\x3f\x21\x08"+
		"\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\x21\x09\x44\x05\x00\x00\x00\x00\x00\x01\x00\x21\x0a"+
		"\x43\x00\x00\x80\x3f\x21\x0b\x43\x05\x00\x01\x00\x21\x0c"+
		loop+returnOK)
	return w
}

func callee32(w *wasm) { w.fn(0, code("\x20\x00"+i32(1)+"\x6a"+end)) }

func manyLocals(w *wasm) {
	w.fn(0, body("\x01"+u(400)+"\x7e", repeatEach(400, func(i int) string { return "\x20" + u(i+1) + "\xa7\x20\x00\x6a\x21\x00" })+"\x20\x00"+end))
}

func classes() []priced {
	return []priced{
		{name: "empty loop", unit: "", times: 1},
		{name: "add", unit: chain("\x6a", 1, 2)},
		{name: "add 64", unit: chain("\x7c", 3, 4)},
		{name: "multiply", unit: chain("\x6c", 1, 2)},
		{name: "multiply 64", unit: chain("\x7e", 3, 4)},
		{name: "shift", unit: chain("\x74", 1, 2)},
		{name: "rotate 64", unit: chain("\x89", 3, 4)},
		{name: "clz", unit: "\x20\x01\x67\x21\x01"},
		{name: "ctz 64", unit: "\x20\x03\x7a\x21\x03"},
		{name: "popcnt 64", unit: "\x20\x03\x7b\x21\x03"},
		{name: "compare", unit: chain("\x48", 1, 2)},
		{name: "select", unit: "\x20\x01\x20\x02\x20\x01\x1b\x21\x01"},
		{name: "divide", unit: "\x20\x01\x20\x02\x6d" + i32(1<<30) + "\x72\x21\x01"},
		{name: "remainder unsigned", unit: "\x20\x01\x20\x02\x70" + i32(1<<30) + "\x72\x21\x01"},
		{name: "divide 64", unit: "\x20\x03\x20\x04\x7f\x42" + s(1<<61) + "\x84\x21\x03"},
		{name: "remainder 64", unit: "\x20\x03\x20\x04\x81\x42" + s(1<<61) + "\x84\x21\x03"},
		{name: "add f64", unit: chain("\xa0", 5, 6)},
		{name: "multiply f64", unit: chain("\xa2", 5, 6)},
		{name: "divide f64", unit: chain("\xa3", 5, 6)},
		{name: "root f64", unit: "\x20\x05\x9f\x21\x05"},
		{name: "divide f32", unit: chain("\x95", 7, 8)},
		{name: "root f32", unit: "\x20\x07\x91\x21\x07"},
		{name: "min f64", unit: chain("\xa4", 5, 6)},
		{name: "floor f64", unit: "\x20\x05\x9c\x21\x05"},
		{name: "copysign f64", unit: chain("\xa6", 5, 6)},
		{name: "add f64, subnormal", unit: chain("\xa0", 10, 10)},
		{name: "multiply f64, subnormal", unit: chain("\xa2", 10, 9)},
		{name: "multiply f32, subnormal", unit: chain("\x94", 12, 11)},
		{name: "divide f64, subnormal", unit: chain("\xa3", 10, 9)},
		{name: "root f64, subnormal", unit: "\x20\x0a\x9f\x20\x05\xa0\x21\x05"},
		{name: "root f32, subnormal", unit: "\x20\x0c\x91\x20\x07\x92\x21\x07"},
		{name: "compare f64, subnormal", unit: "\x20\x0a\x20\x09\x63\x20\x01\x6a\x21\x01"},
		{name: "min f64, subnormal", unit: chain("\xa4", 10, 9)},
		{name: "demote, subnormal", unit: "\x44\x00\x00\x00\x00\x00\x00\xa0\x37\xb6\x20\x07\x92\x21\x07"},
		{name: "promote, subnormal", unit: "\x20\x0c\xbb\x20\x05\xa0\x21\x05"},
		{name: "truncate, subnormal", unit: "\x20\x0a\xaa\x20\x01\x6a\x21\x01"},
		{name: "floor, subnormal", unit: "\x20\x0a\x9c\x20\x05\xa0\x21\x05"},
		{name: "convert", unit: "\x20\x03\xb9\xb0\x21\x03"},
		{name: "convert unsigned", unit: "\x20\x03\xba\xb1\x21\x03"},
		{name: "saturate", unit: "\x20\x05\xfc\x06\xb9\x21\x05"},
		{name: "saturate unsigned", unit: "\x20\x05\xfc\x07\xba\x21\x05"},
		{name: "demote", unit: "\x20\x05\xb6\xbb\x21\x05"},
		{name: "load", unit: "\x20\x01" + i32(0xffff) + "\x71\x28\x02\x00\x21\x01"},
		{name: "load chase 1 MiB", unit: "\x20\x01\x28\x02\x00\x21\x01", with: func(w *wasm) { w.start = u(w.fn(1, chase(1<<14, 64))) }},
		{name: "load chase 6 MiB", unit: "\x20\x01\x28\x02\x00\x21\x01", inGo: true, with: func(w *wasm) {
			w.bodies[2] = code(i32(0) + "\x10\x04" + end)
			w.fn(3, chase(3<<14, 128))
			w.types = append(w.types, "\x60\x01\x7f\x00")
		}},
		{name: "host call", unit: "\x10\x00\x1a", inGo: true},
		{name: "load byte", unit: "\x20\x01" + i32(0xffff) + "\x71\x2d\x00\x00\x21\x01"},
		{name: "store", unit: "\x20\x01\x20\x02\x36\x02\x00"},
		{name: "store and load", unit: i32(64) + "\x20\x01\x36\x02\x00" + i32(64) + "\x28\x02\x00\x21\x01"},
		{name: "stores, a page each", unit: "\x20\x01" + i32(4096+64) + "\x6a" + i32(0xfffff) + "\x71\x22\x01\x20\x02\x36\x02\x00"},
		{name: "global", unit: "\x23\x00" + i32(1) + "\x6a\x24\x00", with: func(w *wasm) { w.globals = []string{"\x7f\x01\x41\x05" + end} }},
		{name: "if", unit: "\x20\x01\x04\x40" + chain("\x6a", 1, 2) + end},
		{name: "if of data", unit: "\x20\x01" + i32(1103515245) + "\x6c" + i32(12345) + "\x6a\x22\x01" + i32(1<<30) + "\x71\x04\x40\x20\x02\x41\x01\x6a\x21\x02" + end, times: 16},
		{name: "br_if", unit: "\x02\x40\x20\x01\x0d\x00" + chain("\x6a", 1, 2) + end},
		{name: "br_table", unit: "\x02\x40\x02\x40\x02\x40\x20\x02\x0e\x02\x00\x01\x02" + end + end + end},
		{name: "br_table of data", unit: "\x20\x01" + i32(1103515245) + "\x6c" + i32(12345) + "\x6a\x21\x01" +
			"\x02\x40\x02\x40\x02\x40\x02\x40\x20\x01" + i32(28) + "\x76\x0e\x0f" + repeat("\x00\x01\x02\x03", 3) + "\x00\x01\x02\x03" + end + end + end + end, times: 16},
		{name: "loop entered", unit: "\x03\x40" + end},
		{name: "call", unit: "\x20\x01\x10\x02\x21\x01", with: callee32},
		{name: "call of many locals", unit: "\x20\x01\x10\x02\x21\x01", with: manyLocals},
		{name: "call_indirect", unit: "\x20\x01" + i32(0) + "\x11\x00\x00\x21\x01", with: func(w *wasm) {
			callee32(w)
			w.tables = []string{"\x70\x00\x01"}
			w.elems = []string{"\x00" + i32(0) + end + "\x01\x02"}
		}},
		{name: "recursion", unit: i32(20) + "\x10\x02\x21\x01", times: 1, with: func(w *wasm) { w.fn(0, withRecursion().bodies[2]) }},
		{name: "memory.size", unit: "\x3f\x00\x21\x01"},
		{name: "memory.grow by 0", unit: i32(0) + "\x40\x00\x21\x01"},
		{name: "fill 0", unit: bulk(opFill, 1, 0)},
		{name: "fill 1", unit: bulk(opFill, 1, 1)},
		{name: "fill 8", unit: bulk(opFill, 1, 8)},
		{name: "fill 63", unit: bulk(opFill, 1, 63)},
		{name: "fill 1 KiB", unit: bulk(opFill, 1, 1<<10)},
		{name: "fill 8 KiB", unit: bulk(opFill, 1, 8<<10)},
		{name: "fill 64 KiB", unit: bulk(opFill, 1, 64<<10), times: 1},
		{name: "fill 512 KiB", unit: bulk(opFill, 1, 512<<10), times: 1},
		{name: "copy 0", unit: bulk(opCopy, 1, 0)},
		{name: "copy 1", unit: bulk(opCopy, 1, 1)},
		{name: "copy 63", unit: bulk(opCopy, 1, 63)},
		{name: "copy 1 KiB", unit: bulk(opCopy, 1<<17, 1<<10)},
		{name: "copy 1 KiB overlapping", unit: i32(1) + i32(0) + i32(1<<10) + opCopy},
		{name: "copy 8 KiB", unit: bulk(opCopy, 1<<17, 8<<10)},
		{name: "copy 64 KiB", unit: bulk(opCopy, 1<<17, 64<<10), times: 1},
		{name: "copy 512 KiB", unit: bulk(opCopy, 1<<19, 512<<10), times: 1},
		{name: "copy 512 KiB overlapping", unit: i32(1) + i32(0) + i32(512<<10) + opCopy, times: 1},
		{name: "init 0", unit: bulk(opInit, 0, 0), with: passive},
		{name: "init 63", unit: bulk(opInit, 0, 63), with: passive},
		{name: "init 8 KiB", unit: bulk(opInit, 0, 8<<10), with: passive},
	}
}

func pricedNamed(name string) priced {
	all := classes()
	return all[slices.IndexFunc(all, func(p priced) bool { return p.name == name })]
}

func passive(w *wasm) {
	w.dataCount = u(1)
	w.data = []string{"\x01" + sized(repeat("x", 16<<10))}
}

// chase lays a ring of n addresses into memory, each in a line of its own, in an
// order that no processor foresees: the next of i is 5i+1 modulo n.
func chase(n, line int64) string {
	return body("\x01\x01\x7f", "\x03\x40"+
		"\x20\x00"+i32(line)+"\x6c"+
		"\x20\x00"+i32(n/4+1)+"\x6c"+i32(12345)+"\x6a"+i32(n)+"\x70"+i32(line)+"\x6c"+
		"\x36\x02\x00"+
		"\x20\x00"+i32(1)+"\x6a\x22\x00"+i32(n)+"\x49\x0d\x00"+end+end)
}

// priceOf returns the least time that one unit of fuel took.
func priceOf(tb testing.TB, p priced) (nsPerFuel float64, whole time.Duration) {
	m := share()
	if p.inGo {
		m = goShare()
	}
	v, err := build(bg, tenantA, withManifest(p.module().build(), m), nil, false)
	if err != nil {
		tb.Fatal(p.name, err)
	}
	defer closeVersions(bg, []*version{v})
	best := time.Hour
	var used int64
	for range 30 {
		g, err := v.guest(bg)
		if err != nil {
			tb.Fatal(err)
		}
		began := time.Now()
		a := g.ask(bg, []record.Value{record.Int(0)}, rowsOf(1), 1)
		best = min(best, time.Since(began))
		used = a.used
		if a.fault != rules.FaultFuel {
			tb.Fatalf("%s: %v", p.name, a.fault)
		}
		g.close(bg)
	}
	return float64(best.Nanoseconds()) / float64(used), best
}

// BenchmarkPrices reports what a unit of fuel of each class takes.
func BenchmarkPrices(b *testing.B) {
	for _, p := range classes() {
		b.Run(p.name, func(b *testing.B) {
			best, whole := 1e9, time.Duration(0)
			for range b.N {
				ns, w := priceOf(b, p)
				if ns < best {
					best, whole = ns, w
				}
			}
			b.ReportMetric(best, "ns/fuel")
			b.ReportMetric(float64(whole.Microseconds()), "µs/call")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestPrices: what is written about prices is what a guest pays.
func TestPrices(t *testing.T) {
	empty := paid(t, priced{unit: ""})
	for _, c := range []struct {
		priced
		fuel int64
	}{
		{priced{name: "constant, dropped", unit: i32(1) + "\x1a"}, 2},
		{priced{name: "add", unit: chain("\x6a", 1, 2)}, 4},
		{priced{name: "nop, block", unit: "\x01\x02\x40" + end}, 0},
		{priced{name: "extend", unit: "\x20\x01\xad\x21\x03"}, 3},
		{priced{name: "load", unit: i32(0) + "\x28\x02\x00\x1a"}, 6},
		{priced{name: "load of a byte as i64", unit: i32(0) + "\x31\x00\x00\x1a"}, 6},
		{priced{name: "store", unit: i32(0) + i32(0) + "\x36\x02\x00"}, 3},
		{priced{name: "divide", unit: chain("\x6d", 1, 2)}, 9},
		{priced{name: "remainder 64", unit: chain("\x82", 3, 4)}, 9},
		{priced{name: "multiply", unit: chain("\x6c", 1, 2)}, 4},
		{priced{name: "add f64", unit: chain("\xa0", 5, 6)}, 4},
		{priced{name: "multiply f64", unit: chain("\xa2", 5, 6)}, 67},
		{priced{name: "divide f32", unit: chain("\x95", 7, 8)}, 67},
		{priced{name: "root f64", unit: "\x20\x05\x9f\x21\x05"}, 66},
		{priced{name: "floor", unit: "\x20\x05\x9c\x21\x05"}, 5},
		{priced{name: "convert", unit: "\x20\x01\xb7\x21\x05"}, 5},
		{priced{name: "truncate", unit: "\x20\x05\xaa\x21\x01"}, 5},
		{priced{name: "saturate", unit: "\x20\x05\xfc\x02\x21\x01"}, 5},
		{priced{name: "demote", unit: "\x20\x05\xb6\x21\x07"}, 5},
		{priced{name: "branch table", unit: "\x02\x40" + i32(0) + "\x0e\x00\x00" + end}, 11},
		{priced{name: "call", unit: "\x20\x01\x10\x02\x21\x01", with: callee32}, 10},
		{priced{name: "call of 400 locals", unit: "\x20\x01\x10\x02\x21\x01", with: func(w *wasm) { w.fn(0, body("\x01"+u(400)+"\x7e", "\x20\x00"+end)) }}, 108},
		{priced{name: "fill 0", unit: bulk(opFill, 0, 0)}, 36},
		{priced{name: "fill 800", unit: bulk(opFill, 0, 800)}, 136},
		{priced{name: "copy 800", unit: bulk(opCopy, 1000, 800)}, 114},
		{priced{name: "init 800", unit: bulk(opInit, 0, 800), with: passive}, 114},
		{priced{name: "grow", unit: i32(0) + "\x40\x00\x1a"}, 50_002},
		{priced{name: "host call", unit: "\x10\x00\x1a", inGo: true}, 206},
	} {
		if got := paid(t, c.priced) - empty; got != c.fuel {
			t.Errorf("%s: %d fuel, want %d", c.name, got, c.fuel)
		}
	}
}

// paid is what a call costs in which the piece of code is run once.
func paid(t *testing.T, p priced) int64 {
	p.once = true
	m := share()
	if p.inGo {
		m = goShare()
	}
	v, err := build(bg, tenantA, withManifest(p.module().build(), m), nil, false)
	if err != nil {
		t.Fatal(p.name, err)
	}
	defer closeVersions(bg, []*version{v})
	g, err := v.guest(bg)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close(bg)
	a := g.ask(bg, []record.Value{record.Int(0)}, rowsOf(1), 1)
	if a.fault != rules.NoFault {
		t.Fatalf("%s: %v", p.name, a.fault)
	}
	return a.used
}
