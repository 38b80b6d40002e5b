package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"path/filepath"
	"strings"
)

// edit changes a syntax tree in place and takes the change back.
type edit struct {
	site        ast.Node // shown before and after
	to          string   // shown instead of the site after, where not empty
	apply, undo func()
}

// put is the edit that stores a value where another was.
func put[T any](site ast.Node, at *T, value T) edit {
	was := *at
	return edit{site: site, apply: func() { *at = value }, undo: func() { *at = was }}
}

// without leaves one element of a list out.
func without[T any](site ast.Node, at *[]T, i int) edit {
	rest := append(append([]T{}, (*at)[:i]...), (*at)[i+1:]...)
	e := put(site, at, rest)
	e.to = "(left out)"
	return e
}

// mutant is one edit of one declaration.
type mutant struct {
	edit
	id   int // from 1; what the environment variable says
	file *file
	decl ast.Decl
	spec *ast.ValueSpec // of variables and constants
	name string         // stable while other lines of the file change
}

// mutants returns every edit of the package that compiles, and how many do not.
func (l *loaded) mutants() (all []*mutant, invalid int) {
	seen := map[string]int{}
	for _, f := range l.files {
		for _, d := range declarations(f.syntax) {
			for _, e := range l.edits(d.node) {
				m := &mutant{edit: e, file: f, decl: d.decl, spec: d.spec}
				from := l.text(e.site)
				e.apply()
				good, to := l.compiles(d.spec), e.to
				if to == "" {
					to = l.text(e.site)
				}
				e.undo()
				if !good {
					invalid++
					continue
				}
				m.name = fmt.Sprintf("%s %s: %s → %s", filepath.Base(f.path), d.name, from, to)
				if seen[m.name]++; seen[m.name] > 1 {
					m.name += fmt.Sprintf(" #%d", seen[m.name])
				}
				m.id = len(all) + 1
				all = append(all, m)
			}
		}
	}
	return all, invalid
}

// declared is one function, or one group of variables or constants.
type declared struct {
	name string
	node ast.Node
	decl ast.Decl
	spec *ast.ValueSpec
}

func declarations(f *ast.File) []declared {
	var out []declared
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil && len(d.Body.List) > 0 {
				out = append(out, declared{functionName(d), d.Body, d, nil})
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && len(v.Values) > 0 {
					out = append(out, declared{v.Names[0].Name, v, d, v})
				}
			}
		}
	}
	return out
}

func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if x, ok := t.(*ast.IndexExpr); ok {
		t = x.X
	}
	return fmt.Sprintf("%s.%s", t, d.Name.Name)
}

// text is a node in one line of bearable length.
func (l *loaded) text(n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, l.fset, n); err != nil {
		return fmt.Sprintf("%T", n)
	}
	r := []rune(strings.Join(strings.Fields(b.String()), " "))
	if len(r) > 90 {
		return string(r[:60]) + " … " + string(r[len(r)-27:])
	}
	return string(r)
}
