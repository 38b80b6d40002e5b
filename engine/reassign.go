package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const (
	opReassign = "engine.reassign"
	// reassignChunk is how many records one transaction of a reassignment visits
	// at most, reassignChunks how many transactions that move something one call
	// makes.
	reassignChunk  = 200
	reassignChunks = 10
)

// Reassignment is the stored state of giving all records of one user to another,
// at most one for each user. Every record moves in one transaction with the
// progress that it makes, so what the state says is what is stored, whenever the
// process ends.
//
// Records that the one who asks does not reach stay where they are, and so do
// those that their owner hides (G1), whoever asks: another owner would uncover
// them. They are not counted: a number would tell that they exist.
type Reassignment struct {
	From        record.ID `json:"from"`
	To          record.ID `json:"to"`
	Application string    `json:"application,omitempty"` // empty for all
	Delete      bool      `json:"delete,omitempty"`      // From is deleted at the end
	Started     time.Time `json:"started"`
	Done        bool      `json:"done,omitempty"`
	Moved       int       `json:"moved"`
	// Kept are records in reach that could not move: their new owner holds the
	// value of a unique owner field.
	Kept int `json:"kept,omitempty"`

	// Where it stands: an application, a form of it, a place in its owner index.
	At    string `json:"at,omitempty"`
	Form  uint32 `json:"form,omitempty"`
	After []byte `json:"after,omitempty"`
}

// reassignPrefix cannot be the name of an application, before whose slash
// imports stand.
const reassignPrefix = "~reassign/"

func reassignKey(from record.ID) string { return reassignPrefix + from.String() }

// Reassign gives the records that from owns, in one application or in all, to
// another active member, as far as the principal, an admin, reaches them: the
// owner field where the form has one, else the owner of the record; who added it
// stays. It returns after a bounded number of transactions; while Done is false
// the same call goes on. A call with another to, or another application, begins
// anew with what is left. from need not exist any more.
//
// Forbidden for everybody but admins; Invalid when to is not active, or not a
// member where there is something to give; NotFound for an application that does
// not exist.
func (e *Engine) Reassign(ctx context.Context, p identity.Principal, application string, from, to record.ID) (Reassignment, error) {
	want := Reassignment{From: from, To: to, Application: application}
	if err := e.mayReassign(ctx, p, &want); err != nil {
		return want, err
	}
	return e.reassign(ctx, p, want)
}

// DeleteUser deletes a person as the directory's method does. With to it first
// gives their records away as Reassign does, under the person's id switched off
// so that nothing new becomes theirs, and deletes at the end of the last chunk;
// while the result is not Done, the same call goes on.
func (e *Engine) DeleteUser(ctx context.Context, p identity.Principal, user record.ID, to *record.ID) (Reassignment, error) {
	if to == nil {
		return Reassignment{From: user, Done: true}, e.o.Directory.DeleteUser(ctx, p, user, func(txn *storage.Txn) error {
			job, ok, err := readReassignmentOf(txn, user)
			if err != nil || !ok || job.Done {
				return err
			}
			job.Done = true
			return putReassignment(txn, &job)
		})
	}
	want := Reassignment{From: user, To: *to, Delete: true}
	if err := e.mayReassign(ctx, p, &want); err != nil {
		return want, err
	}
	people, err := e.o.Directory.People(ctx, p)
	if err != nil {
		return want, err
	}
	if u, ok := people.User(user); !ok || u.Status != directory.Inactive {
		if err := e.o.Directory.SetActive(ctx, p, user, false); err != nil {
			return want, err
		}
	}
	return e.reassign(ctx, p, want)
}

// Reassignments returns the last reassignment of each user, the latest first,
// for admins.
func (e *Engine) Reassignments(_ context.Context, p identity.Principal) ([]Reassignment, error) {
	var out []Reassignment
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		if err := people.MayOpen(p); err != nil {
			return err
		}
		c := r.Docs(spaceJob, reassignPrefix)
		defer c.Close()
		for c.Next() {
			job, err := readReassignment(c.Value())
			if err != nil {
				return err
			}
			out = append(out, job)
		}
		return c.Err()
	})
	slices.SortStableFunc(out, func(a, b Reassignment) int { return b.Started.Compare(a.Started) })
	return out, err
}

func readReassignment(b []byte) (Reassignment, error) {
	var job Reassignment
	if err := json.Unmarshal(b, &job); err != nil {
		return job, fault.Wrap(fault.Unavailable, opReassign, err, "the document of a reassignment is damaged")
	}
	return job, nil
}

func readReassignmentOf(r storage.Reader, from record.ID) (Reassignment, bool, error) {
	b, ok, err := r.Doc(spaceJob, reassignKey(from))
	if err != nil || !ok {
		return Reassignment{}, false, err
	}
	job, err := readReassignment(b)
	return job, err == nil, err
}

func putReassignment(txn *storage.Txn, job *Reassignment) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return txn.PutDoc(spaceJob, reassignKey(job.From), b)
}

