package engine

import (
	"encoding/json"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// spaceInbox holds what people are told: an entry for each mention, and how many
// entries a person has.
const spaceInbox storage.Space = 24

const (
	// MaxInbox is how many notifications a person has in one application: a new one
	// takes the place of the oldest, whether the person may read it now or not.
	MaxInbox = 1000
	// MaxMarked bounds the notifications that one call marks as read.
	MaxMarked = 100
)

const opInbox = "engine.inbox"

// Notification tells the viewer of a comment that mentions them.
type Notification struct {
	ID      record.ID
	Actor   record.ID // who mentioned the viewer
	Time    int64     // microseconds since 1970 UTC
	Read    bool
	Form    uint32
	Record  record.ID
	Comment Comment
	// CanWrite says that the viewer may comment on the record.
	CanWrite bool
}

// InboxPage is a part of the viewer's notifications, the newest first.
type InboxPage struct {
	Marks
	Notifications []Notification
}

// Cursor returns the sealed cursor of notification i.
func (p *InboxPage) Cursor(i int) string { return p.cursor(p.Notifications[i].ID) }

// notice is what is stored of a notification. Whether its reader may know of it
// is decided at each read.
type notice struct {
	Form    uint32    `json:"form"`
	Record  record.ID `json:"record"`
	Comment record.ID `json:"comment"`
	Actor   record.ID `json:"actor"`
	Time    int64     `json:"time"`
	Read    bool      `json:"read,omitempty"`

	id record.ID
}

// inbox counts the entries of one person.
type inbox struct {
	Count int `json:"count"`
}

func inboxKey(application string, user record.ID) string {
	return application + "/n/" + user.String()
}

func noticePrefix(application string, user record.ID) string {
	return application + "/e/" + user.String() + "/"
}

// notify adds an entry to somebody's inbox.
func (op *Op) notify(user, id record.ID, n *notice) error {
	app := op.app.def.Name
	var box inbox
	b, ok, err := op.r.Doc(spaceInbox, inboxKey(app, user))
	if err == nil && ok {
		err = json.Unmarshal(b, &box)
	}
	if err != nil {
		return err
	}
	if err := op.putNotice(user, id, n); err != nil {
		return err
	}
	if box.Count >= MaxInbox {
		return op.dropOldest(noticePrefix(app, user))
	}
	box.Count++
	if b, err = json.Marshal(box); err != nil {
		return err
	}
	return op.txn.PutDoc(spaceInbox, inboxKey(app, user), b)
}

func (op *Op) putNotice(user, id record.ID, n *notice) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return op.txn.PutDoc(spaceInbox, noticePrefix(op.app.def.Name, user)+id.String(), b)
}

func (op *Op) dropOldest(prefix string) error {
	c := op.r.Docs(spaceInbox, prefix)
	defer c.Close()
	if !c.Next() {
		return c.Err()
	}
	return op.txn.PutDoc(spaceInbox, c.Key(), nil)
}

// Notifications returns a part of what the viewer is told in the application. An
// entry is there while its comment mentions the viewer and they may read it: one
// that they may not read now is neither listed nor counted, and comes back with
// the right.
func (op *Op) Notifications(q Part, unreadOnly bool) (*InboxPage, error) {
	marks, err := op.newPart(q, []byte("inbox"), []byte{flag(unreadOnly)})
	if err != nil {
		return nil, err
	}
	newest := func(a, b record.ID) int { return compareIDs(b, a) }
	b := &inboxReader{op: op, q: q, unread: unreadOnly, seen: newStretch[Notification](q, &marks, newest)}
	if err := b.run(); err != nil {
		return nil, err
	}
	p := &InboxPage{Marks: marks}
	p.Notifications = b.seen.page(q, &p.Marks)
	return p, nil
}

// inboxReader walks an inbox, from its newest entry unless the part is taken from
// its end.
type inboxReader struct {
	op     *Op
	q      Part
	unread bool
	seen   *stretch[Notification]
}

