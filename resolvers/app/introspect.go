package app

import (
	"strconv"

	"sluice/graph/app"
)

// introType writes __type(name:).
func (x *exec) introType(f *field) bool {
	v, err := x.argument(f, "name")
	if err != nil {
		return x.fail(f, err)
	}
	name, _ := v.(string)
	n := x.r.schema.IntrospectType(name)
	if n == nil {
		return x.null()
	}
	return x.node(f.sub, n)
}

// node writes an object of introspection.
func (x *exec) node(s *set, n app.Node) bool {
	return x.object(s, func(f *field) bool {
		deprecated := false
		if f.node.Definition.Arguments != nil {
			v, err := x.argument(f, "includeDeprecated")
			if err != nil {
				return x.fail(f, err)
			}
			deprecated, _ = v.(bool)
		}
		return x.introspected(f, n.Get(f.node.Name, deprecated))
	})
}

func (x *exec) introspected(f *field, v any) bool {
	switch v := v.(type) {
	case nil:
		if f.nonNull {
			return x.unknown(f)
		}
		return x.null()
	case string:
		x.text(v)
	case bool:
		x.b = strconv.AppendBool(x.b, v)
	case app.Node:
		return x.node(f.sub, v)
	case []string:
		return x.array(len(v), func(i int) bool {
			x.text(v[i])
			return true
		})
	case []app.Node:
		return x.array(len(v), func(i int) bool { return x.node(f.sub, v[i]) })
	}
	return true
}
