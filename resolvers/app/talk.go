package app

import (
	"strconv"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// Talk is what stands beside the cells of records, see [engine.Op]: comments,
// history and notifications. A nil section is one that the viewer may not read.
type Talk interface {
	Comments(form uint32, ids []record.ID, q engine.Part) ([]*Section[engine.Comment], error)
	Comment(form uint32, id, comment record.ID) (c engine.Comment, canWrite, ok bool, err error)
	History(form uint32, ids []record.ID, q engine.Part, complete bool) ([]*Section[engine.Revision], error)
	Notifications(q engine.Part, unreadOnly bool) (*Section[engine.Notification], error)
	AddComment(form uint32, id record.ID, text string, mentions []record.ID) (record.ID, error)
	EditComment(form uint32, id, comment record.ID, text string, mentions []record.ID) error
	DeleteComment(form uint32, id, comment record.ID) error
	MarkRead(ids []record.ID) ([]engine.Notification, error)
}

// Section is one page of what belongs to a record or to the viewer.
type Section[T any] struct {
	Items                []T
	HasNext, HasPrevious bool
	Total                int // -1 unless asked for
	Cursor               func(i int) string
	CanWrite             bool // of comments: the viewer may comment on the record
	Complete             bool // of a history: it goes back to the creation
}

func sectionOf[T any](items []T, m *engine.Marks, cursor func(i int) string) *Section[T] {
	return &Section[T]{Items: items, HasNext: m.HasNext, HasPrevious: m.HasPrevious, Total: m.Total, Cursor: cursor}
}

func (o over) Comments(form uint32, ids []record.ID, q engine.Part) ([]*Section[engine.Comment], error) {
	pages, err := o.Op.Comments(form, ids, q)
	out := make([]*Section[engine.Comment], len(pages))
	for i, p := range pages {
		if p != nil {
			out[i] = sectionOf(p.Comments, &p.Marks, p.Cursor)
			out[i].CanWrite = p.CanWrite
		}
	}
	return out, err
}

func (o over) History(form uint32, ids []record.ID, q engine.Part, complete bool) ([]*Section[engine.Revision], error) {
	pages, err := o.Op.History(form, ids, q, complete)
	out := make([]*Section[engine.Revision], len(pages))
	for i, p := range pages {
		if p != nil {
			out[i] = sectionOf(p.Revisions, &p.Marks, p.Cursor)
			out[i].Complete = p.Complete
		}
	}
	return out, err
}

func (o over) Notifications(q engine.Part, unreadOnly bool) (*Section[engine.Notification], error) {
	p, err := o.Op.Notifications(q, unreadOnly)
	if err != nil {
		return nil, err
	}
	return sectionOf(p.Notifications, &p.Marks, p.Cursor), nil
}

// partOf reads which part of a list beside the cells is asked for.
func (x *exec) partOf(f *field) (engine.Part, error) {
	w, err := x.windowOf(f, engine.MaxPage)
	return engine.Part{First: w.first, Backward: w.backward, After: w.after, Before: w.before,
		Total: f.sub.total, Previous: f.sub.before, Next: f.sub.after}, err
}

func (x *exec) loadTalk(f *field, l *load, recs []record.Redacted) error {
	q, err := x.partOf(f)
	if err != nil {
		return err
	}
	ids := make([]record.ID, len(recs))
	for i, r := range recs {
		ids[i] = r.ID()
	}
	if f.mean.Kind == app.Comments {
		l.comments, err = x.req.Op.Comments(f.mean.Form, ids, q)
		return err
	}
	complete := false
	for i := range f.sub.fields {
		complete = complete || f.sub.fields[i].mean.Kind == app.HistoryComplete
	}
	l.history, err = x.req.Op.History(f.mean.Form, ids, q, complete)
	return err
}

// section writes one page; item writes a field of one of its nodes.
func section[T any](x *exec, s *set, p *Section[T], item func(g *field, v *T) bool) bool {
	node := func(f *field, i int) bool {
		return x.object(f.sub, func(g *field) bool { return item(g, &p.Items[i]) })
	}
	return x.object(s, func(f *field) bool {
		switch f.mean.Kind {
		case app.TotalCount:
			return x.int32(f, int64(p.Total))
		case app.HistoryComplete:
			x.b = strconv.AppendBool(x.b, p.Complete)
			return true
		case app.PageInfo:
			return x.object(f.sub, func(g *field) bool { return sectionInfo(x, g, p) })
		case app.Nodes:
			return x.array(len(p.Items), func(i int) bool { return node(f, i) })
		case app.Edges:
			return x.array(len(p.Items), func(i int) bool {
				return x.object(f.sub, func(g *field) bool {
					if g.mean.Kind != app.EdgeCursor {
						return node(g, i)
					}
					x.text(p.Cursor(i))
					return true
				})
			})
		}
		return x.unknown(f)
	})
}

func sectionInfo[T any](x *exec, f *field, p *Section[T]) bool {
	last := len(p.Items) - 1
	switch f.mean.Kind {
	case app.HasNextPage:
		x.b = strconv.AppendBool(x.b, p.HasNext)
	case app.HasPreviousPage:
		x.b = strconv.AppendBool(x.b, p.HasPrevious)
	case app.StartCursor, app.EndCursor:
		if last < 0 {
			return x.null()
		}
		at := 0
		if f.mean.Kind == app.EndCursor {
			at = last
		}
		x.text(p.Cursor(at))
	default:
		return x.unknown(f)
	}
	return true
}

func (x *exec) comments(f *field, p *Section[engine.Comment]) bool {
	if p == nil {
		return x.null()
	}
	return section(x, f.sub, p, func(g *field, c *engine.Comment) bool { return x.commentField(g, c, p.CanWrite) })
}

func (x *exec) commentField(f *field, c *engine.Comment, canWrite bool) bool {
	switch f.mean.Kind {
	case app.CommentID:
		x.idText(c.ID)
	case app.CommentText:
		x.text(c.Text)
	case app.CommentAuthor:
		return x.person(f, c.Author)
	case app.CommentTime:
		x.instant(c.Time)
	case app.CommentEdited:
		if c.Edited == 0 {
			return x.null()
		}
		x.instant(c.Edited)
	case app.CommentMentions:
		return x.array(len(c.Mentions), func(i int) bool { return x.person(f, c.Mentions[i]) })
	case app.CommentCanEdit:
		x.b = strconv.AppendBool(x.b, canWrite && c.Mine)
	case app.CommentCanDelete:
		x.b = strconv.AppendBool(x.b, canWrite && (c.Mine || x.req.Viewer.Kind.Administers()))
	default:
		return x.unknown(f)
	}
	return true
}

func (x *exec) history(f *field, p *Section[engine.Revision]) bool {
	if p == nil {
		return x.null()
	}
	return section(x, f.sub, p, x.revision)
}

func (x *exec) revision(f *field, r *engine.Revision) bool {
	switch f.mean.Kind {
	case app.HistoryVersion:
		return x.int32(f, int64(r.Version))
	case app.HistoryTime:
		x.instant(r.Time)
	case app.HistoryActor:
		if r.Actor.IsZero() {
			return x.null()
		}
		return x.person(f, r.Actor)
	case app.HistoryKind:
		if r.Created {
			x.text("CREATED")
		} else {
			x.text("UPDATED")
		}
	case app.HistoryChanges:
		return x.array(len(r.Cells), func(i int) bool {
			return x.object(f.sub, func(g *field) bool { return x.cellChange(g, &r.Cells[i]) })
		})
	default:
		return x.unknown(f)
	}
	return true
}

func (x *exec) cellChange(f *field, c *engine.CellChange) bool {
	switch f.mean.Kind {
	case app.ChangeField:
		x.text(c.Field.Name)
	case app.ChangeBefore:
		x.b = appendCell(x.b, c.Field, c.Before)
	case app.ChangeAfter:
		x.b = appendCell(x.b, c.Field, c.After)
	default:
		return x.unknown(f)
	}
	return true
}

// notifications writes the viewer's inbox.
func (x *exec) notifications(f *field) bool {
	q, err := x.partOf(f)
	if err != nil {
		return x.fail(f, err)
	}
	unread, err := x.argument(f, "unreadOnly")
	if err != nil {
		return x.fail(f, err)
	}
	on, _ := unread.(bool)
	p, err := x.req.Op.Notifications(q, on)
	if err != nil {
		return x.fail(f, err)
	}
	return section(x, f.sub, p, x.notification)
}

func (x *exec) notification(f *field, n *engine.Notification) bool {
	switch f.mean.Kind {
	case app.NoticeID:
		x.idText(n.ID)
	case app.NoticeKind:
		x.text("MENTION")
	case app.NoticeTime:
		x.instant(n.Time)
	case app.NoticeRead:
		x.b = strconv.AppendBool(x.b, n.Read)
	case app.NoticeActor:
		return x.person(f, n.Actor)
	case app.NoticeForm:
		form, ok := x.r.schema.Form(n.Form)
		if !ok {
			return x.unknown(f)
		}
		x.text(form.Name)
	case app.NoticeRecord:
		x.idText(n.Record)
	case app.NoticeComment:
		return x.object(f.sub, func(g *field) bool { return x.commentField(g, &n.Comment, n.CanWrite) })
	default:
		return x.unknown(f)
	}
	return true
}

// comment runs a mutation of a comment.
func (x *exec) comment(f *field, out engine.Outcome) bool {
	if len(out.IDs) != 2 {
		return x.unknown(f)
	}
	form, id, comment := f.mean.Form, out.IDs[0], out.IDs[1]
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.PayloadID:
			x.idText(comment)
			return true
		case app.PayloadComment:
			c, canWrite, ok, err := x.req.Op.Comment(form, id, comment)
			if err != nil {
				return x.fail(g, err)
			}
			if !ok {
				return x.null()
			}
			return x.object(g.sub, func(h *field) bool { return x.commentField(h, &c, canWrite) })
		}
		return x.unknown(g)
	})
}

