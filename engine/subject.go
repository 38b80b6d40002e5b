package engine

import (
	"encoding/binary"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// subject is one stored record as policy sees it.
type subject struct {
	op   *Op
	form *form
	rec  record.Record
	// said are outcomes about the record that are known, of rules in this order, nil
	// for those that are not.
	rules *[]*definition.CustomRule
	said  []*policy.Outcome
}

var _ policy.Asked = (*subject)(nil)

func (s *subject) Record() record.Record { return s.rec }

// Outcome asks the rule unless its answer is known, or a batch has asked it before.
func (s *subject) Outcome(rule *definition.CustomRule) policy.Outcome {
	for i, o := range s.said {
		if o != nil && (*s.rules)[i] == rule {
			return *o
		}
	}
	return s.op.outcome(s.form, rule, s.rec)
}

// Parent reads the record that the parent lookup leads to.
func (s *subject) Parent() (policy.Subject, bool) {
	if s.form.parent == nil {
		return nil, false
	}
	id := s.rec.Get(s.form.parent).Ref()
	if id.IsZero() {
		return nil, false
	}
	f := s.op.app.forms[s.form.parent.Target]
	if f == nil {
		return nil, false
	}
	rec, ok := s.op.raw(f, id)
	if !ok {
		return nil, false
	}
	return &subject{op: s.op, form: f, rec: rec}, true
}

// seenRecord is what the operation knows about one record. failed keeps a read
// error so that the operation ends with it instead of a shorter list.
type seenRecord struct {
	rec      record.Record // zero for absent
	decided  bool
	visible  bool
	redacted record.Redacted
}

// raw reads a record once per operation. An error of storage is kept and fails
// the operation: the caller denies meanwhile.
func (op *Op) raw(f *form, id record.ID) (record.Record, bool) {
	k := recordKey{f.def.Number, id}
	if s, ok := op.seen[k]; ok {
		return s.rec, !s.rec.IsZero()
	}
	rec, ok, err := op.r.Record(f.store, id)
	if err != nil {
		op.fail(err)
		return record.Record{}, false
	}
	if !ok {
		rec = record.Record{}
	}
	op.seen[k] = seenRecord{rec: rec}
	return rec, ok
}

type outcomeKey struct {
	rule    *definition.CustomRule
	id      record.ID
	version uint32
}

func keyOf(rule *definition.CustomRule, rec record.Record) outcomeKey {
	return outcomeKey{rule, rec.ID(), rec.Version()}
}

func (op *Op) outcome(f *form, rule *definition.CustomRule, rec record.Record) policy.Outcome {
	if o, ok := op.outcomes[keyOf(rule, rec)]; ok {
		op.doubt = op.doubt || op.app.lost[rule]
		return o
	}
	if op.shadowNow(rule) == nil {
		if o := op.decisionsOf(f, rule).of(committed(rec)); o != nil {
			return *o
		}
	}
	op.ask(f, rule, []record.Record{rec})
	op.doubt = op.doubt || op.app.lost[rule]
	return op.outcomes[keyOf(rule, rec)] // zero, which denies, where asking failed
}

// ask fills the outcomes of one rule for records that have none yet, in one
// batch. Running out of fuel fails the operation.
func (op *Op) ask(f *form, rule *definition.CustomRule, recs []record.Record) {
	todo := recs[:0:0]
	for _, r := range recs {
		if _, ok := op.outcomes[keyOf(rule, r)]; !ok {
			todo = append(todo, r)
		}
	}
	defer op.shadowing(f, rule, todo)() // of what is remembered, too
	known := op.decisionsOf(f, rule)
	todo = op.remembered(known, todo)
	if len(todo) == 0 || op.failed() != nil {
		return
	}
	b := op.app.bindings[rule]
	full, meter := op.fuel.Left, op.meter()
	verdicts, err := op.verdicts(rule, b, todo)
	meter.end(rule, b, len(todo), verdicts, err)
	if err != nil {
		op.fail(err)
		return
	}
	op.audit(rule, b, todo, verdicts)
	if !op.trial {
		memorize(known.set, todo, verdicts)
	}
	op.watch(ruleAnswers{rule, b, f, todo, verdicts, full - op.fuel.Left})
	for i, r := range todo {
		if verdicts[i].Fault != rules.NoFault {
			op.faults++
			op.e.faulted(op.r.Tenant(), op.app.def.Name, rule.Name, verdicts[i].Fault)
		}
		op.outcomes[keyOf(rule, r)] = outcomeOf(f, rule, b, verdicts[i])
	}
	if b != nil && b.or != nil {
		op.loosen(f, rule, b.or, todo)
	}
}

// askShown asks rules about those records that nobody hides from the viewer, and
// that the asker reaches: what is counted of rules that fail must not tell of the
// others.
func (op *Op) askShown(f *form, asked []*definition.CustomRule, recs []record.Record) {
	if op.asker != nil {
		recs = op.asker.reached(f, recs)
	}
	if len(asked) == 0 {
		return
	}
	shown := make([]record.Record, 0, len(recs))
	for _, r := range recs {
		if !op.view.Hides(f.def.Number, r) {
			shown = append(shown, r)
		}
	}
	for _, rule := range asked {
		op.ask(f, rule, shown)
	}
}

// verdicts asks a module, or says for every record that there is none. An
// operation whose time is over gets an error: a runner that had no time left may
// have answered with faults, which would only shorten lists.
func (op *Op) verdicts(rule *definition.CustomRule, b *binding, recs []record.Record) ([]rules.Verdict, error) {
	out := make([]rules.Verdict, len(recs))
	if b != nil && b.quarantined {
		for i := range out {
			out[i].Fault = rules.FaultQuarantine
		}
		return out, op.ctx.Err()
	}
	ready, err := op.decide(b, op.view.Viewer().Attributes, recs, &op.fuel, out)
	if err == nil && !ready {
		for i := range out {
			out[i].Fault = rules.FaultMissing
		}
		if op.app.lost != nil && b != nil {
			op.app.lost[rule] = true
		}
	}
	if err == nil {
		err = op.ctx.Err()
	}
	return out, err
}

// loadTries bounds how often a module is loaded for one question.
const loadTries = 3

// decide has the runner fill out for a viewer with these attributes, see put.
func (op *Op) decide(b *binding, attributes map[string]record.Value, recs []record.Record, fuel *rules.Fuel, out []rules.Verdict) (bool, error) {
	if b == nil {
		return false, nil
	}
	return op.put(b, batchOf(op.r.Tenant(), b, attributes, recs), fuel, out)
}

// put has the runner fill out, false where there is no module that it takes. A module
// that made room for others between its loading and its question, as a runner keeps so
// many, is loaded again: a list would be shorter for what others do. Whether it is there
// now says nothing of that, as others load it too; that it answered nothing at all does.
func (op *Op) put(b *binding, batch *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) (bool, error) {
	for try := 1; ; try++ {
		ready, err := op.ready(b)
		if err != nil || !ready {
			return false, err
		}
		err = op.e.o.Rules.Decide(op.ctx, batch, fuel, out)
		if !batch.Beside {
			op.e.watches.prove(provedModule{op.r.Tenant(), b.hash}, out)
		}
		if err != nil || try == loadTries || len(out) == 0 || out[0].Fault != rules.FaultMissing {
			return true, err
		}
	}
}

// ready loads the module into the runner if it is not there yet; false where
// there is none that the runner takes.
func (op *Op) ready(b *binding) (bool, error) {
	if b == nil {
		return false, nil
	}
	if op.e.o.Rules.Loaded(op.r.Tenant(), b.hash) {
		return true, nil
	}
	m, err := readModule(op.r, op.app.def.Name, b.hash.String())
	if err != nil || m == nil {
		return false, err
	}
	h, err := op.e.o.Rules.Load(op.ctx, op.r.Tenant(), m.bytes)
	return err == nil && h == b.hash, nil
}

func (op *Op) batch(b *binding, recs []record.Record) *rules.Batch {
	return batchOf(op.r.Tenant(), b, op.view.Viewer().Attributes, recs)
}

func batchOf(tenant identity.Tenant, b *binding, attributes map[string]record.Value, recs []record.Record) *rules.Batch {
	out := &rules.Batch{Tenant: tenant, Rule: b.hash, Rows: make([][]record.Value, len(recs))}
	for _, c := range b.manifest.Viewer {
		out.Viewer = append(out.Viewer, attributes[c.Name])
	}
	if len(recs) > 0 {
		out.Sample = randomOf(recs[0].ID()) + randomOf(recs[len(recs)-1].ID())
	}
	cells := make([]record.Value, len(recs)*len(b.columns))
	for i, r := range recs {
		row := cells[i*len(b.columns) : (i+1)*len(b.columns) : (i+1)*len(b.columns)]
		for j, f := range b.columns {
			row[j] = r.Get(f)
		}
		out.Rows[i] = row
	}
	return out
}

// randomOf is the random end of an id.
func randomOf(id record.ID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

// outcomeOf puts a verdict into terms of the definition, capped by what the
// module declared; policy caps it by what the rule allows.
func outcomeOf(f *form, rule *definition.CustomRule, b *binding, v rules.Verdict) policy.Outcome {
	if v.Fault != rules.NoFault || b == nil {
		return policy.Outcome{Fault: true, Cause: uint8(v.Fault)}
	}
	switch rule.Effect {
	case definition.Share:
		return policy.Outcome{Level: definition.Level(min(v.Grant, b.manifest.Grant)), Reason: v.Reason}
	case definition.Restrict:
		return policy.Outcome{Through: v.Grant == 1, Reason: v.Reason}
	case definition.Mask:
		return policy.Outcome{Visible: maskVisible(f, rule, b, v.Visible), Reason: v.Reason}
	}
	return policy.Outcome{Fault: true}
}

// maskVisible returns those of the rule's fields that stay visible: what the
// module decides on and shows, and what it does not decide on.
func maskVisible(f *form, rule *definition.CustomRule, b *binding, bits uint64) record.FieldSet {
	var hidden []uint32
	for i, n := range b.mask {
		if bits&(1<<i) == 0 {
			hidden = append(hidden, n)
		}
	}
	var all []uint32
	for _, name := range rule.Fields {
		if fd, ok := f.def.Field(name); ok {
			all = append(all, fd.Number)
		}
	}
	return record.FieldSetOf(all...).Minus(record.FieldSetOf(hidden...))
}