// mayReassign checks what can be checked before anything is written.
func (e *Engine) mayReassign(ctx context.Context, p identity.Principal, want *Reassignment) error {
	names := []string{want.Application}
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		if err := mayReassign(people, p, want); err != nil {
			return err
		}
		if want.Application != "" {
			_, err := e.active(r, want.Application)
			return err
		}
		var err error
		names, err = applicationNames(r)
		return err
	})
	for _, name := range names {
		if err == nil {
			err = e.mayReceive(ctx, p, name, want)
		}
	}
	return err
}

func mayReassign(people *directory.People, p identity.Principal, want *Reassignment) error {
	if err := people.MayOpen(p); err != nil {
		return err
	}
	if want.Delete {
		if err := people.MayDelete(p, want.From); err != nil {
			return err
		}
	}
	u, ok := people.User(want.To)
	if !ok || u.Status != directory.Active || want.To == want.From {
		return fault.New(fault.Invalid, opReassign, "to: expected another user, who is active")
	}
	return nil
}

// mayReceive reports whether the new owner is a member of the application, or
// there is nothing in reach to receive.
func (e *Engine) mayReceive(ctx context.Context, p identity.Principal, application string, want *Reassignment) error {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return err
	}
	defer op.Close()
	if op.memberOf(want.To) {
		return nil
	}
	some, err := op.ownsSome(want.From)
	if err == nil && some {
		err = errNoMember(application)
	}
	return err
}

func errNoMember(application string) error {
	return fault.New(fault.Invalid, opReassign, "to: is not an active member of application %s, where there are records to give; assign the user there first", application)
}

