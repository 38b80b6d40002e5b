package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// spaceComment holds the comments, one document each, and one for the thread of
// every record that has any.
const spaceComment storage.Space = 23

// Bounds of comments. What one record has of them is deleted with it in one
// transaction, so they are bounded as a transaction is.
const (
	// MaxComment bounds the text of one comment, in characters.
	MaxComment = 10_000
	// MaxComments bounds the comments of one record.
	MaxComments = 1000
	// maxThread bounds them in stored bytes.
	maxThread = 2 << 20
	// MaxMentions bounds the people that one comment mentions.
	MaxMentions = 50
)

const opComment = "engine.comment"

// Comment is a remark of a person on a record.
type Comment struct {
	ID       record.ID
	Author   record.ID
	Time     int64 // microseconds since 1970 UTC
	Edited   int64 // of the last edit, 0 for none
	Text     string
	Mentions []record.ID
	// Mine says that the viewer wrote it.
	Mine bool
}

// CommentPage is a part of the comments of one record, the oldest first.
type CommentPage struct {
	Marks
	Comments []Comment
	// CanWrite says that the viewer may comment on the record.
	CanWrite bool
}

// Cursor returns the sealed cursor of comment i.
func (p *CommentPage) Cursor(i int) string { return p.cursor(p.Comments[i].ID) }

// comment is what is stored.
type comment struct {
	Author   record.ID `json:"author"`
	Time     int64     `json:"time"`
	Edited   int64     `json:"edited,omitempty"`
	Text     string    `json:"text"`
	Mentions []mention `json:"mentions,omitempty"`
}

// mention is a person with the entry of their inbox that tells of it, zero for
// the author, who is told nothing.
type mention struct {
	User  record.ID `json:"user"`
	Entry record.ID `json:"entry"`
}

// thread is what is known of all comments of a record together. Whoever changes
// one reads it, so that a record is not deleted while it gets a comment.
type thread struct {
	Count int `json:"count"`
	Bytes int `json:"bytes"`
}

func commentPrefix(application string, form uint32, id record.ID) string {
	return fmt.Sprintf("%s/c/%08x/%s/", application, form, id)
}

func commentKey(application string, form uint32, id, comment record.ID) string {
	return commentPrefix(application, form, id) + comment.String()
}

func threadKey(application string, form uint32, id record.ID) string {
	return fmt.Sprintf("%s/t/%08x/%s", application, form, id)
}

// Comments returns for each record of a form a part of its comments, in the order
// of ids: nil where the viewer may not read them, or where there is no such
// record.
func (op *Op) Comments(form uint32, ids []record.ID, q Part) ([]*CommentPage, error) {
	readable, err := op.may(form, definition.ReadComments, ids)
	if err != nil {
		return nil, err
	}
	writable, err := op.may(form, definition.WriteComments, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*CommentPage, len(ids))
	for i, id := range ids {
		if !readable[i] {
			continue
		}
		if err := op.ctx.Err(); err != nil {
			return nil, err
		}
		if out[i], err = op.commentPage(form, id, q); err != nil {
			return nil, err
		}
		out[i].CanWrite = writable[i]
	}
	return out, nil
}

func (op *Op) commentPage(form uint32, id record.ID, q Part) (*CommentPage, error) {
	marks, err := op.newPart(q, op.recordWords("comments", form, id)...)
	if err != nil {
		return nil, err
	}
	p := &CommentPage{Marks: marks}
	total := 0
	if q.Total { // known without a walk
		t, err := op.thread(form, id)
		if err != nil {
			return nil, err
		}
		total = t.Count
	}
	s := newStretch[Comment](q, &marks, compareIDs)
	s.counts = false
	prefix := commentPrefix(op.app.def.Name, form, id)
	if err := op.walkComments(s, prefix, q); err != nil {
		return nil, err
	}
	p.Comments = s.page(q, &p.Marks)
	if q.Total {
		p.Total = total
	}
	return p, nil
}

// walkComments reads the comments from the cursor that the walk begins at.
func (op *Op) walkComments(s *stretch[Comment], prefix string, q Part) (err error) {
	from := storage.DocRange{Desc: q.Backward}
	if start := s.start(); start != nil {
		from.After = prefix + start.id.String()
		if s.looksBack {
			if s.behind, err = op.anySkipped(s, prefix, q.Backward); err != nil {
				return err
			}
		}
	}
	c := op.r.DocsIn(spaceComment, prefix, from)
	defer c.Close()
	for !s.full && c.Next() {
		one, err := op.readComment(c.Key()[len(prefix):], c.Value())
		if err != nil {
			return err
		}
		s.add(one.ID, one)
	}
	return c.Err()
}

