package app

import (
	"context"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
	"sluice/graph"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// MaxAnswer is the largest answer in bytes; a larger one fails with
// LIMIT_EXCEEDED.
const MaxAnswer = 16 << 20

// Request is what a run needs beside the operation.
type Request struct {
	Viewer identity.Viewer
	Op     Op
	// Replay is what the root fields of a mutation did when it was sent before:
	// nothing is done, and their payloads are read anew. Keep is told what they
	// did, at the end of a mutation that is about to be committed. Both may be nil.
	Replay []engine.Outcome
	Keep   func([]engine.Outcome) error
}

// Answer is the outcome of a run: the JSON of data, which is "null" where an
// error reached the top, and the errors. It is valid until Release.
type Answer struct {
	Data   []byte
	Errors gqlerror.List
	// Causes are the errors that clients are told nothing of, for the log.
	Causes []error

	x *exec
}

// Release gives the answer's memory back.
func (a *Answer) Release() {
	x := a.x
	a.x, a.Data = nil, nil
	if x != nil && cap(x.b) <= 1<<20 {
		x.reset()
		pool.Put(x)
	}
}

// exec is one run. What it writes goes to b; where a value turns out to be null
// and may not, b is cut back to the nearest field that may.
type exec struct {
	ctx context.Context
	r   *Run
	req Request

	b      []byte
	path   []segment
	errs   gqlerror.List
	causes []error
	fatal  error // ends the run: nothing of it is answered
	steps  int
	change *engine.LiveEvent // of a subscription
	tokens []int             // where the token of its event belongs in b

	begun    int              // root fields of a mutation
	outcomes []engine.Outcome // of those that did what they say
}

// segment is one step of a response path: a key, or an index where the key is
// empty.
type segment struct {
	key   string
	index int
}

var pool = sync.Pool{New: func() any { return &exec{b: make([]byte, 0, 16<<10)} }}

func (x *exec) reset() { *x = exec{b: x.b[:0], path: x.path[:0]} }

func start(ctx context.Context, r *Run, req Request) *exec {
	x := pool.Get().(*exec)
	x.ctx, x.r, x.req = ctx, r, req
	return x
}

// answer ends the run; ok says that data is not null at the top.
func (x *exec) answer(ok bool) *Answer {
	if x.fatal != nil {
		ok = false
		x.path = x.path[:0]
		x.errs = nil
		x.fail(nil, x.fatal)
	}
	if !ok {
		x.b = append(x.b[:0], "null"...)
	}
	return &Answer{Data: x.b, Errors: graph.Cut(x.errs), Causes: x.causes, x: x}
}

// Query runs a query on the snapshot of req.Op.
func (r *Run) Query(ctx context.Context, req Request) *Answer {
	x := start(ctx, r, req)
	return x.answer(x.object(r.set, x.query))
}

// query writes one root field of a query.
func (x *exec) query(f *field) bool {
	switch f.mean.Kind {
	case app.SchemaVersion:
		x.text(x.r.schema.Version)
		return true
	case app.Me:
		return x.object(f.sub, x.viewer)
	case app.Get:
		return x.get(f)
	case app.List:
		return x.list(f)
	case app.Aggregates:
		return x.aggregates(f)
	case app.CreatedReports:
		return x.createdReports(f)
	case app.Members:
		return x.members(f)
	case app.Notifications:
		return x.notifications(f)
	case app.NodeByID:
		return x.nodeByID(f)
	case app.NodesByID:
		return x.nodesByID(f)
	case app.IntroSchema:
		return x.node(f.sub, x.r.schema.Introspect())
	case app.IntroType:
		return x.introType(f)
	}
	return x.unknown(f)
}

// unknown is the answer for a field that nobody gave a meaning: our bug.
func (x *exec) unknown(f *field) bool {
	return x.fail(f, fault.New(fault.Internal, "resolvers/app", "field %s has no meaning", f.node.Name))
}

// object writes an object of which each writes a field's value. A value that
// could not be written is null; where it may not be, the object could not be
// written.
func (x *exec) object(s *set, each func(f *field) bool) bool {
	x.b = append(x.b, '{')
	for i := range s.fields {
		f := &s.fields[i]
		if i > 0 {
			x.b = append(x.b, ',')
		}
		x.b = append(x.b, f.key...)
		if f.mean.Kind == app.TypeName {
			x.b = append(x.b, s.typ...)
			continue
		}
		if !x.value(f, each) {
			return false
		}
	}
	x.b = append(x.b, '}')
	return true
}

// value writes the value of one field, null where it failed and may be null.
func (x *exec) value(f *field, each func(f *field) bool) bool {
	mark := len(x.b)
	x.path = append(x.path, segment{key: f.alias})
	ok := x.alive() && each(f)
	x.path = x.path[:len(x.path)-1]
	if ok {
		return true
	}
	if f.nonNull || x.fatal != nil {
		return false
	}
	x.b = append(x.b[:mark], "null"...)
	return true
}

// alive reports whether the run may go on: the answer is not too large, and
// now and then that the deadline has not passed.
func (x *exec) alive() bool {
	if x.fatal != nil {
		return false
	}
	if x.steps&255 == 0 {
		x.fatal = x.ctx.Err()
	}
	x.steps++
	if len(x.b) > MaxAnswer {
		x.fatal = fault.New(fault.Limit, "resolvers/app", "the answer has more than %d bytes; ask for fewer records or fields", MaxAnswer)
	}
	return x.fatal == nil
}

// fail records an error at the current path and returns false. f is the field
// that failed, nil for the whole operation.
func (x *exec) fail(f *field, err error) bool {
	if x.ctx.Err() != nil && x.fatal == nil {
		x.fatal = x.ctx.Err()
	}
	for _, one := range engine.Each(err) {
		x.failOne(f, one)
	}
	return false
}

func (x *exec) failOne(f *field, err error) {
	code, message := graph.Explain(err)
	if code == graph.CodeInternal || code == graph.CodeUnavailable {
		x.causes = append(x.causes, err)
	}
	e := graph.Coded(code, "%s", message)
	if arg := graph.Argument(err); arg != "" {
		e.Extensions["argument"] = arg
	}
	if f != nil {
		e.Path = x.astPath()
		if p := f.node.Position; p != nil {
			e.Locations = []gqlerror.Location{{Line: p.Line, Column: p.Column}}
		}
	}
	if len(x.errs) <= graph.MaxErrors { // one more than is shown, so that Cut knows
		x.errs = append(x.errs, e)
	}
}

func (x *exec) astPath() ast.Path {
	p := make(ast.Path, len(x.path))
	for i, s := range x.path {
		if s.key != "" {
			p[i] = ast.PathName(s.key)
		} else {
			p[i] = ast.PathIndex(s.index)
		}
	}
	return p
}

func (x *exec) null() bool {
	x.b = append(x.b, "null"...)
	return true
}
