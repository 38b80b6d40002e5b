package app

import (
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/record"
)

// What the fake has beside cells follows from a record's id: none for one in
// four, else as many comments as the last byte's remainder says.

func (w *fake) commentsOf(id record.ID) (out []engine.Comment, readable bool) {
	n := int(id[15]) % 4
	for i := range n {
		c := engine.Comment{ID: idOf(98, uint64(int(id[15])*10+i)), Author: idOf(99, 1), Time: int64(i) * 1_000_000, Text: fmt.Sprintf("say \"%d\"", i), Mine: i%2 == 0}
		if i%2 == 1 {
			c.Edited, c.Mentions = c.Time+1, []record.ID{idOf(99, 2), idOf(99, 1)}
		}
		out = append(out, c)
	}
	return out, n > 0
}

// cut takes the part of items that is asked for; item 2 has the cursor t2.
func cut[T any](items []T, q engine.Part) *Section[T] {
	from, to := 0, len(items)
	if _, err := fmt.Sscanf(q.After, "t%d", &from); err == nil {
		from++
	}
	_, _ = fmt.Sscanf(q.Before, "t%d", &to) // leaves the end where there is none
	start, end := ends(from, to, q.First, q.Backward)
	s := &Section[T]{Items: items[start:end], HasPrevious: start > from || q.Previous && start > 0, HasNext: end < to || q.Next && end < len(items),
		Total: -1, CanWrite: true, Complete: true}
	s.Cursor = func(i int) string { return fmt.Sprint("t", start+i) }
	if q.Total {
		s.Total = len(items)
	}
	return s
}

// ends is where a page of a window of a list begins and ends.
func ends(from, to, size int, backward bool) (start, end int) {
	size = max(min(size, to-from), 0)
	if backward {
		return to - size, to
	}
	return from, from + size
}

// naiveEnds is what the arguments first and last ask for, of so many items.
func naiveEnds(args map[string]any, n int) (start, end int) {
	if last, ok := args["last"].(int64); ok {
		return ends(0, n, int(last), true)
	}
	if first, ok := args["first"].(int64); ok {
		return ends(0, n, int(first), false)
	}
	return ends(0, n, 50, false)
}

func (w *fake) Comments(_ uint32, ids []record.ID, q engine.Part) ([]*Section[engine.Comment], error) {
	out := make([]*Section[engine.Comment], len(ids))
	for i, id := range ids {
		if all, ok := w.commentsOf(id); ok {
			out[i] = cut(all, q)
		}
	}
	return out, w.called("Comments")
}

func (w *fake) revisionsOf(id record.ID) []engine.Revision {
	title := &w.app.Forms[0].Fields[0].Field
	return []engine.Revision{
		{Version: 3, Time: 3_000_000, Actor: idOf(99, 2), Cells: []engine.CellChange{{Field: title, Before: record.String("a"), After: record.String(id.String())}}},
		{Version: 1, Time: 1_000_000, Created: true},
	}
}

func (w *fake) History(_ uint32, ids []record.ID, q engine.Part, _ bool) ([]*Section[engine.Revision], error) {
	out := make([]*Section[engine.Revision], len(ids))
	for i, id := range ids {
		if id[15]%4 != 0 {
			out[i] = cut(w.revisionsOf(id), q)
		}
	}
	return out, w.called("History")
}

func (w *fake) notices() []engine.Notification {
	all, _ := w.commentsOf(idOf(formOrder, 2))
	return []engine.Notification{
		{ID: idOf(97, 2), Actor: idOf(99, 2), Time: 5_000_000, Form: formOrder, Record: idOf(formOrder, 2), Comment: all[1], CanWrite: true},
		{ID: idOf(97, 1), Actor: idOf(99, 1), Time: 4_000_000, Read: true, Form: formCustomer, Record: idOf(formCustomer, 2), Comment: all[0], CanWrite: true},
	}
}

func (w *fake) Notifications(q engine.Part, unreadOnly bool) (*Section[engine.Notification], error) {
	all := w.notices()
	if unreadOnly {
		all = all[:1]
	}
	return cut(all, q), w.called("Notifications")
}

func (w *fake) Comment(_ uint32, id, comment record.ID) (engine.Comment, bool, bool, error) {
	all, _ := w.commentsOf(id)
	for _, c := range all {
		if c.ID == comment {
			return c, true, true, w.called("Comment")
		}
	}
	return engine.Comment{}, false, false, w.called("Comment")
}

func (w *fake) AddComment(_ uint32, id record.ID, text string, mentions []record.ID) (record.ID, error) {
	all, _ := w.commentsOf(id)
	w.said = fmt.Sprint("add ", text, " ", mentions)
	return all[0].ID, w.called("AddComment")
}

