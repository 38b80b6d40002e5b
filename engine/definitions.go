package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// manage runs fn in a snapshot of the principal's tenant, with a credential
// that stands.
func (e *Engine) manage(p identity.Principal, fn func(storage.Reader, *directory.People) error) error {
	snap, err := e.o.Store.Tenant(p.Tenant).Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	people, err := e.standing(snap, p)
	if err != nil {
		return err
	}
	return fn(snap, people)
}

// change runs fn in a transaction of the principal's tenant, with a credential
// that stands.
func (e *Engine) change(ctx context.Context, p identity.Principal, operation string, fn func(*storage.Txn, *directory.People) error) error {
	m := storage.Meta{Actor: p.User, Operation: operation, Time: e.o.Now()}
	return e.o.Store.Tenant(p.Tenant).Update(ctx, m, func(txn *storage.Txn) error {
		people, err := e.standing(txn, p)
		if err != nil {
			return err
		}
		return fn(txn, people)
	})
}

func (e *Engine) standing(r storage.Reader, p identity.Principal) (*directory.People, error) {
	if err := e.o.Directory.Check(r, p); err != nil {
		return nil, err
	}
	return e.o.Directory.Load(r)
}

// Source returns the YAML text of the active definition.
func (e *Engine) Source(_ context.Context, p identity.Principal, application string) (string, error) {
	var source string
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		def, err := e.definable(r, people, p, application)
		if err == nil {
			source = def.Source
		}
		return err
	})
	return source, err
}

// definable returns the active definition for somebody who may change it.
func (e *Engine) definable(r storage.Reader, people *directory.People, p identity.Principal, name string) (*definition.Application, error) {
	if err := people.MayDefine(p, name); err != nil {
		return nil, err
	}
	return e.active(r, name)
}

// active returns the active definition, NotFound when there is none.
func (e *Engine) active(r storage.Reader, name string) (*definition.Application, error) {
	epoch, err := r.Epoch()
	if err != nil {
		return nil, err
	}
	app, ok, err := e.load(r, epoch, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNoApplication(name)
	}
	return app.def, nil
}

// CheckAssignment reports whether the active definition has the role, the
// permission set and the attributes of a.
func (e *Engine) CheckAssignment(_ context.Context, p identity.Principal, a directory.Assignment) error {
	return e.manage(p, func(r storage.Reader, _ *directory.People) error {
		def, err := e.active(r, a.Application)
		if err != nil {
			return err
		}
		return checkPlace(def, &a)
	})
}

// checkPlace reports whether a definition has the role, the permission set and the
// attributes of a place.
func checkPlace(def *definition.Application, a *directory.Assignment) error {
	if a.Kind == identity.Developer {
		return nil
	}
	const op = "engine.CheckAssignment"
	portal := a.Kind == identity.Portal
	if _, ok := def.Role(a.Role); !ok && !portal {
		return fault.New(fault.Invalid, op, "role: %q is not a role of application %s, which has %s", a.Role, def.Name, roleNames(def))
	}
	if set, ok := def.Set(a.PermissionSet); !ok || set.Portal != portal {
		whom := "users"
		if portal {
			whom = "portal users"
		}
		return fault.New(fault.Invalid, op, "permissionSet: %q is not a permission set of application %s for its %s, which has %s", a.PermissionSet, def.Name, whom, setNames(def, portal))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Attributes)) {
		attr, ok := attribute(def, name)
		if v := a.Attributes[name]; !ok || !v.IsNull() && v.Kind() != attr.Type.Kind() {
			return fault.New(fault.Invalid, op, "attributes.%s: not a viewer attribute of application %s, or not a value of its type", name, def.Name)
		}
	}
	return nil
}

func attribute(def *definition.Application, name string) (*record.Field, bool) {
	for i := range def.Attributes {
		if def.Attributes[i].Name == name {
			return &def.Attributes[i], true
		}
	}
	return nil, false
}

