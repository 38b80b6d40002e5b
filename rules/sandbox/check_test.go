package sandbox

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/fault"
)

// ok is the smallest module that the check accepts.
func ok() wasm { return rule(returnOK) }

func with(change func(w *wasm)) []byte {
	w := ok()
	change(&w)
	return w.build()
}

func decideIs(c string) []byte { return rule(c).build() }

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// refusedModules are modules that must not reach the engine, and a part of the
// reason. Those that name an index which does not exist in the module would
// name something that the metering adds.
var refusedModules = []struct {
	name   string
	module []byte
	reason string
}{
	{"empty", nil, "version 1"},
	{"another version", []byte("\x00asm\x02\x00\x00\x00"), "version 1"},
	{"truncated", ok().build()[:40], "ends too early"},
	{"too large", append(ok().build(), make([]byte, maxModule)...), "bytes, the limit is 262,144"},
	{"no memory", with(func(w *wasm) { w.memories = nil; w.exports = w.exports[1:] }), "memory"},
	{"memory not exported", with(func(w *wasm) { w.exports = w.exports[1:] }), "memory exported"},
	{"no buffer function", with(func(w *wasm) { w.exports = append(w.exports[:1], w.exports[2:]...) }), "sluice_buf"},
	{"decide of another type", with(func(w *wasm) { w.funcs[1] = u(1); w.bodies[1] = code(end) }), "sluice_decide"},
	{"decide is a memory", with(func(w *wasm) { w.exports[2] = exported("sluice_decide", kindMemory, 0) }), "sluice_decide"},
	{"plan of another type", with(func(w *wasm) {
		n := w.fn(1, code(end))
		w.exports = append(w.exports, exported("sluice_plan", kindFunc, n))
	}), "sluice_plan"},

	// Compile bombs.
	{"fifty million locals", with(func(w *wasm) { w.fn(1, body("\x01"+u(50_000_000)+"\x7e", end)) }), "locals"},
	{"locals that wrap 32 bits", with(func(w *wasm) { w.fn(1, body("\x02"+u(1<<32-1)+"\x7e"+u(2)+"\x7e", end)) }), "locals"},
	{"locals × blocks", with(func(w *wasm) { w.fn(1, body("\x01"+u(500)+"\x7e", repeat("\x02\x40"+end, 200)+end)) }), "locals × basic blocks, the limit"},
	{"many blocks", with(func(w *wasm) { w.fn(1, code(repeat("\x02\x40"+end, 600)+end)) }), "basic blocks"},
	{"many blocks in all", with(func(w *wasm) {
		for range 3 {
			w.fn(1, code(repeat("\x02\x40"+end, 400)+end))
		}
	}), "together have 1,283,204 basic blocks"},
	{"deep nesting", with(func(w *wasm) { w.fn(1, code(repeat("\x02\x40", 1100)+repeat(end, 1100)+end)) }), "nested"},
	{"branch table", with(func(w *wasm) { w.fn(1, code(i32(0)+"\x0e"+u(5000)+repeat("\x00", 5001)+end)) }), "branch table"},
	{"branch table counts as blocks", with(func(w *wasm) { w.fn(1, code(i32(0)+"\x0e"+u(4000)+repeat("\x00", 4001)+end)) }), "basic blocks"},
	{"large body", with(func(w *wasm) { w.fn(1, code(repeat("\x01", maxBody)+end)) }), "function 2 has 32,770 bytes"},
	{"many functions", with(func(w *wasm) {
		for range 1000 {
			w.fn(1, code(end))
		}
	}), "functions"},
	{"huge table", with(func(w *wasm) { w.tables = []string{"\x70\x00" + u(100_000_000)} }), "table entries"},
	{"two tables", with(func(w *wasm) { w.tables = []string{"\x70\x00\x01", "\x70\x00\x01"} }), "tables"},
	{"two memories", with(func(w *wasm) { w.memories = append(w.memories, w.memories[0]) }), "memories"},
	{"large memory", with(func(w *wasm) { w.memories = []string{"\x00\x11"} }), "pages of memory"},
	{"shared memory", with(func(w *wasm) { w.memories = []string{"\x03\x01\x02"} }), "not supported"},
	{"64-bit memory", with(func(w *wasm) { w.memories = []string{"\x04\x01"} }), "not supported"},

	// Imports.
	{"import of wasi", with(func(w *wasm) { w.imports = []string{sized("wasi_snapshot_preview1") + sized("fd_write") + "\x00\x01"} }), `"profile": "go"`},
	{"import of a memory", with(func(w *wasm) { w.imports = []string{sized("env") + sized("memory") + "\x02\x00\x01"} }), "only import"},
	{"import of a global", with(func(w *wasm) { w.imports = []string{sized("env") + sized("abort") + "\x03\x7f\x01"} }), "only import"},
	{"import of a table", with(func(w *wasm) { w.imports = []string{sized("env") + sized("t") + "\x01\x6f\x00\x01"} }), "only import"},
	{"abort of another type", with(func(w *wasm) { w.imports = []string{sized("env") + sized("abort") + "\x00\x01"} }), "(i32, i32, i32, i32) → ()"},
	{"two imports", with(func(w *wasm) {
		w.imports = []string{sized("env") + sized("abort") + "\x00\x01", sized("env") + sized("abort") + "\x00\x01"}
	}), "imports"},

	// Refuelling: an index that only the metering makes valid.
	{"sets the fuel", decideIs("\x42\xff\x00\x24\x00" + returnOK), "global 0 does not exist"},
	{"sets the depth", decideIs("\x41\x00\x24\x01" + returnOK), "global 1 does not exist"},
	{"reads the fuel", decideIs("\x23\x00\x1a" + returnOK), "global 0 does not exist"},
	{"exports the fuel", with(func(w *wasm) { w.exports = append(w.exports, exported("f", kindGlobal, 0)) }), "global 0 does not exist"},
	{"calls the helper", decideIs(i32(-1) + "\x10\x02\x1a" + returnOK), "function 2 does not exist"},
	{"exports the helper", with(func(w *wasm) { w.exports = append(w.exports, exported("h", kindFunc, 2)) }), "function 2 does not exist"},
	{"starts the helper", with(func(w *wasm) { w.start = u(2) }), "function 2 does not exist"},
	{"puts the helper into a table", with(func(w *wasm) {
		w.tables = []string{"\x70\x00\x01"}
		w.elems = []string{"\x00" + i32(0) + end + "\x01\x02"}
	}), "function 2 does not exist"},
	{"the same as an expression", with(func(w *wasm) {
		w.tables = []string{"\x70\x00\x01"}
		w.elems = []string{"\x04" + i32(0) + end + "\x01\xd2\x02" + end}
	}), "function 2 does not exist"},
	{"type of the helper", with(func(w *wasm) {
		w.tables = []string{"\x70\x00\x01"}
		w.bodies[1] = code(i32(0) + i32(0) + "\x11\x02\x00" + end)
	}), "type 2 does not exist"},
	{"block of the helper's type", decideIs(i32(0) + "\x02\x02" + end + end), "type 2 does not exist"},
	{"function of the helper's type", with(func(w *wasm) { w.fn(2, code(end)) }), "type 2 does not exist"},
	{"a global from the fuel", with(func(w *wasm) { w.globals = []string{"\x7e\x01\x23\x01" + end} }), "one constant"},
	{"reserved export", with(func(w *wasm) { w.exports = append(w.exports, exported("sluice:fuel", kindMemory, 0)) }), "reserved"},
	{"sets a constant", with(func(w *wasm) {
		w.globals = []string{"\x7f\x00\x41\x00" + end}
		w.bodies[1] = code("\x41\x00\x24\x00" + returnOK)
	}), "constant"},

	// Opcodes.
	{"table.set", decideIs(i32(0) + "\xd0\x70\x26\x00" + returnOK), "opcode"},
	{"table.get", decideIs(i32(0) + "\x25\x00\x1a" + returnOK), "opcode"},
	{"table.grow", decideIs("\xd0\x70" + i32(1) + "\xfc\x0f\x00\x1a" + returnOK), "opcode"},
	{"table.fill", decideIs("\xfc\x11\x00" + returnOK), "opcode"},
	{"table.copy", decideIs("\xfc\x0e\x00\x00" + returnOK), "opcode"},
	{"table.init", decideIs("\xfc\x0c\x00\x00" + returnOK), "opcode"},
	{"elem.drop", decideIs("\xfc\x0d\x00" + returnOK), "opcode"},
	{"data.drop", with(func(w *wasm) {
		w.dataCount = u(1)
		w.data = []string{"\x01\x00"}
		w.bodies[1] = code("\xfc\x09\x00" + returnOK)
	}), "opcode"},
	{"bulk opcode in two bytes", decideIs(i32(0) + i32(0) + i32(9) + "\xfc\x8b\x00\x00" + returnOK), "opcode"},
	{"SIMD", decideIs("\xfd\x0c" + repeat("\x00", 16) + "\x1a" + returnOK), "opcode"},
	{"atomics", decideIs("\xfe\x03\x00" + returnOK), "opcode"},
	{"tail call", decideIs(i32(0) + "\x12\x01" + end), "opcode"},
	{"exceptions", decideIs("\x06\x40" + end + returnOK), "opcode"},
	{"reference", decideIs("\xd2\x00\x1a" + returnOK), "opcode"},
	{"unknown opcode", decideIs("\xff" + returnOK), "opcode"},
	{"reference local", with(func(w *wasm) { w.fn(1, body("\x01\x01\x70", end)) }), "value type"},
	{"vector parameter", with(func(w *wasm) { w.types = append(w.types, "\x60\x01\x7b\x00") }), "value type"},
	{"reference global", with(func(w *wasm) { w.globals = []string{"\x70\x01\xd0\x70" + end} }), "value type"},
	{"select of a reference", decideIs(i32(0) + i32(0) + i32(0) + "\x1c\x01\x70" + end), "opcode 0x1c is not allowed (references)"},
	{"memory index in a load", decideIs(i32(0) + "\x28\x42\x00" + end), "alignment"},
	{"memory index in a grow", decideIs(i32(0) + "\x40\x01" + end), "index 0"},
	{"memory.init without a count", with(func(w *wasm) {
		w.data = []string{"\x01\x00"}
		w.bodies[1] = code(i32(0) + i32(0) + i32(0) + "\xfc\x08\x00\x00" + returnOK)
	}), "data count"},
	{"memory.init of nothing", with(func(w *wasm) {
		w.dataCount, w.data = u(1), []string{"\x01\x00"}
		w.bodies[1] = code(i32(0) + i32(0) + i32(0) + "\xfc\x08\x01\x00" + returnOK)
	}), "data segment 1"},

	// Structure.
	{"local that does not exist", decideIs("\x20\x01" + end), "local 1"},
	{"label that does not exist", decideIs("\x0c\x01" + end), "label 1"},
	{"else without if", decideIs("\x02\x40\x05" + end + returnOK), "else"},
	{"two elses", decideIs(i32(0) + "\x04\x40\x05\x05" + end + returnOK), "else"},
	{"bytes after a function", decideIs(returnOK + "\x01"), "after the end"},
	{"unfinished function", decideIs("\x02\x40" + end), "ends too early"},
	{"indirect call without a table", decideIs(i32(0) + i32(0) + "\x11\x00\x00" + end), "no table"},
	{"block type in two bytes", decideIs("\x02\xc0\x7f" + end + returnOK), "block type"},
	{"long number", decideIs("\x41\x80\x80\x80\x80\x80\x00" + end), "32 bits"},
	{"number with stray bits", decideIs("\x41\xff\xff\xff\xff\x4f" + end), "32 bits"},
	{"a body too few", with(func(w *wasm) { w.bodies = w.bodies[:1] }), "bodies"},
	{"a body too many", with(func(w *wasm) { w.bodies = append(w.bodies, code(end)) }), "more bodies"},
	{"data announced and absent", with(func(w *wasm) { w.dataCount = u(1) }), "announced"},
	{"unknown section", with(func(w *wasm) { w.tail = raw(13, "") }), "section 13"},
	{"section twice", with(func(w *wasm) { w.tail = raw(secData, u(0)) + raw(secData, u(0)) }), "section 11"},
	{"section out of order", with(func(w *wasm) { w.tail = raw(secType, u(0)) }), "section 1"},
	{"bytes after a section", with(func(w *wasm) { w.tail = raw(secData, u(0)+"\x00") }), "after the end"},
	{"export twice", with(func(w *wasm) { w.exports = append(w.exports, w.exports[0]) }), "twice"},
	{"name that is not UTF-8", with(func(w *wasm) { w.exports = append(w.exports, exported("\xff", kindMemory, 0)) }), "UTF-8"},
	{"start with a parameter", with(func(w *wasm) { w.start = u(0) }), "start function"},
	{"table below its minimum", with(func(w *wasm) { w.tables = []string{"\x70\x01\x05\x04"} }), "below the minimum"},
}

