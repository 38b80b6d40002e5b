package command

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/demo"
)

// ids in what is printed differ between runs.
var someID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// plansGolden compares with a file of testdata; SLUICE_REWRITE writes it anew.
func plansGolden(t *testing.T, name, got string) {
	t.Helper()
	got = someID.ReplaceAllString(got, "ID")
	path := filepath.Join("testdata", name)
	if os.Getenv("SLUICE_REWRITE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot\n%swant\n%s", name, err, got, want)
	}
}

// TestPlan: a plan says who gains what and changes nothing; exactly it is applied.
func TestPlan(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob", "-password-stdin")
	term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "finance-clerk", "-set", "finance")
	csv := file(t, "customers.csv", "name,region,taxNumber\nAcme,EMEA,T1\nBolt,AMER,T2\n")
	term.must("import", "-application", "sales", "-form", "Customer", "-f", csv)
	text := strings.Replace(string(demo.Definition), "to take along too; keeps the price list.\n    pii: HIDE", "to take along too.\n    pii: SHOW", 1)
	text = strings.Replace(text, `{"*": READ_ONLY, creditLimit: VISIBLE}`, `{"*": READ_ONLY, creditLimit: VISIBLE, taxNumber: READ_ONLY}`, 1)
	text = strings.Replace(text, `  - set finance cannot see Customer.taxNumber on any record`, "", 1) // the definition's own test refuses it
	next := file(t, "next.yaml", text)

	out := strings.ReplaceAll(term.must("apply", "-f", next, "-plan"), next, "next.yaml")
	plansGolden(t, "plan.txt", out)
	rows := filepath.Join(t.TempDir(), "rows.csv")
	term.must("apply", "-f", next, "-plan", "-json", "-o", rows)
	if b, err := os.ReadFile(rows); err != nil || strings.Count(string(b), ",Bob,") != 2 {
		t.Errorf("%v %s", err, b)
	}
	id := someID.FindString(out[strings.Index(out, "-difference"):])
	term.fails(1, "CONFLICT", "apply", "-f", file(t, "other.yaml", text+"\n# more\n"), "-difference", id)
	if out := term.must("apply", "-f", next, "-difference", id); !strings.Contains(out, "has version 2") {
		t.Error(out)
	}
	plansGolden(t, "plan-nothing.txt", strings.ReplaceAll(term.must("apply", "-f", next, "-plan"), next, "next.yaml"))

	compare := []string{"compare", "-application", "sales"}
	plansGolden(t, "compare-person.txt", term.must(append(compare, "-email", "bob@acme.example", "-unassign")...))
	plansGolden(t, "compare-version.txt", term.must(append(compare, "-version", "1")...))
	var d struct{ State string }
	if err := json.Unmarshal([]byte(term.must(append(compare, "-email", "bob@acme.example", "-deactivate", "-json")...)), &d); err != nil || d.State != "DONE" {
		t.Error(err, d)
	}
	if out := term.must("compare", "list", "-application", "sales"); strings.Count(out, "DONE") < 4 {
		t.Error(out)
	}
	term.fails(1, "NOT_FOUND", "compare", "review", "01a206ff-0d78-7dbb-ab73-9df4636137c9")
	term.fails(1, "FORBIDDEN", "compare", "approve", id)
	for _, bad := range [][]string{{}, {"-role", "CEO"}, {"-email", "bob@acme.example"}, {"-email", "bob@acme.example", "-unassign", "-role", "CEO"}, {"-f", next, "-version", "1"}, {"-rule", "x"}} {
		term.fails(2, "compare: ", append(compare, bad...)...)
	}
}

// TestRowsThatWereNotComparedAreToldOf: rows that are not those that were compared
// are written, and said to be so.
func TestRowsThatWereNotComparedAreToldOf(t *testing.T) {
	for same, warned := range map[string]bool{"true": false, "false": true, "": true} {
		var to, errs bytes.Buffer
		r := &remote{env: &Env{Stderr: &errs}}
		resp := &http.Response{
			Body:    io.NopCloser(strings.NewReader("form,record\r\nGuest,1\r\n")),
			Trailer: http.Header{rowsTrailer: {"1"}, sameTrailer: {same}},
		}
		rows, err := r.receiveDifference(resp, &to)
		if err != nil || rows != 1 || !strings.Contains(to.String(), "Guest") || strings.Contains(errs.String(), "Compare again") != warned {
			t.Errorf("%q: %d rows, %v, said %q", same, rows, err, errs.String())
		}
	}
}

// TestDryRun: a module is compared before it decides, and then let decide as it was
// compared.
func TestDryRun(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob", "-password-stdin")
	term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "inside-sales", "-set", "sales")
	module, err := rulesexamples.Module("phone-outside-region", rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	wasm := file(t, "rule.wasm", string(module))
	push := []string{"rule", "push", "-application", "sales", "-rule", "phone-outside-region", "-f", wasm}
	term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "customers.csv", "name,region,phone,accountManager\nAcme,EMEA,+49 1,bob@acme.example\nBolt,AMER,+1 2,bob@acme.example\n"))
	out := strings.ReplaceAll(term.must(append(push, "-dry-run")...), wasm, "rule.wasm")
	plansGolden(t, "dryrun-push.txt", out)
	if out := term.must("rule", "list", "-application", "sales"); strings.Contains(out, "true") {
		t.Error(out)
	}
	term.fails(1, "has no module bound", "rule", "activate", "-application", "sales", "-rule", "phone-outside-region", "-dry-run")
	term.must(append(push, "-bind", "-dry-run")...)
	out = term.must("rule", "activate", "-application", "sales", "-rule", "phone-outside-region", "-dry-run")
	id := someID.FindString(out[strings.Index(out, "-difference"):])
	if out := term.must("rule", "activate", "-application", "sales", "-rule", "phone-outside-region", "-difference", id); !strings.Contains(out, "is active") {
		t.Error(out)
	}
	term.fails(2, "contradict", append(push, "-activate", "-dry-run")...)
	term.fails(2, "contradict", "rule", "activate", "-application", "sales", "-rule", "x", "-dry-run", "-difference", id)
	term.fails(1, "no custom rule", "rule", "activate", "-application", "sales", "-rule", "x", "-dry-run")
}
