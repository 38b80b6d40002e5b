package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const opHide = "engine.hide"

// Bounds of hiding. Only one's own hides count: a bound over everybody's would
// tell of those of others.
const (
	// MaxHides is how many forms of an application one admin may hide records of.
	MaxHides = 100
	// MaxHideBytes is how long a hide filter may be as JSON.
	MaxHideBytes = 8 << 10
)

// Hidden is what an admin hides of their own records of a form from everybody
// else (G1).
type Hidden struct {
	Form  string
	Owner record.ID
	// OwnerName is empty when there is no such person any more.
	OwnerName string
	// Where is the filter under the names that the fields have now; nil where it
	// was damaged.
	Where map[string]any
	Since time.Time
	// Broken says that the filter cannot be evaluated any more, as a field of it
	// was dropped: every record of the owner in the form is hidden.
	Broken bool
	// Lapsed says that the owner is no active admin any more: the super admin sees
	// the records and may lift the filter (G2).
	Lapsed bool
}

// HideRecords hides those of the principal's own records of a form that match
// the filter, now and later, from everybody else; it replaces what they hid of
// the form before. The filter is in the where language over the form's own
// fields; an empty one matches every record. Errors: Forbidden for everybody but
// admins (G3), NotFound for an unknown application or form, Invalid for a filter
// that is none, Limit beyond MaxHides and MaxHideBytes.
func (e *Engine) HideRecords(ctx context.Context, p identity.Principal, name, formName string, where map[string]any) (Hidden, error) {
	where, err := plainFilter(where)
	if err != nil {
		return Hidden{}, err
	}
	var out Hidden
	err = e.hiding(ctx, p, "hideRecords", name, formName, func(txn *storage.Txn, people *directory.People, app *application, f *form) error {
		h, faults := newHide(f, p.User, where)
		if len(faults) > 0 {
			return fault.New(fault.Invalid, opHide, "%s: %s", strings.Join(append([]string{"where"}, faults[0].Path...), "."), faults[0].Msg)
		}
		h.doc.Since = e.o.Now().UTC().Truncate(time.Second)
		if err := roomForHide(app, h); err != nil {
			return err
		}
		b, err := json.Marshal(h.doc)
		if err != nil {
			return err
		}
		out = h.describe(people)
		return txn.PutDoc(spaceHide, hideKey(name, f.def.Number, p.User), b)
	})
	return out, err
}

// plainFilter turns a filter into what its JSON text says, as it will be read.
func plainFilter(where map[string]any) (map[string]any, error) {
	if where == nil {
		return nil, fault.New(fault.Invalid, opHide, "where: expected an object; {} stands for every record")
	}
	b, err := json.Marshal(where)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, opHide, err, "where: expected what JSON can say")
	}
	if len(b) > MaxHideBytes {
		return nil, fault.New(fault.Limit, opHide, "where: %d bytes as JSON, at most %d are allowed", len(b), MaxHideBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out map[string]any
	return out, d.Decode(&out)
}

func roomForHide(app *application, h *hide) error {
	own := 0
	for _, other := range app.hides {
		if other.owner != h.owner {
			continue
		}
		if other.form == h.form {
			return nil
		}
		own++
	}
	if own >= MaxHides {
		return fault.New(fault.Limit, opHide, "form: you hide records of %d forms of this application already, the most that is allowed", MaxHides)
	}
	return nil
}

// UnhideRecords lifts what a user hides of a form: an admin their own, the super
// admin also what has lapsed (G2). Everything else, and what is not hidden at
// all, is the same NotFound.
func (e *Engine) UnhideRecords(ctx context.Context, p identity.Principal, name, formName string, user record.ID) (Hidden, error) {
	var out Hidden
	err := e.hiding(ctx, p, "unhideRecords", name, formName, func(txn *storage.Txn, people *directory.People, app *application, f *form) error {
		for _, h := range app.hides {
			if h.form == f && h.owner == user && h.mayLift(people, p) {
				out = h.describe(people)
				return txn.PutDoc(spaceHide, hideKey(name, f.def.Number, user), nil)
			}
		}
		return fault.New(fault.NotFound, opHide, "form: nothing of %s is hidden that you can lift", formName)
	})
	return out, err
}

// mayLift reports whether an admin may lift, and so know of, a hide.
func (h *hide) mayLift(people *directory.People, p identity.Principal) bool {
	if h.owner == p.User {
		return true
	}
	u, ok := people.User(p.User)
	return ok && u.Admin == identity.SuperAdmin && lapsed(people, h.owner)
}

// HiddenRecords returns what the principal hides, and to the super admin also
// what others hid and has lapsed, in the order of forms. Nobody learns of any
// other hide.
func (e *Engine) HiddenRecords(_ context.Context, p identity.Principal, application string) ([]Hidden, error) {
	out := []Hidden{}
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		app, err := e.hideable(r, people, p, application)
		if err != nil {
			return err
		}
		for _, h := range app.hides {
			if h.mayLift(people, p) {
				out = append(out, h.describe(people))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (h *hide) describe(people *directory.People) Hidden {
	var name string
	if u, ok := people.User(h.owner); ok {
		name = u.DisplayName
	}
	return Hidden{
		OwnerName: name, Form: h.form.def.Name, Owner: h.owner, Where: h.text(), Since: h.doc.Since,
		Broken: h.criteria == nil, Lapsed: lapsed(people, h.owner),
	}
}

// hiding runs a change of hides of one form in a transaction, for admins. The
// change is in the change log, and binds from the next operation on.
func (e *Engine) hiding(ctx context.Context, p identity.Principal, operation, name, formName string, fn func(*storage.Txn, *directory.People, *application, *form) error) error {
	return e.change(ctx, p, operation, func(txn *storage.Txn, people *directory.People) error {
		app, err := e.hideable(txn, people, p, name)
		if err != nil {
			return err
		}
		d, ok := app.def.Form(formName)
		if !ok {
			return fault.New(fault.NotFound, opHide, "form: application %s has no form %q", name, formName)
		}
		if err := fn(txn, people, app, app.forms[d.Number]); err != nil {
			return err
		}
		return txn.BumpEpoch()
	})
}

// hideable returns the application for somebody who may hide records of it (G3).
func (e *Engine) hideable(r storage.Reader, people *directory.People, p identity.Principal, name string) (*application, error) {
	v, ok := people.Viewer(p, name)
	if !ok {
		return nil, errNoApplication(name)
	}
	if !v.Kind.Administers() {
		return nil, fault.New(fault.Forbidden, opHide, "only admins hide records")
	}
	epoch, err := r.Epoch()
	if err != nil {
		return nil, err
	}
	app, ok, err := e.load(r, epoch, name)
	if err == nil && !ok {
		err = errNoApplication(name)
	}
	return app, err
}
