package engine

import (
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Shown is the scope of what a schema shows of a form: Scope without the lookups
// to forms that the viewer cannot view, whose cells would all be null.
func (op *Op) Shown(number uint32) filter.Scope { return shown{scope{op.view.Shape(), number}} }

// Field finds a field by name that the schema shows, system fields included.
func (op *Op) Field(form uint32, name string) (record.Field, bool) {
	return op.Shown(form).Field(name)
}

type shown struct{ scope }

func (s shown) Field(name string) (record.Field, bool) {
	f, ok := s.scope.Field(name)
	if ok && f.Type.Links() {
		_, ok = s.scope.Related(f)
	}
	if !ok {
		return record.Field{}, false
	}
	return f, true
}

func (s shown) Reverse(name string) (filter.Reverse, filter.Scope, bool) {
	by, ok := s.reverse(name)
	return by, shown{scope{s.shape, by.Form}}, ok
}

func (s shown) Related(f record.Field) (filter.Scope, bool) {
	if _, ok := s.scope.Related(f); !ok {
		return nil, false
	}
	return shown{scope{s.shape, f.Target}}, true
}
