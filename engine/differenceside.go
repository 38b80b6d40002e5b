package engine

import (
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

const opCompare = "engine.Compare"

// side is one state of the rights: a definition, modules, people and hides.
type side struct {
	app     *application
	people  policy.People
	hides   []policy.Hide
	viewers map[record.ID]identity.Viewer // of those who have access
	// What follows is made by newComparison.
	views   []*policy.View // by position
	crowd   *policy.Crowd
	parents map[record.ID]*policy.Decided // of records that others hang below
}

// sides makes both. The faults of a document are told in d, without sides.
func (op *Op) sides(p *Proposal, d *Difference) (before, after *side, err error) {
	if len(p.Source) > 0 && p.Version != 0 {
		return nil, nil, fault.New(fault.Invalid, opCompare, "version: expected either a document or a version")
	}
	was, is := op.app, op.app
	if p.From != 0 {
		if was, err = op.versionOf(p.From); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case len(p.Source) > 0:
		is, err = op.documentOf(p, d)
	case p.Version != 0:
		is, err = op.versionOf(p.Version)
	}
	if err != nil || is == nil {
		return nil, nil, err
	}
	if len(p.Modules) > 0 {
		if is, err = op.rebound(is, p.Modules); err != nil {
			return nil, nil, err
		}
	}
	d.From, d.To = was.def.Version, is.def.Version
	o := &overlay{people: op.people, tenant: op.principal.Tenant, application: op.app.def.Name}
	before = o.side(was)
	if o.changes, err = op.changesOf(p.Assignments, is.def); err != nil {
		return nil, nil, err
	}
	return before, o.side(is), nil
}

// versionOf compiles a stored version, with the modules and hides of now.
func (op *Op) versionOf(version uint64) (*application, error) {
	name := op.app.def.Name
	if version == op.app.def.Version {
		return op.app, nil
	}
	ptr, _, err := readPointer(op.r, name)
	if err != nil {
		return nil, err
	}
	_, stored, err := readParts(op.r, versionKey(name, version))
	if err != nil {
		return nil, err
	}
	if !stored || version > ptr.Active || version == ptr.Preparing {
		return nil, fault.New(fault.Invalid, opCompare, "version: application %s has no such version", name)
	}
	def, err := readDefinition(op.r, name, version)
	if err != nil {
		return nil, err
	}
	return op.compiled(def)
}

// documentOf judges a document as Apply does; nil where it would be refused.
func (op *Op) documentOf(p *Proposal, d *Difference) (*application, error) {
	name, faults := definition.Name(p.Source)
	if d.Faults = faults; len(faults) > 0 {
		return nil, nil
	}
	if name != op.app.def.Name {
		return nil, fault.New(fault.Invalid, opCompare, "source: expected a document of application %s", op.app.def.Name)
	}
	j, err := op.e.judge(op.r, op.people, op.principal, name, p.Source, p.AllowDrop)
	if err != nil {
		return nil, err
	}
	if d.Faults = j.faults; len(j.faults) > 0 {
		return nil, nil
	}
	if d.Findings = j.findings; j.unchanged {
		return op.app, nil
	}
	return op.compiled(j.next)
}

// compiled is a definition that is not the active one.
func (op *Op) compiled(def *definition.Application) (*application, error) {
	compiled, err := policy.Compile(def)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, opCompare, err, "the definition of application %s does not compile", def.Name)
	}
	app := &application{def: def, policy: compiled, forms: makeForms(def, nil)}
	if app.bindings, err = op.e.readBindings(op.r, app); err != nil {
		return nil, err
	}
	app.hides, err = readHides(op.r, app)
	return app, err
}

// rebound is the application with other modules.
func (op *Op) rebound(app *application, modules map[string]string) (*application, error) {
	out := *app
	out.bindings = maps.Clone(app.bindings)
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		i := slices.IndexFunc(app.def.Custom, func(r *definition.CustomRule) bool { return r.Name == name })
		if i < 0 {
			return nil, fault.New(fault.Invalid, opCompare, "rule: application %s has no custom rule %q", app.def.Name, name)
		}
		rule, hash := app.def.Custom[i], modules[name]
		if delete(out.bindings, rule); hash == "" {
			continue
		}
		m, err := readModule(op.r, app.def.Name, hash)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, fault.New(fault.Invalid, opCompare, "module: no module of application %s has this hash", app.def.Name)
		}
		if err := fits(m.manifest, rule, app.def); err != nil {
			return nil, err
		}
		out.bindings[rule] = newBinding(app, rule, m, false)
	}
	return &out, nil
}

