package definition

import (
	"maps"
	"slices"
	"strconv"
)

// tree numbers the roles so that those below a role are a range.
type tree struct {
	first, last map[string]int
	above       map[string]string
	below       map[string]int // how many report to a role directly
}

func treeOf(roles []*Role) *tree {
	t := &tree{first: map[string]int{}, last: map[string]int{}, above: map[string]string{}, below: map[string]int{}}
	under := map[string][]string{}
	for _, r := range roles {
		if r.ReportsTo != "" {
			under[r.ReportsTo] = append(under[r.ReportsTo], r.Name)
			t.above[r.Name] = r.ReportsTo
			t.below[r.ReportsTo]++
		}
	}
	if len(roles) == 0 {
		return t
	}
	n := 0
	type visit struct {
		role string
		done bool
	}
	stack := []visit{{role: roles[0].Name}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v.done {
			t.last[v.role] = n
			continue
		}
		n++
		t.first[v.role] = n
		stack = append(stack, visit{v.role, true})
		for _, name := range under[v.role] {
			stack = append(stack, visit{role: name})
		}
	}
	return t
}

// within reports whether role is other or below it.
func (t *tree) within(role, other string) bool {
	return t.first[other] <= t.first[role] && t.first[role] <= t.last[other]
}

// covers reports whether everybody of g is in wide too, whoever they are.
func (t *tree) covers(wide, g Group) bool {
	switch {
	case wide.User != "" || g.User != "":
		return wide.User == g.User && wide.Role == g.Role
	case wide.Subordinates:
		return t.within(g.Role, wide.Role)
	}
	return wide.Role == g.Role && (!g.Subordinates || t.below[g.Role] == 0)
}

// subsumed reports sharing rules of which another gives all.
func (c *checker) subsumed() {
	t := c.tree
	for at := range c.facts {
		rules := c.facts[at].sharing
		for i, r := range rules {
			for j, wide := range rules {
				if i == j || !c.gives(t, wide, r) || j > i && c.gives(t, r, wide) {
					continue // of two that are equal, the later one
				}
				c.add(SharingSubsumed, path("sharingRules", r.Name), advise("leave it out"),
					"the rule %s gives all that this one gives", strconv.Quote(wide.Name))
				break
			}
		}
	}
}

func (c *checker) gives(t *tree, wide, r *SharingRule) bool {
	if wide.Level < r.Level || wide.Field != r.Field || (wide.Criteria == nil) != (r.Criteria == nil) || !t.covers(wide.To, r.To) {
		return false
	}
	if r.Criteria != nil {
		return c.same(wide, r)
	}
	return t.covers(wide.From, r.From)
}

// same reports whether two rules share by the same criteria.
func (c *checker) same(a, b *SharingRule) bool {
	return c.canonical(a) != "" && c.canonical(a) == c.canonical(b)
}

// holders returns how many users hold something, and how many each set.
func (c *checker) holders() (all int, bySet map[string]int) {
	if c.held == nil {
		c.held, c.byRole = map[string]int{}, map[string]int{}
		for _, h := range c.around.Holdings {
			c.users += h.Users
			c.held[h.Set] += h.Users
			c.byRole[h.Role] += h.Users
		}
	}
	return c.users, c.held
}

// receiving returns the sets of those who receive by the rule, ascending; false
// where they are not known, nobody receives yet, or the reader may not be told.
func (c *checker) receiving(r *SharingRule) (sets []string, known bool) {
	if !c.around.Directory || r.To.Role == "" {
		return nil, false
	}
	for _, h := range c.around.Holdings {
		concerned := h.Role == r.To.Role || r.To.Subordinates && h.Role != "" && c.tree.within(h.Role, r.To.Role)
		if h.Users > 0 && concerned && !slices.Contains(sets, h.Set) {
			sets = append(sets, h.Set)
		}
	}
	slices.Sort(sets)
	return sets, len(sets) > 0
}

