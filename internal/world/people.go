package world

import (
	"fmt"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// roles makes a tree, root first: every application has a root (C1).
func (g *gen) roles() {
	for i := range g.upTo(1, g.size.Roles) {
		r := &definition.Role{Name: "CEO", SharePeers: g.chance(0.35)}
		if i > 0 {
			r.Name = fmt.Sprintf("Role %d", i)
			r.ReportsTo = pick(g.Rand, g.w.App.Roles).Name
			if g.chance(0.4) {
				r.ReportsTo = g.w.App.Roles[i-1].Name
			}
		}
		g.w.App.Roles = append(g.w.App.Roles, r)
	}
}

func (g *gen) people() {
	for i := range g.upTo(2, g.size.Users) {
		u := &oracle.User{ID: g.id(), Email: fmt.Sprintf("user%d@example.test", i), Credential: identity.Session}
		switch {
		case i == 0:
			u.Kind = identity.SuperAdmin
		case g.chance(0.12):
			u.Kind = identity.Admin
		case g.chance(0.08):
			u.Kind = identity.Developer
		case i > 1 && g.chance(0.1):
			u.Kind = identity.Portal
		case len(g.w.App.Roles) > 0 && (i == 1 || g.chance(0.92)):
			u.Kind = identity.Live
		}
		u.Inactive = i > 0 && g.chance(0.12) || u.Kind == identity.Admin && g.chance(0.25)
		if g.chance(0.2) {
			u.Credential = identity.PersonalToken
		}
		g.w.Users = append(g.w.Users, u)
		g.w.App.Users[u.Email] = u.ID
	}
	for i := range g.upTo(1, 2) {
		g.gone = append(g.gone, g.id())
		if g.chance(0.5) {
			g.w.App.Users[fmt.Sprintf("gone%d@example.test", i)] = g.gone[i]
		}
	}
}

// assign gives live users their role and set, portal users a portal set (A11),
// and both their attributes.
func (g *gen) assign() {
	byPortal := map[bool][]*definition.PermissionSet{}
	for _, s := range g.w.App.Sets {
		byPortal[s.Portal] = append(byPortal[s.Portal], s)
	}
	for _, u := range g.of(identity.Live, identity.Portal) {
		if u.Kind == identity.Live {
			u.Role = pick(g.Rand, g.w.App.Roles).Name
		}
		u.Set = pick(g.Rand, byPortal[u.Kind == identity.Portal]).Name
		u.Attributes = map[string]record.Value{}
		for _, a := range g.w.App.Attributes {
			if g.chance(0.8) {
				u.Attributes[a.Name] = value(g.Rand, g.w, g.gone, a)
			}
		}
	}
}

// person returns somebody who may stand as owner or in a user field.
func (g *gen) person() record.ID {
	if live := g.live(); len(live) > 0 && g.chance(0.65) {
		return pick(g.Rand, live).ID
	}
	if g.chance(0.3) {
		return pick(g.Rand, g.gone)
	}
	others := g.of(identity.Admin, identity.Developer, identity.Portal, identity.Nobody)
	if len(others) > 0 && g.chance(0.7) {
		return pick(g.Rand, others).ID
	}
	return pick(g.Rand, g.w.Users).ID
}
