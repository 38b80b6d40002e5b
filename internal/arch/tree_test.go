package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path of this module; what follows it and a slash in an import
// is a package of the house.
const module = "sluice"

// source is one parsed Go file.
type source struct {
	path      string // from the root of the repository, with slashes
	pkg       string // its folder, empty for the root
	test      bool
	generated bool
	lines     int
	syntax    *ast.File
	fset      *token.FileSet
}

// at returns file and line of a node.
func (s *source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// imports calls f for every import.
func (s *source) imports(f func(path string, spec *ast.ImportSpec)) {
	for _, spec := range s.syntax.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			f(path, spec)
		}
	}
}

// ours returns the package of the house that an import path names.
func ours(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// tree is every Go file of the module. It is read in this process, without the
// go command, so that the test cache sees which files the answer came from.
var tree = sync.OnceValues(func() ([]*source, error) {
	var all []*source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(path, d.Name())
		case filepath.Ext(path) != ".go":
			return nil
		}
		s, err := parse(path)
		all = append(all, s)
		return err
	})
	return all, err
})

// enter skips what the go command skips, and modules of their own.
func enter(path, name string) error {
	if path == root {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func parse(path string) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	pkg := filepath.ToSlash(filepath.Dir(rel))
	if pkg == "." {
		pkg = ""
	}
	return &source{
		path: filepath.ToSlash(rel), pkg: pkg, test: strings.HasSuffix(path, "_test.go"),
		generated: generatedLine.Match(text), lines: bytes.Count(text, []byte("\n")), syntax: syntax, fset: fset,
	}, nil
}

// sources returns the tree, and fails when it is not the whole house.
func sources(t *testing.T) []*source {
	t.Helper()
	all, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files were found below %s", len(all), root)
	}
	return all
}
