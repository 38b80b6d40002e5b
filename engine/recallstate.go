package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// retrospect is people, definition, rules, hides and records as they were right
// behind a change of the log, beside the operation of who looks back. It is used
// by the goroutine of that operation and ends with it.
type retrospect struct {
	asker *Op
	past  *storage.Past
	// op has the state of then. Its viewer is nobody: see Op.lookers.
	op *Op
}

// behind returns the state right behind a change of the log.
func (op *Op) behind(seq uint64) (*retrospect, error) {
	past, err := op.snapshot.At(seq)
	if err != nil {
		return nil, err
	}
	r := &retrospect{asker: op, past: past}
	people, err := op.e.o.Directory.Recall(past, op.people)
	if err != nil {
		return nil, err
	}
	app, err := r.application(op.app)
	if err != nil {
		return nil, err
	}
	return r, r.renew(people, app)
}

// renew makes the operation of the state as it is now. Nothing that was read or
// asked before counts any more.
func (r *retrospect) renew(people *directory.People, app *application) error {
	epoch, err := r.past.Epoch()
	if err != nil {
		return err
	}
	r.op = &Op{
		e: r.asker.e, ctx: r.asker.ctx, r: r.past, principal: r.asker.principal, people: people, epoch: epoch, app: app, seal: r.asker.seal,
		fuel: rules.Fuel{Left: rules.QueryFuel}, outcomes: map[outcomeKey]policy.Outcome{}, seen: map[recordKey]seenRecord{},
	}
	return nil
}

// application compiles the definition that was in force, nil where there was
// none. near saves work where it is of the same version.
func (r *retrospect) application(near *application) (*application, error) {
	e, name := r.asker.e, r.asker.app.def.Name
	var old *appEntry
	if near != nil {
		old = &appEntry{app: near}
	}
	app, ok, err := e.compile(r.past, name, old)
	if err != nil || !ok {
		return nil, err
	}
	app.lost, err = lostRules(r.past, app)
	return app, err
}

// lostRules are the rules that a module decided which is gone: its text is kept
// without a history.
func lostRules(r storage.Reader, app *application) (map[*definition.CustomRule]bool, error) {
	lost := map[*definition.CustomRule]bool{}
	for _, rule := range app.def.Custom {
		if app.bindings[rule] != nil {
			continue
		}
		s, err := readBinding(r, app.def.Name, rule.Name)
		if err != nil {
			return nil, err
		}
		if !validHash(s.asked()) {
			continue
		}
		_, ok, err := r.Doc(spaceModule, moduleBytesKey(app.def.Name, s.asked()))
		if err != nil {
			return nil, err
		}
		lost[rule] = !ok
	}
	return lost, nil
}

// subject returns a record of a form as it was, nil where there was none that the
// asker may know of: who may not see its state of then now is told nothing of it.
func (r *retrospect) subject(f *form, id record.ID) (*subject, error) {
	was := r.op.app.forms[f.def.Number]
	if was == nil {
		return nil, nil
	}
	rec, ok := r.op.raw(was, id)
	if !ok {
		return nil, r.op.failed()
	}
	if !r.asker.sees(f, rec) {
		return nil, r.asker.failed()
	}
	return &subject{op: r.op, form: was, rec: rec}, nil
}
