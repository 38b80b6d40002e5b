package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/effort"
)

// TestDocs_Documents runs the guide: its manifest is pushed, its requests are
// sent as ravi, and its documents are removed.
func TestDocs_Documents(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		effort.NotRun(t, "the guide's requests need curl")
	}
	d := theDemo(t)
	text := pages(t)["docs/documents.md"]
	manifest := filepath.Join(t.TempDir(), "persisted-documents.json")
	if err := os.WriteFile(manifest, []byte(blocks(text, "json")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	var commands, requests []string
	for line := range strings.SplitSeq(strings.Join(blocks(text, "sh"), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "sluice "):
			commands = append(commands, strings.Replace(line, "persisted-documents.json", manifest, 1))
		case strings.HasPrefix(line, "curl "):
			requests = append(requests, strings.ReplaceAll(line, "https://sluice.example", d.url))
		}
	}
	if len(commands) != 3 || len(requests) != 5 {
		t.Fatalf("the guide has changed its form: %q %q", commands, requests)
	}
	run := func(line string) string {
		t.Helper()
		code, out, errs := d.run(t, "mei", "", strings.Fields(line)[1:]...)
		if code != 0 {
			t.Errorf("%s: %s", line, errs)
		}
		return out
	}
	run(commands[0])
	if out := run(commands[1]); !strings.Contains(out, "customerNames") || !strings.Contains(out, "renameOrder") {
		t.Error(out)
	}
	for i, want := range []string{`{"data":{"customers":`, `{"data":{"customers":`, `{"pages":[{"name":"desk","label":"My desk"`, `{"data":{"openOrders":`, `{"data":{"openOrders":`} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", requests[i])
		cmd.Env = append(os.Environ(), "TOKEN="+d.tokens["ravi"])
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("%s: %v %s", requests[i], err, out)
		}
	}
	run(commands[2])
	run("sluice documents remove -application sales -id renameOrder")
	if a := d.send(t, http.MethodPost, "/apps/sales/graphql", "ravi", "application/json", []byte(`{"documentId":"customerNames"}`)); a.code() != "NOT_FOUND" {
		t.Errorf("%+v", a)
	}
}

// TestP1DeskShowsEachTheirOwn: the demo's page shows each persona what the same
// query shows them, is open to those whose set says so, and to nobody else.
func TestP1DeskShowsEachTheirOwn(t *testing.T) {
	d := theDemo(t)
	const query = `{openOrders(first:10,orderBy:[{field:amount,direction:DESC}]){totalCount nodes{id number title amount customer{name}}}}`
	totals := map[any]bool{}
	for _, who := range []string{"ravi", "marta", "priya", "mei"} {
		path := "/apps/sales/pages/desk"
		page := d.send(t, http.MethodGet, path, who, "", nil)
		asked := d.ok(t, who, query)
		if page.status != http.StatusOK || !equalJSON(page.Data, asked.Data) {
			t.Errorf("%s: the page shows %v, the query %v", who, page.Data, asked.Data)
		}
		totals[page.at("openOrders.totalCount")] = true
	}
	if len(totals) < 3 {
		t.Errorf("all see the same: %v", totals)
	}
	for _, who := range []string{"felix", "omar", "ines", "nobody"} {
		a, absent := d.send(t, http.MethodGet, "/apps/sales/pages/desk", who, "", nil), d.send(t, http.MethodGet, "/apps/sales/pages/desc", who, "", nil)
		if a.status < 400 || a.status != absent.status || a.Errors[0].Message != absent.Errors[0].Message {
			t.Errorf("%s: %+v, absent %+v", who, a, absent)
		}
	}
}

// equalJSON compares values as JSON writes them.
func equalJSON(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}
