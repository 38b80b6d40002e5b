package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/demo"
)

var updateExplanations = flag.Bool("update-explanations", false, "write the texts of explanations anew")

// TestExplanations compares what is printed with what a reader has looked at. The
// answers are those of the demo: a record of somebody else, one's own, one with a
// masked field, personal data, a child record, and the short form.
func TestExplanations(t *testing.T) {
	for _, c := range []struct{ name, action string }{
		{"denied", ""}, {"denied", "VIEW"}, {"own", ""}, {"own", "EXPORT"}, {"masked", ""}, {"personal", ""}, {"parent", ""}, {"parent", "EDIT"}, {"short", ""},
	} {
		answer, err := os.ReadFile(filepath.Join("testdata", "explain", c.name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := tellExplanation(&got, answer, false, c.action); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "explain", c.name+strings.ToLower(strings.TrimSuffix("-"+c.action, "-"))+".txt")
		if *updateExplanations {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got.String() != string(want) {
			t.Errorf("%s: %v, got\n%s", golden, err, got.String())
		}
		for line := range strings.Lines(got.String()) {
			if strings.ContainsAny(line, "{}\x00%") || strings.Contains(line, "  \n") {
				t.Errorf("%s: %q", golden, line)
			}
		}
	}
	if err := tellExplanation(&bytes.Buffer{}, []byte(`{}`), false, "SEE"); err == nil || !strings.Contains(err.Error(), "-action: expected VIEW") {
		t.Errorf("an unknown action: %v", err)
	}
}

// TestExplain runs the command against a server.
func TestExplain(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob")
	term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "sales-rep", "-set", "sales", "-attribute", "team=east")
	const none = "01977420-e9f6-70be-a7c9-45014973eb4a"
	term.fails(1, "record: not found", "explain", "-application", "sales", "-user", "bob@acme.example", "-form", "Order", none)
	term.fails(1, "form: not found", "explain", "-app", "sales", "-form", "Nothing", none)
	term.fails(1, "-user: ", "explain", "-app", "sales", "-user", "eve@acme.example", "-form", "Order", none)
	term.fails(1, "-application: there is no application \"none\"", "explain", "-app", "none", "-form", "Order", none)
	term.fails(2, "-application is required", "explain", "-form", "Order", none)
	term.fails(2, `expected the id of a record, of 36 characters, and not "42"`, "explain", "-app", "sales", "-form", "Order", "42")
	term.fails(2, `-user: expected a sign-in address, or an id of 36 characters, and not "bob"`, "explain", "-app", "sales", "-form", "Order", "-user", "bob", none)
	term.fails(2, "a word is missing at the end", "explain", "-app", "sales", "-form", "Order")
	if help := term.must("explain", "--help"); !strings.Contains(help, "Examples:") || !strings.Contains(help, "-action") {
		t.Error(help)
	}
}
