package engine

import (
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// tells reports whether the asker may know that a change decided about the record:
// not where it did so through a parent alone that they do not see (P10).
func (t *timeline) tells(ch *storage.Change, before []*subject) (bool, error) {
	switch {
	case ch.Form != 0:
		return t.tellsOfStates(ch)
	case ch.Space == spaceUser:
		id, _ := directory.ChangedUser(ch.Key)
		return t.tellsOfOwner(id, 0, before)
	case ch.Space == spacePlace:
		id, _, _ := directory.ChangedPlace(ch.Key)
		return t.tellsOfOwner(id, 0, before)
	case ch.Space == spaceHide:
		form, owner, ok := parseHideKey(strings.TrimPrefix(ch.Key, t.events.prefix))
		if !ok {
			return false, nil
		}
		return t.tellsOfOwner(owner, form, before)
	}
	return true, nil
}

// tellsOfOwner reports whether somebody owns one of the records that decided and
// that the asker may know of, of a form or of any for 0; for any form it may be the
// person themselves.
func (t *timeline) tellsOfOwner(user record.ID, form uint32, before []*subject) (bool, error) {
	if form == 0 && user == t.q.User {
		return true, nil
	}
	for _, s := range slices.Concat(before, t.chain) {
		if s.rec.Owner() != user || form != 0 && s.form.def.Number != form {
			continue
		}
		if ok, err := t.tellsOf(s.form.def.Number, s.rec.ID(), s.rec); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (t *timeline) tellsOfStates(ch *storage.Change) (bool, error) {
	var states []record.Record
	for _, b := range [][]byte{ch.Before, ch.After} {
		if b == nil {
			continue
		}
		rec, err := stateOfRecord(ch.Record, b)
		if err != nil {
			return false, err
		}
		states = append(states, rec)
	}
	return t.tellsOf(ch.Form, ch.Record, states...)
}

// tellsOf reports whether the asker may know of states of a record: of the one that
// they ask about, and of those that they may see now, in those states too.
func (t *timeline) tellsOf(form uint32, id record.ID, states ...record.Record) (bool, error) {
	if id == t.q.Record {
		return true, nil
	}
	f := t.op.app.forms[form]
	if f == nil {
		return false, nil
	}
	if err := t.op.mayRecall(f, id); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = nil
		}
		return false, err
	}
	unseen := slices.ContainsFunc(states, func(rec record.Record) bool { return !t.op.sees(f, rec) })
	return !unseen, t.op.failed()
}

// tellsOfMove reports whether the asker may know of the parent that a record had, or
// of the one that it got.
func (t *timeline) tellsOfMove(fd *definition.Field, before, after record.Record) (bool, error) {
	for _, rec := range []record.Record{before, after} {
		id := rec.Get(&fd.Field).Ref()
		if id.IsZero() {
			continue
		}
		if ok, err := t.tellsOf(fd.Target, id); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
