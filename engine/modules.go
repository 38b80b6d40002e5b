package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

// maxModules bounds how many modules an application keeps.
const maxModules = 100

// moduleDoc describes a stored module; its bytes are a document of their own.
type moduleDoc struct {
	Name     string          `json:"name"`
	Size     int             `json:"size"`
	Uploaded time.Time       `json:"uploaded"`
	Manifest *rules.Manifest `json:"manifest"`
}

func modulePrefix(application string) string { return "m/" + application + "/" }

func moduleKey(application, hash string) string { return modulePrefix(application) + hash }

func moduleBytesKey(application, hash string) string { return "b/" + application + "/" + hash }

// storedModule is a module as it was uploaded.
type storedModule struct {
	hash     rules.Hash
	manifest *rules.Manifest
	bytes    []byte
}

// readModule returns a module by its hash in hex, nil when there is none.
func readModule(r storage.Reader, application, hash string) (*storedModule, error) {
	if !validHash(hash) {
		return nil, nil
	}
	doc, ok, err := r.Doc(spaceModule, moduleKey(application, hash))
	if err != nil || !ok {
		return nil, err
	}
	var d moduleDoc
	if err := json.Unmarshal(doc, &d); err != nil || d.Manifest == nil {
		return nil, fault.Wrap(fault.Unavailable, "engine.module", err, "module %s is damaged", hash)
	}
	b, err := readModuleBytes(r, application, hash, d.Size)
	if err != nil || b == nil {
		return nil, err
	}
	m := &storedModule{manifest: d.Manifest, bytes: b}
	_, err = hex.Decode(m.hash[:], []byte(hash))
	return m, err
}

func validHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == len(rules.Hash{}) && strings.ToLower(s) == s
}

// UploadModule checks a module and keeps it under its hash; the same bytes again
// are the same module, under the newest name. Invalid when a check refuses it, that of its
// plan included.
func (e *Engine) UploadModule(ctx context.Context, p identity.Principal, application, name string, module []byte) (Module, error) {
	const op = "engine.UploadModule"
	var def *definition.Application
	err := e.manage(p, func(r storage.Reader, people *directory.People) (err error) {
		if def, err = e.definable(r, people, p, application); err != nil {
			return err
		}
		return permitsModule(def, module)
	})
	if err != nil {
		return Module{}, err
	}
	if name == "" || len(name) > 100 {
		return Module{}, fault.New(fault.Invalid, op, "name: expected 1 to 100 bytes")
	}
	manifest, hash, err := e.o.Inspect(identity.WithPrincipal(ctx, p), module)
	if err != nil {
		return Module{}, err
	}
	if err := e.checkUploadedPlan(ctx, p.Tenant, def, manifest, module); err != nil {
		return Module{}, err
	}
	out := Module{Hash: hash.String(), Name: name, Size: len(module), Uploaded: e.o.Now().UTC().Truncate(time.Millisecond)}
	err = e.change(ctx, p, "uploadModule", func(txn *storage.Txn, people *directory.People) error {
		def, err := e.definable(txn, people, p, application)
		if err != nil {
			return err
		}
		if _, ok := def.Form(manifest.Form); !ok {
			return fault.New(fault.Invalid, op, "module: its manifest is for form %q, which application %s does not have: it has %s", manifest.Form, application, formNames(def))
		}
		if err := roomFor(txn, application, out.Hash); err != nil {
			return err
		}
		doc, err := json.Marshal(moduleDoc{Name: name, Size: out.Size, Uploaded: out.Uploaded, Manifest: manifest})
		if err != nil {
			return err
		}
		if err := txn.PutDoc(spaceModule, moduleKey(application, out.Hash), doc); err != nil {
			return err
		}
		// The bytes are named by their hash in the logged document.
		return putModuleBytes(txn, application, out.Hash, module)
	})
	if err != nil {
		return Module{}, err
	}
	return out, nil
}

