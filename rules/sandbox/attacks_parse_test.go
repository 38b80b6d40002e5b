package sandbox

import (
	"fmt"
	"slices"
)

// padded is n as an unsigned LEB128 of the given length.
func padded(n uint64, length int) string {
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(n>>(7*i))&0x7f | 0x80
	}
	b[length-1] &= 0x7f
	return string(b)
}

const allOnes = "\xff\xff\xff\xff\x0f" // 2^32-1

// countedSections are those that begin with a count, with the place that the
// message names.
var countedSections = []struct {
	name string
	id   byte
	over string // what a count of 2^32-1 is refused with
}{
	{"types", secType, "4,294,967,295 types"},
	{"imports", secImport, "ends too early"},
	{"functions", secFunction, "4,294,967,295 functions"},
	{"tables", secTable, "4,294,967,295 tables"},
	{"memories", secMemory, "4,294,967,295 memories"},
	{"globals", secGlobal, "4,294,967,295 globals"},
	{"exports", secExport, "4,294,967,295 exports"},
	{"element segments", secElement, "4,294,967,295 element segments"},
	{"bodies", secCode, "4,294,967,295 bodies"},
	{"data segments", secData, "4,294,967,295 data segments"},
	{"announced data segments", secDataCount, "4,294,967,295 data segments"},
}

// sectionsOf cuts a module made here into its sections.
func sectionsOf(module []byte) (ids []byte, bodies []string) {
	r := &reader{b: module, i: len(wasmHeader)}
	for r.more() {
		ids = append(ids, r.u8())
		bodies = append(bodies, string(r.bytes(r.u32())))
	}
	return ids, bodies
}

// replaced is the smallest module with the body of one section exchanged, or
// with that section where it belongs.
func replaced(id byte, body string) []byte {
	ids, bodies := sectionsOf(ok().build())
	at := slices.Index(ids, id)
	if at < 0 {
		at = slices.IndexFunc(ids, func(other byte) bool { return rank[other] > rank[id] })
		if at < 0 {
			at = len(ids)
		}
		ids, bodies = slices.Insert(ids, at, id), slices.Insert(bodies, at, "")
	}
	bodies[at] = body
	out := wasmHeader
	for i, id := range ids {
		out += raw(id, bodies[i])
	}
	return []byte(out)
}

func parsingAttacks() (out []attack) {
	for _, c := range countedSections {
		const early = "ends too early"
		out = append(out,
			attack{name: c.name + ": count of 2^32-1", module: replaced(c.id, allOnes), refused: c.over},
			attack{name: c.name + ": count that overflows", module: replaced(c.id, "\xff\xff\xff\xff\x1f"), refused: "does not fit 32 bits"},
			attack{name: c.name + ": count of six bytes", module: replaced(c.id, padded(1, 6)), refused: "does not fit 32 bits"},
			attack{name: c.name + ": an unfinished count", module: replaced(c.id, "\x80"), refused: early},
		)
		if c.id != secDataCount {
			out = append(out, attack{name: c.name + ": nothing behind the count", module: replaced(c.id, u(1)), refused: early})
		}
	}
	for id := byte(secDataCount + 1); id <= 16; id++ {
		out = append(out, refusedAs(fmt.Sprintf("section %d", id), fmt.Sprintf("section %d is unknown", id), func(w *wasm) { w.tail = raw(id, "x") }))
	}
	for id := byte(secType); id <= secDataCount; id++ {
		out = append(out, refusedAs(fmt.Sprintf("section %d after all others", id), fmt.Sprintf("section %d is unknown, twice or out of order", id), func(w *wasm) {
			w.data = []string{}
			w.tail = raw(id, u(0)+"\x01")
		}))
	}
	return append(out, parsingFields()...)
}

