package engine

import (
	"slices"
	"strings"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// MaxMembers is the largest page of Members.
const MaxMembers = 200

// Members is one page of the people whom the viewer may name.
type Members struct {
	Users         []*directory.User // read only; of them id and display name may be shown
	Before, After bool              // whether others come before or behind the page
}

// Crowd asks for a page of people.
type Crowd struct {
	Search        string    // text of the display name, in any case; addresses are not searched
	First         int       // 0 to MaxMembers
	Backward      bool      // the last First people of the window, not the first
	After, Before record.ID // the window, without both; zero for the beginning and the end
}

// Members offers people for a user field or a mention (A5a): active members of
// the application, ascending by id. Whoever names people does not open the
// directory. Forbidden for somebody who may name nobody, Invalid for a page
// outside 0 to MaxMembers.
func (op *Op) Members(q Crowd) (Members, error) {
	const what = "engine.Members"
	if !op.view.Shape().NamesUsers() {
		return Members{}, fault.New(fault.Forbidden, what, "not permitted to name users")
	}
	if q.First < 0 || q.First > MaxMembers {
		return Members{}, fault.New(fault.Invalid, what, "first: expected 0 to %d", MaxMembers)
	}
	return pageOf(op.people.Members(op.app.def.Name), q), nil
}

// pageOf is the page of some people, who come ascending by id.
func pageOf(all []*directory.User, q Crowd) Members {
	part := Part{First: q.First, Backward: q.Backward, Previous: true, Next: true}
	marks := Marks{after: placeOf(q.After), before: placeOf(q.Before)}
	s := newStretch[*directory.User](part, &marks, compareIDs)
	search := strings.ToLower(q.Search)
	for i := 0; i < len(all) && !s.full; i++ {
		u := all[i]
		if q.Backward {
			u = all[len(all)-1-i]
		}
		if strings.Contains(strings.ToLower(u.DisplayName), search) {
			s.add(u.ID, u)
		}
	}
	out := Members{Users: s.page(part, &marks)}
	out.Before, out.After = marks.HasPrevious, marks.HasNext
	return out
}

// placeOf is the position of an id, nil for none.
func placeOf(id record.ID) *position {
	if id.IsZero() {
		return nil
	}
	return &position{id: id}
}

// memberOf reports whether a user may be named in a field of the application:
// active, and with a place in it (A5a).
func (op *Op) memberOf(user record.ID) bool {
	_, ok := slices.BinarySearchFunc(op.people.Members(op.app.def.Name), user,
		func(u *directory.User, id record.ID) int { return compareIDs(u.ID, id) })
	return ok
}
