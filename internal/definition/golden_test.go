package definition

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// base is what a case of the faults file stands after, unless its title begins
// with "whole".
const base = "application: a\nforms: [{name: Order, plural: orders, fields: [{name: title, type: text}, {name: rep, type: user}]}]\n"

// TestFaults reads testdata/faults.txt: cases led by "=== title", each a
// document and, after ">>>", the faults that it must give.
func TestFaults(t *testing.T) {
	const path = "testdata/faults.txt"
	var out strings.Builder
	for _, c := range strings.Split(string(read(t, path)), "=== ")[1:] {
		title, body, _ := strings.Cut(c, "\n")
		source, want, _ := strings.Cut(body, ">>>\n")
		document := source
		if !strings.HasPrefix(title, "whole") {
			document = base + source
		}
		a, faults := Resolve([]byte(document), context(nil))
		var got strings.Builder
		for _, f := range faults {
			got.WriteString(f.String() + "\n")
		}
		if a != nil || len(faults) == 0 {
			t.Errorf("%s: no fault", title)
		}
		if !*update && got.String() != want {
			t.Errorf("%s: got\n%swant\n%s", title, &got, want)
		}
		out.WriteString("=== " + title + "\n" + source + ">>>\n" + got.String())
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBase: the faults of cases after base are their own.
func TestBase(t *testing.T) {
	mustResolve(t, []byte(base), context(nil))
}
