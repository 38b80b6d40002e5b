package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// roles is the role tree (C1), numbered in preorder so that a role with all
// below it is one interval of positions.
type roles struct {
	at  map[string]int32 // name → position
	def []*definition.Role
	end []int32 // position → one past its last subordinate
}

// noRole is the position of someone who holds no role.
const noRole int32 = -1

// span is the half-open interval of positions [lo, hi). The zero span is empty.
type span struct{ lo, hi int32 }

func (s span) has(pos int32) bool { return s.lo <= pos && pos < s.hi }

// subtree returns the role and everyone below it.
func (r *roles) subtree(pos int32) span { return span{pos, r.end[pos]} }

// below returns those below the role, itself excluded.
func (r *roles) below(pos int32) span { return span{pos + 1, r.end[pos]} }

func (p *Policy) compileRoles() error {
	defs := p.app.Roles
	if len(defs) == 0 {
		return errors.New("no root role")
	}
	byName := make(map[string]int, len(defs))
	for i, d := range defs {
		if d == nil || d.Name == "" {
			return fmt.Errorf("role %d has no name", i)
		}
		if _, taken := byName[d.Name]; taken {
			return fmt.Errorf("role %q: name is taken", d.Name)
		}
		byName[d.Name] = i
	}
	below := make([][]int, len(defs))
	for i, d := range defs {
		if (d.ReportsTo == "") != (i == 0) {
			return fmt.Errorf("role %q: exactly the first role reports to nobody", d.Name)
		}
		if i == 0 {
			continue
		}
		up, ok := byName[d.ReportsTo]
		if !ok {
			return fmt.Errorf("role %q: reports to %q, which does not exist", d.Name, d.ReportsTo)
		}
		below[up] = append(below[up], i)
	}
	p.roles = number(defs, below)
	if len(p.roles.def) != len(defs) {
		return errors.New("the roles run in a circle")
	}
	return nil
}

// number walks the tree from the first role, which there is, without recursion:
// a chain may be as long as there are roles. Roles on a circle are not reached.
func number(defs []*definition.Role, below [][]int) *roles {
	r := &roles{at: make(map[string]int32, len(defs)), end: make([]int32, len(defs))}
	type frame struct {
		role int
		next int // the child to visit
		pos  int32
	}
	stack := []frame{{}}
	enter := func(f *frame) {
		f.pos = int32(len(r.def))
		r.at[defs[f.role].Name] = f.pos
		r.def = append(r.def, defs[f.role])
	}
	enter(&stack[0])
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next == len(below[f.role]) {
			r.end[f.pos] = int32(len(r.def))
			stack = stack[:len(stack)-1]
			continue
		}
		child := frame{role: below[f.role][f.next]}
		f.next++
		enter(&child)
		stack = append(stack, child)
	}
	return r
}

// owners says whose records: single users, the holders of roles, and those
// without a role. The zero owners is nobody.
type owners struct {
	users  []record.ID // ascending, perhaps repeated
	spans  []span      // ascending, apart
	noRole bool
}

// normalize sorts and merges what was appended.
func (o *owners) normalize() {
	slices.SortFunc(o.users, compareIDs)
	slices.SortFunc(o.spans, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	var out []span
	for _, s := range o.spans {
		switch n := len(out); {
		case s.lo >= s.hi:
		case n > 0 && s.lo <= out[n-1].hi:
			out[n-1].hi = max(out[n-1].hi, s.hi)
		default:
			out = append(out, s)
		}
	}
	o.spans = out
}

// has reports whether the user is one of the owners, by role instead of by
// listing the members.
func (o *owners) has(user record.ID, r *roles, people People) bool {
	if _, ok := slices.BinarySearchFunc(o.users, user, compareIDs); ok {
		return true
	}
	if len(o.spans) == 0 && !o.noRole {
		return false
	}
	role := people.RoleOf(user)
	if role == "" {
		return o.noRole
	}
	pos, ok := r.at[role]
	return ok && inSpans(o.spans, pos)
}

func inSpans(spans []span, pos int32) bool {
	i, found := slices.BinarySearchFunc(spans, pos, func(s span, pos int32) int { return cmp.Compare(s.lo, pos) })
	return found || i > 0 && spans[i-1].has(pos)
}

// list returns the owners as a reach, every member by id.
func (o *owners) list(r *roles, people People) *Owners {
	users := slices.Clone(o.users)
	for _, s := range o.spans {
		for _, d := range r.def[s.lo:s.hi] {
			users = append(users, people.Members(d.Name)...)
		}
	}
	slices.SortFunc(users, compareIDs)
	return &Owners{Users: slices.Compact(users), NoRole: o.noRole}
}

func compareIDs(a, b record.ID) int { return bytes.Compare(a[:], b[:]) }
