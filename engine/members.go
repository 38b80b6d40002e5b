package engine

import (
	"bytes"
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

// Members offers people for a user field or a mention (A5a): active members of
// the application whose display name contains search, in any case, ascending by
// id, behind the one of the id after, which may be zero. Addresses are not
// searched: whoever names people does not open the directory. Forbidden for
// somebody who may name nobody, Invalid for a page outside 0 to MaxMembers.
func (op *Op) Members(search string, first int, after record.ID) (Members, error) {
	const what = "engine.Members"
	var out Members
	if !op.view.Shape().NamesUsers() {
		return out, fault.New(fault.Forbidden, what, "not permitted to name users")
	}
	if first < 0 || first > MaxMembers {
		return out, fault.New(fault.Invalid, what, "first: expected 0 to %d", MaxMembers)
	}
	search = strings.ToLower(search)
	for _, u := range op.people.Members(op.app.def.Name) {
		switch {
		case !strings.Contains(strings.ToLower(u.DisplayName), search):
		case bytes.Compare(u.ID[:], after[:]) <= 0:
			out.Before = true
		case len(out.Users) == first:
			out.After = true
			return out, nil
		default:
			out.Users = append(out.Users, u)
		}
	}
	return out, nil
}

// memberOf reports whether a user may be named in a field of the application:
// active, and with a place in it (A5a).
func (op *Op) memberOf(user record.ID) bool {
	_, ok := slices.BinarySearchFunc(op.people.Members(op.app.def.Name), user,
		func(u *directory.User, id record.ID) int { return compareIDs(u.ID, id) })
	return ok
}
