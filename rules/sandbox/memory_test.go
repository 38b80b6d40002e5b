package sandbox

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"
	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/rules"
)

// TestMemoryOfOthersIsCleared: the memory of a guest that was thrown away, of the
// largest size and with a secret in it, is used for a guest of another tenant, which
// finds nothing in it, in the pages it begins with and in those it grows.
func TestMemoryOfOthersIsCleared(t *testing.T) {
	const secret = 0x5e
	leaves := rule(i32(14) + "\x40\x00\x1a" + i32(12<<16) + i32(secret) + i32(4<<16) + "\xfc\x0b\x00" + unreached + returnOK)
	// One word in 128, until one is not 0.
	search := func(first string) string {
		return body("\x01\x01\x7f", first+i32(1<<14)+"\x21\x01\x03\x40\x20\x01\x28\x02\x00\x04\x40"+loadGrants+i32(2)+store8+returnOK[:2]+"\x0f"+end+
			"\x20\x01"+i32(512)+"\x6a\x22\x01"+i32(16<<16)+"\x49\x0d\x00"+end+loadGrants+i32(1)+store8+returnOK)
	}
	large, grows := rule(""), rule("")
	large.memories = []string{"\x01\x10\x10"}
	large.bodies[1] = search("")
	grows.types = append(grows.types, "\x60\x00\x01\x7f")
	grows.bodies[1] = search("")
	grows.start = u(grows.fn(1, code(i32(14)+"\x40\x00\x1a"+end)))
	late := rule("")
	late.bodies[1] = search(i32(14) + "\x40\x00\x1a")
	for name, w := range map[string]wasm{"from the beginning": large, "grown at start-up": grows, "grown in a call": late} {
		r := newRunner(t, nil)
		h := mustLoad(t, r, tenantA, leaves)
		good := mustLoad(t, r, tenantB, w)
		r.versions[key{tenantB, good}].drain(bg)
		out, _ := decide(t, r, tenantA, h, 1, 1)
		wantFault(t, out, rules.FaultTrap)
		m := shared()
		m.mu.Lock()
		last := m.idle[len(m.idle)-1]
		m.mu.Unlock()
		if full := last[:cap(last)]; len(full) != 16<<16 || bytes.Count(full, []byte{secret}) < 4<<16 {
			t.Fatalf("%s: the secret is not in what was kept, %d bytes", name, len(full))
		}
		out, _ = decide(t, r, tenantB, good, 1, 1)
		if out[0] != (rules.Verdict{Grant: 1}) {
			t.Errorf("%s: the other tenant's guest got %+v", name, out[0])
		}
		if n := bytes.Count(last[:cap(last)], []byte{secret}); n > 0 {
			t.Errorf("%s: the memory with the secret was not used again, or shows %d bytes of it", name, n)
		}
	}
}

// TestThrownAwayGuestsLeaveNoGarbage: a rule that traps at every record makes the
// garbage collector no work that grows with its memory.
func TestThrownAwayGuestsLeaveNoGarbage(t *testing.T) {
	w := rule(unreached + returnOK)
	w.memories = []string{"\x01\x10\x10"}
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, w)
	decide(t, r, tenantA, h, 1, 1)
	const calls = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		out, _ := decide(t, r, tenantA, h, 1, 1)
		wantFault(t, out, rules.FaultTrap)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / calls; each > 256<<10 {
		t.Errorf("%d bytes for each guest, whose memory is 1 MiB", each)
	}
}

// TestStartUpRunsOnce: a guest that takes the place of one that was thrown away is
// put where start-up ended, and does not run it again.
func TestStartUpRunsOnce(t *testing.T) {
	w := hosted("sched_yield")
	w.bodies[1], w.bodies[2] = code(unreached+returnOK), code("\x10\x00\x1a"+end)
	calls, was := 0, goImports[9].run
	goImports[9].run = func(m api.Memory, args []uint64) bool { calls++; return was(m, args) }
	defer func() { goImports[9].run = was }()
	r := newRunner(t, nil)
	h, err := r.Load(bg, tenantA, withManifest(w.build(), goShare()))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		out, _ := decide(t, r, tenantA, h, 1, 1)
		wantFault(t, out, rules.FaultTrap)
	}
	if calls != 1 {
		t.Errorf("start-up ran %d times", calls)
	}
}

// TestSpentGuestIsPutBack: a guest that spent its fuel is the one that is asked next,
// in the state after start-up; one that trapped is not.
func TestSpentGuestIsPutBack(t *testing.T) {
	for _, c := range []struct {
		ending string
		kept   bool
	}{{forever, true}, {unreached, false}, {i32(1) + "\x40\x00\x1a", false}} {
		w := rule(i32(600) + i32(7) + "\x36\x02\x00" + i32(9) + "\x24\x00" + c.ending + returnOK)
		w.globals = []string{"\x7f\x01" + i32(5) + end}
		v, err := build(bg, tenantA, withManifest(w.build(), share()), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		first, err := v.guest(bg)
		if err != nil {
			t.Fatal(err)
		}
		a := first.ask(bg, make([]record.Value, len(v.shape.viewer)), rowsOf(1), 1)
		v.back(bg, first, a.spoil)
		next, err := v.guest(bg)
		if err != nil {
			t.Fatal(err)
		}
		memory, _ := next.mem.Read(0, next.mem.Size())
		if (next == first) != c.kept || !bytes.Equal(memory, v.state.memory) || !slices.Equal(next.globals(), v.state.globals) {
			t.Errorf("after %q: the same guest %v, expected %v", c.ending, next == first, c.kept)
		}
		next.close(bg)
		closeVersions(bg, []*version{v})
	}
}

// TestAreas: the parts that memory is put back in are all of it, in order, and what is
// not copied is zero.
func TestAreas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory := make([]byte, rapid.IntRange(0, 1<<16).Draw(t, "size"))
		for _, at := range rapid.SliceOfN(rapid.IntRange(0, 1<<16), 0, 8).Draw(t, "bytes") {
			if at < len(memory) {
				memory[at] = 1
			}
		}
		at := 0
		for i, a := range areas(memory) {
			if a.from != at || a.to <= a.from || a.zero == slices.Contains(memory[a.from:a.to], 1) {
				t.Fatalf("area %d: %+v, after %d", i, a, at)
			}
			at = a.to
		}
		if at != len(memory) {
			t.Fatalf("%d bytes of %d", at, len(memory))
		}
	})
}
