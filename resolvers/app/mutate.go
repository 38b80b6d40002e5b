package app

import (
	"context"
	"errors"

	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// errFailed ends a transaction whose errors are in the answer already.
var errFailed = errors.New("the mutation failed")

// Write runs fn in one transaction, possibly several times, each time on a fresh
// Op, and commits when fn returns nil. An error of fn is returned as it is, with
// nothing written.
type Write func(fn func(Request) error) error

// Mutate runs a mutation: its root fields one after the other in one
// transaction, of which all is written or, when anything fails, nothing. It
// returns an error instead of an answer where write failed without running its
// function.
func (r *Run) Mutate(ctx context.Context, write Write) (*Answer, error) {
	x := start(ctx, r, Request{})
	done := false
	err := write(func(req Request) error {
		x.reset()
		x.ctx, x.r, x.req = ctx, r, req
		done = false
		ok := x.object(r.set, x.mutation)
		if x.fatal != nil {
			return x.fatal
		}
		if !ok || len(x.errs) > 0 {
			return errFailed
		}
		done = true
		return nil
	})
	x.req.Op = nil
	switch {
	case err == nil, errors.Is(err, errFailed), x.fatal != nil:
		return x.answer(err == nil), nil //nolint:nilerr // the answer carries the error
	case done: // what failed is the commit
		x.fatal = err
		return x.answer(false), nil
	}
	return nil, err
}

// mutation writes one root field of a mutation.
func (x *exec) mutation(f *field) bool {
	var id record.ID
	var err error
	switch f.mean.Kind {
	case app.Create:
		id, err = x.create(f)
	case app.Update:
		id, err = x.update(f)
	case app.ChangeOwner:
		id, err = x.changeOwner(f)
	case app.Delete:
		id, err = x.remove(f)
	case app.AddComment, app.EditComment, app.DeleteComment:
		return x.comment(f)
	case app.MarkRead:
		return x.markRead(f)
	case app.CreateReport, app.UpdateReport, app.DeleteReport:
		return x.keepReport(f)
	default:
		return x.unknown(f)
	}
	if err != nil {
		return x.fail(f, err)
	}
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.PayloadID:
			x.b = append(id.Append(append(x.b, '"')), '"')
			return true
		case app.PayloadRecord:
			return x.one(g, id)
		}
		return x.unknown(g)
	})
}

func (x *exec) create(f *field) (record.ID, error) {
	d, err := x.draft(f)
	if err != nil {
		return record.ID{}, err
	}
	return x.req.Op.Add(f.mean.Form, d)
}

func (x *exec) update(f *field) (record.ID, error) {
	id, err := x.id(f)
	if err != nil {
		return id, err
	}
	version, err := x.ifVersion(f)
	if err != nil {
		return id, err
	}
	d, err := x.draft(f)
	if err != nil {
		return id, err
	}
	return id, x.req.Op.Change(f.mean.Form, id, d, version)
}

func (x *exec) remove(f *field) (record.ID, error) {
	id, err := x.id(f)
	if err != nil {
		return id, err
	}
	version, err := x.ifVersion(f)
	if err != nil {
		return id, err
	}
	return id, x.req.Op.Delete(f.mean.Form, id, version)
}

func (x *exec) ifVersion(f *field) (uint32, error) {
	v, err := x.argument(f, "ifVersion")
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if ok && n < 1 {
		return 0, fault.New(fault.Invalid, "resolvers/app", "argument ifVersion: expected the version of a record, from 1")
	}
	return uint32(n), nil
}
