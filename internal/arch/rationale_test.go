package arch

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

var directDependency = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)

// TestReasonsAreWritten: RATIONALE.md has a row for every package, every direct
// dependency and every package from npm.
func TestReasonsAreWritten(t *testing.T) {
	text := string(fileAt(t, "RATIONALE.md"))
	var names []string
	for pkg := range house {
		if pkg != "" {
			names = append(names, pkg)
		}
	}
	direct := directDependency.FindAllStringSubmatch(string(fileAt(t, "go.mod")), -1)
	for _, m := range direct {
		names = append(names, m[1])
	}
	if len(direct) < 5 {
		t.Fatalf("read %d direct dependencies: go.mod has changed its form", len(direct))
	}
	for _, file := range []string{"console/package.json", "console/audit/package.json", "examples/rules/package.json"} {
		var p struct{ Dependencies, DevDependencies map[string]string }
		if err := json.Unmarshal(fileAt(t, file), &p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name := range p.Dependencies {
			names = append(names, name)
		}
		for name := range p.DevDependencies {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if !inFirstCell(text, name) {
			t.Errorf("RATIONALE.md has no row that says why there is %s", name)
		}
	}
}

func fileAt(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(root + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inFirstCell reports whether a row of a table begins with the name, alone or
// among others.
func inFirstCell(text, name string) bool {
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) > 3 && strings.Contains(cells[1], "`"+name+"`") && strings.TrimSpace(cells[2]) != "" {
			return true
		}
	}
	return false
}
