package sandbox

import (
	"strings"

	"sluice/rules"
)

// Section ids.
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
	sections
)

// rank is the order in which sections must stand: the data count comes before
// the code.
var rank = [sections]int{secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secGlobal: 6, secExport: 7, secStart: 8, secElement: 9, secDataCount: 10, secCode: 11, secData: 12}

var sectionOrder = [...]byte{secType, secImport, secFunction, secTable, secMemory, secGlobal, secExport, secStart, secElement, secDataCount, secCode, secData}

// Value types.
const (
	typeI32 = 0x7f
	typeI64 = 0x7e
	typeF32 = 0x7d
	typeF64 = 0x7c
	funcref = 0x70
)

// Kinds of exports.
const (
	kindFunc = iota
	kindTable
	kindMemory
	kindGlobal
)

const (
	wasmHeader     = "\x00asm\x01\x00\x00\x00"
	reservedPrefix = "sluice:"
)

// funcType is the signature of a function, as its value type bytes.
type funcType struct{ params, results string }

type global struct {
	typ     byte
	mutable bool
}

type export struct {
	name  string
	kind  byte
	index int
}

// module is what the check learned. Sections are borrowed from the source.
type module struct {
	limits  *limits
	profile rules.Profile
	body    [sections][]byte
	have    [sections]bool

	types     []funcType
	imported  int   // functions imported; they come first in the index space
	functions []int // the type of each function, imported ones included
	tables    int
	entries   int // of the table
	memories  int
	pages     int // initial memory
	globals   []global
	exports   []export
	start     int // function, -1 for none
	dataCount int // -1 when the section is absent
	data      int
	code      []function
	facts     facts
}

// facts are sums over the module, for limits and reports.
type facts struct {
	locals, blocksSquared, localsBlocks int
	maxBlocks                           int
	instructions                        int
	bulk, grows                         bool
}

// parse reads and checks a whole module of a rule in the lean profile.
func parse(src []byte) (*module, error) { return parseAs(src, rules.Lean) }

