package sandbox

import (
	"fmt"
	"slices"
	"testing"
)

// reaching is a rule with some globals of its own and, because it copies memory,
// the helper of the metering. It has a table, so that all index spaces are there.
// Whatever follows its own indexes is the metering's.
func reaching(globals int, change func(w *wasm)) []byte {
	w := rule(i32(64) + i32(0) + i32(8) + "\xfc\x0b\x00" + returnOK)
	w.tables = []string{"\x70\x00\x04"}
	w.globals = slices.Repeat([]string{"\x7e\x01\x42\x00" + end}, globals)
	change(&w)
	return w.build()
}

// reachAttacks name the counters, the helper and their types, at places where
// a module names anything: each index of every space that the metering adds to.
func reachAttacks() (out []attack) {
	for _, globals := range []int{0, 1, 62} {
		for i, what := range []string{"fuel", "depth"} {
			at := globals + i
			for _, place := range reachGlobal(at) {
				out = append(out, attack{
					name:    fmt.Sprintf("%s, %d globals: %s", what, globals, place.name),
					module:  reaching(globals, place.change),
					refused: place.reason(at),
				})
			}
		}
	}
	return append(out, reachFunctions()...)
}

// place is a way to name an index.
type place struct {
	name   string
	change func(w *wasm)
	reason func(index int) string
}

func absent(what string) func(int) string {
	return func(index int) string { return fmt.Sprintf("%s %d does not exist", what, index) }
}

func always(reason string) func(int) string { return func(int) string { return reason } }

func reachGlobal(at int) []place {
	decide := func(c string) func(w *wasm) { return func(w *wasm) { w.bodies[1] = code(c + returnOK) } }
	get, set := "\x23"+u(at), "\x24"+u(at)
	value := "\x42" + s(1<<40)
	if at%2 == 1 {
		value = i32(0)
	}
	gone := absent("global")
	return []place{
		{"set", decide(value + set), gone},
		{"read", decide(get + "\x1a"), gone},
		{"set in a loop", decide("\x03\x40" + value + set + "\x0c\x00" + end), gone},
		{"set in dead code", decide("\x00" + value + set), gone},
		{"set in sluice_buf", func(w *wasm) { w.bodies[0] = code(value + set + i32(bufferAt) + end) }, gone},
		{"set in the start function", func(w *wasm) { w.start = u(w.fn(1, code(value+set+end))) }, gone},
		{"set by a padded index", decide(value + "\x24" + padded(uint64(at), 5)), gone},
		{"set by an index that wraps", decide(value + "\x24" + padded(1<<32+uint64(at), 5)), always("does not fit 32 bits")},
		{"exported", func(w *wasm) { w.exports = append(w.exports, exported("mine", kindGlobal, at)) }, gone},
		{"from another global", func(w *wasm) { w.globals = append(w.globals, "\x7e\x00"+get+end) }, always("one constant of the declared type")},
		{"as where an element segment goes", func(w *wasm) { w.elems = []string{"\x00" + get + end + "\x01\x00"} }, always("one constant of the declared type")},
		{"as where data goes", func(w *wasm) { w.data = []string{"\x00" + get + end + "\x01x"} }, always("one constant of the declared type")},
	}
}

