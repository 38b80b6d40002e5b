package engine

import (
	"bytes"
	"context"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// RuleReplay is what it takes to put the question of an entry of the rule log again.
type RuleReplay struct {
	Entry  RuleLogEntry
	Module []byte // as it was uploaded
	// Viewer and Record are JSON objects of what the rule reads, by column.
	Viewer, Record []byte
}

// RuleReplay returns the module and the input of an entry of a rule's log, by its ID:
// the input as it was, read anew under the principal's rights. Who may, and what is
// noted, are as in RuleLog. Forbidden for an input that the principal may not read:
// attributes of viewers are for admins, who open the directory (A5, P10). NotFound for
// an entry that is not kept any more, and for one of whose record the principal may
// be told nothing; Conflict where no module was asked or it is gone, and where what
// the rule reads of record or viewer has changed since.
func (e *Engine) RuleReplay(ctx context.Context, p identity.Principal, application, rule, entry string) (*RuleReplay, error) {
	if err := e.noteRuleLog(ctx, p, application, rule, "ruleReplay"); err != nil {
		return nil, err
	}
	if err := e.flushRuleLogOf(ctx, p.Tenant); err != nil {
		return nil, err
	}
	op, custom, err := e.readRuleLog(ctx, p, application, rule)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	n, err := op.ruleEntry(rule, entry)
	if err != nil {
		return nil, err
	}
	return op.ruleReplay(custom, n)
}

var errNoEntry = fault.New(fault.NotFound, opRuleLog, "entry: not found; it may not be kept any more, and of a record that you may not see there is no replay")

func (op *Op) ruleEntry(rule, id string) (*storedEntry, error) {
	for ring := range rings {
		entries, err := readRuleRing(op.r, op.app.def.Name, rule, ring)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(entries, func(n storedEntry) bool { return n.id() == id }); i >= 0 {
			return &entries[i], nil
		}
	}
	return nil, errNoEntry
}

func (op *Op) ruleReplay(rule *definition.CustomRule, n *storedEntry) (*RuleReplay, error) {
	teller := ruleTeller{op: op, rule: rule, manifests: map[string]*rules.Manifest{}}
	told, err := teller.tell(n)
	if err != nil {
		return nil, err
	}
	f, rec, err := op.stateOf(n)
	if err != nil {
		return nil, err
	}
	if told.Untold || f == nil {
		return nil, errNoEntry
	}
	m, err := readModule(op.r, op.app.def.Name, n.Module)
	if err != nil {
		return nil, err
	}
	switch {
	case m == nil:
		return nil, fault.New(fault.Conflict, opRuleLog, "entry: no module was asked then, or it is gone; there is nothing to replay")
	case f.def.Name != rule.Form || fits(m.manifest, rule, op.app.def) != nil:
		return nil, fault.New(fault.Conflict, opRuleLog, "entry: the definition has changed since; the module does not fit it any more")
	}
	b := newBinding(op.app, rule, m, false)
	out := &RuleReplay{Entry: told, Module: m.bytes}
	if out.Record, err = op.replayedRecord(f, b, rec); err != nil {
		return nil, err
	}
	attributes, err := op.replayedViewer(m.manifest, n.Viewer)
	if err != nil {
		return nil, err
	}
	out.Viewer = replayJSON(m.manifest.Viewer, func(i int) record.Value { return attributes[m.manifest.Viewer[i].Name] })
	return out, op.unchanged(n, batchOf(op.r.Tenant(), b, attributes, []record.Record{rec}))
}

// replayedRecord returns the fields that a rule reads, all of which the viewer of op
// must be able to read.
func (op *Op) replayedRecord(f *form, b *binding, rec record.Record) ([]byte, error) {
	_, shape, err := op.shape(f.def.Number)
	if err != nil {
		return nil, err
	}
	cells := op.redact(shape, &subject{op: op, form: f, rec: rec}, true)
	for _, field := range b.columns {
		if !cells.Readable(field) {
			return nil, fault.New(fault.Forbidden, opRuleLog, "entry: the rule reads fields of the record that you may not read; there is no replay for you")
		}
	}
	return replayJSON(b.manifest.Record, func(i int) record.Value { return cells.Get(b.columns[i]) }), op.failed()
}

// replayedViewer returns the attributes of whom a rule decided for.
func (op *Op) replayedViewer(m *rules.Manifest, user record.ID) (map[string]record.Value, error) {
	if len(m.Viewer) == 0 {
		return nil, nil
	}
	if op.people.MayOpen(op.principal) != nil && user != op.principal.User {
		return nil, fault.New(fault.Forbidden, opRuleLog, "entry: the rule reads attributes of the viewer, which admins alone may see; ask one of them to replay it")
	}
	p := identity.Principal{Tenant: op.principal.Tenant, User: user, Credential: identity.Session}
	v, ok := op.people.Viewer(p, op.app.def.Name)
	if !ok {
		return nil, errReplayChanged
	}
	return v.Attributes, nil
}

var errReplayChanged = fault.New(fault.Conflict, opRuleLog, "entry: what the rule reads of the record or of the viewer has changed since")

// unchanged reports Conflict for an input that is not that of an entry.
func (op *Op) unchanged(n *storedEntry, b *rules.Batch) error {
	seal, err := op.sealerOf()
	if err != nil {
		return err
	}
	d, err := seal.digest(inputDigest(b))
	if err == nil && !bytes.Equal(d, n.Digest) {
		err = errReplayChanged
	}
	return err
}

// replayJSON writes columns as a case has them.
func replayJSON(columns []rules.Column, value func(i int) record.Value) []byte {
	out := []byte{'{'}
	for i, c := range columns {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(record.AppendJSONString(out, []byte(c.Name)), ':')
		out = record.AppendJSON(out, &record.Field{Name: c.Name, Type: c.Type, Scale: c.Scale}, value(i))
	}
	return append(out, '}')
}
