package app

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Node is an object of introspection: a __Schema, __Type, __Field,
// __InputValue, __EnumValue or __Directive.
type Node interface {
	// Get returns a field of the object: nil for null, a string, a bool, a Node,
	// a []string or a []Node. deprecated is the argument includeDeprecated.
	Get(field string, deprecated bool) any
}

// Introspect returns the root of introspection.
func (s *Schema) Introspect() Node { return schemaNode{s.AST} }

// IntrospectType returns a named type, nil when the schema has none of that
// name.
func (s *Schema) IntrospectType(name string) Node {
	if d := s.AST.Types[name]; d != nil {
		return typeNode{schema: s.AST, def: d}
	}
	return nil
}

type schemaNode struct{ s *ast.Schema }

func (n schemaNode) Get(name string, _ bool) any {
	switch name {
	case "description":
		return text(n.s.Description)
	case "queryType":
		return definedNode(n.s, n.s.Query)
	case "mutationType":
		return definedNode(n.s, n.s.Mutation)
	case "subscriptionType":
		return definedNode(n.s, n.s.Subscription)
	case "types":
		return n.types()
	case "directives":
		return n.directives()
	}
	return nil
}

func (n schemaNode) types() []Node {
	out := make([]Node, 0, len(n.s.Types))
	for _, name := range sortedKeys(n.s.Types) {
		out = append(out, typeNode{schema: n.s, def: n.s.Types[name]})
	}
	return out
}

