package sandbox

import "fmt"

// function is what the walk of one body learned.
type function struct {
	body   []byte // borrowed, local declarations included
	inputs int    // parameters
	locals int    // parameters included
	blocks int
	instrs int
	points []point // in order of position
}

// weight is what a frame of the function adds to the call stack.
func (f *function) weight() int { return 1 + (f.instrs+f.locals)/instructionsPerWeight }

// pointKind says what the metering inserts at a point.
type pointKind uint8

const (
	pointCharge pointKind = iota // pay
	pointLoop                    // pay and test
	pointEntry                   // pay, test, and test the stack
	pointEnter                   // before a call: add the frame's weight
	pointLeave                   // after it: take it off again
	pointBulk                    // before a bulk operation: pay by length
)

// point is a place in a body where the metering inserts instructions.
type point struct {
	at   int // offset in body
	cost int // of a charge
	kind pointKind
}

// walker checks one body and finds its points.
type walker struct {
	m      *module
	r      *reader
	f      *function
	stack  []byte // the opcodes of the open blocks; the body itself is a block
	charge int    // the point that instructions are charged to
}

func (m *module) readCode(s *reader) {
	for k := range s.count("bodies", m.limits.functions) {
		if k >= len(m.functions)-m.imported {
			s.fail("more bodies than functions")
			return
		}
		s.place = m.functionName(m.imported + k)
		body := s.bytes(uint32(s.count("bytes", m.limits.body)))
		f := function{body: body, inputs: len(m.types[m.functions[m.imported+k]].params)}
		b := &reader{b: body, err: s.err, place: s.place}
		f.readLocals(b, m.limits.locals)
		w := walker{m: m, r: b, f: &f}
		w.walk()
		if s.err = b.err; s.err != nil {
			return
		}
		m.add(s, f)
	}
}

// readLocals counts locals in 64 bits before anybody makes room for them.
func (f *function) readLocals(r *reader, most int) {
	total := uint64(f.inputs)
	for range r.count("groups of locals", most) {
		total += uint64(r.u32())
		checkType(r, r.u8())
		if total > uint64(most) {
			r.over(int64(total), "locals", most)
			return
		}
	}
	f.locals = int(total)
}

// add holds the sums to their limits.
func (m *module) add(s *reader, f function) {
	m.code = append(m.code, f)
	product := (f.locals + 4) * f.blocks
	m.facts.locals += f.locals
	m.facts.blocksSquared += f.blocks * f.blocks
	m.facts.localsBlocks += product
	m.facts.maxBlocks = max(m.facts.maxBlocks, f.blocks)
	m.facts.instructions += f.instrs
	for _, l := range []struct {
		what       string
		got, limit int
	}{
		{"basic blocks", f.blocks, m.limits.blocks},
		{"locals × basic blocks", product, m.limits.localsBlocks},
	} {
		if l.got > l.limit {
			s.over(int64(l.got), l.what, l.limit)
		}
	}
	s.place = ""
	for _, l := range []struct {
		what       string
		got, limit int
	}{
		{"locals", m.facts.locals, m.limits.allLocals},
		{"basic blocks, each function's squared", m.facts.blocksSquared, m.limits.blocksSquared},
		{"locals × basic blocks", m.facts.localsBlocks, m.limits.allLocalsBlocks},
	} {
		if l.got > l.limit {
			s.fail("all functions up to function %d together have %s %s, the limit is %s: make the module smaller",
				m.imported+len(m.code)-1, thousands(int64(l.got)), l.what, thousands(int64(l.limit)))
		}
	}
}

// functionName names a function for an error: by its index, imported ones
// counted, and by an export, if it has one.
func (m *module) functionName(index int) string {
	for _, e := range m.exports {
		if e.kind == kindFunc && e.index == index {
			return fmt.Sprintf("function %d (exported as %.40q)", index, e.name)
		}
	}
	return fmt.Sprintf("function %d", index)
}

func (w *walker) walk() {
	w.f.blocks = 1
	w.stack = append(w.stack, opBlock)
	w.open(pointEntry)
	w.f.points[0].cost = (w.f.locals - w.f.inputs) / localsPerFuel
	for len(w.stack) > 0 && w.r.err == nil {
		w.instruction()
	}
	w.r.end("a function")
}

// open starts a new charge at the current position.
func (w *walker) open(kind pointKind) {
	w.f.points = append(w.f.points, point{at: w.r.i, kind: kind})
	w.charge = len(w.f.points) - 1
}

func (w *walker) mark(at int, kind pointKind) {
	w.f.points = append(w.f.points, point{at: at, kind: kind})
}

// instruction checks one instruction and charges it to the open block.
func (w *walker) instruction() {
	at := w.r.i
	code := w.r.u8()
	o := opcodes[code]
	w.f.instrs++
	if o.imm == callee || o.imm == calleeIndirect {
		w.mark(at, pointEnter)
	}
	extra := w.immediate(code, o, at)
	w.f.points[w.charge].cost += o.cost + extra
	if o.imm == callee || o.imm == calleeIndirect {
		w.mark(w.r.i, pointLeave)
	}
	w.structure(code)
}

