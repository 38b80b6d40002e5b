package exporter

import (
	"context"
	"encoding/json"
	"io"

	"sluice/engine"
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Run exports from a form. begin is called once, when nothing can be refused any
// more, and returns where to write; it gets some records at a time. An error
// before begin means that nothing was written, one behind it that what was
// written is not whole. The number of records is returned with any error.
func Run(ctx context.Context, e *engine.Engine, p identity.Principal, application, form string, o *Options, begin func(form string) io.Writer) (int, error) {
	w := &writer{o: o, form: form, begin: begin}
	rows, err := e.Export(ctx, p, application, form, w.prepare)
	if err == nil && !w.begun {
		err = w.write(nil)
	}
	return rows, err
}

// writer is one export on its way.
type writer struct {
	o     *Options
	form  string
	begin func(form string) io.Writer

	plan  *plan
	begun bool
	to    io.Writer
	b     []byte
}

func (w *writer) prepare(op *engine.Op, shape *policy.FormShape) (engine.List, json.RawMessage, engine.Exporter, error) {
	request, err := json.Marshal(w.o)
	if err != nil {
		return engine.List{}, nil, nil, err
	}
	if w.plan, err = newPlan(op, shape, w.o); err != nil {
		return engine.List{}, nil, nil, err
	}
	return w.plan.list, request, func(records []record.Redacted) error {
		if len(records) == 0 {
			return nil // it may still be refused
		}
		return w.write(records)
	}, nil
}

func (w *writer) write(records []record.Redacted) error {
	w.b = w.b[:0]
	b, err := w.plan.rows(w.b, w.o, records)
	if err != nil {
		return err
	}
	if !w.begun {
		w.begun = true
		w.to = w.begin(w.form)
		b = append(w.plan.header(nil, w.o), b...)
	}
	w.b = b
	if _, err := w.to.Write(b); err != nil {
		return fault.Wrap(fault.Unavailable, "exporter.Run", err, "the receiver does not take the records")
	}
	return nil
}
