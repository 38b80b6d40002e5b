package app

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/internal/record"
)

func fieldNames(d *ast.Definition) []string {
	var out []string
	if d != nil {
		for _, f := range d.Fields {
			out = append(out, f.Name)
		}
	}
	return out
}

// TestB4_ReadOnlyIsInNoInput: a field that may be read and not written is in
// outputs, filters and orders, and in no input of a mutation.
func TestB4_ReadOnlyIsInNoInput(t *testing.T) {
	shape := FullShape(orders())
	order := shapeOf(shape, formOrder)
	order.Writable = order.Writable.Minus(record.FieldSetOf(18)) // quantity
	s, err := NewBuilder(orders()).Build(shape)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Order", "OrderFilter"} {
		if !slices.Contains(fieldNames(s.AST.Types[name]), "quantity") {
			t.Errorf("%s has no quantity", name)
		}
	}
	for _, name := range []string{"CreateOrderInput", "UpdateOrderInput"} {
		names := fieldNames(s.AST.Types[name])
		if !slices.Contains(names, "title") || slices.Contains(names, "quantity") {
			t.Errorf("%s has %v", name, names)
		}
	}
}

// TestA5a_UsersAreIDAndName: in an application a person has an id and a display
// name, and nothing else.
func TestA5a_UsersAreIDAndName(t *testing.T) {
	seen := 0
	for name, shape := range shapes() {
		s, err := NewBuilder(orders()).Build(shape)
		if err != nil {
			t.Fatal(err)
		}
		d := s.AST.Types["User"]
		if d == nil {
			continue
		}
		seen++
		if !slices.Equal(fieldNames(d), []string{"id", "displayName"}) {
			t.Errorf("%s: User has %v", name, fieldNames(d))
		}
	}
	if seen == 0 {
		t.Error("no shape has people")
	}
}
