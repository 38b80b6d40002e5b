package world

import (
	"math/rand/v2"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
)

// Change returns a copy of the world that one change later is: records added,
// changed or deleted, a person with another place or switched off or on, another
// version of the definition, a filter that hides more, less or no longer, or a
// module that fills a rule no more. gone are modules that were taken away before,
// by name of the rule, which may come back.
//
// The super admin stays, and everybody keeps their kind of place. Forms and fields
// stay as they are, and unique cells too.
func Change(w *World, rnd *rand.Rand, gone map[string]oracle.Module) *World {
	m := &mutation{rnd: rnd, user: &oracle.User{}, w: w.Copy()}
	switch rnd.IntN(10) {
	case 0, 1, 2, 3:
		for range 1 + rnd.IntN(3) {
			m.changeRecord(pick(rnd, w.App.Forms))
		}
	case 4, 5, 6:
		m.changePerson()
	case 7:
		m.hide(pick(rnd, w.App.Forms))
	case 8:
		m.changeModule(gone)
	default:
		m.changePolicy()
	}
	return m.w
}

func (m *mutation) changeRecord(f *definition.Form) {
	rows := m.w.Records[f.Name]
	if len(rows) == 0 || m.rnd.IntN(6) == 0 {
		m.add(f)
		return
	}
	i := m.rnd.IntN(len(rows))
	if m.rnd.IntN(6) == 0 {
		m.w.Records[f.Name] = slices.Delete(rows, i, i+1)
		return
	}
	m.scramble(f, rows[i])
}

// changePerson gives somebody another place or status.
func (m *mutation) changePerson() {
	m.w.Users = slices.Clone(m.w.Users)
	i := m.rnd.IntN(len(m.w.Users))
	u := *m.w.Users[i]
	like := pick(m.rnd, m.w.Users)
	switch {
	case u.Kind == identity.SuperAdmin:
		return
	case m.rnd.IntN(3) == 0 || u.Kind != identity.Live && u.Kind != identity.Portal:
		u.Inactive = !u.Inactive
	case m.rnd.IntN(4) == 0:
		u.Attributes = like.Attributes
	case u.Kind == identity.Live && m.rnd.IntN(2) == 0:
		u.Role = pick(m.rnd, m.w.App.Roles).Name
	case like.Kind == u.Kind:
		u.Set = like.Set
	}
	m.w.Users[i] = &u
}

func (m *mutation) changeModule(gone map[string]oracle.Module) {
	if len(m.w.App.Custom) == 0 {
		return
	}
	name := pick(m.rnd, m.w.App.Custom).Name
	modules := map[string]oracle.Module{}
	for rule, module := range m.w.Modules {
		modules[rule] = module
	}
	if module, there := modules[name]; there {
		gone[name] = module
		delete(modules, name)
	} else if module, known := gone[name]; known {
		modules[name] = module
	}
	m.w.Modules = modules
}

// changePolicy makes a version of the definition that differs in one thing.
func (m *mutation) changePolicy() {
	app := *m.w.App
	app.Version++
	switch n := len(app.Sharing); {
	case m.rnd.IntN(3) == 0 || n == 0:
		app.Hierarchy = !app.Hierarchy
	case m.rnd.IntN(2) == 0:
		i := m.rnd.IntN(n)
		app.Sharing = slices.Delete(slices.Clone(app.Sharing), i, i+1)
	default:
		app.Roles = slices.Clone(app.Roles)
		i := m.rnd.IntN(len(app.Roles))
		role := *app.Roles[i]
		role.SharePeers = !role.SharePeers
		app.Roles[i] = &role
	}
	m.w.App = &app
}
