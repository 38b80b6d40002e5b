package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// goShare is share() for the Go profile.
func goShare() *rules.Manifest {
	m := share()
	m.Profile = rules.Go
	return m
}

// hosted is a module of the Go profile that imports what it says and whose
// decide calls it with the constants, and says that all is answered.
func hosted(name string, args ...int64) wasm {
	at := slices.IndexFunc(goImports, func(h hostFunc) bool { return h.name == name })
	h := goImports[at]
	w := wasm{
		types:    []string{i32ToI32, noTypes, "\x60" + sized(h.kind.params) + sized(h.kind.results)},
		imports:  []string{sized(wasi) + sized(name) + "\x00\x02"},
		funcs:    []string{u(0), u(0), u(1)},
		memories: []string{"\x01\x02\x60"},
		exports: []string{
			exported("memory", kindMemory, 0), exported("sluice_buf", kindFunc, 1),
			exported("sluice_decide", kindFunc, 2), exported(initialize, kindFunc, 3),
		},
	}
	call := ""
	for i, a := range args {
		if h.kind.params[i] == typeI64 {
			call += "\x42" + s(a)
		} else {
			call += i32(a)
		}
	}
	call += "\x10\x00" + strings.Repeat("\x1a", len(h.kind.results)) // the answer is dropped
	w.bodies = []string{code("\x41" + s(bufferAt) + end), code(call + loadGrants + i32(1) + store8 + returnOK), code(end)}
	return w
}

// TestHostBounds: what a guest hands to the host lies in its memory and within
// the sizes that have a price, or the guest traps.
func TestHostBounds(t *testing.T) {
	const last = 2<<16 - 4 // of two pages
	for _, c := range []struct {
		name string
		args []int64
		want rules.FaultKind
	}{
		{"sched_yield", nil, rules.NoFault},
		{"proc_exit", []int64{0}, rules.FaultTrap},
		{"args_get", []int64{-1, -1}, rules.NoFault}, // nothing is written
		{"args_sizes_get", []int64{512, last}, rules.NoFault},
		{"args_sizes_get", []int64{512, last + 1}, rules.FaultTrap},
		{"args_sizes_get", []int64{-1, 512}, rules.FaultTrap},
		{"environ_get", []int64{-1, -1}, rules.NoFault},
		{"environ_sizes_get", []int64{-4, 512}, rules.FaultTrap},
		{"clock_time_get", []int64{0, 1, last - 4}, rules.NoFault},
		{"clock_time_get", []int64{7, -1, last - 3}, rules.FaultTrap},
		{"fd_write", []int64{1, 512, 0, 512}, rules.NoFault},
		{"fd_write", []int64{1, 512, 16, 512}, rules.NoFault},
		{"fd_write", []int64{1, 512, 17, 512}, rules.FaultTrap},
		{"fd_write", []int64{1, 512, -1, 512}, rules.FaultTrap},
		{"fd_write", []int64{1, last, 1, 512}, rules.FaultTrap},
		{"fd_write", []int64{1, 512, 1, -1}, rules.FaultTrap},
		{"random_get", []int64{512, 256}, rules.NoFault},
		{"random_get", []int64{512, 257}, rules.FaultTrap},
		{"random_get", []int64{512, -1}, rules.FaultTrap},
		{"random_get", []int64{last, 5}, rules.FaultTrap},
		{"random_get", []int64{-1, 1}, rules.FaultTrap},
		{"poll_oneoff", []int64{-1, -1, -1, -1}, rules.NoFault},
	} {
		t.Run(fmt.Sprint(c.name, c.args), func(t *testing.T) {
			for _, interpreter := range []bool{false, true} {
				r := newRunner(t, &Options{interpreter: interpreter})
				h, err := r.Load(bg, tenantA, withManifest(hosted(c.name, c.args...).build(), goShare()))
				if err != nil {
					t.Fatal(err)
				}
				if out, _ := decide(t, r, tenantA, h, 1, 1); out[0].Fault != c.want {
					t.Errorf("%+v, want %v", out[0], c.want)
				}
			}
		})
	}
}

// TestHostCallsArePaid: a guest that does nothing but call the host is stopped
// after a number of calls that its fuel bounds.
func TestHostCallsArePaid(t *testing.T) {
	w := hosted("sched_yield")
	w.bodies[1] = code("\x03\x40\x10\x00\x1a\x0c\x00" + end + returnOK)
	calls, was := 0, goImports[9].run
	goImports[9].run = func(m api.Memory, args []uint64) bool { calls++; return was(m, args) }
	defer func() { goImports[9].run = was }()
	r := newRunner(t, nil)
	h, err := r.Load(bg, tenantA, withManifest(w.build(), goShare()))
	if err != nil {
		t.Fatal(err)
	}
	out, _ := decide(t, r, tenantA, h, 1, 1)
	wantFault(t, out, rules.FaultFuel)
	if most := GoRecordFuel/goLimits.hostCall + 1; calls == 0 || calls > most {
		t.Errorf("%d calls, at most %d expected", calls, most)
	}
}

