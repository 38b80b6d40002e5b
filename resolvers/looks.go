package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// defaultLooks is the page of who names no size.
const defaultLooks = 50

// slice is the page that somebody asks for.
type slice struct {
	first, last   *int
	after, before *string
}

// into sets the page of a query. Only one end can be asked for.
func (s slice) into(q *engine.LookQuery) error {
	const op = "resolvers.looks"
	q.First = defaultLooks
	switch {
	case s.last == nil && s.before != nil:
		return fault.New(fault.Invalid, op, "before: it goes with last")
	case s.last != nil && (s.first != nil || s.after != nil):
		return fault.New(fault.Invalid, op, "last: it goes with before alone, first with after")
	case s.last != nil:
		q.First, q.Backward = *s.last, true
		if *s.last < 1 || *s.last > engine.MaxLooks {
			return fault.New(fault.Invalid, op, "last: expected 1 to %d", engine.MaxLooks)
		}
	case s.first != nil:
		q.First = *s.first
	}
	if q.First < 1 || q.First > engine.MaxLooks {
		return fault.New(fault.Invalid, op, "first: expected 1 to %d", engine.MaxLooks)
	}
	for name, cursor := range map[string]*string{"after": s.after, "before": s.before} {
		if cursor == nil {
			continue
		}
		if _, err := record.ParseID(*cursor); err != nil {
			return fault.New(fault.Invalid, op, "%s: expected a cursor of a page", name)
		}
		q.Cursor = *cursor
	}
	return nil
}

func lookQuery(application string, tool *graph.Tool, user, target *record.ID) (engine.LookQuery, error) {
	q := engine.LookQuery{Application: application}
	if tool != nil {
		q.Tool, _ = identity.ParseTool(string(*tool))
	}
	for name, id := range map[string]*record.ID{"user": user, "target": target} {
		if id != nil && id.IsZero() {
			return q, fault.New(fault.Invalid, "resolvers.looks", "%s: expected the id of a person", name)
		}
	}
	if user != nil {
		q.User = *user
	}
	if target != nil {
		q.Target = *target
	}
	return q, nil
}

type readLooks func(context.Context, identity.Principal, engine.LookQuery) (engine.LookPage, error)

func (r *Resolver) looks(ctx context.Context, q engine.LookQuery, s slice, read readLooks) (*graph.LookConnection, error) {
	p, people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.into(&q); err != nil {
		return nil, err
	}
	page, err := read(ctx, p, q)
	if err != nil {
		return nil, err
	}
	return newLooks(people, page, func(id record.ID) bool {
		return people.MayOpen(p) == nil || people.IsIn(id, q.Application)
	})
}

// newLooks names the targets that the reader may know. Anybody's id can be tried
// with a tool, which is written down: a look is no way to the names of people
// outside the application.
func newLooks(people *directory.People, page engine.LookPage, known func(record.ID) bool) (*graph.LookConnection, error) {
	out := &graph.LookConnection{
		Nodes:    []*graph.Look{},
		PageInfo: &graph.LookPageInfo{HasNextPage: page.Older, HasPreviousPage: page.Newer},
	}
	for i := range page.Looks {
		l := &page.Looks[i]
		id, err := record.ParseID(l.ID)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "resolvers.looks", err, "a look is damaged")
		}
		look := &graph.Look{
			ID: id, Time: l.Time, Tool: graph.Tool(l.Tool.String()), User: newLooker(people, l.User),
			Form: text(l.Form), Detail: text(string(l.Detail)), Refused: l.Refused, Muted: l.Muted,
		}
		switch {
		case l.Target.IsZero():
		case known(l.Target):
			look.Target = newLooker(people, l.Target)
		default:
			look.Target = &graph.Looker{ID: l.Target}
		}
		if !l.Record.IsZero() {
			look.Record = &l.Record
		}
		out.Nodes = append(out.Nodes, look)
	}
	if n := len(page.Looks); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = text(page.Looks[0].ID), text(page.Looks[n-1].ID)
	}
	return out, nil
}

func newLooker(people *directory.People, id record.ID) *graph.Looker {
	out := &graph.Looker{ID: id}
	if u, ok := people.User(id); ok {
		out.DisplayName = text(u.DisplayName)
	}
	return out
}
