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
	exportFloor = reservedPrefix + "floor" // i64, the fuel at which the guest pauses
	exportPause = reservedPrefix + "pause" // called when the fuel is below the floor
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
		stack:  int64(m.limits.stack),
		floor:  uint64(len(m.globals) + 2),
		pause:  uint64(len(m.functions)),
		slice:  m.limits.slice,
	}
	if m.facts.bulk {
		e.pause++
	}
	m.addCode(&e)
	m.addHelpers(&e)
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
	bodies := make([][]byte, 0, len(m.code)+2)
	for i := range m.code {
		bodies = append(bodies, e.function(&m.code[i]))
	}
	if m.facts.bulk {
		bodies = append(bodies, e.bulkHelper())
	}
	if e.slice > 0 {
		bodies = append(bodies, e.pauseHelper())
	}
	out := binary.AppendUvarint(nil, uint64(len(bodies)))
	for _, b := range bodies {
		out = append(binary.AppendUvarint(out, uint64(len(b))), b...)
	}
	m.body[secCode], m.have[secCode] = out, true
}

// addHelpers declares the functions that bulk operations pay through, and that guests
// pause in.
func (m *module) addHelpers(e *emitter) {
	types := len(m.types)
	if m.facts.bulk {
		m.extend(secType, 1, []byte{0x60, 1, typeI32, 1, typeI32})
		m.extend(secFunction, 1, binary.AppendUvarint(nil, uint64(types)))
		types++
	}
	if e.slice > 0 {
		m.extend(secType, 1, []byte{0x60, 0, 0})
		m.extend(secFunction, 1, binary.AppendUvarint(nil, uint64(types)))
	}
}

// addGlobals appends the counters, all 0: nothing runs until the host has set the
// fuel.
func (m *module) addGlobals() {
	m.extend(secGlobal, 3, []byte{
		typeI64, 1, 0x42, 0, opEnd,
		typeI32, 1, 0x41, 0, opEnd,
		typeI64, 1, 0x42, 0, opEnd,
	})
}

func (m *module) addExports(e *emitter) {
	counters := appendExport(appendExport(nil, exportFuel, kindGlobal, e.fuel), exportDepth, kindGlobal, e.depth)
	m.extend(secExport, 3, appendExport(counters, exportFloor, kindGlobal, e.floor))
	for i, g := range m.globals {
		if g.mutable {
			m.extend(secExport, 1, appendExport(nil, exportSaved+strconv.Itoa(i), kindGlobal, uint64(i)))
		}
	}
	if e.slice > 0 {
		m.extend(secExport, 1, appendExport(nil, exportPause, kindFunc, e.pause))
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
