package engine

import (
	"encoding/binary"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// weighed is a record as one side sees it.
type weighed struct {
	c    *comparison
	side *side
	form *form
	rec  record.Record
}

var _ policy.CrowdSubject = (*weighed)(nil)

func (w *weighed) Record() record.Record { return w.rec }

// Outcome asks the module that fills the rule on this side.
func (w *weighed) Outcome(rule *definition.CustomRule, a *policy.Asking) policy.Outcome {
	b := w.side.app.asked(rule)
	if b == nil {
		return policy.Outcome{Fault: true}
	}
	k := asked{a.Key, w.rec.ID()}
	v, ok := w.c.verdicts[k]
	if !ok {
		w.c.ask(b, a, []record.Record{w.rec})
		v, ok = w.c.verdicts[k]
	}
	if !ok {
		return policy.Outcome{Fault: true} // asking failed, and the comparison with it
	}
	return outcomeOf(w.form, rule, b, v)
}

// Parent decides about the record that the parent lookup of this side leads to. It
// is decided once for all that hang below it.
func (w *weighed) Parent() (*policy.Decided, bool) {
	up, ok := w.above()
	if !ok {
		return nil, false
	}
	if d := w.side.parents[up.rec.ID()]; d != nil {
		return d, true
	}
	d := w.side.crowd.Decide(up.form.def.Number, up, false)
	w.side.parents[up.rec.ID()] = d
	return d, true
}

func (w *weighed) above() (*weighed, bool) {
	if w.form.parent == nil {
		return nil, false
	}
	f := w.side.app.forms[w.form.parent.Target]
	id := w.rec.Get(w.form.parent).Ref()
	if f == nil || id.IsZero() {
		return nil, false
	}
	rec, ok := w.c.op.raw(f, id)
	return &weighed{c: w.c, side: w.side, form: f, rec: rec}, ok
}

// asked names a question to a module about a record. Equal ones have equal answers,
// whoever asks and on whichever side (H2).
type asked struct {
	question uint32 // the module, its columns as the side has them, and the viewer's attributes
	id       record.ID
}

// question numbers what a module is asked for a viewer: columns and attributes are
// as many as the module says. It is zero for a rule that no module answers for. Another
// definition may compute a formula otherwise, so that what reads one is asked on
// each side.
func (c *comparison) question(s *side, rule *definition.CustomRule, v *policy.View) uint32 {
	b := s.app.asked(rule)
	if b == nil {
		return 0
	}
	key := append(c.key[:0], b.hash[:]...)
	for _, f := range b.columns {
		key = binary.BigEndian.AppendUint32(key, f.Number)
		key = append(key, flag(f.Formula != nil && s.app.def != c.before.app.def))
	}
	attributes := v.Viewer().Attributes
	for _, col := range b.manifest.Viewer {
		key = storage.AppendSortKey(key, attributes[col.Name])
	}
	c.key = key
	n, ok := c.questions[string(key)]
	if !ok {
		n = uint32(len(c.questions) + 1)
		c.questions[string(key)] = n
	}
	return n
}

// ask asks a module about records that it was not asked about, with the fuel of one
// query. What it answers counts in no statistics of faults: nothing is shown or
// hidden by it.
func (c *comparison) ask(b *binding, a *policy.Asking, recs []record.Record) {
	todo := make([]record.Record, 0, len(recs))
	for _, rec := range recs {
		if _, known := c.verdicts[asked{a.Key, rec.ID()}]; !known {
			todo = append(todo, rec)
		}
	}
	if len(todo) == 0 || c.op.failed() != nil {
		return
	}
	out := make([]rules.Verdict, len(todo))
	fuel := rules.Fuel{Left: rules.QueryFuel}
	ready, err := c.op.decide(b, a.View.Viewer().Attributes, todo, &fuel, out)
	if err != nil {
		c.op.fail(err)
		return
	}
	if !ready {
		for i := range out {
			out[i].Fault = rules.FaultMissing
		}
	}
	for i, rec := range todo {
		c.verdicts[asked{a.Key, rec.ID()}] = out[i]
	}
}

// askAll puts every question about records of a form, and about those that they
// hang below, each in one batch.
func (c *comparison) askAll(s *side, f *form, recs []record.Record) {
	if f == nil || len(recs) == 0 {
		return
	}
	for _, x := range s.crowd.Asks(f.def.Number) {
		for _, a := range x.Asking {
			if b := s.app.asked(x.Rule); b != nil {
				c.ask(b, a, recs)
			}
		}
	}
	if f.parent == nil {
		return
	}
	met := map[record.ID]bool{}
	var above []record.Record
	for _, rec := range recs {
		up, ok := (&weighed{c: c, side: s, form: f, rec: rec}).above()
		if !ok || met[up.rec.ID()] || s.parents[up.rec.ID()] != nil {
			continue
		}
		met[up.rec.ID()] = true
		above = append(above, up.rec)
	}
	c.askAll(s, s.app.forms[f.parent.Target], above)
}