// structure follows control flow: it opens and closes blocks, and starts a new
// charge wherever another path may join or leave.
func (w *walker) structure(code byte) {
	switch code {
	case opBlock, opLoop, opIf:
		w.stack = append(w.stack, code)
		w.f.blocks += 2
		if len(w.stack) > w.m.limits.nesting {
			w.r.fail("blocks nested more than %d deep: split the function", w.m.limits.nesting)
		}
		if code == opLoop {
			w.open(pointLoop)
		} else if code == opIf {
			w.open(pointCharge)
		}
	case opElse:
		if w.stack[len(w.stack)-1] != opIf {
			w.r.fail("an else without its if")
			return
		}
		w.stack[len(w.stack)-1] = opElse
		w.f.blocks++
		w.open(pointCharge)
	case opEnd:
		was := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if was != opLoop && len(w.stack) > 0 {
			w.open(pointCharge)
		}
	case opBr, opBrIf:
		w.f.blocks++
		w.open(pointCharge)
	case opBrTable, opReturn, opUnreachable:
		w.open(pointCharge)
	}
}

// immediate reads and checks what follows the opcode, and returns the cost that
// it adds.
func (w *walker) immediate(code byte, o op, at int) int {
	r := w.r
	switch o.imm {
	case plain:
	case blockType:
		w.blockType()
	case label:
		r.index("label", len(w.stack))
	case branchTable:
		n := r.count("targets of a branch table", w.m.limits.branchTable) + 1
		for range n {
			r.index("label", len(w.stack))
		}
		w.f.blocks += n
	case callee:
		if f := r.index("function", len(w.m.functions)); f < w.m.imported {
			return w.m.limits.hostCall
		}
	case calleeIndirect:
		r.index("type", len(w.m.types))
		r.index("indirect call: table", 1) // a number: compilers pad it
		if w.m.tables == 0 {
			r.fail("indirect call: there is no table")
		}
	case local:
		r.index("local", w.f.locals)
	case globalGet:
		r.index("global", len(w.m.globals))
	case globalSet:
		if g := r.index("global", len(w.m.globals)); r.err == nil && !w.m.globals[g].mutable {
			r.fail("global %d is constant", g)
		}
	case load:
		if r.u32() > o.align {
			r.fail("memory access: alignment above the natural one")
		}
		r.u32()
		w.needMemory()
	case memoryIndex:
		r.zero("memory")
		w.needMemory()
		if code == opGrow {
			w.m.facts.grows = true
		}
	case constI32:
		r.signed(32)
	case constI64:
		r.signed(64)
	case constF32:
		r.bytes(4)
	case constF64:
		r.bytes(8)
	case misc:
		return w.misc(at)
	default:
		r.fail("opcode %#x is not allowed%s", code, feature(code))
	}
	return 0
}

// blockType reads the type of a block: none, one value, or an index as a signed
// number of 33 bits.
func (w *walker) blockType() {
	from := w.r.i
	n := w.r.signed(33)
	switch {
	case w.r.err != nil || n == -64: // none
	case n >= 0 && n < int64(len(w.m.types)):
	case n < 0:
		checkType(w.r, byte(n)&0x7f)
	default:
		w.r.fail("type %d does not exist", n)
	}
	if n < 0 && w.r.i-from != 1 {
		w.r.fail("a block type in more than one byte")
	}
}

// misc reads the opcodes behind the prefix 0xfc: saturating conversions and the
// bulk operations on memory. Those that drop a segment or touch a table are
// refused: the host could not put them back.
func (w *walker) misc(at int) int {
	code := w.r.u8()
	switch {
	case code <= 7:
		return costConvert - 1
	case code == miscInit:
		if w.m.dataCount < 0 {
			w.r.fail("memory.init: expected a data count section")
		}
		w.r.index("data segment", max(w.m.dataCount, 0))
	case code == miscCopy:
		w.r.zero("memory.copy")
	case code == miscFill:
	default:
		w.r.fail("opcode 0xfc %#x is not allowed%s", code, miscFeature(code))
		return 0
	}
	w.r.zero("memory")
	w.needMemory()
	w.m.facts.bulk = true
	w.mark(at, pointBulk)
	if code == miscFill {
		return costFill
	}
	return costBulk
}

func (w *walker) needMemory() {
	if w.m.memories == 0 {
		w.r.fail("there is no memory")
	}
}

// feature says what an opcode that is not allowed belongs to, and what to do.
func feature(code byte) string {
	switch {
	case code == 0xfd:
		return " (vectors): build without SIMD"
	case code == 0xfe:
		return " (threads): build without atomics"
	case code == 0x12 || code == 0x13:
		return " (tail calls): build without them"
	case code >= 0x06 && code <= 0x0a || code >= 0x18 && code <= 0x19:
		return " (exceptions): build without them"
	case code == 0x1c || code == 0x25 || code == 0x26 || code >= 0xd0 && code <= 0xd2:
		return " (references): build without reference types"
	}
	return ""
}

func miscFeature(code byte) string {
	if code == 9 {
		return " (data.drop): build without passive data segments"
	}
	return " (changes a table): tables stay as they begin"
}
