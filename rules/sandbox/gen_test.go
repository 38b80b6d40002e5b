package sandbox

import "math/rand/v2"

// gen writes random modules that are valid and always end: loops count down,
// functions call only those after them. They may trap.
type gen struct {
	*rand.Rand
	fn    int  // the function being written
	loops int  // loops open around the current place
	depth int  // expressions open
	label int  // labels open
	host  int  // functions imported, sched_yield and the like, before all others
	wild  bool // may loop, recurse, grow and reach for memory without end
}

const (
	genFuncs = 4 // after sluice_buf and sluice_decide, all (i32) → i32
	genI32   = 4 // locals 1 to 4
	genLoop  = 7 // and the next one: counters of loops
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func genModule(seed uint64) []byte { return (&gen{Rand: newRand(seed)}).module() }

// wildModule writes a module that is valid and need not end.
func wildModule(seed uint64) []byte { return (&gen{Rand: newRand(seed), wild: true}).module() }

// wildGoModule is like wildModule for the Go profile, whose functions it may call with
// anything.
func wildGoModule(seed uint64) []byte {
	return (&gen{Rand: newRand(seed), wild: true, host: len(goImports)}).module()
}

// of is the index of a function counted from sluice_buf.
func (g *gen) of(fn int) string { return u(g.host + fn) }

// hostCall calls a function of the host, now and then with addresses that are any.
func (g *gen) hostCall() string {
	at := g.IntN(g.host)
	h := &goImports[at]
	c := ""
	for _, t := range []byte(h.kind.params) {
		if t == typeI64 {
			c += "\x42" + s(g.Int64())
		} else {
			c += g.address()
		}
	}
	return c + "\x10" + u(at) + repeat("\x1a", len(h.kind.results))
}

// inGo gives the module what the Go profile asks for.
func (g *gen) inGo(w *wasm) {
	for i := range goImports {
		h := &goImports[i]
		w.types = append(w.types, "\x60"+sized(h.kind.params)+sized(h.kind.results))
		w.imports = append(w.imports, sized(wasi)+sized(h.name)+"\x00"+u(len(w.types)-1))
	}
	w.memories = []string{"\x01\x02" + u(2+g.IntN(95))}
	w.exports = []string{
		exported("memory", kindMemory, 0), exported("sluice_buf", kindFunc, g.host),
		exported("sluice_decide", kindFunc, g.host+1), exported(initialize, kindFunc, g.host+2+genFuncs),
	}
	w.fn(1, code(i32(int64(g.IntN(9)))+"\x10"+g.of(2+g.IntN(genFuncs))+"\x1a"+end))
}

func (g *gen) module() []byte {
	w := rule("")
	w.types = append(w.types, "\x60\x03\x7f\x7f\x7f\x00")
	w.tables = []string{"\x70\x00\x02"}
	w.globals = []string{"\x7f\x01\x41\x05" + end, "\x7e\x01\x42\x05" + end, "\x7c\x01\x44\x00\x00\x00\x00\x00\x00\xf0\x3f" + end}
	w.dataCount = u(2)
	w.data = []string{"\x00" + i32(100) + end + sized("some data"), "\x01" + sized("more")}
	for i := range genFuncs {
		g.fn = 2 + i
		w.fn(0, g.body())
	}
	if g.host > 0 {
		g.inGo(&w)
	}
	last := g.of(1 + genFuncs)
	w.elems = []string{"\x00" + i32(0) + end + "\x02" + last + last}
	if g.IntN(3) == 0 {
		w.start = u(g.host + w.fn(1, code(i32(int64(g.IntN(9)))+"\x10"+g.of(2+g.IntN(genFuncs))+"\x1a"+end)))
	}
	g.fn = 1
	w.bodies[1] = g.body()
	return w.build()
}

func (g *gen) body() string {
	g.loops, g.depth, g.label = 0, 0, 0
	return body("\x04\x04\x7f\x01\x7e\x01\x7c\x02\x7f", g.stmts()+g.i32()+end)
}

func (g *gen) stmts() (c string) {
	for range g.IntN(4) {
		c += g.stmt()
	}
	return c
}

func (g *gen) stmt() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 5 {
		return "\x01"
	}
	if g.wild && g.IntN(12) == 0 {
		return g.hostile()
	}
	switch g.IntN(14) {
	case 0, 1:
		return g.i32() + "\x21" + u(1+g.IntN(genI32))
	case 2:
		return g.i32() + "\x24\x00"
	case 3:
		return g.address() + g.i32() + "\x36\x02\x00"
	case 4:
		return g.i32() + "\x04\x40" + g.inside(g.stmts) + "\x05" + g.inside(g.stmts) + end
	case 5:
		return g.loop()
	case 6:
		return "\x02\x40" + g.inside(func() string { return g.stmts() + g.i32() + "\x0d" + u(g.IntN(g.label)) + g.stmts() }) + end
	case 7:
		return g.address() + i32(int64(g.IntN(256))) + i32(int64(g.IntN(64))) + "\xfc\x0b\x00"
	case 8:
		return g.address() + g.address() + i32(int64(g.IntN(64))) + "\xfc\x0a\x00\x00"
	case 9:
		return i32(200) + i32(int64(g.IntN(4))) + i32(int64(g.IntN(2))) + "\xfc\x08\x01\x00"
	case 10:
		return "\x42" + s(g.Int64()) + "\x23\x01\x7c\x24\x01" + g.address() + "\x23\x01\x37\x03\x00"
	case 11:
		return "\x23\x02" + g.i32() + "\xb7\xa0\x24\x02"
	case 12:
		return "\x02\x40" + g.inside(func() string {
			return g.i32() + "\x0e\x02" + u(g.IntN(g.label)) + u(0) + u(g.IntN(g.label))
		}) + end
	}
	return g.i32() + "\x1a"
}

