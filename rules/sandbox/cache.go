package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/fault"
	"sluice/internal/identity"
)

// CacheEvents are hooks for logs and metrics. Nil ones are not called; the
// others must be fast and safe for concurrent use.
type CacheEvents struct {
	// Compiled is told of each module that was compiled rather than found.
	Compiled func(took time.Duration, bytes int64)
	// Refused is told of each module that could not be compiled, for operators:
	// the error says how the child process ended.
	Refused func(err error)
	// Warning is told what an operator should know about the directory.
	Warning func(text string)
}

// CacheOptions configure a Cache. The zero CacheOptions and nil are usable.
type CacheOptions struct {
	// Compiler compiles what is not on disk; nil for [ChildCompiler].
	Compiler Compiler
	// MaxBytes is how much compiled code is kept, 256 MiB by default. What was
	// not loaded for longest is removed first.
	MaxBytes int64
	Events   CacheEvents
}

const defaultCacheBytes = 256 << 20

// quietModules is how many modules of a tenant that compiled none are compiled before
// it takes turns with tenants that compile many.
const quietModules = 8

// Cache keeps the compiled code of modules in a directory that belongs to this
// user alone, and has what is missing compiled by a [Compiler]: with a Cache a
// [Runner] compiles nothing in its own process. It is safe for concurrent use,
// and for one process at a time.
//
// What is on disk becomes machine code of this process. So each entry carries a
// SHA-256 over all of it, and one that does not match, or that somebody else
// could have written, is removed and compiled again. That finds damage, and not
// a person who can write as this user: such a person needs no cache.
type Cache struct {
	dir  string
	opts CacheOptions
	// children bounds the compilers at once. A tenant has one of two, so that nobody
	// waits for the modules of one other tenant, and for those of several at most as
	// long as it takes to compile one. What tenants spend is modules.
	children *gate

	mu      sync.Mutex // held while entries are read, added and removed
	machine []byte     // guarded by mu: what code depends on besides its module; nil until known
	layout  string     // guarded by mu: wazero's directory inside an entry
}

// OpenCache opens the directory, made if it does not exist. A directory that
// others can enter is emptied first. A symbolic link, and a directory of another
// user, is an error. When nothing can be compiled here, Events.Warning is told,
// and modules that are not on disk are refused until that has changed.
func OpenCache(ctx context.Context, dir string, o *CacheOptions) (*Cache, error) {
	c := &Cache{dir: dir, children: newGate(2, 1, quietModules)}
	if o != nil {
		c.opts = *o
	}
	if c.opts.MaxBytes < 0 {
		return nil, fault.New(fault.Invalid, "sandbox.OpenCache", "MaxBytes: expected 0 or more")
	}
	if c.opts.MaxBytes == 0 {
		c.opts.MaxBytes = defaultCacheBytes
	}
	if c.opts.Compiler == nil {
		c.opts.Compiler = ChildCompiler()
	}
	emptied, err := ownDirectory(dir)
	if err != nil {
		return nil, err
	}
	if emptied {
		c.warn("others could enter the directory of compiled rules: it was emptied, rules are compiled again")
	}
	if err := c.sweep(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.learn(ctx); err != nil {
		c.warn("custom rules cannot be compiled on this machine, all of them are refused: " + err.Error())
	}
	return c, nil
}

func (c *Cache) warn(text string) {
	if c.opts.Events.Warning != nil {
		c.opts.Events.Warning(text)
	}
}

func (c *Cache) refused(err error) {
	if c.opts.Events.Refused != nil {
		c.opts.Events.Refused(err)
	}
}

// sweep removes what an interrupted compilation left.
func (c *Cache) sweep() error {
	left, err := filepath.Glob(filepath.Join(c.dir, scratchPrefix+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

const scratchPrefix = "scratch-"

// probe is a module of one empty function.
var probe = []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")

// learn compiles the probe once. The place where wazero puts its code names the
// version of wazero, the architecture and, hashed, the features of the processor:
// code is valid for the same of all three only. The caller holds mu.
func (c *Cache) learn(ctx context.Context) error {
	if c.machine != nil {
		return nil
	}
	scratch, err := os.MkdirTemp(c.dir, scratchPrefix)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: no place for compiled code")
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	if err := c.opts.Compiler(ctx, probe, scratch); err != nil {
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules now")
	}
	layout, name, err := only(scratch)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules")
	}
	machine, err := machineOf(layout, name)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules")
	}
	c.layout, c.machine = layout, machine
	return nil
}

// machineOf adds the checksum of wazero's sources to what the probe told: a
// replaced or patched wazero of the same version compiles differently. A binary
// that does not say it, such as a test's, is taken whole.
func machineOf(layout, name string) ([]byte, error) {
	sum := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/tetratelabs/wazero" && d.Replace == nil {
				sum = d.Sum
			}
		}
	}
	if sum == "" {
		whole, err := binarySum()
		if err != nil {
			return nil, err
		}
		sum = whole
	}
	h := sha256.Sum256([]byte("sluice.compiled/1\x00" + layout + "\x00" + name + "\x00" + sum))
	return h[:], nil
}