func (w *fake) EditComment(_ uint32, _, _ record.ID, text string, mentions []record.ID) error {
	w.said = fmt.Sprint("edit ", text, " ", mentions, " ", mentions == nil)
	return w.called("EditComment")
}

func (w *fake) DeleteComment(_ uint32, _, comment record.ID) error {
	w.said = fmt.Sprint("delete ", comment)
	return w.called("DeleteComment")
}

func (w *fake) MarkRead(ids []record.ID) ([]engine.Notification, error) {
	w.said = fmt.Sprint("read ", ids)
	return w.notices()[:min(len(ids), 2)], w.called("MarkRead")
}

// naiveSection is a page of items by the letter.
func naiveSection(items []resolve, args map[string]any) any {
	start, end := naiveEnds(args, len(items))
	return resolve(func(m app.Meaning, _ *ast.Field) any {
		switch m.Kind {
		case app.TotalCount:
			return float64(len(items))
		case app.HistoryComplete:
			return true
		case app.Nodes:
			return items[start:end]
		case app.PageInfo:
			return resolve(func(m app.Meaning, _ *ast.Field) any {
				switch {
				case m.Kind == app.HasNextPage:
					return end < len(items)
				case m.Kind == app.HasPreviousPage:
					return start > 0
				case start == end:
					return nil
				case m.Kind == app.StartCursor:
					return fmt.Sprint("t", start)
				}
				return fmt.Sprint("t", end-1)
			})
		}
		edges := []resolve{}
		for i := start; i < end; i++ {
			edges = append(edges, func(m app.Meaning, _ *ast.Field) any {
				if m.Kind == app.EdgeCursor {
					return fmt.Sprint("t", i)
				}
				return items[i]
			})
		}
		return edges
	})
}

func naiveTime(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

func (n naive) comment(c engine.Comment) resolve {
	return func(m app.Meaning, _ *ast.Field) any {
		switch m.Kind {
		case app.CommentID:
			return c.ID.String()
		case app.CommentText:
			return c.Text
		case app.CommentAuthor:
			return n.user(c.Author)
		case app.CommentTime:
			return naiveTime(c.Time)
		case app.CommentEdited:
			if c.Edited == 0 {
				return nil
			}
			return naiveTime(c.Edited)
		case app.CommentMentions:
			out := []resolve{}
			for _, id := range c.Mentions {
				out = append(out, n.user(id))
			}
			return out
		}
		return c.Mine
	}
}

func (n naive) comments(id record.ID, args map[string]any) any {
	all, ok := n.w.commentsOf(id)
	if !ok {
		return nil
	}
	items := []resolve{}
	for _, c := range all {
		items = append(items, n.comment(c))
	}
	return naiveSection(items, args)
}

func (n naive) history(id record.ID, args map[string]any) any {
	if id[15]%4 == 0 {
		return nil
	}
	items := []resolve{}
	for _, r := range n.w.revisionsOf(id) {
		items = append(items, func(m app.Meaning, _ *ast.Field) any {
			switch m.Kind {
			case app.HistoryVersion:
				return float64(r.Version)
			case app.HistoryTime:
				return naiveTime(r.Time)
			case app.HistoryActor:
				return n.user(r.Actor)
			case app.HistoryKind:
				return map[bool]string{true: "CREATED", false: "UPDATED"}[r.Created]
			}
			out := []resolve{}
			for _, c := range r.Cells {
				out = append(out, func(m app.Meaning, _ *ast.Field) any {
					return map[app.Kind]string{app.ChangeField: c.Field.Name, app.ChangeBefore: string(c.Before.Text()), app.ChangeAfter: string(c.After.Text())}[m.Kind]
				})
			}
			return out
		})
	}
	return naiveSection(items, args)
}

func (n naive) notifications(args map[string]any) any {
	items := []resolve{}
	for _, x := range n.w.notices() {
		items = append(items, func(m app.Meaning, _ *ast.Field) any {
			switch m.Kind {
			case app.NoticeID:
				return x.ID.String()
			case app.NoticeKind:
				return "MENTION"
			case app.NoticeTime:
				return naiveTime(x.Time)
			case app.NoticeRead:
				return x.Read
			case app.NoticeActor:
				return n.user(x.Actor)
			case app.NoticeForm:
				f, _ := n.w.app.FormNumber(x.Form)
				return f.Name
			case app.NoticeRecord:
				return x.Record.String()
			}
			return n.comment(x.Comment)
		})
	}
	return naiveSection(items, args)
}
