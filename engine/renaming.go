package engine

import (
	"fmt"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// named is what a key of a filter stands for, with another key for the same.
type named struct {
	key string
	// form is whose records the filter below the key is about, 0 for none.
	form uint32
	many bool // there are some, every and none of them
}

type naming = func(form uint32, key string) (named, bool)

// namedField is what the key of a field stands for.
func namedField(f *record.Field, key string) named {
	n := named{key: key}
	if f.Type.Links() {
		n.form, n.many = f.Target, f.Type == record.MultiLookup
	}
	return n
}

func fieldKey(number uint32) string { return fmt.Sprintf("#%d", number) }

func wayKey(by filter.Reverse) string { return fmt.Sprintf("#%d.%d", by.Form, by.Lookup.Number) }

// numberOf reads the key of a field in a stored filter, 0 for what is none; wayOf
// that of records that lead here.
func numberOf(key string) uint32 {
	var n uint32
	if _, err := fmt.Sscanf(key, "#%d", &n); err != nil || key != fieldKey(n) {
		return 0
	}
	return n
}

func wayOf(key string) (by filter.Reverse, ok bool) {
	_, err := fmt.Sscanf(key, "#%d.%d", &by.Form, &by.Lookup.Number)
	return by, err == nil && key == wayKey(by)
}

// shownName finds what a key of a stored filter stands for among what the
// viewer's schema shows, by its name of today.
func (op *Op) shownName(form uint32, key string) (named, bool) {
	by, many := wayOf(key)
	if !many {
		f, ok := op.shownField(form, numberOf(key))
		return namedField(&f, f.Name), ok
	}
	for _, r := range op.view.Shape().Reverses()[form] {
		if r.Child.Form.Number == by.Form && r.Lookup.Number == by.Lookup.Number {
			return named{key: r.Name, form: by.Form, many: true}, true
		}
	}
	return named{}, false
}

// storedName is the opposite of shownName.
func (op *Op) storedName(form uint32, key string) (named, bool) {
	if f, ok := op.Field(form, key); ok {
		return namedField(&f, fieldKey(f.Number)), true
	}
	by, ok := scope{op.view.Shape(), form}.reverse(key)
	return named{key: wayKey(by), form: by.Form, many: true}, ok
}

// renamed returns a filter with other keys in the place of the names of fields;
// false where name does not find one.
func renamed(src any, form uint32, name naming) (any, bool) {
	m, ok := src.(map[string]any)
	if !ok {
		return nil, false
	}
	out := make(map[string]any, len(m))
	for key, x := range m {
		y := x
		switch key {
		case "and", "or":
			y, ok = renamedList(x, form, name)
		case "not":
			y, ok = renamed(x, form, name)
		case filter.IsNull.String():
		default:
			var n named
			n, ok = name(form, key)
			key = n.key
			switch {
			case ok && n.many:
				y, ok = renamedMany(x, n.form, name)
			case ok && n.form != 0:
				y, ok = renamed(x, n.form, name)
			}
		}
		if !ok {
			return nil, false
		}
		out[key] = y
	}
	return out, true
}

func renamedList(src any, form uint32, name naming) (any, bool) {
	l, ok := src.([]any)
	out := make([]any, len(l))
	for i := 0; ok && i < len(l); i++ {
		out[i], ok = renamed(l[i], form, name)
	}
	return out, ok
}

// renamedMany is renamed below some, every and none; what else stands beside them
// is of the list itself.
func renamedMany(src any, form uint32, name naming) (any, bool) {
	m, ok := src.(map[string]any)
	out := make(map[string]any, len(m))
	for kind, x := range m {
		out[kind] = x
		if filter.IsQuantifier(kind) {
			var here bool
			out[kind], here = renamed(x, form, name)
			ok = ok && here
		}
	}
	return out, ok
}
