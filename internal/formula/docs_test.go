package formula_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/formula"
	"sluice/internal/record"
)

var example = regexp.MustCompile(`(?m)^(.*\S) +=(?:  (.*))?$`)

// TestDocs: the examples of the guide give what stands there, and it names every
// function.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/formulas.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```formula\n")
	block, _, found := strings.Cut(rest, "```")
	examples := example.FindAllStringSubmatch(block, -1)
	if !found || len(examples) < 10 || len(examples) != strings.Count(block, "\n") {
		t.Fatalf("%d examples: the guide has changed its form", len(examples))
	}
	for _, m := range examples {
		p, err := formula.Compile(m[1], scope)
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		typ, scale := p.Type()
		f, err := p.As(typ, scale)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(record.AppendText(nil, &record.Field{Type: typ, Scale: scale}, f.Value(sample))); got != m[2] {
			t.Errorf("%s gives %q, the guide says %q", m[1], got, m[2])
		}
	}
	for _, name := range formula.Functions() {
		if !strings.Contains(string(b), name+"(") {
			t.Errorf("the guide does not name %s", name)
		}
	}
}
