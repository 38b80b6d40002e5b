package engine

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// MaxBulk is how many records a write by filter or by a list of ids may be about.
const MaxBulk = MaxPage

var errForbiddenMatch = fault.New(fault.Forbidden, opWrite, "where: not permitted on all of the records that match; nothing was changed")

// Amendment gives one record other values.
type Amendment struct {
	ID        record.ID
	Draft     *Draft
	IfVersion uint32 // 0 for any
}

// AddMany is Add of several records of one form: all of them or none. What is
// wrong with them is told of all at once, as [Problems], by the way from
// "input[0]". Limit for more than MaxBulk.
func (op *Op) AddMany(number uint32, ds []*Draft) ([]record.ID, error) {
	if len(ds) > MaxBulk {
		return nil, fault.New(fault.Limit, opWrite, "input: at most %d records are added at once", MaxBulk)
	}
	paths := make([]string, len(ds))
	for i := range ds {
		paths[i] = "input[" + strconv.Itoa(i) + "]"
	}
	return op.add(number, ds, paths)
}

// ChangeMany is Change of several records of one form: all of them or none. Each
// is judged as it was before the first is changed (W3); they are changed in the
// order given. Errors as Change: what forbids any of them comes before what is
// wrong with any; the latter is told of all at once, as [Problems], by the way
// from "updates[0]". Invalid for a record that is named twice, Limit for more
// than MaxBulk.
func (op *Op) ChangeMany(number uint32, changes []Amendment) error {
	f, shape, err := op.writable(number)
	if err != nil {
		return err
	}
	if len(changes) > MaxBulk {
		return fault.New(fault.Limit, opWrite, "updates: at most %d records are changed at once", MaxBulk)
	}
	if !shape.Edit {
		return errForbidden
	}
	ids := make([]record.ID, len(changes))
	for i, c := range changes {
		ids[i] = c.ID
	}
	if _, err := op.may(number, definition.Edit, ids); err != nil { // asks rules in batches
		return err
	}
	revisions := make([]*revision, len(changes))
	first := map[record.ID]int{}
	for i, c := range changes {
		path := "updates[" + strconv.Itoa(i) + "]"
		s, err := op.target(f, number, c.ID, definition.Edit)
		if err != nil {
			return placed(err, path)
		}
		r := op.revision(f, shape, s)
		r.values, r.unread, r.ifVersion = c.Draft.Values, c.Draft.Unread, c.IfVersion
		r.at, r.path = func(name string) string { return path + ".input." + name }, path+"."
		if at, twice := first[c.ID]; twice {
			r.twice = fmt.Sprintf("the record of updates[%d] again", at)
		}
		first[c.ID] = i
		revisions[i] = r
	}
	return op.apply(revisions)
}

// placed says where in a list an error was met.
func placed(err error, path string) error {
	switch {
	case errors.Is(err, errRecordNotFound):
		return fault.New(fault.NotFound, opWrite, "%s.id: record not found", path)
	case errors.Is(err, errForbidden):
		return fault.New(fault.Forbidden, opWrite, "%s.id: not permitted on this record", path)
	}
	return err
}

// ChangeWhere gives the same values to every record in VIEW reach that matches a
// filter, read as the viewer reads them, and returns their ids in ascending
// order. It is one change: judged on what is stored before the first record is
// written, each record changed once. Where the viewer may not edit one of them,
// or a mask hides a cell that is to be written on one, nothing is changed
// (Forbidden, W5). Errors else as Change, and Invalid for a filter that compares
// nothing, Limit for more than MaxBulk records.
func (op *Op) ChangeWhere(number uint32, where filter.Expr, d *Draft) ([]record.ID, error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return nil, err
	}
	ids, subjects, err := op.matching(f, shape.Edit, where, definition.Edit)
	if err != nil {
		return nil, err
	}
	at := func(name string) string { return "input." + name }
	revisions := make([]*revision, len(ids))
	if len(ids) > 1 {
		d = unshared(f, d)
	}
	for i, s := range subjects {
		revisions[i] = op.revision(f, shape, s)
		revisions[i].values, revisions[i].at, revisions[i].shared = d.Values, at, i > 0
		revisions[i].unread = d.Unread
	}
	if len(ids) == 0 {
		return nil, op.checkUnused(f, shape, d, at)
	}
	if err := op.apply(revisions); err != nil {
		return nil, err
	}
	return ids, nil
}

