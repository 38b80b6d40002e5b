package sandbox

import (
	"fmt"

	"sluice/rules"
)

const (
	isFuel   = rules.FaultFuel
	isTrap   = rules.FaultTrap
	isAnswer = rules.FaultAnswer

	i32Min = -1 << 31
	again  = "\x0c\x00" // br 0
)

// calling is a rule whose decide calls function 2; the bodies are functions from
// 2 on, all () → (), of which a table holds all.
func calling(bodies ...string) []byte {
	w := rule("\x10\x02" + returnOK)
	elems := ""
	for _, b := range bodies {
		elems += u(w.fn(1, b))
	}
	w.tables = []string{"\x70\x00" + u(len(bodies))}
	w.elems = []string{"\x00" + i32(0) + end + u(len(bodies)) + elems}
	return w.build()
}

// loopAttacks never come to an end, or not inside their fuel.
func loopAttacks() (out []attack) {
	add := func(name, decide string, k rules.FaultKind) { out = append(out, stopped(name, decide, k)) }
	fuel := func(name, decide string) { add(name, decide+returnOK, isFuel) }
	indirect := func(entry int64) string { return i32(entry) + "\x11\x01\x00" }
	loop := func(inside string) string { return "\x03\x40" + inside + again + end }
	fuel("loop with a nop", loop("\x01"))
	fuel("loop with a thousand nops", loop(repeat("\x01", 1000)))
	fuel("loop in a block", "\x02\x40"+loop("")+end)
	fuel("loop in a loop", loop(loop("")))
	fuel("inner loop by its outer one", "\x03\x40\x03\x40\x0c\x01"+end+end)
	fuel("loop left and entered again", "\x03\x40\x02\x40\x0c\x01"+end+end)
	fuel("loop of 400 loops", repeat("\x03\x40", 400)+"\x0c"+u(399)+repeat(end, 400))
	fuel("loop in an if", i32(1)+"\x04\x40"+loop("")+end)
	fuel("loop in an else", i32(0)+"\x04\x40\x05"+loop("")+end)
	fuel("loop over an if", "\x03\x40"+i32(1)+"\x04\x40\x0c\x01"+end+end)
	fuel("loop over an else", "\x03\x40"+i32(0)+"\x04\x40\x05\x0c\x01"+end+end)
	fuel("loop by br_if out of a block", "\x03\x40\x02\x40"+i32(1)+"\x0d\x01"+end+end)
	fuel("loop by the default of a branch table", "\x03\x40\x02\x40"+i32(9)+"\x0e\x01\x00\x01"+end+end)
	fuel("loop by an entry of a branch table", "\x03\x40\x02\x40"+i32(0)+"\x0e\x01\x01\x00"+end+end)
	fuel("loop by a branch table at 2^32-1", "\x03\x40\x02\x40"+i32(-1)+"\x0e\x01\x00\x01"+end+end)
	fuel("loop behind dead code", "\x02\x40\x0c\x00\x00"+end+loop(""))
	fuel("loop with dead code in it", loop("\x02\x40\x0c\x00"+repeat("\x01", 50)+end))
	fuel("loop that hands on a value", i32(7)+"\x03\x00"+again+end+"\x1a")
	fuel("loop that measures memory", loop("\x3f\x00\x1a"))
	fuel("loop that selects", loop(i32(0)+i32(1)+i32(2)+"\x1b\x1a"))
	fuel("loop that divides", loop(i32(1)+i32(1)+"\x6d\x1a"))
	fuel("loop that takes square roots", loop("\x44"+repeat("\x00", 8)+"\x9f\x1a"))
	fuel("loop that fills nothing", loop(i32(0)+i32(0)+i32(0)+"\xfc\x0b\x00"))
	fuel("loop that grows by nothing", loop(i32(0)+"\x40\x00\x1a"))
	fuel("loop that cannot grow", loop(i32(-1)+"\x40\x00\x1a"))
	fuel("loop that calls sluice_buf", loop(i32(0)+"\x10\x00\x1a"))
	fuel("loop that counts on the stack", i32(1)+"\x03\x00"+i32(1)+"\x6a"+again+end+"\x1a")
	add("loop that returns its value", "\x03\x7f"+again+end+end, isFuel)
	add("loop of a loop's value", "\x03\x7f\x03\x7f\x0c\x01"+end+end+end, isFuel)
	counting := func(name, typ, step string) {
		w := rule("")
		w.bodies[1] = body("\x01\x01"+typ, step+returnOK)
		out = append(out, attack{name: name, module: w.build(), want: faulty(isFuel)})
	}
	counting("loop of 2^32 steps", "\x7f", "\x03\x40\x20\x01"+i32(1)+"\x6a\x22\x01\x0d\x00"+end)
	counting("loop of 2^64 steps", "\x7e", "\x03\x40\x20\x01\x42\x01\x7c\x22\x01\x42\x00\x52\x0d\x00"+end)
	counting("loop to a sum that never grows", "\x7c", "\x03\x40\x20\x01\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\xa0\x22\x01\x44\x00\x00\x00\x00\x00\x00\xf0\x7f\x62\x0d\x00"+end)
	counting("loop until NaN equals itself", "\x7c", "\x03\x40\x20\x01\x44\x00\x00\x00\x00\x00\x00\xf8\x7f\x62\x0d\x00"+end)
	callers := func(name string, k rules.FaultKind, bodies ...string) {
		out = append(out, attack{name: name, module: calling(bodies...), want: faulty(k)})
	}
	callers("recursion of two", isTrap, code("\x10\x03"+end), code("\x10\x02"+end))
	callers("recursion of three", isTrap, code("\x10\x03"+end), code("\x10\x04"+end), code("\x10\x02"+end))
	callers("recursion through the table", isTrap, code(indirect(1)+end), code(indirect(0)+end))
	callers("recursion half through the table", isTrap, code(indirect(1)+end), code("\x10\x02"+end))
	callers("recursion in a loop", isTrap, code(loop("\x10\x02")+end))
	callers("recursion from dead ends", isTrap, code("\x02\x40\x10\x02\x0c\x00"+end+end))
	callers("recursion twice each", isTrap, code("\x10\x02\x10\x02"+end))
	callers("recursion of large frames", isTrap, body("\x01"+u(400)+"\x7e", "\x10\x02"+end))
	callers("loop that calls", isFuel, code(loop("\x10\x03")+end), code(end))
	callers("loop that calls through the table", isFuel, code(loop(indirect(1))+end), code(end))
	callers("loop that calls many locals", isFuel, code(loop("\x10\x03")+end), body("\x01"+u(512)+"\x7e", end))
	// A tree of calls with neither loop nor recursion: 16^6 leaves.
	calls := func(f int) string { return code(repeat("\x10"+u(f), 16) + end) }
	callers("tree of calls", isFuel, calls(3), calls(4), calls(5), calls(6), calls(7), code(end))
	callers("tree of calls through the table", isFuel, code(repeat(indirect(1), 30)+end), code(repeat(indirect(2), 30)+end), code(repeat(indirect(3), 30)+end), code(end))
	w := rule(getBatch + "\x10\x01" + end)
	out = append(out, attack{name: "recursion of sluice_decide", module: w.build(), want: faulty(isTrap)})
	w = rule("\x10\x02" + returnOK)
	w.start = u(w.fn(1, code(i32(0)+"\x10\x01\x1a"+end)))
	w.globals = []string{"\x7f\x01" + i32(0) + end}
	w.bodies[1] = code("\x23\x00\x45\x04\x40" + i32(1) + "\x24\x00\x05\x10\x02" + end + returnOK)
	return append(out, attack{name: "recursion through the start function", module: w.build(), want: faulty(isTrap)})
}

