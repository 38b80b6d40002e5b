package engine

import (
	"context"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

const opBind = "engine.bind"

// bound holds a change of rights to the state that it was judged on. Nil holds it
// to nothing.
type bound struct {
	epoch uint64
	// compared says that it is held to a difference, approved that another admin
	// approved of that.
	compared, approved bool
}

// check refuses a transaction that finds another state of people and definitions.
// It comes before the first write.
func (b *bound) check(txn *storage.Txn) error {
	if b == nil {
		return nil
	}
	epoch, err := txn.Epoch()
	if err == nil && epoch != b.epoch {
		err = errRightsChanged
	}
	return err
}

var (
	errRightsChanged = fault.New(fault.Conflict, opBind, "difference: people or definitions of the organization were changed since; compare again")
	errDataChanged   = fault.New(fault.Conflict, opBind, "difference: records were changed since, and what the change would give and take is not what was shown; compare again")
	errOtherChange   = fault.New(fault.Conflict, opBind, "difference: it is of another change than this one; compare this one first")
	errNotCompared   = fault.New(fault.Conflict, opBind, "difference: it is not done, or was refused; compare again")
	errNotApproved   = fault.New(fault.Forbidden, opBind,
		"this change newly exposes personal data, and this server asks for another admin's approval then: compare it, let another admin approve of the difference, and name the difference")
	errTooMuch = fault.New(fault.Limit, opBind,
		"records were changed since it was compared, or it was not, and there is too much to compare within one request; compare again and name the difference at once")
)

// bind holds a change to the comparison of that id, which the principal asked for
// or approved: the same change, the same rights, and, where records were changed
// since, the same difference. Without an id it only asks whether the change may be
// made without: see Options.ApproveExposure.
func (e *Engine) bind(ctx context.Context, p identity.Principal, application string, change *ProposedChange, id string) (*bound, error) {
	if id == "" {
		return e.bindUncompared(ctx, p, application, change)
	}
	op, err := e.mayCompare(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	mine, root, err := op.compared(id)
	if err != nil {
		return nil, err
	}
	hash, err := change.hash(application)
	switch {
	case err != nil:
		return nil, err
	case hash != mine.Hash || hash != root.Hash:
		return nil, errOtherChange
	case mine.State != ComparisonDone || root.State != ComparisonDone:
		return nil, errNotCompared
	case op.epoch != mine.Epoch || op.epoch != root.Epoch:
		return nil, errRightsChanged
	}
	if err := op.sameStill(mine); err != nil {
		return nil, err
	}
	approved := op.approved(root)
	if e.o.ApproveExposure && !approved {
		if err := op.exposesNothing(change, mine, root); err != nil {
			return nil, err
		}
	}
	if root.Approval != nil {
		if err := op.othersStill(mine, root); err != nil {
			return nil, err
		}
	}
	return &bound{epoch: op.epoch, compared: true, approved: approved}, nil
}

// compared returns the viewer's own comparison that an id stands for, and the one
// that it is about: the same one where nobody else looked at it.
func (op *Op) compared(id string) (mine, root *Comparison, err error) {
	if mine, err = readComparison(op.r, id); err != nil {
		return nil, nil, err
	}
	if mine.Application != op.app.def.Name || !op.mayKnowOf(mine) {
		return nil, nil, errNoComparison
	}
	root = mine
	if mine.Of != "" {
		root, err = readComparison(op.r, mine.Of)
	} else if mine.Asker != op.principal.User {
		if mine.Approval == nil || mine.Approval.By != op.principal.User {
			return nil, nil, fault.New(fault.Conflict, opBind, "difference: somebody else asked for it; look at it with your own eyes and approve of it first")
		}
		mine, err = readComparison(op.r, mine.Approval.Via)
	}
	if err == nil && mine.Asker != op.principal.User {
		err = errNoComparison
	}
	return mine, root, err
}

// approved reports whether another admin approved of it, and the viewer is one of
// the two.
func (op *Op) approved(root *Comparison) bool {
	a := root.Approval
	if a == nil || a.By == root.Asker {
		return false
	}
	by, ok := op.people.User(a.By)
	if !ok || !by.Admin.Administers() || by.Status != directory.Active {
		return false
	}
	return op.principal.User == root.Asker || op.principal.User == a.By
}

// sameStill compares anew where records were changed since.
func (op *Op) sameStill(c *Comparison) error {
	changed, err := op.recordsChanged(c.Data)
	if err != nil || !changed {
		return err
	}
	d, digest, err := op.digested(&c.Change, nil, false)
	if err != nil {
		return tooMuch(err)
	}
	if digest != c.Digest || len(d.Faults) > 0 {
		return errDataChanged
	}
	return nil
}

// othersStill is sameStill for the other of asker and approver, through their eyes.
// Nothing of it is shown but that it is the same.
func (op *Op) othersStill(mine, root *Comparison) error {
	theirs := root
	if mine.Of == "" {
		var err error
		if theirs, err = readComparison(op.r, root.Approval.Via); err != nil {
			return errNotCompared
		}
	}
	other, err := op.through(theirs.Asker)
	if err != nil {
		return errNotCompared
	}
	other.principal = op.principal // whose credential stands; the view is theirs
	return other.sameStill(theirs)
}

func tooMuch(err error) error {
	if fault.KindOf(err) == fault.Limit || contextEnded(err) {
		return errTooMuch
	}
	return err
}

// existing reports whether an application exists, for somebody who may define it,
// and the state in which it does.
func (e *Engine) existing(p identity.Principal, application string) (*bound, bool, error) {
	b, exists := &bound{}, false
	err := e.manage(p, func(r storage.Reader, people *directory.People) (err error) {
		if _, exists, err = readPointer(r, application); err != nil {
			return err
		}
		if b.epoch, err = r.Epoch(); err != nil {
			return err
		}
		return mayPropose(people, p, application, exists)
	})
	return b, exists, err
}