func (b *inboxReader) run() error {
	prefix := noticePrefix(b.op.app.def.Name, b.op.principal.User)
	from := storage.DocRange{Desc: !b.q.Backward}
	if start := b.seen.start(); start != nil && !b.q.Total && !b.seen.looksBack {
		from.After = prefix + start.id.String()
	}
	c := b.op.r.DocsIn(spaceInbox, prefix, from)
	defer c.Close()
	for more := true; more && !b.seen.full; {
		if err := b.op.ctx.Err(); err != nil {
			return err
		}
		var batch []notice
		for len(batch) < windowSize {
			if more = c.Next(); !more {
				break
			}
			n, err := parseNotice(c.Key()[len(prefix):], c.Value())
			if err != nil {
				return err
			}
			if !b.unread || !n.Read {
				batch = append(batch, n)
			}
		}
		if err := b.take(batch); err != nil {
			return err
		}
	}
	return c.Err()
}

func parseNotice(id string, b []byte) (n notice, err error) {
	if n.id, err = record.ParseID(id); err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		return n, fault.Wrap(fault.Unavailable, opInbox, err, "a notification is damaged")
	}
	return n, nil
}

// take adds those of a batch that the viewer may read.
func (b *inboxReader) take(batch []notice) error {
	shown, err := b.op.shown(batch)
	if err != nil {
		return err
	}
	for _, n := range shown {
		b.seen.add(n.ID, n)
	}
	return nil
}

// shown returns those of the entries whose comment mentions the viewer still, on
// a record whose comments they may read now. It is asked for every entry that
// leaves the engine.
func (op *Op) shown(batch []notice) ([]Notification, error) {
	byForm := map[uint32][]record.ID{}
	for _, n := range batch {
		byForm[n.Form] = append(byForm[n.Form], n.Record)
	}
	type rights struct{ read, write bool }
	may := map[recordKey]rights{}
	for _, f := range op.app.def.Forms { // in order: maps have none
		ids := byForm[f.Number]
		read, err := op.may(f.Number, definition.ReadComments, ids)
		if err != nil {
			return nil, err
		}
		write, err := op.may(f.Number, definition.WriteComments, ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			may[recordKey{f.Number, id}] = rights{read[i], write[i]}
		}
	}
	out := make([]Notification, 0, len(batch))
	for _, n := range batch {
		r := may[recordKey{n.Form, n.Record}]
		if !r.read {
			continue
		}
		one, ok, err := op.notification(&n)
		if err != nil {
			return nil, err
		}
		if ok {
			one.CanWrite = r.write
			out = append(out, one)
		}
	}
	return out, nil
}

func (op *Op) notification(n *notice) (Notification, bool, error) {
	out := Notification{ID: n.id, Actor: n.Actor, Time: n.Time, Read: n.Read, Form: n.Form, Record: n.Record}
	b, ok, err := op.r.Doc(spaceComment, commentKey(op.app.def.Name, n.Form, n.Record, n.Comment))
	if err != nil || !ok {
		return out, false, err
	}
	c, err := parseComment(b)
	if err != nil {
		return out, false, err
	}
	for _, m := range c.Mentions {
		if m.User == op.principal.User && m.Entry == n.id {
			out.Comment = c.shown(op.principal.User)
			out.Comment.ID = n.Comment
			return out, true, nil
		}
	}
	return out, false, nil
}

// MarkRead marks notifications of the viewer as read and returns them, in the
// order of ids. NotFound, with nothing written, where one of them is not there
// for the viewer now.
func (op *Op) MarkRead(ids []record.ID) ([]Notification, error) {
	if op.txn == nil {
		return nil, errReadOnlyOp
	}
	if len(ids) > MaxMarked {
		return nil, fault.New(fault.Invalid, opInbox, "ids: expected at most %d notifications", MaxMarked)
	}
	prefix := noticePrefix(op.app.def.Name, op.principal.User)
	batch := make([]notice, 0, len(ids))
	for _, id := range ids {
		b, ok, err := op.r.Doc(spaceInbox, prefix+id.String())
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		n, err := parseNotice(id.String(), b)
		if err != nil {
			return nil, err
		}
		batch = append(batch, n)
	}
	out, err := op.shown(batch)
	if err != nil {
		return nil, err
	}
	if len(out) != len(ids) {
		return nil, fault.New(fault.NotFound, opInbox, "ids: a notification was not found")
	}
	for i := range out {
		out[i].Read, batch[i].Read = true, true
		if err := op.putNotice(op.principal.User, out[i].ID, &batch[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