// trapAttacks trap, each in another way.
func trapAttacks() (out []attack) {
	add := func(name, decide string) { out = append(out, stopped(name, decide+returnOK, isTrap)) }
	i64 := func(n int64) string { return "\x42" + s(n) }
	for i, name := range []string{"div_s", "div_u", "rem_s", "rem_u"} {
		add("i32."+name+" by 0", i32(7)+i32(0)+string(byte(0x6d+i))+"\x1a")
		add("i64."+name+" by 0", i64(7)+i64(0)+string([]byte{byte(0x7f + i)})+"\x1a")
	}
	add("i32.div_s that overflows", i32(i32Min)+i32(-1)+"\x6d\x1a")
	add("i64.div_s that overflows", i64(-1<<63)+i64(-1)+"\x7f\x1a")
	f32 := map[string]string{"NaN": "\x43\x00\x00\xc0\x7f", "infinity": "\x43\x00\x00\x80\x7f", "-infinity": "\x43\x00\x00\x80\xff", "1e30": "\x43\xca\xf2\x49\x71"}
	f64 := map[string]string{"NaN": "\x44\x00\x00\x00\x00\x00\x00\xf8\x7f", "infinity": "\x44\x00\x00\x00\x00\x00\x00\xf0\x7f", "-infinity": "\x44\x00\x00\x00\x00\x00\x00\xf0\xff", "1e30": "\x44\xea\x8c\xa0\x39\x59\x3e\x29\x46"}
	for of, ops := range map[string][]byte{"f32": {0xa8, 0xa9, 0xae, 0xaf}, "f64": {0xaa, 0xab, 0xb0, 0xb1}} {
		values := f32
		if of == "f64" {
			values = f64
		}
		for _, c := range ops {
			for name, v := range values {
				add(fmt.Sprintf("%s of %s truncated by %#x", of, name, c), v+string([]byte{c})+"\x1a")
			}
		}
	}
	for i := range 14 {
		c := string([]byte{byte(0x28 + i)})
		add(fmt.Sprintf("load %#x at the end of memory", 0x28+i), i32(1<<17)+c+"\x00\x00\x1a")
		add(fmt.Sprintf("load %#x at 0 with the largest offset", 0x28+i), i32(0)+c+"\x00"+allOnes+"\x1a")
		add(fmt.Sprintf("load %#x at an address and offset that wrap", 0x28+i), i32(-1)+c+"\x00\x01\x1a")
	}
	for i := range 9 {
		value := [...]string{i32(1), i64(1), "\x43\x00\x00\x00\x00", f64["NaN"], i32(1), i32(1), i64(1), i64(1), i64(1)}[i]
		c := string([]byte{byte(0x36 + i)})
		add(fmt.Sprintf("store %#x at the end of memory", 0x36+i), i32(1<<17)+value+c+"\x00\x00")
		add(fmt.Sprintf("store %#x with an offset that wraps", 0x36+i), i32(-1)+value+c+"\x00"+allOnes)
	}
	add("load across the end", i32(1<<17-3)+"\x28\x00\x00\x1a")
	add("store across the end", i32(1<<17-7)+i64(1)+"\x37\x00\x00")
	called := func(name, elems, decide string) {
		w := rule(decide + returnOK)
		w.tables, w.elems = []string{"\x70\x00\x04"}, []string{"\x00" + i32(0) + end + elems}
		out = append(out, attack{name: name, module: w.build(), want: faulty(isTrap)})
	}
	called("call of an entry that is null", u(1)+"\x00", i32(1)+i32(2)+"\x11\x00\x00\x1a")
	called("call beyond the table", u(1)+"\x00", i32(1)+i32(4)+"\x11\x00\x00\x1a")
	called("call at -1", u(1)+"\x00", i32(1)+i32(-1)+"\x11\x00\x00\x1a")
	called("call at -2^31", u(1)+"\x00", i32(1)+i32(i32Min)+"\x11\x00\x00\x1a")
	called("call as another type", u(1)+"\x00", i32(0)+"\x11\x01\x00")
	add("unreachable in a loop", "\x03\x40"+unreached+end)
	add("unreachable in an if", i32(1)+"\x04\x40"+unreached+end)
	add("unreachable after the answer", loadGrants+i32(2)+store8+unreached)
	add("unreachable after a thousand steps", repeat(i32(1)+"\x1a", 500)+unreached)
	add("unreachable after it grew", i32(1)+"\x40\x00\x1a"+unreached)
	return out
}