// TestGoProfileRefuses: the Go profile takes its own imports in their own shape,
// and the lean one says how to get them.
func TestGoProfileRefuses(t *testing.T) {
	change := func(f func(*wasm)) []byte {
		w := hosted("sched_yield")
		f(&w)
		return w.build()
	}
	imports := func(space, name, kind string) []byte {
		return change(func(w *wasm) { w.imports[0] = sized(space) + sized(name) + kind })
	}
	for _, c := range []struct {
		name    string
		profile rules.Profile
		module  []byte
		says    string
	}{
		{"lean", rules.Lean, hosted("sched_yield").build(), `write "profile": "go" into the manifest, and profile: GO at the custom rule`},
		{"a file", rules.Go, imports(wasi, "path_open", "\x00\x02"), `import "wasi_snapshot_preview1"."path_open": the Go profile has only what the bare runtime imports`},
		{"a network", rules.Go, imports("env", "fetch", "\x00\x02"), `import "env"."fetch"`},
		{"abort", rules.Go, imports("env", "abort", "\x00\x02"), `import "env"."abort"`},
		{"a global", rules.Go, imports(wasi, "sched_yield", "\x03\x7f\x00"), `import "wasi_snapshot_preview1"."sched_yield"`},
		{"another type", rules.Go, imports(wasi, "fd_write", "\x00\x02"), "it is () → i32, expected (i32, i32, i32, i32) → i32"},
		{"eleven", rules.Go, change(func(w *wasm) {
			w.imports = slices.Repeat(w.imports, 11)
		}), "11 imports, the limit is 10"},
		{"no set-up", rules.Go, change(func(w *wasm) { w.exports = w.exports[:3] }), "expected an exported function _initialize() → ()"},
		{"set-up with a parameter", rules.Go, change(func(w *wasm) { w.exports[3] = exported(initialize, kindFunc, 1) }), "expected an exported function _initialize"},
		{"the host in a table", rules.Go, change(func(w *wasm) {
			w.tables, w.elems = []string{"\x70\x00\x01"}, []string{"\x00" + i32(0) + end + "\x01\x00"}
		}), "function 0 is imported; it can be called by its name alone"},
		{"the host in a table of expressions", rules.Go, change(func(w *wasm) {
			w.tables, w.elems = []string{"\x70\x00\x01"}, []string{"\x04" + i32(0) + end + "\x01\xd2\x00" + end}
		}), "function 0 is imported"},
		{"97 pages", rules.Go, change(func(w *wasm) { w.memories = []string{"\x00\x61"} }), "97 pages of memory, the limit is 96"},
		{"large", rules.Go, make([]byte, MaxModule+1), "the limit is 3,670,016"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseAs(c.module, c.profile)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// goRule is the template of a rule in Go over the columns of share(), built once.
var goRule = sync.OnceValues(func() ([]byte, error) {
	return goModule(`package main

import "strconv"

var calls int

func rule(viewer, order Row, out *Verdict) {
	calls++
	seen := map[string]int64{}
	for i := range int64(8) {
		seen[strconv.FormatInt(i*order.Int(0), 10)] = i
	}
	if order.Int(0) == 13 {
		panic("unlucky")
	}
	if order.Int(0) == 14 {
		for { calls++ }
	}
	if order.Int(0) >= viewer.Int(0) && len(seen) == 8 {
		out.Grant = Edit
		out.Reason = 2
	}
}
`)
})

// goModule compiles a rule with the library of the SDK, offline.
func goModule(source string) ([]byte, error) {
	library, err := os.ReadFile("../../sdk/go/sluice.go.txt")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sluice-go-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"rule.go": source, "sluice.go": string(library), "go.mod": "module rule\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", "rule.wasm", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "rule.wasm"))
}

func mustGo(t testing.TB) []byte {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("NOT RUN: a rule in Go needs the go command")
	}
	module, err := goRule()
	if err != nil {
		t.Fatal(err)
	}
	return withManifest(module, goShare())
}

