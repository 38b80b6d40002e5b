package sandbox

import "fmt"

// typingAttacks are well-formed and not valid: the engine refuses them, and it
// must do so in spite of what the metering inserts.
func typingAttacks() (out []attack) {
	const invalid = "not valid WebAssembly"
	for name, c := range map[string]string{
		"nothing for the result":        end,
		"an i64 for the result":         "\x42\x00" + end,
		"an f32 for the result":         "\x43\x00\x00\x00\x00" + end,
		"two for one result":            i32(0) + i32(0) + end,
		"drop of nothing":               "\x1a" + returnOK,
		"add of one":                    i32(0) + "\x6a" + end,
		"add of two types":              i32(0) + "\x42\x00\x6a" + end,
		"store of nothing":              "\x36\x02\x00" + returnOK,
		"load at an i64":                "\x42\x00\x28\x02\x00" + end,
		"if of nothing":                 "\x04\x40" + end + returnOK,
		"if of an i64":                  "\x42\x00\x04\x40" + end + returnOK,
		"if with a value and no else":   i32(0) + "\x04\x7f" + i32(0) + end + end,
		"else of another type":          i32(0) + "\x04\x7f" + i32(0) + "\x05\x42\x00" + end + end,
		"block that leaves too much":    "\x02\x40" + i32(0) + end + returnOK,
		"block that leaves nothing":     "\x02\x7f" + end + end,
		"block that reaches below":      i32(0) + "\x02\x40\x1a" + end + returnOK,
		"loop that reaches below":       i32(0) + "\x03\x40\x1a\x0c\x00" + end + returnOK,
		"branch without the value":      "\x02\x7f\x0c\x00" + end + end,
		"branch with another value":     "\x02\x7f\x42\x00\x0c\x00" + end + end,
		"br_if of nothing":              "\x02\x40\x0d\x00" + end + returnOK,
		"branch table of two arities":   "\x02\x40\x02\x7f" + i32(0) + i32(0) + "\x0e\x01\x00\x01" + end + "\x1a" + end + returnOK,
		"branch table of nothing":       "\x02\x40\x0e\x00\x00" + end + returnOK,
		"return of nothing":             "\x0f" + end,
		"call of nothing":               "\x10\x00" + end,
		"call of an i64":                "\x42\x00\x10\x00" + end,
		"select of two types":           i32(0) + "\x42\x00" + i32(0) + "\x1b\x1a" + returnOK,
		"local.set of an i64":           "\x42\x00\x21\x00" + returnOK,
		"local.tee of nothing":          "\x22\x00" + end,
		"grow by an i64":                "\x42\x01\x40\x00" + end,
		"fill of nothing":               "\xfc\x0b\x00" + returnOK,
		"fill of a length alone":        i32(8) + "\xfc\x0b\x00" + returnOK,
		"fill of an i64 length":         i32(0) + i32(0) + "\x42\x08\xfc\x0b\x00" + returnOK,
		"copy of an f64 length":         i32(0) + i32(0) + "\x44" + repeat("\x00", 8) + "\xfc\x0a\x00\x00" + returnOK,
		"dead code of a wrong type":     "\x00\x42\x00\x6a" + end,
		"dead block of a wrong type":    "\x00\x02\x7f\x42\x00" + end + end,
		"loop after a return, ill":      i32(0) + "\x0f\x03\x7e" + end + end,
		"wrap of an i32":                i32(0) + "\xa7" + end,
		"truncation of an i32":          i32(0) + "\xfc\x00" + end,
		"value left in front of a loop": i32(0) + "\x03\x40" + end + i32(0) + end,
	} {
		out = append(out, attack{name: name, module: decideIs(c), refused: invalid})
	}
	for name, change := range map[string]func(w *wasm){
		"global of another type set": func(w *wasm) {
			w.globals = []string{"\x7e\x01\x42\x00" + end}
			w.bodies[1] = code(i32(0) + "\x24\x00" + returnOK)
		},
		"call_indirect at an i64": func(w *wasm) {
			w.tables = []string{"\x70\x00\x01"}
			w.bodies[1] = code(i32(0) + "\x42\x00\x11\x00\x00" + end)
		},
		"memory.init of one": func(w *wasm) {
			w.dataCount, w.data = u(1), []string{"\x01\x00"}
			w.bodies[1] = code(i32(0) + "\xfc\x08\x00\x00" + returnOK)
		},
		"block of parameters that are not there": func(w *wasm) { w.bodies[1] = code("\x02\x00" + end + end) },
	} {
		out = append(out, refusedAs(name, invalid, change))
	}
	for size, ops := range map[int][]byte{0: {0x2c, 0x2d}, 1: {0x2e, 0x2f, 0x32, 0x33}, 2: {0x28, 0x2a, 0x34, 0x35}, 3: {0x29, 0x2b}} {
		for _, c := range ops {
			for _, align := range []int{size + 1, 31, 64} {
				out = append(out, attack{
					name:    fmt.Sprintf("opcode %#x with alignment %d", c, align),
					module:  decideIs(i32(0) + string([]byte{c}) + u(align) + "\x00\x1a" + returnOK),
					refused: "alignment above the natural one",
				})
			}
		}
	}
	return out
}
