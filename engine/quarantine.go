package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

// RuleQuarantine says why a version of a rule is in quarantine: it is not asked then,
// and counts as one that goes wrong on every record (H4), until another version
// decides or an admin or developer releases it. For admins and developers of the
// application only.
type RuleQuarantine struct {
	Since time.Time
	// Records is how many records it went wrong on, at most keptFailing, and Adders how
	// many people had added them.
	Records, Adders int
	Faults          []FaultCount // of those records by kind, the last of each
	// Impure says that it gave two answers to one question. Such a version cannot be
	// released.
	Impure bool
}

// quarantineDoc is a quarantine as it is stored with the binding of the rule.
type quarantineDoc struct {
	Module  string         `json:"module"` // hash
	Since   time.Time      `json:"since"`
	Records int            `json:"records"`
	Adders  int            `json:"adders"`
	Faults  map[string]int `json:"faults"` // by the name of the kind
}

func (q *quarantineDoc) impure() bool { return q.Faults[rules.FaultImpure.String()] > 0 }

func (q *quarantineDoc) told() *RuleQuarantine {
	if q == nil {
		return nil
	}
	out := &RuleQuarantine{Since: q.Since, Records: q.Records, Adders: q.Adders, Impure: q.impure()}
	for kind := rules.NoFault; kind < rules.FaultKinds; kind++ {
		if n := q.Faults[kind.String()]; n > 0 {
			out.Faults = append(out.Faults, FaultCount{kind, int64(n)})
		}
	}
	return out
}

// quarantine is that of a module, nil for none.
func (s bindingState) quarantine(module string) *quarantineDoc {
	i := slices.IndexFunc(s.Quarantined, func(q quarantineDoc) bool { return q.Module == module })
	if i < 0 {
		return nil
	}
	return &s.Quarantined[i]
}

// quarantinedRules returns the rules of an application that are on and whose active
// version is in quarantine, ascending by name. A binding that is damaged is in none:
// who asks for the rule is told of that.
func quarantinedRules(r storage.Reader, application string) (out []string, err error) {
	prefix := bindingKey(application, "")
	c := r.Docs(spaceBinding, prefix)
	defer c.Close()
	for c.Next() {
		var s bindingState
		if json.Unmarshal(c.Value(), &s) == nil && s.Active && s.quarantine(s.Module) != nil {
			out = append(out, strings.TrimPrefix(c.Key(), prefix))
		}
	}
	return out, c.Err()
}

// maxQuarantined bounds the versions of a rule in quarantine. An application keeps
// fewer modules: beyond it the one that is there for longest is released.
const maxQuarantined = 2 * maxModules

// condemned is the state with one more.
func (s bindingState) condemned(q quarantineDoc) []quarantineDoc {
	past := max(0, len(s.Quarantined)+1-maxQuarantined)
	return append(slices.Clone(s.Quarantined[past:]), q)
}

// released is the state without the quarantine of a module.
func (s bindingState) released(module string) []quarantineDoc {
	return slices.DeleteFunc(slices.Clone(s.Quarantined), func(q quarantineDoc) bool { return q.Module == module })
}

// refusesQuarantined says that a version in quarantine cannot be let decide.
func (s bindingState) refusesQuarantined(rule, module string) error {
	if q := s.quarantine(module); q != nil {
		return fault.New(fault.Conflict, "engine.activate", "rule: this version of %q is in quarantine since %s; release it first, or activate another", rule, q.Since.Format(time.RFC3339))
	}
	return nil
}

// asked is the binding whose module is asked for a rule, nil where none is: it denies.
func (app *application) asked(rule *definition.CustomRule) *binding {
	if b := app.bindings[rule]; b != nil && !b.quarantined {
		return b
	}
	return nil
}

// suspect counts the faults of a question; the mutex of the watches is held. Of a
// transaction they count once it is committed.
func (op *Op) suspect(x *ruleWatch, a *ruleAnswers, now time.Time) {
	if a.binding == nil || a.binding.quarantined {
		return
	}
	for i := range a.verdicts {
		kind := a.verdicts[i].Fault
		switch {
		case kind == rules.FaultImpure || kind == rules.FaultQuarantine: // the runner says so
			x.condemn(&quarantineDoc{
				Module: a.binding.hash.String(), Since: now.UTC().Truncate(time.Millisecond),
				Faults: map[string]int{rules.FaultImpure.String(): 1},
			})
		case !always(kind), kind == rules.FaultPlan && op.narrow[a.records[i].ID()]: // nobody got a wrong answer by the latter
		case op.txn != nil:
			op.uncommitted(a.rule).add(a.binding.hash, failedOn(a, i, now))
		default:
			x.fails(a.binding.hash, failedOn(a, i, now))
		}
	}
}

func failedOn(a *ruleAnswers, i int, now time.Time) faulty {
	r := a.records[i]
	h := r.Header()
	return faulty{id: r.ID(), adder: h.AddedBy, changer: h.ModifiedBy, at: now, kind: a.verdicts[i].Fault}
}

// uncommitted are the faults of a rule in the transaction.
func (op *Op) uncommitted(rule *definition.CustomRule) *failing {
	if op.failing == nil {
		op.failing = map[string]*failing{}
	}
	w := op.failing[rule.Name]
	if w == nil {
		w = &failing{}
		op.failing[rule.Name] = w
	}
	return w
}

