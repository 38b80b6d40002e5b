package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"sluice/internal/fault"
)

// Compiler compiles a metered module and leaves in dir what wazero's compilation
// cache puts there; dir is empty, belongs to the caller and is the only place
// that may be written. An error of kind Invalid refuses the module. It may be
// called from several goroutines.
type Compiler func(ctx context.Context, metered []byte, dir string) error

// ChildCommand is the first argument that makes the binary a compiler, see
// [Child]. It is for the binary itself, not for people.
const ChildCommand = "compile-module"

// Limits of the child process. All hold on Linux; elsewhere childWall alone does.
const (
	childMemory = 1 << 30 // bytes beyond what the process has when it begins
	childFiles  = 32      // open files
)

// The limits of time. Tests with the race detector, under which code is ten times
// slower, set others.
var (
	childCPU  uint64 = 10 // seconds of processor time
	childWall        = time.Minute
)

// Exit codes of the child; every other one is a crash.
const (
	childOK      = 0
	childInvalid = 3 // the module is not valid
	childBroken  = 4 // the child could not do its work
)

var offered atomic.Bool

// Child is for the very beginning of main: it reports whether this process was
// begun to compile one module, and if so compiles it and returns the exit code.
// args are those of the process, without its name. A binary that does not call
// it has no [ChildCompiler].
func Child(args []string) (code int, child bool) {
	offered.Store(true)
	if len(args) != 1 || args[0] != ChildCommand {
		return 0, false
	}
	if err := limitSelf(); err != nil {
		return childBroken, true
	}
	return compileHere(os.Stdin), true
}

// compileHere compiles the module that in holds into the working directory.
func compileHere(in io.Reader) int {
	runtime.GOMAXPROCS(1)
	// The parent kills at the deadline; a parent that is gone does not.
	defer time.AfterFunc(2*childWall, func() { os.Exit(childBroken) }).Stop()
	metered, err := io.ReadAll(io.LimitReader(in, maxMetered+1))
	if err != nil || len(metered) > maxMetered {
		return childBroken
	}
	ctx := context.Background()
	cache, err := wazero.NewCompilationCacheWithDir(".")
	if err != nil {
		return childBroken
	}
	config := runtimeConfig(false).WithMemoryLimitPages(uint32(goLimits.pages)).WithCompilationCache(cache)
	rt := wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := rt.CompileModule(withPauses(ctx), metered); err != nil {
		return childInvalid
	}
	return childOK
}

// maxMetered bounds what a child reads: metering makes a module several times
// larger at worst.
const maxMetered = 8 * MaxModule

// ChildCompiler compiles each module in a process of its own: this binary, begun
// anew with [ChildCommand], an empty environment and hard limits on memory,
// processor time and files. Modules whose child ends in any way but well are
// refused. When no child can be begun, the error is of kind Unavailable: nothing
// is ever compiled in this process instead.
func ChildCompiler() Compiler { return child(ChildCommand, childWall) }

func child(command string, wall time.Duration) Compiler {
	return func(ctx context.Context, metered []byte, dir string) error {
		if !offered.Load() {
			return fault.New(fault.Unavailable, "sandbox", "custom rules: this program compiles no modules")
		}
		self, err := executable()
		if err != nil {
			return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules now")
		}
		limited, cancel := context.WithTimeout(ctx, wall)
		defer cancel()
		cmd := exec.CommandContext(limited, self, command)
		cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{}, bytes.NewReader(metered)
		cmd.WaitDelay = time.Second
		if err := cmd.Start(); err != nil {
			return errors.Join(ctx.Err(), fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules now"))
		}
		err = cmd.Wait()
		return ended(ctx, limited, cmd.ProcessState, err)
	}
}

// ended says what the end of a child means. What it wrote is not looked at.
func ended(ctx, limited context.Context, state *os.ProcessState, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: compiling it took too long: make its functions smaller, or split it")
	case state != nil && state.ExitCode() == childInvalid:
		return fault.Wrap(fault.Invalid, "sandbox", err, "module: not valid WebAssembly")
	case state != nil && state.ExitCode() == childBroken:
		return fault.Wrap(fault.Unavailable, "sandbox", err, "custom rules: this server cannot compile modules now")
	}
	return fault.Wrap(fault.Invalid, "sandbox", err,
		"module: compiling it failed or met a limit (%d MiB of memory, %d s of processor time, %d MiB of code): make its functions smaller, with fewer locals and blocks",
		childMemory>>20, childCPU, maxCode>>20)
}
