package engine

import (
	"context"
	"time"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// Op is one operation: one snapshot, one set of rights. It is used by one
// goroutine at a time. Records that it hands out are valid until it ends.
type Op struct {
	e         *Engine
	ctx       context.Context
	r         storage.Reader
	snapshot  *storage.Snapshot // of a read
	txn       *storage.Txn      // of a write
	principal identity.Principal
	people    *directory.People
	epoch     uint64 // of people and definitions, as read
	app       *application
	view      *policy.View
	seal      *sealer

	fuel     rules.Fuel
	outcomes map[outcomeKey]policy.Outcome
	// decisions are what is known of the answers of rules, see decisionsOf.
	decisions map[*definition.CustomRule]*replies
	grants    map[grantsKey]*decided.Grants // see grantsOf
	learned   int64                         // entries that lists being learned have room for, see learns
	seen      map[recordKey]seenRecord
	plans     map[rulePlanKey]rulePlan
	faults    int
	failing   map[string]*failing // by rule: what a transaction saw go wrong
	audited   int                 // records put to modules although a plan leaves them out
	narrow    map[record.ID]bool  // those that a module shares then
	doubt     bool                // a rule was asked of which nobody knows what it said then
	steps     int
	nested    int   // records added below others
	related   int   // records that a filter went through, see MaxRelated
	err       error // what ended the operation
	write     *writeState
	besides   map[*definition.CustomRule]*shadowJob // see beside
	asker     *Op                                   // who looks through the viewer's eyes, nil for nobody; see through and within
	trial     bool                                  // it tries somebody's rights: what rules answer is not kept, so that who reads asks and is logged
}

// errNoApplication is the one answer for an application that does not exist and
// one that the principal has no place in.
func errNoApplication(name string) error {
	return fault.New(fault.NotFound, "engine.open", "application %q: not found", name)
}

// Read opens an operation that reads one snapshot: the principal's credential,
// rights and data as of now. The caller closes it. An application that does not
// exist and one that the principal has no place in are the same NotFound.
func (e *Engine) Read(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	snap, err := e.o.Store.Tenant(p.Tenant).Snapshot()
	if err != nil {
		return nil, err
	}
	op := &Op{e: e, ctx: ctx, r: snap, snapshot: snap, principal: p}
	if err := op.open(application); err != nil {
		snap.Close()
		return nil, err
	}
	return op, nil
}

// Write runs fn in one transaction: all of its writes or none. On a conflict fn
// is run again on a fresh Op with the same ids and clock, a bounded number of
// times; it must not keep anything of the Op.
func (e *Engine) Write(ctx context.Context, p identity.Principal, application, operation string, fn func(*Op) error) error {
	seal, err := e.sealer(ctx, p.Tenant)
	if err != nil {
		return err
	}
	w := &writeState{now: e.o.Now().UTC().Truncate(time.Microsecond)}
	m := storage.Meta{Actor: p.User, Operation: operation, Time: w.now}
	var op *Op
	err = e.o.Store.Tenant(p.Tenant).Update(ctx, m, func(txn *storage.Txn) error {
		w.next = 0
		op = &Op{e: e, ctx: ctx, r: txn, txn: txn, principal: p, write: w, seal: seal}
		if err := op.open(application); err != nil {
			return err
		}
		if err := fn(op); err != nil {
			return err
		}
		return op.failed()
	})
	if err == nil && len(op.failing) > 0 {
		op.committed()
	}
	return err
}

func (op *Op) open(name string) error {
	if err := op.e.o.Directory.Check(op.r, op.principal); err != nil {
		return err
	}
	epoch, err := op.r.Epoch()
	if err != nil {
		return err
	}
	op.epoch = epoch
	if op.people, err = op.e.o.Directory.Load(op.r); err != nil {
		return err
	}
	viewer, ok := op.people.Viewer(op.principal, name)
	if !ok {
		return errNoApplication(name)
	}
	if op.app, ok, err = op.e.load(op.r, epoch, name); err != nil {
		return err
	}
	if !ok {
		return errNoApplication(name)
	}
	op.view = op.e.viewOf(epoch, viewer, op.app, op.people)
	op.fuel = rules.Fuel{Left: rules.QueryFuel}
	op.outcomes = map[outcomeKey]policy.Outcome{}
	op.seen = map[recordKey]seenRecord{}
	return op.view.Refused()
}

func (e *Engine) viewOf(epoch uint64, v identity.Viewer, app *application, people *directory.People) *policy.View {
	key := viewKey{v.Tenant, v.Application, v.User, v.Credential}
	e.mu.Lock()
	hit := e.views[key]
	e.mu.Unlock()
	if hit != nil && hit.epoch == epoch {
		return hit.view
	}
	view := app.policy.View(v, people.In(v.Application), app.hidesFor(people))
	e.mu.Lock()
	keep(e, e.views, key, &viewEntry{epoch, view})
	e.mu.Unlock()
	return view
}

// Close ends a Read's Op and everything borrowed from it.
func (op *Op) Close() {
	op.askBesides()
	if op.snapshot != nil {
		op.countKept()
		op.snapshot.Close()
		op.snapshot = nil
	}
	if op.asker != nil {
		op.asker.Close()
	}
}

// View returns the rights that the operation runs under.
func (op *Op) View() *policy.View { return op.view }

// Application returns the active definition.
func (op *Op) Application() *definition.Application { return op.app.def }

// People returns the tenant's directory as of the snapshot: display names.
func (op *Op) People() *directory.People { return op.people }

// Faults returns how many rule verdicts of this operation counted against
// access because something went wrong: for admins and developers only.
func (op *Op) Faults() int { return op.faults }

// Stats returns the storage work done so far.
func (op *Op) Stats() storage.Stats { return op.r.Stats() }

// shape returns the form and what the viewer may do with it; NotFound for a
// form outside the viewer's shape, which no schema of theirs names.
func (op *Op) shape(number uint32) (*form, *policy.FormShape, error) {
	s, ok := op.view.Shape().Form(number)
	f := op.app.forms[number]
	if !ok || f == nil {
		return nil, nil, fault.New(fault.NotFound, "engine", "form: not found")
	}
	return f, s, nil
}

type recordKey struct {
	form uint32
	id   record.ID
}
