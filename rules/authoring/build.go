package authoring

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sluice/rules"
)

// clangFlags build a module of the interface from one file of C: freestanding,
// with a small stack and nothing exported but what the library names.
var clangFlags = []string{
	"--target=wasm32", "-O2", "-Wall", "-Wextra", "-nostdlib", "-ffreestanding", "-fvisibility=hidden",
	"-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=8192",
}

// ascFlags build one from AssemblyScript: optimized, without a garbage collector.
var ascFlags = []string{"-O3", "--runtime", "stub", "--noAssert"}

const maxSaid = 16 << 10 // bytes of a compiler's output that an error repeats

// Compile compiles the source with the tools of this machine and returns the
// module with its manifest inside. It fetches nothing. What the compiler says
// goes into the error; a tool that is missing is an error that says what to
// install. The module is not checked.
func (p *Project) Compile(ctx context.Context) ([]byte, error) {
	manifest, err := p.Manifest()
	if err != nil {
		return nil, err
	}
	out, err := os.MkdirTemp("", "sluice-rule-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	bare := filepath.Join(out, "bare.wasm")
	argv, err := p.compiler(bare)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), p.environment()...)
	if said, err := cmd.CombinedOutput(); err != nil {
		said = said[:min(len(said), maxSaid)]
		return nil, invalid("%s: it does not compile:\n%s%s", p.Language.Source, bytes.TrimRight(said, "\n"), p.hint(string(said)))
	}
	module, err := os.ReadFile(bare)
	if err != nil {
		return nil, err
	}
	return rules.Embed(module, manifest)
}

// hints are by language what a compiler says of a source that asks for what no rule
// has, and what to do.
var hints = map[string][]struct{ said, do string }{
	"c": {
		{"file not found", "There is no C library: sluice_rule.h declares what a rule has. Leave the #include out."},
		{"undefined symbol", "There is no C library: define in the source what it calls. Copies of large structs and arrays call memcpy and memset too: copy their parts."},
	},
	"go": {
		{"cannot find module providing package", "A rule is built of its own package and parts of the standard library: copy what it needs into the folder."},
		{"go.mod requires go", "Install that version of Go, or write an older one, 1.24 at least, into go.mod."},
	},
	"rust": {{"can't find crate", "A rule is built of its own crate and core: copy what it needs into the folder, and leave std out."}},
}

// hint is a line that explains what a compiler said, empty for none.
func (p *Project) hint(said string) string {
	for _, h := range hints[p.Language.Name] {
		if strings.Contains(said, h.said) {
			return "\n" + h.do
		}
	}
	return ""
}

// Write puts a module where [Project.Module] finds it, whole or not at all, and
// returns its path.
func (p *Project) Write(module []byte) (string, error) {
	path := filepath.Join(p.Dir, ModuleFile)
	if err := os.WriteFile(path+".new", module, 0o644); err != nil {
		return "", err
	}
	return path, os.Rename(path+".new", path)
}

// compiler returns the command that compiles the source into out.
func (p *Project) compiler(out string) ([]string, error) {
	switch p.Language.Name {
	case "c":
		return clang(p.Language.Source, out)
	case "go":
		return goTool(out)
	case "rust":
		return rustc(p.Language.Source, out)
	}
	return p.asc(p.Language.Source, out)
}

func clang(source, out string) ([]string, error) {
	tool, err := exec.LookPath("clang")
	if err == nil {
		_, err = exec.LookPath("wasm-ld")
	}
	if err != nil {
		return nil, missing("C needs clang and wasm-ld", "apt-get install clang lld")
	}
	return slices.Concat([]string{tool}, clangFlags, []string{"-o", out, source}), nil
}

// asc finds the compiler where npm puts it: in node_modules of the project's
// folder or of one above it, else in the path.
func (p *Project) asc(source, out string) ([]string, error) {
	const install = "npm install in the folder of the rule"
	args := slices.Concat([]string{source, "-o", out}, ascFlags)
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return nil, err
	}
	for {
		script := filepath.Join(dir, "node_modules", "assemblyscript", "bin", "asc.js")
		if _, err := os.Stat(script); err == nil {
			node, err := exec.LookPath("node")
			if err != nil {
				return nil, missing("AssemblyScript needs Node.js 20 or newer", "apt-get install nodejs npm")
			}
			return append([]string{node, script}, args...), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	if tool, err := exec.LookPath("asc"); err == nil {
		return append([]string{tool}, args...), nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, missing("AssemblyScript needs Node.js 20 or newer with npm", "apt-get install nodejs npm, then "+install)
	}
	return nil, missing("AssemblyScript needs its compiler", install)
}

// MissingTool is a tool that a build needs and this machine has not.
type MissingTool struct{ what, install string }

func missing(what, install string) error { return &MissingTool{what, install} }

// Error says what to install.
func (e *MissingTool) Error() string {
	return fmt.Sprintf("%s, which is not on this machine: %s", e.what, e.install)
}
