package rulesexamples_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/sandbox"
)

// testCase is one line of a cases.json.
type testCase struct {
	Name           string         `json:"name"`
	Viewer, Record map[string]any // JSON matches names without regard to case
	Grant, Reason  uint8
	Visible        []string
}

// world is a case file in the form that a runner takes, grouped by nothing: one
// batch for each case, since each has its own viewer.
type world struct {
	manifest *rules.Manifest
	cases    []testCase
}

func open(t *testing.T, name string) world {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(name, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := rulesexamples.Manifest(name)
	if err != nil {
		t.Fatal(err)
	}
	w := world{}
	if err := json.Unmarshal(src, &w.cases); err != nil {
		t.Fatal(err)
	}
	if w.manifest, err = rules.ParseManifest(manifest); err != nil {
		t.Fatal(err)
	}
	return w
}

func values(t *testing.T, columns []rules.Column, from map[string]any) []record.Value {
	t.Helper()
	if len(from) != len(columns) {
		t.Fatalf("%d values for %d columns", len(from), len(columns))
	}
	var out []record.Value
	for _, c := range columns {
		src, ok := from[c.Name]
		if !ok {
			t.Fatalf("no value for %q", c.Name)
		}
		f := record.Field{Number: record.FirstField, Name: c.Name, Type: c.Type, Scale: c.Scale}
		if s, ok := src.(string); ok && c.Type == record.Choice {
			f.Choices = []string{s}
		}
		v, err := record.ParseValue(&f, src)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func (w world) want(c testCase) rules.Verdict {
	v := rules.Verdict{Grant: c.Grant, Reason: c.Reason}
	for _, f := range c.Visible {
		v.Visible |= 1 << slices.Index(w.manifest.Mask, f)
	}
	return v
}

// result is what one case gave.
type result struct {
	verdict rules.Verdict
	fuel    int64
}

func run(t *testing.T, w world, module []byte) []result {
	t.Helper()
	ctx := context.Background()
	r, err := sandbox.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tenant := identity.Tenant{1}
	h, err := r.Load(ctx, tenant, module)
	if err != nil {
		t.Fatal(err)
	}
	var out []result
	for _, c := range w.cases {
		b := &rules.Batch{
			Tenant: tenant, Rule: h, Viewer: values(t, w.manifest.Viewer, c.Viewer),
			Rows: [][]record.Value{values(t, w.manifest.Record, c.Record)},
		}
		fuel := rules.Fuel{Left: rules.QueryFuel}
		verdicts := make([]rules.Verdict, 1)
		if err := r.Decide(ctx, b, &fuel, verdicts); err != nil {
			t.Fatal(err)
		}
		out = append(out, result{verdicts[0], rules.QueryFuel - fuel.Left})
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
		w := open(t, name)
		for _, language := range rulesexamples.Languages() {
			t.Run(name+"/"+language, func(t *testing.T) {
				first := run(t, w, module(t, name, language))
				for i, c := range w.cases {
					if got := first[i].verdict; got != w.want(c) {
						t.Errorf("%s: %+v, want %+v", c.Name, got, w.want(c))
					}
				}
				if second := run(t, w, module(t, name, language)); !slices.Equal(first, second) {
					t.Errorf("decisions or fuel differ between runs:\n%v\n%v", first, second)
				}
			})
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
		w := open(t, name)
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
			want, got := run(t, w, module(t, name, language)), run(t, w, rebuilt)
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
}