// ownsSome reports whether the user owns a record in the viewer's reach.
func (op *Op) ownsSome(user record.ID) (bool, error) {
	for _, f := range op.formsInOrder() {
		c := op.r.Index(f.store, f.byOwner, storage.Range{Eq: []record.Value{record.Ref(user)}})
		for c.Next() {
			if _, ok, err := op.Get(f.def.Number, c.ID()); ok || err != nil {
				c.Close()
				return ok, err
			}
		}
		err := c.Err()
		c.Close()
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// formsInOrder returns the forms ascending by number, which never changes.
func (op *Op) formsInOrder() []*form {
	out := make([]*form, 0, len(op.app.forms))
	for _, f := range op.app.forms {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b *form) int { return int(a.def.Number) - int(b.def.Number) })
	return out
}

// reassign goes on with the state, stored before where it is not that of an
// interrupted call.
func (e *Engine) reassign(ctx context.Context, p identity.Principal, want Reassignment) (Reassignment, error) {
	job, err := e.startReassign(ctx, p, want)
	size := reassignChunk
	for n := 0; err == nil && !job.Done && n < reassignChunks; {
		var next Reassignment
		next, err = e.reassignStep(ctx, p, want.From, size)
		if err != nil && fault.KindOf(err) == fault.Limit && size > 1 {
			size, err = size/2, nil
			continue
		}
		if err != nil {
			break
		}
		// A chunk of records that the principal does not reach is not counted: the
		// number of calls would tell of them.
		if next.Moved+next.Kept != job.Moved+job.Kept || next.Done {
			n++
		}
		job = next
	}
	return job, err
}

func (e *Engine) startReassign(ctx context.Context, p identity.Principal, want Reassignment) (Reassignment, error) {
	want.Started = e.o.Now().UTC().Truncate(time.Millisecond)
	job := want
	err := e.change(ctx, p, "reassignRecords", func(txn *storage.Txn, people *directory.People) error {
		if err := mayReassign(people, p, &want); err != nil {
			return err
		}
		was, ok, err := readReassignmentOf(txn, want.From)
		if err != nil {
			return err
		}
		if ok && !was.Done && was.To == want.To && was.Application == want.Application && was.Delete == want.Delete {
			job = was
			return nil
		}
		job = want
		return putReassignment(txn, &job)
	})
	return job, err
}

// reassignStep makes one transaction: a chunk of one application, or the end.
func (e *Engine) reassignStep(ctx context.Context, p identity.Principal, from record.ID, size int) (Reassignment, error) {
	var job Reassignment
	var name string
	err := e.manage(p, func(r storage.Reader, people *directory.People) (err error) {
		if err = people.MayOpen(p); err != nil {
			return err
		}
		if job, _, err = readReassignmentOf(r, from); err != nil {
			return err
		}
		name, err = job.next(r)
		return err
	})
	if err != nil || job.Done || job.From.IsZero() {
		return job, err
	}
	if name == "" {
		return e.reassignEnd(ctx, p, job)
	}
	err = e.Write(ctx, p, name, "reassignRecords", func(op *Op) error {
		var err error
		if job, _, err = readReassignmentOf(op.r, from); err != nil || job.Done {
			return err
		}
		if at, err := job.next(op.r); err != nil || at != name {
			return err // somebody else goes on with it as well, or began anew
		}
		if err := op.reassignChunk(&job, name, size); err != nil {
			return err
		}
		return putReassignment(op.txn, &job)
	})
	return job, err
}

// next returns the application to go on with, empty when there is none.
func (job *Reassignment) next(r storage.Reader) (string, error) {
	names, err := applicationNames(r)
	for _, name := range names {
		if strings.TrimSuffix(job.At, "\x00") <= name && (job.At != name+"\x00") && (job.Application == "" || job.Application == name) {
			return name, err
		}
	}
	return "", err
}

// reassignEnd marks the end, and deletes the user in the same transaction where
// that was asked for.
func (e *Engine) reassignEnd(ctx context.Context, p identity.Principal, job Reassignment) (Reassignment, error) {
	ended := job
	ended.Done, ended.At, ended.Form, ended.After = true, "", 0, nil
	end := func(txn *storage.Txn) error {
		is, _, err := readReassignmentOf(txn, job.From)
		switch {
		case err != nil:
			return err
		case is.To != job.To || is.Application != job.Application || is.Delete != job.Delete || !is.Done && is.At != job.At:
			return fault.New(fault.Conflict, opReassign, "somebody else goes on with this user's records; ask again")
		}
		return putReassignment(txn, &ended)
	}
	var err error
	if job.Delete {
		err = e.o.Directory.DeleteUser(ctx, p, job.From, end)
	} else {
		err = e.change(ctx, p, "reassignRecords", func(txn *storage.Txn, people *directory.People) error {
			if err := people.MayOpen(p); err != nil {
				return err
			}
			return end(txn)
		})
	}
	return ended, err
}

// reassignChunk visits at most size records of one application and moves the
// state behind them.
func (op *Op) reassignChunk(job *Reassignment, name string, size int) error {
	if !op.view.Viewer().Kind.Administers() {
		return fault.New(fault.Forbidden, opReassign, "only admins may do this")
	}
	if u, ok := op.people.User(job.From); job.Delete && (!ok || u.Status != directory.Inactive) {
		return fault.New(fault.Conflict, opReassign, "user: was activated, or deleted, in the meantime; begin again")
	}
	if job.At != name {
		job.At, job.Form, job.After = name, 0, nil
	}
	for _, f := range op.formsInOrder() {
		if f.def.Number < job.Form {
			continue
		}
		if f.def.Number > job.Form {
			job.Form, job.After = f.def.Number, nil
		}
		n, err := op.reassignForm(f, job, size)
		if err != nil {
			return err
		}
		if size -= n; size == 0 {
			return nil
		}
	}
	job.At, job.Form, job.After = name+"\x00", 0, nil // behind this application
	return nil
}

// reassignForm visits at most size records of one form and returns how many it
// visited: fewer where the form has no more.
func (op *Op) reassignForm(f *form, job *Reassignment, size int) (int, error) {
	var ids []record.ID
	c := op.r.Index(f.store, f.byOwner, storage.Range{Eq: []record.Value{record.Ref(job.From)}, After: job.After})
	for len(ids) < size && c.Next() {
		ids = append(ids, c.ID())
		job.After = append(job.After[:0:0], c.Position()...)
	}
	err := c.Err()
	c.Close()
	for _, id := range ids {
		if err == nil {
			err = op.reassignOne(f, job, id)
		}
	}
	return len(ids), err
}

func (op *Op) reassignOne(f *form, job *Reassignment, id record.ID) error {
	err := op.giveTo(f, id, job)
	if _, taken := errors.AsType[*storage.UniqueError](err); taken {
		job.Kept++
		return nil
	}
	switch {
	case err == nil:
		job.Moved++
	case fault.KindOf(err) == fault.NotFound, fault.KindOf(err) == fault.Forbidden:
		return nil // out of reach: as if it were not there
	}
	return err
}

// giveTo makes another member the owner of a record that the viewer may give.
func (op *Op) giveTo(f *form, id record.ID, job *Reassignment) error {
	s, err := op.target(f, f.def.Number, id, definition.Edit)
	if err != nil {
		return err
	}
	if s.rec.Owner() != job.From || op.hiddenByOwner(f, s.rec) {
		return errRecordNotFound
	}
	if !op.memberOf(job.To) {
		return errNoMember(op.app.def.Name)
	}
	return op.ChangeOwner(f.def.Number, id, job.To, 0)
}

// hiddenByOwner reports whether the owner of a record hides it, or hid it before
// they ceased to be an admin (G2).
func (op *Op) hiddenByOwner(f *form, rec record.Record) bool {
	for _, h := range op.app.hides {
		if h.form.def.Number != f.def.Number || h.owner != rec.Owner() {
			continue
		}
		if h.criteria == nil || h.criteria.Program.Match(trueCells{rec}, record.ID{}) {
			return true
		}
	}
	return false
}

// trueCells gives the cells of a record itself to a filter of policy.
type trueCells struct{ rec record.Record }

func (c trueCells) Get(f *record.Field) record.Value          { return c.rec.Get(f) }
func (trueCells) Related(*record.Field) (filter.Reader, bool) { return nil, false }
