package engine

import (
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// through returns an operation with the rights of another person on the snapshot
// of op, whose viewer looks through their eyes: nothing of it may be shown that op
// itself does not show (P10). It shares nothing but the reader with op, is used by
// the same goroutine, ends with op, and is not closed. A person without a place in
// the application, for whatever reason, is NotFound.
//
// Who may look at all, and that it is written down, is up to the caller: see
// directory.People.MayUse and Engine.note.
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
