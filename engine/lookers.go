package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const opLooks = "engine.Looks"

// MaxLooks is the largest page of looks.
const MaxLooks = 200

// LookQuery asks for a page of the looks at an application, the newest first.
type LookQuery struct {
	Application string
	Tool        identity.Tool // NoTool for all
	User        record.ID     // who looked; zero for everybody
	Target      record.ID     // through whose eyes; zero for everybody's
	First       int           // 0 to MaxLooks
	Backward    bool          // the First oldest that are newer than Cursor, not the newest behind it
	Cursor      string        // id of a look; empty for the beginning, or the end
}

// LookPage is a page of looks, the newest first. Of a look at a record that its
// reader may not VIEW now, Form, Record and Detail are left out, whether the
// record exists or not.
type LookPage struct {
	Looks        []Look
	Newer, Older bool // whether others come before or behind the page
}

// Looks returns who looked through whose eyes at an application: to admins all of
// it, to developers what they looked at themselves. Forbidden for everybody else,
// and for a developer who asks for looks of others; NotFound for who has no place
// in the application; Invalid for a page that is none.
func (e *Engine) Looks(ctx context.Context, p identity.Principal, q LookQuery) (LookPage, error) {
	op, err := e.Read(ctx, p, q.Application)
	if err != nil {
		return LookPage{}, err
	}
	defer op.Close()
	switch kind := op.view.Viewer().Kind; {
	case kind.Administers():
	case kind != identity.Developer:
		return LookPage{}, fault.New(fault.Forbidden, opLooks, "only admins read the looks at an application, and developers their own")
	case q.User.IsZero():
		q.User = p.User
	case q.User != p.User:
		return LookPage{}, fault.New(fault.Forbidden, opLooks, "user: developers read their own looks only")
	}
	return op.looks(q, func(*Look) bool { return true })
}

// LookedAt returns who looked through the principal's own eyes at an application,
// with VIEW_AS and EXPLAIN: no attempts that were refused, and no Detail. Target
// is the principal. Forbidden for portal users; errors otherwise as Looks.
func (e *Engine) LookedAt(ctx context.Context, p identity.Principal, q LookQuery) (LookPage, error) {
	op, err := e.Read(ctx, p, q.Application)
	if err != nil {
		return LookPage{}, err
	}
	defer op.Close()
	if op.view.Viewer().Kind == identity.Portal {
		return LookPage{}, fault.New(fault.Forbidden, opLooks, "not for portal users")
	}
	q.Target = p.User
	told := identity.ToolSetOf(identity.ViewAs, identity.Explain)
	page, err := op.looks(q, func(l *Look) bool { return !l.Refused && told.Has(l.Tool) && l.User != p.User })
	for i := range page.Looks {
		page.Looks[i].Detail = nil
	}
	return page, err
}

// looks reads a page of those that match the query and pass.
func (op *Op) looks(q LookQuery, pass func(*Look) bool) (LookPage, error) {
	if q.First < 0 || q.First > MaxLooks {
		return LookPage{}, fault.New(fault.Invalid, opLooks, "first: expected 0 to %d", MaxLooks)
	}
	w := &lookWalk{op: op, q: q, pass: pass, prefix: lookPrefix(q.Application), space: spaceLook}
	switch {
	case !q.Target.IsZero():
		w.space, w.prefix = spaceTools, byTarget(q.Application, q.Target)
	case !q.User.IsZero():
		w.space, w.prefix = spaceTools, byLooker(q.Application, q.User)
	}
	found, more, err := w.run()
	if err != nil {
		return LookPage{}, err
	}
	// Looks are never deleted: what a cursor names is still on its other side.
	page := LookPage{Looks: found, Older: more, Newer: q.Cursor != ""}
	if q.Backward {
		page.Newer, page.Older = more, q.Cursor != ""
		slices.Reverse(page.Looks)
	}
	return page, op.coverLooks(page.Looks)
}

// lookWalk walks looks, or the keys that say which are whose, in one direction.
type lookWalk struct {
	op     *Op
	q      LookQuery
	pass   func(*Look) bool
	space  storage.Space
	prefix string
}

// run returns the first matches in the order of the walk and whether there are
// more.
func (w *lookWalk) run() (found []Look, more bool, err error) {
	from := storage.DocRange{Desc: !w.q.Backward}
	if w.q.Cursor != "" {
		id, err := record.ParseID(w.q.Cursor)
		if err != nil {
			return nil, false, fault.New(fault.Invalid, opLooks, "after, before: expected a cursor of a page")
		}
		from.After = w.prefix + id.String()
	}
	c := w.op.r.DocsIn(w.space, w.prefix, from)
	defer c.Close()
	found = []Look{}
	for c.Next() {
		if w.op.overdue() {
			return nil, false, w.op.failed()
		}
		l, ok, err := w.read(strings.TrimPrefix(c.Key(), w.prefix), c.Value())
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		if len(found) == w.q.First {
			return found, true, nil
		}
		found = append(found, l)
	}
	return found, false, c.Err()
}

// read returns the look of an entry, false for one that does not match.
func (w *lookWalk) read(id string, b []byte) (l Look, ok bool, err error) {
	if w.space == spaceTools {
		if tool := w.q.Tool; tool != identity.NoTool && (len(b) != 1 || b[0] != byte(tool)) {
			return l, false, nil
		}
		if b, ok, err = w.op.r.Doc(spaceLook, lookPrefix(w.q.Application)+id); err != nil || !ok {
			return l, false, err
		}
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return l, false, fault.Wrap(fault.Unavailable, opLooks, err, "a look is damaged")
	}
	ok = (w.q.Tool == identity.NoTool || w.q.Tool == l.Tool) && (w.q.User.IsZero() || w.q.User == l.User) &&
		(w.q.Target.IsZero() || w.q.Target == l.Target) && w.pass(&l)
	return l, ok, nil
}

// coverLooks takes out what the viewer may not see (P10): the record that they
// may not VIEW, and the form that they may not view, with all that was asked of
// them. Forms get the name that they have now.
func (op *Op) coverLooks(looks []Look) error {
	for i := range looks {
		l := &looks[i]
		if l.Number == 0 {
			continue
		}
		shown, err := op.showsLook(l)
		if err != nil {
			return err
		}
		if !shown {
			l.Form, l.Number, l.Record, l.Detail = "", 0, record.ID{}, nil
		}
	}
	return nil
}

func (op *Op) showsLook(l *Look) (bool, error) {
	f, ok := op.app.forms[l.Number]
	if !ok || !op.views(l.Number) {
		return false, nil
	}
	l.Form = f.def.Name
	if l.Record.IsZero() {
		return true, nil
	}
	_, ok, err := op.Get(l.Number, l.Record)
	return ok, err
}
