package app

import (
	"context"
	"errors"
	"strconv"

	"sluice/engine"
	"sluice/graph"
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
		if !ok && x.fatal == nil && req.Replay == nil {
			x.lookFurther(r.set)
		}
		if x.fatal != nil {
			return x.fatal
		}
		if !ok || len(x.errs) > 0 && req.Replay == nil {
			return errFailed
		}
		if req.Keep != nil {
			if err := req.Keep(x.outcomes); err != nil {
				return err
			}
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
	x.begun++
	out, err := x.outcome(f)
	if err != nil {
		return x.fail(f, err)
	}
	x.outcomes = append(x.outcomes, out)
	return x.payload(f, out)
}

// outcome does what a root field says, or finds what it did before.
func (x *exec) outcome(f *field) (engine.Outcome, error) {
	if x.req.Replay == nil || f.mean.Kind == app.MarkRead {
		return x.write(f)
	}
	n := len(x.outcomes)
	if n >= len(x.req.Replay) {
		return engine.Outcome{}, fault.New(fault.Internal, "resolvers/app", "a replay of %d fields has more", n)
	}
	return x.req.Replay[n], nil
}

func (x *exec) write(f *field) (engine.Outcome, error) {
	var one func(*field) (record.ID, error)
	switch f.mean.Kind {
	case app.Create:
		one = x.create
	case app.Update:
		one = x.update
	case app.ChangeOwner:
		one = x.changeOwner
	case app.Delete:
		one = x.remove
	case app.CreateReport, app.UpdateReport, app.DeleteReport:
		one = x.changeReport
	case app.CreateMany:
		return x.createMany(f)
	case app.UpdateMany:
		return x.updateMany(f)
	case app.UpdateWhere:
		return x.updateWhere(f)
	case app.DeleteWhere:
		return x.deleteWhere(f)
	case app.Upsert:
		return x.upsert(f)
	case app.AddComment, app.EditComment, app.DeleteComment:
		return x.writeComment(f)
	case app.MarkRead:
		ids, err := x.ids(f, "ids")
		return engine.Outcome{IDs: ids}, err
	default:
		return engine.Outcome{}, fault.New(fault.Internal, "resolvers/app", "field %s has no meaning", f.node.Name)
	}
	id, err := one(f)
	return engine.Outcome{IDs: []record.ID{id}}, err
}

// payload writes what a root field answers.
func (x *exec) payload(f *field, out engine.Outcome) bool {
	switch f.mean.Kind {
	case app.CreateMany, app.UpdateMany, app.UpdateWhere, app.DeleteWhere:
		return x.several(f, out)
	case app.AddComment, app.EditComment, app.DeleteComment:
		return x.comment(f, out)
	case app.MarkRead:
		return x.markRead(f, out.IDs)
	case app.CreateReport, app.UpdateReport, app.DeleteReport:
		return x.keptReport(f, out.ID())
	}
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.PayloadID:
			x.idText(out.ID())
			return true
		case app.PayloadCreated:
			x.b = strconv.AppendBool(x.b, out.Created)
			return true
		case app.PayloadRecord:
			return x.one(g, out.ID())
		}
		return x.unknown(g)
	})
}

// lookFurther says what is wrong with the root fields behind one whose values
// were wrong, as if that one had not been there. What else stands against them
// may come of what it did not do, and is not told.
func (x *exec) lookFurther(s *set) {
	for _, e := range x.errs {
		if e.Extensions["code"] != graph.CodeBadUserInput {
			return
		}
	}
	seen := 0
	for i := range s.fields {
		f := &s.fields[i]
		if f.mean.Kind == app.TypeName {
			continue
		}
		if seen++; seen <= x.begun || x.fatal != nil {
			continue
		}
		_, err := x.write(f)
		if err != nil && fault.KindOf(err) == fault.Invalid {
			x.path = append(x.path[:0], segment{key: f.alias})
			x.fail(f, err)
		}
	}
	x.path = x.path[:0]
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
	return versionOf(v, "ifVersion")
}

func versionOf(v any, at string) (uint32, error) {
	n, ok := v.(int64)
	if ok && n < 1 {
		return 0, fault.New(fault.Invalid, "resolvers/app", "argument %s: expected the version of a record, from 1", at)
	}
	return uint32(n), nil
}
