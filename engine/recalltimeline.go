package engine

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// maxLookedAt bounds the moments that one page of a history of access decides
// about.
const maxLookedAt = 500

// AccessHistory asks for the moments at which a person's access to a record
// changed.
type AccessHistory struct {
	Application, Form string // the form under the name that it has now
	Record, User      record.ID
	From              time.Time
	To                time.Time // zero for now
	First             int       // changes, 0 to MaxPage
	After             string    // a cursor of the same history, empty for the beginning
}

// Access is what a person could do with a record.
type Access struct {
	// Exists says that the record was there, as far as the asker may know.
	Exists  bool
	Actions []definition.Action // VIEW first; empty for none
	Fields  []string            // that they could read, in the order of the form
	Ground  policy.Ground       // the strongest for VIEW, zero for none
	// Untold says that it cannot be told: it took the answer of a module that cannot
	// be run any more. The rest is empty then.
	Untold bool

	numbers record.FieldSet // of Fields
}

// same reports whether a person could do the same. Fields are compared by number:
// a field that was renamed is the same one.
func (a *Access) same(b *Access) bool {
	return a.Untold == b.Untold && slices.Equal(a.Actions, b.Actions) && a.numbers.Equal(b.numbers)
}

// AccessChange is a moment at which a person's access to a record changed.
type AccessChange struct {
	Time   time.Time
	By     record.ID // who made the change, zero for nobody and where no cause is told
	ByName string    // what they are called now, empty for nobody
	// Causes are what was changed at that moment of what decides about this person
	// and this record, in the order of the change. What decided through a parent that
	// the asker does not see is none of them: there are none where that was all.
	Causes []Cause
	After  Access

	seq uint64
}

// AccessChanges are a page of a history of access, the oldest first.
type AccessChanges struct {
	Marks
	User        record.ID
	DisplayName string // of now, empty for somebody who was deleted
	// Start is the access at the beginning of the page.
	Start   Access
	Changes []AccessChange
	// Until is how far the page looked: there may be less on it than was asked for
	// while HasNext says that there is more to look at.
	Until time.Time

	end uint64
}

// Cursor returns the sealed cursor behind the page.
func (p *AccessChanges) Cursor() string { return p.cursor(seqMark(p.end)) }

