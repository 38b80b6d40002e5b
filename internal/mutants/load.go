package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// loaded is a package that can be changed and type-checked again.
type loaded struct {
	dir     string // absolute
	path    string // import path
	name    string
	fset    *token.FileSet
	files   []*file
	types   *types.Package
	info    *types.Info
	imports types.Importer
}

type file struct {
	path   string // absolute
	source []byte
	syntax *ast.File
}

// load parses and checks the package in the folder.
func load(dir string) (*loaded, error) {
	listed, err := list(dir)
	if err != nil {
		return nil, err
	}
	l := &loaded{fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
	exports := map[string]string{}
	for _, p := range listed {
		exports[p.ImportPath] = p.Export
	}
	self := listed[len(listed)-1] // go list -deps ends with what was asked for
	l.dir, l.path, l.name = self.Dir, self.ImportPath, self.Name
	l.imports = importer.ForCompiler(l.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, name := range self.GoFiles {
		f := &file{path: filepath.Join(l.dir, name)}
		if f.source, err = os.ReadFile(f.path); err != nil {
			return nil, err
		}
		if f.syntax, err = parser.ParseFile(l.fset, f.path, f.source, parser.ParseComments); err != nil {
			return nil, err
		}
		l.files = append(l.files, f)
	}
	if l.types, err = l.check(l.info); err != nil {
		return nil, fmt.Errorf("the package does not compile as it is: %w", err)
	}
	return l, nil
}

type listedPackage struct {
	Dir, ImportPath, Name, Export string
	GoFiles                       []string
}

func list(dir string) ([]listedPackage, error) {
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=Dir,ImportPath,Name,Export,GoFiles", ".")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", dir, err, stderr.Bytes())
	}
	var all []listedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// check type-checks the package as its syntax trees are now.
func (l *loaded) check(info *types.Info) (*types.Package, error) {
	files := make([]*ast.File, len(l.files))
	for i, f := range l.files {
		files[i] = f.syntax
	}
	conf := types.Config{Importer: l.imports}
	return conf.Check(l.path, l.fset, files, info)
}

// compiles reports whether the package does as its syntax trees are now, and
// gives a variable the type that it had.
func (l *loaded) compiles(variable *ast.ValueSpec) bool {
	changed, err := l.check(nil)
	if err != nil || variable == nil {
		return err == nil
	}
	name := variable.Names[0].Name
	was, is := l.types.Scope().Lookup(name), changed.Scope().Lookup(name)
	return was != nil && is != nil && was.Type().String() == is.Type().String()
}
