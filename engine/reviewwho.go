package engine

import (
	"context"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// MaxOnlookers is the largest page of WhoCanSee.
const MaxOnlookers = 1000

// Who asks for the people who can see a record.
type Who struct {
	Application, Form string
	Record            record.ID
	Field             string // whose cell they can see; empty for the record
	First             int    // 0 to MaxOnlookers
	// After is the last person of the page before, zero for the first page.
	After record.ID
}

// Onlooker is a person who can see a record.
type Onlooker struct {
	User        record.ID
	DisplayName string
	Kind        identity.Kind // Live, Portal, Developer or Admin, which the super admin is too
	// Actions are those that the person may take on the record, VIEW first.
	Actions []definition.Action
	// Masked says that a rule covers the field of this record for them.
	Masked bool
	Ground policy.Ground // the strongest for VIEW
}

// Onlookers are a page of people, ascending by id, and numbers of all of them.
type Onlookers struct {
	People  []Onlooker
	HasNext bool
	// Total is everybody who can see the record, and where a field was asked for
	// whose rights hold it. Masked are those of them for whom it is covered.
	Total, Masked int
	// Without is how many see the record but not the field.
	Without int
}

// WhoCanSee returns the active members of an application who can see a record, or
// a field of it, with an interactive sign-in. A record that the principal does not
// see is NotFound, like one that is absent. It is Forbidden for who was not given
// the tool REVIEW, NotFound for an unknown form, Invalid for an unknown field and
// for a page outside 0 to MaxOnlookers. The use is written down.
func (e *Engine) WhoCanSee(ctx context.Context, p identity.Principal, q Who) (*Onlookers, error) {
	op, err := e.review(ctx, p, q.Application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	s, f, err := op.lookedAt(&q)
	if err != nil {
		return nil, err
	}
	if err := op.noteReview(Look{Form: q.Form, Record: q.Record}, map[string]string{"asks": "whoCanSee", "field": q.Field}); err != nil {
		return nil, err
	}
	return op.onlookers(s, f, &q)
}

// lookedAt finds the record, and the field, nil for none.
func (op *Op) lookedAt(q *Who) (*subject, *definition.Field, error) {
	if q.First < 0 || q.First > MaxOnlookers {
		return nil, nil, fault.New(fault.Invalid, opReview, "first: %d, expected 0 to %d", q.First, MaxOnlookers)
	}
	f, err := op.formNamed(q.Form)
	if err != nil {
		return nil, nil, err
	}
	var field *definition.Field
	if q.Field != "" {
		fd, ok := f.def.Field(q.Field)
		if !ok {
			return nil, nil, fault.New(fault.Invalid, opReview, "field: not a field of %s", f.def.Name)
		}
		field = fd
	}
	_, ok, err := op.Get(f.def.Number, q.Record)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, errNoRecordToExplain
	}
	rec, _ := op.raw(f, q.Record)
	return &subject{op: op, form: f, rec: rec}, field, op.failed()
}

func (op *Op) onlookers(s *subject, field *definition.Field, q *Who) (*Onlookers, error) {
	out := &Onlookers{}
	c := op.lookers()
	for _, u := range op.people.Members(op.app.def.Name) {
		if err := op.ctx.Err(); err != nil {
			return nil, err
		}
		other, ok := c.at(u)
		if !ok {
			continue
		}
		o, sees, without := other.onlooker(&subject{op: other, form: s.form, rec: s.rec}, field, u)
		if err := other.failed(); err != nil {
			return nil, err
		}
		if without {
			out.Without++
		}
		if sees {
			out.add(o, q)
		}
	}
	return out, nil
}

// onlooker decides about the viewer of op: whether they see the record and the
// field, or the record without it.
func (op *Op) onlooker(s *subject, field *definition.Field, u *directory.User) (o Onlooker, sees, without bool) {
	form := s.form.def.Number
	ground, ok := op.view.Ground(form, s)
	if !ok {
		return o, false, false
	}
	o = Onlooker{User: u.ID, DisplayName: u.DisplayName, Kind: seenKind(op.view.Viewer().Kind), Ground: ground}
	if field != nil {
		shape, ok := op.view.Shape().Form(form)
		if !ok || !shape.Visible.Has(field.Number) {
			return o, false, true
		}
		o.Masked = !op.redact(shape, s, true).Readable(&field.Field)
	}
	for _, a := range judgedActions {
		if op.view.Decide(form, a, s) {
			o.Actions = append(o.Actions, a)
		}
	}
	return o, true, false
}

func (o *Onlookers) add(who Onlooker, q *Who) {
	o.Total++
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

// seenKind is a kind as others are told it: which of the admins is the super admin
// is the directory's to say.
func seenKind(k identity.Kind) identity.Kind {
	if k.Administers() {
		return identity.Admin
	}
	return k
}