// seqMark puts a sequence into the place of an id. The cursor is sealed: what it
// tells of changes elsewhere nobody reads.
func seqMark(seq uint64) (id record.ID) {
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

// AccessHistory returns the moments of a range of time at which the access of a
// person to a record changed, with an interactive sign-in, and why. What the
// principal may know of the past is as WhoCouldSee says: while the record was in
// a state that they could not see now, it counts as absent. NotFound is also a
// person who never had a place in the application.
//
// Errors are those of WhoCouldSee; From may lie before the application, the person
// or the record, whose beginning is a change then. The use is written down.
func (e *Engine) AccessHistory(ctx context.Context, p identity.Principal, q AccessHistory) (*AccessChanges, error) {
	op, err := e.recall(ctx, p, q.Application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	now := e.o.Now()
	if q.To.IsZero() {
		q.To = now
	}
	if q.To.After(now) || q.From.After(q.To) {
		return nil, fault.New(fault.Invalid, opRecall, "to: expected a time that has passed, and not before from")
	}
	f, err := op.formNamed(q.Form)
	if err != nil {
		return nil, err
	}
	words := append(op.recordWords("accessHistory", f.def.Number, q.Record), q.User[:])
	marks, err := op.newPart(Part{First: q.First, After: q.After}, words...)
	if err != nil {
		return nil, err
	}
	if err := op.noteRecall(Look{Form: q.Form, Record: q.Record, Target: q.User}, map[string]string{
		"asks": "accessHistory", "from": q.From.UTC().Format(time.RFC3339Nano), "to": q.To.UTC().Format(time.RFC3339Nano),
	}); err != nil {
		return nil, err
	}
	if err := op.mayRecall(f, q.Record); err != nil {
		return nil, err
	}
	if err := op.knewMember(q.User); err != nil {
		return nil, err
	}
	return op.accessHistory(f, &q, marks)
}

func (op *Op) accessHistory(f *form, q *AccessHistory, marks Marks) (*AccessChanges, error) {
	from, err := op.snapshot.ChangeAt(q.From)
	if err != nil {
		return nil, err
	}
	if marks.after != nil {
		from = max(from, binary.BigEndian.Uint64(marks.after.id[8:]))
	}
	to, err := op.snapshot.ChangeAt(q.To)
	if err != nil {
		return nil, err
	}
	t := &timeline{op: op, form: f, q: q, page: &AccessChanges{Marks: marks, User: q.User, DisplayName: op.nameOf(q.User), Until: q.To}}
	defer t.close()
	if err := t.run(min(from, to), to); err != nil {
		return nil, err
	}
	return t.page, nil
}

// timeline goes through what decided about one person and one record.
type timeline struct {
	op   *Op
	form *form
	q    *AccessHistory
	page *AccessChanges

	then   *retrospect
	access Access
	chain  []*subject // the record, as the asker may know of it, and its parents
	events *pastEvents
}

func (t *timeline) close() {
	if t.events != nil {
		t.events.close()
	}
}

func (t *timeline) run(from, to uint64) (err error) {
	if whole, err := t.op.snapshot.Whole(from); err != nil || !whole {
		return t.op.forgotten(err)
	}
	if t.then, err = t.op.behind(from); err != nil {
		return err
	}
	if t.access, err = t.look(); err != nil {
		return err
	}
	t.page.Start, t.page.end = t.access, from
	t.events = newPastEvents(t.op.snapshot, t.op.app.def.Name, from, to)
	t.events.follow(t.form, t.q.Record, t.chain, from)
	for looked := 0; ; looked++ {
		moment, ok, err := t.events.next(t.concerns)
		if err != nil {
			return err
		}
		if !ok {
			t.page.end = to
			return nil
		}
		if looked == maxLookedAt || len(t.page.Changes) == t.q.First {
			t.page.HasNext = true
			return t.until()
		}
		if err := t.step(moment); err != nil {
			return err
		}
	}
}

// until says when the page ends that is not the last.
func (t *timeline) until() error {
	t.page.Until = t.q.From
	if t.page.end == 0 {
		return nil
	}
	ch, ok, err := t.op.snapshot.Change(t.page.end)
	if ok && ch.Meta.Time.After(t.q.From) {
		t.page.Until = ch.Meta.Time
	}
	return err
}

// step moves on to a moment and looks what it changed.
func (t *timeline) step(m *moment) error {
	if err := t.op.ctx.Err(); err != nil {
		return err
	}
	before := t.chain
	app := slices.ContainsFunc(m.changes, func(ch storage.Change) bool {
		return ch.Form == 0 && ch.Space != spaceUser && ch.Space != spacePlace
	})
	if err := t.renew(m.end, app); err != nil {
		return err
	}
	access, err := t.look()
	if err != nil {
		return err
	}
	if t.page.end = m.end; !access.same(&t.access) {
		c := AccessChange{Time: m.changes[0].Meta.Time, After: access, seq: m.end}
		if c.Causes, err = t.causes(m, before); err != nil {
			return err
		}
		if len(c.Causes) > 0 {
			c.By = m.changes[0].Meta.Actor
			c.ByName = t.op.nameOf(c.By)
		}
		t.page.Changes = append(t.page.Changes, c)
	}
	t.access = access
	t.events.follow(t.form, t.q.Record, t.chain, m.end)
	return nil
}

// renew moves the state forward to an entry of the log. app says that the
// definition, rules or hides of the application changed on the way.
func (t *timeline) renew(seq uint64, app bool) (err error) {
	then := t.then
	if err := then.past.Advance(seq); err != nil {
		return err
	}
	people, definition := then.op.people, then.op.app
	if t.events.people {
		t.events.people = false
		if people, err = t.op.e.o.Directory.Recall(then.past, people); err != nil {
			return err
		}
	}
	if app {
		if definition, err = then.application(definition); err != nil {
			return err
		}
	}
	return then.renew(people, definition)
}

// look decides about the person and the record in the state that then stands on.
func (t *timeline) look() (Access, error) {
	t.chain = nil
	if t.then.op.app == nil {
		return Access{}, nil
	}
	s, err := t.then.subject(t.form, t.q.Record)
	if err != nil || s == nil {
		return Access{}, err
	}
	t.chain = chainOf(s)
	if err := t.then.op.failed(); err != nil {
		return Access{}, err
	}
	return t.then.access(s, t.q.User)
}

// chainOf returns a record and the parents that decide about it.
func chainOf(s *subject) []*subject {
	out := []*subject{s}
	for {
		parent, ok := out[len(out)-1].Parent()
		if !ok {
			return out
		}
		p := parent.(*subject)
		if slices.ContainsFunc(out, func(o *subject) bool { return o.rec.ID() == p.rec.ID() }) {
			return out
		}
		out = append(out, p)
	}
}

// access decides about one person.
func (r *retrospect) access(s *subject, user record.ID) (Access, error) {
	out := Access{Exists: true}
	u, ok := r.op.people.User(user)
	if !ok {
		return out, nil
	}
	op, ok := r.op.lookers().at(u)
	if !ok {
		return out, nil
	}
	s = &subject{op: op, form: s.form, rec: s.rec}
	o, sees, _ := op.onlooker(s, nil, u)
	if sees {
		out.Actions, out.Ground = o.Actions, o.Ground
		out.Fields, out.numbers = op.fieldsOf(s)
	}
	if op.doubt {
		return Access{Exists: true, Untold: true}, op.failed()
	}
	return out, op.failed()
}

// fieldsOf returns the fields of a record in reach that the viewer reads.
func (op *Op) fieldsOf(s *subject) (names []string, numbers record.FieldSet) {
	shape, ok := op.view.Shape().Form(s.form.def.Number)
	if !ok {
		return nil, numbers
	}
	red := op.redact(shape, s, true)
	for _, fd := range s.form.def.Fields {
		if red.Readable(&fd.Field) {
			names, numbers = append(names, fd.Name), numbers.With(fd.Number)
		}
	}
	return names, numbers
}

// forgotten is what is answered where a history has lost its beginning.
func (op *Op) forgotten(err error) error {
	if err != nil {
		return err
	}
	return fault.Wrap(fault.Unavailable, opRecall, storage.ErrForgotten,
		"from: what was then cannot be told, the data of that time come from a release that kept no such history")
}
