package directory

import (
	"strings"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// People is the directory of one tenant at one epoch: immutable, safe for
// concurrent use. What its methods return is shared: read only.
type People struct {
	tenant       identity.Tenant
	organization string
	users        []*User // ascending by id
	byID         map[record.ID]*User
	byEmail      map[string]*User
	assignments  map[record.ID][]*Assignment // ascending by application
	roles        map[string]*Roles
	members      map[string][]*User // by application, admins included, ascending by id
	admins       []*User            // active ones: members where nobody else is
	// What everybody was read from, ascending by key.
	userTexts  []text[*User]
	placeTexts []text[*Assignment]
}

// Organization returns the name of the tenant's organization.
func (p *People) Organization() string { return p.organization }

// User looks a person up by id.
func (p *People) User(id record.ID) (*User, bool) {
	u, ok := p.byID[id]
	return u, ok
}

// ByEmail looks a person up by sign-in address, in any case.
func (p *People) ByEmail(address string) (*User, bool) {
	u, ok := p.byEmail[strings.ToLower(address)]
	return u, ok
}

// Users returns everybody, ascending by id.
func (p *People) Users() []*User { return p.users }

// Assignments returns the places of a user, ascending by application.
func (p *People) Assignments(user record.ID) []*Assignment { return p.assignments[user] }

// Assignment returns the place of a user in one application.
func (p *People) Assignment(user record.ID, application string) (*Assignment, bool) {
	for _, a := range p.assignments[user] {
		if a.Application == application {
			return a, true
		}
	}
	return nil, false
}

var nobody = &Roles{}

// In returns who holds which role in an application: a policy.People. An
// application that nobody has a place in has empty roles.
func (p *People) In(application string) *Roles {
	if r, ok := p.roles[application]; ok {
		return r
	}
	return nobody
}

// Viewer returns what the principal is in the application, false when they have
// no access there: unknown, not active, or without assignment. Whether the
// application exists is not asked: admins are viewers of every name.
func (p *People) Viewer(pr identity.Principal, application string) (identity.Viewer, bool) {
	u, ok := p.byID[pr.User]
	if !ok || pr.Tenant != p.tenant || pr.Credential == identity.NoCredential || u.Status != Active {
		return identity.Viewer{}, false
	}
	v := identity.Viewer{
		Tenant: pr.Tenant, User: u.ID, DisplayName: u.DisplayName,
		Application: application, Credential: pr.Credential,
	}
	if u.Admin.Administers() {
		v.Kind = u.Admin
		return v, true
	}
	a, ok := p.Assignment(u.ID, application)
	if !ok {
		return identity.Viewer{}, false
	}
	v.Kind, v.Role, v.PermissionSet, v.Attributes = a.Kind, a.Role, a.PermissionSet, a.Attributes
	return v, true
}

// MayDefine reports whether the principal may read and change the application's
// definition: admins and its developers (A6), Forbidden for its live users
// (A10), NotFound for everybody without a place in it.
func (p *People) MayDefine(pr identity.Principal, application string) error {
	v, ok := p.Viewer(pr, application)
	switch {
	case !ok:
		return fault.New(fault.NotFound, "directory.MayDefine", "no such application")
	case v.Kind == identity.Developer, v.Kind.Administers():
		return nil
	}
	return fault.New(fault.Forbidden, "directory.MayDefine", "only admins and developers of the application may do this")
}

// MayOpen reports whether the principal may open the user directory (A5).
func (p *People) MayOpen(pr identity.Principal) error {
	u, ok := p.byID[pr.User]
	if ok && pr.Tenant == p.tenant && u.Status == Active && u.Admin.Administers() {
		return nil
	}
	return fault.New(fault.Forbidden, "directory.MayOpen", "only admins may open the user directory")
}

// IsIn reports whether somebody is an admin or has a place in an application,
// active or not.
func (p *People) IsIn(user record.ID, application string) bool {
	if u, ok := p.User(user); !ok || u.Admin.Administers() {
		return ok
	}
	_, ok := p.Assignment(user, application)
	return ok
}

// Members returns the active members of an application, ascending by id: who
// has a place there, and admins. Read only.
func (p *People) Members(application string) []*User {
	if m, ok := p.members[application]; ok {
		return m
	}
	return p.admins
}

// IsPortal reports whether a person is external: holds places, all of them as
// portal user (A11).
func (p *People) IsPortal(user record.ID) bool {
	places := p.assignments[user]
	return len(places) > 0 && places[0].Kind == identity.Portal
}

// Roles is the assignment of roles in one application. Inactive users keep
// theirs: their records go on to count (E5).
type Roles struct {
	of      map[record.ID]string
	members map[string][]record.ID
}

// RoleOf returns the role of a live user, empty for all others.
func (r *Roles) RoleOf(user record.ID) string { return r.of[user] }

// Members returns the holders of a role in ascending order; read only.
func (r *Roles) Members(role string) []record.ID { return r.members[role] }

// add takes users in ascending order.
func (r *Roles) add(user record.ID, role string) {
	r.of[user] = role
	r.members[role] = append(r.members[role], user)
}

// know makes the lookups of users from what was read, which is in ascending
// order of their ids.
func (p *People) know() {
	n := len(p.userTexts)
	p.users, p.byID, p.byEmail = make([]*User, 0, n), make(map[record.ID]*User, n), make(map[string]*User, n)
	for i := range p.userTexts {
		u := p.userTexts[i].value
		p.users = append(p.users, u)
		p.byID[u.ID], p.byEmail[u.Email] = u, u
	}
}

// build makes the lookups of places, which come in ascending order of user ids
// too.
func (p *People) build() {
	n := len(p.placeTexts)
	p.assignments, p.roles, p.members = make(map[record.ID][]*Assignment, n), map[string]*Roles{}, map[string][]*User{}
	places := make([]*Assignment, len(p.placeTexts))
	for i := range p.placeTexts {
		places[i] = p.placeTexts[i].value
		p.members[places[i].Application] = nil
	}
	for len(places) > 0 {
		same := 1
		for same < len(places) && places[same].User == places[0].User {
			same++
		}
		p.assignments[places[0].User] = places[:same:same]
		places = places[same:]
	}
	for _, u := range p.users {
		for _, a := range p.assignments[u.ID] {
			if a.Kind == identity.Live && !u.Admin.Administers() {
				p.rolesOf(a.Application).add(u.ID, a.Role)
			}
		}
		p.join(u)
	}
}

// join makes an active user a member; users come in ascending order.
func (p *People) join(u *User) {
	switch {
	case u.Status != Active:
	case u.Admin.Administers():
		p.admins = append(p.admins, u)
		for application := range p.members {
			p.members[application] = append(p.members[application], u)
		}
	default:
		for _, a := range p.assignments[u.ID] {
			p.members[a.Application] = append(p.members[a.Application], u)
		}
	}
}

func (p *People) rolesOf(application string) *Roles {
	r, ok := p.roles[application]
	if !ok {
		r = &Roles{of: make(map[record.ID]string, len(p.users)), members: map[string][]record.ID{}}
		p.roles[application] = r
	}
	return r
}
