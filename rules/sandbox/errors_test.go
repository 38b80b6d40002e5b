package sandbox

import (
	"testing"

	"sluice/internal/fault"
)

// TestErrorsSayWhatToChange: a refusal names the place, what is there and the
// limit.
func TestErrorsSayWhatToChange(t *testing.T) {
	for _, c := range []struct {
		module []byte
		says   string
	}{
		{with(func(w *wasm) {
			for range 10 {
				w.fn(1, code(end))
			}
			w.fn(1, code(repeat("\x02\x40"+end, 699)+"\x0c\x00"+end))
		}), "module: function 12 has 1,400 basic blocks, the limit is 1,000: " + splitIt},
		{decideIs(repeat("\x02\x40"+end, 600) + returnOK), `module: function 1 (exported as "sluice_decide") has 1,201 basic blocks, the limit is 1,000: ` + splitIt},
		{with(func(w *wasm) { w.fn(1, body("\x01"+u(600)+"\x7e", end)) }), "module: function 2 has 600 locals, the limit is 512: " + splitIt},
		{with(func(w *wasm) { w.memories = []string{"\x00\x11"} }), "module: it has 17 pages of memory, the limit is 16: make static data and the stack smaller"},
		{with(func(w *wasm) {
			w.imports = []string{sized("env") + sized("abort") + "\x00\x01", sized("env") + sized("memcpy") + "\x00\x01"}
		}), `module: import "env"."memcpy": the only import is the function env.abort; define in the source what it calls`},
		{make([]byte, maxModule+1), `module: it has 262,145 bytes, the limit is 262,144: leave out libraries, static data and debug information; a module of Go says so, with "profile": "go"`},
		{with(func(w *wasm) { w.imports = []string{sized("env") + sized("console.log") + "\x00\x01"} }), `module: import "env"."console.log": the only import is the function env.abort; a rule has no output: leave console.log out`},
		{with(func(w *wasm) { w.imports = []string{sized("env") + sized("seed") + "\x00\x01"} }), `module: import "env"."seed": the only import is the function env.abort; a rule has no randomness: leave Math.random out`},
		{with(func(w *wasm) { w.imports = []string{sized("env") + sized("Date.now") + "\x00\x01"} }), `module: import "env"."Date.now": the only import is the function env.abort; a rule has no clock: compare with a field`},
		{decideIs("\xfd\x0c" + repeat("\x00", 16) + "\x1a" + returnOK), `module: function 1 (exported as "sluice_decide"): opcode 0xfd is not allowed (vectors): build without SIMD`},
		{decideIs("\xfe\x03\x00" + returnOK), `module: function 1 (exported as "sluice_decide"): opcode 0xfe is not allowed (threads): build without atomics`},
		{decideIs("\x10\x09" + returnOK), `module: function 1 (exported as "sluice_decide"): function 9 does not exist`},
		{with(func(w *wasm) { w.exports = w.exports[:2] }), "module: expected an exported function sluice_decide(i32) → i32"},
	} {
		_, err := parse(c.module)
		if err == nil || fault.Message(err) != c.says {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1_400_000: "1,400,000", 4294967295: "4,294,967,295"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
