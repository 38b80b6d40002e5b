package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// variable is what picks the mutant that runs.
const variable = "SLUICE_MUTANT"

// picker is added to the changed package. A mutant that recurses without end
// must not take the machine's memory with it.
const picker = `package %s

import (
	mutantOS "os"
	mutantDebug "runtime/debug"
	mutantStrconv "strconv"
)

var mutantPicked = func() int {
	mutantDebug.SetMaxStack(64 << 20)
	n, _ := mutantStrconv.Atoi(mutantOS.Getenv(%q))
	return n
}()
`

// overlay is a set of files that stand in for those of the tree.
type overlay struct {
	dir  string
	json string // for go build -overlay
}

// write makes the overlay in which all these mutants sleep. Constants cannot be
// picked at run time: a mutant of one has to be alone.
func (l *loaded) write(dir string, ms []*mutant) (*overlay, error) {
	replace := map[string]string{}
	save := func(path string, text []byte) error {
		to := filepath.Join(dir, filepath.Base(path))
		replace[path] = to
		return os.WriteFile(to, text, 0o600)
	}
	if err := save(filepath.Join(l.dir, "zz_mutant_picker.go"), fmt.Appendf(nil, picker, l.name, variable)); err != nil {
		return nil, err
	}
	for _, f := range l.files {
		text, err := l.withMutants(f, ms)
		if err != nil {
			return nil, err
		}
		if err := save(f.path, text); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	o := &overlay{dir: dir, json: filepath.Join(dir, "overlay.json")}
	return o, os.WriteFile(o.json, text, 0o600)
}

// withMutants is the text of a file with a copy of a function for each mutant
// of it, and a switch at its head.
func (l *loaded) withMutants(f *file, ms []*mutant) ([]byte, error) {
	of := map[ast.Decl][]*mutant{}
	for _, m := range ms {
		if m.file == f {
			of[m.decl] = append(of[m.decl], m)
		}
	}
	var out, tail bytes.Buffer
	from := 0
	at := func(p token.Pos) int { return l.fset.Position(p).Offset }
	for _, d := range f.syntax.Decls {
		if len(of[d]) == 0 {
			continue
		}
		fd, isFunc := d.(*ast.FuncDecl)
		if !isFunc {
			for _, m := range of[d] {
				if err := l.initial(&tail, m); err != nil {
					return nil, err
				}
			}
			continue
		}
		args := arguments(fd.Type.Params)
		name := receiver(fd)
		out.Write(f.source[from:at(fd.Pos())])
		head, err := l.head(fd)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s {\nswitch mutantPicked {\n", head)
		for _, m := range of[d] {
			call := fmt.Sprintf("%s%s_mutant%d%s(%s)", name, fd.Name.Name, m.id, typeArguments(fd), args)
			if fd.Type.Results != nil {
				fmt.Fprintf(&out, "case %d: return %s\n", m.id, call)
			} else {
				fmt.Fprintf(&out, "case %d: %s; return\n", m.id, call)
			}
			if err := l.copyOf(&tail, fd, m); err != nil {
				return nil, err
			}
		}
		out.WriteString("}\n")
		from = at(fd.Body.Lbrace) + 1
	}
	out.Write(f.source[from:])
	out.Write(tail.Bytes())
	return out.Bytes(), nil
}

// initial changes a variable before anything but other initial values reads it.
func (l *loaded) initial(out *bytes.Buffer, m *mutant) error {
	fmt.Fprintf(out, "\nfunc init() {\nif mutantPicked == %d {\n%s = ", m.id, m.spec.Names[0])
	m.apply()
	defer m.undo()
	err := printer.Fprint(out, l.fset, m.spec.Values[0])
	out.WriteString("\n}\n}\n")
	return err
}

// head is the function without its body.
func (l *loaded) head(fd *ast.FuncDecl) (string, error) {
	h := *fd
	h.Body, h.Doc = nil, nil
	var b bytes.Buffer
	err := printer.Fprint(&b, l.fset, &h)
	return b.String(), err
}

func (l *loaded) copyOf(out *bytes.Buffer, fd *ast.FuncDecl, m *mutant) error {
	c := *fd
	c.Doc, c.Name = nil, ast.NewIdent(fmt.Sprintf("%s_mutant%d", fd.Name.Name, m.id))
	m.apply()
	defer m.undo()
	out.WriteString("\n\n")
	return printer.Fprint(out, l.fset, &c)
}

// arguments passes the parameters on. It names those that have no name.
func arguments(params *ast.FieldList) string {
	var out []string
	for _, f := range params.List {
		if len(f.Names) == 0 {
			f.Names = []*ast.Ident{ast.NewIdent("_")}
		}
		for i, n := range f.Names {
			if n.Name == "_" {
				f.Names[i] = ast.NewIdent(fmt.Sprintf("mutantArgument%d", len(out)))
			}
			arg := f.Names[i].Name
			if _, variadic := f.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			out = append(out, arg)
		}
	}
	return strings.Join(out, ", ")
}

func receiver(fd *ast.FuncDecl) string {
	if fd.Recv == nil {
		return ""
	}
	f := fd.Recv.List[0]
	if len(f.Names) == 0 || f.Names[0].Name == "_" {
		f.Names = []*ast.Ident{ast.NewIdent("mutantReceiver")}
	}
	return f.Names[0].Name + "."
}

func typeArguments(fd *ast.FuncDecl) string {
	if fd.Type.TypeParams == nil {
		return ""
	}
	var names []string
	for _, f := range fd.Type.TypeParams.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// alone makes the overlay of one mutant that cannot be picked at run time.
func (l *loaded) alone(dir string, m *mutant) (*overlay, error) {
	m.apply()
	defer m.undo()
	var b bytes.Buffer
	if err := printer.Fprint(&b, l.fset, m.file.syntax); err != nil {
		return nil, err
	}
	to := filepath.Join(dir, filepath.Base(m.file.path))
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file.path: to}})
	if err != nil {
		return nil, err
	}
	o := &overlay{dir: dir, json: filepath.Join(dir, "overlay.json")}
	if err := os.WriteFile(o.json, text, 0o600); err != nil {
		return nil, err
	}
	return o, os.WriteFile(to, b.Bytes(), 0o600)
}

// build compiles the tests of a package over the overlay.
func (o *overlay) build(pkgDir, name string) (string, error) {
	binary := filepath.Join(o.dir, name+".test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", o.json, "-o", binary, ".")
	cmd.Dir = pkgDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c in %s: %w\n%.4000s", pkgDir, err, out)
	}
	return binary, nil
}
