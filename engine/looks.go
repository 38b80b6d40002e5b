package engine

import (
	"context"
	"encoding/json"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Look is what stays of a use of a tool: who looked through whose eyes at what.
// It holds ids and names of the definition, never values of records.
type Look struct {
	ID          string        `json:"id"` // ascending with time
	Time        time.Time     `json:"time"`
	User        record.ID     `json:"user"` // who looked
	Tool        identity.Tool `json:"tool"`
	Application string        `json:"application"`
	// Target is through whose eyes; zero for a tool that is about several people.
	Target record.ID `json:"target,omitzero"`
	// Form and Record are what was looked at, where it was one record.
	Form   string    `json:"form,omitempty"`
	Record record.ID `json:"record,omitzero"`
	// Detail is JSON of what else was asked for; nil for nothing.
	Detail json.RawMessage `json:"detail,omitempty"`
}

const spaceLook storage.Space = 31

// note permits a look and writes it down, in one transaction, with the people of
// that time: the answer is given after it. ID, Time and User of the look are set
// here. It is Forbidden for who was not given the tool.
func (e *Engine) note(ctx context.Context, p identity.Principal, l Look) error {
	return e.change(ctx, p, "look", func(txn *storage.Txn, people *directory.People) error {
		if err := people.MayUse(p, l.Application, l.Tool); err != nil {
			return err
		}
		l.Time, l.User = e.o.Now().UTC().Truncate(time.Microsecond), p.User
		l.ID = record.NewID(l.Time).String()
		b, err := json.Marshal(l)
		if err != nil {
			return fault.Wrap(fault.Internal, "engine.note", err, "a look could not be written down")
		}
		return txn.PutDoc(spaceLook, l.Application+"/"+l.ID, b)
	})
}
