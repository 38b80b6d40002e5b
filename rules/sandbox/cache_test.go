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
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// refuseToCompile stands where nothing may be compiled: the probe apart, which
// is compiled once when a cache is opened.
func refuseToCompile(ctx context.Context, metered []byte, dir string) error {
	if string(metered) == string(probe) {
		return ChildCompiler()(ctx, metered, dir)
	}
	return errors.New("compiled again")
}

// numbered are modules that differ.
func numbered(n int) []byte {
	return withManifest(rule(i32(int64(n))+"\x1a"+returnOK).build(), share())
}

// TestRestartCompilesNothing: the modules of a server are loaded from disk when
// it begins again.
func TestRestartCompilesNothing(t *testing.T) {
	dir := cacheDir(t)
	c := openCache(t, dir, nil)
	first := newRunner(t, &Options{Cache: c})
	const modules = 20
	for n := range modules {
		if _, err := first.Load(bg, tenantA, numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	again := newRunner(t, &Options{Cache: openCache(t, dir, &CacheOptions{Compiler: refuseToCompile})})
	for n := range modules {
		if _, err := again.Load(bg, tenantA, numbered(n)); err != nil {
			t.Fatalf("module %d: %v", n, err)
		}
	}
	if _, err := again.Load(bg, tenantA, numbered(modules)); err == nil {
		t.Error("a module that is not on disk was loaded without compiling it")
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// uploading is the context of somebody of the tenant.
func uploading(tenant identity.Tenant) context.Context {
	return identity.WithPrincipal(bg, identity.Principal{Tenant: tenant, User: record.ID{1}, Credential: identity.Session})
}

// TestCodeIsOfOneTenant: a module that another tenant has is compiled like any other, so
// that the time of an upload or a load does not tell of it, and so is its check.
func TestCodeIsOfOneTenant(t *testing.T) {
	compiled := 0
	o := &CacheOptions{Events: CacheEvents{Compiled: func(time.Duration, int64) { compiled++ }}}
	c := openCache(t, cacheDir(t), o)
	first, second := newRunner(t, &Options{Cache: c}), newRunner(t, &Options{Cache: c})
	for i, r := range []*Runner{first, second} {
		for n, tenant := range []identity.Tenant{tenantA, tenantB} {
			_, err := c.Inspect(uploading(tenant), numbered(0))
			must(t, err)
			_, err = r.Load(bg, tenant, numbered(0))
			must(t, err)
			if want := max(n+1, 2*i); compiled != want {
				t.Errorf("runner %d, tenant %d: compiled %d times, expected %d", i, n, compiled, want)
			}
		}
	}
}

// damages are what may have happened to an entry; none may be executed.
func damages() map[string]func(t *testing.T, dir, code string) {
	flip := func(at func(size int) int) func(t *testing.T, _, code string) {
		return func(t *testing.T, _, code string) {
			b, err := os.ReadFile(code)
			if err != nil {
				t.Fatal(err)
			}
			b[at(len(b))] ^= 1
			must(t, os.WriteFile(code, b, 0o600))
		}
	}
	return map[string]func(t *testing.T, dir, code string){
		"cut short":        func(t *testing.T, _, code string) { must(t, os.Truncate(code, 100)) },
		"emptied":          func(t *testing.T, _, code string) { must(t, os.Truncate(code, 0)) },
		"bit of the start": flip(func(int) int { return 0 }),
		// Past the header lie the offsets of functions, which wazero does not check.
		"bit of an offset":   flip(func(int) int { return 24 }),
		"bit of the code":    flip(func(n int) int { return n / 2 }),
		"bit of the end":     flip(func(n int) int { return n - 1 }),
		"no code":            func(t *testing.T, _, code string) { must(t, os.Remove(code)) },
		"no seal":            func(t *testing.T, dir, _ string) { must(t, os.Remove(filepath.Join(dir, sealFile))) },
		"more code":          func(t *testing.T, _, code string) { must(t, os.WriteFile(code[:len(code)-1]+"x", nil, 0o600)) },
		"writable by others": func(t *testing.T, _, code string) { must(t, os.Chmod(code, 0o620)) },
		"seal for others":    func(t *testing.T, dir, _ string) { must(t, os.Chmod(filepath.Join(dir, sealFile), 0o606)) },
		"entry for others":   func(t *testing.T, dir, _ string) { must(t, os.Chmod(dir, 0o777)) },
		"a link": func(t *testing.T, _, code string) {
			elsewhere := filepath.Join(t.TempDir(), "code")
			must(t, os.Rename(code, elsewhere))
			must(t, os.Symlink(elsewhere, code))
		},
		"an entry that is a link": func(t *testing.T, dir, _ string) {
			elsewhere := filepath.Join(t.TempDir(), "entry")
			must(t, os.Rename(dir, elsewhere))
			must(t, os.Symlink(elsewhere, dir))
		},
		"a file for an entry": func(t *testing.T, dir, _ string) {
			must(t, os.RemoveAll(dir))
			must(t, os.WriteFile(dir, nil, 0o600))
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entryOf returns the entry of a module and its file of code.
func entryOf(t *testing.T, c *Cache, module []byte) (dir, code string) {
	t.Helper()
	m, err := parse(module)
	must(t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	dir = filepath.Join(c.dir, c.keyOf(tenantA, m.meter()))
	code, _, err = c.code(dir)
	must(t, err)
	return dir, code
}

// TestDamagedCodeIsCompiledAgain: code on disk that is not what was compiled is
// not run, and its module works.
func TestDamagedCodeIsCompiledAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs rights of files as Unix has them")
	}
	module := withManifest(parity().build(), share())
	for name, damage := range damages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, warned := 0, 0
			c := openCache(t, cacheDir(t), &CacheOptions{Events: CacheEvents{
				Compiled: func(time.Duration, int64) { compiled++ },
				Warning:  func(string) { warned++ },
			}})
			r := newRunner(t, &Options{Cache: c})
			h, err := r.Load(bg, tenantA, module)
			must(t, err)
			dir, code := entryOf(t, c, module)
			damage(t, dir, code)
			r.Unload(tenantA, h)
			if _, err := r.Load(bg, tenantA, module); err != nil {
				t.Fatal(err)
			}
			if compiled != 2 || warned != 1 {
				t.Errorf("compiled %d times, with %d warnings, expected 2 and 1", compiled, warned)
			}
			if out, _ := decide(t, r, tenantA, h, 1, 0, 1); out[0] != (rules.Verdict{Grant: 1}) || out[1] != (rules.Verdict{Grant: 2}) {
				t.Errorf("verdicts %+v", out)
			}
		})
	}
}

// TestCodeOfAnotherModuleIsNotRun: a whole, sealed entry under another's name is
// damage like any other.
func TestCodeOfAnotherModuleIsNotRun(t *testing.T) {
	c := openCache(t, cacheDir(t), nil)
	r := newRunner(t, &Options{Cache: c})
	for n := range 2 {
		_, err := r.Load(bg, tenantA, numbered(n))
		must(t, err)
	}
	one, _ := entryOf(t, c, numbered(0))
	other, _ := entryOf(t, c, numbered(1))
	must(t, os.RemoveAll(one))
	must(t, os.Rename(other, one))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.verify(filepath.Base(one)); err == nil {
		t.Error("code under another key passed")
	}
}

// TestOtherMachineCompilesAgain: code of another version of wazero, or of another
// processor, is not found.
func TestOtherMachineCompilesAgain(t *testing.T) {
	c := openCache(t, cacheDir(t), nil)
	metered := []byte("module")
	keys := map[string]bool{}
	for _, machine := range [][2]string{{"wazero-v1", "00"}, {"wazero-v2", "00"}, {"wazero-v1", "01"}} {
		var err error
		c.machine, err = machineOf(machine[0], machine[1])
		must(t, err)
		keys[c.keyOf(tenantA, metered)] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d keys, expected 3", len(keys))
	}
}

// TestCacheIsBounded: what was loaded longest ago makes room.
func TestCacheIsBounded(t *testing.T) {
	dir := cacheDir(t)
	var size int64
	o := &CacheOptions{Events: CacheEvents{Compiled: func(_ time.Duration, bytes int64) { size = bytes }}}
	c := openCache(t, dir, o)
	r := newRunner(t, &Options{Cache: c})
	for n := range 3 {
		_, err := r.Load(bg, tenantA, numbered(n))
		must(t, err)
		entry, _ := entryOf(t, c, numbered(n))
		old := time.Unix(int64(1000+n), 0)
		must(t, os.Chtimes(filepath.Join(entry, sealFile), old, old))
	}
	r.Unload(tenantA, rules.HashOf(numbered(0)))
	_, err := r.Load(bg, tenantA, numbered(0)) // now 1 is the oldest
	must(t, err)
	c.opts.MaxBytes = 3*size + size/2
	_, err = r.Load(bg, tenantA, numbered(3))
	must(t, err)
	again := newRunner(t, &Options{Cache: openCache(t, dir, &CacheOptions{Compiler: refuseToCompile})})
	for n, kept := range []bool{true, false, true, true} {
		if _, err := again.Load(bg, tenantA, numbered(n)); (err == nil) != kept {
			t.Errorf("module %d: %v, expected kept %t", n, err, kept)
		}
	}
}

// TestCacheDirectoryIsOwned: a directory that others could have written to is
// emptied, a link is refused, what an interruption left is removed.
func TestCacheDirectoryIsOwned(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs rights of files as Unix has them")
	}
	dir := filepath.Join(t.TempDir(), "compiled")
	must(t, os.MkdirAll(filepath.Join(dir, strings.Repeat("0", 64)), 0o777))
	must(t, os.Chmod(dir, 0o777))
	warned := 0
	openCache(t, dir, &CacheOptions{Events: CacheEvents{Warning: func(string) { warned++ }}})
	info, err := os.Stat(dir)
	must(t, err)
	if left, _ := os.ReadDir(dir); len(left) > 0 || warned != 1 || info.Mode().Perm() != 0o700 {
		t.Errorf("left %v, %d warnings, %v", left, warned, info.Mode())
	}
	must(t, os.Mkdir(filepath.Join(dir, scratchPrefix+"1"), 0o700))
	openCache(t, dir, nil)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(dir, link))
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, bad := range []string{link, file} {
		if _, err := OpenCache(bg, bad, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if os.Geteuid() == 0 {
		theirs := filepath.Join(t.TempDir(), "theirs")
		must(t, os.Mkdir(theirs, 0o700))
		must(t, os.Chown(theirs, 12345, 12345))
		if _, err := OpenCache(bg, theirs, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("another's directory: %v", err)
		}
	}
	if _, err := OpenCache(bg, dir, &CacheOptions{MaxBytes: -1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a negative bound: %v", err)
	}
}
