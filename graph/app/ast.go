package app

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// typ reads a type as it is written: "Order", "Order!", "[String!]", "[Order!]!".
func typ(s string) *ast.Type {
	nonNull := s[len(s)-1] == '!'
	if nonNull {
		s = s[:len(s)-1]
	}
	if s[0] == '[' {
		return &ast.Type{Elem: typ(s[1 : len(s)-1]), NonNull: nonNull}
	}
	return &ast.Type{NamedType: s, NonNull: nonNull}
}

func field(name, t string, args ...*ast.ArgumentDefinition) *ast.FieldDefinition {
	return &ast.FieldDefinition{Name: name, Type: typ(t), Arguments: args}
}

func described(f *ast.FieldDefinition, text string) *ast.FieldDefinition {
	f.Description = text
	return f
}

func arg(name, t string) *ast.ArgumentDefinition {
	return &ast.ArgumentDefinition{Name: name, Type: typ(t)}
}

func enumDefault(f *ast.FieldDefinition, value string) *ast.FieldDefinition {
	f.DefaultValue = &ast.Value{Kind: ast.EnumValue, Raw: value}
	return f
}

// listArgs are the arguments of everything that lists records of a form.
func listArgs(form string) []*ast.ArgumentDefinition {
	return []*ast.ArgumentDefinition{
		arg("where", form+"Filter"), arg("orderBy", "["+form+"Order!]"),
		arg("first", "Int"), arg("after", "String"), arg("last", "Int"), arg("before", "String"),
	}
}

// partArgs are the arguments of what is paged through in both directions.
func partArgs() []*ast.ArgumentDefinition {
	return []*ast.ArgumentDefinition{arg("first", "Int"), arg("after", "String"), arg("last", "Int"), arg("before", "String")}
}

// DefaultFirst is the page size where a query names none; a list with first and
// last left out gives its first records.
const DefaultFirst = 50

func object(name, description string, fields ast.FieldList) *ast.Definition {
	return &ast.Definition{Kind: ast.Object, Name: name, Description: description, Fields: fields}
}

func input(name string, fields ast.FieldList) *ast.Definition {
	return &ast.Definition{Kind: ast.InputObject, Name: name, Fields: fields}
}
