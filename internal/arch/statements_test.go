// Package arch holds the tests of the house itself.
package arch

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	pathpkg "path"
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

// update writes the table of proofs anew: go test ./internal/arch -run Statements -update.
var update = flag.Bool("update", false, "write the table of proofs in docs/access-model.md")

// proof is a test that is named after a rule.
type proof struct{ name, file string }

const tableHead = "| rule | package | tests |\n|---|---|---|\n"

// TestStatementsAreProved holds docs/access-model.md to its word: the table at
// its end has a row for each rule and package, which links to every test named
// after the rule. A rule without a test has a row that says why.
func TestStatementsAreProved(t *testing.T) {
	text, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	before, table, ok := strings.Cut(string(text), tableHead)
	if !ok {
		t.Fatal("the page has no table of proofs")
	}
	rules := rulesOf(before)
	if len(rules) < 80 {
		t.Fatalf("read %d rules: the page has changed its form", len(rules))
	}
	for i, r := range rules {
		if slices.Contains(rules[:i], r) {
			t.Errorf("the text has %s twice", r)
		}
	}
	want := tableOf(rules, testsByFolder(t), reasonsOf(table))
	for _, r := range rules {
		if !strings.Contains(want, "| "+r+" |") {
			t.Errorf("%s has no test named Test%s…, and no row that says why", r, r)
		}
	}
	if *update {
		if err := os.WriteFile(model, []byte(before+tableHead+want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if table != want {
		t.Errorf("the table is not what the tests are; run go test ./internal/arch -run Statements -update\n%s", firstDifference(table, want))
	}
}

// tableOf lists the rules in the order of the text, each with the folders whose
// tests are named after it, in order, or with the reason why there is none.
func tableOf(rules []string, tests map[string][]proof, reasons map[string]string) string {
	var b strings.Builder
	for _, r := range rules {
		proved := false
		for _, dir := range slices.Sorted(maps.Keys(tests)) {
			var links []string
			for _, p := range tests[dir] {
				if isTestOf(p.name, r) {
					links = append(links, fmt.Sprintf("[%s](../%s)", p.name, p.file))
				}
			}
			if len(links) > 0 {
				proved = true
				fmt.Fprintf(&b, "| %s | `%s` | %s |\n", r, dir, strings.Join(links, ", "))
			}
		}
		if reason := reasons[r]; !proved && reason != "" {
			fmt.Fprintf(&b, "| %s | – | %s |\n", r, reason)
		}
	}
	return b.String()
}

var reasonLine = regexp.MustCompile(`(?m)^\| (\w+) \| – \| (not yet: .+) \|$`)

// reasonsOf reads what the table says of rules without a test.
func reasonsOf(table string) map[string]string {
	out := map[string]string{}
	for _, m := range reasonLine.FindAllStringSubmatch(table, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("has  %s\nwant %s", g[i], w[i])
		}
	}
	return fmt.Sprintf("has %d rows, want %d", len(g)-1, len(w)-1)
}

var ruleLine = regexp.MustCompile(`(?m)^- \*\*([A-Z][A-Za-z]*\d+a?)\*\* `)

func rulesOf(text string) []string {
	var out []string
	for _, m := range ruleLine.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
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

// testsByFolder parses every test file of the tree and returns its tests by
// folder, in the order of files and of the text. Skipped tests do not count.
func testsByFolder(t *testing.T) map[string][]proof {
	t.Helper()
	out := map[string][]proof{}
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
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		for _, name := range testsOf(f) {
			out[pathpkg.Dir(file)] = append(out[pathpkg.Dir(file)], proof{name, file})
		}
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