// Attributes turns the text form of viewer attributes into values of the types
// that the active definition declares.
func (e *Engine) Attributes(_ context.Context, p identity.Principal, application string, text map[string]string) (map[string]record.Value, error) {
	var out map[string]record.Value
	err := e.manage(p, func(r storage.Reader, _ *directory.People) error {
		def, err := e.active(r, application)
		if err != nil {
			return err
		}
		out, err = attributeValues(def, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// attributeValues is Attributes for one definition.
func attributeValues(def *definition.Application, text map[string]string) (map[string]record.Value, error) {
	out := map[string]record.Value{}
	for _, name := range slices.Sorted(maps.Keys(text)) {
		attr, ok := attribute(def, name)
		if !ok {
			return nil, fault.New(fault.Invalid, "engine.Attributes", "attributes.%s: not a viewer attribute of application %s, which has %s", name, def.Name, attributeNames(def))
		}
		v, err := record.ParseValue(attr, text[name])
		if err != nil {
			return nil, fault.New(fault.Invalid, "engine.Attributes", "attributes.%s: %v", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// Apply checks a document and makes it the application's next version. What is
// wrong with the document is in Applied.Faults, and nothing was changed then;
// an error is anything else. The application is the one that the document names.
//
// A version that needs indexes built, or stored records checked, is prepared
// first: writers keep its indexes and its required fields, readers do not see
// it. When every record has been visited one transaction activates it. An
// interrupted preparation is taken up by the next Apply, or by Resume.
//
// A version with permission tests is activated in a transaction at whose epoch
// they have passed: before it is prepared, and again when it is.
func (e *Engine) Apply(ctx context.Context, p identity.Principal, source []byte, allowDrop bool) (*Applied, error) {
	return e.ApplyCompared(ctx, p, source, allowDrop, "")
}

// ApplyCompared is Apply of a document that was compared: it is Conflict when the
// comparison is of another change, or its difference not what it would be by now.
// Where the engine is told so, what newly exposes personal data is Forbidden
// without a comparison that another admin approved of: see Options.ApproveExposure.
func (e *Engine) ApplyCompared(ctx context.Context, p identity.Principal, source []byte, allowDrop bool, comparison string) (*Applied, error) {
	name, faults := definition.Name(source)
	if len(faults) > 0 {
		return &Applied{Faults: faults}, nil
	}
	if err := e.finish(ctx, p, name); err != nil {
		return nil, err
	}
	held, err := e.bind(ctx, p, name, &ProposedChange{Source: source, AllowDrop: allowDrop}, comparison)
	if err != nil {
		return nil, err
	}
	var out *Applied
	var prepared *preparation
	g, failing, err := gated(func(g *pass) error {
		return e.change(ctx, p, "apply", func(txn *storage.Txn, people *directory.People) error {
			if err := held.check(txn); err != nil {
				return err
			}
			out, prepared = &Applied{}, nil
			err := e.propose(txn, people, p, name, source, allowDrop, out, &prepared, g)
			if err != nil || prepared == nil {
				return err
			}
			return held.hold(txn, name)
		})
	}, func() (*pass, []definition.Fault, error) { return e.testDocument(ctx, p, name, source, allowDrop) })
	if len(failing) > 0 {
		return &Applied{Faults: failing}, err
	}
	if g != nil && err == nil && len(out.Faults) == 0 {
		out.Findings = append(out.Findings, g.findings...)
	}
	if err != nil || prepared == nil {
		return out, err
	}
	if out.Faults, err = e.prepare(ctx, p, prepared); err != nil {
		return nil, err
	}
	if len(out.Faults) > 0 {
		*out = Applied{Faults: out.Faults}
	}
	return out, nil
}

// propose judges a document and stores it: as the active version, or as the
// preparing one where records have to be visited. One that is the active version
// already is left alone.
func (e *Engine) propose(txn *storage.Txn, people *directory.People, p identity.Principal, name string, source []byte, allowDrop bool, out *Applied, prepared **preparation, g *pass) error {
	j, err := e.judge(txn, people, p, name, source, allowDrop)
	if err != nil {
		return err
	}
	if *out = j.applied(); len(j.faults) > 0 || j.unchanged {
		return nil
	}
	if err := g.needs(txn, j.next, false); err != nil {
		return err
	}
	if *prepared = e.storeVersion(&j.ptr, j.prev, j.next); *prepared == nil {
		if err := forget(txn, j.prev, j.next, stampDoc{p.User, e.stampTime()}); err != nil {
			return err
		}
	}
	return writeVersion(txn, j.next, j.ptr, j.forms)
}

func mayPropose(people *directory.People, p identity.Principal, name string, exists bool) error {
	if err := people.MayDefine(p, name); err != nil {
		return err
	}
	if !exists {
		if v, _ := people.Viewer(p, name); !v.Kind.Administers() {
			return errNoApplication(name)
		}
	}
	return nil
}

// storeVersion sets the pointer for a new version and returns what there is to
// prepare, nil when the version can be active at once.
func (e *Engine) storeVersion(ptr *pointer, prev, next *definition.Application) *preparation {
	ptr.Last = next.Version
	if work := workOf(prev, next); len(work) > 0 {
		ptr.Preparing = next.Version
		return &preparation{name: next.Name, next: next, work: work}
	}
	ptr.Active = next.Version
	return nil
}

func writeVersion(txn *storage.Txn, def *definition.Application, ptr pointer, forms uint32) error {
	doc, err := definition.Marshal(def)
	if err != nil {
		return err
	}
	if err := putParts(txn, versionKey(def.Name, def.Version), doc); err != nil {
		return err
	}
	if err := txn.PutDoc(spaceCounter, formCounter, fmt.Appendf(nil, "%d", forms)); err != nil {
		return err
	}
	return writePointer(txn, def.Name, ptr)
}

func writePointer(txn *storage.Txn, name string, ptr pointer) error {
	b, err := json.Marshal(ptr)
	if err != nil {
		return err
	}
	if err := txn.PutDoc(spaceDefinition, pointerKey(name), b); err != nil {
		return err
	}
	return txn.BumpEpoch()
}

const formCounter = "form"

// readCounter returns the highest form number that the organization ever gave.
func readCounter(r storage.Reader) (uint32, error) {
	b, ok, err := r.Doc(spaceCounter, formCounter)
	if err != nil || !ok {
		return 0, err
	}
	var n uint32
	if _, err := fmt.Sscanf(string(b), "%d", &n); err != nil {
		return 0, fault.Wrap(fault.Unavailable, "engine.Apply", err, "the counter of forms is damaged")
	}
	return n, nil
}

// boundFaults reports rules whose module, or fallback, no longer fits the document.
func boundFaults(next *definition.Application, bound map[string]boundModule) []definition.Fault {
	var out []definition.Fault
	for i, rule := range next.Custom {
		b := bound[rule.Name]
		for _, x := range []struct {
			module     *storedModule
			what, then string
		}{{b.module, "bound module", "deactivate the rule and bind another module first"}, {b.fallback, "fallback version", "name another, or none, first"}} {
			if x.module == nil {
				continue
			}
			if err := fits(x.module.manifest, rule, next); err != nil {
				out = append(out, definition.Fault{
					Path: fmt.Sprintf("customRules[%d]", i),
					Msg:  "the " + x.what + " does not fit: " + fault.Message(err) + "; " + x.then,
				})
			}
		}
	}
	return out
}

// attributeFaults reports viewer attributes that are dropped or change their
// meaning while somebody holds a value: 12.50 of scale 2 is not 1.250, and a
// name that comes back must not find values of an older meaning.
func attributeFaults(prev, next *definition.Application, people *directory.People) []definition.Fault {
	if prev == nil {
		return nil
	}
	var out []definition.Fault
	for i := range prev.Attributes {
		was := &prev.Attributes[i]
		if a, ok := attribute(next, was.Name); ok && was.Type == a.Type && was.Scale == a.Scale {
			continue
		}
		if n := holders(people, prev.Name, was.Name); n > 0 {
			out = append(out, definition.Fault{
				Path: "viewerAttributes." + was.Name,
				Msg:  fmt.Sprintf("%d users hold a value as %s of scale %d; assign them without it first, or give the new attribute another name", n, was.Type, was.Scale),
			})
		}
	}
	return out
}

// holders counts the users with a value of a viewer attribute.
func holders(people *directory.People, application, attribute string) (n int) {
	for _, u := range people.Users() {
		if a, ok := people.Assignment(u.ID, application); ok && !a.Attributes[attribute].IsNull() {
			n++
		}
	}
	return n
}

// forget drops what belongs to parts of the definition that a new version drops.
func forget(txn *storage.Txn, prev, next *definition.Application, by stampDoc) error {
	if err := unbind(txn, prev, next, by); err != nil {
		return err
	}
	return dropHides(txn, prev, next)
}

// unbind forgets the modules of custom rules that a new version drops, so that
// a later rule of the same name begins with none. Which of them are in quarantine is
// kept: to take a rule out and put it in again is no release.
func unbind(txn *storage.Txn, prev, next *definition.Application, by stampDoc) error {
	if prev == nil {
		return nil
	}
	for _, rule := range prev.Custom {
		if slices.ContainsFunc(next.Custom, func(r *definition.CustomRule) bool { return r.Name == rule.Name }) {
			continue
		}
		// One that is damaged is forgotten like any other.
		s, err := readBinding(txn, prev.Name, rule.Name)
		if err == nil && s.filling() != "" {
			if err := recordActs(txn, prev.Name, rule.Name, s, []ruleAct{{VersionDropped, s.filling()}}, by); err != nil {
				return err
			}
		}
		var left []byte
		if err == nil && len(s.Quarantined) > 0 {
			if left, err = json.Marshal(bindingState{Quarantined: s.Quarantined}); err != nil {
				return err
			}
		}
		if err := txn.PutDoc(spaceBinding, bindingKey(prev.Name, rule.Name), left); err != nil {
			return err
		}
		if err := dropShadow(txn, prev.Name, rule.Name); err != nil {
			return err
		}
	}
	return nil
}