func (n schemaNode) directives() []Node {
	out := make([]Node, 0, len(n.s.Directives))
	for _, name := range sortedKeys(n.s.Directives) {
		out = append(out, directiveNode{n.s, n.s.Directives[name]})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// text is null for a text that is empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func definedNode(s *ast.Schema, d *ast.Definition) any {
	if d == nil {
		return nil
	}
	return typeNode{schema: s, def: d}
}

// typeNode is a named type, or a list or non-null type around another.
type typeNode struct {
	schema *ast.Schema
	def    *ast.Definition
	typ    *ast.Type
}

func wrap(s *ast.Schema, t *ast.Type) Node {
	if !t.NonNull && t.Elem == nil {
		return typeNode{schema: s, def: s.Types[t.NamedType]}
	}
	return typeNode{schema: s, typ: t}
}

func (n typeNode) Get(name string, deprecated bool) any {
	if n.typ != nil {
		return n.wrapper(name)
	}
	d := n.def
	switch name {
	case "kind":
		return string(d.Kind)
	case "name":
		return d.Name
	case "description":
		return text(d.Description)
	case "specifiedByURL":
		if x := d.Directives.ForName("specifiedBy"); x != nil && d.Kind == ast.Scalar {
			return x.Arguments.ForName("url").Value.Raw
		}
	case "isOneOf":
		if d.Kind == ast.InputObject {
			return d.Directives.ForName("oneOf") != nil
		}
	default:
		return n.members(name, deprecated)
	}
	return nil
}

func (n typeNode) wrapper(name string) any {
	switch {
	case name == "kind" && n.typ.NonNull:
		return "NON_NULL"
	case name == "kind":
		return "LIST"
	case name == "ofType" && n.typ.NonNull:
		inner := *n.typ
		inner.NonNull = false
		return wrap(n.schema, &inner)
	case name == "ofType":
		return wrap(n.schema, n.typ.Elem)
	}
	return nil
}

func (n typeNode) members(name string, deprecated bool) any {
	composite := n.def.Kind == ast.Object || n.def.Kind == ast.Interface
	switch {
	case name == "fields" && composite:
		return n.fields(deprecated)
	case name == "interfaces" && composite:
		return n.named(n.def.Interfaces)
	case name == "possibleTypes" && n.def.IsAbstractType():
		out := []Node{}
		for _, d := range n.schema.GetPossibleTypes(n.def) {
			out = append(out, typeNode{schema: n.schema, def: d})
		}
		return out
	case name == "enumValues" && n.def.Kind == ast.Enum:
		return n.enumValues(deprecated)
	case name == "inputFields" && n.def.Kind == ast.InputObject:
		return n.inputFields(deprecated)
	}
	return nil
}

func (n typeNode) named(names []string) []Node {
	out := []Node{}
	for _, name := range names {
		out = append(out, typeNode{schema: n.schema, def: n.schema.Types[name]})
	}
	return out
}

func (n typeNode) fields(deprecated bool) []Node {
	out := []Node{}
	for _, f := range n.def.Fields {
		if !strings.HasPrefix(f.Name, "__") && (deprecated || f.Directives.ForName("deprecated") == nil) {
			out = append(out, fieldNode{n.schema, f})
		}
	}
	return out
}

func (n typeNode) inputFields(deprecated bool) []Node {
	out := []Node{}
	for _, f := range n.def.Fields {
		if deprecated || f.Directives.ForName("deprecated") == nil {
			out = append(out, inputNode{n.schema, f.Name, f.Description, f.Type, f.DefaultValue, f.Directives})
		}
	}
	return out
}

func (n typeNode) enumValues(deprecated bool) []Node {
	out := []Node{}
	for _, v := range n.def.EnumValues {
		if deprecated || v.Directives.ForName("deprecated") == nil {
			out = append(out, enumNode{v})
		}
	}
	return out
}

type fieldNode struct {
	schema *ast.Schema
	f      *ast.FieldDefinition
}

func (n fieldNode) Get(name string, deprecated bool) any {
	switch name {
	case "name":
		return n.f.Name
	case "description":
		return text(n.f.Description)
	case "args":
		return arguments(n.schema, n.f.Arguments, deprecated)
	case "type":
		return wrap(n.schema, n.f.Type)
	}
	return deprecationOf(name, n.f.Directives)
}

func arguments(s *ast.Schema, args ast.ArgumentDefinitionList, deprecated bool) []Node {
	out := []Node{}
	for _, a := range args {
		if deprecated || a.Directives.ForName("deprecated") == nil {
			out = append(out, inputNode{s, a.Name, a.Description, a.Type, a.DefaultValue, a.Directives})
		}
	}
	return out
}

type inputNode struct {
	schema            *ast.Schema
	name, description string
	typ               *ast.Type
	def               *ast.Value
	directives        ast.DirectiveList
}

func (n inputNode) Get(name string, _ bool) any {
	switch name {
	case "name":
		return n.name
	case "description":
		return text(n.description)
	case "type":
		return wrap(n.schema, n.typ)
	case "defaultValue":
		if n.def == nil {
			return nil
		}
		return n.def.String()
	}
	return deprecationOf(name, n.directives)
}

type enumNode struct{ v *ast.EnumValueDefinition }

func (n enumNode) Get(name string, _ bool) any {
	switch name {
	case "name":
		return n.v.Name
	case "description":
		return text(n.v.Description)
	}
	return deprecationOf(name, n.v.Directives)
}

type directiveNode struct {
	schema *ast.Schema
	d      *ast.DirectiveDefinition
}

func (n directiveNode) Get(name string, deprecated bool) any {
	switch name {
	case "name":
		return n.d.Name
	case "description":
		return text(n.d.Description)
	case "isRepeatable":
		return n.d.IsRepeatable
	case "locations":
		out := make([]string, len(n.d.Locations))
		for i, l := range n.d.Locations {
			out[i] = string(l)
		}
		return out
	case "args":
		return arguments(n.schema, n.d.Arguments, deprecated)
	}
	return nil
}

func deprecationOf(name string, ds ast.DirectiveList) any {
	d := ds.ForName("deprecated")
	switch {
	case name == "isDeprecated":
		return d != nil
	case name == "deprecationReason" && d != nil:
		if a := d.Arguments.ForName("reason"); a != nil {
			return a.Value.Raw
		}
		return "No longer supported"
	}
	return nil
}