// memoryAttacks write where they should not and ask for more than there is.
func memoryAttacks() (out []attack) {
	add := func(name, decide string, want rules.Verdict) {
		out = append(out, attack{name: name, module: decideIs(decide + returnOK), want: want})
	}
	nothing := rules.Verdict{}
	fill := func(at, n int64) string { return i32(at) + i32(1) + i32(n) + "\xfc\x0b\x00" }
	move := func(to, from, n int64) string { return i32(to) + i32(from) + i32(n) + "\xfc\x0a\x00\x00" }
	add("fill across the end", fill(1<<17-4, 8), faulty(isTrap))
	add("fill of nothing beyond the end", fill(1<<17+1, 0), faulty(isTrap))
	add("fill of nothing at -1", fill(-1, 0), faulty(isTrap))
	add("fill at -1", fill(-1, 1), faulty(isTrap))
	add("fill of 2^31", fill(0, i32Min), faulty(isFuel))
	add("fill of 2^32-1 at the end", fill(1<<17, -1), faulty(isFuel))
	add("fill that wraps to the beginning", fill(-8, 16), faulty(isTrap))
	add("copy across the end", move(1<<17-4, 0, 8), faulty(isTrap))
	add("copy from across the end", move(0, 1<<17-4, 8), faulty(isTrap))
	add("copy of nothing from beyond the end", move(0, 1<<17+1, 0), faulty(isTrap))
	add("copy of nothing to beyond the end", move(1<<17+1, 0, 0), faulty(isTrap))
	add("copy of 2^32-1", move(0, 0, -1), faulty(isFuel))
	add("copy of 2^31-1", move(0, 1, 1<<31-1), faulty(isFuel))
	for _, c := range []struct {
		name        string
		to, from, n int64
		want        rules.FaultKind
	}{
		{"more than there is", 0, 0, 5, isTrap},
		{"from beyond the data", 0, 5, 0, isTrap},
		{"from -1", 0, -1, 1, isTrap},
		{"from and a length that wrap", 0, 1, -1, isFuel},
		{"to beyond memory", 1 << 17, 0, 1, isTrap},
		{"of 2^31", 0, 0, i32Min, isFuel},
	} {
		w := rule(i32(c.to) + i32(c.from) + i32(c.n) + "\xfc\x08\x00\x00" + returnOK)
		w.dataCount, w.data = u(1), []string{"\x01" + sized("data")}
		out = append(out, attack{name: "init " + c.name, module: w.build(), want: faulty(c.want)})
	}
	add("grow by 2^32-1 pages", i32(-1)+"\x40\x00\x1a", nothing)
	add("grow beyond 16 pages", i32(15)+"\x40\x00\x1a", nothing)
	add("grow to 16 pages", i32(14)+"\x40\x00\x1a", nothing)
	add("grow and read what is new", i32(1)+"\x40\x00\x1a"+loadGrants+i32(1<<17)+"\x28\x02\x00"+store8, nothing)
	add("grow and write what is new", i32(1)+"\x40\x00\x1a"+i32(1<<17)+i32(7)+"\x36\x02\x00", nothing)
	add("grow twice", repeat(i32(1)+"\x40\x00\x1a", 2), faulty(isFuel))
	// The host keeps its own offsets: what is done to the header moves nothing.
	header := func(offset, value int64) string { return getBatch + i32(value) + "\x36\x02" + u(int(offset)) }
	for _, f := range []struct {
		name   string
		offset int64
	}{{"abi", 0}, {"count", 4}, {"stride", 8}, {"flags", 12}, {"subject", 16}, {"rows", 20}, {"grants", 24}, {"masks", 28}, {"reasons", 32}} {
		for _, value := range []int64{-1, 0, 64} {
			add(fmt.Sprintf("%s in the header set to %d", f.name, value), header(f.offset, value), nothing)
		}
	}
	add("grants pointed at a byte of 2", i32(64)+i32(2)+store8+header(24, 64), nothing)
	add("all of the memory before the batch", fill(0, bufferAt), nothing)
	add("all of the header", fill(bufferAt, headerSize), nothing)
	add("the viewer's row", getBatch+"\x28\x02\x10"+i32(1)+i32(16)+"\xfc\x0b\x00", nothing)
	add("the rows", loadRows+i32(1)+loadCount+i32(4)+"\x74\xfc\x0b\x00", nothing)
	add("the header, rows and outputs", fill(bufferAt, 4096), faulty(isAnswer))
	add("all of memory", fill(0, 1<<17), faulty(isAnswer))
	add("the rows copied over the outputs", loadMasks+loadRows+loadCount+i32(4)+"\x74\xfc\x0a\x00\x00"+loadMasks+i32(-1)+loadCount+i32(3)+"\x74\xfc\x0b\x00", faulty(isAnswer))
	return out
}
