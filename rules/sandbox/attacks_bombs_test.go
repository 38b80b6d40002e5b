package sandbox

import "fmt"

// bombAttacks are cheap to write and dear to read, check or compile.
func bombAttacks() (out []attack) {
	fn := func(b string) func(w *wasm) { return func(w *wasm) { w.fn(1, b) } }
	many := func(n int, b string) func(w *wasm) {
		return func(w *wasm) {
			for range n {
				w.fn(1, b)
			}
		}
	}
	group := func(n int) string { return u(n) + "\x7e" }
	for _, n := range []int{513, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		out = append(out, refusedAs(fmt.Sprintf("%d locals", n), "function 2 has "+thousands(int64(n))+" locals, the limit is 512", fn(body("\x01"+group(n), end))))
	}
	for _, open := range []struct{ name, code, close string }{
		{"blocks", "\x02\x40", end}, {"loops", "\x03\x40", end}, {"ifs", i32(0) + "\x04\x40", end},
		{"ifs in elses", i32(0) + "\x04\x40\x05", end}, {"blocks with a value", "\x02\x7f", end},
		{"blocks that never end", "\x02\x40", ""}, {"blocks in dead code", "\x00\x02\x40", end},
	} {
		out = append(out,
			refusedAs("nested "+open.name, "nested more than 1024 deep", fn(code(repeat(open.code, 1025)+repeat(open.close, 1025)+end))),
		)
		if open.close != "" {
			out = append(out, refusedAs("many "+open.name, "basic blocks", fn(code(repeat(open.code+open.close, 501)+end))))
		}
	}
	branches := func(code string, n int) string { return "\x02\x40" + repeat(code, n) + end + end }
	return append(out,
		refusedAs("locals in groups", "function 2 has 514 locals", fn(body(u(257)+repeat(group(2), 257), end))),
		refusedAs("513 groups of locals", "513 groups of locals", fn(body(u(513)+repeat(group(1), 513), end))),
		refusedAs("2^32-1 groups of locals", "4,294,967,295 groups of locals", fn(body(allOnes, end))),
		refusedAs("locals and parameters", "function 2 has 513 locals", func(w *wasm) { w.fn(0, body("\x01"+group(512), end)) }),
		refusedAs("two groups that wrap to nothing", "locals, the limit is 512", fn(body("\x02"+group(1<<31)+group(1<<31), end))),
		refusedAs("locals of many functions", "together have 20,482 locals", many(40, body("\x01"+group(512), end))),
		refusedAs("locals × blocks of many functions", "together have 503,110 locals × basic blocks", many(16, body("\x01"+group(512), repeat("\x02\x40"+end, 37)+end))),
		refusedAs("blocks of many functions", "each function's squared", many(7, code(repeat("\x02\x40"+end, 190)+end))),
		refusedAs("branches", "basic blocks", fn(code(branches("\x0c\x00", 1000)))),
		refusedAs("branches that test", "basic blocks", fn(code(branches(i32(0)+"\x0d\x00", 1000)))),
		refusedAs("a branch table of 2^32-1", "4,294,967,295 targets of a branch table", fn(code(i32(0)+"\x0e"+allOnes+"\x00"+end))),
		refusedAs("a branch table of 4,097", "4,097 targets of a branch table", fn(code(i32(0)+"\x0e"+u(4097)+repeat("\x00", 4098)+end))),
		refusedAs("branch tables", "basic blocks", fn(code(repeat(i32(0)+"\x0e"+u(99)+repeat("\x00", 100), 10)+end))),
		refusedAs("a branch table in dead code", "basic blocks", fn(code("\x00"+i32(0)+"\x0e"+u(1000)+repeat("\x00", 1001)+end))),
		refusedAs("a branch table cut short", "ends too early", fn(code(i32(0)+"\x0e"+u(100)+"\x00\x00"))),
		refusedAs("a body of 2^32-1 bytes", "4,294,967,295 bytes", func(w *wasm) { w.fn(1, allOnes) }),
		refusedAs("a body of 32,769 bytes", "32,769 bytes", fn(body(u(0), repeat("\x01", maxBody-1)+end))),
		refusedAs("999 functions more", "1,001 functions", many(999, code(end))),
		refusedAs("a module of 256 KiB and one byte", "the limit is 262,144", func(w *wasm) { w.data = []string{"\x01" + sized(repeat("x", maxModule-100))} }),
		refusedAs("one custom section too many", "the limit is 262,144", func(w *wasm) { w.tail = repeat(raw(secCustom, "\x00"), maxModule/3) }),
		refusedAs("a select of 2^32-1 types", "opcode 0x1c is not allowed", fn(code(i32(0)+i32(0)+i32(0)+"\x1c"+allOnes+"\x7f\x1a"+end))),
		refusedAs("a select typed otherwise than its operands", "opcode 0x1c is not allowed", fn(code(i32(0)+i32(0)+i32(0)+"\x1c\x01\x7e\x1a"+end))),
		refusedAs("a select of no type", "opcode 0x1c is not allowed", fn(code(i32(0)+i32(0)+i32(0)+"\x1c\x00\x1a"+end))),
	)
}
