package authoring_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/effort"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/sandbox"
	"sluice/sdk"
)

var update = flag.Bool("update", false, "write the golden files")

// needs skips a test where a compiler is missing. Where SLUICE_CI is set
// everything is there, so that it fails. It puts the compiler of AssemblyScript,
// which npm brings, beside the project.
func needs(t *testing.T, language, dir string) {
	t.Helper()
	if language == "rust" {
		needsRust(t)
	}
	tools := map[string][]string{"c": {"clang", "wasm-ld"}, "assemblyscript": {"node"}, "go": {"go"}}[language]
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			effort.NotRun(t, "building rules in "+language+" needs "+tool)
		}
	}
	if language != "assemblyscript" {
		return
	}
	modules, err := filepath.Abs("../../examples/rules/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "assemblyscript")); err != nil {
		effort.NotRun(t, "the AssemblyScript compiler is not installed; npm ci --prefix examples/rules does")
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}

func runner(t *testing.T) rules.Runner {
	t.Helper()
	r, err := sandbox.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// project writes a new project and opens it.
func project(t *testing.T, language string) *authoring.Project {
	t.Helper()
	l, ok := sdk.Find(language)
	if !ok {
		t.Fatalf("no language %q", language)
	}
	dir := filepath.Join(t.TempDir(), "large-orders")
	if _, err := authoring.New(dir, "large-orders", l); err != nil {
		t.Fatal(err)
	}
	p, err := authoring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers compiles a project and asks it about its cases.
func answers(t *testing.T, p *authoring.Project) (*rules.Manifest, []authoring.Result) {
	t.Helper()
	module, err := p.Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := rules.ReadManifest(module)
	if err != nil {
		t.Fatal(err)
	}
	src, err := authoring.ReadFile(filepath.Join(p.Dir, authoring.CasesFile))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := authoring.ReadCases(src, m)
	if err != nil {
		t.Fatal(err)
	}
	results, err := authoring.Ask(t.Context(), runner(t), module, cases)
	if err != nil {
		t.Fatal(err)
	}
	return m, results
}

// TestTemplates: a new project is whole, and its name is in its files. That it
// compiles and passes its cases is shown end to end.
func TestTemplates(t *testing.T) {
	for _, l := range sdk.Languages() {
		t.Run(l.Name, func(t *testing.T) {
			p := project(t, l.Name)
			for _, name := range []string{l.Source, "README.md"} {
				text, err := authoring.ReadFile(filepath.Join(p.Dir, name))
				if err != nil || !strings.Contains(string(text), "large-orders") || strings.Contains(string(text), "RULE_NAME") {
					t.Errorf("%s: %v\n%s", name, err, text)
				}
			}
		})
	}
}

// TestLibraries holds every function of both libraries to the same cases: a
// probe lets a record through when none of its checks fails, and else names
// the check as its reason.
func TestLibraries(t *testing.T) {
	for _, l := range sdk.Languages() {
		t.Run(l.Name, func(t *testing.T) {
			p := project(t, l.Name)
			needs(t, l.Name, p.Dir)
			probe(t, p)
			m, results := answers(t, p)
			for _, r := range results {
				if !r.OK() {
					var b strings.Builder
					_, _ = authoring.Report(&b, m, []authoring.Result{r})
					t.Error(b.String())
				}
			}
		})
	}
}

// probe makes a project the probe of its language.
func probe(t *testing.T, p *authoring.Project) {
	t.Helper()
	for _, name := range []string{p.Language.Source, "manifest.json", "cases.yaml"} {
		text, err := authoring.ReadFile(filepath.Join("testdata/probe", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "manifest.json" && p.Language.Name == "go" {
			text = bytes.Replace(text, []byte(`"abi": 1,`), []byte(`"abi": 1, "profile": "go",`), 1)
		}
		write(t, p.Dir, name, text)
	}
}

// TestBuildFiles: the build file for other tools has the flags of the build.
func TestBuildFiles(t *testing.T) {
	text, err := authoring.ReadFile(filepath.Join(project(t, "c").Dir, "Makefile"))
	if err != nil || !strings.Contains(string(text), "clang "+strings.Join(authoring.ClangFlags(), " ")+" -o") {
		t.Errorf("%v: %s", err, text)
	}
	lock, err := authoring.ReadFile("../../examples/rules/package.json")
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := authoring.ReadFile(filepath.Join(project(t, "assemblyscript").Dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	pin := func(text []byte) string {
		_, after, _ := strings.Cut(string(text), `"assemblyscript": `)
		version, _, _ := strings.Cut(after, "\n")
		return version
	}
	if pin(lock) == "" || pin(lock) != pin(pkg) {
		t.Errorf("the examples are built with %q, a new project with %q", pin(lock), pin(pkg))
	}
}

// TestMissingTools: what is not installed is named, with how to install it.
func TestMissingTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("RUSTC", "")
	for language, says := range map[string]string{"c": "apt-get install clang lld", "assemblyscript": "apt-get install nodejs npm", "go": "https://go.dev/doc/install", "rust": "rustup target add wasm32-unknown-unknown"} {
		if _, err := project(t, language).Compile(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", language, err)
		}
	}
}

// TestCompilerSays: an error repeats the compiler, with the line.
func TestCompilerSays(t *testing.T) {
	p := project(t, "c")
	needs(t, "c", p.Dir)
	write(t, p.Dir, "rule.c", []byte("#include \"sluice_rule.h\"\nnonsense\n"))
	if _, err := p.Compile(t.Context()); err == nil || !strings.Contains(err.Error(), "rule.c:2:1: error:") {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	l, _ := sdk.Find("c")
	for _, name := range []string{"", "Large", "a b", "-a", "a--b", "a-", "../a", "1a", strings.Repeat("a", 65)} {
		if _, err := authoring.New(filepath.Join(t.TempDir(), "x"), name, l); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	p := project(t, "c")
	if _, err := authoring.New(p.Dir, "other", l); err == nil || !strings.Contains(err.Error(), "holds files already") {
		t.Error(err)
	}
	if _, err := authoring.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "rule.c or rule.ts or rule.rs or rule.go") {
		t.Error(err)
	}
	write(t, p.Dir, "rule.ts", nil)
	if _, err := authoring.Open(p.Dir); err == nil || !strings.Contains(err.Error(), "two rules") {
		t.Error(err)
	}
}

// TestStale: a module older than what it was made of is not tested.
func TestStale(t *testing.T) {
	p := project(t, "c")
	if _, err := p.Module(); err == nil || !strings.Contains(err.Error(), "run `sluice rule build`") {
		t.Error(err)
	}
	path, err := p.Write([]byte("module"))
	if err != nil {
		t.Fatal(err)
	}
	built := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	files := []string{"rule.c", "sluice_rule.h", "manifest.json"}
	for _, f := range append(files, authoring.ModuleFile) {
		if err := os.Chtimes(filepath.Join(p.Dir, f), built, built); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := p.Module(); err != nil || string(b) != "module" {
		t.Fatalf("%s: %s, %v", path, b, err)
	}
	for _, f := range files {
		if err := os.Chtimes(filepath.Join(p.Dir, f), built.Add(time.Second), built.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Module(); err == nil || !strings.HasPrefix(err.Error(), "authoring: "+f+" has changed") {
			t.Errorf("%s: %v", f, err)
		}
		if err := os.Chtimes(filepath.Join(p.Dir, f), built, built); err != nil {
			t.Fatal(err)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
	}
}

func TestPrintMeasurement(t *testing.T) {
	m := authoring.Measurement{
		Records: 100_000, AloneRecords: 2000, Faults: [rules.FaultKinds]int{rules.FaultTrap: 2, rules.FaultImpure: 1},
		Nanos: authoring.Spread{Mean: 70.4, P50: 69.6, P99: 120}, Fuel: authoring.Spread{Mean: 98, P50: 98, P99: 101},
		AloneNanos: authoring.Spread{Mean: 1700, P50: 1650, P99: 9000}, AloneFuel: authoring.Spread{Mean: 8290, P50: 8290, P99: 8300},
	}
	var b strings.Builder
	if err := m.Print(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "bench.txt", b.String())
}

// TestMeasure counts with a clock of its own: every record is asked, and a
// batch takes the time between two looks at it.
func TestMeasure(t *testing.T) {
	m := manifestOf(rules.Share)
	module, asked, r := counting(m)
	cases := authoring.Generate(m, nil, 10, 1)
	now := time.Time{}
	clock := func() time.Time { now = now.Add(256 * time.Nanosecond); return now }
	got, err := authoring.Measure(t.Context(), r, module, cases, 512, clock)
	if err != nil {
		t.Fatal(err)
	}
	one := authoring.Spread{Mean: 1, P50: 1, P99: 1}
	if got.Nanos != one || got.Records != 512 || got.AloneRecords != 512 || got.Fuel.P50 != 100 || *asked != 512+512+512 {
		t.Errorf("%+v, %d asked", got, *asked)
	}
}

func TestGenerate(t *testing.T) {
	m := manifestOf(rules.Share)
	given := []authoring.Case{{Viewer: []record.Value{record.String("north")}, Record: make([]record.Value, len(m.Record))}}
	a, b := authoring.Generate(m, given, 200, 7), authoring.Generate(m, given, 200, 7)
	other := authoring.Generate(m, given, 200, 8)
	key := func(l []authoring.Case) (out []string) {
		for _, c := range l {
			out = append(out, string(c.Viewer[0].Text()))
		}
		return out
	}
	if !slices.Equal(key(a), key(b)) || slices.Equal(key(a), key(other)) {
		t.Error("the seed does not decide")
	}
	if !slices.Contains(key(a), "north") || !slices.ContainsFunc(a, func(c authoring.Case) bool { return c.Viewer[0].IsNull() }) {
		t.Errorf("%q", key(a))
	}
}
