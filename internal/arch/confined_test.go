package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// confined names, for every dependency, the packages that may import it; the
// longest prefix counts. Tests are free, except that nothing but tests may
// import what has no package. A new dependency fails until it has a line here
// and a reason in RATIONALE.md.
var confined = map[string][]string{
	"github.com/RoaringBitmap/roaring/v2": {"engine/decided"},
	"github.com/tetratelabs/wazero":       {"rules/sandbox"},
	"github.com/dgraph-io/badger":         {"storage/badgerstore"},
	"github.com/coder/websocket":          {"resolvers/gateway"},
	"github.com/99designs/gqlgen":         {"graph", "resolvers", "resolvers/gateway"},
	"github.com/vektah/gqlparser":         {"graph", "graph/app", "resolvers", "resolvers/app", "resolvers/gateway"},
	"github.com/vektah/gqlparser/v2/ast":  {"graph", "graph/app", "resolvers/app", "resolvers/gateway"},
	"go.yaml.in/yaml":                     {"internal/definition", "rules/authoring"},
	"golang.org/x/crypto/argon2":          {"internal/directory"},
	"github.com/tink-crypto/tink-go":      {"engine"},
	"google.golang.org/protobuf":          {"internal/record", "storage"},
	"google.golang.org/protobuf/proto":    {"storage/badgerstore"}, // to read Badger's own manifest
	"golang.org/x/sync":                   {"storage/badgerstore"},
	"github.com/clipperhouse/uax29":       {"internal/words"},
	"golang.org/x/text":                   {"internal/words"},
	"pgregory.net/rapid":                  {},
}

// quiet are packages that report through values and events, and leave clocks,
// logs and connections to those above them.
var quiet = map[string][]string{
	"engine/policy":       {"context", "crypto/rand", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "time"},
	"engine":              {"log", "log/slog", "net", "net/http", "os"},
	"storage":             {"log", "log/slog", "net", "net/http", "os"},
	"rules":               {"log", "log/slog", "net", "net/http", "os", "time"},
	"rules/sandbox":       {"log", "log/slog", "net", "net/http"},
	"graph/app":           {"context", "log", "log/slog", "net", "net/http", "os", "time"},
	"resolvers/app":       {"log", "log/slog", "net", "os"},
	"internal/directory":  {"log", "log/slog", "net", "net/http", "os"},
	"internal/definition": {"context", "log", "log/slog", "net", "net/http", "os"},
	"internal/filter":     {"context", "log", "log/slog", "net", "net/http", "os"},
	"internal/formula":    {"context", "log", "log/slog", "net", "net/http", "os", "math/rand", "math/rand/v2"},
	"internal/record":     {"context", "log", "log/slog", "net", "net/http", "os"},
	"internal/identity":   {"log", "log/slog", "net", "net/http", "os"},
	"internal/fault":      {"context", "log", "log/slog", "net", "net/http", "os", "time"},
	"internal/words":      {"context", "log", "log/slog", "net", "net/http", "os", "time"},
}

func TestDependenciesAreConfined(t *testing.T) {
	for _, s := range sources(t) {
		s.imports(func(path string, spec *ast.ImportSpec) {
			if _, house := ours(path); house || !strings.Contains(path, ".") {
				return
			}
			home, known := homes(path)
			switch {
			case !known:
				t.Errorf("%s: %s has no line in the table of internal/arch", s.at(spec), path)
			case !s.test && !slices.Contains(home, s.pkg):
				t.Errorf("%s: %s belongs to %q, not to %q", s.at(spec), path, home, s.pkg)
			}
		})
	}
}

// homes returns the packages that may import path.
func homes(path string) (packages []string, known bool) {
	longest := -1
	for prefix, p := range confined {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > longest {
			packages, known, longest = p, true, len(prefix)
		}
	}
	return packages, known
}

func TestTheCoreIsQuiet(t *testing.T) {
	for _, s := range sources(t) {
		s.imports(func(path string, spec *ast.ImportSpec) {
			if !s.test && slices.Contains(quiet[s.pkg], path) {
				t.Errorf("%s: %q must do without %s: take it as an argument or report an event", s.at(spec), s.pkg, path)
			}
			if !s.test && path == "testing" && !house[s.pkg].testOnly {
				t.Errorf("%s: testing belongs into tests and their kits", s.at(spec))
			}
		})
	}
}

// TestOnlyTheEngineRedacts holds the one door to cells: the constructor of a
// redacted record is named by the engine, however its package is imported.
func TestOnlyTheEngineRedacts(t *testing.T) {
	named := 0
	for _, s := range sources(t) {
		if s.test || s.pkg == "internal/record" {
			continue
		}
		name := localName(s, module+"/internal/record")
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if name == "" || !selects(n, name, "Redact") {
				return true
			}
			if named++; s.pkg != "engine" {
				t.Errorf("%s: record.Redact is for the engine alone", s.at(n))
			}
			return true
		})
		if name == "." {
			t.Errorf("%s: internal/record must not be imported with a dot", s.path)
		}
	}
	if named == 0 {
		t.Error("nobody redacts: the test looks for a name that does not exist any more")
	}
}

// localName returns the name under which a file uses a package, empty when it
// does not import it.
func localName(s *source, path string) (name string) {
	s.imports(func(p string, spec *ast.ImportSpec) {
		switch {
		case p != path:
		case spec.Name != nil:
			name = spec.Name.Name
		default:
			name = path[strings.LastIndex(path, "/")+1:]
		}
	})
	return name
}

// selects reports whether n is pkg.name.
func selects(n ast.Node, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}
