package engine

import (
	"strings"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const (
	spaceUser  = directory.SpaceUser
	spacePlace = directory.SpaceAssignment
)

// policySpaces are the documents that decide who may see what.
var policySpaces = []storage.Space{spaceUser, spacePlace, spaceDefinition, spaceBinding, spaceHide}

// moment is what one transaction changed of what may decide about a person and a
// record.
type moment struct {
	changes []storage.Change
	end     uint64 // the last entry of the transaction
}

// pastEvents walks the changes of policy documents and of followed records behind
// one entry of the log up to another, in their order.
type pastEvents struct {
	snapshot *storage.Snapshot
	prefix   string // of keys that name the application
	name     string
	to       uint64
	docs     []*docEvents
	records  map[recordKey]*recordEvents
	people   bool // somebody's document or place was passed by
}

type docEvents struct {
	space storage.Space
	c     *storage.DocHistoryCursor
	more  bool
}

type recordEvents struct {
	c    *storage.HistoryCursor
	more bool
}

func newPastEvents(s *storage.Snapshot, application string, from, to uint64) *pastEvents {
	e := &pastEvents{snapshot: s, name: application, prefix: application + "/", to: to, records: map[recordKey]*recordEvents{}}
	for _, space := range policySpaces {
		d := &docEvents{space: space, c: s.DocHistory(space, from)}
		d.more = d.c.Next()
		e.docs = append(e.docs, d)
	}
	return e
}

func (e *pastEvents) close() {
	for _, d := range e.docs {
		d.c.Close()
	}
	for _, r := range e.records {
		r.c.Close()
	}
}

// follow walks from now on the changes of a record and of those that its chain
// names, behind an entry of the log.
func (e *pastEvents) follow(f *form, id record.ID, chain []*subject, after uint64) {
	want := map[recordKey]*storage.Form{{f.def.Number, id}: f.store}
	for _, s := range chain {
		want[recordKey{s.form.def.Number, s.rec.ID()}] = s.form.store
	}
	for k, r := range e.records {
		if want[k] == nil {
			r.c.Close()
			delete(e.records, k)
		}
	}
	for k, store := range want {
		if e.records[k] == nil {
			r := &recordEvents{c: e.snapshot.HistoryAfter(store, k.id, after)}
			r.more = r.c.Next()
			e.records[k] = r
		}
	}
}

// next returns the next transaction that changed anything that concerns, false at
// the end.
func (e *pastEvents) next(concerns func(space storage.Space, key string) bool) (*moment, bool, error) {
	m := &moment{}
	for {
		v, err := e.first()
		if err != nil {
			return nil, false, err
		}
		if v.seq == 0 || v.seq > e.to || m.end > 0 && v.seq > m.end {
			return m, m.end > 0, nil
		}
		e.take(v)
		if v.doc != nil && !concerns(v.doc.space, v.key) {
			continue
		}
		ch, ok, err := e.snapshot.Change(v.seq)
		if err != nil || !ok {
			return nil, false, fault.Wrap(fault.Unavailable, opRecall, err, "the change log is damaged")
		}
		if m.end == 0 {
			if m.end, err = e.snapshot.EndOf(v.seq); err != nil {
				return nil, false, err
			}
		}
		m.changes = append(m.changes, ch)
	}
}

// event is the change that comes next, and who walks to it. The zero event is the
// end.
type event struct {
	seq uint64
	doc *docEvents
	key string // of the document
	rec *recordEvents
}

func (e *pastEvents) first() (v event, err error) {
	for _, d := range e.docs {
		if d.c.Err() != nil {
			return v, d.c.Err()
		}
		if d.more && (v.seq == 0 || d.c.Seq() < v.seq) {
			v = event{seq: d.c.Seq(), doc: d, key: d.c.Key()}
		}
	}
	for _, r := range e.records {
		if r.c.Err() != nil {
			return v, r.c.Err()
		}
		if r.more && (v.seq == 0 || r.c.Seq() < v.seq) {
			v = event{seq: r.c.Seq(), rec: r}
		}
	}
	return v, nil
}

// take passes an event by.
func (e *pastEvents) take(v event) {
	if v.rec != nil {
		v.rec.more = v.rec.c.Next()
		return
	}
	e.people = e.people || v.doc.space == spaceUser || v.doc.space == spacePlace
	v.doc.more = v.doc.c.Next()
}

// concerns reports whether a document may decide about the person and the record:
// of people, the person and the owners of the record and its parents; of the rest,
// what is of the application.
func (t *timeline) concerns(space storage.Space, key string) bool {
	switch space {
	case spaceUser:
		id, ok := directory.ChangedUser(key)
		return ok && t.matters(id)
	case spacePlace:
		id, application, ok := directory.ChangedPlace(key)
		return ok && application == t.events.name && t.matters(id)
	case spaceDefinition:
		return key == pointerKey(t.events.name)
	}
	return strings.HasPrefix(key, t.events.prefix)
}

func (t *timeline) matters(user record.ID) bool {
	if user == t.q.User {
		return true
	}
	for _, s := range t.chain {
		if s.rec.Owner() == user {
			return true
		}
	}
	return false
}

// knewMember reports NotFound for somebody who never had a place in the
// application: who they are is for the directory to say.
func (op *Op) knewMember(user record.ID) error {
	p := identity.Principal{Tenant: op.principal.Tenant, User: user, Credential: identity.Session}
	if _, ok := op.people.Viewer(p, op.app.def.Name); ok {
		return nil
	}
	if u, ok := op.people.User(user); ok && u.Admin.Administers() {
		return nil
	}
	if _, ok := op.people.Assignment(user, op.app.def.Name); ok {
		return nil
	}
	for _, space := range []storage.Space{spacePlace, spaceUser} {
		found, err := op.onceMember(space, user)
		if err != nil || found {
			return err
		}
	}
	return fault.New(fault.NotFound, opRecall, "user: nobody who has or had a place in application %s", op.app.def.Name)
}

// onceMember looks through what was changed of people: a place in the application,
// or an admin.
func (op *Op) onceMember(space storage.Space, user record.ID) (bool, error) {
	c := op.snapshot.DocHistory(space, 0)
	defer c.Close()
	for c.Next() {
		if err := op.ctx.Err(); err != nil {
			return false, err
		}
		if space == spacePlace {
			if id, application, ok := directory.ChangedPlace(c.Key()); ok && id == user && application == op.app.def.Name {
				return true, nil
			}
			continue
		}
		if id, ok := directory.ChangedUser(c.Key()); !ok || id != user {
			continue
		}
		ch, err := c.Change()
		if err != nil {
			return false, err
		}
		before, after, err := directory.UserSides(&ch)
		if err != nil {
			return false, err
		}
		if before != nil && before.Admin.Administers() || after != nil && after.Admin.Administers() {
			return true, nil
		}
	}
	return false, c.Err()
}
