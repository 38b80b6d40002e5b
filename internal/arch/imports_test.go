package arch

import (
	"go/ast"
	"slices"
	"testing"
)

// row is what one package may import of the house. Its test files may import
// anything but what never names.
type row struct {
	imports  []string
	anything bool     // may import everything that is not for tests only
	testOnly bool     // a kit, a model or a generator: imported by tests and by its like
	never    []string // not even in tests
}

// leaves are plain values that everybody may name.
var leaves = []string{
	"internal/definition", "internal/fault", "internal/filter", "internal/identity", "internal/record", "internal/words",
}

func and(imports ...string) []string { return append(imports, leaves...) }

// house is the plan: arrows go to a lower floor, never sideways. A new package
// fails until it has a row here and a sentence in RATIONALE.md.
var house = map[string]row{
	"": {anything: true}, // server.go wires

	"resolvers/gateway": {imports: and("engine", "graph", "graph/app", "internal/directory", "internal/exporter",
		"internal/importer", "resolvers", "resolvers/app")},
	"resolvers":      {imports: and("engine", "graph", "internal/directory")},
	"resolvers/app":  {imports: and("engine", "graph", "graph/app")},
	"graph":          {imports: and()},
	"graph/app":      {imports: and("engine/policy")},
	"engine":         {imports: and("engine/decided", "engine/policy", "internal/directory", "rules", "storage")},
	"engine/decided": {imports: and("rules")},
	"engine/policy":  {imports: and()},

	"internal/directory":  {imports: and("storage")},
	"internal/definition": {imports: []string{"internal/fault", "internal/filter", "internal/formula", "internal/record", "internal/words"}},
	"internal/filter":     {imports: []string{"internal/fault", "internal/record", "internal/words"}},
	"internal/formula":    {imports: []string{"internal/record"}},
	"internal/identity":   {imports: []string{"internal/record"}},
	"internal/record":     {imports: []string{"internal/fault"}},
	"internal/words":      {},
	"internal/fault":      {},

	"rules":               {imports: and()},
	"rules/authoring":     {imports: and("rules", "sdk")},
	"rules/sandbox":       {imports: and("rules")},
	"storage":             {imports: and("storage/driver")},
	"storage/driver":      {},
	"storage/badgerstore": {imports: []string{"storage", "storage/driver"}},
	"storage/memstore":    {imports: []string{"storage", "storage/driver"}},

	"console":            {},
	"examples/northwind": {},
	"examples/rules":     {imports: and("rules")},
	"sdk":                {},
	// The floor of server.go: what it would hold if it were not split.
	"internal/command": {imports: and("console", "engine", "internal/demo", "internal/directory", "internal/httpd",
		"internal/exporter", "internal/importer", "rules", "rules/authoring", "sdk", "storage")},
	"internal/httpd": {imports: and("console", "engine", "internal/directory", "internal/importer", "resolvers",
		"resolvers/gateway", "rules", "storage")},
	"internal/demo":     {imports: and("console", "engine", "examples/rules", "internal/directory", "internal/importer", "rules")},
	"internal/importer": {imports: and("engine")},
	"internal/exporter": {imports: and("engine", "engine/policy")},

	"bench":             {anything: true},
	"internal/arch":     {},
	"internal/effort":   {testOnly: true},
	"internal/mutants":  {},
	"rules/ruletest":    {imports: and("rules"), testOnly: true},
	"storage/storetest": {imports: and("storage", "storage/driver"), testOnly: true},
	// The oracle is written from the access model alone: it shares the words of
	// the definition with the engine and none of its code.
	"internal/oracle": {
		imports:  []string{"internal/definition", "internal/identity", "internal/record"},
		testOnly: true, never: []string{"engine", "engine/policy"},
	},
	"internal/world": {
		imports:  []string{"internal/definition", "internal/identity", "internal/oracle", "internal/record", "internal/words", "rules"},
		testOnly: true, never: []string{"engine", "engine/policy"},
	},
}

// drivers hold the heavy dependencies: opened by server.go and by tests.
var drivers = []string{"storage/badgerstore", "storage/memstore", "rules/sandbox"}

func TestEveryPackageHasARow(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if _, ok := house[s.pkg]; !ok && !seen[s.pkg] {
			t.Errorf("package %q has no row in the table of internal/arch: say what it may import, and why it exists in RATIONALE.md", s.pkg)
		}
		seen[s.pkg] = true
	}
	for pkg := range house {
		if !seen[pkg] {
			t.Logf("the row of %q has no package", pkg)
		}
	}
}

func TestRowsNamePackages(t *testing.T) {
	for pkg, r := range house {
		for _, imported := range slices.Concat(r.imports, r.never) {
			if _, ok := house[imported]; !ok {
				t.Errorf("the row of %q names %q, which has no row", pkg, imported)
			}
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range sources(t) {
		s.imports(func(path string, spec *ast.ImportSpec) {
			imported, ok := ours(path)
			if !ok || imported == s.pkg {
				return
			}
			if why := house[s.pkg].refuses(s.test, imported); why != "" {
				t.Errorf("%s: %q must not import %q: %s", s.at(spec), s.pkg, imported, why)
			}
		})
	}
}

func (r row) refuses(test bool, imported string) string {
	switch {
	case slices.Contains(r.never, imported):
		return "it has to come to its answers without it"
	case test:
		return ""
	case house[imported].testOnly && !r.testOnly:
		return "that package is for tests only"
	case r.anything || slices.Contains(r.imports, imported):
		return ""
	case slices.Contains(drivers, imported):
		return "drivers are opened by server.go and by tests"
	}
	return "the table of internal/arch does not allow it"
}

// TestRefuses holds the rule to the arrows that matter most.
func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		from, to   string
		test, want bool
	}{
		{"resolvers", "storage", false, true},
		{"resolvers/app", "internal/directory", false, true},
		{"engine", "graph", false, true},
		{"engine", "storage/memstore", false, true},
		{"engine", "storage/memstore", true, false},
		{"engine", "internal/oracle", false, true},
		{"engine", "internal/oracle", true, false},
		{"engine/policy", "storage", false, true},
		{"rules", "storage", false, true},
		{"rules/sandbox", "storage", false, true},
		{"internal/record", "internal/filter", false, true},
		{"internal/oracle", "engine", true, true},
		{"internal/world", "engine/policy", true, true},
		{"", "storage/badgerstore", false, false},
		{"", "internal/world", false, true},
		{"internal/world", "internal/oracle", false, false},
		{"internal/unknown", "engine", false, true},
	} {
		if got := house[tc.from].refuses(tc.test, tc.to) != ""; got != tc.want {
			t.Errorf("%q imports %q (test %v): refused %v, want %v", tc.from, tc.to, tc.test, got, tc.want)
		}
	}
}
