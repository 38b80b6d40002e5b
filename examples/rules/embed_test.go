package rulesexamples_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/rules/sandbox"
)

// open reads the cases of an example.
func open(t *testing.T, name string) []authoring.Case {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(name, authoring.CasesFile))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := rulesexamples.Manifest(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := rules.ParseManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := authoring.ReadCases(src, m)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// result is what one case gave.
type result struct {
	verdict rules.Verdict
	fuel    int64
}

func run(t *testing.T, cases []authoring.Case, module []byte) []result {
	t.Helper()
	r, err := sandbox.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	results, err := authoring.Ask(t.Context(), r, module, cases)
	if err != nil {
		t.Fatal(err)
	}
	var out []result
	for _, r := range results {
		out = append(out, result{r.Got, r.Fuel})
	}
	return out
}

func module(t *testing.T, name, language string) []byte {
	t.Helper()
	m, err := rulesexamples.Module(name, language)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCases(t *testing.T) {
	for _, name := range rulesexamples.Names() {
		cases := open(t, name)
		for _, language := range rulesexamples.Languages() {
			t.Run(name+"/"+language, func(t *testing.T) {
				first := run(t, cases, module(t, name, language))
				for i, c := range cases {
					if got := first[i].verdict; got != c.Want {
						t.Errorf("%s: %+v, want %+v", c.Name, got, c.Want)
					}
				}
				if second := run(t, cases, module(t, name, language)); !slices.Equal(first, second) {
					t.Errorf("decisions or fuel differ between runs:\n%v\n%v", first, second)
				}
			})
		}
	}
}

// TestPlan: what the plan of the example says, and that nothing outside of it is
// shared, on the cases and on generated ones.
func TestPlan(t *testing.T) {
	const name = rulesexamples.PlannedTeamOrders
	want := map[string]string{
		"":            `{"or":[]}`,
		"north":       `{"and":[{"team":{"eq":"north"}},{"status":{"in":["open","shipped"]}}]}`,
		"a\"\\\n\x1f": `{"and":[{"team":{"eq":"a\"\\\u000a\u001f"}},{"status":{"in":["open","shipped"]}}]}`,
		// Too long to be worth its fuel, and so left out.
		strings.Repeat("x", 513): `{"and":[{"status":{"in":["open","shipped"]}}]}`,
	}
	for _, language := range rulesexamples.Languages() {
		wasm := module(t, name, language)
		m, err := rules.ReadManifest(wasm)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sandbox.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := authoring.CheckPlan(t.Context(), r, wasm, m, open(t, name)); err != nil {
			t.Errorf("%s: %v", language, err)
		}
		tenant := identity.Tenant{1}
		h, err := r.Load(t.Context(), tenant, wasm)
		if err != nil {
			t.Fatal(err)
		}
		for team, says := range want {
			viewer := []record.Value{record.String(team)}
			if team == "" {
				viewer[0] = record.Value{}
			}
			p, kind, err := r.Plan(t.Context(), &rules.Batch{Tenant: tenant, Rule: h, Viewer: viewer}, &rules.Fuel{Left: rules.QueryFuel})
			if err != nil || kind != rules.NoFault || p.String() != says {
				t.Errorf("%s, team %.20q: %s, %v, %v", language, team, p, kind, err)
			}
		}
	}
}

// TestRebuilt compares the committed modules with those that check.sh has just
// built into the folder that the environment names.
func TestRebuilt(t *testing.T) {
	dir := os.Getenv("SLUICE_RULES_REBUILT")
	if dir == "" {
		t.Skip("run by check.sh, which needs clang, wasm-ld and npm: SLUICE_RULES_REBUILT is not set")
	}
	for _, name := range rulesexamples.Names() {
		cases := open(t, name)
		for _, language := range rulesexamples.Languages() {
			bare, err := os.ReadFile(filepath.Join(dir, name, name+"."+language+".wasm"))
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := rulesexamples.Manifest(name)
			if err != nil {
				t.Fatal(err)
			}
			rebuilt, err := rules.Embed(bare, manifest)
			if err != nil {
				t.Fatal(err)
			}
			want, got := run(t, cases, module(t, name, language)), run(t, cases, rebuilt)
			if !slices.Equal(want, got) {
				t.Errorf("%s in %s: the committed module gives (decision, fuel)\n%v\nand the rebuilt one\n%v", name, language, want, got)
			}
		}
	}
}

func TestModuleUnknown(t *testing.T) {
	for _, c := range [][2]string{{"nothing", "c"}, {rulesexamples.SameTeamOpenOrders, "cobol"}} {
		if _, err := rulesexamples.Module(c[0], c[1]); err == nil {
			t.Errorf("%v: expected an error", c)
		}
	}
}

// TestGuide: the code in docs/rules.md is the code of the example.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rule.c", "rule.ts", "manifest.json"} {
		src, err := os.ReadFile(filepath.Join(rulesexamples.SameTeamOpenOrders, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(guide), "\n"+string(src)+"```\n") {
			t.Errorf("docs/rules.md does not show %s as it is", name)
		}
	}
	src, err := os.ReadFile(filepath.Join(rulesexamples.PlannedTeamOrders, "rule.c"))
	if err != nil {
		t.Fatal(err)
	}
	if _, plan, ok := strings.Cut(string(src), "\nstatic void plan("); !ok || !strings.Contains(string(guide), "\nstatic void plan("+plan+"```\n") {
		t.Error("docs/rules.md does not show the plan of the example as it is")
	}
}
