package engine

import (
	"weak"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

func newDecided(bytes int64) *decided.Cache {
	switch {
	case bytes < 0:
		return nil
	case bytes == 0:
		bytes = decided.Usual
	}
	return decided.New(bytes)
}

// quarantine is what a runner may say besides: that it answers nothing but faults
// for a rule, so that what the rule answered before must not be used any more.
type quarantine interface {
	Quarantined(tenant identity.Tenant, h rules.Hash) bool
}

// replies are what an operation knows of one rule about records of a form: its set
// is nil where nothing may be known.
type replies struct {
	form *form
	rule *definition.CustomRule
	b    *binding
	set  *decided.Set
	met  []meaning // few: a set keeps few different verdicts
	used int       // verdicts that were met and not counted yet, see countKept
}

// meaning is a verdict that was met, and its outcome.
type meaning struct {
	verdict *rules.Verdict
	outcome *policy.Outcome
}

// mean gives a verdict of the set its outcome, nil for nil.
func (a *replies) mean(v *rules.Verdict) *policy.Outcome {
	if v == nil {
		return nil
	}
	a.used++
	for i := range a.met {
		if a.met[i].verdict == v {
			return a.met[i].outcome
		}
	}
	o := outcomeOf(a.form, a.rule, a.b, *v)
	a.met = append(a.met, meaning{v, &o})
	return &o
}

// of is the outcome about one state of a record, nil where it is not known.
func (a *replies) of(at decided.Record) *policy.Outcome {
	var v [1]*rules.Verdict
	a.set.Look([]decided.Record{at}, v[:])
	return a.mean(v[0])
}

// decisionsOf is what is known of the answers of a rule about records of f. Nothing
// is of an operation that reads anything but a snapshot of what is committed, and of
// a rule without a module or in quarantine. An operation looks once.
func (op *Op) decisionsOf(f *form, rule *definition.CustomRule) *replies {
	if a, ok := op.decisions[rule]; ok {
		return a
	}
	a := &replies{form: f, rule: rule, b: op.app.bindings[rule], set: op.openDecisions(f, rule)}
	op.beside(f, rule)
	if op.decisions == nil {
		op.decisions = map[*definition.CustomRule]*replies{}
	}
	op.decisions[rule] = a
	return a
}

func (op *Op) openDecisions(f *form, rule *definition.CustomRule) *decided.Set {
	b := op.app.bindings[rule]
	if _, ok := op.r.(*storage.Snapshot); !ok || b == nil || b.quarantined || b.or != nil || op.app.lost != nil {
		return nil
	}
	if q, ok := op.e.o.Rules.(quarantine); ok && q.Quarantined(op.r.Tenant(), b.hash) {
		return nil
	}
	return op.e.decided.Open(
		decided.Form{Tenant: op.r.Tenant(), Definition: weak.Make(op.app.def), Number: f.def.Number},
		decided.Asked{Rule: b.hash, Viewer: declared(b, op.view.Viewer().Attributes)},
	)
}

// declared are the attributes that a module may know of a viewer.
func declared(b *binding, attributes map[string]record.Value) string {
	var key []byte
	for _, c := range b.manifest.Viewer {
		key = storage.AppendSortKey(key, attributes[c.Name])
	}
	return string(key)
}

func committed(rec record.Record) decided.Record {
	return decided.Record{Ordinal: rec.Ordinal(), Version: rec.Version()}
}

// remembered takes from records those whose verdict is known, and keeps their outcome.
func (op *Op) remembered(a *replies, recs []record.Record) []record.Record {
	if a.set == nil || len(recs) == 0 {
		return recs
	}
	said := make([]*rules.Verdict, len(recs))
	a.set.Look(statesOf(recs), said)
	todo := recs[:0]
	for i, r := range recs {
		if o := a.mean(said[i]); o != nil {
			op.outcomes[keyOf(a.rule, r)] = *o
			continue
		}
		todo = append(todo, r)
	}
	return todo
}

func statesOf(recs []record.Record) []decided.Record {
	states := make([]decided.Record, len(recs))
	for i, r := range recs {
		states[i] = committed(r)
	}
	return states
}

// memorize keeps verdicts for later operations.
func memorize(s *decided.Set, recs []record.Record, verdicts []rules.Verdict) {
	if s != nil {
		s.Put(statesOf(recs), verdicts)
	}
}