// writeComment returns the ids of the record and of the comment.
func (x *exec) writeComment(f *field) (engine.Outcome, error) {
	id, comment, err := x.commentOf(f)
	return engine.Outcome{IDs: []record.ID{id, comment}}, err
}

func (x *exec) commentOf(f *field) (id, comment record.ID, err error) {
	if id, err = x.id(f); err != nil {
		return id, comment, err
	}
	if f.mean.Kind != app.AddComment {
		given, err := x.argument(f, "comment")
		if err != nil {
			return id, comment, err
		}
		comment = idArg(given)
	}
	if f.mean.Kind == app.DeleteComment {
		return id, comment, x.req.Op.DeleteComment(f.mean.Form, id, comment)
	}
	given, err := x.argument(f, "text")
	if err != nil {
		return id, comment, err
	}
	text, _ := given.(string)
	mentions, err := x.ids(f, "mentions")
	if err != nil {
		return id, comment, err
	}
	if f.mean.Kind == app.EditComment {
		return id, comment, x.req.Op.EditComment(f.mean.Form, id, comment, text, mentions)
	}
	comment, err = x.req.Op.AddComment(f.mean.Form, id, text, mentions)
	return id, comment, err
}

func (x *exec) markRead(f *field, ids []record.ID) bool {
	read, err := x.req.Op.MarkRead(ids)
	if err != nil {
		return x.fail(f, err)
	}
	return x.object(f.sub, func(g *field) bool {
		if g.mean.Kind != app.PayloadNotices {
			return x.unknown(g)
		}
		return x.array(len(read), func(i int) bool {
			return x.object(g.sub, func(h *field) bool { return x.notification(h, &read[i]) })
		})
	})
}