// TestGoRule: a rule with the runtime of Go decides, fails alone, and answers
// the same with the same fuel each time, on both engines, in a batch and alone.
func TestGoRule(t *testing.T) {
	module := mustGo(t)
	values := upTo(300)
	var first []rules.Verdict
	var spent int64
	for _, interpreter := range []bool{false, true} {
		r := newRunner(t, &Options{interpreter: interpreter})
		h, err := r.Load(bg, tenantA, module)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			out, fuel := decide(t, r, tenantA, h, 5, values...)
			if first == nil {
				first, spent = out, fuel
			}
			if !slices.Equal(out, first) || fuel != spent {
				t.Errorf("interpreter %v: another answer, or %d fuel instead of %d", interpreter, fuel, spent)
			}
		}
		for _, i := range []int{4, 5, 13, 14, 299} {
			if out, _ := decide(t, r, tenantA, h, 5, values[i]); out[0] != first[i] {
				t.Errorf("record %d alone: %+v, in a batch %+v", i, out[0], first[i])
			}
		}
	}
	for i, v := range first {
		want := rules.Verdict{}
		switch {
		case i == 13:
			want.Fault = rules.FaultTrap
		case i == 14:
			want.Fault = rules.FaultFuel
		case i >= 5:
			want = rules.Verdict{Grant: 2, Reason: 2}
		}
		if v != want {
			t.Errorf("record %d: %+v, want %+v", i, v, want)
		}
	}
}

// TestGoRuleInAChild: the limits of the child process that compiles have room for
// a module of Go, and what it compiled is loaded from disk.
func TestGoRuleInAChild(t *testing.T) {
	module := mustGo(t)
	dir := cacheDir(t)
	for _, o := range []*CacheOptions{nil, {Compiler: refuseToCompile}} {
		r := newRunner(t, &Options{Cache: openCache(t, dir, o)})
		h, err := r.Load(bg, tenantA, module)
		if err != nil {
			t.Fatal(err)
		}
		if out, _ := decide(t, r, tenantA, h, 5, 4, 7); out[0] != (rules.Verdict{}) || out[1].Grant != 2 {
			t.Errorf("%+v", out)
		}
	}
}

// TestGoRuleIsPutBack: a global of a rule in Go is what it was after start-up,
// for every batch; without the reset it is not.
func TestGoRuleIsPutBack(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("NOT RUN: a rule in Go needs the go command")
	}
	module, err := goModule("package main\n\nvar calls int\n\nfunc rule(_, _ Row, out *Verdict) {\n\tif calls++; calls > 1 {\n\t\tout.Grant = Edit\n\t}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []bool{false, true} {
		v, err := build(bg, tenantA, withManifest(module, goShare()), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		v.noReset = off
		var grants []uint8
		for range 2 {
			g, err := v.guest(bg)
			if err != nil {
				t.Fatal(err)
			}
			a := g.ask(bg, []record.Value{record.Int(1)}, rowsOf(1), 1)
			grants = append(grants, g.batch.verdict(0).Grant)
			v.back(bg, g, a.spoil)
		}
		if remembered := grants[1] != 0; grants[0] != 0 || remembered != off {
			t.Errorf("reset switched off %v: %v", off, grants)
		}
		closeVersions(bg, []*version{v})
	}
}

// TestGoCompileTime: the dearest modules that the Go profile lets through are
// compiled within bounds.
func TestGoCompileTime(t *testing.T) {
	ifs := func(blocks, locals int) string {
		return repeatEach(blocks/2-1, func(i int) string {
			l := u(i * 7 % locals)
			return "\x20" + l + "\x04\x40\x20" + l + i32(int64(i)) + "\x6a\x21" + u(i*13%locals) + end
		})
	}
	for name, shape := range map[string][3]int{"blocks": {12, 2480, 36}, "locals": {40, 480, 200}} {
		t.Run(name, func(t *testing.T) {
			w := hosted("sched_yield")
			for range shape[0] {
				w.fn(1, body("\x01"+u(shape[2])+"\x7f", ifs(shape[1], shape[2])+end))
			}
			m, err := parseAs(w.build(), rules.Go)
			if err != nil {
				t.Fatal(err)
			}
			rt := wazero.NewRuntimeWithConfig(bg, runtimeConfig(false))
			defer rt.Close(bg)
			began := time.Now()
			if _, err := rt.CompileModule(bg, m.meter()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			t.Logf("%v", took)
			if took > 2*time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func BenchmarkGoRule(b *testing.B) {
	r := newRunner(b, nil)
	h, err := r.Load(bg, tenantA, mustGo(b))
	if err != nil {
		b.Fatal(err)
	}
	values := slices.Repeat([]int64{7}, MaxBatch)
	b.ReportAllocs()
	for b.Loop() {
		decide(b, r, tenantA, h, 5, values...)
	}
}
