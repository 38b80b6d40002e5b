package authoring_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/effort"
	"sluice/rules/authoring"
)

// needsRust skips a test where Rust cannot build for WebAssembly, and fails it in
// CI, which installs what does.
func needsRust(t *testing.T) {
	t.Helper()
	_, err := project(t, "rust").Compile(t.Context())
	if missing := (*authoring.MissingTool)(nil); err != nil && errors.As(err, &missing) {
		effort.NotRun(t, "building rules in Rust for WebAssembly: "+err.Error())
	}
}

// rustc runs the compiler of this machine's own kind of program.
func rustc(t *testing.T, dir string, args ...string) {
	t.Helper()
	tool, err := exec.LookPath(authoring.Rustc())
	if err != nil {
		effort.NotRun(t, "the library for Rust needs rustc, which is not on this machine")
	}
	cmd := exec.CommandContext(t.Context(), tool, append([]string{"--edition=2021", "-Dwarnings"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rustc %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestRustNatively: where the target for WebAssembly is missing, the template and
// the library still compile, and the probe reads a batch laid out as the host does
// and answers what it must.
func TestRustNatively(t *testing.T) {
	p := project(t, "rust")
	rustc(t, p.Dir, "--crate-type=lib", "--emit=metadata", "-o", "template.rmeta", "rule.rs")
	probe(t, p)
	for _, name := range []string{"rule.rs", "native.rs"} {
		text, err := authoring.ReadFile(filepath.Join("testdata/probe", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "rule.rs" {
			text = append(text, "\n#[cfg(test)]\nmod native;\n"...)
		}
		write(t, p.Dir, name, text)
	}
	rustc(t, p.Dir, "--test", "-o", "probe", "rule.rs")
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.Dir, "probe")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 passed; 0 failed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestRustTargetMissing: a compiler without the target is named with what adds it,
// whether it comes first on the path or RUSTC names it.
func TestRustTargetMissing(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "rustc")
	write(t, dir, "rustc", []byte("#!/bin/sh\necho /nowhere\n"))
	if err := os.Chmod(fake, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, env := range []struct{ path, rustc string }{{dir + ":/bin:/usr/bin", ""}, {"/bin:/usr/bin", fake}} {
		t.Setenv("PATH", env.path)
		t.Setenv("RUSTC", env.rustc)
		_, err := project(t, "rust").Compile(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Rust needs the target wasm32-unknown-unknown") || !strings.Contains(err.Error(), "rustup target add wasm32-unknown-unknown") {
			t.Errorf("%+v: %v", env, err)
		}
	}
}
