package app

import (
	"context"
	"encoding/json"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// MaxEventCost is how many cells one event of a subscription may come to.
const MaxEventCost = 5_000

// Changes reads what a subscription asks for. Errors are those of its arguments,
// under the rights of req.Op.
func (r *Run) Changes(ctx context.Context, req Request) (engine.LiveQuery, error) {
	var q engine.LiveQuery
	if len(r.set.fields) != 1 || r.set.fields[0].mean.Kind != app.Changes {
		return q, fault.New(fault.Invalid, "resolvers/app", "a subscription selects exactly one field")
	}
	if r.Cost > MaxEventCost {
		return q, fault.New(fault.Limit, "resolvers/app", "one event could come to %d cells, the limit is %d; ask for smaller pages or fewer fields", r.Cost, MaxEventCost)
	}
	x := start(ctx, r, req)
	defer x.answer(true).Release()
	f := &r.set.fields[0]
	var err error
	if q.Where, err = x.whereOf(f); err != nil {
		return q, err
	}
	resume, err := x.argument(f, "resume")
	if err != nil {
		return q, err
	}
	q.Form = f.mean.Form
	q.Resume, _ = resume.(string)
	return q, nil
}

// Shares reports whether the answer to an event depends on nothing but the event
// and the record in it: not on what else its viewer may see or do.
func (r *Run) Shares() bool {
	for i := range r.set.fields {
		f := &r.set.fields[i]
		if f.mean.Kind != app.Changes || !plainSet(f.sub) {
			return false
		}
	}
	return true
}

func plainSet(s *set) bool {
	for i := range s.fields {
		f := &s.fields[i]
		switch f.mean.Kind {
		case app.TypeName, app.ChangeKind, app.ChangeID, app.ChangeToken, app.RecordID, app.RecordVersion, app.UserID, app.UserName:
		case app.Cell:
			if f.sub != nil {
				return false
			}
		case app.ChangeRecord, app.UserCell:
			if !plainSet(f.sub) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Event answers one event of a subscription: the JSON of the whole answer, data
// and errors, without the token, whose places it names. Causes are for the log.
func (r *Run) Event(ctx context.Context, req Request, ev engine.LiveEvent) (enc engine.Encoded, causes []error, err error) {
	x := start(ctx, r, req)
	x.change = &ev
	a := x.answer(x.object(r.set, func(f *field) bool {
		if f.mean.Kind != app.Changes {
			return x.unknown(f)
		}
		return x.object(f.sub, x.changed)
	}))
	defer a.Release()
	head := []byte(`{"data":`)
	if len(a.Errors) > 0 {
		list, err := json.Marshal(a.Errors)
		if err != nil {
			return enc, nil, fault.Wrap(fault.Internal, "resolvers/app", err, "errors")
		}
		head = append(append([]byte(`{"errors":`), list...), `,"data":`...)
	}
	enc.Bytes = make([]byte, 0, len(head)+len(a.Data)+1)
	enc.Bytes = append(append(append(enc.Bytes, head...), a.Data...), '}')
	for _, at := range x.tokens {
		if at <= len(a.Data) {
			enc.Tokens = append(enc.Tokens, len(head)+at)
		}
	}
	return enc, a.Causes, nil
}

// changed writes a field of an event.
func (x *exec) changed(f *field) bool {
	switch ev := x.change; f.mean.Kind {
	case app.ChangeKind:
		x.text(ev.Kind.String())
	case app.ChangeID:
		x.b = append(ev.ID.Append(append(x.b, '"')), '"')
	case app.ChangeToken:
		x.tokens = append(x.tokens, len(x.b))
	case app.ChangeRecord:
		if ev.Record.IsZero() {
			return x.null()
		}
		return x.row(f.sub, x.load(f.sub, []record.Redacted{ev.Record}), 0)
	default:
		return x.unknown(f)
	}
	return true
}
