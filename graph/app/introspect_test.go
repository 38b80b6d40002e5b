package app

import (
	"reflect"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// TestIntrospectionEqualsGqlgen walks the same schema twice: with our nodes as it
// was built, and with gqlgen's wrappers as it is loaded from its text. Both walks
// give the same tree, @defer aside, which the language's prelude declares and
// nothing here offers.
func TestIntrospectionEqualsGqlgen(t *testing.T) {
	for name, shape := range shapes() {
		s := build(t, shape)
		loaded, err := validator.LoadSchema(validator.Prelude, &ast.Source{Name: name, Input: sdl(s)})
		if err != nil {
			t.Fatal(err)
		}
		delete(loaded.Directives, "defer")
		for _, deprecated := range []bool{false, true} {
			ours, theirs := walkSchema(s.Introspect(), deprecated), wrapSchema(introspection.WrapSchema(loaded), deprecated)
			if !reflect.DeepEqual(ours, theirs) {
				t.Errorf("%s: introspection differs from gqlgen's\nours   %v\ntheirs %v", name, ours, theirs)
			}
		}
	}
}

func TestIntrospectTypeOfNothing(t *testing.T) {
	s := build(t, shapes()["nothing"])
	if s.IntrospectType("Order") != nil || s.IntrospectType("") != nil || s.IntrospectType("Query") == nil {
		t.Error("__type gives what the schema does not have")
	}
}

type tree = map[string]any

func get(n Node, deprecated bool, names ...string) tree {
	out := tree{}
	for _, name := range names {
		out[name] = n.Get(name, deprecated)
	}
	return out
}

func each(n Node, name string, deprecated bool, walk func(Node) any) any {
	v := n.Get(name, deprecated)
	if v == nil {
		return nil
	}
	out := []any{}
	for _, x := range v.([]Node) {
		out = append(out, walk(x))
	}
	return out
}

func walkSchema(n Node, dep bool) tree {
	out := get(n, dep, "description")
	for _, root := range []string{"queryType", "mutationType", "subscriptionType"} {
		if t, ok := n.Get(root, dep).(Node); ok {
			out[root] = t.Get("name", dep)
		}
	}
	out["types"] = each(n, "types", dep, func(t Node) any {
		m := get(t, dep, "kind", "name", "description", "specifiedByURL", "isOneOf")
		m["fields"] = each(t, "fields", dep, func(f Node) any { return walkField(f, dep) })
		m["interfaces"] = each(t, "interfaces", dep, walkRef)
		m["possibleTypes"] = each(t, "possibleTypes", dep, walkRef)
		m["inputFields"] = each(t, "inputFields", dep, walkInput)
		m["enumValues"] = each(t, "enumValues", dep, func(v Node) any {
			return get(v, dep, "name", "description", "isDeprecated", "deprecationReason")
		})
		return m
	})
	out["directives"] = each(n, "directives", dep, func(d Node) any {
		m := get(d, dep, "name", "description", "isRepeatable", "locations")
		m["args"] = each(d, "args", dep, walkInput)
		return m
	})
	return out
}

func walkField(f Node, dep bool) any {
	m := get(f, dep, "name", "description", "isDeprecated", "deprecationReason")
	m["args"] = each(f, "args", dep, walkInput)
	m["type"] = walkRef(f.Get("type", dep).(Node))
	return m
}

func walkInput(n Node) any {
	m := get(n, true, "name", "description", "defaultValue", "isDeprecated", "deprecationReason")
	m["type"] = walkRef(n.Get("type", true).(Node))
	return m
}

func walkRef(n Node) any {
	m := get(n, true, "kind", "name")
	if of, ok := n.Get("ofType", true).(Node); ok {
		m["ofType"] = walkRef(of)
	}
	return m
}

func str(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func only[T any](has bool, xs []T, walk func(*T) any) any {
	if !has {
		return nil
	}
	out := []any{}
	for i := range xs {
		out = append(out, walk(&xs[i]))
	}
	return out
}

func wrapSchema(s *introspection.Schema, dep bool) tree {
	out := tree{"description": str(s.Description())}
	for root, t := range map[string]*introspection.Type{"queryType": s.QueryType(), "mutationType": s.MutationType(), "subscriptionType": s.SubscriptionType()} {
		if t != nil {
			out[root] = str(t.Name())
		}
	}
	out["types"] = only(true, s.Types(), func(t *introspection.Type) any { return wrapType(t, dep) })
	out["directives"] = only(true, s.Directives(), func(d *introspection.Directive) any {
		return tree{"name": d.Name, "description": str(d.Description()), "isRepeatable": d.IsRepeatable, "locations": d.Locations,
			"args": only(true, d.VisibleArgs(dep), wrapInput)}
	})
	return out
}

func wrapType(t *introspection.Type, dep bool) any {
	k := t.Kind()
	composite := k == "OBJECT" || k == "INTERFACE"
	var oneOf any
	if k == "INPUT_OBJECT" {
		oneOf = t.IsOneOf()
	}
	return tree{
		"kind": k, "name": str(t.Name()), "description": str(t.Description()), "specifiedByURL": str(t.SpecifiedByURL()), "isOneOf": oneOf,
		"fields": only(composite, t.Fields(dep), func(f *introspection.Field) any {
			return tree{"name": f.Name, "description": str(f.Description()), "isDeprecated": f.IsDeprecated(),
				"deprecationReason": str(f.DeprecationReason()), "args": only(true, f.VisibleArgs(dep), wrapInput), "type": wrapRef(f.Type)}
		}),
		"interfaces":    only(composite, t.Interfaces(), wrapRef),
		"possibleTypes": only(k == "UNION" || k == "INTERFACE", t.PossibleTypes(), wrapRef),
		"inputFields":   only(k == "INPUT_OBJECT", t.VisibleInputFields(dep), wrapInput),
		"enumValues": only(k == "ENUM", t.EnumValues(dep), func(v *introspection.EnumValue) any {
			return tree{"name": v.Name, "description": str(v.Description()), "isDeprecated": v.IsDeprecated(), "deprecationReason": str(v.DeprecationReason())}
		}),
	}
}

func wrapInput(v *introspection.InputValue) any {
	return tree{"name": v.Name, "description": str(v.Description()), "defaultValue": str(v.DefaultValue),
		"isDeprecated": v.IsDeprecated(), "deprecationReason": str(v.DeprecationReason()), "type": wrapRef(v.Type)}
}

func wrapRef(t *introspection.Type) any {
	m := tree{"kind": t.Kind(), "name": str(t.Name())}
	if of := t.OfType(); of != nil {
		m["ofType"] = wrapRef(of)
	}
	return m
}
