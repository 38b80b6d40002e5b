package definition

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// short writes out the one-line form of documents that testdata/changes.txt
// uses: "Form [renamedFrom Old] plural: field type word…, field …; Form …".
func short(line string) []byte {
	var b strings.Builder
	b.WriteString("application: a\nforms:\n")
	for _, form := range strings.Split(line, "; ") {
		head, fields, _ := strings.Cut(form, ": ")
		words := strings.Fields(head)
		fmt.Fprintf(&b, "  - name: %s\n    plural: %s\n", words[0], words[len(words)-1])
		if len(words) > 2 {
			fmt.Fprintf(&b, "    renamedFrom: %s\n", words[2])
		}
		b.WriteString("    fields:\n")
		for _, field := range strings.Split(fields, ", ") {
			b.WriteString("      - {" + shortField(strings.Fields(field)) + "}\n")
		}
	}
	return []byte(b.String())
}

func shortField(words []string) string {
	s := fmt.Sprintf("name: %s, type: %s", words[0], words[1])
	rest := words[2:]
	switch words[1] {
	case "choice":
		return s + ", choices: [" + strings.Join(rest, ", ") + "]"
	case "lookup":
		s, rest = s+", to: "+rest[0], rest[1:]
	}
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == "renamedFrom":
			s += ", renamedFrom: " + rest[i+1]
			i++
		case strings.HasPrefix(rest[i], "scale"):
			s += ", scale: " + rest[i][5:]
		default:
			s += ", " + rest[i] + ": true"
		}
	}
	return s
}

// TestChanges reads testdata/changes.txt: a previous version, "allow" before it
// for AllowDrop, then ">>>" and the next one, then "---" and what must come of
// it: faults, or the changes.
func TestChanges(t *testing.T) {
	const path = "testdata/changes.txt"
	var out strings.Builder
	for _, c := range strings.Split(string(read(t, path)), "=== ")[1:] {
		title, body, _ := strings.Cut(c, "\n")
		versions, want, _ := strings.Cut(body, "---\n")
		before, after, _ := strings.Cut(versions, ">>>\n")
		was, allow := strings.CutPrefix(before, "allow\n")

		ctx := context(nil)
		if was != "" {
			ctx = context(mustResolve(t, short(strings.TrimSpace(was)), ctx))
		}
		ctx.AllowDrop = allow
		var got strings.Builder
		next, faults := Resolve(short(strings.TrimSpace(after)), ctx)
		for _, f := range faults {
			got.WriteString(f.String() + "\n")
		}
		if next != nil {
			for _, x := range Diff(ctx.Previous, next) {
				got.WriteString(describeChange(x) + "\n")
			}
		}
		if !*update && got.String() != want {
			t.Errorf("%s: got\n%swant\n%s", title, &got, want)
		}
		out.WriteString("=== " + title + "\n" + versions + "---\n" + got.String())
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func describeChange(c Change) string {
	s := fmt.Sprintf("%v: form %d", c.Kind, c.Form)
	if c.Field != 0 {
		s += fmt.Sprintf(" field %d", c.Field)
	}
	s += " " + c.Name
	if c.From != "" {
		s += " from " + c.From
	}
	if c.Index.Number != 0 {
		s += fmt.Sprintf(" row %d parts %v unique %v", c.Index.Number, c.Index.Parts, c.Index.Unique)
	}
	if c.NeedsData() {
		s += " (needs data)"
	}
	return s
}
