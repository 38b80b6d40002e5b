package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const opExport = "engine.export"

// ExportState is where an export stands. The zero state is none.
type ExportState string

// The states of an export.
const (
	ExportRunning ExportState = "RUNNING" // or ended by the end of the server
	ExportDone    ExportState = "DONE"
	ExportAborted ExportState = "ABORTED"
)

// ExportTrace is what stays of an export: who took what. It is stored before the
// first record leaves and once more when it has ended, and both are in the
// change log.
type ExportTrace struct {
	ID      string    `json:"id"`
	Form    string    `json:"form"`   // as it was named then
	Number  uint32    `json:"number"` // of the form
	User    record.ID `json:"user"`
	Started time.Time `json:"started"`
	// Request is JSON: what was asked for, as whoever exports puts it.
	Request json.RawMessage `json:"request"`
	State   ExportState     `json:"state"`
	Ended   *time.Time      `json:"ended,omitempty"`
	Rows    int             `json:"rows"`             // handed on, arrived or not
	Reason  string          `json:"reason,omitempty"` // the kind of what aborted it
}

func exportKey(application, id string) string { return application + "/" + id }

// endTime bounds the write of a trace when the request may be over already.
const endTime = 10 * time.Second

// MayExport returns the shape of the form of that name for somebody who may
// export from it (B7). A form outside the viewer's shape is NotFound, one that
// they know but may not export from Forbidden.
func (op *Op) MayExport(name string) (*policy.FormShape, error) {
	for _, s := range op.view.Shape().Forms {
		switch {
		case s.Form.Name != name:
		case !s.Export:
			return nil, fault.New(fault.Forbidden, opExport, "not permitted to export from %s", name)
		default:
			return s, nil
		}
	}
	return nil, fault.New(fault.NotFound, opExport, "form %q: not found", name)
}

// Exporter takes the records of an export: of Op and valid until it returns.
// There may be none in a call.
type Exporter func(records []record.Redacted) error

// Export hands all records of a form that the viewer may export and that match
// the list to an Exporter, from one snapshot. prepare makes both, and says what
// the trace holds as request; form, action, and paging of its list are not read.
// Before each call credential and rights are looked at as they are by then: a
// credential that ended is Unauthenticated, people or a definition that changed
// are Conflict. The number of records is returned with any error.
func (e *Engine) Export(ctx context.Context, p identity.Principal, application, form string, prepare func(*Op, *policy.FormShape) (List, json.RawMessage, Exporter, error)) (int, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return 0, err
	}
	defer op.Close()
	shape, err := op.MayExport(form)
	if err != nil {
		return 0, err
	}
	q, request, sink, err := prepare(op, shape)
	if err != nil {
		return 0, err
	}
	q.Form, q.Action = shape.Form.Number, exportAction
	if _, err := op.newLister(q); err != nil {
		return 0, err // nothing has left yet, and nothing will
	}
	t := &ExportTrace{
		ID: record.NewID(e.o.Now()).String(), Form: form, Number: q.Form, User: p.User,
		Started: e.o.Now().UTC().Truncate(time.Millisecond), Request: request, State: ExportRunning,
	}
	if err := e.putExport(ctx, p, application, t); err != nil {
		return 0, err
	}
	err = exportError(op.export(q, t, sink))
	return t.Rows, errors.Join(err, e.endExport(ctx, p, application, t, err))
}

// export walks the list and looks at the rights before each step.
func (op *Op) export(q List, t *ExportTrace, sink Exporter) error {
	return op.Walk(q, func(records []record.Redacted) error {
		if err := op.stands(); err != nil {
			return err
		}
		t.Rows += len(records)
		return sink(records)
	})
}

// stands reports whether credential and rights are still those that the
// operation began with.
func (op *Op) stands() error {
	now, err := op.e.o.Store.Tenant(op.principal.Tenant).Snapshot()
	if err != nil {
		return err
	}
	defer now.Close()
	if err := op.e.o.Directory.Check(now, op.principal); err != nil {
		return err
	}
	epoch, err := now.Epoch()
	if err == nil && epoch != op.epoch {
		err = fault.New(fault.Conflict, opExport, "people or definitions of the organization were changed meanwhile; begin again")
	}
	return err
}

func exportError(err error) error {
	if errors.Is(err, storage.ErrExpired) {
		return fault.Wrap(fault.Limit, opExport, err, "it took longer than one state of the data is kept; export fewer records at a time")
	}
	return err
}

func (e *Engine) endExport(ctx context.Context, p identity.Principal, application string, t *ExportTrace, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	ended := e.o.Now().UTC().Truncate(time.Millisecond)
	t.State, t.Ended = ExportDone, &ended
	if err != nil {
		t.State, t.Reason = ExportAborted, fault.KindOf(err).String()
	}
	return e.putExport(ctx, p, application, t)
}

// putExport stores a trace, whatever its author may do by now.
func (e *Engine) putExport(ctx context.Context, p identity.Principal, application string, t *ExportTrace) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	m := storage.Meta{Actor: p.User, Operation: "export", Time: e.o.Now()}
	return e.o.Store.Tenant(p.Tenant).Update(ctx, m, func(txn *storage.Txn) error {
		return txn.PutDoc(spaceExport, exportKey(application, t.ID), b)
	})
}

// Exports returns the traces of an application, the oldest first: one's own, or
// all of them for admins and developers but those of somebody who hides records
// of the form from them: the number of rows would tell of those (G1).
func (e *Engine) Exports(ctx context.Context, p identity.Principal, application string) ([]ExportTrace, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	c := op.r.Docs(spaceExport, exportKey(application, ""))
	defer c.Close()
	out := []ExportTrace{}
	for c.Next() {
		var t ExportTrace
		if err := json.Unmarshal(c.Value(), &t); err != nil {
			return nil, fault.Wrap(fault.Unavailable, opExport, err, "the trace of an export is damaged")
		}
		if op.mayHandleOf(t.User) && !op.hidesFrom(t.User, t.Number) {
			out = append(out, t)
		}
	}
	return out, c.Err()
}