// moduleTurn is a document that every upload of another module writes, see roomFor.
func moduleTurn(application string) string { return "t/" + application }

// roomFor returns an error of kind Limit where a module would be one too many. Whoever
// uploads one that is not kept takes the application's turn, so that the count holds:
// walks alone do not conflict.
func roomFor(txn *storage.Txn, application, hash string) error {
	if _, kept, err := txn.Doc(spaceModule, moduleKey(application, hash)); err != nil || kept {
		return err
	}
	n := 0
	c := txn.Docs(spaceModule, modulePrefix(application))
	defer c.Close()
	for c.Next() {
		n++
	}
	if err := c.Err(); err != nil {
		return err
	}
	if n >= maxModules {
		return fault.New(fault.Limit, "engine.UploadModule", "module: application %s keeps %d modules already, the most that is allowed", application, maxModules)
	}
	return txn.PutSecret(spaceModule, moduleTurn(application), []byte(hash))
}

// Modules returns the application's modules, the newest first.
func (e *Engine) Modules(_ context.Context, p identity.Principal, application string) ([]Module, error) {
	var out []Module
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		if _, err := e.definable(r, people, p, application); err != nil {
			return err
		}
		prefix := modulePrefix(application)
		c := r.Docs(spaceModule, prefix)
		defer c.Close()
		for c.Next() {
			var d moduleDoc
			if err := json.Unmarshal(c.Value(), &d); err != nil {
				return fault.Wrap(fault.Unavailable, "engine.Modules", err, "a module is damaged")
			}
			out = append(out, Module{Hash: strings.TrimPrefix(c.Key(), prefix), Name: d.Name, Size: d.Size, Uploaded: d.Uploaded})
		}
		return c.Err()
	})
	slices.SortStableFunc(out, func(a, b Module) int { return b.Uploaded.Compare(a.Uploaded) })
	return out, err
}

// Rules returns the custom rules of the active definition in its order.
func (e *Engine) Rules(_ context.Context, p identity.Principal, application string) ([]RuleState, error) {
	var out []RuleState
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		def, err := e.definable(r, people, p, application)
		if err != nil {
			return err
		}
		for _, rule := range def.Custom {
			s, err := readBinding(r, application, rule.Name)
			if err != nil {
				return err
			}
			out = append(out, stateOf(rule, s))
		}
		return nil
	})
	return out, err
}

func stateOf(rule *definition.CustomRule, s bindingState) RuleState {
	return RuleState{Rule: rule.Name, Form: rule.Form, Effect: rule.Effect, Bound: s.filling(), Active: s.Active, Next: s.waiting(), Quarantine: s.quarantine(s.filling()).told(), Fallback: s.fallback()}
}

// BindModule makes the module the one that fills the rule when it is activated; what
// decides until then goes on to decide. The deciding module itself takes back what
// was bound beside it. NotFound for an unknown rule or module, Invalid when the module's manifest
// does not fit the rule.
func (e *Engine) BindModule(ctx context.Context, p identity.Principal, application, rule, module string) (RuleState, error) {
	return e.rebind(ctx, p, "bindModule", application, rule, VersionActivated, func(txn *storage.Txn, def *definition.Application, r *definition.CustomRule, s *bindingState) error {
		m, err := readModule(txn, application, module)
		if err != nil {
			return err
		}
		if m == nil {
			return fault.New(fault.NotFound, "engine.BindModule", "module: no module of application %s has this hash", application)
		}
		if err := fits(m.manifest, r, def); err != nil {
			return err
		}
		if err := roomForVersion(txn, application, rule, *s, module); err != nil {
			return err
		}
		s.bind(module)
		return s.inherit(txn, application, rule, module)
	})
}

// ActivateRule switches the rule on; Conflict when nothing is bound, and when a
// permission test of the active definition would fail then.
func (e *Engine) ActivateRule(ctx context.Context, p identity.Principal, application, rule string) (RuleState, error) {
	return e.ActivateRuleCompared(ctx, p, application, rule, "")
}

