package definition

import (
	"strings"
	"testing"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// TestDocs resolves the example of docs/definition.md and holds its tables to
// the code.
func TestDocs(t *testing.T) {
	text := string(read(t, "../../docs/definition.md"))
	_, rest, _ := strings.Cut(text, "```yaml\n")
	source, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("the example is gone")
	}
	a := mustResolve(t, []byte(source), context(nil))
	for _, w := range a.Check(Surroundings{}) {
		if strings.HasPrefix(w.Path, "permissionSets.Sales") {
			t.Errorf("the example gives a warning: %v", w)
		}
	}
	for _, name := range typeNames(record.Identity - 1) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the type %s is not documented", name)
		}
	}
	for typ := record.Text; typ < record.Identity; typ++ {
		if !strings.Contains(text, typ.String()) || !strings.Contains(text, "`"+operators(typ)+"`") {
			t.Errorf("the operators of %v are not documented", typ)
		}
	}
	for _, words := range [][]string{topKeys, formActionWords, reportActionWords, accessWords, levelWords, effectWords, profileWords} {
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s is not documented", w)
			}
		}
	}
}

func operators(typ record.Type) string {
	var names []string
	for _, o := range filter.Operators(typ) {
		names = append(names, o.String())
	}
	return strings.Join(names, " ")
}

// TestDocsListTheFindings: the table is the code's.
func TestDocsListTheFindings(t *testing.T) {
	text := string(read(t, "../../docs/definition.md"))
	_, table, ok := strings.Cut(text, "| kind | severity | what is so |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, k := range Kinds() {
		want = append(want, "| `"+string(k.Kind)+"` | "+k.Severity.String()+" | "+k.Says+" |")
	}
	if !ok || table != strings.Join(want, "\n") {
		t.Errorf("docs/definition.md lists other findings than\n%s", strings.Join(want, "\n"))
	}
}
