package engine

import (
	"context"
	"errors"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Ground is what gives a person a record: see policy.Ground.
type Ground = policy.Ground

// ReviewHead says what an access review is of.
type ReviewHead struct {
	Application string
	Version     uint64 // of the definition
	Rows        int    // that a whole review has
}

// ReviewRow is what one person can see of one form.
type ReviewRow struct {
	User        record.ID
	DisplayName string
	Kind        identity.Kind // as in [Onlooker]
	Role, Set   string        // empty for none
	Form        string
	Counts      Tally // of records that the asker sees too
	// Hidden are the fields that the person's rights do not hold; PII and EPHI those
	// with personal data and with health data that they do.
	Hidden, PII, EPHI []string
	Grounds           []Ground
}

// AccessReview makes a row for each active member of an application and each of
// its forms: people ascending by id, forms in the order of the definition, all from
// one snapshot. begin is called once, when nothing can be refused any more; row is
// called with the rows of one person. An error of either ends the review and is
// returned as it is. Before each person, and now and then while records are
// counted, credential and rights are looked at as they are by then: a credential
// that ended is Unauthenticated, people or a definition that changed are Conflict.
// It is Limit where it takes longer than a state of the data is kept, Forbidden for
// who was not given the tool REVIEW. The number of rows is returned with any error.
func (e *Engine) AccessReview(ctx context.Context, p identity.Principal, application string, begin func(ReviewHead) error, row func([]ReviewRow) error) (int, error) {
	op, err := e.review(ctx, p, application)
	if err != nil {
		return 0, err
	}
	defer op.Close()
	if err := op.noteReview(Look{}, map[string]string{"asks": "accessReview"}); err != nil {
		return 0, err
	}
	people := op.people.Members(application)
	def := op.app.def
	if err := begin(ReviewHead{Application: def.Name, Version: def.Version, Rows: len(people) * len(def.Forms)}); err != nil {
		return 0, err
	}
	t := &reviewTable{op: op, lookers: op.lookers(), known: map[string]Tally{}}
	rows := 0
	for _, u := range people {
		of, err := t.person(u)
		if err == nil {
			err = row(of)
		}
		if err != nil {
			return rows, reviewError(err)
		}
		rows += len(of)
	}
	return rows, nil
}

func reviewError(err error) error {
	if errors.Is(err, storage.ErrExpired) {
		return fault.Wrap(fault.Limit, opReview, err, "the review took longer than one state of the data is kept")
	}
	return err
}

// reviewTable makes the rows of a review.
type reviewTable struct {
	op      *Op
	lookers *lookers
	known   map[string]Tally // by what people of one reach have in common
}

// person makes the rows of one person.
func (t *reviewTable) person(u *directory.User) ([]ReviewRow, error) {
	if err := t.op.goesOn(); err != nil {
		return nil, err
	}
	t.lookers.trim()
	other, ok := t.lookers.at(u)
	if !ok {
		return nil, fault.New(fault.Internal, opReview, "a member of the application has no access")
	}
	other.seen = map[recordKey]seenRecord{}
	t.op.shared(other)
	v := other.view.Viewer()
	var out []ReviewRow
	for _, f := range t.op.app.def.Forms {
		r := ReviewRow{User: u.ID, DisplayName: u.DisplayName, Kind: seenKind(v.Kind), Role: v.Role, Set: v.PermissionSet, Form: f.Name}
		counts, err := t.counts(other, t.op.app.forms[f.Number])
		if err != nil {
			return nil, err
		}
		r.Counts = counts
		r.fields(f, other.view)
		out = append(out, r)
	}
	return out, nil
}

// goesOn reports why a long look must end, nil where it may go on.
func (op *Op) goesOn() error {
	if err := op.ctx.Err(); err != nil {
		return err
	}
	return op.stands()
}

// fields fills in what does not depend on records.
func (r *ReviewRow) fields(f *definition.Form, view *policy.View) {
	r.Grounds = view.Grounds(f.Number)
	shape, ok := view.Shape().Form(f.Number)
	for _, fd := range f.Fields {
		if !ok || !shape.View || !shape.Visible.Has(fd.Number) {
			r.Hidden = append(r.Hidden, fd.Name)
			continue
		}
		if fd.PII {
			r.PII = append(r.PII, fd.Name)
		}
		if fd.EPHI {
			r.EPHI = append(r.EPHI, fd.Name)
		}
	}
}

// counts counts for one person, unless it was counted for somebody whose reaches
// are the same.
func (t *reviewTable) counts(other *Op, f *form) (Tally, error) {
	c := newCensus(other, f)
	key := t.lookers.kin(c)
	if known, ok := t.known[key]; ok {
		return known, nil
	}
	c.pace = t.op.goesOn
	if err := c.run(); err != nil {
		return Tally{}, err
	}
	t.known[key] = c.counts
	return c.counts, nil
}
