package app

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// documented gives a field of the schema what the definition says of a field:
// its description, its currency, and that it is deprecated, where the field may
// be left out.
func documented(d *ast.FieldDefinition, x *definition.Field) *ast.FieldDefinition {
	parts := []string{}
	if x.Description != "" {
		parts = append(parts, x.Description)
	}
	switch x.Type {
	case record.Currency:
		parts = append(parts, "An amount in "+x.Currency+" (ISO 4217).")
	case record.Percent:
		parts = append(parts, "A percentage: 12.5 is 12.5 %.")
	}
	d.Description = strings.Join(parts, "\n\n")
	return deprecated(d, x)
}

// deprecated marks a field that a request may leave out.
func deprecated(d *ast.FieldDefinition, x *definition.Field) *ast.FieldDefinition {
	if !d.Type.NonNull {
		d.Directives = append(d.Directives, deprecation(x)...)
	}
	return d
}

// deprecation is the directive of a deprecated field, none for others.
func deprecation(x *definition.Field) ast.DirectiveList {
	if x.Deprecated == "" {
		return nil
	}
	reason := &ast.Argument{Name: "reason", Value: &ast.Value{Kind: ast.StringValue, Raw: x.Deprecated}}
	return ast.DirectiveList{{Name: "deprecated", Arguments: ast.ArgumentList{reason}}}
}