// parseAs reads and checks a whole module of a rule in a profile.
func parseAs(src []byte, profile rules.Profile) (*module, error) {
	m, err := parsePlain(src, profile)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	m.checkInterface(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// parseModule reads and checks a lean module without asking for the exports that
// make it a rule.
func parseModule(src []byte) (*module, error) { return parsePlain(src, rules.Lean) }

func parsePlain(src []byte, profile rules.Profile) (*module, error) {
	m := &module{limits: limitsOf(profile), profile: profile, start: -1, dataCount: -1}
	r := &reader{b: src}
	if len(src) > m.limits.module {
		r.over(int64(len(src)), "bytes", m.limits.module)
	}
	if r.err == nil && !strings.HasPrefix(string(src[:min(len(src), 8)]), wasmHeader) {
		r.fail("expected a WebAssembly module of version 1")
	}
	r.bytes(8)
	m.split(r)
	for _, id := range sectionOrder {
		if r.err == nil && m.have[id] {
			s := &reader{b: m.body[id]}
			m.section(id, s)
			s.end("a section")
			r.err = s.err
		}
	}
	m.finish(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// split cuts the module into sections. Custom sections are dropped.
func (m *module) split(r *reader) {
	last := 0
	for r.more() {
		id := r.u8()
		body := r.bytes(r.u32())
		if r.err != nil {
			return
		}
		if id == secCustom {
			c := &reader{b: body}
			c.name()
			r.err = c.err
			continue
		}
		if id >= sections || rank[id] <= last {
			r.fail("section %d is unknown, twice or out of order", id)
			return
		}
		last = rank[id]
		m.body[id], m.have[id] = body, true
	}
}

func (m *module) section(id byte, s *reader) {
	switch id {
	case secType:
		m.readTypes(s)
	case secImport:
		m.readImports(s)
	case secFunction:
		for range s.count("functions", m.limits.functions) {
			m.functions = append(m.functions, s.index("type", len(m.types)))
		}
	case secTable:
		m.readTable(s)
	case secMemory:
		m.readMemory(s)
	case secGlobal:
		m.readGlobals(s)
	case secExport:
		m.readExports(s)
	case secStart:
		m.readStart(s)
	case secElement:
		for range s.count("element segments", maxElements) {
			m.readElement(s)
		}
	case secDataCount:
		m.dataCount = s.count("data segments", m.limits.data)
	case secCode:
		m.readCode(s)
	case secData:
		m.readData(s)
	}
}

func (m *module) readTypes(s *reader) {
	for range s.count("types", maxTypes) {
		if s.u8() != 0x60 {
			s.fail("a type that is not a function type")
		}
		params := valueTypes(s, "parameters", maxParams)
		results := valueTypes(s, "results", maxResults)
		m.types = append(m.types, funcType{params, results})
	}
}

func valueTypes(s *reader, what string, limit int) string {
	b := s.bytes(uint32(s.count(what, limit)))
	for _, t := range b {
		checkType(s, t)
	}
	return string(b)
}

func checkType(s *reader, t byte) {
	if t < typeF64 || t > typeI32 {
		s.fail("value type %#x: expected i32, i64, f32 or f64", t)
	}
}

func (m *module) readTable(s *reader) {
	m.tables = s.count("tables", 1)
	for range m.tables {
		if s.u8() != funcref {
			s.fail("a table holds functions only")
		}
		flag := s.u8()
		least := s.count("table entries", m.limits.tableEntries)
		m.entries = least
		if flag > 1 {
			s.fail("table: limits of kind %d", flag)
		}
		if flag == 1 && s.u32() < uint32(least) {
			s.fail("table: the maximum is below the minimum")
		}
	}
}

func (m *module) readMemory(s *reader) {
	m.memories = s.count("memories", 1)
	for range m.memories {
		flag := s.u8()
		m.pages = s.count("pages of memory", m.limits.pages)
		if flag > 1 {
			s.fail("memory: shared and 64-bit memories are not supported")
		}
		if flag != 1 {
			continue
		}
		if most := s.u32(); most < uint32(m.pages) || most > 1<<16 {
			s.fail("memory: expected a maximum from the minimum to 65536 pages")
		}
	}
}

func (m *module) readGlobals(s *reader) {
	for range s.count("globals", maxGlobals) {
		t, flag := s.u8(), s.u8()
		checkType(s, t)
		if flag > 1 {
			s.fail("global: expected constant or mutable")
		}
		constant(s, t)
		m.globals = append(m.globals, global{t, flag == 1})
	}
}

// constant reads a constant expression of type t: one constant and an end, and
// returns the value of an integer. Nothing can be imported that another constant
// could refer to.
func constant(s *reader, t byte) (v int64) {
	op := s.u8()
	switch {
	case op == 0x41 && t == typeI32:
		v = s.signed(32)
	case op == 0x42 && t == typeI64:
		v = s.signed(64)
	case op == 0x43 && t == typeF32:
		s.bytes(4)
	case op == 0x44 && t == typeF64:
		s.bytes(8)
	default:
		s.fail("expected one constant of the declared type")
	}
	if s.u8() != 0x0b {
		s.fail("expected the end of a constant")
	}
	return v
}

func (m *module) readExports(s *reader) {
	seen := map[string]bool{}
	for range s.count("exports", maxExports) {
		e := export{name: s.name(), kind: s.u8()}
		if strings.HasPrefix(e.name, reservedPrefix) {
			s.fail("export %.40q: names that start with %q are reserved", e.name, reservedPrefix)
		}
		if seen[e.name] {
			s.fail("export %.40q: given twice", e.name)
		}
		seen[e.name] = true
		switch e.kind {
		case kindFunc:
			e.index = s.index("function", len(m.functions))
		case kindTable:
			e.index = s.index("table", m.tables)
		case kindMemory:
			e.index = s.index("memory", m.memories)
		case kindGlobal:
			e.index = s.index("global", len(m.globals))
		default:
			s.fail("export %.40q: of unknown kind", e.name)
		}
		m.exports = append(m.exports, e)
	}
}

func (m *module) readStart(s *reader) {
	m.start = s.index("function", len(m.functions))
	if s.err == nil && m.types[m.functions[m.start]] != (funcType{}) {
		s.fail("start function: expected no parameters and no results")
	}
}

// readElement reads one element segment. The three low bits of its kind say:
// not active, with a table index or declared only, functions as expressions. One
// that does not fit the table is refused: the engine would leave it out, and all
// after it, where the specification asks for a trap.
func (m *module) readElement(s *reader) {
	kind := s.u8()
	if kind > 7 {
		s.fail("element segment of kind %d", kind)
	}
	passive, explicit, exprs := kind&1 != 0, kind&2 != 0, kind&4 != 0
	room := m.limits.tableEntries
	if !passive {
		if explicit {
			s.zero("element segment: table")
		}
		if m.tables == 0 {
			s.fail("element segment: there is no table")
		}
		from := uint32(constant(s, typeI32))
		if s.err == nil && uint64(from) > uint64(m.entries) {
			s.fail("element segment: it starts at entry %d of a table of %d", from, m.entries)
		}
		room = m.entries - int(from)
	}
	if passive || explicit {
		want := byte(0)
		if exprs {
			want = funcref
		}
		if s.u8() != want {
			s.fail("element segment: expected functions")
		}
	}
	n := s.count("entries of an element segment", m.limits.tableEntries)
	if n > room {
		s.fail("element segment: %d entries where the table has room for %d", n, room)
	}
	for range n {
		if exprs {
			m.functionConstant(s)
		} else {
			m.element(s)
		}
	}
}

// element reads a function of a table. One of the host's that costs more than
// others cannot be called through a table: nothing would pay for it.
func (m *module) element(s *reader) {
	if f := s.index("function", len(m.functions)); f < m.imported && m.limits.hostCall > 0 {
		s.fail("element segment: function %d is imported; it can be called by its name alone", f)
	}
}

func (m *module) functionConstant(s *reader) {
	switch s.u8() {
	case 0xd0: // ref.null
		if s.u8() != funcref {
			s.fail("element segment: expected functions")
		}
	case 0xd2: // ref.func
		m.element(s)
	default:
		s.fail("element segment: expected a function")
	}
	if s.u8() != 0x0b {
		s.fail("expected the end of a constant")
	}
}

func (m *module) readData(s *reader) {
	m.data = s.count("data segments", m.limits.data)
	for range m.data {
		kind := s.u8()
		switch kind {
		case 0, 2:
			if kind == 2 {
				s.zero("data segment: memory")
			}
			if m.memories == 0 {
				s.fail("data segment: there is no memory")
			}
			constant(s, typeI32)
		case 1:
		default:
			s.fail("data segment of kind %d", kind)
		}
		s.bytes(s.u32())
	}
}

// finish checks what holds between sections.
func (m *module) finish(r *reader) {
	if len(m.code) != len(m.functions)-m.imported {
		r.fail("%d functions and %d bodies", len(m.functions)-m.imported, len(m.code))
	}
	if m.dataCount >= 0 && m.dataCount != m.data {
		r.fail("%d data segments, %d announced", m.data, m.dataCount)
	}
}

// checkInterface asks for the exports through which the host reaches a rule.
func (m *module) checkInterface(r *reader) {
	call := funcType{string([]byte{typeI32}), string([]byte{typeI32})}
	m.requireFunc(r, "sluice_buf", call, true)
	m.requireFunc(r, "sluice_decide", call, true)
	m.requireFunc(r, "sluice_plan", call, false)
	if m.profile == rules.Go {
		m.requireFunc(r, initialize, funcType{}, true)
	}
	if e, ok := m.export("memory"); !ok || e.kind != kindMemory {
		r.fail("expected the memory exported as %q", "memory")
	}
}

func (m *module) requireFunc(r *reader, name string, t funcType, must bool) {
	e, ok := m.export(name)
	if !ok && !must {
		return
	}
	if r.err == nil && (!ok || e.kind != kindFunc || m.types[m.functions[e.index]] != t) {
		r.fail("expected an exported function %s%s", name, t)
	}
}

func (m *module) export(name string) (export, bool) {
	for _, e := range m.exports {
		if e.name == name {
			return e, true
		}
	}
	return export{}, false
}
