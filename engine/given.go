package engine

import (
	"bytes"
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// given is what a request gives one record.
type given struct {
	form   *form
	shape  *policy.FormShape
	values map[uint32]record.Value
	unread map[uint32]string // of a draft
	isNew  bool
	at     func(field string) string // how the request calls a field
}

// checkGiven says all that is wrong with the values of one record: those that
// could not be read, references, bounds, what is required. full are the values
// with defaults, of a new record.
func (op *Op) checkGiven(g *given, full map[uint32]record.Value, wrong *problems) error {
	checkUnread(g.form, g.unread, g.at, wrong)
	if err := op.checkReferences(g.form, g.values, g.at, wrong); err != nil {
		return err
	}
	checkLimits(g.form, g.values, g.at, wrong)
	requireAll(g.form, g.shape, full, g.unread, g.isNew, g.at, wrong)
	return nil
}

// checkReferences answers alike for a reference that is absent and one out of
// reach (L2).
func (op *Op) checkReferences(f *form, input map[uint32]record.Value, at func(string) string, wrong *problems) error {
	for _, n := range slices.Sorted(maps.Keys(input)) {
		field, v := f.fields[n], input[n]
		if v.IsNull() {
			continue
		}
		switch field.Type {
		case record.Lookup:
			_, ok, err := op.Get(field.Target, v.Ref())
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return err
			}
			if !ok {
				wrong.about(at(field.Name), "no such record")
			}
		case record.MultiLookup:
			if err := op.checkTargets(field, v, at(field.Name), wrong); err != nil {
				return err
			}
		case record.Users:
			for i, id := range v.Refs() {
				if !op.memberOf(id) {
					wrong.about(item(at(field.Name), i), "no such user")
				}
			}
		case record.User:
			if !op.memberOf(v.Ref()) {
				wrong.about(at(field.Name), "no such user")
			}
		}
	}
	return op.failed()
}

// checkUnread reports the values that could not be read, and checkLimits those
// outside of what their fields allow.
func checkUnread(f *form, unread map[uint32]string, at func(string) string, wrong *problems) {
	for _, n := range slices.Sorted(maps.Keys(unread)) {
		wrong.about(at(f.fields[n].Name), "%s", unread[n])
	}
}

func checkLimits(f *form, input map[uint32]record.Value, at func(string) string, wrong *problems) {
	for _, fd := range f.def.Fields {
		if v, given := input[fd.Number]; given {
			if err := fd.Check(v); err != nil {
				wrong.about(at(fd.Name), "%s", fault.Message(err))
			}
		}
	}
}

// empty reports a value that does not do where one is required: none, a text of
// spaces, a list of nothing.
func empty(v record.Value) bool {
	switch v.Kind() {
	case record.KindNull:
		return true
	case record.KindText:
		return len(bytes.TrimSpace(v.Text())) == 0
	case record.KindList:
		return len(v.List()) == 0
	}
	return false
}

// requireAll checks that required fields have a value, other than those of
// unread. A field that the viewer cannot write is not named (B10).
func requireAll(f *form, shape *policy.FormShape, values map[uint32]record.Value, unread map[uint32]string, isNew bool,
	at func(string) string, wrong *problems) {
	unnamed := false
	for _, fd := range slices.Concat(f.def.Fields, f.soon) {
		if !fd.Required {
			continue
		}
		v, given := values[fd.Number]
		_, told := unread[fd.Number]
		switch {
		case told, given && !empty(v), !given && !isNew:
		case shape.Writable.Has(fd.Number):
			wrong.about(at(fd.Name), "a value is required")
		case !unnamed: // one field or several: how many is not told
			unnamed = true
			wrong.about("input", "a required field of %s has no value and may not be written with these rights", f.def.Name)
		}
	}
}
