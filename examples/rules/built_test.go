package rulesexamples_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/effort"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/sdk"
)

// projectOf writes a project for an example in a language, as sluice rule new does, and
// puts source and manifest of the example into it. Modules of Go say so in theirs.
func projectOf(t *testing.T, name string, l sdk.Language) *authoring.Project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if _, err := authoring.New(dir, name, l); err != nil {
		t.Fatal(err)
	}
	manifest, err := rulesexamples.Manifest(name)
	if err != nil {
		t.Fatal(err)
	}
	source := l.Source
	if l.Name == "go" {
		var m map[string]any
		if err := json.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		m["profile"] = "go"
		if manifest, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		source += ".txt" // no file of the server's own module
	}
	text, err := os.ReadFile(filepath.Join(name, source))
	if err != nil {
		t.Fatal(err)
	}
	for file, b := range map[string][]byte{"manifest.json": manifest, l.Source: text} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := authoring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// compiled compiles a project, or skips where the tools for it are missing; Go is
// not: it runs this test.
func compiled(t *testing.T, p *authoring.Project) []byte {
	t.Helper()
	module, err := p.Compile(t.Context())
	if missing := (*authoring.MissingTool)(nil); errors.As(err, &missing) && p.Language.Name != "go" {
		effort.NotRun(t, "building the examples: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// TestBuilt builds the examples in Go and Rust, whose modules are not committed,
// and holds them to the cases and to what the committed module in C decides. The same
// tools build the same bytes, and the same fuel is spent each time.
func TestBuilt(t *testing.T) {
	if os.Getenv("SLUICE_RULES_REBUILT") == "" {
		t.Skip("run by check.sh, as it takes a while: SLUICE_RULES_REBUILT is not set")
	}
	for _, language := range []string{"go", "rust"} {
		l, ok := sdk.Find(language)
		if !ok {
			t.Fatal(language)
		}
		for _, name := range rulesexamples.Names() {
			t.Run(name+"/"+language, func(t *testing.T) {
				first := compiled(t, projectOf(t, name, l))
				if !bytes.Equal(first, compiled(t, projectOf(t, name, l))) {
					t.Error("another build gives other bytes")
				}
				if m, err := rules.ReadManifest(first); err != nil || (m.Profile == rules.Go) != (language == "go") {
					t.Errorf("%v %+v", err, m)
				}
				cases := open(t, name)
				of, got, again := run(t, cases, module(t, name, rulesexamples.C)), run(t, cases, first), run(t, cases, first)
				for i, c := range cases {
					if got[i].verdict != c.Want || got[i].verdict != of[i].verdict || got[i] != again[i] {
						t.Errorf("%s: %+v, then %+v, want %+v; in C %+v", c.Name, got[i], again[i], c.Want, of[i])
					}
				}
			})
		}
	}
}

// TestRustCompiles: where rustc cannot build for WebAssembly, it still checks the
// sources of the examples.
func TestRustCompiles(t *testing.T) {
	tool, err := exec.LookPath(authoring.Rustc())
	if err != nil {
		effort.NotRun(t, "the examples in Rust need rustc, which is not on this machine")
	}
	l, _ := sdk.Find("rust")
	for _, name := range rulesexamples.Names() {
		p := projectOf(t, name, l)
		cmd := exec.CommandContext(t.Context(), tool, "--edition=2021", "--crate-type=lib", "--emit=metadata", "-Dwarnings", "-o", filepath.Join(p.Dir, "rule.rmeta"), l.Source)
		cmd.Dir = p.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
