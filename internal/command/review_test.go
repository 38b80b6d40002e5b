package command

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/demo"
)

// newReviewed is an office with a live user, whose order there is, and the id of
// the order.
func newReviewed(t *testing.T) (term *terminal, order string) {
	term = newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "ravi@acme.example", "-name", "=Ravi", "-password-stdin")
	term.must("user", "assign", "-email", "ravi@acme.example", "-application", "sales", "-role", "sales-rep", "-set", "sales")
	term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "c.csv", "name,region,taxNumber\nAcme,EMEA,7\nBolt,APAC,8\n"))
	out := term.must("export", "-application", "sales", "-form", "Customer", "-columns", "id,name", "-order", "name")
	return term, strings.Split(strings.Split(out, "\r\n")[1], ",")[0]
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// golden compares with a file of testdata, ids aside.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = anID.ReplaceAllString(got, "ID")
	path := filepath.Join("testdata", name)
	if os.Getenv("SLUICE_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", name, err, got, want)
	}
}

// byLine sorts what follows the first line: people stand in the order of their
// ids, which those made in one millisecond do not have.
func byLine(text string) string {
	head, rest, _ := strings.Cut(text, "\n")
	lines := strings.SplitAfter(rest, "\n")
	slices.Sort(lines)
	return head + "\n" + strings.Join(lines, "")
}

func TestReview(t *testing.T) {
	term, customer := newReviewed(t)
	golden(t, "who.txt", term.must("who", "-app", "sales", "-form", "Customer", customer))
	golden(t, "who-field.txt", term.must("who", "-app", "sales", "-form", "Customer", "-field", "taxNumber", customer))
	golden(t, "what.txt", term.must("what", "-app", "sales", "-user", "ravi@acme.example"))
	table := term.must("review", "-app", "sales")
	golden(t, "review.csv", byLine(anID.ReplaceAllString(table, "ID")))
	dir := t.TempDir()
	for name, says := range map[string]string{"review.csv": "'=Ravi", "review.JSON": `"complete":`} {
		path := filepath.Join(dir, name)
		code, _, errs := term.run("review", "-application", "sales", "-o", path)
		b, err := os.ReadFile(path)
		if code != 0 || errs != "14 rows written to "+path+"\n" || err != nil || !strings.Contains(string(b), says) {
			t.Errorf("%d %q %v %s", code, errs, err, b)
		}
	}
	term.fails(1, "(NOT_FOUND)", "who", "-app", "sales", "-form", "Customer", "00000000-0000-7000-8000-000000000001")
	term.fails(1, "(NOT_FOUND)", "review", "-app", "nothing", "-o", filepath.Join(dir, "no.csv"))
	term.fails(1, "there is no user with this sign-in address", "what", "-app", "sales", "-user", "nobody@acme.example")
	ravi := term.signIn("ravi@acme.example")
	term.fails(1, "(FORBIDDEN)", "review", "-app", "sales", "-token", ravi)
	term.fails(1, "(FORBIDDEN)", "who", "-app", "sales", "-form", "Customer", "-token", ravi, customer)
	for line, says := range map[string]string{
		"who -app a x":   "-form is required",
		"who -app a":     "a word is missing at the end",
		"what -app a":    "-user is required",
		"review -o file": "-application is required",
	} {
		term.fails(2, says, strings.Fields(line)...)
	}
	if got := entries(t, dir); len(got) != 2 {
		t.Errorf("files: %v", got)
	}
}

// TestReviewThatIsCut: what does not say at its end how many rows there are is not
// kept.
func TestReviewThatIsCut(t *testing.T) {
	for name, answer := range map[string]string{
		"no trailer.csv": "a,b\r\n1,2\r\n", "no end.json": `{"rows":[{}`, "wrong end.json": `{"rows":[{}],"complete":2}`, "no trailer.json": `{"rows":[{}],"complete":1}`,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		term := &terminal{t: t, env: map[string]string{envServer: srv.URL, envToken: "x"}}
		dir := t.TempDir()
		code, _, errs := term.run("review", "-app", "sales", "-o", filepath.Join(dir, name))
		if code != 1 || !strings.Contains(errs, "the review of") || len(entries(t, dir)) != 0 {
			t.Errorf("%s: %d %s %v", name, code, errs, entries(t, dir))
		}
		srv.Close()
	}
}
