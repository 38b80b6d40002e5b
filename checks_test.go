package main

import (
	"bytes"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/command"
	"sluice/internal/demo"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// run runs a command against the demo as a persona.
func (d *demoServer) run(t *testing.T, who, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := map[string]string{"SLUICE_SERVER": d.url, "SLUICE_TOKEN": d.tokens[who]}
	code = command.Run(t.Context(), &command.Env{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return env[name] },
	})
	return code, stdout.String(), stderr.String()
}

// TestCheck_TheDemoIsAsMeant pins what `sluice check` prints of the demo: each
// line is intended: reps move their orders and customers by writing them, the
// supplier calls its contacts, and admins give out assignments.
func TestCheck_TheDemoIsAsMeant(t *testing.T) {
	d := theDemo(t)
	code, out, errs := d.run(t, "jonas", string(demo.Definition), "check", "-f", "-")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	const path = "testdata/demo.check"
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Errorf("%s differs:\n%s", path, out)
	}
	if code, _, errs := d.run(t, "jonas", string(demo.Definition), "check", "-f", "-", "--strict"); code != 1 || !strings.Contains(errs, "warnings") {
		t.Errorf("strict: exit code %d: %s", code, errs)
	}
	if code, _, _ := d.run(t, "ravi", string(demo.Definition), "check", "-f", "-"); code != 1 {
		t.Errorf("a live user checks: exit code %d", code)
	}
}

// TestCheck_ByGraphQL: the query says what the command says, to a developer, and
// makes no version.
func TestCheck_ByGraphQL(t *testing.T) {
	d := theDemo(t)
	query := func(yaml, fields string) answer {
		return d.manage(t, "mei", "{ checkDefinition(yaml: %s) { %s } }", strconv.Quote(yaml), fields)
	}
	version := d.manage(t, "mei", `{ application(name: "sales") { version } }`).at("application.version")
	all := "application version unchanged findings { line path message severity kind fix builtIn } faults { line severity kind fix }"
	same := query(string(demo.Definition), all)
	if same.at("checkDefinition.unchanged") != true || same.at("checkDefinition.version") != version || same.at("checkDefinition.application") != "sales" {
		t.Errorf("the same: %v", same.Data)
	}
	for _, f := range same.list("checkDefinition.findings") {
		f := f.(map[string]any)
		if f["fix"] == "" || f["kind"] == "" || f["severity"] == "ERROR" || f["line"].(float64) == 0 && f["builtIn"] != true {
			t.Errorf("%v", f)
		}
	}
	other := query(strings.Replace(string(demo.Definition), "hierarchy: true", "hierarchy: false", 1), all)
	if other.at("checkDefinition.unchanged") != false || other.at("checkDefinition.version") != version.(float64)+1 {
		t.Errorf("another: %v", other.Data)
	}
	wrong := query("application: sales\n", all)
	if wrong.at("checkDefinition.version") != nil || wrong.at("checkDefinition.faults.0.severity") != "ERROR" {
		t.Errorf("a fault: %v", wrong.Data)
	}
	if now := d.manage(t, "mei", `{ application(name: "sales") { version } }`).at("application.version"); now != version {
		t.Errorf("checking made version %v of %v", now, version)
	}
}