// ActivateRuleCompared is ActivateRule where the module that is bound was compared
// as the one that fills the rule; see ApplyCompared.
func (e *Engine) ActivateRuleCompared(ctx context.Context, p identity.Principal, application, rule, comparison string) (RuleState, error) {
	return e.switchOn(ctx, p, application, rule, comparison, &swapping{"activateRule", VersionActivated, bindingNext, (*bindingState).swap, nil})
}

// activate switches a rule on in one transaction, once its tests passed.
func (e *Engine) activate(ctx context.Context, p identity.Principal, application, name, module string, held *bound, g *pass, how *swapping) (RuleState, error) {
	return e.rebind(ctx, p, how.operation, application, name, how.act, func(txn *storage.Txn, def *definition.Application, r *definition.CustomRule, s *bindingState) error {
		if err := held.check(txn); err != nil {
			return err
		}
		now, err := how.choose(txn, *s)
		if err != nil {
			return err
		}
		if now == "" {
			return fault.New(fault.Conflict, "engine.ActivateRule", "rule: %q has no module bound", name)
		}
		if now != module { // what was held to a comparison is the other one
			return fault.New(fault.Conflict, "engine.ActivateRule", "rule: another module was bound to %q meanwhile; try again", name)
		}
		if how.allows != nil {
			if err := how.allows(r, *s, module); err != nil {
				return err
			}
		} else if s.deciding() == module && s.quarantine(module) == nil {
			return nil // nothing changes
		}
		if err := fitsStill(txn, application, module, r, def); err != nil {
			return err
		}
		how.put(s, module)
		if err := s.refusesQuarantined(name, module); err != nil {
			return err
		}
		if err := e.refusesImpure(txn, p.Tenant, name, module); err != nil {
			return err
		}
		return g.needs(txn, def, false)
	})
}

// fitsStill reports why a module does not fit a rule any more: a definition is
// compared with what decides by it, not with every version of a rule.
func fitsStill(r storage.Reader, application, module string, rule *definition.CustomRule, def *definition.Application) error {
	m, err := readModule(r, application, module)
	if err != nil {
		return err
	}
	if m == nil {
		return fault.New(fault.NotFound, "engine.fitsStill", "module: it is not kept any more; upload it again")
	}
	return fits(m.manifest, rule, def)
}

// DeactivateRule switches the rule off: it denies then, as a missing module
// does. No permission test stands against that: it gives nobody anything, and has to
// be possible at once whatever else is wrong.
func (e *Engine) DeactivateRule(ctx context.Context, p identity.Principal, application, rule string) (RuleState, error) {
	return e.rebind(ctx, p, "deactivateRule", application, rule, VersionActivated, func(_ *storage.Txn, _ *definition.Application, _ *definition.CustomRule, s *bindingState) error {
		s.Active = false
		return nil
	})
}

// rebind changes the binding of a rule in one transaction, and writes down what was
// done: on is how a module is let decide.
func (e *Engine) rebind(ctx context.Context, p identity.Principal, operation, application, name string, on RuleAct, fn func(*storage.Txn, *definition.Application, *definition.CustomRule, *bindingState) error) (RuleState, error) {
	var out RuleState
	err := e.change(ctx, p, operation, func(txn *storage.Txn, people *directory.People) error {
		def, err := e.definable(txn, people, p, application)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(def.Custom, func(r *definition.CustomRule) bool { return r.Name == name })
		if i < 0 {
			return errNoRule(application, name)
		}
		s, err := readBinding(txn, application, name)
		if err != nil {
			return err
		}
		before := s
		if err := fn(txn, def, def.Custom[i], &s); err != nil {
			return err
		}
		out = stateOf(def.Custom[i], s)
		return putBinding(txn, application, name, before, s, on, stampDoc{p.User, e.stampTime()})
	})
	return out, err
}
