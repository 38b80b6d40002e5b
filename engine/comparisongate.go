package engine

import (
	"context"
	"errors"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// bindUncompared lets a change pass that needs no approval. A new application
// exposes nothing: nobody but admins has a place in it.
func (e *Engine) bindUncompared(ctx context.Context, p identity.Principal, application string, change *ProposedChange) (*bound, error) {
	if !e.o.ApproveExposure {
		return nil, nil
	}
	b, exists, err := e.existing(p, application)
	if err != nil || !exists {
		return b, err
	}
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	if err := op.exposesNothing(change, nil, nil); err != nil {
		return nil, err
	}
	return &bound{epoch: op.epoch}, nil
}

// exposesNothing refuses a change that newly exposes personal data. What
// comparisons of it found before is not looked for again, where records are still
// those of then; nil comparisons found nothing.
//
// A refusal is written down as a use of the tool, as it may tell of records that
// whoever asks does not see.
func (op *Op) exposesNothing(change *ProposedChange, mine, root *Comparison) error {
	exposes := mine != nil && (mine.Exposes || root.Exposes)
	if !exposes {
		harmless, err := op.harmlessStill(mine)
		if err != nil || harmless {
			return err
		}
		if exposes, err = op.exposes(change); err != nil {
			return tooMuch(err)
		}
	}
	if !exposes {
		return nil
	}
	return op.refused()
}

// harmlessStill reports whether a comparison found that nothing is exposed, on the
// records of now.
func (op *Op) harmlessStill(c *Comparison) (bool, error) {
	if c == nil || !c.Harmless {
		return false, nil
	}
	changed, err := op.recordsChanged(c.Data)
	return !changed, err
}

// refused writes a refusal down, for who may use the tool at all.
func (op *Op) refused() error {
	err := op.e.NoteComparison(op.ctx, op.principal, op.app.def.Name, []byte(`{"asks":"approval of a change","refused":true}`))
	switch kind := fault.KindOf(err); {
	case err != nil && kind != fault.Forbidden && kind != fault.NotFound:
		return err
	}
	return errNotApproved
}

// exposes reports whether a change newly exposes personal data; see newlyExposes. A
// document with faults exposes nothing: it is refused.
func (op *Op) exposes(change *ProposedChange) (bool, error) {
	proposal, err := op.proposal(change)
	if err != nil {
		return false, err
	}
	before, after, err := op.sides(proposal, &Difference{})
	if err != nil || after == nil {
		return false, err
	}
	return op.newlyExposes(before, after)
}

// newlyExposes reports whether somebody newly reads a field marked as personal data
// or health information, on any record, or such a mark goes from a field that
// stays. It is all that is told of records that the viewer does not see, and does
// not depend on who the viewer is: a RESTRICT rule that keeps records from them
// keeps nothing from it.
//
// What other admins hide is read by nobody else on either side and so exposed by
// nothing. What the viewer hides is judged as if it were shown, as they may lift
// that themselves and alone.
func (op *Op) newlyExposes(before, after *side) (bool, error) {
	if unmarks(before.app.def, after.app.def) {
		return true, nil
	}
	for _, s := range []*side{before, after} {
		s.hides = slices.DeleteFunc(slices.Clone(s.hides), func(h policy.Hide) bool { return h.Owner == op.principal.User })
	}
	c := newComparison(op, before, after, &CompareOptions{})
	c.judges = true
	err := c.run(&Difference{})
	return c.exposed, exportError(err)
}

// unmarks reports whether a proposal takes the mark of personal data or health
// information from a field that stays: what is exposed next would not count.
func (op *Op) unmarks(proposal *Proposal) (bool, error) {
	before, after, err := op.sides(proposal, &Difference{})
	if err != nil || after == nil {
		return false, err
	}
	return unmarks(before.app.def, after.app.def), nil
}

func unmarks(was, is *definition.Application) bool {
	for _, f := range was.Forms {
		now, ok := is.FormNumber(f.Number)
		if !ok {
			continue
		}
		for _, fd := range f.Fields {
			x, ok := now.FieldNumber(fd.Number)
			if ok && (fd.PII && !x.PII || fd.EPHI && !x.EPHI) {
				return true
			}
		}
	}
	return false
}

// held refuses to activate a version in another state of people and definitions
// than the one that it was stored in, where what it gives and takes was compared.
// What records give and take since is not looked at again: a version that takes an
// hour to prepare would never be activated beside people who work.
func (ptr *pointer) held(txn *storage.Txn) error {
	if ptr.Held == 0 {
		return nil
	}
	return (&bound{epoch: ptr.Held}).check(txn)
}

// hold keeps with a version that is being prepared what it is held to, in the
// transaction that stores it.
func (b *bound) hold(txn *storage.Txn, name string) error {
	if b == nil || !b.compared {
		return nil
	}
	ptr, _, err := readPointer(txn, name)
	if err != nil {
		return err
	}
	ptr.Held, ptr.Approved = b.epoch+1, b.approved // storing it makes another epoch
	return writePointer(txn, name, ptr)
}

// judged runs the tests of a version that is about to be activated, and judges anew
// whether it newly exposes personal data that nobody approved of: rights and
// records may be others than when it was stored.
func (e *Engine) judged(ctx context.Context, p identity.Principal, prep *preparation) (g *pass, faults []definition.Fault, err error) {
	if len(prep.next.Tests) > 0 {
		if g, faults, err = e.testPrepared(ctx, p, prep); err != nil || len(faults) > 0 {
			return nil, faults, err
		}
	}
	if !e.o.ApproveExposure {
		return g, nil, nil
	}
	op, err := e.Read(ctx, p, prep.name)
	if err != nil {
		return nil, nil, err
	}
	defer op.Close()
	if g == nil {
		g = &pass{epoch: op.epoch}
	}
	ptr, _, err := readPointer(op.r, prep.name)
	if err != nil || ptr.Approved {
		return g, nil, err
	}
	if op.epoch != g.epoch {
		return nil, nil, nil // another try
	}
	err = op.preparedExposesNothing(prep)
	if errors.Is(err, errNotApproved) {
		return nil, refusal(err), nil
	}
	return g, nil, err
}

func (op *Op) preparedExposesNothing(prep *preparation) error {
	app, err := op.compiled(prep.next)
	if err != nil {
		return err
	}
	o := &overlay{people: op.people, tenant: op.principal.Tenant, application: op.app.def.Name}
	exposes, err := op.newlyExposes(o.side(op.app), o.side(app))
	if err != nil || !exposes {
		return err
	}
	return op.refused()
}

// refusal is why a version that was prepared is abandoned.
func refusal(err error) []definition.Fault {
	return []definition.Fault{{Msg: fault.Message(err)}}
}