// committed counts the faults of a transaction that was.
func (op *Op) committed() {
	w := &op.e.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	for rule, of := range op.failing {
		x := w.at(ruleKey{op.r.Tenant(), op.app.def.Name, rule})
		for _, f := range of.all {
			x.fails(of.module, f)
		}
	}
}

// fails counts one fault of a version.
func (x *ruleWatch) fails(module rules.Hash, f faulty) {
	if x.condemned == nil && x.failing.add(module, f) {
		x.condemn(x.failing.sum(f.at))
		x.failing = failing{}
	}
}

// condemn keeps a quarantine until it is stored.
func (x *ruleWatch) condemn(q *quarantineDoc) {
	if x.condemned == nil {
		x.condemned = q
	}
}

// condemnation is a quarantine that waits to be stored.
type condemnation struct {
	key ruleKey
	doc *quarantineDoc
}

func (w *ruleWatches) takeCondemned(of func(identity.Tenant) bool) (out []condemnation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, x := range w.rules {
		if x.condemned != nil && of(k.tenant) {
			out = append(out, condemnation{k, x.condemned})
			x.condemned = nil
		}
	}
	return out
}

// quarantines stores those that wait. What cannot be stored waits on.
func (e *Engine) quarantines(ctx context.Context, of func(identity.Tenant) bool) (failed error) {
	for _, c := range e.watches.takeCondemned(of) {
		if err := e.storeQuarantine(ctx, c); err != nil {
			e.watches.mu.Lock()
			e.watches.at(c.key).condemn(c.doc)
			e.watches.mu.Unlock()
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// storeQuarantine binds from the next operation on. A version that does not decide
// any more is left alone: it would be condemned anew.
func (e *Engine) storeQuarantine(ctx context.Context, c condemnation) error {
	m := storage.Meta{Operation: "quarantineRule", Time: e.o.Now()}
	stored := false
	err := e.o.Store.Tenant(c.key.tenant).Update(ctx, m, func(txn *storage.Txn) error {
		stored = false
		s, err := readBinding(txn, c.key.application, c.key.rule)
		if err != nil || s.asked() != c.doc.Module || s.quarantine(c.doc.Module) != nil {
			return err
		}
		after := s
		after.Quarantined = s.condemned(*c.doc)
		stored = true
		return putBinding(txn, c.key.application, c.key.rule, s, after, VersionActivated, stampDoc{At: c.doc.Since})
	})
	if err == nil && stored {
		if f := e.o.Events.RuleQuarantined; f != nil {
			f(c.key.tenant, c.key.application, c.key.rule, *c.doc.told())
		}
	}
	return err
}

// putBinding stores what became of a binding with what was done, for everybody from
// the next operation on.
func putBinding(txn *storage.Txn, application, rule string, before, after bindingState, on RuleAct, by stampDoc) error {
	if err := recordActs(txn, application, rule, before, actsBetween(before, after, on), by); err != nil {
		return err
	}
	b, err := json.Marshal(after)
	if err != nil {
		return err
	}
	if err := txn.PutDoc(spaceBinding, bindingKey(application, rule), b); err != nil {
		return err
	}
	if before.asked() != after.asked() {
		if err := endShadow(txn, application, rule, by.At); err != nil {
			return err
		}
	}
	return txn.BumpEpoch()
}

// ReleaseRule takes a version of a rule out of quarantine; version 0 is the one that
// decides, or of a rule that is off the one that would. A version that decides by that is
// held to what ActivateRuleCompared is held to, as it gives again what it gave.
// NotFound for an unknown version, Conflict for one that is not in quarantine, and for
// one that gave two answers to one question: it is no rule.
func (e *Engine) ReleaseRule(ctx context.Context, p identity.Principal, application, rule string, version int, comparison string) (RuleState, error) {
	if version < 0 {
		return RuleState{}, fault.New(fault.Invalid, "engine.ReleaseRule", "version: expected 1 or more")
	}
	idle := false // it decides nothing by that, and so gives nothing
	how := &swapping{"releaseRule", VersionActivated, func(r storage.Reader, s bindingState) (string, error) {
		module := s.filling()
		if version != 0 {
			v, err := versionNamed(r, application, rule, s, itoa(version))
			if err != nil {
				return "", err
			}
			module = v.Module
		}
		after := s
		after.release(module)
		idle = after.decidesAs(s)
		if err := s.releasable(rule, module); err != nil {
			return "", err
		}
		return module, e.neverReleased(r, p.Tenant, rule, module)
	}, (*bindingState).release, nil}
	if _, err := e.chosen(p, application, rule, how); err != nil {
		return RuleState{}, err
	}
	if !idle {
		return e.switchOn(ctx, p, application, rule, comparison, how)
	}
	return e.rebind(ctx, p, how.operation, application, rule, how.act, func(txn *storage.Txn, _ *definition.Application, _ *definition.CustomRule, s *bindingState) error {
		module, err := how.choose(txn, *s)
		switch {
		case err != nil:
			return err
		case !idle:
			return fault.New(fault.Conflict, "engine.ReleaseRule", "rule: this version of %q was activated meanwhile; try again", rule)
		}
		s.release(module)
		return nil
	})
}

func (s *bindingState) release(module string) { s.Quarantined = s.released(module) }

// releasable reports why a module cannot be released.
func (s bindingState) releasable(rule, module string) error {
	const op = "engine.ReleaseRule"
	switch q := s.quarantine(module); {
	case q == nil:
		return fault.New(fault.Conflict, op, "rule: this version of %q is not in quarantine", rule)
	case q.impure():
		return errNeverReleased(rule)
	}
	return nil
}
