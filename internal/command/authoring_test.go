package command

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
)

// example puts the example rule as it was built from C, and its cases, into a
// folder.
func example(t *testing.T) (module, cases string) {
	t.Helper()
	b, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "rule.wasm", string(b)), "../../examples/rules/same-team-open-orders/cases.yaml"
}

func TestRuleNew(t *testing.T) {
	term := &terminal{t: t}
	dir := filepath.Join(t.TempDir(), "rule")
	out := term.must("rule", "new", "-lang", "assemblyscript", "-dir", dir, "large-orders")
	want := "Wrote DIR: .gitignore, README.md, cases.yaml, manifest.json, package.json, rule.ts, sluice.ts\n" +
		"Next: cd DIR && npm install && sluice rule build && sluice rule test\n"
	if got := strings.ReplaceAll(out, dir, "DIR"); got != want {
		t.Error(got)
	}
	term.fails(1, "holds files already", "rule", "new", "-lang", "c", "-dir", dir, "large-orders")
	term.fails(2, "-lang: expected c or assemblyscript", "rule", "new", "-lang", "cobol", "x")
	term.fails(2, "-lang is required", "rule", "new", "x")
	term.fails(2, "NAME: expected", "rule", "new", "-lang", "c", "../x")
	term.fails(1, "rule.wasm: there is none yet; run `sluice rule build`", "rule", "test", "-dir", dir)
	t.Setenv("PATH", t.TempDir())
	term.fails(1, "apt-get install nodejs npm", "rule", "build", "-dir", dir)
	term.fails(1, "no rule here; expected rule.c or rule.ts", "rule", "build", "-dir", t.TempDir())
}

func TestRuleTest(t *testing.T) {
	term := &terminal{t: t}
	module, cases := example(t)
	out := term.must("rule", "test", "-module", module, "-cases", cases)
	if !strings.HasSuffix(out, "18 cases: 18 ok, 0 failed\n") || strings.Count(out, "\nok    ") != 17 {
		t.Error(out)
	}
	other := file(t, "cases.yaml", "- {name: first, expect: {grant: view, reason: 1}}\n- {name: second, expect: {}}\n")
	code, out, errs := term.run("rule", "test", "-module", module, "-cases", other)
	want := "FAIL  first (line 1)\n" +
		"        grant   expected view, got none\n" +
		"        reason  expected 1 \"an open order of your team, 1,000.00 or more\", got none\n" +
		"ok    second\n2 cases: 1 ok, 1 failed\n"
	if code != 1 || out != want || errs != "sluice: rule test: 1 of 2 cases failed\n" {
		t.Errorf("%d %s%s", code, out, errs)
	}
	term.fails(1, "bad.yaml:1: expected a mapping", "rule", "test", "-module", module, "-cases", file(t, "bad.yaml", "- a"))
	term.fails(1, "no such file", "rule", "test", "-module", module, "-cases", "nothing.yaml")
	term.fails(1, "no manifest in it", "rule", "test", "-module", file(t, "bare.wasm", "\x00asm\x01\x00\x00\x00"))
}

var figure = regexp.MustCompile(`\d+`)

func TestRuleBench(t *testing.T) {
	term := &terminal{t: t}
	module, cases := example(t)
	space := regexp.MustCompile(` +`)
	shape := func(args ...string) string {
		out := term.must(append([]string{"rule", "bench", "-module", module}, args...)...)
		return space.ReplaceAllString(figure.ReplaceAllString(out, "9"), " ")
	}
	want := "PER RECORD MEAN P9 P9\nns, in batches of 9 9 9 9\nfuel, in batches of 9 9 9 9\nns, alone 9 9 9\nfuel, alone 9 9 9\n" +
		"9 records in batches, 9 alone; 9 went wrong\n"
	for _, args := range [][]string{{"-n", "300"}, {"-n", "300", "-cases", cases}, {"-n", "300", "-cases", cases, "-only-cases"}} {
		if got := shape(args...); got != want {
			t.Errorf("%v: %s", args, got)
		}
	}
	term.fails(2, "-n: expected a whole number, 1 to 10000000", "rule", "bench", "-module", module, "-n", "0")
	term.fails(1, "no such file", "rule", "bench", "-module", module, "-only-cases")
	bad := file(t, "bad.yaml", "- a")
	term.fails(1, "bad.yaml:1: expected a mapping", "rule", "bench", "-module", module, "-cases", bad)
}
