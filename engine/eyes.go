package engine

import (
	"context"
	"encoding/json"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// through returns an operation with the rights of another person on the snapshot
// of op, whose viewer looks through their eyes: nothing of it may be shown that op
// itself does not show (P10). It shares nothing but the reader with op, is used by
// the same goroutine, ends with op, and is not closed. A person without a place in
// the application, for whatever reason, is NotFound.
//
// Who may look at all, and that it is written down, is up to the caller: see
// directory.People.MayUse and Engine.note. See within for an operation whose
// answers may be shown as they are.
func (op *Op) through(user record.ID) (*Op, error) {
	p := identity.Principal{Tenant: op.principal.Tenant, User: user, Credential: identity.Session}
	viewer, ok := op.people.Viewer(p, op.app.def.Name)
	if !ok {
		return nil, fault.New(fault.NotFound, "engine.through", "user: no such member of application %s", op.app.def.Name)
	}
	other := &Op{
		e: op.e, ctx: op.ctx, r: op.r, principal: p, people: op.people, epoch: op.epoch, app: op.app, seal: op.seal,
		view:     op.e.viewOf(op.epoch, viewer, op.app, op.people),
		fuel:     rules.Fuel{Left: rules.QueryFuel},
		outcomes: map[outcomeKey]policy.Outcome{},
		seen:     map[recordKey]seenRecord{},
	}
	return other, other.view.Refused()
}

const opViewAs = "engine.ViewAs"

// within returns an operation that reads as another person and shows, on every
// path, what op's viewer sees as well (P10). Its answers may be shown to op's
// viewer as they are. NotFound for a person without a place in the application,
// Forbidden for an admin. Closing it closes op.
func (op *Op) within(user record.ID) (*Op, error) {
	if op.txn != nil || op.asker != nil {
		return nil, fault.New(fault.Internal, opViewAs, "an operation that reads is looked through, and by one person")
	}
	other, err := op.through(user)
	if err != nil {
		return nil, err
	}
	if other.view.Viewer().Kind.Administers() {
		return nil, fault.New(fault.Forbidden, opViewAs, "admins are nobody to view as")
	}
	other.view, other.asker = other.view.Within(op.view), op
	return other, nil
}

// ViewAs opens an operation that reads as another person of the application, of
// what the principal sees as well (P10), and cannot write. detail is JSON of what
// is asked for, without values of records; it is written down with who looked
// through whose eyes before ViewAs returns. The caller closes the operation.
//
// Forbidden for who may not use the tool, and for an admin as user; NotFound for a
// user without a place in the application, and for an application where the
// principal has none.
func (e *Engine) ViewAs(ctx context.Context, p identity.Principal, application string, user record.ID, detail json.RawMessage) (*Op, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	other, err := op.noted(user, detail)
	if err != nil {
		op.Close()
		return nil, err
	}
	return other, nil
}

// noted is within for who may use the tool, written down.
func (op *Op) noted(user record.ID, detail json.RawMessage) (*Op, error) {
	name := op.app.def.Name
	if err := op.mayUse(Look{Tool: identity.ViewAs, Target: user}); err != nil {
		return nil, err
	}
	other, err := op.within(user)
	if err != nil {
		return nil, err
	}
	l := Look{Tool: identity.ViewAs, Application: name, Target: user, Detail: detail}
	return other, op.e.note(op.ctx, op.principal, l)
}

// ViewAsTargets returns a page of the people as whom the principal may view an
// application: its active members who are no admins, but for the principal,
// ascending by id. Of a user id and display name may be shown. It looks through
// nobody's eyes, and is not written down but where it is refused. Forbidden for who
// may not use the tool, NotFound for an application where the principal has no
// place, Invalid for a page outside 1 to MaxMembers.
func (e *Engine) ViewAsTargets(ctx context.Context, p identity.Principal, application string, q Crowd) (out Members, err error) {
	if q.First < 1 || q.First > MaxMembers {
		return out, fault.New(fault.Invalid, opViewAs, "first: expected 1 to %d", MaxMembers)
	}
	var refused error
	err = e.manage(p, func(r storage.Reader, people *directory.People) error {
		if refused = people.MayUse(p, application, identity.ViewAs); refused != nil {
			return refused
		}
		if _, err := e.active(r, application); err != nil {
			return err
		}
		out = pageOf(slices.DeleteFunc(slices.Clone(people.Members(application)), func(u *directory.User) bool {
			return u.Admin.Administers() || u.ID == p.User
		}), q)
		return nil
	})
	if refused != nil {
		err = e.attempted(ctx, p, Look{Tool: identity.ViewAs, Application: application}, refused)
	}
	return out, err
}

// Asker returns who looks through the viewer's eyes, false for an operation of
// the viewer's own.
func (op *Op) Asker() (identity.Viewer, bool) {
	if op.asker == nil {
		return identity.Viewer{}, false
	}
	return op.asker.view.Viewer(), true
}

// eyes names who an answer is for: the viewer, and who looks through their eyes.
// What is bound to it fits nobody else, and neither of the two alone.
func (op *Op) eyes() []byte {
	out := op.principal.User[:]
	if op.asker != nil {
		out = append(out[:len(out):len(out)], op.asker.principal.User[:]...)
	}
	return out
}

// reached returns those of some records that the operation's viewer may VIEW.
// Rules are asked in one batch.
func (op *Op) reached(f *form, recs []record.Record) []record.Record {
	op.askShown(f, op.view.Restricts(f.def.Number), recs)
	out := make([]record.Record, 0, len(recs))
	for _, rec := range recs {
		if op.view.Decide(f.def.Number, definition.View, &subject{op: op, form: f, rec: rec}) {
			out = append(out, rec)
		}
	}
	return out
}

// refuel gives an operation that goes on for long the means of another query.
func (op *Op) refuel() {
	op.fuel, op.related = rules.Fuel{Left: rules.QueryFuel}, 0
	if op.asker != nil {
		op.asker.refuel()
	}
}

// Asker is the record as the asker's own operation sees it.
func (s *subject) Asker() policy.Subject {
	if s.op.asker == nil {
		return nil
	}
	return &subject{op: s.op.asker, form: s.form, rec: s.rec}
}
