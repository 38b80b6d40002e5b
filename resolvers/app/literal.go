package app

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// literal turns a value written in a document into a value of the type.
// Variables in it stand for what vars holds; one that has no value counts as
// left out.
func literal(s *ast.Schema, v *ast.Value, t *ast.Type, vars map[string]any) (any, error) {
	switch {
	case v.Kind == ast.Variable:
		return variable(v, t, vars)
	case v.Kind == ast.NullValue && t.NonNull:
		return nil, fail("expected a value of type %s, found null", t)
	case v.Kind == ast.NullValue:
		return nil, nil
	case t.Elem != nil:
		return literalList(s, v, t, vars)
	}
	def := s.Types[t.NamedType]
	switch {
	case def == nil:
		return nil, fail("unknown type")
	case def.Kind == ast.InputObject:
		return literalObject(s, v, def, vars)
	case def.Kind == ast.Enum:
		if v.Kind == ast.EnumValue && def.EnumValues.ForName(v.Raw) != nil {
			return v.Raw, nil
		}
		return nil, fail("expected a value of enum %s", def.Name)
	}
	if def.Name == "JSON" {
		return untyped(v, vars)
	}
	if out, ok := scalar(def.Name, plain(v)); ok {
		return out, nil
	}
	return nil, fail("expected %s", scalarWanted(def.Name))
}

// variable gives a variable's value, which was coerced to the variable's own
// type; only null can still be wrong, where a default let the types differ.
func variable(v *ast.Value, t *ast.Type, vars map[string]any) (any, error) {
	value, ok := vars[v.Raw]
	if (!ok || value == nil) && t.NonNull {
		return nil, fail("expected a value of type %s, found null", t)
	}
	if _, list := value.([]any); t.Elem != nil && value != nil && !list {
		return []any{value}, nil
	}
	return value, nil
}

// plain returns a scalar literal as encoding/json would have read it; nil for
// anything that is not one.
func plain(v *ast.Value) any {
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw)
	case ast.StringValue, ast.BlockValue:
		return v.Raw
	case ast.BooleanValue:
		return v.Raw == "true"
	}
	return nil
}

// untyped turns a value of JSON, written in a document, into what encoding/json
// would have read. An enum value is no JSON.
func untyped(v *ast.Value, vars map[string]any) (any, error) {
	switch v.Kind {
	case ast.Variable:
		return vars[v.Raw], nil
	case ast.EnumValue:
		return nil, fail("expected a value of JSON; text is written in quotes")
	case ast.ListValue:
		items := make([]any, len(v.Children))
		for i, c := range v.Children {
			item, err := untyped(c.Value, vars)
			if err != nil {
				return nil, within("["+strconv.Itoa(i)+"]", err)
			}
			items[i] = item
		}
		return items, nil
	case ast.ObjectValue:
		members := make(map[string]any, len(v.Children))
		for _, c := range v.Children {
			member, err := untyped(c.Value, vars)
			if err != nil {
				return nil, within("."+c.Name, err)
			}
			if !unset(c.Value, vars) {
				members[c.Name] = member
			}
		}
		return members, nil
	}
	return plain(v), nil
}

func literalList(s *ast.Schema, v *ast.Value, t *ast.Type, vars map[string]any) (any, error) {
	if v.Kind != ast.ListValue {
		one, err := literal(s, v, t.Elem, vars)
		if err != nil {
			return nil, err
		}
		return []any{one}, nil
	}
	out := make([]any, len(v.Children))
	for i, c := range v.Children {
		one, err := literal(s, c.Value, t.Elem, vars)
		if err != nil {
			return nil, within("["+strconv.Itoa(i)+"]", err)
		}
		out[i] = one
	}
	return out, nil
}

func literalObject(s *ast.Schema, v *ast.Value, def *ast.Definition, vars map[string]any) (any, error) {
	if v.Kind != ast.ObjectValue {
		return nil, fail("expected an object of type %s", def.Name)
	}
	out := make(map[string]any, len(v.Children))
	for _, f := range def.Fields {
		c := v.Children.ForName(f.Name)
		if c == nil || unset(c, vars) {
			if err := absent(s, f, out); err != nil {
				return nil, err
			}
			continue
		}
		value, err := literal(s, c, f.Type, vars)
		if err != nil {
			return nil, within("."+f.Name, err)
		}
		out[f.Name] = value
	}
	return out, nil
}

// unset reports whether v is a variable without value.
func unset(v *ast.Value, vars map[string]any) bool {
	if v.Kind != ast.Variable {
		return false
	}
	_, ok := vars[v.Raw]
	return !ok
}

// argument returns the value of a field's argument: nil and false when it was
// left out and has no default.
func argument(s *ast.Schema, f *ast.Field, name string, vars map[string]any) (any, bool, error) {
	def := f.Definition.Arguments.ForName(name)
	if def == nil {
		return nil, false, nil
	}
	given := f.Arguments.ForName(name)
	if given != nil && !unset(given.Value, vars) {
		v, err := literal(s, given.Value, def.Type, vars)
		return v, err == nil, err
	}
	if def.DefaultValue != nil {
		v, err := literal(s, def.DefaultValue, def.Type, nil)
		return v, err == nil, err
	}
	if def.Type.NonNull {
		return nil, false, fail("a value of type %s is required", def.Type)
	}
	return nil, false, nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