func parsingFields() []attack {
	table := func(limits string) func(w *wasm) { return func(w *wasm) { w.tables = []string{limits} } }
	memory := func(limits string) func(w *wasm) { return func(w *wasm) { w.memories = []string{limits} } }
	typed := func(t string) func(w *wasm) { return func(w *wasm) { w.types = append(w.types, t) } }
	data := func(d string) func(w *wasm) { return func(w *wasm) { w.data = []string{d} } }
	elem := func(e string) func(w *wasm) {
		return func(w *wasm) { w.tables, w.elems = []string{"\x70\x00\x02"}, []string{e} }
	}
	global := func(g string) func(w *wasm) { return func(w *wasm) { w.globals = []string{g} } }
	zero := i32(0) + end
	return []attack{
		refusedAs("structure type", "not a function type", typed("\x5f\x00")),
		refusedAs("recursive types", "not a function type", typed("\x4e\x00")),
		refusedAs("33 parameters", "33 parameters", typed("\x60"+u(33)+repeat("\x7f", 33)+"\x00")),
		refusedAs("2^32-1 parameters", "4,294,967,295 parameters", typed("\x60"+allOnes+"\x00")),
		refusedAs("9 results", "9 results", typed("\x60\x00"+u(9)+repeat("\x7f", 9))),
		refusedAs("2^32-1 results", "4,294,967,295 results", typed("\x60\x00"+allOnes)),
		refusedAs("external reference parameter", "value type 0x6f", typed("\x60\x01\x6f\x00")),
		refusedAs("type of value type 0", "value type 0x0", typed("\x60\x01\x00\x00")),
		refusedAs("block type as a parameter", "value type 0x40", typed("\x60\x01\x40\x00")),
		refusedAs("513 types", "513 types", func(w *wasm) {
			w.types = append(w.types, slices.Repeat([]string{noTypes}, 511)...)
		}),
		refusedAs("table of 1,025", "1,025 table entries", table("\x70\x00"+u(1025))),
		refusedAs("table of 2^32-1", "4,294,967,295 table entries", table("\x70\x00"+allOnes)),
		refusedAs("table of external references", "holds functions only", table("\x6f\x00\x01")),
		refusedAs("table with a first value", "holds functions only", table("\x40\x00\x70\x00\x01\xd0\x70"+end)),
		refusedAs("shared table", "limits of kind 3", table("\x70\x03\x01\x02")),
		refusedAs("64-bit table", "limits of kind 4", table("\x70\x04\x01")),
		refusedAs("2^32-1 pages", "4,294,967,295 pages of memory", memory("\x00"+allOnes)),
		refusedAs("most pages below least", "from the minimum to 65536 pages", memory("\x01\x02\x01")),
		refusedAs("most pages beyond 4 GiB", "from the minimum to 65536 pages", memory("\x01\x02"+u(1<<16+1))),
		refusedAs("most pages of 2^32-1", "from the minimum to 65536 pages", memory("\x01\x02"+allOnes)),
		refusedAs("memory with a page size", "not supported", memory("\x08\x02\x00")),
		refusedAs("shared memory without a most", "not supported", memory("\x02\x02")),
		refusedAs("65 globals", "65 globals", func(w *wasm) { w.globals = slices.Repeat([]string{"\x7f\x01" + zero}, 65) }),
		refusedAs("global of mutability 2", "constant or mutable", global("\x7f\x02"+zero)),
		refusedAs("global of another type", "one constant of the declared type", global("\x7e\x01"+zero)),
		refusedAs("global without an end", "the end of a constant", global("\x7f\x01"+i32(0)+i32(0)+end)),
		refusedAs("global that computes", "the end of a constant", global("\x7f\x01"+i32(1)+i32(2)+"\x6a"+end)),
		refusedAs("global of an unfinished constant", "ends too early", global("\x7c\x01\x44\x00")),
		refusedAs("65 exports", "65 exports", func(w *wasm) {
			w.exports = append(w.exports, repeatNames(62)...)
		}),
		refusedAs("export of kind 4", "of unknown kind", func(w *wasm) { w.exports = append(w.exports, exported("x", 4, 0)) }),
		refusedAs("export of a name of 257 bytes", "257 bytes in a name", func(w *wasm) { w.exports = append(w.exports, exported(repeat("x", 257), kindFunc, 0)) }),
		refusedAs("export of a name of 2^32-1 bytes", "4,294,967,295 bytes in a name", func(w *wasm) { w.exports = append(w.exports, allOnes) }),
		refusedAs("export of the empty name twice", "given twice", func(w *wasm) { w.exports = append(w.exports, exported("", 0, 0), exported("", 0, 1)) }),
		refusedAs("export of decide twice", "given twice", func(w *wasm) { w.exports = append(w.exports, exported("sluice_decide", 0, 0)) }),
		refusedAs("export of a name with half a character", "UTF-8", func(w *wasm) { w.exports = append(w.exports, exported("\xe2\x82", 0, 0)) }),
		refusedAs("export of a surrogate", "UTF-8", func(w *wasm) { w.exports = append(w.exports, exported("\xed\xa0\x80", 0, 0)) }),
		refusedAs("data of 2^32-1 bytes", "ends too early", data("\x00"+zero+allOnes)),
		refusedAs("data of kind 3", "data segment of kind 3", data("\x03\x00")),
		refusedAs("data in memory 1", "data segment: memory: expected index 0", data("\x02\x01"+zero+"\x00")),
		refusedAs("data at an i64", "one constant of the declared type", data("\x00\x42\x00"+end+"\x00")),
		refusedAs("data without its memory", "there is no memory", func(w *wasm) { w.memories, w.data = nil, []string{"\x00" + zero + "\x00"}; w.exports = w.exports[1:] }),
		refusedAs("513 data segments", "513 data segments", func(w *wasm) { w.data = slices.Repeat([]string{"\x01\x00"}, 513) }),
		refusedAs("fewer data segments than announced", "1 data segments, 2 announced", func(w *wasm) { w.dataCount, w.data = u(2), []string{"\x01\x00"} }),
		refusedAs("more data segments than announced", "1 data segments, 0 announced", func(w *wasm) { w.dataCount, w.data = u(0), []string{"\x01\x00"} }),
		refusedAs("element segment of kind 8", "element segment of kind 8", elem("\x08\x00")),
		refusedAs("element segment in table 1", "element segment: table: expected index 0", elem("\x02\x01"+zero+"\x00\x01\x00")),
		refusedAs("element segment of external references", "expected functions", elem("\x05\x6f\x00")),
		refusedAs("element segment of element kind 1", "expected functions", elem("\x01\x01\x00")),
		refusedAs("element segment with a null of another kind", "expected functions", elem("\x05\x70\x01\xd0\x6f"+end)),
		refusedAs("element segment with a number", "expected a function", elem("\x05\x70\x01"+zero)),
		refusedAs("element segment of 2^32-1", "4,294,967,295 entries of an element segment", elem("\x00"+zero+allOnes)),
		refusedAs("element segment beyond the table", "starts at entry 3 of a table of 2", elem("\x00"+i32(3)+end+"\x00")),
		refusedAs("element segment at -1", "starts at entry 4294967295", elem("\x00"+i32(-1)+end+"\x01\x00")),
		refusedAs("element segment across the end", "2 entries where the table has room for 1", elem("\x00"+i32(1)+end+"\x02\x00\x00")),
		refusedAs("65 element segments", "65 element segments", func(w *wasm) {
			w.tables, w.elems = []string{"\x70\x00\x02"}, slices.Repeat([]string{"\x01\x00\x00"}, 65)
		}),
		refusedAs("start with a result", "start function", func(w *wasm) { w.types = append(w.types, "\x60\x00\x01\x7f"); w.start = u(w.fn(2, code(i32(0)+end))) }),
		refusedAs("start of the import", "start function", func(w *wasm) {
			w.types = append(w.types, abortSig)
			w.imports, w.start = []string{sized("env") + sized("abort") + "\x00\x02"}, u(0)
		}),
		refusedAs("start with a second byte", "after the end", func(w *wasm) { w.start = u(w.fn(1, code(end))) + "\x00" }),
		refusedAs("custom section without a name", "custom section without a name", func(w *wasm) { w.tail = raw(secCustom, "\x05ab") }),
		refusedAs("custom section of a name that is not UTF-8", "custom section without a name", func(w *wasm) { w.tail = raw(secCustom, "\x01\xff") }),
	}
}

func repeatNames(n int) (out []string) {
	for i := range n {
		out = append(out, exported(fmt.Sprint("name", i), kindFunc, 0))
	}
	return out
}
