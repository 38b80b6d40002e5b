package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

// provedModule is a module of an organization that gave two answers to one question.
// That is a matter of its bytes alone (H2), not of a rule, an application or records.
type provedModule struct {
	tenant identity.Tenant
	hash   rules.Hash
}

// impureKey is where it is kept that a module is no rule: for good, and also when the
// module is deleted, since the same bytes uploaded again are the same module.
func impureKey(hash string) string { return "i/" + hash }

// prove keeps until it is stored what a runner says of a module with its answers.
func (w *ruleWatches) prove(m provedModule, said []rules.Verdict) {
	if !slices.ContainsFunc(said, func(v rules.Verdict) bool { return v.Fault == rules.FaultImpure || v.Fault == rules.FaultQuarantine }) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.impure == nil {
		w.impure = map[provedModule]bool{}
	}
	w.impure[m] = true
}

func (w *ruleWatches) takeProved(of func(identity.Tenant) bool) (out []provedModule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.impure {
		if of(m.tenant) {
			out = append(out, m)
			delete(w.impure, m)
		}
	}
	return out
}

// storeProved stores which modules are no rules. What cannot be stored waits on.
func (e *Engine) storeProved(ctx context.Context, of func(identity.Tenant) bool) (failed error) {
	for _, m := range e.watches.takeProved(of) {
		if err := e.storeImpure(ctx, m); err != nil {
			e.watches.prove(m, []rules.Verdict{{Fault: rules.FaultImpure}})
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// storeImpure writes down that a module is no rule, and puts it in quarantine at every
// rule that asks it, or that has it for its fallback.
func (e *Engine) storeImpure(ctx context.Context, m provedModule) error {
	q := quarantineDoc{Module: m.hash.String(), Since: e.stampTime(), Faults: map[string]int{rules.FaultImpure.String(): 1}}
	var stored []ruleKey
	err := e.o.Store.Tenant(m.tenant).Update(ctx, storage.Meta{Operation: "quarantineRule", Time: e.o.Now()}, func(txn *storage.Txn) error {
		stored = nil
		if known, err := storedImpure(txn, q.Module); err != nil || known {
			return err
		}
		if err := txn.PutDoc(spaceModule, impureKey(q.Module), []byte("{}")); err != nil {
			return err
		}
		bindings, err := bindingsOf(txn, "")
		if err != nil {
			return err
		}
		for _, b := range bindings {
			after, is := b.state.impure(q)
			if !is {
				continue
			}
			if err := putBinding(txn, b.application, b.rule, b.state, after, VersionActivated, stampDoc{At: q.Since}); err != nil {
				return err
			}
			if b.state.quarantine(q.Module) == nil {
				stored = append(stored, ruleKey{m.tenant, b.application, b.rule})
			}
		}
		return nil
	})
	if f := e.o.Events.RuleQuarantined; err == nil && f != nil {
		for _, k := range stored {
			f(k.tenant, k.application, k.rule, *q.told())
		}
	}
	return err
}

// impure is the state where a module that it concerns is in quarantine for good.
func (s bindingState) impure(q quarantineDoc) (after bindingState, is bool) {
	after = s
	was := s.quarantine(q.Module)
	switch {
	case was != nil && !was.impure():
		after.Quarantined = slices.Clone(s.Quarantined)
		now := after.quarantine(q.Module)
		now.Faults = map[string]int{rules.FaultImpure.String(): 1}
		maps.Copy(now.Faults, was.Faults)
	case was == nil && (s.asked() == q.Module || s.Fallback == q.Module):
		after.Quarantined = s.condemned(q)
	default:
		return s, false
	}
	return after, true
}

// storedBinding is what is bound to a rule, or was when a definition dropped it.
type storedBinding struct {
	application, rule string
	state             bindingState
}

// bindingsOf returns the bindings of an application, empty for all. One that is damaged
// is left out: who asks for the rule is told of that.
func bindingsOf(r storage.Reader, application string) (out []storedBinding, err error) {
	prefix := ""
	if application != "" {
		prefix = bindingKey(application, "")
	}
	c := r.Docs(spaceBinding, prefix)
	defer c.Close()
	for c.Next() {
		var s bindingState
		if app, rule, ok := strings.Cut(c.Key(), "/"); ok && json.Unmarshal(c.Value(), &s) == nil {
			out = append(out, storedBinding{app, rule, s})
		}
	}
	return out, c.Err()
}

// inherit puts a module that becomes a version of a rule in quarantine where it is so at
// another rule of the application. Of other applications nothing is told by that.
func (s *bindingState) inherit(r storage.Reader, application, rule, module string) error {
	_, err := versionNamed(r, application, rule, bindingState{}, module)
	if err == nil || s.quarantine(module) != nil {
		return nil // it was a version before, in quarantine or released from it
	}
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	bindings, err := bindingsOf(r, application)
	for _, b := range bindings {
		if q := b.state.quarantine(module); q != nil {
			s.Quarantined = s.condemned(*q)
			break
		}
	}
	return err
}

func storedImpure(r storage.Reader, hash string) (bool, error) {
	_, ok, err := r.Doc(spaceModule, impureKey(hash))
	return ok, err
}

// isImpure reports whether a module is known to be no rule: by what was stored, or by
// this process, which found it in a dry run, a test or another rule.
func (e *Engine) isImpure(r storage.Reader, t identity.Tenant, module string) (bool, error) {
	if stored, err := storedImpure(r, module); err != nil || stored {
		return stored, err
	}
	q, ok := e.o.Rules.(quarantine)
	var h rules.Hash
	if !ok || !validHash(module) {
		return false, nil
	}
	_, err := hex.Decode(h[:], []byte(module))
	return err == nil && q.Quarantined(t, h), err
}

// refusesImpure says that a module cannot be let decide that is no rule.
func (e *Engine) refusesImpure(r storage.Reader, t identity.Tenant, rule, module string) error {
	is, err := e.isImpure(r, t, module)
	if err != nil || !is {
		return err
	}
	return fault.New(fault.Conflict, "engine.activate", "rule: this module of %q gave two answers to one question, about a record alone and among others, and is never let decide; "+
		"decide each record by itself, keep nothing from one to the next, and upload the mended module; the rule stays as it was", rule)
}

// neverReleased says that a module stays in quarantine that is no rule, also where other
// faults put it there.
func (e *Engine) neverReleased(r storage.Reader, t identity.Tenant, rule, module string) error {
	is, err := e.isImpure(r, t, module)
	if err == nil && is {
		err = errNeverReleased(rule)
	}
	return err
}

func errNeverReleased(rule string) error {
	return fault.New(fault.Conflict, "engine.ReleaseRule", "rule: this version of %q gave two answers to one question, and is never released; mend the module, upload it and activate the new version, or activate another one", rule)
}