// changesOf checks what would become of people.
func (op *Op) changesOf(list []AssignmentChange, def *definition.Application) (map[record.ID]*AssignmentChange, error) {
	out := map[record.ID]*AssignmentChange{}
	for i := range list {
		c := &list[i]
		u, ok := op.people.User(c.User)
		switch {
		case !ok, !op.mayName(c.User, def.Name):
			return nil, fault.New(fault.Invalid, opCompare, "user: no such user")
		case out[c.User] != nil:
			return nil, fault.New(fault.Invalid, opCompare, "assignments: a person is given twice")
		case c.Assign != nil && c.Unassign:
			return nil, fault.New(fault.Invalid, opCompare, "assignment: expected either a place or none")
		case u.Admin.Administers() && (c.Assign != nil || c.Unassign):
			return nil, fault.New(fault.Invalid, opCompare, "user: admins have every application and hold neither role nor permission set")
		case u.Admin == identity.SuperAdmin && c.Active != nil && !*c.Active:
			return nil, fault.New(fault.Invalid, opCompare, "user: an organization keeps its super admin")
		}
		if c.Assign != nil {
			if err := checkPlace(def, c.Assign); err != nil {
				return nil, err
			}
		}
		out[c.User] = c
	}
	return out, nil
}

// mayName reports whether the viewer may propose a place for somebody: who may not
// open the directory learns nothing of people outside the application.
func (op *Op) mayName(user record.ID, application string) bool {
	return op.view.Viewer().Kind.Administers() || op.people.IsIn(user, application)
}

// overlay is the directory of an application with some changes.
type overlay struct {
	people      *directory.People
	tenant      identity.Tenant
	application string
	changes     map[record.ID]*AssignmentChange
}

// place returns what a person is assigned to, nil for nothing.
func (o *overlay) place(user record.ID) *directory.Assignment {
	if c := o.changes[user]; c != nil {
		switch {
		case c.Unassign:
			return nil
		case c.Assign != nil:
			return c.Assign
		}
	}
	a, _ := o.people.Assignment(user, o.application)
	return a
}

// stands reports whether a person may use a place. Who has a password and no place
// yet is active with the first.
func (o *overlay) stands(u *directory.User) bool {
	if c := o.changes[u.ID]; c != nil && c.Active != nil {
		return *c.Active && u.Status != directory.Pending
	}
	return u.Status == directory.Active || u.Status == directory.Confirmed
}

// viewer is what a person is in the application when they sign in, false for
// nobody.
func (o *overlay) viewer(u *directory.User) (identity.Viewer, bool) {
	v := identity.Viewer{Tenant: o.tenant, User: u.ID, DisplayName: u.DisplayName, Application: o.application, Credential: identity.Session}
	if !o.stands(u) {
		return v, false
	}
	if u.Admin.Administers() {
		v.Kind = u.Admin
		return v, true
	}
	a := o.place(u.ID)
	if a == nil {
		return v, false
	}
	v.Kind, v.Role, v.PermissionSet, v.Attributes = a.Kind, a.Role, a.PermissionSet, a.Attributes
	return v, true
}

// side puts an application and the people together.
func (o *overlay) side(app *application) *side {
	s := &side{app: app, viewers: map[record.ID]identity.Viewer{}}
	roles := &roster{of: map[record.ID]string{}, members: map[string][]record.ID{}}
	for _, u := range o.people.Users() {
		if a := o.place(u.ID); a != nil && a.Kind == identity.Live && !u.Admin.Administers() {
			roles.of[u.ID] = a.Role
			roles.members[a.Role] = append(roles.members[a.Role], u.ID)
		}
		if v, ok := o.viewer(u); ok {
			s.viewers[u.ID] = v
		}
	}
	s.people = roles
	for _, h := range app.hides {
		u, ok := o.people.User(h.owner)
		s.hides = append(s.hides, policy.Hide{
			Form: h.form.def.Number, Owner: h.owner, Criteria: h.criteria,
			Lapsed: !ok || !u.Admin.Administers() || !o.stands(u),
		})
	}
	return s
}

// roster is who would hold which role.
type roster struct {
	of      map[record.ID]string
	members map[string][]record.ID
}

var _ policy.People = (*roster)(nil)

func (r *roster) RoleOf(user record.ID) string { return r.of[user] }

func (r *roster) Members(role string) []record.ID { return r.members[role] }