// ids reads a list of ids, nil where the argument was left out or null.
func (x *exec) ids(f *field, name string) ([]record.ID, error) {
	v, err := x.argument(f, name)
	if err != nil {
		return nil, err
	}
	given, ok := v.([]any)
	if !ok {
		return nil, nil
	}
	if len(given) > engine.MaxPage {
		return nil, fault.New(fault.Invalid, "resolvers/app", "argument %s: expected at most %d ids", name, engine.MaxPage)
	}
	out := make([]record.ID, len(given))
	for i, g := range given {
		out[i] = idArg(g)
	}
	return out, nil
}

// idArg reads an id. Text that is not one names nothing, as an id does that nobody
// has.
func idArg(v any) record.ID {
	s, _ := v.(string)
	if id, err := record.ParseID(s); err == nil {
		return id
	}
	return record.ID{}
}

func (x *exec) person(f *field, id record.ID) bool {
	return x.object(f.sub, func(g *field) bool { return x.user(g, id) })
}

func (x *exec) idText(id record.ID) { x.b = append(id.Append(append(x.b, '"')), '"') }

var instantField = record.Field{Type: record.DateTime}

func (x *exec) instant(micros int64) { x.b = record.AppendJSON(x.b, &instantField, record.Int(micros)) }

// What one of these lists counts as having.
const (
	costMentions = 4
	costChanges  = 8
	costPart     = 5 // opening a record's comments or history
)

// talkCost is that of the lists beside the cells of records.
func (r *Run) talkCost(f *field, rows int) int {
	switch f.mean.Kind {
	case app.CommentMentions:
		return r.cost(f.sub, rows*costMentions, 0)
	case app.HistoryChanges:
		return r.cost(f.sub, rows*costChanges, 0)
	case app.PayloadNotices:
		return r.cost(f.sub, rows*engine.MaxMarked, 0)
	case app.HistoryComplete:
		return rows * costPart
	}
	first := r.first(f)
	return rows*(costPart+first+r.beyond(f)) + r.cost(f.sub, rows, first)
}