// reachFunctions name the helper, which is function 2 and of type 2.
func reachFunctions() (out []attack) {
	const helper = 2
	add := func(name, reason string, change func(w *wasm)) {
		out = append(out, attack{name: name, module: reaching(1, change), refused: reason})
	}
	decide := func(name, reason, c string) { add(name, reason, func(w *wasm) { w.bodies[1] = code(c + returnOK) }) }
	missing, noType := "function 2 does not exist", "type 2 does not exist"
	copies := i32(64) + i32(0) + i32(8) + "\xfc\x0b\x00" // so that there is a helper
	decide("helper: called", missing, copies+i32(-1)+"\x10\x02\x1a")
	decide("helper: called in dead code", missing, copies+"\x00\x10\x02\x1a")
	decide("helper: called by a padded index", missing, copies+i32(-1)+"\x10"+padded(helper, 5)+"\x1a")
	decide("helper: called by an index that wraps", "does not fit 32 bits", copies+i32(-1)+"\x10"+padded(1<<32+helper, 5)+"\x1a")
	decide("helper: called by an index of six bytes", "does not fit 32 bits", copies+i32(-1)+"\x10"+padded(helper, 6)+"\x1a")
	decide("helper: a reference to it", "opcode 0xd2 is not allowed", copies+"\xd2\x02\x1a")
	decide("helper: called by a tail call", "opcode 0x12 is not allowed", copies+i32(-1)+"\x12\x02")
	decide("helper: called through a reference", "opcode 0x14 is not allowed", copies+i32(-1)+"\x14\x02")
	decide("helper: called indirectly as its type", noType, copies+i32(0)+i32(0)+"\x11\x02\x00\x1a")
	decide("helper: its type for a block", noType, copies+i32(0)+"\x02\x02"+end+"\x1a")
	decide("helper: its type for a loop", noType, copies+i32(0)+"\x03\x02"+end+"\x1a")
	decide("helper: its type for an if", noType, copies+i32(0)+i32(0)+"\x04\x02"+end+"\x1a")
	decide("table 1 called", "indirect call: table", copies+i32(0)+i32(0)+"\x11\x00\x01\x1a")
	decide("memory 1 grown", "memory: expected index 0", copies+i32(0)+"\x40\x01\x1a")
	decide("memory 1 measured", "memory: expected index 0", copies+"\x3f\x01\x1a")
	decide("memory 1 filled", "memory: expected index 0", i32(0)+i32(0)+i32(0)+"\xfc\x0b\x01")
	decide("memory 1 copied to", "memory.copy: expected index 0", i32(0)+i32(0)+i32(0)+"\xfc\x0a\x01\x00")
	decide("memory 1 copied from", "memory: expected index 0", i32(0)+i32(0)+i32(0)+"\xfc\x0a\x00\x01")
	decide("memory 1 read", "alignment above", i32(0)+"\x28\x42\x01\x00\x1a")
	add("helper: exported", missing, func(w *wasm) { w.exports = append(w.exports, exported("mine", kindFunc, helper)) })
	add("helper: as sluice_decide", missing, func(w *wasm) { w.exports[2] = exported("sluice_decide", kindFunc, helper) })
	add("helper: as sluice_buf", missing, func(w *wasm) { w.exports[1] = exported("sluice_buf", kindFunc, helper) })
	add("helper: as sluice_plan", missing, func(w *wasm) { w.exports = append(w.exports, exported("sluice_plan", kindFunc, helper)) })
	add("helper: as the start function", missing, func(w *wasm) { w.start = u(helper) })
	add("helper: its type for a function", noType, func(w *wasm) { w.fn(2, code(end)) })
	add("helper: its type for the import", noType, func(w *wasm) { w.imports = []string{sized("env") + sized("abort") + "\x00\x02"} })
	for kind, e := range []string{
		"\x00" + i32(0) + end + "\x01\x02", "\x01\x00\x01\x02", "\x02\x00" + i32(0) + end + "\x00\x01\x02", "\x03\x00\x01\x02",
		"\x04" + i32(0) + end + "\x01\xd2\x02" + end, "\x05\x70\x01\xd2\x02" + end, "\x06\x00" + i32(0) + end + "\x70\x01\xd2\x02" + end, "\x07\x70\x01\xd2\x02" + end,
	} {
		add(fmt.Sprintf("helper: in an element segment of kind %d", kind), missing, func(w *wasm) { w.elems = []string{e} })
	}
	for _, name := range []string{"sluice:", exportFuel, exportDepth, exportStart, exportSaved + "0", exportSaved + "1", "sluice:anything"} {
		for kind, of := range []string{"function", "table", "memory", "global"} {
			add(fmt.Sprintf("a %s exported as %s", of, name), "are reserved", func(w *wasm) { w.exports = append(w.exports, exported(name, byte(kind), 0)) })
		}
	}
	for _, i := range []struct{ space, name string }{
		{"env", "abort2"}, {"env", ""}, {"", "abort"}, {"env ", "abort"}, {"ENV", "abort"}, {"env", "sluice:fuel"}, {"sluice", "fuel"},
		{"env", "abort\x00"}, {"wasi_snapshot_preview1", "proc_exit"}, {"wasi_snapshot_preview1", "random_get"}, {"wasi_snapshot_preview1", "clock_time_get"}, {"env", "seed"},
	} {
		reason := "the only import is the function env.abort"
		if i.space == "wasi_snapshot_preview1" {
			reason = "this needs a system"
		}
		add(fmt.Sprintf("import %q.%q", i.space, i.name), reason, func(w *wasm) {
			w.types = append(w.types, abortSig)
			w.imports = []string{sized(i.space) + sized(i.name) + "\x00\x02"}
		})
	}
	for kind, of := range []string{"", "\x70\x00\x01", "\x00\x01", "\x7e\x01", "\x00\x00"} {
		if kind > 0 {
			add(fmt.Sprintf("abort imported as of kind %d", kind), "the only import is the function env.abort", func(w *wasm) {
				w.imports = []string{sized("env") + sized("abort") + string(byte(kind)) + of}
			})
		}
	}
	return out
}

