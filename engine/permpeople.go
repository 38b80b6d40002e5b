package engine

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// tested is a person, or a stand-in for one, whom tests are held against.
type tested struct {
	viewer  identity.Viewer
	name    string // shown: a display name, or what a stand-in holds
	standIn bool
	view    *policy.View // made when it is needed
}

// maxStandIns bounds the stand-ins of one test.
const maxStandIns = 100

// peopleOf lists whom tests may be about: the active live and portal users and
// developers of an application. Admins are nobody's test (P10).
func peopleOf(people *directory.People, t identity.Tenant, application string) (out []*tested, absent []definition.Subject) {
	for _, u := range people.Users() {
		v, ok := people.Viewer(identity.Principal{Tenant: t, User: u.ID, Credential: identity.Session}, application)
		switch a, placed := people.Assignment(u.ID, application); {
		case ok && v.Kind.Administers():
		case ok:
			out = append(out, &tested{viewer: v, name: u.DisplayName})
		case placed && a.Kind != identity.Developer:
			absent = append(absent, definition.Subject{Role: a.Role, Set: a.PermissionSet})
		}
	}
	return out, absent
}

// holds reports whether a person is of a subject.
func (t *trial) holds(s definition.Subject, p *tested) bool {
	v := &p.viewer
	switch s.Kind {
	case definition.OfRole:
		return v.Kind == identity.Live && v.Role == s.Role && (s.Set == "" || v.PermissionSet == s.Set)
	case definition.OfSet:
		return v.Kind == identity.Live && v.PermissionSet == s.Set
	case definition.OfPortal:
		return v.Kind == identity.Portal && v.PermissionSet == s.Set
	case definition.OfUser:
		id, ok := t.app.def.Users[s.Address]
		return ok && id == v.User
	case definition.Developers:
		return v.Kind == identity.Developer
	case definition.Everyone:
		return v.Kind == identity.Live || v.Kind == identity.Portal
	}
	return false
}

// subjects returns the people of a subject; where nobody active is, stand-ins for
// those who could be; and else why there is nobody.
func (t *trial) subjects(s definition.Subject) (out []*tested, why string) {
	for _, p := range t.persons {
		if t.holds(s, p) {
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		return out, ""
	}
	pairs := t.pairs(s)
	switch {
	case len(pairs) > maxStandIns:
		return nil, fmt.Sprintf("nobody holds it, and there are more than %d roles to try it with: write role NAME with set %s", maxStandIns, s.Set)
	case len(pairs) == 0 && s.Kind == definition.OfRole:
		return nil, "nobody holds the role, and a role alone allows nothing: write role " + s.Role + " with set NAME to test it before somebody does"
	case len(pairs) == 0:
		return nil, "there is nobody whom it is about"
	}
	for _, pair := range pairs {
		out = append(out, t.standIn(s, pair))
	}
	return out, ""
}

// pairs are the roles and sets that stand-ins for a subject hold: those that
// somebody holds who is not active, else the pair that the test names, or the set
// with each role.
func (t *trial) pairs(s definition.Subject) (out []definition.Subject) {
	add := func(role, set string) {
		pair := definition.Subject{Role: role, Set: set}
		if !slices.Contains(out, pair) {
			out = append(out, pair)
		}
	}
	switch {
	case s.Kind == definition.OfPortal:
		add("", s.Set)
		return out
	case s.Kind == definition.OfRole && s.Set != "":
		add(s.Role, s.Set)
		return out
	case s.Kind != definition.OfRole && s.Kind != definition.OfSet:
		return nil
	}
	for _, a := range t.absent {
		if a.Role != "" && (a.Role == s.Role || s.Role == "") && (a.Set == s.Set || s.Set == "") {
			add(a.Role, a.Set)
		}
	}
	if len(out) == 0 && s.Kind == definition.OfSet {
		for _, role := range t.app.def.Roles {
			add(role.Name, s.Set)
		}
	}
	return out
}

// standIn is somebody who owns nothing and whom nothing names.
func (t *trial) standIn(s definition.Subject, pair definition.Subject) *tested {
	p := &tested{standIn: true, viewer: identity.Viewer{
		Tenant: t.tenant, User: t.stranger(), Kind: identity.Live, Application: t.app.def.Name,
		Role: pair.Role, PermissionSet: pair.Set, Credential: identity.Session,
	}}
	if p.name = "a stand-in with role " + pair.Role + " and set " + pair.Set; s.Kind == definition.OfPortal {
		p.viewer.Kind, p.viewer.Role, p.name = identity.Portal, "", "a stand-in with portal set "+pair.Set
	}
	return p
}

// stranger returns an id that nobody has, another each time: it is none that this
// program makes, which are of version 7.
func (t *trial) stranger() record.ID {
	t.strangers++
	id := record.ID{0: 's', 1: 't', 2: 'a', 3: 'n', 4: 'd', 5: '-', 6: 'i', 7: 'n'}
	binary.BigEndian.PutUint64(id[8:], t.strangers)
	return id
}

// alike are people whom no record tells apart but by naming one of them: they
// have one kind, role, set and attributes, and no rule names one of them.
type alike struct {
	op *Op // asks the rules; its view is that of whoever is looked at
}

// of returns the class of a person.
func (t *trial) of(p *tested) *alike {
	key := t.likeness(p)
	if t.classes[key] == nil {
		t.classes[key] = &alike{op: t.opFor(t.app, p.viewer)}
	}
	return t.classes[key]
}

func (t *trial) likeness(p *tested) string {
	var b strings.Builder
	v := &p.viewer
	fmt.Fprintf(&b, "%d %q %q", v.Kind, v.Role, v.PermissionSet)
	for i := range t.app.def.Attributes {
		f := &t.app.def.Attributes[i]
		fmt.Fprintf(&b, " %s", record.AppendJSON(nil, f, v.Attributes[f.Name]))
	}
	if t.named[v.User] {
		b.Write(v.User[:])
	}
	return b.String()
}

// viewOf is what a person may do.
func (t *trial) viewOf(p *tested) *policy.View {
	if p.view == nil {
		p.view = t.app.policy.View(p.viewer, t.roles, t.hides)
	}
	return p.view
}
