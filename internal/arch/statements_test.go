// Package arch holds the tests of the house itself.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const (
	root  = "../.."
	model = root + "/docs/access-model.md"
)

// claim is one row of the model's last table: this package proves that rule.
type claim struct{ rule, pkg, status string }

// TestStatementsAreProved holds docs/access-model.md to its word: each rule of
// the text has a row, and each row that says held has a test of that name.
func TestStatementsAreProved(t *testing.T) {
	text, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	rules, claims := rulesOf(string(text)), claimsOf(t, string(text))
	if len(rules) < 80 || len(claims) < len(rules) {
		t.Fatalf("read %d rules and %d rows: the page has changed its form", len(rules), len(claims))
	}
	checkCovered(t, rules, claims)
	tests := testsByPackage(t)
	for _, c := range claims {
		named := slices.ContainsFunc(tests[c.pkg], func(name string) bool { return isTestOf(name, c.rule) })
		switch {
		case c.status == "held" && !named:
			t.Errorf("%s is said to be held by %s, which has no test Test%s…", c.rule, c.pkg, c.rule)
		case c.status == "open" && named:
			t.Logf("%s is open in %s, which has a test of that name: say held once it proves the rule", c.rule, c.pkg)
		}
	}
}

func checkCovered(t *testing.T, rules []string, claims []claim) {
	t.Helper()
	seen := map[claim]bool{}
	for _, c := range claims {
		if !slices.Contains(rules, c.rule) {
			t.Errorf("the table has %s, the text does not", c.rule)
		}
		if key := (claim{rule: c.rule, pkg: c.pkg}); seen[key] {
			t.Errorf("the table has %s in %q twice", c.rule, c.pkg)
		} else {
			seen[key] = true
		}
	}
	for i, r := range rules {
		if slices.Contains(rules[:i], r) {
			t.Errorf("the text has %s twice", r)
		}
		if !slices.ContainsFunc(claims, func(c claim) bool { return c.rule == r }) {
			t.Errorf("the text has %s, the table does not", r)
		}
	}
}

var ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z][A-Za-z]*\d+a?)\*\* `)

func rulesOf(text string) []string {
	var out []string
	for _, m := range ruleLine.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func claimsOf(t *testing.T, text string) []claim {
	t.Helper()
	_, table, ok := strings.Cut(text, "| rule | proved in | status |\n")
	if !ok {
		t.Fatal("the page has no table of proofs")
	}
	var out []claim
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.HasPrefix(cells[0], "---") {
			continue
		}
		c := claim{strings.TrimSpace(cells[0]), strings.Trim(cells[1], " `–"), strings.TrimSpace(cells[2])}
		if !slices.Contains([]string{"held", "open", "not yet"}, c.status) {
			t.Errorf("%s: unknown status %q", c.rule, c.status)
		}
		if (c.pkg == "") != (c.status == "not yet") {
			t.Errorf("%s: %q in package %q: what has no path names none, everything else names one", c.rule, c.status, c.pkg)
		}
		out = append(out, c)
	}
	return out
}

// isTestOf reports whether a test function is named after a rule: TestC3,
// TestC3_x and TestC3X are, TestC31 and TestC3a are not.
func isTestOf(name, rule string) bool {
	rest, ok := strings.CutPrefix(name, "Test"+rule)
	if !ok {
		return false
	}
	return rest == "" || rest[0] == '_' || unicode.IsUpper(rune(rest[0]))
}

func TestIsTestOf(t *testing.T) {
	for name, want := range map[string]bool{
		"TestC3": true, "TestC3_root": true, "TestC3Below": true,
		"TestC31": false, "TestC3a": false, "TestC3below": false, "TestC": false, "BenchmarkC3": false,
	} {
		if got := isTestOf(name, "C3"); got != want {
			t.Errorf("isTestOf(%s, C3) = %v, want %v", name, got, want)
		}
	}
}

// testsByPackage parses every test file of the tree and returns the names of
// the test functions by folder. Skipped tests do not count.
func testsByPackage(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		out[filepath.ToSlash(dir)] = append(out[filepath.ToSlash(dir)], testsOf(f)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// testsOf returns the test functions of a file that have a body which does not
// begin by skipping.
func testsOf(f *ast.File) []string {
	var out []string
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Body == nil || len(fn.Body.List) == 0 {
			continue
		}
		if !skips(fn.Body.List[0]) {
			out = append(out, fn.Name.Name)
		}
	}
	return out
}

func skips(s ast.Stmt) bool {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && strings.HasPrefix(sel.Sel.Name, "Skip")
}
