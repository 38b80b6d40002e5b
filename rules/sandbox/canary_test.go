package sandbox

import (
	"fmt"
	"testing"

	"sluice/rules"
)

const secret = 0x5ec2e7

// canary keeps the secret of the first viewer, whose attribute is 1, in one
// place, and grants 2 to the second viewer if it is still there.
type canary struct {
	name      string
	globals   []string
	put, find string // find pushes an i32
	fault     rules.FaultKind
	ending    string // of the first viewer's call
}

// canaries are the places where a guest can keep something, and the ways in
// which its call can end.
func canaries() (out []canary) {
	f32, f64 := "\x43\x00\x00\x80\x3f", "\x44\x00\x00\x00\x00\x00\x00\xf0\x3f"
	out = []canary{
		{name: "i32 global", globals: []string{"\x7f\x01" + i32(0) + end}, put: i32(secret) + "\x24\x00", find: "\x23\x00" + i32(secret) + "\x46"},
		{name: "i64 global", globals: []string{"\x7e\x01\x42\x00" + end}, put: "\x42" + s(secret) + "\x24\x00", find: "\x23\x00\x42" + s(secret) + "\x51"},
		{name: "f32 global", globals: []string{"\x7d\x01\x43\x00\x00\x00\x00" + end}, put: f32 + "\x24\x00", find: "\x23\x00" + f32 + "\x5b"},
		{name: "f64 global", globals: []string{"\x7c\x01\x44" + repeat("\x00", 8) + end}, put: f64 + "\x24\x00", find: "\x23\x00" + f64 + "\x61"},
	}
	for _, at := range []int64{0, 8, 512, bufferAt, bufferAt + 4, bufferAt + headerSize + 8, bufferAt + 4096, 40_000, 1<<16 - 2, 1 << 16, 1<<17 - 4} {
		if at >= bufferAt && at < bufferAt+headerSize+16 {
			continue // the host writes there before each call
		}
		out = append(out, canary{
			name: fmt.Sprintf("memory at %d", at),
			put:  i32(at) + i32(secret) + "\x36\x00\x00", find: i32(at) + "\x28\x00\x00" + i32(secret) + "\x46",
		})
	}
	searched := "\x02\x7f\x03\x40\x20\x01\x28\x02\x00" + i32(secret) + "\x46\x04\x40" + i32(1) + "\x0c\x02" + end +
		"\x20\x01" + i32(4) + "\x6a\x22\x01" + i32(20_000) + "\x49\x0d\x00" + end + i32(0) + end
	return append(out,
		canary{name: "memory, searched word by word", put: i32(4000) + i32(secret) + "\x36\x02\x00", find: searched},
		canary{name: "memory, moved in bulk", put: i32(600) + i32(secret) + "\x36\x02\x00" + i32(90_000) + i32(600) + i32(64) + "\xfc\x0a\x00\x00", find: i32(90_000) + "\x28\x02\x00" + i32(secret) + "\x46"},
		canary{name: "before a status", put: i32(600) + i32(secret) + "\x36\x02\x00", find: i32(600) + "\x28\x02\x00" + i32(secret) + "\x46", ending: i32(1) + "\x0f", fault: rules.FaultAnswer},
		canary{name: "before the fuel is spent", put: i32(600) + i32(secret) + "\x36\x02\x00", find: i32(600) + "\x28\x02\x00" + i32(secret) + "\x46", ending: forever, fault: rules.FaultFuel},
	)
}

func (c *canary) module() wasm {
	w := rule("")
	w.globals = c.globals
	viewer := loadViewer + "\x28\x02\x08"
	w.bodies[1] = body("\x01\x01\x7f", viewer+i32(1)+"\x46\x04\x40"+c.put+c.ending+
		"\x05"+loadGrants+c.find+i32(1)+"\x74"+store8+end+returnOK)
	return w
}

// TestCanarySearch: what one viewer's batch leaves anywhere is not there for
// the next viewer's; with the reset switched off each of these is found, so the
// search is one that finds.
func TestCanarySearch(t *testing.T) {
	for _, c := range canaries() {
		for _, off := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reset off %v", c.name, off), func(t *testing.T) {
				r := newRunner(t, nil)
				h := mustLoad(t, r, tenantA, c.module())
				r.versions[key{tenantA, h}].noReset = off
				first, _ := decide(t, r, tenantA, h, 1, 7)
				wantFault(t, first, c.fault)
				second, _ := decide(t, r, tenantA, h, 2, 7)
				if found := second[0].Grant == 2; found != off || second[0].Fault != rules.NoFault {
					t.Errorf("the second viewer got %+v", second[0])
				}
			})
		}
	}
}

// TestCanarySpoiled: a guest that trapped or grew is thrown away, and the secret with it, whether the reset is on or off.
func TestCanarySpoiled(t *testing.T) {
	put := i32(600) + i32(secret) + "\x36\x02\x00"
	find := i32(600) + "\x28\x02\x00" + i32(secret) + "\x46"
	grow := i32(1) + "\x40\x00\x1a"
	for _, c := range []canary{
		{name: "trap", put: put, find: find, ending: unreached, fault: rules.FaultTrap},
		{name: "grown", put: put + grow, find: find},
		{name: "grown page", put: grow + i32(1<<17) + i32(secret) + "\x36\x02\x00", find: "\x3f\x00" + i32(2) + "\x4a"},
		{name: "deep stack", put: put + i32(-4) + "\x10\x01\x1a", find: find, fault: rules.FaultTrap},
	} {
		for _, off := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reset off %v", c.name, off), func(t *testing.T) {
				r := newRunner(t, nil)
				h := mustLoad(t, r, tenantA, c.module())
				r.versions[key{tenantA, h}].noReset = off
				first, _ := decide(t, r, tenantA, h, 1, 7)
				wantFault(t, first, c.fault)
				if second, _ := decide(t, r, tenantA, h, 2, 7); second[0] != (rules.Verdict{}) {
					t.Errorf("the second viewer got %+v", second[0])
				}
			})
		}
	}
}
