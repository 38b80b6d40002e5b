package engine

import (
	"context"
	"encoding/json"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

const opRecall = "engine.recall"

var (
	errFuture    = fault.New(fault.Invalid, opRecall, "at: the future cannot be told, give a time that has passed")
	errNoAppThen = fault.New(fault.Invalid, opRecall, "at: the application did not exist at that time")
	errNotThen   = fault.New(fault.Invalid, opRecall, "at: the record did not exist at that time")
)

// CouldSee asks for the people who could see a record at a moment that has
// passed.
type CouldSee struct {
	Application, Form string // the form under the name that it has now
	Record            record.ID
	At                time.Time
	Field             string // whose cell they could see, under its name of now; empty for the record
	First             int    // 0 to MaxOnlookers
	// After is the last person of the page before, zero for the first page.
	After record.ID
}

// PastOnlooker is a person who could see a record. The name is that of today,
// empty for somebody who was deleted since; the rest is as it was then.
type PastOnlooker struct {
	Onlooker
	// Untold says that it cannot be told what this person could do: it took the
	// answer of a module that cannot be run any more. Actions and Ground are empty
	// then.
	Untold bool
}

// PastOnlookers are a page of people, ascending by id, and numbers of all of
// them.
type PastOnlookers struct {
	People  []PastOnlooker
	HasNext bool
	// Total, Masked and Without are as in [Onlookers]; Untold are counted apart.
	Total, Masked, Without, Untold int
	// Version is that of the definition that was in force, RecordVersion that of the
	// record as it was.
	Version       uint64
	RecordVersion uint32
}

// WhoCouldSee returns the people who at a moment of the past had a place in the
// application and could see a record, or a field of it, with an interactive
// sign-in: by the people, the definition, the hides, the rules and the record of
// that time.
//
// The principal sees no more of the past than they may see now: a record that
// they cannot see as it is now, or as it was when it was deleted, is NotFound like
// one that never was; one whose state of then they could not see now did not exist
// then. It is Forbidden for who was not given the tool RECALL, NotFound for an
// unknown form, Invalid for an unknown field, a page outside 0 to MaxOnlookers,
// the future, and a time before the application or the record; Unavailable for a
// time of which the store kept too little. The use is written down.
func (e *Engine) WhoCouldSee(ctx context.Context, p identity.Principal, q CouldSee) (*PastOnlookers, error) {
	op, err := e.recall(ctx, p, q.Application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	f, field, err := op.recalled(&q)
	if err != nil {
		return nil, err
	}
	if err := op.noteRecall(Look{Form: q.Form, Record: q.Record}, map[string]string{
		"asks": "whoCouldSee", "at": q.At.UTC().Format(time.RFC3339Nano), "field": q.Field,
	}); err != nil {
		return nil, err
	}
	if err := op.mayRecall(f, q.Record); err != nil {
		return nil, err
	}
	seq, err := op.snapshot.ChangeAt(q.At)
	if err != nil {
		return nil, err
	}
	then, err := op.behind(seq)
	if err != nil {
		return nil, err
	}
	return then.whoCouldSee(f, field, &q)
}

// recall opens an operation of somebody who may use the tool RECALL.
func (e *Engine) recall(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	if err := op.mayUse(Look{Tool: identity.Recall}); err != nil {
		op.Close()
		return nil, err
	}
	return op, nil
}

func (op *Op) noteRecall(l Look, detail map[string]string) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return fault.Wrap(fault.Internal, opRecall, err, "a look could not be written down")
	}
	l.Tool, l.Application, l.Detail = identity.Recall, op.app.def.Name, b
	return op.e.note(op.ctx, op.principal, l)
}

// recalled checks what was asked as far as no record is needed for it.
func (op *Op) recalled(q *CouldSee) (*form, *definition.Field, error) {
	if q.First < 0 || q.First > MaxOnlookers {
		return nil, nil, fault.New(fault.Invalid, opRecall, "first: %d, expected 0 to %d", q.First, MaxOnlookers)
	}
	if q.At.After(op.e.o.Now()) {
		return nil, nil, errFuture
	}
	f, err := op.formNamed(q.Form)
	if err != nil || q.Field == "" {
		return f, nil, err
	}
	field, ok := f.def.Field(q.Field)
	if !ok {
		return nil, nil, fault.New(fault.Invalid, opRecall, "field: not a field of %s", f.def.Name)
	}
	return f, field, nil
}

