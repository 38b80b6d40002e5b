package app

import (
	"fmt"
	"strconv"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// draft reads the argument input: a value, or null, for each field given, and
// the records to add below a new one.
func (x *exec) draft(f *field) (*engine.Draft, error) {
	v, err := x.argument(f, "input")
	if err != nil {
		return nil, err
	}
	given, _ := v.(map[string]any)
	return x.r.draftOf(f.mean.Form, given, "input")
}

// draftOf reads a coerced input. A value that is none of its field's is kept as
// null with what is wrong with it: the engine says first what is not permitted.
func (r *Run) draftOf(number uint32, given map[string]any, at string) (*engine.Draft, error) {
	form, ok := r.schema.Form(number)
	if !ok {
		return nil, fmt.Errorf("resolvers/app: form %d is not of this schema", number)
	}
	d, names := &engine.Draft{Values: make(map[uint32]record.Value, len(given))}, make(map[uint32]string, len(given))
	for _, name := range sortedKeys(given) {
		if child, ok := form.Nested[name]; ok {
			below, err := r.belowOf(child, given[name], name, at)
			if err != nil {
				return nil, err
			}
			d.Below = append(d.Below, below)
			continue
		}
		field := form.Inputs[name]
		if field == nil {
			return nil, fault.New(fault.Invalid, "resolvers/app", "argument %s.%s: unknown field", at, name)
		}
		if other, twice := names[field.Number]; twice {
			return nil, fault.New(fault.Invalid, "resolvers/app", "argument %s: %s and %s are names of one field: give one of them", at, other, name)
		}
		names[field.Number] = name
		value, err := record.ParseValue(field, given[name])
		if err != nil {
			if d.Unread == nil {
				d.Unread = map[uint32]string{}
			}
			d.Unread[field.Number] = fault.Message(err)
		}
		d.Values[field.Number] = value
	}
	return d, nil
}

// belowOf reads a list of records to add below a new one; null is none.
func (r *Run) belowOf(form uint32, given any, name, at string) (engine.Below, error) {
	items, _ := given.([]any)
	below := engine.Below{Form: form, Name: name, Drafts: make([]*engine.Draft, len(items))}
	for i, item := range items {
		fields, _ := item.(map[string]any)
		d, err := r.draftOf(form, fields, at+"."+name+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return below, err
		}
		below.Drafts[i] = d
	}
	return below, nil
}

// added counts the records that a create would add. An input that cannot be
// read, which fails when the field is run, counts as one.
func (r *Run) added(f *field) int {
	v, _, err := argument(r.schema.AST, f.node, "input", r.vars)
	given, ok := v.(map[string]any)
	if err != nil || !ok {
		return 1
	}
	return r.addedBy(f.mean.Form, given)
}

func (r *Run) addedBy(number uint32, given map[string]any) int {
	n := 1
	form, ok := r.schema.Form(number)
	if !ok {
		return n
	}
	for name, child := range form.Nested {
		items, _ := given[name].([]any)
		for _, item := range items {
			fields, _ := item.(map[string]any)
			n += r.addedBy(child, fields)
		}
	}
	return n
}

// changeOwner gives a record to another owner. Text that is not an id names
// nobody, as an id does that nobody has.
func (x *exec) changeOwner(f *field) (record.ID, error) {
	id, err := x.id(f)
	if err != nil {
		return id, err
	}
	version, err := x.ifVersion(f)
	if err != nil {
		return id, err
	}
	owner, err := x.idNamed(f, "owner")
	if err != nil {
		return id, err
	}
	return id, x.req.Op.ChangeOwner(f.mean.Form, id, owner, version)
}