// unshared is a draft for several records: a file belongs to one.
func unshared(f *form, d *Draft) *Draft {
	out := &Draft{Values: maps.Clone(d.Values), Unread: maps.Clone(d.Unread)}
	for n, v := range d.Values {
		if x := f.fields[n]; x == nil || !x.Type.IsFile() || v.IsNull() {
			continue
		}
		if out.Unread == nil {
			out.Unread = map[uint32]string{}
		}
		out.Values[n], out.Unread[n] = record.Value{}, "more than one record matches, and a file belongs to one"
	}
	return out
}

// checkUnused says what is wrong with values that no record is given.
func (op *Op) checkUnused(f *form, shape *policy.FormShape, d *Draft, at func(string) string) error {
	if err := checkWritable(f, shape, d.Values); err != nil {
		return err
	}
	if err := op.checkParent(f, d.Values, at); err != nil {
		return err
	}
	var wrong problems
	if err := op.checkGiven(&given{form: f, shape: shape, values: d.Values, unread: d.Unread, at: at}, d.Values, &wrong); err != nil {
		return err
	}
	return wrong.err()
}

// DeleteWhere deletes every record in VIEW reach that matches a filter, and
// returns their ids in ascending order; otherwise as ChangeWhere.
func (op *Op) DeleteWhere(number uint32, where filter.Expr) ([]record.ID, error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return nil, err
	}
	ids, subjects, err := op.matching(f, shape.Delete, where, definition.Delete)
	if err != nil {
		return nil, err
	}
	for _, s := range subjects {
		if err := op.drop(f, shape, s); err != nil {
			op.fail(err) // some are gone already: none of it is committed
			return nil, err
		}
	}
	return ids, nil
}

// matching returns the records that a write by filter is about. All of them are
// known before the first is written, so that none is met again for what the
// write made of it.
func (op *Op) matching(f *form, possible bool, where filter.Expr, a definition.Action) ([]record.ID, []*subject, error) {
	number := f.def.Number
	if !possible {
		return nil, nil, errForbidden
	}
	if where == nil || len(filter.Fields(where)) == 0 {
		return nil, nil, fault.New(fault.Invalid, opWrite, "where: a filter that compares nothing; all records are {id: {isNull: false}}")
	}
	page, err := op.List(List{Form: number, Where: where, First: MaxBulk})
	if err != nil {
		return nil, nil, err
	}
	if page.HasNext {
		return nil, nil, fault.New(fault.Limit, opWrite, "where: more than %d records match; narrow the filter", MaxBulk)
	}
	ids := make([]record.ID, len(page.Records))
	for i, r := range page.Records {
		ids[i] = r.ID()
	}
	allowed, err := op.may(number, a, ids)
	if err != nil {
		return nil, nil, err
	}
	subjects := make([]*subject, len(ids))
	for i, id := range ids {
		rec, ok := op.raw(f, id)
		if !ok || !allowed[i] {
			return nil, nil, op.or(errForbiddenMatch)
		}
		subjects[i] = &subject{op: op, form: f, rec: rec.Clone()}
	}
	return ids, subjects, op.failed()
}

// Upsert changes the record in VIEW reach whose unique field holds the value that
// the draft gives it, as the viewer reads it, or else adds one. Which of the two
// depends on what is stored. A value that is held by a record out of reach, or in
// a cell that a mask hides, is taken: Conflict, as for Create (P3, H5). Errors
// else as Change or Add; Forbidden without the right to do either on some record;
// Invalid where the draft gives the key no value.
func (op *Op) Upsert(number, key uint32, d *Draft) (id record.ID, created bool, err error) {
	f, shape, err := op.writable(number)
	if err != nil {
		return id, false, err
	}
	if !shape.Create || !shape.Edit {
		return id, false, errForbidden
	}
	_, ok := f.field(key)
	if !ok || !shape.Writable.Has(key) {
		return id, false, fault.New(fault.Invalid, opWrite, "key: a field that does not exist or may not be written")
	}
	v := d.Values[key]
	if v.IsNull() {
		twin := *d
		twin.Unread = maps.Clone(d.Unread)
		if twin.Unread == nil {
			twin.Unread = map[uint32]string{}
		}
		if _, told := twin.Unread[key]; !told {
			twin.Unread[key] = "a value is required, as it is the key"
		}
		d = &twin
	} else if holder, ok, err := op.FindUnique(number, key, v); err != nil {
		return id, false, err
	} else if ok {
		return holder, false, op.Change(number, holder, d, 0)
	}
	id, err = op.Add(number, d)
	return id, err == nil, err
}