// mayRecall reports NotFound for a record whose past the viewer may not look at:
// one that they do not see, or did not see under the rights of now when it was
// deleted, and one that never was.
func (op *Op) mayRecall(f *form, id record.ID) error {
	rec, ok := op.raw(f, id)
	if !ok {
		if err := op.failed(); err != nil {
			return err
		}
		var err error
		if rec, err = op.lastOf(f, id); err != nil {
			return err
		}
	}
	if !op.sees(f, rec) {
		return op.or(errNoRecordToExplain)
	}
	return op.failed()
}

// lastOf returns a record as it was when it was deleted, zero where there is none.
func (op *Op) lastOf(f *form, id record.ID) (record.Record, error) {
	c := op.r.History(f.store, id, true)
	defer c.Close()
	if !c.Next() {
		return record.Record{}, c.Err()
	}
	ch, err := c.Change()
	if err != nil || ch.After != nil || ch.Before == nil {
		return record.Record{}, err
	}
	return stateOfRecord(id, ch.Before)
}

func stateOfRecord(id record.ID, b []byte) (record.Record, error) {
	rec, err := record.Parse(id, b)
	if err != nil {
		return rec, fault.Wrap(fault.Unavailable, opRecall, err, "the history of a record is damaged")
	}
	return rec, nil
}

// sees reports whether the viewer may see a state of a record, as if it were the
// one of now.
func (op *Op) sees(f *form, rec record.Record) bool {
	return !rec.IsZero() && op.view.Decide(f.def.Number, viewAction, &subject{op: op, form: f, rec: rec})
}

func (r *retrospect) whoCouldSee(f *form, field *definition.Field, q *CouldSee) (*PastOnlookers, error) {
	if r.op.app == nil {
		return nil, errNoAppThen
	}
	s, err := r.subject(f, q.Record)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errNotThen
	}
	if field != nil {
		was, ok := s.form.def.FieldNumber(field.Number)
		if !ok {
			return nil, fault.New(fault.Invalid, opRecall, "field: %s had no such field at that time", f.def.Name)
		}
		field = was
	}
	out := &PastOnlookers{Version: r.op.app.def.Version, RecordVersion: s.rec.Version()}
	c := r.op.lookers()
	for _, u := range r.op.people.Members(r.op.app.def.Name) {
		if err := r.op.ctx.Err(); err != nil {
			return nil, err
		}
		other, ok := c.at(u)
		if !ok {
			continue
		}
		o, sees, without := other.pastOnlooker(&subject{op: other, form: s.form, rec: s.rec}, field, u)
		if err := other.failed(); err != nil {
			return nil, err
		}
		if without {
			out.Without++
		}
		if sees {
			o.DisplayName = r.asker.nameOf(u.ID)
			out.add(o, q)
		}
	}
	return out, nil
}

// pastOnlooker is onlooker, and says where it cannot be told.
func (op *Op) pastOnlooker(s *subject, field *definition.Field, u *directory.User) (o PastOnlooker, sees, without bool) {
	o.Onlooker, sees, without = op.onlooker(s, field, u)
	if !op.doubt {
		return o, sees, without
	}
	if field != nil {
		shape, ok := op.view.Shape().Form(s.form.def.Number)
		if !ok || !shape.Visible.Has(field.Number) {
			return o, false, false // whatever the rule said
		}
	}
	o.Onlooker = Onlooker{User: u.ID, Kind: seenKind(op.view.Viewer().Kind), Ground: policy.Ground{}}
	o.Untold = true
	return o, true, false
}

// nameOf is what a person is called now, empty for nobody.
func (op *Op) nameOf(id record.ID) string {
	if u, ok := op.people.User(id); ok {
		return u.DisplayName
	}
	return ""
}

func (o *PastOnlookers) add(who PastOnlooker, q *CouldSee) {
	switch {
	case who.Untold:
		o.Untold++
	default:
		o.Total++
	}
	if who.Masked {
		o.Masked++
	}
	switch {
	case compareIDs(who.User, q.After) <= 0:
	case len(o.People) < q.First:
		o.People = append(o.People, who)
	default:
		o.HasNext = true
	}
}