// roles looks at positions and at who holds them.
func (c *checker) roles() {
	t := c.tree
	for i, r := range c.app.Roles {
		if i > 0 && !c.app.Hierarchy && t.below[r.Name] > 0 {
			c.add(HierarchyOff, path("roles", r.Name), write("hierarchy: true").or("let all roles report to the root"),
				"roles report to %s, and hierarchy is off: position gives nothing", r.Name)
			break
		}
	}
	all, held := c.holders()
	if all == 0 {
		return
	}
	c.missing()
	for _, r := range c.app.Roles {
		switch n := c.byRole[r.Name]; {
		case n == 0 && t.below[r.Name] == 0:
			c.add(RoleUnused, path("roles", r.Name), advise("assign it to somebody, or leave it out"), "nobody holds the role")
		case n == 1 && r.SharePeers && c.around.Directory:
			c.add(PeersAlone, path("roles", r.Name, "sharePeers"), advise("nothing, where more are to come"),
				"the role shares with peers, and one user holds it")
		}
	}
	for s := range c.ownSets {
		if held[s.Name] == 0 {
			c.add(SetUnused, path("permissionSets", s.Name), advise("assign it to somebody, or leave it out"), "nobody holds the set")
		}
	}
}

// missing reports what people hold and the document does not have.
func (c *checker) missing() {
	for _, name := range slices.Sorted(maps.Keys(c.byRole)) {
		has := slices.ContainsFunc(c.app.Roles, func(r *Role) bool { return r.Name == name })
		if name != "" && c.byRole[name] > 0 && !has {
			c.add(RoleMissing, path("roles"), advise("keep the role, or give its holders another first"),
				"the role %s is held and is not here: its holders lose all access", strconv.Quote(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.held)) {
		has := slices.ContainsFunc(c.app.Sets, func(s *PermissionSet) bool { return s.Name == name })
		if name != "" && c.held[name] > 0 && !has {
			c.add(SetMissing, path("permissionSets"), advise("keep the set, or give its holders another first"),
				"the permission set %s is held and is not here: its holders lose all access", strconv.Quote(name))
		}
	}
}

// people looks at the addresses that rules name.
func (c *checker) people() {
	for _, s := range c.app.Sharing {
		c.address(s.From.User, true, "sharingRules", s.Name, "from")
		c.address(s.To.User, false, "sharingRules", s.Name, "to")
	}
	for _, r := range c.app.Custom {
		for _, address := range r.Users {
			c.address(address, false, "customRules", r.Name, "users", address)
		}
	}
}

// address reports somebody whom a rule names in vain. Records of users who are
// not active count on (E5): as owner, an inactive user is meant.
func (c *checker) address(address string, owner bool, steps ...string) {
	if address == "" {
		return
	}
	quoted, standing := strconv.Quote(address), c.standing(address)
	remove := advise("correct the address, add the user, or leave it out")
	switch {
	case standing == UnknownUser && c.around.Directory, standing == UnknownUser && c.around.Standing == nil:
		c.add(UserUnknown, steps, remove, "%s names no user and grants nothing", quoted)
	case standing == PlacedUser, owner && standing != UnknownUser && c.around.Directory:
	case owner && !c.around.Directory:
		c.add(UserUnknown, steps, remove, "%s names nobody with access to the application: unless it is a former user's, the rule grants nothing", quoted)
	case !c.around.Directory:
		// An answer that told these apart would be a way to try addresses.
		c.add(UserUnknown, steps, remove, "%s names nobody with access to the application and grants nothing", quoted)
	case standing == InactiveUser:
		c.add(UserInactive, steps, advise("activate the user, or leave the address out"), "%s is not active and has no access", quoted)
	case standing == OutsideUser:
		c.add(UserWithoutPlace, steps, advise("give the user a place in the application, or leave the address out"),
			"%s has no place in the application: the rule grants nothing", quoted)
	}
}

func (c *checker) standing(address string) Standing {
	if c.around.Standing != nil {
		return c.around.Standing(address)
	}
	if _, ok := c.app.Users[address]; ok {
		return PlacedUser
	}
	return UnknownUser
}