// anySkipped reports whether a comment stands before those that are walked.
func (op *Op) anySkipped(s *stretch[Comment], prefix string, backward bool) (bool, error) {
	c := op.r.DocsIn(spaceComment, prefix, storage.DocRange{Desc: backward})
	defer c.Close()
	if !c.Next() {
		return false, c.Err()
	}
	id, err := record.ParseID(c.Key()[len(prefix):])
	return err == nil && s.skipped(id), err
}

// Comment returns one comment of a record, and whether the viewer may comment
// there; false for one that is not there or that they may not read.
func (op *Op) Comment(form uint32, id, comment record.ID) (c Comment, canWrite, ok bool, err error) {
	readable, err := op.may(form, definition.ReadComments, []record.ID{id})
	if err != nil || !readable[0] {
		return c, false, false, err
	}
	b, ok, err := op.r.Doc(spaceComment, commentKey(op.app.def.Name, form, id, comment))
	if err != nil || !ok {
		return c, false, false, err
	}
	if c, err = op.readComment(comment.String(), b); err != nil {
		return c, false, false, err
	}
	writable, err := op.may(form, definition.WriteComments, []record.ID{id})
	return c, err == nil && writable[0], err == nil, err
}

func (op *Op) readComment(id string, b []byte) (Comment, error) {
	c, err := parseComment(b)
	if err != nil {
		return Comment{}, err
	}
	out := c.shown(op.principal.User)
	out.ID, err = record.ParseID(id)
	return out, err
}

func (c *comment) shown(viewer record.ID) Comment {
	out := Comment{Author: c.Author, Time: c.Time, Edited: c.Edited, Text: c.Text, Mine: c.Author == viewer}
	for _, m := range c.Mentions {
		out.Mentions = append(out.Mentions, m.User)
	}
	return out
}

func parseComment(b []byte) (*comment, error) {
	var c comment
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fault.Wrap(fault.Unavailable, opComment, err, "a comment is damaged")
	}
	return &c, nil
}

func (op *Op) thread(form uint32, id record.ID) (t thread, err error) {
	b, ok, err := op.r.Doc(spaceComment, threadKey(op.app.def.Name, form, id))
	if err != nil || !ok {
		return t, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fault.Wrap(fault.Unavailable, opComment, err, "the comments of a record are damaged")
	}
	return t, nil
}

// AddComment adds a remark to a record and tells those whom it mentions. Errors:
// NotFound outside of VIEW reach, Forbidden in it without WRITE_COMMENTS, Invalid
// for a text that is empty or too long and for someone who cannot be mentioned,
// Limit where the record has as many comments as it may.
func (op *Op) AddComment(form uint32, id record.ID, text string, mentions []record.ID) (record.ID, error) {
	if _, err := op.commented(form, id); err != nil {
		return record.ID{}, err
	}
	text, err := checkText(text)
	if err != nil {
		return record.ID{}, err
	}
	c := &comment{Author: op.principal.User, Time: op.write.now.UnixMicro(), Text: text}
	comment := op.write.id()
	fresh, err := op.mention(c, mentions)
	if err != nil {
		return record.ID{}, err
	}
	if err := op.putComment(form, id, comment, nil, c); err != nil {
		return record.ID{}, err
	}
	return comment, op.tell(form, id, comment, fresh)
}

// EditComment replaces the text of one's own comment, and whom it mentions unless
// mentions is nil. NotFound for a comment that the record does not have,
// Forbidden for that of somebody else; otherwise errors as AddComment.
func (op *Op) EditComment(form uint32, id, comment record.ID, text string, mentions []record.ID) error {
	old, stored, err := op.ownComment(form, id, comment, false)
	if err != nil {
		return err
	}
	text, err = checkText(text)
	if err != nil {
		return err
	}
	c := *old
	c.Text, c.Edited = text, op.write.now.UnixMicro()
	var fresh []mention
	if mentions != nil {
		if fresh, err = op.mention(&c, mentions); err != nil {
			return err
		}
	}
	if err := op.putComment(form, id, comment, stored, &c); err != nil {
		return err
	}
	return op.tell(form, id, comment, fresh)
}

// DeleteComment removes one's own comment, or anyone's for admins; errors as
// EditComment.
func (op *Op) DeleteComment(form uint32, id, comment record.ID) error {
	_, stored, err := op.ownComment(form, id, comment, true)
	if err != nil {
		return err
	}
	return op.putComment(form, id, comment, stored, nil)
}