// hostile is a statement that may have no end, or no place to go.
func (g *gen) hostile() string {
	anything := func() string { return i32(int64(int32(g.Uint32()))) }
	if g.host > 0 && g.IntN(3) == 0 {
		return g.hostCall()
	}
	switch g.IntN(9) {
	case 0:
		return "\x03\x40" + g.inside(g.stmts) + "\x0c\x00" + end
	case 1:
		return "\x03\x40" + g.inside(func() string { return g.stmts() + g.i32() + "\x0d\x00" }) + end
	case 2:
		return g.i32() + "\x10" + g.of(1+g.IntN(1+genFuncs)) + "\x1a" // itself or a caller
	case 3:
		return g.i32() + g.i32() + "\x11\x00\x00\x1a"
	case 4:
		return anything() + anything() + anything() + "\xfc\x0b\x00"
	case 5:
		return anything() + anything() + g.i32() + "\xfc\x0a\x00\x00"
	case 6:
		return g.i32() + "\x40\x00\x1a"
	case 7:
		return anything() + g.i32() + "\x36\x02" + u(g.IntN(1<<31))
	}
	return loadGrants + i32(int64(g.IntN(5))) + store8
}

// inside writes code within one more label.
func (g *gen) inside(f func() string) string {
	g.label++
	defer func() { g.label-- }()
	return f()
}

// loop counts a local of its own down; branches to the loop from inside would
// not count, so inside it labels start anew in a block.
func (g *gen) loop() string {
	if g.loops == 2 {
		return "\x01"
	}
	counter := u(genLoop + g.loops)
	g.loops++
	label := g.label
	g.label = 0
	inside := g.inside(g.stmts)
	g.label = label
	g.loops--
	return i32(int64(1+g.IntN(5))) + "\x21" + counter + "\x03\x40\x02\x40" + inside + end +
		"\x20" + counter + i32(1) + "\x6b\x22" + counter + "\x0d\x00" + end
}

// address writes an address that is nearly always inside memory.
func (g *gen) address() string {
	if g.IntN(40) == 0 {
		return g.i32()
	}
	return g.i32() + i32(0xffc) + "\x71"
}

var genBinary = []string{"\x6a", "\x6b", "\x6c", "\x6d", "\x6e", "\x6f", "\x70", "\x71", "\x72", "\x73", "\x74", "\x75", "\x76", "\x77", "\x46", "\x48", "\x4f"}

func (g *gen) i32() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 6 {
		return i32(int64(g.IntN(1000)))
	}
	switch g.IntN(17) {
	case 0, 1:
		return i32(int64(int32(g.Uint32())))
	case 2, 3:
		return "\x20" + u(g.IntN(1+genI32))
	case 4, 5, 6:
		return g.i32() + g.i32() + genBinary[g.IntN(len(genBinary))]
	case 7:
		return g.i32() + "\x45"
	case 8:
		return g.address() + "\x28\x02\x00"
	case 9:
		return "\x23\x00"
	case 10:
		return g.i32() + "\x04\x7f" + g.inside(g.i32) + "\x05" + g.inside(g.i32) + end
	case 11:
		return g.call()
	case 12:
		return g.i32() + g.i32() + g.i32() + "\x1b"
	case 13:
		return "\x23\x01\xa7"
	case 14:
		return "\x23\x02\xfc\x02"
	case 15:
		return "\x20" + u(1) + "\x22" + u(1+g.IntN(genI32))
	}
	if g.IntN(20) == 0 {
		return i32(int64(g.IntN(2))) + "\x40\x00"
	}
	return "\x3f\x00"
}

func (g *gen) call() string {
	if g.fn >= 1+genFuncs {
		return i32(3)
	}
	argument := g.i32()
	if g.IntN(4) == 0 && g.fn < 1+genFuncs {
		return argument + g.i32() + i32(3) + "\x71\x11\x00\x00" // index 0 to 3 of 2
	}
	return argument + "\x10" + g.of(g.fn+1+g.IntN(1+genFuncs-g.fn))
}
