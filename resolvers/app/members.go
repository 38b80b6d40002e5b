package app

import (
	"strconv"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// members writes a page of people. A cursor is the id of a person, which says
// no more than the page does.
func (x *exec) members(f *field) bool {
	page, err := x.membersOf(f)
	if err != nil {
		return x.fail(f, err)
	}
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.MemberNodes:
			return x.array(len(page.Users), func(i int) bool {
				return x.object(g.sub, func(h *field) bool { return x.user(h, page.Users[i].ID) })
			})
		case app.MemberInfo:
			return x.object(g.sub, func(h *field) bool { return x.memberInfo(h, &page) })
		}
		return x.unknown(g)
	})
}

func (x *exec) membersOf(f *field) (engine.Members, error) {
	search, err := x.argument(f, "search")
	if err != nil {
		return engine.Members{}, err
	}
	w, err := x.windowOf(f, engine.MaxMembers)
	if err != nil {
		return engine.Members{}, err
	}
	q := engine.Crowd{First: w.first, Backward: w.backward}
	q.Search, _ = search.(string)
	if q.After, err = personOf("after", "endCursor", w.after); err != nil {
		return engine.Members{}, err
	}
	if q.Before, err = personOf("before", "startCursor", w.before); err != nil {
		return engine.Members{}, err
	}
	return x.req.Op.Members(q)
}

// personOf reads a cursor of people; an empty text is none.
func personOf(argument, of, cursor string) (record.ID, error) {
	if cursor == "" {
		return record.ID{}, nil
	}
	id, err := record.ParseID(cursor)
	if err != nil || id.IsZero() {
		return record.ID{}, fault.New(fault.Invalid, "resolvers/app", "argument %s: expected the %s of a page", argument, of)
	}
	return id, nil
}

func (x *exec) memberInfo(f *field, page *engine.Members) bool {
	last := len(page.Users) - 1
	switch f.mean.Kind {
	case app.HasNextPage:
		x.b = strconv.AppendBool(x.b, page.After)
	case app.HasPreviousPage:
		x.b = strconv.AppendBool(x.b, page.Before)
	case app.StartCursor, app.EndCursor:
		if last < 0 {
			return x.null()
		}
		at := 0
		if f.mean.Kind == app.EndCursor {
			at = last
		}
		x.text(page.Users[at].ID.String())
	default:
		return x.unknown(f)
	}
	return true
}
