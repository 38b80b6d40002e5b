package sandbox

import (
	"fmt"

	"sluice/rules"
)

// answerAttacks answer what their manifest does not permit.
func answerAttacks() (out []attack) {
	plain := func(grant string) string {
		return `{"abi":1,"form":"Order",` + grant + `,"record":[{"name":"n","type":"integer"}],"viewer":[{"name":"m","type":"integer"}],"reasons":["one"]}`
	}
	manifests := []struct {
		name, json string
		grants     []int64 // too much
		bits       []int   // too many
	}{
		{"a share of view", plain(`"effect":"share","grant":"view"`), []int64{2, 3, 4, 128, 254}, []int{0, 1, 31, 32, 63}},
		{"a share of delete", plain(`"effect":"share","grant":"delete"`), []int64{4, 5, 127, 128, 255}, []int{0, 8, 63}},
		{"a restrict", plain(`"effect":"restrict"`), []int64{2, 3, 255}, []int{0, 40, 63}},
		{"a mask of one field", plain(`"effect":"mask","mask":["n"]`), []int64{1, 2, 3, 255}, []int{1, 2, 31, 32, 63}},
		{"a mask of two fields", plain(`"effect":"mask","mask":["n","o"]`), []int64{1, 128}, []int{2, 33, 62}},
	}
	reason := func(n int64) string { return loadReasons + "\x20\x01\x6a" + i32(n) + store8 }
	bit := func(k int) string { return loadMasks + "\x20\x01\x41\x03\x74\x6a\x42" + s(1<<k) + "\x37\x03\x00" }
	for _, m := range manifests {
		add := func(what, inside string) {
			out = append(out, attack{name: m.name + ": " + what, module: eachRule(inside).build(), manifest: m.json, want: faulty(isAnswer)})
		}
		for _, g := range m.grants {
			add(fmt.Sprintf("grant %d", g), grant(i32(g)))
		}
		for _, k := range m.bits {
			add(fmt.Sprintf("bit %d", k), bit(k))
		}
		for _, n := range []int64{2, 128, 255} {
			add(fmt.Sprintf("reason %d", n), reason(n))
		}
	}
	for _, status := range []int64{1, 2, 255, 256, 1 << 16, 1<<31 - 1, i32Min, -2} {
		out = append(out, stopped(fmt.Sprintf("status %d", status), i32(status)+end, isAnswer))
		w := rule("")
		w.bodies[1] = answered(status)
		out = append(out, attack{name: fmt.Sprintf("status %d after good answers", status), module: w.build(), want: faulty(isAnswer)})
	}
	return out
}

// answered grants each record something and then returns a status.
func answered(status int64) string {
	b := each(grant(i32(2)))
	r := &reader{b: []byte(b)}
	c := string(r.bytes(r.u32()))
	return sized(c[:len(c)-len(returnOK)] + i32(status) + end)
}

// impureAttacks answer differently for the same record: the sample, which asks
// some again alone, finds them, and the rule is taken out of service.
func impureAttacks() (out []attack) {
	add := func(name string, change func(w *wasm)) {
		w := rule("")
		w.globals = []string{"\x7f\x01" + i32(0) + end}
		change(&w)
		out = append(out, attack{name: name, module: w.build(), want: faulty(rules.FaultImpure), records: 1200})
	}
	inside := func(name, c string) { add(name, func(w *wasm) { w.bodies[1] = each(c) }) }
	more := func(n string) string { return n + i32(0) + "\x4a" } // > 0
	inside("the number of records", grant(loadCount+i32(1)+"\x4b"))
	inside("the place in the batch", grant(more("\x20\x01")))
	inside("the address of the row", grant("\x20\x02"+loadRows+"\x47"))
	inside("a global that counts", "\x23\x00"+i32(1)+"\x6a\x24\x00"+grant("\x23\x00"+i32(1)+"\x4a"))
	inside("memory that counts", i32(64)+i32(64)+"\x28\x02\x00"+i32(1)+"\x6a\x36\x02\x00"+grant(i32(64)+"\x28\x02\x00"+i32(1)+"\x4a"))
	inside("memory that the batch before left behind", grant(i32(64)+"\x28\x02\x00")+i32(64)+i32(1)+"\x36\x02\x00")
	inside("the record before", grant(more("\x20\x02"+i32(8)+"\x6b\x28\x02\x00")+"\x20\x01\x45\x45\x71"))
	inside("the answer to the record before", grant("\x20\x01\x04\x7f"+loadGrants+"\x20\x01\x6a"+i32(1)+"\x6b\x2d\x00\x00\x45\x45"+i32(1)+"\x72\x05"+i32(0)+end))
	inside("where the outputs are", grant(loadGrants+loadMasks+"\x6b"+i32(8)+"\x4a"))
	inside("the reason's place", loadReasons+"\x20\x01\x6a"+i32(1)+i32(0)+more("\x20\x01")+"\x1b"+store8)
	inside("a fault for all but the first", more("\x20\x01")+"\x04\x40"+grant(i32(1))+end+loadCount+i32(1)+"\x46\x04\x40"+grant(i32(9))+end)
	inside("a trap when alone", loadCount+i32(1)+"\x46\x04\x40"+unreached+end+grant(i32(1)))
	inside("all the fuel when alone", loadCount+i32(1)+"\x46\x04\x40"+forever+end+grant(i32(1)))
	inside("a status when alone", loadCount+i32(1)+"\x46\x04\x40"+i32(1)+"\x0f"+end+grant(i32(1)))
	inside("the size of memory that it grew", "\x20\x01"+i32(1)+"\x46\x04\x40"+i32(1)+"\x40\x00\x1a"+end+grant("\x3f\x00"+i32(2)+"\x4a"))
	return out
}