// commented is the record that a write of a comment is about.
func (op *Op) commented(form uint32, id record.ID) (*form, error) {
	f, _, err := op.writable(form)
	if err != nil {
		return nil, err
	}
	_, err = op.target(f, form, id, definition.WriteComments)
	return f, err
}

// ownComment reads a comment that the viewer may change.
func (op *Op) ownComment(form uint32, id, comment record.ID, admins bool) (*comment, []byte, error) {
	if _, err := op.commented(form, id); err != nil {
		return nil, nil, err
	}
	b, ok, err := op.r.Doc(spaceComment, commentKey(op.app.def.Name, form, id, comment))
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, fault.New(fault.NotFound, opComment, "comment: not found")
	}
	c, err := parseComment(b)
	if err != nil {
		return nil, nil, err
	}
	if c.Author != op.principal.User && (!admins || !op.view.Viewer().Kind.Administers()) {
		return nil, nil, fault.New(fault.Forbidden, opComment, "not permitted on this comment")
	}
	return c, b, nil
}

// checkText returns the text as it is stored, without space around it.
func checkText(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n == 0 || n > MaxComment || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fault.New(fault.Invalid, opComment, "text: expected 1 to %d characters, none of them U+0000", MaxComment)
	}
	return text, nil
}

// mention sets whom the comment mentions, and returns those of them who are to be
// told: whom it did not mention before, its author excepted.
func (op *Op) mention(c *comment, users []record.ID) (fresh []mention, err error) {
	if len(users) > MaxMentions {
		return nil, fault.New(fault.Invalid, opComment, "mentions: expected at most %d people", MaxMentions)
	}
	old := c.Mentions
	c.Mentions = nil
	for _, u := range users {
		if !op.memberOf(u) {
			return nil, fault.New(fault.Invalid, opComment, "mentions: no such user")
		}
		of := func(m mention) bool { return m.User == u }
		if slices.ContainsFunc(c.Mentions, of) {
			continue
		}
		m := mention{User: u}
		if i := slices.IndexFunc(old, of); i >= 0 {
			m = old[i]
		} else if u != op.principal.User {
			m.Entry = op.write.id()
			fresh = append(fresh, m)
		}
		c.Mentions = append(c.Mentions, m)
	}
	return fresh, nil
}

// tell adds an entry to the inbox of each.
func (op *Op) tell(form uint32, id, comment record.ID, fresh []mention) error {
	for _, m := range fresh {
		n := notice{Form: form, Record: id, Comment: comment, Actor: op.principal.User, Time: op.write.now.UnixMicro()}
		if err := op.notify(m.User, m.Entry, &n); err != nil {
			return err
		}
	}
	return nil
}

// putComment writes a comment in the place of what is stored, nil where there is
// none, and keeps the thread in step; a nil comment deletes.
func (op *Op) putComment(form uint32, id, commentID record.ID, stored []byte, c *comment) error {
	t, err := op.thread(form, id)
	if err != nil {
		return err
	}
	key := commentKey(op.app.def.Name, form, id, commentID)
	t.Bytes -= len(stored)
	if stored != nil {
		t.Count--
	}
	var next []byte
	if c != nil {
		if next, err = json.Marshal(c); err != nil {
			return err
		}
		t.Bytes += len(next)
		t.Count++
		if t.Count > MaxComments || t.Bytes > maxThread {
			return fault.New(fault.Limit, opComment, "a record may have at most %d comments of %d bytes together; delete some of them first", MaxComments, maxThread)
		}
	}
	if err := op.txn.PutDoc(spaceComment, key, next); err != nil {
		return err
	}
	return op.putThread(form, id, t)
}

func (op *Op) putThread(form uint32, id record.ID, t thread) error {
	var b []byte
	if t.Count > 0 {
		var err error
		if b, err = json.Marshal(t); err != nil {
			return err
		}
	}
	return op.txn.PutDoc(spaceComment, threadKey(op.app.def.Name, form, id), b)
}

// dropComments deletes all comments of a record that is being deleted.
func (op *Op) dropComments(form uint32, id record.ID) error {
	t, err := op.thread(form, id)
	if err != nil || t.Count == 0 {
		return err
	}
	prefix := commentPrefix(op.app.def.Name, form, id)
	var keys []string
	c := op.r.Docs(spaceComment, prefix)
	defer c.Close()
	for c.Next() {
		keys = append(keys, c.Key())
	}
	if c.Err() != nil {
		return c.Err()
	}
	for _, key := range keys {
		if err := op.txn.PutDoc(spaceComment, key, nil); err != nil {
			return err
		}
	}
	return op.putThread(form, id, thread{})
}
