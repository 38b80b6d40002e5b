package arch

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// maxLines is where a file is split.
const maxLines = 600

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if !s.generated && s.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by noun", s.path, s.lines, maxLines)
		}
	}
}

// TestPackagesAreDocumented wants one package comment that begins as godoc
// expects; a package of tests only may have it there.
func TestPackagesAreDocumented(t *testing.T) {
	documented, known := map[string]int{}, map[string]string{}
	onlyTests := map[string]bool{}
	for _, s := range sources(t) {
		if _, seen := onlyTests[s.pkg]; !seen {
			onlyTests[s.pkg] = true
		}
		onlyTests[s.pkg] = onlyTests[s.pkg] && s.test
	}
	for _, s := range sources(t) {
		if s.test && !onlyTests[s.pkg] {
			continue
		}
		known[s.pkg] = s.syntax.Name.Name
		if isPackageComment(s.syntax) {
			documented[s.pkg]++
		}
	}
	for pkg, name := range known {
		if documented[pkg] != 1 {
			t.Errorf("package %s in %q has %d package comments, want one", name, pkg, documented[pkg])
		}
	}
}

func isPackageComment(f *ast.File) bool {
	if f.Doc == nil {
		return false
	}
	if name := f.Name.Name; name != "main" {
		return strings.HasPrefix(f.Doc.Text(), "Package "+name+" ")
	}
	return f.Doc.Text() != ""
}

// TestTestsDoNotSleep: a test that waits for a time is slow or flaky; wait for
// an event.
func TestTestsDoNotSleep(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && !house[s.pkg].testOnly {
			continue
		}
		name := localName(s, "time")
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if name != "" && selects(n, name, "Sleep") {
				t.Errorf("%s: tests do not sleep", s.at(n))
			}
			return true
		})
	}
}

var (
	unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	silenced   = regexp.MustCompile(`^//\s*nolint`)
	reasoned   = regexp.MustCompile(`^//nolint:[a-z0-9]+(,[a-z0-9]+)* // \S.{9,}`)
)

func TestCommentsAreFinished(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated || s.pkg == "internal/arch" {
			continue
		}
		for _, group := range s.syntax.Comments {
			for _, c := range group.List {
				if unfinished.MatchString(c.Text) {
					t.Errorf("%s: what is not done belongs into the text of the documentation: %s", s.at(c), c.Text)
				}
				if silenced.MatchString(c.Text) && !reasoned.MatchString(c.Text) {
					t.Errorf("%s: name the linter and the reason: %s", s.at(c), c.Text)
				}
			}
		}
	}
}

// TestNoSkeletons: a body that only panics with this word was left open.
func TestNoSkeletons(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			fn, isName := call.Fun.(*ast.Ident)
			arg, isText := call.Args[0].(*ast.BasicLit)
			if isName && isText && fn.Name == "panic" && arg.Value == `"skeleton"` {
				t.Errorf("%s: not written yet", s.at(n))
			}
			return true
		})
	}
}

// TestNoMergeIsHalfDone: texts too, such as the help of a command, are free of what a
// merge leaves behind.
func TestNoMergeIsHalfDone(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if ok && (strings.Contains(text.Value, "\n<<<<<<< ") || strings.Contains(text.Value, "\n>>>>>>> ")) {
				t.Errorf("%s: a merge was not finished", s.at(text))
			}
			return true
		})
	}
}
