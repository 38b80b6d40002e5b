package sandbox

import (
	"runtime"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// costly are modules that the check lets through and that are meant to be as
// dear to compile as they can be: each leans on one of the limits.
func costly() map[string][]byte {
	many := func(n int, b string) []byte {
		w := ok()
		for range n {
			w.fn(1, b)
		}
		return w.build()
	}
	locals := func(n int) string { return "\x01" + u(n) + "\x7f" }
	// Every block changes some locals, so that they differ where paths join.
	ifs := func(blocks, locals int) string {
		return repeatEach(blocks/2-1, func(i int) string {
			l := u(i * 7 % locals)
			return "\x20" + l + "\x04\x40\x20" + l + i32(int64(i)) + "\x6a\x21" + u(i*13%locals) + end
		})
	}
	loops := func(depth, locals int) string {
		return repeatEach(depth, func(i int) string { return "\x03\x40\x20" + u(i%locals) + i32(1) + "\x6a\x21" + u((i+1)%locals) }) +
			repeatEach(depth, func(i int) string { return "\x20" + u(i%locals) + "\x0d\x00" + end })
	}
	pairs := repeat(i32(8)+i32(8)+"\x28\x02\x00"+"\x36\x02\x00", maxBody/10-10)
	return map[string][]byte{
		"ifs":                 many(1, body(locals(90), ifs(990, 90)+end)),
		"ifs with all locals": many(4, body(locals(500), ifs(190, 500)+end)),
		"functions of ifs":    many(25, body(locals(90), ifs(190, 90)+end)),
		"nested loops":        many(1, body(locals(90), loops(300, 90)+end)),
		"loads and stores":    many(7, code(pairs+end)),
		"branch table":        many(1, code(repeat("\x02\x40", 300)+i32(0)+"\x0e"+u(390)+repeatEach(391, func(i int) string { return u(i % 300) })+repeat(end, 300)+end)),
		"functions":           many(998, code(end)),
		"calls":               many(1, code(repeat(i32(1)+"\x10\x00\x1a", 6000)+end)),
		"live values":         many(7, code(repeat(i32(1)+"\x10\x00", 4000)+repeat("\x1a", 4000)+end)),
	}
}

// TestCompileTime: the check keeps compilation, which cannot be interrupted,
// within bounds of time and memory.
func TestCompileTime(t *testing.T) {
	for name, module := range costly() {
		t.Run(name, func(t *testing.T) {
			m, err := parse(module)
			if err != nil {
				t.Fatal(err)
			}
			metered := m.meter()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rt := wazero.NewRuntimeWithConfig(bg, runtimeConfig(false))
			defer rt.Close(bg)
			began := time.Now()
			if _, err := rt.CompileModule(bg, metered); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d bytes, metered %d, blocks %d: %v, %d MiB allocated", len(module), len(metered), m.facts.maxBlocks, took, allocated)
			if took > time.Minute || allocated > 256 {
				t.Errorf("took %v and %d MiB", took, allocated)
			}
		})
	}
}
