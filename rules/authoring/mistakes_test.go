package authoring_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/sandbox"
)

// changed is a new project in C with its source changed.
func changed(t *testing.T, old, with string) *authoring.Project {
	t.Helper()
	p := project(t, "c")
	src, err := authoring.ReadFile(filepath.Join(p.Dir, p.Language.Source))
	if err != nil || !strings.Contains(string(src), old) {
		t.Fatalf("no %q in the template: %v", old, err)
	}
	write(t, p.Dir, p.Language.Source, []byte(strings.Replace(string(src), old, with, 1)))
	return p
}

const (
	include = `#include "sluice_rule.h"`
	granted = "  out->grant = SL_VIEW;"
)

// TestCompilersAreExplained: what a source asks for that no rule has is followed by
// what to do instead.
func TestCompilersAreExplained(t *testing.T) {
	needs(t, "c", t.TempDir())
	for _, c := range []struct{ old, with, says string }{
		{include, include + "\n#include <string.h>", "\nThere is no C library: sluice_rule.h declares what a rule has. Leave the #include out."},
		{granted, "  extern void nowhere(void);\n  nowhere();\n" + granted, "\nThere is no C library: define in the source what it calls."},
	} {
		_, err := changed(t, c.old, c.with).Compile(t.Context())
		if err == nil || !strings.Contains(fault.Message(err), c.says) {
			t.Errorf("%q is not explained: %v", c.with, err)
		}
	}
}

// TestFaultsAreExplained: a case that goes wrong says what that means.
func TestFaultsAreExplained(t *testing.T) {
	needs(t, "c", t.TempDir())
	for _, c := range []struct{ name, with, fault, says string }{
		{"trap", "  __builtin_trap();\n" + granted, "expected none, got trap", "        trap    the module ended by a trap: a division by zero"},
		{"fuel", "  for (volatile int i = 0; i < 1000000; i++);\n" + granted, "expected none, got fuel", "        fuel    the module spent all the fuel that one record has, 100,000"},
		{"answer", "  out->grant = SL_DELETE;\n  return;\n" + granted, "expected none, got answer", "        answer  the module answered what its manifest does not allow"},
		{"impure", "  static int asked;\n  if (asked++) return;\n" + granted, "expected none, got impure", "        impure  in a list the module answered otherwise than alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := changed(t, granted, c.with)
			m, results := answers(t, p)
			var b strings.Builder
			if failed, err := authoring.Report(&b, m, results); err != nil || failed == 0 {
				t.Fatalf("%d failed, %v", failed, err)
			}
			if got := b.String(); !strings.Contains(got, c.fault) || !strings.Contains(got, c.says) {
				t.Error(got)
			}
		})
	}
}

// TestAdviceOnBlocks: a function with too many blocks is refused with what to do, and
// the module that does it passes.
func TestAdviceOnBlocks(t *testing.T) {
	needs(t, "c", t.TempDir())
	part := func(keep string, from int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s static int part%d(sl_i64 x) {\n", keep, from)
		for i := range 90 {
			fmt.Fprintf(&b, "  if ((x ^ %d) %% %d == %d) { x = x * 3 + %d; if (x > %d) x ^= %d; }\n", i*i+7*from, i+5, i%5, i, i*1000+3, i+from)
		}
		return b.String() + "  return x == 12345;\n}\n"
	}
	source := func(keep string) *authoring.Project {
		all, calls := include+"\n", ""
		for from := range 8 {
			all += part(keep, from)
			calls += fmt.Sprintf("  if (part%d(sl_decimal(order, AMOUNT))) return;\n", from)
		}
		p := changed(t, include, all)
		src, err := authoring.ReadFile(filepath.Join(p.Dir, p.Language.Source))
		if err != nil {
			t.Fatal(err)
		}
		write(t, p.Dir, p.Language.Source, []byte(strings.Replace(string(src), granted, calls+granted, 1)))
		return p
	}
	check := func(p *authoring.Project) error {
		module, err := p.Compile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = sandbox.Inspect(t.Context(), module)
		return err
	}
	const advice = ": split the function, and keep the compiler from inlining the parts into it again"
	if err := check(source("__attribute__((always_inline)) inline")); err == nil || !strings.Contains(fault.Message(err), ", the limit is 1,000"+advice) {
		t.Errorf("parts that are inlined: %v", err)
	}
	if err := check(source("__attribute__((noinline))")); err != nil {
		t.Errorf("parts that are not: %v", err)
	}
}

// TestManifestsAreExplained: the file, the place, what was expected and what there is.
func TestManifestsAreExplained(t *testing.T) {
	for _, c := range []struct{ old, with, says string }{
		{`"effect": "share"`, `"effect": "allow"`, `manifest.json: effect: expected share, restrict or mask, got "allow"`},
		{`"type": "choice"`, `"type": "choise"`, `manifest.json: record[1].type: expected a field type such as text, decimal or date-time, got "choise"`},
		{`"viewer"`, `"viewers"`, `manifest.json: "viewers": unknown key; expected one of abi, effect, form, grant, mask, profile, reasons, record, viewer`},
		{`"effect": "share",`, `"effect": "share"`, `manifest.json: document: not well-formed JSON in line 5`},
	} {
		p := project(t, "c")
		src, err := authoring.ReadFile(filepath.Join(p.Dir, authoring.ManifestFile))
		if err != nil || !strings.Contains(string(src), c.old) {
			t.Fatalf("no %q in the manifest: %v", c.old, err)
		}
		write(t, p.Dir, authoring.ManifestFile, []byte(strings.Replace(string(src), c.old, c.with, 1)))
		if _, err := p.Manifest(); err == nil || fault.Message(err) != c.says {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// TestManifestIsMissing: the message says what writes one.
func TestManifestIsMissing(t *testing.T) {
	p := &authoring.Project{Dir: t.TempDir()}
	if _, err := p.Manifest(); err == nil || !strings.Contains(fault.Message(err), "manifest.json: no such file; a rule needs one") || !strings.Contains(fault.Message(err), "`sluice rule new`") {
		t.Errorf("%v", err)
	}
}

// TestMeasureNamesKinds: a measurement of a rule that keeps something says so, by kind.
func TestMeasureNamesKinds(t *testing.T) {
	m := authoring.Measurement{Records: 10, AloneRecords: 10, Faults: [rules.FaultKinds]int{rules.NoFault: 1, rules.FaultQuarantine: 9}}
	var b strings.Builder
	if err := m.Print(&b); err != nil || !strings.Contains(b.String(), "; 9 went wrong: 9 by quarantine\n  quarantine: the module answered one question in two ways") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
