package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"pgregory.net/rapid"
)

// spreadsText is the schema that the cases of the reference implementation use.
const spreadsText = `
interface Being { name: String }
interface Pet implements Being { name: String }
type Dog implements Being & Pet { name: String barkVolume: Int }
type Cat implements Being & Pet { name: String meowVolume: Int }
union CatOrDog = Cat | Dog
interface Intelligent { iq: Int }
type Human implements Being & Intelligent { name: String pets: [Pet] iq: Int }
type Alien implements Being & Intelligent { name: String iq: Int }
union DogOrHuman = Dog | Human
union HumanOrAlien = Human | Alien
type Query { catOrDog: CatOrDog dogOrHuman: DogOrHuman humanOrAlien: HumanOrAlien }`

func load(t testing.TB, text string) *ast.Schema {
	t.Helper()
	s, err := validator.LoadSchema(validator.Prelude, &ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withoutObjects is a schema as this package makes it: only interfaces and unions
// have possible types.
func withoutObjects(s *ast.Schema) *ast.Schema {
	out := *s
	out.PossibleTypes = maps.Clone(s.PossibleTypes)
	maps.DeleteFunc(out.PossibleTypes, func(name string, _ []*ast.Definition) bool { return !s.Types[name].IsAbstractType() })
	return &out
}

// spreads returns what a rule says of a document.
func spreads(t rapid.TB, s *ast.Schema, rule core.Rule, text string) (out []string) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, e := range validator.ValidateWithRules(s, doc, rules.NewRules(rule)) {
		out = append(out, e.Error())
	}
	return out
}

// TestPossibleSpreads holds the cases of the reference implementation.
func TestPossibleSpreads(t *testing.T) {
	s := withoutObjects(load(t, spreadsText))
	for _, c := range []struct{ text, want string }{
		{"fragment a on Dog { ...b } fragment b on Dog { barkVolume }", ""},
		{"fragment a on Dog { ... on Dog { barkVolume } }", ""},
		{"fragment a on Dog { ... { barkVolume } }", ""},
		{"fragment a on Pet { ...b } fragment b on Dog { barkVolume }", ""},
		{"fragment a on CatOrDog { ...b } fragment b on Dog { barkVolume }", ""},
		{"fragment a on Dog { ...b } fragment b on CatOrDog { __typename }", ""},
		{"fragment a on Pet { ...b } fragment b on CatOrDog { __typename }", ""},
		{"fragment a on DogOrHuman { ...b } fragment b on CatOrDog { __typename }", ""},
		{"fragment a on Dog { ...b } fragment b on Pet { name }", ""},
		{"fragment a on Pet { ...b } fragment b on Being { name }", ""},
		{"fragment a on Pet { ... on Being { name } }", ""},
		{"fragment a on CatOrDog { ...b } fragment b on Pet { name }", ""},
		{"fragment a on Pet { ...b } fragment b on String { name }", ""},
		{"fragment a on Pet { ...b } fragment b on Nothing { name }", ""},
		{"fragment a on Nothing { ...b } fragment b on Pet { name }", ""},
		{"fragment a on Pet { ...unknown }", ""},
		{"fragment a on Cat { ...b } fragment b on Dog { barkVolume }", "Cat Dog"},
		{"fragment a on Cat { ... on Dog { barkVolume } }", "Cat Dog"},
		{"fragment a on Pet { ...b } fragment b on Human { pets { name } }", "Pet Human"},
		{"fragment a on CatOrDog { ...b } fragment b on Human { pets { name } }", "CatOrDog Human"},
		{"fragment a on Human { ...b } fragment b on CatOrDog { __typename }", "Human CatOrDog"},
		{"fragment a on Pet { ...b } fragment b on HumanOrAlien { __typename }", "Pet HumanOrAlien"},
		{"fragment a on CatOrDog { ...b } fragment b on HumanOrAlien { __typename }", "CatOrDog HumanOrAlien"},
		{"fragment a on Cat { ...b } fragment b on Intelligent { iq }", "Cat Intelligent"},
		{"fragment a on Pet { ...b } fragment b on Intelligent { iq }", "Pet Intelligent"},
		{"fragment a on Pet { ...on Intelligent { iq } }", "Pet Intelligent"},
		{"fragment a on HumanOrAlien { ...b } fragment b on Pet { name }", "HumanOrAlien Pet"},
	} {
		var got string
		for _, e := range spreads(t, s, possibleSpreads, c.text) {
			parts := strings.Split(e, `"`)
			got += parts[len(parts)-4] + " " + parts[len(parts)-2]
		}
		if got != c.want {
			t.Errorf("%s: refused %q, not %q", c.text, got, c.want)
		}
	}
}

// TestPossibleSpreadsAgree compares the rule with the one that it replaces, on
// random documents of a schema with every kind of type and of a built one.
func TestPossibleSpreadsAgree(t *testing.T) {
	built := build(t, FullShape(orders()))
	schemas := []*ast.Schema{load(t, spreadsText), load(t, sdl(built))}
	ours := []*ast.Schema{withoutObjects(schemas[0]), built.AST}
	refused, passed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, 1).Draw(t, "schema")
		text := spreading(t, schemas[at])
		want, got := spreads(t, schemas[at], rules.PossibleFragmentSpreadsRule, text), spreads(t, ours[at], possibleSpreads, text)
		if !slices.Equal(got, want) {
			t.Fatalf("%s:\n%v, not\n%v", text, got, want)
		}
		if len(want) > 0 {
			refused++
		} else {
			passed++
		}
	})
	if refused == 0 || passed == 0 {
		t.Errorf("%d documents refused, %d passed", refused, passed)
	}
}

// spreading writes a document of fragments that spread each other, themselves,
// unknown ones and inline ones, on types of every kind and unknown ones.
func spreading(t *rapid.T, s *ast.Schema) string {
	names := slices.DeleteFunc(sortedKeys(s.Types), func(name string) bool { return !s.Types[name].IsCompositeType() && name != "String" })
	abstract := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !s.Types[name].IsAbstractType() })
	near := slices.Clone(abstract) // what an interface has to do with, more often than chance has it
	for _, name := range abstract {
		for _, d := range s.GetPossibleTypes(s.Types[name]) {
			near = append(near, d.Name)
		}
	}
	of := rapid.OneOf(rapid.SampledFrom(names), rapid.SampledFrom(near), rapid.SampledFrom([]string{"Nothing", "String", "Query"}))
	var set func(depth int) string
	set = func(depth int) string {
		var b strings.Builder
		b.WriteString("{__typename")
		for range rapid.IntRange(0, 2).Draw(t, "n") {
			if depth > 0 && rapid.Bool().Draw(t, "inline") {
				fmt.Fprintf(&b, " ... on %s%s", of.Draw(t, "type"), set(depth-1))
			} else {
				fmt.Fprintf(&b, " ...F%d", rapid.IntRange(0, 3).Draw(t, "fragment"))
			}
		}
		return b.String() + "}"
	}
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "fragment F%d on %s%s\n", i, of.Draw(t, "on"), set(2))
	}
	return b.String()
}
