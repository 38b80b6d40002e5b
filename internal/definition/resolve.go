package definition

import (
	"sluice/internal/record"
)

// Context is what Resolve needs from outside the document.
type Context struct {
	// Previous is the version that the document replaces, nil for a new
	// application. Numbers and dropped numbers carry over from it.
	Previous *Application
	// NextForm allots the next form number of the organization. It is called
	// once per new form, in the order of the document, and only when the document
	// has no fault. Nil numbers on from the highest of Previous, which is enough
	// to check a document and not to store it.
	NextForm func() uint32
	// Users resolves a sign-in address; false leaves it unresolved. Nil leaves
	// all unresolved.
	Users func(address string) (record.ID, bool)
	// AllowDrop permits removing fields and forms that Previous has.
	AllowDrop bool
}

// Resolve reads a YAML document, checks it and numbers it. It reports every
// fault it finds, in order of their lines; the Application is nil when there is
// one. Equal inputs give equal results. The Application owns what it holds.
func Resolve(source []byte, c Context) (*Application, []Fault) {
	r := &resolver{
		c: c, app: &Application{Version: 1, Users: map[string]record.ID{}},
		at: map[any]object{}, renamed: map[any]string{}, targets: map[*Field]string{}, derived: map[any]string{}, previous: map[any]any{},
	}
	if c.Previous != nil {
		r.app.Version = c.Previous.Version + 1
	}
	root, ok := r.parse(source)
	if ok {
		r.read(root)
	}
	if faults := r.result(); len(faults) > 0 {
		return nil, faults
	}
	r.number()
	r.linkFormulas() // again, with the numbers
	r.resolveUsers()
	r.app.Source = string(source)
	return r.app, nil
}

// resolver turns one document into one Application.
type resolver struct {
	document
	c   Context
	app *Application
	// at holds where each part of app stands in the document. Parts that the
	// document does not write (default reports, built-in sets) are not in it.
	at      map[any]object
	renamed map[any]string    // what *Form and *Field say in renamedFrom
	targets map[*Field]string // what lookups say in to
	// derived holds the forms, fields and reports whose name was made of a label.
	derived map[any]string
	// previous maps *Form and *Field to their *Form and *Field in c.Previous.
	previous map[any]any
	users    []string // addresses that rules name, in order
	roles    map[string]*Role
	// granted counts the field permissions of all sets.
	granted int
}

var topKeys = []string{"application", "viewerAttributes", "forms", "reports", "pages", "roles", "hierarchy", "permissionSets", "sharingRules", "customRules", "registeredOnly", "tests"}

func (r *resolver) read(root value) {
	o, ok := r.object(root, topKeys...)
	if !ok {
		return
	}
	r.require(o, "application", "forms")
	r.app.Name = r.name(o, "application", applicationName)
	if p := r.c.Previous; p != nil && r.app.Name != "" && r.app.Name != p.Name {
		r.fail(o.of("application"), "the application is named %s, which cannot change", p.Name)
	}
	r.app.Hierarchy = r.flag(o, "hierarchy", false)
	r.app.RegisteredOnly = r.flag(o, "registeredOnly", false)
	r.readAttributes(o)
	r.readForms(o)
	r.readReports(o)
	r.readPages(o)
	r.checkNames()
	r.readRoles(o)
	r.readSets(o)
	r.readSharing(o)
	r.readCustom(o)
	r.readTests(o)
	r.carryOver(o)
}

// resolveUsers fills the map of the addresses that rules name.
func (r *resolver) resolveUsers() {
	if r.c.Users == nil {
		return
	}
	for _, address := range r.users {
		if _, done := r.app.Users[address]; done {
			continue
		}
		if id, ok := r.c.Users(address); ok && !id.IsZero() {
			r.app.Users[address] = id
		}
	}
}

// user notes an address that a rule names.
func (r *resolver) user(address string, at *place) {
	if address == "" {
		return
	}
	if _, err := record.ParseValue(&record.Field{Type: record.Email}, address); err != nil {
		r.fail(at, "%v", err)
		return
	}
	r.users = append(r.users, address)
}

// form returns the form that a member names.
func (r *resolver) form(o object, key string) (*Form, bool) {
	name := r.text(o, key, maxName)
	if name == "" {
		return nil, false
	}
	f, ok := r.app.Form(name)
	if !ok {
		r.fail(o.of(key), "there is no form %q%s", name, nearest(name, r.knownForms()))
	}
	return f, ok
}

// target returns the form that a lookup leads to.
func (r *resolver) target(x *Field) (*Form, bool) {
	if r.targets[x] == "" {
		return nil, false
	}
	return r.app.Form(r.targets[x])
}
