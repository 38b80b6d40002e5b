package engine

import (
	"context"
	"errors"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

const opApprove = "engine.approve"

func contextEnded(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

var errNoAdmin = fault.New(fault.Forbidden, opApprove, "only admins may do this, other than the one who asked for the difference")

// ReviewComparison compares the change of somebody else's comparison anew, under
// the eyes of the principal, an admin other than its asker. The one that it begins
// is the principal's own.
func (e *Engine) ReviewComparison(ctx context.Context, p identity.Principal, id string) (*Comparison, error) {
	theirs, err := e.Comparison(ctx, p, id)
	if err != nil {
		return nil, err
	}
	switch {
	case theirs.Of != "":
		return nil, fault.New(fault.Invalid, opApprove, "id: expected the difference that was asked for first")
	case theirs.Asker == p.User:
		return nil, errNoAdmin
	case theirs.State != ComparisonDone:
		return nil, fault.New(fault.Conflict, opApprove, "id: this difference is not done")
	}
	return e.startComparison(ctx, p, theirs.Application, theirs.Change, id)
}

// ApproveComparison says of somebody else's comparison that the change may be
// applied though it newly exposes personal data. The principal is an admin other
// than its asker and has looked at it: their newest ReviewComparison of it is done.
// The approval holds for the same change, rights and data; it is Conflict where
// rights changed since either.
func (e *Engine) ApproveComparison(ctx context.Context, p identity.Principal, id string) (*Comparison, error) {
	c, err := e.Comparison(ctx, p, id)
	if err != nil {
		return nil, err
	}
	err = e.change(ctx, p, "approveDifference", func(txn *storage.Txn, people *directory.People) error {
		return e.approve(txn, people, p, c.Application, id)
	})
	if err != nil {
		return nil, err
	}
	return e.Comparison(ctx, p, id)
}

func (e *Engine) approve(txn *storage.Txn, people *directory.People, p identity.Principal, application, id string) error {
	if err := people.MayUse(p, application, identity.Compare); err != nil {
		return err
	}
	root, err := readComparison(txn, id)
	if err != nil {
		return err
	}
	if err := mayApprove(people, p, root); err != nil {
		return err
	}
	epoch, err := txn.Epoch()
	if err != nil {
		return err
	}
	all, err := comparisons(txn, application)
	if err != nil {
		return err
	}
	var mine *Comparison
	for _, c := range all {
		if c.Of == id && c.Asker == p.User {
			mine = c
		}
	}
	switch {
	case mine == nil, mine.State != ComparisonDone:
		return fault.New(fault.Conflict, opApprove, "id: look at this difference with your own eyes first, and wait until it is done")
	case root.State != ComparisonDone || root.Hash != mine.Hash || root.Digest == "" || mine.Digest == "":
		return errNotCompared
	case root.Epoch != epoch || mine.Epoch != epoch:
		return errRightsChanged
	}
	root.Approval = &Approval{By: p.User, Time: e.o.Now().UTC().Truncate(time.Millisecond), Via: mine.ID}
	return putComparison(txn, root)
}

// mayApprove permits admins other than the asker: it takes two persons.
func mayApprove(people *directory.People, p identity.Principal, root *Comparison) error {
	v, ok := people.Viewer(p, root.Application)
	switch {
	case !ok:
		return errNoComparison
	case root.Of != "":
		return fault.New(fault.Invalid, opApprove, "id: expected the difference that was asked for first")
	case !v.Kind.Administers() || root.Asker == p.User:
		return errNoAdmin
	}
	return nil
}
