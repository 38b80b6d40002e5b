package sandbox

import (
	"encoding/binary"
	"strings"

	"sluice/internal/record"
	"sluice/rules"
)

// wasm builds small modules for tests. The zero wasm has no sections.
type wasm struct {
	types, imports, funcs, tables, memories, globals, exports []string
	start                                                     string
	elems                                                     []string
	dataCount                                                 string
	bodies, data                                              []string
	tail                                                      string // sections as they are
}

func u(n int) string   { return string(binary.AppendUvarint(nil, uint64(n))) }
func s(n int64) string { return string(appendSigned(nil, n)) }

func sized(b string) string { return u(len(b)) + b }

func section(id byte, items []string) string {
	if items == nil {
		return ""
	}
	return raw(id, u(len(items))+strings.Join(items, ""))
}

func raw(id byte, body string) string { return string(id) + sized(body) }

func (w wasm) build() []byte {
	out := wasmHeader +
		section(secType, w.types) + section(secImport, w.imports) + section(secFunction, w.funcs) +
		section(secTable, w.tables) + section(secMemory, w.memories) + section(secGlobal, w.globals) + section(secExport, w.exports)
	if w.start != "" {
		out += raw(secStart, w.start)
	}
	out += section(secElement, w.elems)
	if w.dataCount != "" {
		out += raw(secDataCount, w.dataCount)
	}
	return []byte(out + section(secCode, w.bodies) + section(secData, w.data) + w.tail)
}

const (
	i32ToI32  = "\x60\x01\x7f\x01\x7f"
	noTypes   = "\x60\x00\x00"
	abortSig  = "\x60\x04\x7f\x7f\x7f\x7f\x00"
	end       = "\x0b"
	getBatch  = "\x20\x00"
	returnOK  = "\x41\x00" + end
	bufferAt  = 1024
	unreached = "\x00"
)

func body(locals, code string) string { return sized(locals + code) }

// code is a body without locals.
func code(c string) string { return body(u(0), c) }

func exported(name string, kind byte, index int) string { return sized(name) + string(kind) + u(index) }

// rule is a complete module whose sluice_decide has the given code; it must
// leave an i32 and end. Type 0 is (i32) → i32, type 1 is () → ().
func rule(decide string) wasm {
	return wasm{
		types:    []string{i32ToI32, noTypes},
		funcs:    []string{u(0), u(0)},
		memories: []string{"\x01\x02\x10"},
		exports:  []string{exported("memory", kindMemory, 0), exported("sluice_buf", kindFunc, 0), exported("sluice_decide", kindFunc, 1)},
		bodies:   []string{code("\x41" + s(bufferAt) + end), code(decide)},
	}
}

// fn adds a function of type t and returns its index.
func (w *wasm) fn(t int, b string) int {
	w.funcs = append(w.funcs, u(t))
	w.bodies = append(w.bodies, b)
	return len(w.funcs) - 1
}

// share is a manifest with one text field and one text attribute.
func share() *rules.Manifest {
	return &rules.Manifest{
		ABI: rules.ABI, Form: "Order", Effect: rules.Share, Grant: 2,
		Record:  []rules.Column{{Name: "n", Type: record.Integer}},
		Viewer:  []rules.Column{{Name: "m", Type: record.Integer}},
		Reasons: []string{"one", "two"},
	}
}

func withManifest(module []byte, m *rules.Manifest) []byte {
	out, err := rules.Embed(module, m.Marshal())
	if err != nil {
		panic(err)
	}
	return out
}

// Pieces of code for sluice_decide.
const (
	// loadRows pushes the address of the first row, loadGrants of the grants.
	loadCount   = getBatch + "\x28\x02\x04"
	loadViewer  = getBatch + "\x28\x02\x10"
	loadRows    = getBatch + "\x28\x02\x14"
	loadGrants  = getBatch + "\x28\x02\x18"
	loadMasks   = getBatch + "\x28\x02\x1c"
	loadReasons = getBatch + "\x28\x02\x20"
	store8      = "\x3a\x00\x00"
	forever     = "\x03\x40\x0c\x00" + end // loop br 0 end
)

func i32(n int64) string { return "\x41" + s(n) }

// each runs code for every record, with local 1 the number of the record and
// local 2 the address of its row. The columns are those of share().
func each(inside string) string {
	return body("\x01\x03\x7f", loadRows+"\x21\x02"+
		"\x02\x40\x03\x40"+ // block loop
		"\x20\x01"+loadCount+"\x4f\x0d\x01"+ // i ≥ n: leave
		inside+
		"\x20\x01\x41\x01\x6a\x21\x01"+ // i++
		"\x20\x02\x41\x10\x6a\x21\x02"+ // row += 16
		"\x0c\x00"+end+end+i32(0)+end)
}

// grant stores what value pushes as the grant of record local 1.
func grant(value string) string { return loadGrants + "\x20\x01\x6a" + value + store8 }

// small pushes the low 32 bits of the record's only field.
const fieldLow = "\x20\x02\x28\x02\x08"

// eachRule is a rule whose decide is each(inside).
func eachRule(inside string) wasm {
	w := rule("")
	w.bodies[1] = each(inside)
	return w
}
