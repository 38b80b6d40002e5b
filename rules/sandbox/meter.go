package sandbox

import (
	"encoding/binary"
	"strconv"
)

// Exports that the metering adds. A module's own exports cannot have these
// names.
const (
	exportFuel  = reservedPrefix + "fuel"  // i64, counts down; below zero is spent
	exportDepth = reservedPrefix + "depth" // i32, the weight of the call stack
	exportStart = reservedPrefix + "start" // what was the start section
	exportSaved = reservedPrefix + "g"     // + index: a mutable global of the module
)

// meter writes the module anew with its charges. Everything added goes to the
// end of its index space, so no index of the module changes; the check has made
// sure that the module itself refers to nothing there.
func (m *module) meter() []byte {
	e := emitter{
		fuel:   uint64(len(m.globals)),
		depth:  uint64(len(m.globals) + 1),
		helper: uint64(len(m.functions)),
	}
	m.addCode(&e)
	m.addHelper(&e)
	m.addGlobals()
	m.addExports(&e)
	m.have[secStart] = false
	out := []byte(wasmHeader)
	for _, id := range sectionOrder {
		if m.have[id] {
			out = append(out, id)
			out = binary.AppendUvarint(out, uint64(len(m.body[id])))
			out = append(out, m.body[id]...)
		}
	}
	return out
}

func (m *module) addCode(e *emitter) {
	n := len(m.code)
	if m.facts.bulk {
		n++
	}
	out := binary.AppendUvarint(nil, uint64(n))
	for i := range m.code {
		body := e.function(&m.code[i])
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	if m.facts.bulk {
		body := e.bulkHelper()
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	m.body[secCode], m.have[secCode] = out, true
}

// addHelper declares the function that bulk operations pay through.
func (m *module) addHelper(e *emitter) {
	if !m.facts.bulk {
		return
	}
	m.extend(secType, 1, []byte{0x60, 1, typeI32, 1, typeI32})
	m.extend(secFunction, 1, binary.AppendUvarint(nil, uint64(len(m.types))))
}

// addGlobals appends the two counters, both 0: nothing runs until the host has
// set the fuel.
func (m *module) addGlobals() {
	m.extend(secGlobal, 2, []byte{
		typeI64, 1, 0x42, 0, opEnd,
		typeI32, 1, 0x41, 0, opEnd,
	})
}

func (m *module) addExports(e *emitter) {
	m.extend(secExport, 2, appendExport(appendExport(nil, exportFuel, kindGlobal, e.fuel), exportDepth, kindGlobal, e.depth))
	for i, g := range m.globals {
		if g.mutable {
			m.extend(secExport, 1, appendExport(nil, exportSaved+strconv.Itoa(i), kindGlobal, uint64(i)))
		}
	}
	if m.start >= 0 {
		m.extend(secExport, 1, appendExport(nil, exportStart, kindFunc, uint64(m.start)))
	}
}

func appendExport(b []byte, name string, kind byte, index uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(name)))
	return binary.AppendUvarint(append(append(b, name...), kind), index)
}

// extend appends n entries to a section that is a vector, and makes the section
// if the module has none. It never writes to the source.
func (m *module) extend(id byte, n int, entries []byte) {
	r := &reader{b: m.body[id]}
	var old uint32
	if m.have[id] {
		old = r.u32()
	}
	out := binary.AppendUvarint(nil, uint64(old)+uint64(n))
	out = append(append(out, r.b[r.i:]...), entries...)
	m.body[id], m.have[id] = out, true
}

// saved returns the names under which the mutable globals are exported.
func (m *module) saved() (names []string) {
	for i, g := range m.globals {
		if g.mutable {
			names = append(names, exportSaved+strconv.Itoa(i))
		}
	}
	return names
}
