package authoring

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// goFlags build a module from the package in the folder of a rule: a library with
// exports, without paths of the machine and tables for debuggers.
var goFlags = []string{"build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w"}

// goEnvironment keeps the build off the network and away from the settings of
// whoever runs it: the same source gives the same module with the same Go.
var goEnvironment = []string{
	"GOOS=wasip1", "GOARCH=wasm", "GOWASM=", "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off",
	"GO111MODULE=on", "GOEXPERIMENT=",
}

// environment is what a compiler gets beside that of the process.
func (p *Project) environment() []string {
	if p.Language.Name == "go" {
		return goEnvironment
	}
	return nil
}

func goTool(out string) ([]string, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, missing("Go needs its tools, 1.24 or newer", "https://go.dev/doc/install, or apt-get install golang")
	}
	return slices.Concat([]string{tool}, goFlags, []string{"-o", out, "."}), nil
}

const rustTarget = "wasm32-unknown-unknown"

// rustFlags build a module from one crate without dependencies: no panics to
// unwind, a small stack and nothing exported but what the library names.
var rustFlags = []string{
	"--target=" + rustTarget, "--edition=2021", "--crate-type=cdylib", "--crate-name=rule", "-Copt-level=3", "-Cpanic=abort",
	"-Cstrip=symbols", "-Clto=fat", "-Ctarget-feature=-reference-types", "-Clink-arg=-zstack-size=8192",
}

// Rustc returns the name or path of Rust's compiler: what the environment names in
// RUSTC, as for Rust's own tools, where several are installed and not each of them
// builds for WebAssembly, else rustc.
func Rustc() string { return cmp.Or(os.Getenv("RUSTC"), "rustc") }

// rustc finds the compiler, and that it has what it takes to build for
// WebAssembly, which is installed apart.
func rustc(source, out string) ([]string, error) {
	const install = "rustup target add " + rustTarget + ", or apt-get install rustc libstd-rust-dev-wasm32; RUSTC names a compiler that is not the first on the path, such as /usr/bin/rustc"
	tool, err := exec.LookPath(Rustc())
	if err != nil {
		return nil, missing("Rust needs rustc", "https://rustup.rs, then "+install)
	}
	libraries, err := exec.Command(tool, "--print=target-libdir", "--target="+rustTarget).Output()
	if err != nil {
		return nil, missing("Rust needs rustc with the target "+rustTarget, install)
	}
	core, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(libraries)), "libcore-*.rlib"))
	if err != nil || len(core) == 0 {
		return nil, missing("Rust needs the target "+rustTarget, install)
	}
	return slices.Concat([]string{tool}, rustFlags, []string{"-o", out, source}), nil
}
