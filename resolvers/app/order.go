package app

import (
	"fmt"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
)

// orders reads order keys of the field's form.
func (x *exec) orders(f *field, v any, where string) ([]engine.Order, error) {
	items, _ := v.([]any)
	form, ok := x.r.schema.Form(f.mean.Form)
	if len(items) == 0 || !ok {
		return nil, nil
	}
	out := make([]engine.Order, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		var err error
		if out[i], err = x.order(form, m, engine.Order{}, fmt.Sprintf("argument %s[%d]", where, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// order reads one key: a field of the form, or one lookup and a key of its target.
func (x *exec) order(form *app.Form, m map[string]any, k engine.Order, where string) (engine.Order, error) {
	refuse := func(format string, args ...any) (engine.Order, error) {
		return k, fault.New(fault.Invalid, "resolvers/app", "%s: "+format, append([]any{where}, args...)...)
	}
	var through string
	given := 0
	for _, name := range sortedKeys(m) {
		if form.Through[name] != nil && m[name] != nil {
			through = name
			given++
		}
	}
	name, named := m["field"].(string)
	if named {
		given++
	}
	switch {
	case given != 1:
		return refuse("expected either field or one lookup")
	case named:
		by, ok := form.Orders[name]
		if !ok {
			return refuse("unknown field")
		}
		k.Field, k.Desc, k.NullsFirst = by, m["direction"] == "DESC", m["nulls"] == "FIRST"
		return k, nil
	case m["direction"] == "DESC" || m["nulls"] == "FIRST":
		return refuse("direction and nulls belong beside field, within %s", through)
	case len(k.Path) == engine.MaxOrderPath:
		return refuse("at most %d lookups lead to a field to order by", engine.MaxOrderPath)
	}
	by := form.Through[through]
	target, ok := x.r.schema.Form(by.Target)
	if !ok {
		return refuse("unknown field")
	}
	k.Path = append(k.Path, *by)
	next, _ := m[through].(map[string]any)
	return x.order(target, next, k, where+"."+through)
}
