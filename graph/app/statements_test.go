package app

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
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

// TestA5a_PeopleAreOfferedToThoseWhoNameThem: the list of members is in the
// schema of somebody who may write a user field or comments, and in no other.
func TestA5a_PeopleAreOfferedToThoseWhoNameThem(t *testing.T) {
	offered := func(change func(s *policy.FormShape)) bool {
		shape := FullShape(orders())
		for _, f := range shape.Forms {
			f.WriteComments = false
			f.Visible = f.Visible.Minus(record.FieldSetOf(record.FieldOwner))
		}
		change(shapeOf(shape, formOrder))
		s, err := NewBuilder(orders()).Build(shape)
		if err != nil {
			t.Fatal(err)
		}
		field := s.AST.Query.Fields.ForName("members") != nil
		if typ := s.AST.Types["UserConnection"] != nil; typ != field {
			t.Errorf("the type is there: %v, the field: %v", typ, field)
		}
		return field
	}
	for name, c := range map[string]struct {
		change func(s *policy.FormShape)
		want   bool
	}{
		"adds and changes": {func(*policy.FormShape) {}, true},
		"adds":             {func(s *policy.FormShape) { s.Edit = false }, true},
		"changes":          {func(s *policy.FormShape) { s.Create = false }, true},
		"reads":            {func(s *policy.FormShape) { s.Create, s.Edit = false, false }, false},
		"writes all but the user field": {func(s *policy.FormShape) {
			s.Writable = s.Writable.Minus(record.FieldSetOf(26))
		}, false},
		"gives away what others own": {func(s *policy.FormShape) {
			s.Writable, s.Visible = s.Writable.Minus(record.FieldSetOf(26)), s.Visible.With(record.FieldOwner)
		}, true},
		"comments": {func(s *policy.FormShape) { s.Create, s.Edit, s.WriteComments = false, false, true }, true},
	} {
		if got := offered(c.change); got != c.want {
			t.Errorf("%s: offered %v", name, got)
		}
	}
}
