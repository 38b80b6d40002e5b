package app

import (
	"flag"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

func build(t testing.TB, shape *policy.Shape) *Schema {
	t.Helper()
	s, err := NewBuilder(orders()).Build(shape)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sdl(s *Schema) string {
	var b strings.Builder
	s.WriteSDL(&b)
	return b.String()
}

// TestGolden holds the whole text of the schema of each shape.
func TestGolden(t *testing.T) {
	for name, shape := range shapes() {
		got := sdl(build(t, shape))
		file := filepath.Join("testdata", name+".graphqls")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the schema is not that of %s; go test ./graph/app -update writes it anew:\n%s", name, file, got)
		}
	}
}

// TestLoads reads the text of each schema back and wants the same types, which
// also says that they are valid: built schemas are not checked otherwise.
func TestLoads(t *testing.T) {
	for name, shape := range shapes() {
		s := build(t, shape)
		loaded, err := validator.LoadSchema(validator.Prelude, &ast.Source{Name: name, Input: sdl(s)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a, b := sortedKeys(s.AST.Types), sortedKeys(loaded.Types); !slices.Equal(a, b) {
			t.Errorf("%s: types %v, loaded %v", name, a, b)
		}
		if text := sdl(&Schema{AST: loaded}); text != sdl(s) {
			t.Errorf("%s: the loaded schema prints otherwise:\n%s", name, text)
		}
	}
}

// TestNoTextAtRunTime holds that schemas are not made by way of text: nothing
// outside of tests names a loader.
func TestNoTextAtRunTime(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"LoadSchema", "ValidateSchemaDocument", "ParseSchemas"} {
			if strings.Contains(string(text), name+"(") {
				t.Errorf("%s calls %s", file, name)
			}
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tree.Imports {
			if i.Path.Value == `"github.com/vektah/gqlparser/v2"` || strings.Contains(i.Path.Value, "gqlgen") {
				t.Errorf("%s imports %s", file, i.Path.Value)
			}
		}
	}
}

// TestEveryFieldHasAMeaning walks all object types.
func TestEveryFieldHasAMeaning(t *testing.T) {
	for name, shape := range shapes() {
		s := build(t, shape)
		for _, d := range s.AST.Types {
			if d.Kind != ast.Object || strings.HasPrefix(d.Name, "__") {
				continue
			}
			for _, f := range d.Fields {
				if s.Meaning(d, f).Kind == NoKind {
					t.Errorf("%s: %s.%s means nothing", name, d.Name, f.Name)
				}
			}
		}
	}
}

// TestFiltersOfferWhatTheLanguageHas compares the filter inputs with the filter
// language, type by type.
func TestFiltersOfferWhatTheLanguageHas(t *testing.T) {
	for typ := record.Text; typ <= record.Identity; typ++ {
		if typ == record.Lookup {
			continue
		}
		var want, got []string
		for _, o := range filter.Operators(typ) {
			want = append(want, o.String())
		}
		d := base.types[filterType(&record.Field{Type: typ})]
		for _, f := range d.Fields {
			got = append(got, f.Name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s offers %v, the language has %v", typ, d.Name, got, want)
		}
	}
}

// TestSharing builds two shapes with one builder: forms that look alike are
// shared, forms that do not are not.
func TestSharing(t *testing.T) {
	b := NewBuilder(orders())
	full, err := b.Build(shapes()["full"])
	if err != nil {
		t.Fatal(err)
	}
	again, _ := b.Build(shapes()["full"])
	narrow, _ := b.Build(shapes()["narrow"])
	if full.AST.Types["Order"] != again.AST.Types["Order"] {
		t.Error("equal shapes do not share Order")
	}
	if full.AST.Types["Order"] == narrow.AST.Types["Order"] {
		t.Error("unequal shapes share Order")
	}
	if full.AST.Types["OrderLine"] != narrow.AST.Types["OrderLine"] {
		t.Error("OrderLine looks alike and is not shared")
	}
	if sdl(narrow) != sdl(build(t, shapes()["narrow"])) {
		t.Error("sharing changes the schema")
	}
}

// TestB3_HiddenLeavesNoTrace adds hidden things to a definition: the schema of who
// cannot see them stays as it was, byte by byte.
func TestB3_HiddenLeavesNoTrace(t *testing.T) {
	seen := func(change func(a *definition.Application)) string {
		a := orders()
		shape := FullShape(a)
		change(a)
		s, err := NewBuilder(a).Build(shape)
		if err != nil {
			t.Fatal(err)
		}
		return sdl(s)
	}
	want := seen(func(*definition.Application) {})
	for name, change := range map[string]func(*definition.Application){
		"field": func(a *definition.Application) {
			a.Forms[1].Fields = append(a.Forms[1].Fields, fieldOf(90, "lines", record.Text), fieldOf(91, "secret", record.Choice))
		},
		"lookup": func(a *definition.Application) {
			a.Forms[2].Fields = append(a.Forms[2].Fields, lookupOf(90, "secret", formOrder))
		},
		"form": func(a *definition.Application) {
			a.Forms = append(a.Forms, &definition.Form{Number: 9, Name: "OrderEdge", Plural: "me", Fields: []*definition.Field{lookupOf(16, "order", formOrder)}})
		},
		"report": func(a *definition.Application) {
			a.Reports = append(a.Reports, &definition.Report{Name: "secret", Form: "Order"})
		},
	} {
		if got := seen(change); got != want {
			t.Errorf("a hidden %s changes the schema", name)
		}
	}
}

func TestCheckFindsClashes(t *testing.T) {
	if err := Check(orders()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*definition.Application){
		"type of another form": func(a *definition.Application) { a.Forms[0].Name = "OrderFilter" },
		"built-in type":        func(a *definition.Application) { a.Forms[0].Name = "String" },
		"common type":          func(a *definition.Application) { a.Forms[0].Name = "User" },
		"root type":            func(a *definition.Application) { a.Forms[0].Name = "Query" },
		"introspection":        func(a *definition.Application) { a.Forms[0].Name = "__Type" },
		"root field":           func(a *definition.Application) { a.Forms[0].Plural = "order" },
		"me":                   func(a *definition.Application) { a.Forms[0].Plural = "me" },
		"aggregate of a list":  func(a *definition.Application) { a.Forms[0].Plural = "ordersAggregate" },
		"aggregate of report":  func(a *definition.Application) { a.Forms[0].Plural = "openOrdersAggregate" },
		"type of an aggregate": func(a *definition.Application) { a.Forms[0].Name = "OrderAggregate" },
		"type of groups":       func(a *definition.Application) { a.Forms[0].Name = "OrderAggregateGroup" },
		"type of values":       func(a *definition.Application) { a.Forms[0].Name = "DecimalAggregate" },
		"report":               func(a *definition.Application) { a.Reports[3].Name = "lines" },
		"combinator":           func(a *definition.Application) { a.Forms[0].Fields[0].Name = "and" },
		"system field":         func(a *definition.Application) { a.Forms[0].Fields[0].Name = "owner" },
		"enum value":           func(a *definition.Application) { a.Forms[0].Fields[0].Name = "true" },
		"no name":              func(a *definition.Application) { a.Forms[0].Fields[0].Name = "a b" },
	} {
		a := orders()
		change(a)
		if Check(a) == nil {
			t.Errorf("%s: no clash found", name)
		}
	}
}

// TestReverseNames are the cases of naming a connection to children.
func TestReverseNames(t *testing.T) {
	names := func(shape *policy.Shape) []string {
		var out []string
		s := build(t, shape)
		for _, f := range s.AST.Types["Customer"].Fields {
			if s.Meaning(s.AST.Types["Customer"], f).Kind == Children {
				out = append(out, f.Name)
			}
		}
		return out
	}
	full := FullShape(orders())
	if got := names(full); !slices.Equal(got, []string{"ordersByCustomer", "ordersByBillTo"}) {
		t.Error(got)
	}
	without(shapeOf(full, formOrder), 28)
	if got := names(full); !slices.Equal(got, []string{"orders"}) {
		t.Error(got)
	}
	full = FullShape(orders())
	without(shapeOf(full, formOrder), 28)
	shapeOf(full, formCustomer).Form.Fields[0].Name = "orders"
	if got := names(full); !slices.Equal(got, []string{"ordersByCustomer"}) {
		t.Error(got)
	}
}

// TestAggregateNames: what every group has gives way to no field, the field does.
func TestAggregateNames(t *testing.T) {
	a := orders()
	a.Forms[0].Fields = append(a.Forms[0].Fields, fieldOf(80, "count", record.Integer), fieldOf(81, "count_", record.Text), fieldOf(82, "key", record.Date))
	if err := Check(a); err != nil {
		t.Fatal(err)
	}
	shape := FullShape(a)
	s, err := NewBuilder(a).Build(shape)
	if err != nil {
		t.Fatal(err)
	}
	group := s.AST.Types["CustomerAggregateGroup"].Fields
	for name, typ := range map[string]string{"key": "CustomerAggregateKey!", "count": "Int!", "count__": "LongAggregate!", "count_": "TextAggregate!", "key_": "DateAggregate!"} {
		if f := group.ForName(name); f == nil || f.Type.String() != typ {
			t.Errorf("%s: %v", name, f)
		}
	}
	f, _ := s.Form(formCustomer)
	if f.Aggregates["count__"].Number != 80 || f.Groups["count"].Number != 80 || f.Groups["key"].Number != 82 {
		t.Errorf("%+v", f.Groups)
	}
	// What a shape hides leaves no trace in the names of the others.
	without(shapeOf(shape, formCustomer), 81)
	if s, err = NewBuilder(a).Build(shape); err != nil {
		t.Fatal(err)
	}
	if group := s.AST.Types["CustomerAggregateGroup"].Fields; group.ForName("count_") == nil || group.ForName("count__") != nil {
		t.Error("the name follows from a hidden field")
	}
}

func BenchmarkBuildShared(b *testing.B) {
	builder, shape := NewBuilder(orders()), FullShape(orders())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := builder.Build(shape); err != nil {
			b.Fatal(err)
		}
	}
}
