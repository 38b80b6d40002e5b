package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

const opRuleLog = "engine.ruleLog"

// MaxRuleLogPage is the largest page of a rule log.
const MaxRuleLogPage = 200

// RuleLogQuery asks for a page of what a custom rule did, the newest first.
type RuleLogQuery struct {
	Application, Rule string
	Faults, Decisions bool // neither is both
	First             int  // 1 to MaxRuleLogPage
	After             string
}

// RuleLogEntry is one decision of a rule, or one fault. Of a record that the reader
// may not VIEW now, or might not in the state of then, and of one that is gone, ID,
// Time, Module and Fault are left and Untold is set.
type RuleLogEntry struct {
	ID     string // within the rule
	Time   time.Time
	Module string // hash of what decided, 64 hex digits; empty for none
	Fault  rules.FaultKind
	Untold bool

	Form    string // its name of now
	Record  record.ID
	Version uint32    // of the record
	Viewer  record.ID // for whom it decided
	// Name is the viewer's display name, empty for somebody who is gone.
	Name string
	// Answer is the verdict in words: what is granted, let through or hidden; empty for
	// a fault.
	Answer     string
	Reason     int
	ReasonText string
	// Fuel is what the question spent, Asked of how many records it was.
	Fuel  int64
	Asked int
}

// RuleLogPage is a page of a rule log.
type RuleLogPage struct {
	Entries []RuleLogEntry
	HasNext bool
	// Dropped are how many entries made room for newer ones, Lost how many found no place
	// in memory or could not be stored: of decisions and of faults together, as asked.
	Dropped, Lost uint64
	// Quarantine is that of the version that decides, or would, nil for none.
	Quarantine *RuleQuarantine
	Fallback   *RuleFallback // of the rule, nil for none
}

// RuleLog returns a page of what a custom rule of the active definition did, to
// admins and developers who hold the tool EXPLAIN, and notes the look. Forbidden
// without the tool; NotFound for who has no place in the application and for an unknown
// rule; Invalid for a page outside 1 to MaxRuleLogPage, and for a cursor of an entry
// that is not kept any more.
func (e *Engine) RuleLog(ctx context.Context, p identity.Principal, q RuleLogQuery) (*RuleLogPage, error) {
	if err := e.noteRuleLog(ctx, p, q.Application, q.Rule, "ruleLog"); err != nil {
		return nil, err
	}
	if q.First < 1 || q.First > MaxRuleLogPage {
		return nil, fault.New(fault.Invalid, opRuleLog, "first: expected 1 to %d", MaxRuleLogPage)
	}
	// What waits is stored first: who has just seen a fault looks for it.
	if err := e.flushRuleLogOf(ctx, p.Tenant); err != nil {
		return nil, err
	}
	op, rule, err := e.readRuleLog(ctx, p, q.Application, q.Rule)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	return op.ruleLog(rule, q)
}

// noteRuleLog permits a look at the log of a rule and writes it down.
func (e *Engine) noteRuleLog(ctx context.Context, p identity.Principal, application, rule, asks string) error {
	b, err := json.Marshal(map[string]string{"asks": asks, "rule": rule})
	if err != nil {
		return fault.Wrap(fault.Internal, opRuleLog, err, "a look could not be written down")
	}
	op, rul, err := e.readRuleLog(ctx, p, application, rule)
	if err != nil {
		return err
	}
	op.Close()
	return e.note(ctx, p, Look{Tool: identity.Explain, Application: application, Form: rul.Form, Detail: b})
}

// readRuleLog opens an operation of somebody who may read the log of a rule. The
// caller closes it.
func (e *Engine) readRuleLog(ctx context.Context, p identity.Principal, application, rule string) (*Op, *definition.CustomRule, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, nil, err
	}
	if err = op.mayUse(Look{Tool: identity.Explain}); err == nil {
		err = op.people.MayDefine(p, application)
	}
	if err != nil {
		op.Close()
		return nil, nil, err
	}
	i := slices.IndexFunc(op.app.def.Custom, func(r *definition.CustomRule) bool { return r.Name == rule })
	if i < 0 {
		op.Close()
		return nil, nil, fault.New(fault.NotFound, opRuleLog, "rule: application %s has no custom rule %q", application, rule)
	}
	return op, op.app.def.Custom[i], nil
}

