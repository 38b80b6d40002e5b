package engine

import (
	"context"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// MaxSamples is the largest number of sample records of a form.
const MaxSamples = 20

// What asks for what a person can see in an application.
type What struct {
	Application string
	User        record.ID
	Form        string // this one alone; empty for all
	Samples     int    // records of each form, 0 to MaxSamples
}

// Sight is what a person can see.
type Sight struct {
	User        record.ID
	DisplayName string
	Kind        identity.Kind // as in [Onlooker]
	Role, Set   string        // empty for none
	Forms       []FormSight   // in the order of the definition
	Pages       []string      // that they open
}

// FormSight is what a person can see of one form, and do with it. Names of fields
// are in the order of the form.
type FormSight struct {
	Form string
	// Counts are of records that the asker sees too.
	Counts Tally
	// Create says that they may add records, whatever must hold for each.
	Create bool
	// Readable are the fields that they read on every record that they see; Masked
	// those that a rule may cover on single records; Hidden the others. All are
	// hidden where they may view nothing.
	Readable, Masked, Hidden []string
	Reports                  []string // that they open, the default report included
	Grounds                  []policy.Ground
	Samples                  []Sample
}

// Sample is a record that the person and the asker see.
type Sample struct {
	ID record.ID
	// Title is the text of the form's first text field, empty where it has none or
	// the person does not read it.
	Title string
}

// WhatCanSee returns what an active member of an application can see with an
// interactive sign-in, in numbers of records that the principal sees too. Somebody
// who has no access is NotFound. It is Forbidden for who was not given the tool
// REVIEW, NotFound for an unknown form, Invalid for Samples outside 0 to
// MaxSamples, and Limit where rules have too much to say about the records of one
// form: AccessReview counts those. The use is written down.
func (e *Engine) WhatCanSee(ctx context.Context, p identity.Principal, q What) (*Sight, error) {
	op, err := e.review(ctx, p, q.Application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	if q.Samples < 0 || q.Samples > MaxSamples {
		return nil, fault.New(fault.Invalid, opReview, "samples: %d, expected 0 to %d", q.Samples, MaxSamples)
	}
	forms := op.app.def.Forms
	if q.Form != "" {
		f, err := op.formNamed(q.Form)
		if err != nil {
			return nil, err
		}
		forms = []*definition.Form{f.def}
	}
	other, err := op.through(q.User)
	if err != nil {
		return nil, err
	}
	if err := op.noteReview(Look{Target: q.User, Form: q.Form}, map[string]string{"asks": "whatCanSee"}); err != nil {
		return nil, err
	}
	out := &Sight{Pages: []string{}}
	out.person(other)
	for _, page := range other.view.Shape().Pages {
		out.Pages = append(out.Pages, page.Name)
	}
	op.shared(other)
	for _, f := range forms {
		t := newCensus(other, op.app.forms[f.Number])
		t.samples = q.Samples
		other.refuel()
		s, err := t.sight()
		if err != nil {
			return nil, err
		}
		out.Forms = append(out.Forms, s)
	}
	return out, nil
}

// person says whose eyes they are.
func (s *Sight) person(other *Op) {
	v := other.view.Viewer()
	s.User, s.DisplayName, s.Kind, s.Role, s.Set = v.User, v.DisplayName, seenKind(v.Kind), v.Role, v.PermissionSet
}

// sight counts and describes the form.
func (t *census) sight() (FormSight, error) {
	if err := t.run(); err != nil {
		return FormSight{}, err
	}
	out := t.op.describe(t.form)
	out.Counts = t.counts
	for _, id := range t.kept {
		sample, err := t.sample(id)
		if err != nil {
			return FormSight{}, err
		}
		out.Samples = append(out.Samples, sample)
	}
	return out, nil
}

// describe says what does not depend on records.
func (op *Op) describe(f *form) FormSight {
	view := op.view
	out := FormSight{Form: f.def.Name, Grounds: view.Grounds(f.def.Number)}
	shape, ok := view.Shape().Form(f.def.Number)
	out.Create = ok && (shape.Create || shape.CreateNested)
	for _, r := range op.app.def.Reports {
		if r.Form == f.def.Name && !none(view.ReportReach(r.Name)) {
			out.Reports = append(out.Reports, r.Name)
		}
	}
	mayMask := view.MayMask(f.def.Number)
	for _, fd := range f.def.Fields {
		switch {
		case !ok || !shape.View || !shape.Visible.Has(fd.Number):
			out.Hidden = append(out.Hidden, fd.Name)
		case mayMask.Has(fd.Number), fd.Formula != nil && fd.Formula.Reads.Meets(mayMask):
			out.Masked = append(out.Masked, fd.Name)
		default:
			out.Readable = append(out.Readable, fd.Name)
		}
	}
	return out
}

// sample reads the title of a record as the person may; the asker reads every field.
func (t *census) sample(id record.ID) (Sample, error) {
	out := Sample{ID: id}
	title := titleOf(t.form)
	if title == nil {
		return out, nil
	}
	r, ok, err := t.op.Get(t.form.def.Number, id)
	if err == nil && ok {
		out.Title = string(r.Get(&title.Field).Text())
	}
	return out, err
}

// titleOf returns the first text field of a form, nil for none.
func titleOf(f *form) *definition.Field {
	for _, fd := range f.def.Fields {
		if fd.Type == record.Text {
			return fd
		}
	}
	return nil
}