// binarySum returns the SHA-256 of this program, read once.
var binarySum = sync.OnceValues(func() (string, error) {
	self, err := executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return string(h.Sum(nil)), err
})

// keyOf names the entry of a tenant's module: how long an upload takes must not tell
// that another tenant has the same module. The caller holds mu, and machine is known.
func (c *Cache) keyOf(tenant identity.Tenant, metered []byte) string {
	sum := sha256.Sum256(metered)
	k := sha256.Sum256(slices.Concat(c.machine, tenant[:], sum[:]))
	return hex.EncodeToString(k[:])
}

// load has use read the directory in which wazero finds the code of the tenant's module,
// compiled before if it was not there. The directory does not change while use
// runs. use must do no more than that: others wait.
func (c *Cache) load(ctx context.Context, tenant identity.Tenant, metered []byte, use func(dir string) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.learn(ctx); err != nil {
		return err
	}
	key := c.keyOf(tenant, metered)
	dir := filepath.Join(c.dir, key)
	if err := c.verify(key); err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			c.warn("a compiled rule was damaged, it is compiled again: " + err.Error())
		}
		if err := os.RemoveAll(dir); err != nil {
			return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: the directory of compiled code cannot be written")
		}
		if err := c.compile(ctx, tenant, key, metered); err != nil {
			return err
		}
	}
	return c.read(dir, use)
}

// read calls use and makes sure that it found the code: wazero would compile
// what it does not find, in this process.
func (c *Cache) read(dir string, use func(dir string) error) error {
	file, before, err := c.code(dir)
	if err != nil {
		return err
	}
	if err := use(dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	after, err := os.Lstat(file)
	if err == nil && !os.SameFile(before, after) {
		err = errors.New("compiled code was not found where it is")
	}
	if err != nil {
		return errors.Join(fault.Wrap(fault.Internal, "sandbox", err, "custom rules: compiled code was not used"), os.RemoveAll(dir))
	}
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, sealFile), now, now) // only the order of removal depends on it
	return nil
}

// compile fills the entry from a scratch directory. mu is held, but not while
// the compiler runs.
func (c *Cache) compile(ctx context.Context, tenant identity.Tenant, key string, metered []byte) error {
	scratch, err := os.MkdirTemp(c.dir, scratchPrefix)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: no place for compiled code")
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	began := time.Now()
	if err := c.outside(ctx, tenant, metered, scratch); err != nil {
		c.refused(err)
		return err
	}
	size, err := c.adopt(scratch, key)
	if err != nil {
		c.refused(err)
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: it could not be compiled: expected one file of code of at most %d MiB", maxCode>>20)
	}
	if c.opts.Events.Compiled != nil {
		c.opts.Events.Compiled(time.Since(began), size)
	}
	c.evict(key)
	return nil
}

// outside calls the compiler, for which it lets go of mu.
func (c *Cache) outside(ctx context.Context, tenant identity.Tenant, metered []byte, scratch string) error {
	c.mu.Unlock()
	defer c.mu.Lock()
	t := c.children.turn(tenant)
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.leave()
	t.spend(1)
	return c.opts.Compiler(ctx, metered, scratch)
}

// adopt checks and seals what a compiler left and makes it an entry.
func (c *Cache) adopt(scratch, key string) (size int64, err error) {
	layout, name, err := only(scratch)
	if err != nil {
		return 0, err
	}
	if layout != c.layout {
		return 0, errors.New("compiled by another version")
	}
	sum, size, err := digest(filepath.Join(scratch, layout, name), key, name)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(scratch, sealFile), []byte(sum), 0o600); err != nil {
		return 0, err
	}
	dir := filepath.Join(c.dir, key)
	if err := os.RemoveAll(dir); err != nil { // another call may have compiled the same
		return 0, err
	}
	return size, os.Rename(scratch, dir)
}

// isKey tells entries from whatever else lies in the directory.
func isKey(name string) bool {
	return len(name) == 2*sha256.Size && strings.Trim(name, "0123456789abcdef") == ""
}