func (op *Op) ruleLog(rule *definition.CustomRule, q RuleLogQuery) (*RuleLogPage, error) {
	c, err := readRuleRings(op.r, q.Application, q.Rule)
	if err != nil {
		return nil, err
	}
	var all []storedEntry
	s, err := readBinding(op.r, q.Application, q.Rule)
	if err != nil {
		return nil, err
	}
	page := &RuleLogPage{Quarantine: s.quarantine(s.filling()).told(), Fallback: s.fallback()}
	for ring := range rings {
		if q.Faults != q.Decisions && q.Faults != (ring == ringFaults) {
			continue
		}
		entries, err := readRuleRing(op.r, q.Application, q.Rule, ring)
		if err != nil {
			return nil, err
		}
		page.Dropped += max(c.Next[ring]-1, MaxRuleLog) - MaxRuleLog
		page.Lost += c.Lost[ring]
		all = append(all, entries...)
	}
	slices.SortStableFunc(all, func(a, b storedEntry) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.ring, a.ring), cmp.Compare(b.number, a.number))
	})
	if q.After != "" {
		i := slices.IndexFunc(all, func(n storedEntry) bool { return n.id() == q.After })
		if i < 0 {
			return nil, fault.New(fault.Invalid, opRuleLog, "after: expected the cursor of a page; its entry may not be kept any more")
		}
		all = all[i+1:]
	}
	if page.HasNext = len(all) > q.First; page.HasNext {
		all = all[:q.First]
	}
	teller := ruleTeller{op: op, rule: rule, manifests: map[string]*rules.Manifest{}}
	for i := range all {
		n, err := teller.tell(&all[i])
		if err != nil {
			return nil, err
		}
		page.Entries = append(page.Entries, n)
	}
	return page, nil
}

// ruleTeller tells entries of one rule's log as far as the viewer of op may know.
type ruleTeller struct {
	op        *Op
	rule      *definition.CustomRule
	manifests map[string]*rules.Manifest // by module; nil for one that is gone
}

func (t *ruleTeller) tell(n *storedEntry) (RuleLogEntry, error) {
	out := RuleLogEntry{ID: n.id(), Time: time.UnixMicro(n.Time).UTC(), Module: n.Module, Fault: n.Fault, Untold: true}
	f, _, err := t.op.stateOf(n)
	if err != nil || f == nil {
		return out, err
	}
	out.Untold = false
	out.Form, out.Record, out.Version, out.Viewer = f.def.Name, n.Record, n.Version, n.Viewer
	if u, ok := t.op.people.User(n.Viewer); ok {
		out.Name = u.DisplayName
	}
	out.Fuel, out.Asked = n.Fuel, n.Asked
	if n.Fault != rules.NoFault {
		return out, nil
	}
	m, err := t.manifest(n.Module)
	if err != nil || m == nil {
		return out, err
	}
	out.Answer, out.Reason, out.ReasonText = m.Answer(n.verdict()), int(n.Reason), m.ReasonText(n.Reason)
	return out, nil
}

func (t *ruleTeller) manifest(module string) (*rules.Manifest, error) {
	m, ok := t.manifests[module]
	if ok {
		return m, nil
	}
	stored, err := readModule(t.op.r, t.op.app.def.Name, module)
	if err == nil && stored != nil {
		m = stored.manifest
	}
	t.manifests[module] = m
	return m, err
}

// stateOf returns the record of an entry as the rule was asked about it, nil where the
// viewer may not VIEW it as it is now, or as it was then, and where it is gone: all of
// these look the same.
func (op *Op) stateOf(n *storedEntry) (*form, record.Record, error) {
	none := record.Record{}
	f := op.app.forms[n.Form]
	if f == nil || !op.views(n.Form) {
		return nil, none, nil
	}
	_, ok, err := op.Get(n.Form, n.Record)
	if err != nil || !ok {
		return nil, none, err
	}
	rec, ok := op.raw(f, n.Record)
	if ok && rec.Version() != n.Version {
		if rec, ok, err = op.pastVersion(f, n.Record, n.Version); err != nil {
			return nil, none, err
		}
	}
	if !ok || !op.sees(f, rec) {
		return nil, none, op.failed()
	}
	return f, rec, nil
}

// pastVersion returns an earlier state of a record by its version.
func (op *Op) pastVersion(f *form, id record.ID, version uint32) (record.Record, bool, error) {
	c := op.r.History(f.store, id, true)
	defer c.Close()
	for c.Next() {
		ch, err := c.Change()
		if err != nil {
			return record.Record{}, false, err
		}
		rec, err := storedState(id, ch)
		if err != nil || rec.IsZero() || rec.Version() < version {
			return record.Record{}, false, err
		}
		if rec.Version() == version {
			return rec.Clone(), true, nil
		}
	}
	return record.Record{}, false, c.Err()
}

// storedState is a record behind a change; zero for a deletion.
func storedState(id record.ID, ch storage.Change) (record.Record, error) {
	if ch.After == nil {
		return record.Record{}, nil
	}
	return record.Parse(id, ch.After)
}