// startAttacks lie or misbehave before the first question.
func startAttacks() (out []attack) {
	const failed = "its start-up failed"
	buffer := func(name, c string) {
		out = append(out, refusedAs("sluice_buf: "+name, failed, func(w *wasm) { w.bodies[0] = code(c + end) }))
	}
	start := func(name, c string) {
		out = append(out, refusedAs("start: "+name, failed, func(w *wasm) { w.start = u(w.fn(1, code(c+end))) }))
	}
	for _, at := range []int64{0, 1, 2, 4, 7, 1020, 1<<17 - 4, 1<<17 - 8, 1 << 17, 1<<17 + 8, 1 << 20, 1 << 30, i32Min, -8, -1, -65536} {
		buffer(fmt.Sprintf("at %d", at), i32(at))
	}
	buffer("the size asked for", "\x20\x00"+i32(1)+"\x72")
	buffer("where memory will end", "\x3f\x00"+i32(16)+"\x74")
	buffer("one page before its end, after it could not grow", i32(100)+"\x40\x00")
	for name, c := range map[string]string{
		"loops": forever, "traps": unreached, "divides by 0": i32(1) + i32(0) + "\x6d\x1a", "fills all": "\x03\x40" + i32(0) + i32(0) + i32(1<<17) + "\xfc\x0b\x00\x0c\x00" + end,
		"fills 4 GiB": i32(0) + i32(0) + i32(-1) + "\xfc\x0b\x00", "stores beyond": i32(-1) + i32(1) + "\x36\x02\x00", "grows 41 times": repeat(i32(0)+"\x40\x00\x1a", 41),
		"calls decide with an address that is none": i32(-4) + "\x10\x01\x1a" + i32(-4) + "\x28\x02\x00\x1a",
	} {
		buffer(name, c+i32(bufferAt))
		start(name, c)
	}
	out = append(out,
		refusedAs("start: calls itself", failed, func(w *wasm) { w.start = u(w.fn(1, code("\x10\x02"+end))) }),
		refusedAs("start: calls another and back", failed, func(w *wasm) { w.start = u(w.fn(1, code("\x10\x03"+end))); w.fn(1, code("\x10\x02"+end)) }),
		refusedAs("start: recursion through the table", failed, func(w *wasm) {
			w.tables = []string{"\x70\x00\x01"}
			w.elems = []string{"\x00" + i32(0) + end + "\x01\x02"}
			w.start = u(w.fn(1, code(i32(0)+"\x11\x01\x00"+end)))
		}),
		refusedAs("sluice_buf: calls itself", failed, func(w *wasm) { w.bodies[0] = code("\x20\x00\x10\x00" + end) }),
		refusedAs("start: writes nothing, buffer gone", failed, func(w *wasm) {
			w.globals = []string{"\x7f\x01" + i32(bufferAt) + end}
			w.start = u(w.fn(1, code(i32(3)+"\x24\x00"+end)))
			w.bodies[0] = code("\x23\x00" + end)
		}),
		refusedAs("data across the end of memory", "start-up failed", func(w *wasm) { w.data = []string{"\x00" + i32(1<<17-1) + end + sized("xy")} }),
		refusedAs("data at -1", "start-up failed", func(w *wasm) { w.data = []string{"\x00" + i32(-1) + end + sized("x")} }),
	)
	// The area may overlap what the module itself keeps: it harms nobody else.
	w := ok()
	w.data = []string{"\x00" + i32(bufferAt) + end + sized(repeat("\xff", 4096))}
	return append(out, attack{name: "sluice_buf: over the module's own data", module: w.build()})
}
