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
	v, err := x.argument(f, "first")
	if err != nil {
		return engine.Members{}, err
	}
	first, ok := v.(int64)
	if !ok {
		first = app.DefaultFirst
	}
	if first < 0 || first > engine.MaxMembers {
		return engine.Members{}, fault.New(fault.Invalid, "resolvers/app", "argument first: expected 0 to %d", engine.MaxMembers)
	}
	cursor, err := x.argument(f, "after")
	if err != nil {
		return engine.Members{}, err
	}
	var after record.ID
	if s, given := cursor.(string); given {
		if after, err = record.ParseID(s); err != nil {
			return engine.Members{}, fault.New(fault.Invalid, "resolvers/app", "argument after: expected the endCursor of a page")
		}
	}
	text, _ := search.(string)
	return x.req.Op.Members(text, int(first), after)
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
