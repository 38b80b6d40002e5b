package app

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// maxInputDepth bounds how deep input objects and lists may nest in variables;
// the parser bounds it for literals.
const maxInputDepth = 64

// Coerced values are: nil, bool, string (String, ID, enums), int64 (Int),
// float64 (Float), json.Number or string (our own scalars, and anything of
// encoding/json for JSON), []any, and map[string]any with the defaults of the input object filled in.

// variables coerces the values that a client sent, as encoding/json reads them
// with UseNumber, to the variables of an operation. What is not declared is
// ignored, as the specification says.
func variables(s *ast.Schema, defs ast.VariableDefinitionList, sent map[string]any) (map[string]any, error) {
	if len(defs) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(defs))
	for _, d := range defs {
		v, ok := sent[d.Variable]
		switch {
		case !ok && d.DefaultValue != nil:
			value, err := literal(s, d.DefaultValue, d.Type, nil)
			if err != nil {
				return nil, fmt.Errorf("variable $%s%w", d.Variable, err)
			}
			out[d.Variable] = value
		case !ok && d.Type.NonNull:
			return nil, fmt.Errorf("variable $%s of type %s is required", d.Variable, d.Type)
		case ok:
			value, err := coerce(s, v, d.Type, 0)
			if err != nil {
				return nil, fmt.Errorf("variable $%s%w", d.Variable, err)
			}
			out[d.Variable] = value
		}
	}
	return out, nil
}

// placed is an error inside a value, with the way to it.
type placed struct{ at, msg string }

func (p placed) Error() string { return p.at + ": " + p.msg }

func fail(format string, args ...any) error { return placed{msg: fmt.Sprintf(format, args...)} }

func within(at string, err error) error {
	if p, ok := err.(placed); ok {
		return placed{at: at + p.at, msg: p.msg}
	}
	return err
}

// coerce turns a JSON value into a value of the type.
func coerce(s *ast.Schema, v any, t *ast.Type, depth int) (any, error) {
	switch {
	case depth > maxInputDepth:
		return nil, fail("the value nests deeper than %d levels", maxInputDepth)
	case v == nil && t.NonNull:
		return nil, fail("expected a value of type %s, found null", t)
	case v == nil:
		return nil, nil
	case t.Elem != nil:
		return coerceList(s, v, t, depth)
	}
	def := s.Types[t.NamedType]
	switch {
	case def == nil:
		return nil, fail("unknown type")
	case def.Kind == ast.InputObject:
		return coerceObject(s, v, def, depth)
	case def.Kind == ast.Enum:
		if name, ok := v.(string); ok && def.EnumValues.ForName(name) != nil {
			return name, nil
		}
		return nil, fail("expected a value of enum %s", def.Name)
	}
	if out, ok := scalar(def.Name, v); ok {
		return out, nil
	}
	return nil, fail("expected %s", scalarWanted(def.Name))
}

func coerceList(s *ast.Schema, v any, t *ast.Type, depth int) (any, error) {
	items, ok := v.([]any)
	if !ok { // a single value stands for a list of one
		one, err := coerce(s, v, t.Elem, depth+1)
		if err != nil {
			return nil, err
		}
		return []any{one}, nil
	}
	out := make([]any, len(items))
	for i, item := range items {
		one, err := coerce(s, item, t.Elem, depth+1)
		if err != nil {
			return nil, within("["+strconv.Itoa(i)+"]", err)
		}
		out[i] = one
	}
	return out, nil
}

func coerceObject(s *ast.Schema, v any, def *ast.Definition, depth int) (any, error) {
	sent, ok := v.(map[string]any)
	if !ok {
		return nil, fail("expected an object of type %s", def.Name)
	}
	for _, name := range sortedKeys(sent) {
		if def.Fields.ForName(name) == nil {
			return nil, fail("field %q is not defined by type %q", name, def.Name)
		}
	}
	out := make(map[string]any, len(sent))
	for _, f := range def.Fields {
		x, ok := sent[f.Name]
		if !ok {
			if err := absent(s, f, out); err != nil {
				return nil, err
			}
			continue
		}
		value, err := coerce(s, x, f.Type, depth+1)
		if err != nil {
			return nil, within("."+f.Name, err)
		}
		out[f.Name] = value
	}
	return out, nil
}

// absent fills in the default of an input field that was left out.
func absent(s *ast.Schema, f *ast.FieldDefinition, out map[string]any) error {
	if f.DefaultValue != nil {
		value, err := literal(s, f.DefaultValue, f.Type, nil)
		out[f.Name] = value
		return err
	}
	if f.Type.NonNull {
		return within("."+f.Name, fail("a value of type %s is required", f.Type))
	}
	return nil
}

// scalar coerces a JSON or literal value to a scalar type.
func scalar(name string, v any) (any, bool) {
	switch name {
	case "Int":
		n, ok := wholeNumber(v)
		return n, ok && n >= math.MinInt32 && n <= math.MaxInt32
	case "Float":
		if n, ok := v.(json.Number); ok {
			f, err := n.Float64()
			return f, err == nil
		}
		return nil, false
	case "Boolean":
		b, ok := v.(bool)
		return b, ok
	case "ID":
		if n, ok := v.(json.Number); ok {
			_, err := strconv.ParseInt(string(n), 10, 64)
			return string(n), err == nil
		}
		s, ok := v.(string)
		return s, ok
	case "Long", "Decimal":
		if n, ok := v.(json.Number); ok {
			return n, true
		}
		s, ok := v.(string)
		return s, ok
	case "JSON":
		return v, true
	}
	s, ok := v.(string)
	return s, ok
}

// wholeNumber reads a JSON number without fraction: 3, 3.0 and 3e0 alike.
func wholeNumber(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

func scalarWanted(name string) string {
	switch name {
	case "Int":
		return "an integer of type Int, within 32 bits"
	case "Float":
		return "a number of type Float"
	case "Boolean":
		return "true or false"
	case "ID":
		return "a string of type ID"
	case "Long", "Decimal":
		return "a number or a string of type " + name
	}
	return "a string of type " + name
}
