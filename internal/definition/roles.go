package definition

// RootRole is the name of the root where the document has no roles.
const RootRole = "CEO"

const maxRoleText = 200

// readRoles reads the roles and puts the root first.
func (r *resolver) readRoles(o object) {
	seen := map[string]bool{}
	items := r.items(o, "roles", MaxRoles, "a list of roles")
	for _, v := range items {
		ro, ok := r.object(v, "name", "description", "reportsTo", "sharePeers")
		if !ok {
			continue
		}
		role := &Role{
			Name: r.title(ro, seen), Description: r.text(ro, "description", maxRoleText),
			ReportsTo: r.text(ro, "reportsTo", maxTitle), SharePeers: r.flag(ro, "sharePeers", false),
		}
		r.at[role] = ro
		if ro.has("reportsTo") && role.ReportsTo == "" {
			continue // reported; it is no second root
		}
		r.app.Roles = append(r.app.Roles, role)
	}
	if !o.has("roles") {
		r.app.Roles = []*Role{{Name: RootRole}}
	}
	r.roles = make(map[string]*Role, len(r.app.Roles))
	for _, role := range r.app.Roles {
		if role.Name != "" {
			r.roles[role.Name] = role
		}
	}
	if items != nil {
		r.checkTree(o)
	}
}

// checkTree holds the roles to one tree and moves the root to the front.
func (r *resolver) checkTree(o object) {
	var root *Role
	for i, role := range r.app.Roles {
		switch {
		case role.ReportsTo == "" && root == nil:
			root = role
			copy(r.app.Roles[1:], r.app.Roles[:i])
			r.app.Roles[0] = role
		case role.ReportsTo == "":
			r.fail(r.at[role].at, "exactly one role has no reportsTo, the root; %s has none already", root.Name)
		case r.roles[role.ReportsTo] == nil:
			r.fail(r.at[role].of("reportsTo"), "there is no role %q%s", role.ReportsTo, nearest(role.ReportsTo, r.knownRoles()))
		}
	}
	if root == nil {
		r.fail(o.of("roles"), "one role must have no reportsTo: the root")
	}
	r.checkCycles()
}

// checkCycles reports one role of every cycle. Each role is walked once.
func (r *resolver) checkCycles() {
	walk := make(map[*Role]int, len(r.app.Roles)) // the walk that came through
	for i, role := range r.app.Roles {
		for at := role; at != nil; at = r.roles[at.ReportsTo] {
			if walk[at] == i+1 {
				r.fail(r.at[at].of("reportsTo"), "the role %q reports to itself, directly or through others", at.Name)
			}
			if walk[at] != 0 {
				break
			}
			walk[at] = i + 1
		}
	}
}
