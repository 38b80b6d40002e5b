package authoring_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/sdk"
)

// planProbe puts a rule that says all that a plan can say in the place of a
// project's.
func planProbe(t *testing.T, p *authoring.Project) {
	t.Helper()
	for _, name := range []string{p.Language.Source, "manifest.json"} {
		text, err := authoring.ReadFile(filepath.Join("testdata/plan", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "manifest.json" && p.Language.Name == "go" {
			text = bytes.Replace(text, []byte(`"abi": 1,`), []byte(`"abi": 1, "profile": "go",`), 1)
		}
		write(t, p.Dir, name, text)
	}
}

// plannedFor is what the probe says for a team, a date and an amount.
func plannedFor(team, date, amount string) string {
	quoted := record.AppendJSONString(nil, []byte(team))
	return fmt.Sprintf(`{"and":[{"team":{"eq":%s}},{"status":{"in":["open","the \"held\""]}},{"count":{"ne":"-9000000000000000000"}},{"amount":{"gte":"%s"}},`+
		`{"day":{"lt":"%s"}},{"yes":{"eq":true}},{"tags":{"isNull":false}},{"tags":{"has":"press"}}]}`, quoted, amount, date)
}

// TestPlansOfLibraries: plans say the same in every language, and are ones that the
// server reads.
func TestPlansOfLibraries(t *testing.T) {
	for _, l := range sdk.Languages() {
		t.Run(l.Name, func(t *testing.T) {
			p := project(t, l.Name)
			needs(t, l.Name, p.Dir)
			planProbe(t, p)
			module, err := p.Compile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			asks := runner(t)
			tenant := identity.Tenant{1}
			h, err := asks.Load(t.Context(), tenant, module)
			if err != nil {
				t.Fatal(err)
			}
			planOf := func(team string, date, amount int64) string {
				b := &rules.Batch{Tenant: tenant, Rule: h, Viewer: []record.Value{record.String(team), record.Int(date), record.Int(amount)}}
				got, kind, err := asks.(rules.Planner).Plan(t.Context(), b, &rules.Fuel{Left: rules.QueryFuel})
				if err != nil || kind != rules.NoFault {
					t.Fatalf("%.20q: %v, %v", team, kind, err)
				}
				return got.String()
			}
			for date := int64(-719162); date <= 2932896; date += 9973 {
				day := time.Unix(date*24*60*60, 0).UTC().Format(time.DateOnly)
				if got, want := planOf("n\"ö\\rd", date, -5), plannedFor(`n"ö\rd`, day, "-0.05"); got != want {
					t.Fatalf("got %s\nwant %s", got, want)
				}
			}
			if got := planOf("nobody", 0, 0); got != `{"or":[]}` {
				t.Errorf("nothing: %s", got)
			}
			for _, long := range []string{strings.Repeat("x", 512), strings.Repeat(`"`, 256), strings.Repeat("\x01", 85)} {
				if got, want := planOf(long, 0, 0), plannedFor(long, "1970-01-01", "0.00"); got != want {
					t.Errorf("got %s\nwant %s", got, want)
				}
			}
			if got := planOf(strings.Repeat("x", 513), 0, 0); strings.Contains(got, "xx") || !strings.HasPrefix(got, `{"and":[{"status"`) {
				t.Errorf("a text that is too long: %s", got)
			}
			if got := planOf(strings.Repeat("\x01", 86), 0, 0); strings.Contains(got, "u0001") || !strings.HasPrefix(got, `{"and":[{"status"`) {
				t.Errorf("a text that does not fit: %s", got)
			}
			many := planOf("many", 0, 123456)
			if !strings.HasPrefix(many, strings.TrimSuffix(plannedFor("many", "1970-01-01", "1234.56"), "]}")) || strings.Count(many, `"m"`) != 64-8 || len(many) > rules.MaxPlan || !strings.HasSuffix(many, `"m"}}]}`) {
				t.Errorf("more than fits: %d bytes, %s", len(many), many)
			}
		})
	}
}

// TestRustPlanNatively: where the target for WebAssembly is missing, what the library
// for Rust has for plans still compiles.
func TestRustPlanNatively(t *testing.T) {
	p := project(t, "rust")
	planProbe(t, p)
	rustc(t, p.Dir, "--crate-type=lib", "--emit=metadata", "-o", "plan.rmeta", "rule.rs")
}

// TestPlansOfTemplates: the plan that a README shows goes with the template's rule.
func TestPlansOfTemplates(t *testing.T) {
	for _, l := range sdk.Languages() {
		t.Run(l.Name, func(t *testing.T) {
			p := project(t, l.Name)
			needs(t, l.Name, p.Dir)
			read := func(name string) string {
				text, err := authoring.ReadFile(filepath.Join(p.Dir, name))
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			fence := map[string]string{"c": "```c\n", "assemblyscript": "```ts\n", "rust": "```rust\n", "go": "```go\n"}[l.Name]
			_, shown, ok := strings.Cut(read("README.md"), fence)
			shown, _, closed := strings.Cut(shown, "```\n")
			if !ok || !closed {
				t.Fatal("the README shows no plan")
			}
			source := read(l.Source)
			source = strings.Replace(source, `#include "sluice_rule.h"`, "#define SL_PLAN\n#include \"sluice_rule.h\"", 1)
			source = strings.Replace(source, "import { Batch,", "import { Batch, Plan,", 1)
			source = strings.Replace(source, "use sluice::{", "use sluice::{Plan, ", 1)
			write(t, p.Dir, l.Source, []byte(source+"\n"+shown))
			module, err := p.Compile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m, err := rules.ReadManifest(module)
			if err != nil {
				t.Fatal(err)
			}
			cases, err := authoring.ReadCases([]byte(read("cases.yaml")), m)
			if err != nil {
				t.Fatal(err)
			}
			if err := authoring.CheckPlan(t.Context(), runner(t), module, m, cases); err != nil {
				t.Error(err)
			}
		})
	}
}