// reachOpcodes try what could change a table, a segment or a reference, so that
// a call would go somewhere else, and what makes threads and exceptions.
func reachOpcodes() (out []attack) {
	for _, c := range []int{0x06, 0x07, 0x08, 0x09, 0x0a, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1d, 0x1e, 0x1f,
		0x25, 0x26, 0x27, 0xc5, 0xc6, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xdf, 0xe0, 0xef, 0xf0, 0xfa, 0xfb, 0xfd, 0xfe, 0xff} {
		out = append(out, attack{
			name:    fmt.Sprintf("opcode %#x", c),
			module:  reaching(1, func(w *wasm) { w.bodies[1] = code(string([]byte{byte(c)}) + "\x00\x00\x00" + returnOK) }),
			refused: fmt.Sprintf("function 1 (exported as \"sluice_decide\"): opcode %#x is not allowed", c),
		})
	}
	for c := 9; c <= 20; c++ {
		if c == miscCopy || c == miscFill {
			continue
		}
		out = append(out, attack{
			name:    fmt.Sprintf("opcode 0xfc %#x", c),
			module:  reaching(1, func(w *wasm) { w.bodies[1] = code("\xfc" + string([]byte{byte(c)}) + "\x00\x00" + returnOK) }),
			refused: fmt.Sprintf("opcode 0xfc %#x is not allowed", c),
		})
	}
	return out
}

// TestFaultsCounterOutOfReach: no index of any space reaches what the metering
// adds, neither in a module that says so nor in one that is valid and uses all
// the indexes it has: there the counter still counts.
func TestFaultsCounterOutOfReach(t *testing.T) {
	attacks := append(reachAttacks(), reachOpcodes()...)
	for i := range attacks {
		t.Run(attacks[i].name, attacks[i].run)
	}
	if len(attacks) < 150 {
		t.Errorf("only %d attacks", len(attacks))
	}
	t.Run("all of its own", func(t *testing.T) {
		const own = maxGlobals
		var sets string
		for g := range own {
			sets += "\x42" + s(1<<62) + "\x24" + u(g)
		}
		module := reaching(own, func(w *wasm) {
			w.elems = []string{"\x00" + i32(0) + end + "\x02\x00\x01"}
			w.bodies[1] = code("\x03\x40" + sets + i32(0) + i32(0) + "\x11\x00\x00\x1a\x0c\x00" + end + returnOK)
		})
		a := attack{module: module, want: faulty(isFuel)}
		a.run(t)
	})
}
