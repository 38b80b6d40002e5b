package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// TestPermissionTestsOfTheDemo: all of them say something and hold, for a
// developer as for an admin, and the command prints what a test runner prints.
func TestPermissionTestsOfTheDemo(t *testing.T) {
	d := theDemo(t)
	code, out, errs := d.run(t, "mei", "", "test", "-app", "sales")
	if code != 0 || errs != "" || strings.Contains(out, "FAIL") || strings.Contains(out, "VACUOUS") {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	out = regexp.MustCompile(`\d+ (people|person|records)|version \d+`).ReplaceAllString(out, "N") // other tests write, invite and define
	const path = "testdata/demo.tests.txt"
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || out != string(want) {
		t.Errorf("%s differs: %v\n%s", path, err, out)
	}
	code, out, errs = d.run(t, "jonas", "", "test", "-app", "sales", "-json")
	var report struct {
		Tests []struct{ Verdict string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || len(report.Tests) != 11 || report.Tests[0].Verdict != "PASSED" {
		t.Errorf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	for who, want := range map[string]string{"ravi": "FORBIDDEN", "felix": "FORBIDDEN"} {
		if code, out, errs := d.run(t, who, "", "test", "-app", "sales"); code != 1 || !strings.Contains(errs, want) || out != "" {
			t.Errorf("%s: exit code %d: %s%s", who, code, out, errs)
		}
	}
	if code, _, errs := d.run(t, "mei", "", "test"); code != 2 || !strings.Contains(errs, "one of -application and -f") {
		t.Errorf("without flags: exit code %d: %s", code, errs)
	}
}

// TestPermissionTestsOverHTTP: a definition whose tests fail is refused by apply,
// with the line, and by the command with who fails; nothing is changed by either.
func TestPermissionTestsOverHTTP(t *testing.T) {
	d := theDemo(t)
	version := d.manage(t, "mei", `{ application(name: "sales") { version } }`).at("application.version")
	source := strings.Replace(string(demo.Definition), "hierarchy: true", "hierarchy: false", 1) + `  - role sales-manager can view Order where owner is not empty
  - {test: user ravi@zylker.example cannot view Order, where: {owner: {eq: VIEWER}}}
  - role sales-manager cannot view Order where status is open on some record
  - role supplier can view Supplier where name is 'not there'
`
	file := filepath.Join(t.TempDir(), "sales.yaml")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := d.run(t, "jonas", "", "test", "-f", file)
	for _, want := range []string{
		`FAIL     \S*sales.yaml:189: role sales-manager can view Order where owner is not empty\n +these people may not do it\n( +- Marta Silva \([0-9a-f-]{36}\) on Order [0-9a-f-]{36}\n){5}`,
		`FAIL     \S*sales.yaml:190: user ravi@zylker.example cannot view Order where {"owner":{"eq":"VIEWER"}}\n +these people may do it\n( +- Ravi \S+ \([0-9a-f-]{36}\) on Order [0-9a-f-]{36}\n){5}`,
		`ok       \S*sales.yaml:191: role sales-manager cannot view Order where status is open on some record`,
		`VACUOUS  \S*sales.yaml:192: role supplier can view Supplier where name is 'not there'\n +there is no record that it is about`,
		`\n\d+ passed, 2 failed, 1 vacuous, 0 not run\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("the command does not print %s:\n%s", want, out)
		}
	}
	if code != 1 || !strings.Contains(errs, "2 failed") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	code, out, errs = d.run(t, "jonas", "", "apply", "-f", file)
	if code != 1 || !regexp.MustCompile(`sales.yaml:189: ERROR   tests\[11\]: the permission test "role sales-manager can view Order where owner is not empty" fails: these people may not do it: Marta`).MatchString(errs) ||
		!strings.Contains(errs, "nothing was changed") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if now := d.manage(t, "mei", `{ application(name: "sales") { version } }`).at("application.version"); now != version {
		t.Errorf("version %v, was %v", now, version)
	}
	a := d.manage(t, "mei", `{ checkDefinition(yaml: %s) { findings { kind line message } faults { line } } }`, quoteJSON(source))
	if b, _ := json.Marshal(a.Data); !strings.Contains(string(b), "TESTS_TO_RUN") {
		t.Errorf("the check does not tell: %s", b)
	}
	// A sentence that cannot be read is a fault of the definition.
	bad := string(demo.Definition) + "  - role sales-rep can vew Order\n"
	if code, out, errs := d.run(t, "jonas", bad, "test", "-f", "-"); code != 1 || !strings.Contains(errs, `at "vew" (word 4): expected view`) || out != "" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