func TestCheckRefuses(t *testing.T) {
	for _, c := range refusedModules {
		t.Run(c.name, func(t *testing.T) {
			var err error
			if took := quickest(5*time.Second, func() { _, err = parse(c.module) }); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if err == nil || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("expected a refusal of kind Invalid, got %v", err)
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("refused with %q, expected %q in it", err, c.reason)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	abort := func(w *wasm) {
		w.types = append(w.types, abortSig)
		w.imports = []string{sized("env") + sized("abort") + "\x00\x02"}
		for i, index := range []int{0, 1, 2} {
			w.exports[i] = []string{exported("memory", kindMemory, 0), exported("sluice_buf", kindFunc, index), exported("sluice_decide", kindFunc, index)}[i]
		}
	}
	accepted := map[string][]byte{
		"smallest":        ok().build(),
		"abort":           with(abort),
		"custom sections": with(func(w *wasm) { w.tail = raw(secCustom, sized("name")+"anything") }),
		"512 locals":      with(func(w *wasm) { w.fn(1, body("\x01"+u(512)+"\x7e", end)) }),
		"padded numbers":  decideIs("\x41\x80\x80\x80\x80\x00" + end),
		"padded table": with(func(w *wasm) {
			w.tables, w.bodies[1] = []string{"\x70\x00\x01"}, code(i32(0)+i32(0)+"\x11\x00\x80\x80\x80\x80\x00"+end)
		}),
		"start":             with(func(w *wasm) { w.start = u(w.fn(1, code(end))) }),
		"passive data":      with(func(w *wasm) { w.dataCount, w.data = u(1), []string{"\x01\x00"} }),
		"element kinds 1-7": with(elementKinds),
		"bulk":              decideIs(i32(64) + i32(0) + i32(9) + "\xfc\x0b\x00" + returnOK),
	}
	for name, module := range accepted {
		t.Run(name, func(t *testing.T) {
			m, err := parse(module)
			if err != nil {
				t.Fatal(err)
			}
			if err := compiles(m.meter()); err != nil {
				t.Errorf("the metered module is not accepted by the engine: %v", err)
			}
		})
	}
}

func elementKinds(w *wasm) {
	zero := i32(0) + end
	fn, null := "\xd2\x00"+end, "\xd0\x70"+end
	w.tables = []string{"\x70\x00\x02"}
	w.elems = []string{
		"\x00" + zero + "\x01\x00", "\x01\x00\x01\x00", "\x02\x00" + zero + "\x00\x01\x00", "\x03\x00\x01\x00",
		"\x04" + zero + "\x01" + fn, "\x05\x70\x01" + null, "\x06\x00" + zero + "\x70\x01" + fn, "\x07\x70\x01" + fn,
	}
}
