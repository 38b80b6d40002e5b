package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/internal/fault"
	"sluice/rules"
)

// cacheDir names a directory that does not exist yet.
func cacheDir(t testing.TB) string { return filepath.Join(t.TempDir(), "compiled") }

func openCache(t testing.TB, dir string, o *CacheOptions) *Cache {
	t.Helper()
	c, err := OpenCache(bg, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestChildCompiles: the code that a child made gives the verdicts of code made here.
func TestChildCompiles(t *testing.T) {
	compiled := 0
	c := openCache(t, cacheDir(t), &CacheOptions{Events: CacheEvents{
		Compiled: func(time.Duration, int64) { compiled++ },
		Warning:  func(text string) { t.Error(text) },
	}})
	module := parity()
	here, there := newRunner(t, nil), newRunner(t, &Options{Cache: c})
	h := mustLoad(t, here, tenantA, module)
	mustLoad(t, there, tenantA, module)
	want, fuel := decide(t, here, tenantA, h, 1, upTo(500)...)
	got, spent := decide(t, there, tenantA, h, 1, upTo(500)...)
	for i := range want {
		if got[i] != want[i] || spent != fuel {
			t.Fatalf("record %d: %+v for %d fuel, compiled here %+v for %d", i, got[i], spent, want[i], fuel)
		}
	}
	info, err := c.Inspect(uploading(tenantA), withManifest(module.build(), share()))
	if err != nil || info.Hash != h || compiled != 1 {
		t.Errorf("%v, %v; compiled %d times", info.Hash, err, compiled)
	}
}

// TestBadChildRefuses: whatever a child does but its work refuses the module,
// says what to change, shows nothing of the child, and leaves other tenants alone.
func TestBadChildRefuses(t *testing.T) {
	texts := map[string]string{
		"child-hangs":        "took too long: make its functions smaller",
		"child-says-invalid": "not valid WebAssembly",
		"child-is-broken":    "this server cannot compile",
		"child-crashes":      " s of processor time",
	}
	for name := range badChildren {
		if name == "child-shows-limits" || runtime.GOOS != "linux" && (name == "child-eats-memory" || name == "child-writes-endlessly") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wall := childWall
			if name == "child-hangs" {
				wall = time.Second
			}
			dir := cacheDir(t)
			bad := false
			c := openCache(t, dir, &CacheOptions{Compiler: func(ctx context.Context, metered []byte, dir string) error {
				if !bad {
					return ChildCompiler()(ctx, metered, dir)
				}
				return child(name, wall)(ctx, metered, dir)
			}})
			r := newRunner(t, &Options{Cache: c})
			other := mustLoad(t, r, tenantB, parity())
			bad = true
			_, err := r.Load(bg, tenantA, withManifest(ok().build(), share()))
			kind := fault.Invalid
			if name == "child-is-broken" {
				kind = fault.Unavailable
			}
			if fault.KindOf(err) != kind || !strings.Contains(err.Error(), texts[name]) || strings.Contains(err.Error(), "goroutine") {
				t.Errorf("got %v of kind %v", err, fault.KindOf(err))
			}
			if out, _ := decide(t, r, tenantB, other, 1, 0, 1); out[0] != (rules.Verdict{Grant: 1}) || out[1] != (rules.Verdict{Grant: 2}) {
				t.Errorf("another tenant got %+v", out)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left %v, expected the other tenant's code only", left)
			}
		})
	}
}

// TestCompilingLeavesOthersAlone: while one module is compiled, another tenant's
// rule is asked, loaded from disk and compiled.
func TestCompilingLeavesOthersAlone(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	var slow []byte
	m, err := parse(withManifest(ok().build(), share()))
	if err != nil {
		t.Fatal(err)
	}
	slow = m.meter()
	c := openCache(t, cacheDir(t), &CacheOptions{Compiler: func(ctx context.Context, metered []byte, dir string) error {
		if string(metered) == string(slow) {
			close(begun)
			<-finish
		}
		return ChildCompiler()(ctx, metered, dir)
	}})
	r := newRunner(t, &Options{Cache: c})
	done := make(chan error)
	go func() {
		_, err := r.Load(bg, tenantA, withManifest(ok().build(), share()))
		done <- err
	}()
	<-begun
	h := mustLoad(t, r, tenantB, parity())
	decide(t, r, tenantB, h, 1, 0, 1)
	r.Unload(tenantB, h)
	mustLoad(t, r, tenantB, parity())
	ended, cancel := context.WithCancel(bg)
	cancel()
	if _, err := r.Load(ended, tenantA, withManifest(ok().build(), share())); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a context that ended: %v", err)
	}
	close(finish)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(r.loading) != 0 {
		t.Errorf("%d turns are left", len(r.loading))
	}
}

// TestNoChildNoRules: without a child nothing is compiled, and it is said aloud;
// once there is one again, modules load.
func TestNoChildNoRules(t *testing.T) {
	var warnings []string
	works := false
	c := openCache(t, cacheDir(t), &CacheOptions{
		Compiler: func(ctx context.Context, metered []byte, dir string) error {
			if !works {
				return fault.New(fault.Unavailable, "test", "no process")
			}
			return ChildCompiler()(ctx, metered, dir)
		},
		Events: CacheEvents{Warning: func(text string) { warnings = append(warnings, text) }},
	})
	if len(warnings) != 1 || !strings.Contains(warnings[0], "all of them are refused") {
		t.Errorf("warnings: %q", warnings)
	}
	r := newRunner(t, &Options{Cache: c})
	module := withManifest(parity().build(), share())
	if _, err := r.Load(bg, tenantA, module); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("load: %v", err)
	}
	if _, err := c.Inspect(bg, module); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("inspect: %v", err)
	}
	h := rules.HashOf(module)
	out, _ := decide(t, r, tenantA, h, 1, 0)
	wantFault(t, out, rules.FaultMissing)
	works = true
	if _, err := r.Load(bg, tenantA, module); err != nil {
		t.Error(err)
	}
}

// TestChildEndsWithItsCaller: the end of the caller's context ends the child.
func TestChildEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if err := child("child-hangs", childWall)(ctx, probe, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestChildHasRoom: the dearest modules that the check lets through compile
// inside the child's limits, so that no developer meets those instead.
func TestChildHasRoom(t *testing.T) {
	for name, module := range costly() {
		t.Run(name, func(t *testing.T) {
			m, err := parse(module)
			if err != nil {
				t.Fatal(err)
			}
			if err := ChildCompiler()(bg, m.meter(), t.TempDir()); err != nil {
				t.Error(err)
			}
		})
	}
}
