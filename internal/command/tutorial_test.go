package command

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/effort"
	"sluice/rules/authoring"
	"sluice/sdk"
)

// asCommand makes the test binary be sluice itself, for the shell of the
// tutorial.
const asCommand = "SLUICE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	os.Exit(Run(context.Background(), &Env{
		Parts: parts, Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	}))
}

var (
	tutorialBlock = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	serverLine    = regexp.MustCompile(`(?m)^sluice serve .*&\n`)
)

// tutorial returns the script of docs/writing-rules.md, the definition in it
// and the answer that it promises at the end.
func tutorial(t *testing.T) (script, definition, answer string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/writing-rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tutorialBlock.FindAllStringSubmatch(string(page), -1) {
		switch m[1] {
		case "sh":
			script += m[2]
		case "yaml":
			definition = m[2]
		case "json":
			answer = strings.TrimSpace(m[2])
		}
	}
	if !serverLine.MatchString(script) {
		t.Fatal("the tutorial starts no server")
	}
	return serverLine.ReplaceAllString(script, ""), definition, answer
}

// raceDetector is set where the race detector is on.
var raceDetector bool

// TestTutorial follows docs/writing-rules.md in a shell, in each language, from
// nothing to a query that shows what the rule does. Only the server runs in this
// process, and what npm install fetches is there already.
func TestTutorial(t *testing.T) {
	script, definition, answer := tutorial(t)
	for _, language := range sdk.Languages() {
		t.Run(language.Name, func(t *testing.T) {
			if raceDetector && language.Name == "go" {
				t.Skip("run without the race detector, under which the compilation of a module of Go takes about as long as an operation may")
			}
			dir := t.TempDir()
			buildTools(t, language.Name, dir)
			term := newTerminal(t)
			permits := strings.Replace(definition, "roles: [sales-rep]}", "profile: "+language.Profile+", roles: [sales-rep]}", 1)
			for name, text := range map[string]string{
				"sales.yaml": permits, "password.txt": adminPassword,
				"bin/sluice": "#!/bin/sh\n" + asCommand + "=1 exec '" + self(t) + "' \"$@\"\n",
			} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			run := strings.NewReplacer("http://127.0.0.1:8080", term.env[envServer], "-code CODE", "-code "+term.code, "-lang c ", "-lang "+language.Name+" ", "rule.c\n", language.Source+"\n").Replace(script)
			cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", run)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), envPassword+"=", envToken+"=")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			text := string(out)
			before, after, _ := strings.Cut(text, "Wrote large-orders: ")
			if strings.Count(before, `"createOrder"`) != 3 || !strings.HasSuffix(before, `{"data":{"orders":{"nodes":[]}}}`+"\n") || strings.Contains(text, "errors") {
				t.Errorf("before the rule: %s", before)
			}
			for _, want := range []string{"Built rule.wasm, a share rule on Order", "6 cases: 6 ok, 0 failed", "Rule large-orders is active.", "fuel, alone"} {
				if !strings.Contains(after, want) {
					t.Errorf("no %q in %s", want, after)
				}
			}
			tutorialEnd(t, after, answer)
		})
	}
}

// tutorialEnd holds what is printed from the first answer to Bob on: the log and the
// same answer again, then the answers under the second version and the first.
func tutorialEnd(t *testing.T, text, answer string) {
	t.Helper()
	for _, want := range []string{answer + "\n", "an open order of your team", "Entry d-1: the same answer", " gain", "  next ", "Rule large-orders is active.\n", `"N-2"`, "Rule large-orders is active with module", answer + "\n", "rolled back"} {
		_, rest, ok := strings.Cut(text, want)
		if answer == "" || !ok {
			t.Fatalf("no %q in %s", want, text)
		}
		text = rest
	}
	if strings.Contains(text, "N-2") {
		t.Errorf("the first version shows more than it did: %s", text)
	}
}

// rustTarget skips a test where Rust cannot build for WebAssembly, and fails it in
// CI, which installs what does.
func rustTarget(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), authoring.Rustc(), "--print=target-libdir", "--target=wasm32-unknown-unknown").Output()
	core, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "libcore-*.rlib"))
	if err != nil || len(core) == 0 {
		effort.NotRun(t, "the tutorial in Rust needs rustc with its target: rustup target add wasm32-unknown-unknown")
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// buildTools skips a test where the tools of a language are missing, and puts
// the compiler that npm brings where a project in a folder of dir finds it.
func buildTools(t *testing.T, language, dir string) {
	t.Helper()
	tools := append([]string{"sh", "curl"}, map[string][]string{"c": {"clang", "wasm-ld"}, "assemblyscript": {"node"}, "go": {"go"}}[language]...)
	if language == "rust" {
		rustTarget(t)
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			effort.NotRun(t, "the tutorial in "+language+" needs "+tool)
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
