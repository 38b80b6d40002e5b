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
	// Detail is JSON of what else was asked for; nil for nothing. Ids of records
	// do not belong in it: who reads it may not see them.
	Detail json.RawMessage `json:"detail,omitempty"`
	// Refused says that whoever asked did not hold the tool and was shown nothing.
	Refused bool `json:"refused,omitempty"`
	// Muted says of a refused attempt that it was the last of its hour to be
	// written down: see maxRefused.
	Muted bool `json:"muted,omitempty"`
	// Number is that of the form, which may have another name by now; zero for
	// none.
	Number uint32 `json:"number,omitempty"`
}

// spaceLook holds looks by application and id. They are never changed or
// deleted. spaceTools holds which looks are whose, and how many attempts of each
// person were refused.
const (
	spaceLook  storage.Space = 31
	spaceTools storage.Space = 35
)

// maxRefused is how many refused attempts of one person are written down in an
// application within an hour: who is refused must not fill the store.
const maxRefused = 20

func lookPrefix(application string) string { return application + "/" }

// byLooker and byTarget begin the keys that say which looks are whose.
func byLooker(application string, user record.ID) string {
	return "u/" + application + "/" + user.String() + "/"
}

func byTarget(application string, user record.ID) string {
	return "t/" + application + "/" + user.String() + "/"
}

func refusedKey(application string, user record.ID) string {
	return "r/" + application + "/" + user.String()
}

// note permits a look and writes it down, in one transaction, with the people of
// that time: the answer is given after it. ID, Time and User of the look are set
// here. It is Forbidden for who was not given the tool, which is written down as
// well, and NotFound for who has no place in the application, which is not.
func (e *Engine) note(ctx context.Context, p identity.Principal, l Look) error {
	var refused error
	err := e.change(ctx, p, "look", func(txn *storage.Txn, people *directory.People) error {
		refused = people.MayUse(p, l.Application, l.Tool)
		if refused != nil && (fault.KindOf(refused) != fault.Forbidden || !identity.AllTools.Has(l.Tool)) {
			return refused
		}
		return e.putLook(txn, p, l, refused != nil)
	})
	if err != nil {
		return err
	}
	return refused
}

// mayUse permits a look before it is prepared, on the snapshot of the operation,
// and leaves writing it down to note; a refused attempt is written down at once.
// Tool, and what is known of whom and what it is about, are those of l.
func (op *Op) mayUse(l Look) error {
	l.Application = op.app.def.Name
	return op.e.attempted(op.ctx, op.principal, l, op.people.MayUse(op.principal, l.Application, l.Tool))
}

// attempted writes a look down that err refused as Forbidden, and returns err. It
// is for errors of directory.People.MayUse.
func (e *Engine) attempted(ctx context.Context, p identity.Principal, l Look, err error) error {
	if fault.KindOf(err) != fault.Forbidden {
		return err
	}
	failed := e.change(ctx, p, "look", func(txn *storage.Txn, _ *directory.People) error {
		return e.putLook(txn, p, l, true)
	})
	if failed != nil {
		return failed
	}
	return err
}

func (e *Engine) putLook(txn *storage.Txn, p identity.Principal, l Look, refused bool) error {
	if err := e.nameForm(txn, &l); err != nil {
		return err
	}
	l.Time, l.User, l.Refused, l.Muted = e.o.Now().UTC().Truncate(time.Microsecond), p.User, refused, false
	l.ID = lookID(l.Time).String()
	if refused {
		l.Detail = nil
		n, err := countRefused(txn, &l)
		if err != nil || n > maxRefused {
			return err
		}
		l.Muted = n == maxRefused
	}
	b, err := json.Marshal(l)
	if err != nil {
		return fault.Wrap(fault.Internal, "engine.note", err, "a look could not be written down")
	}
	if err := txn.PutDoc(spaceLook, lookPrefix(l.Application)+l.ID, b); err != nil {
		return err
	}
	if err := txn.PutDoc(spaceTools, byLooker(l.Application, l.User)+l.ID, []byte{byte(l.Tool)}); err != nil || l.Target.IsZero() {
		return err
	}
	return txn.PutDoc(spaceTools, byTarget(l.Application, l.Target)+l.ID, []byte{byte(l.Tool)})
}

// lookID returns an id that is ordered by time to the microsecond: looks of one
// person follow each other within a millisecond.
func lookID(now time.Time) record.ID {
	id := record.NewID(now)
	fraction := uint16(now.Nanosecond() / 1000 % 1000) // of a millisecond: 10 of the 12 random bits
	id[6], id[7] = 0x70|byte(fraction>>6), byte(fraction<<2)|id[7]&3
	return id
}

// nameForm numbers the form of a look; one that the application does not have is
// left out, with the record. NotFound when there is no such application.
func (e *Engine) nameForm(r storage.Reader, l *Look) error {
	epoch, err := r.Epoch()
	if err != nil {
		return err
	}
	app, ok, err := e.load(r, epoch, l.Application)
	if err != nil {
		return err
	}
	if !ok {
		return errNoApplication(l.Application)
	}
	f, ok := app.def.Form(l.Form)
	if !ok {
		l.Form, l.Number, l.Record = "", 0, record.ID{}
		return nil
	}
	l.Number = f.Number
	return nil
}

// refusals counts the refused attempts of one person within an hour.
type refusals struct {
	Hour  int64 `json:"hour"` // since 1970 UTC
	Count int   `json:"count"`
}

// countRefused counts a refused attempt and returns which of its hour it is. It
// stops counting behind maxRefused, so that nothing is written then.
func countRefused(txn *storage.Txn, l *Look) (int, error) {
	key := refusedKey(l.Application, l.User)
	var c refusals
	b, ok, err := txn.Doc(spaceTools, key)
	if err == nil && ok {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return 0, err
	}
	if hour := l.Time.Unix() / 3600; c.Hour != hour {
		c = refusals{Hour: hour}
	}
	c.Count++
	if c.Count > maxRefused {
		return c.Count, nil
	}
	if b, err = json.Marshal(c); err != nil {
		return 0, err
	}
	return c.Count, txn.PutDoc(spaceTools, key, b)
}
