package arch

import (
	"go/ast"
	"strings"
	"testing"
)

// schemaLoaders are the functions of gqlparser that make a schema from text.
// They cost milliseconds and megabytes, and text invites pasting names into it:
// application schemas are built as values.
var schemaLoaders = []string{"LoadSchema", "MustLoadSchema", "ValidateSchemaDocument"}

const gqlparser = "github.com/vektah/gqlparser/v2"

// TestOnlyTheManagementSchemaIsText: the generated code of package graph loads
// the management schema once, and nothing else loads any.
func TestOnlyTheManagementSchemaIsText(t *testing.T) {
	loaded := 0
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		s.imports(func(path string, spec *ast.ImportSpec) {
			if path == gqlparser || strings.HasPrefix(path, gqlparser+"/") {
				loaded += loadsIn(t, s, path)
			}
		})
	}
	if loaded != 1 {
		t.Errorf("schemas are loaded in %d places, expected the one of package graph", loaded)
	}
}

// loadsIn counts the uses of loaders of one package in a file, as calls or as
// values, and reports those that are not generated code of package graph.
func loadsIn(t *testing.T, s *source, path string) (n int) {
	name := localName(s, path)
	if name == "v2" { // of the module's own path
		name = "gqlparser"
	}
	if name == "." {
		t.Errorf("%s: %s must not be imported with a dot", s.path, path)
	}
	ast.Inspect(s.syntax, func(node ast.Node) bool {
		for _, loader := range schemaLoaders {
			if !selects(node, name, loader) {
				continue
			}
			if n++; s.pkg != "graph" || !s.generated {
				t.Errorf("%s: %s.%s is for the management schema alone", s.at(node), name, loader)
			}
		}
		return true
	})
	return n
}
