package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
)

// held is what somebody may do with one record: bits of judgedActions, and fields
// that they read and could give another value. The sets are shared.
type held struct {
	actions     uint16
	read, write record.FieldSet
}

// minus is what h has and o has not.
func (h held) minus(o held) held {
	return held{h.actions &^ o.actions, h.read.Minus(o.read), h.write.Minus(o.write)}
}

func (h held) empty() bool { return h.actions == 0 && h.read.Empty() && h.write.Empty() }

// heldBy decides what the view may do with a record of the side.
func (s *side) heldBy(v *policy.View, w *weighed) held {
	var h held
	shape, ok := v.Shape().Form(w.form.def.Number)
	if !ok {
		return h
	}
	number := w.form.def.Number
	for i, a := range judgedActions {
		if v.Decide(number, a, w) {
			h.actions |= 1 << i
		} else if a == definition.View {
			return h
		}
	}
	h.read = shape.Visible
	if len(v.Masks(number)) > 0 {
		h.read = w.form.readable(shape.Visible, v.Masked(number, w))
	}
	if h.actions&(1<<1) != 0 {
		h.write = writable(v, shape, h.read, w)
	}
	return h
}

// readable returns the fields that stay readable under a mask, as record.Redacted
// has it: a formula takes all that it reads.
func (f *form) readable(visible, masked record.FieldSet) record.FieldSet {
	if masked.Empty() {
		return visible
	}
	out := visible.Minus(masked)
	for _, fd := range f.def.Fields {
		if fd.Formula != nil && out.Has(fd.Number) && fd.Formula.Reads.Meets(masked) {
			out = out.Minus(record.FieldSetOf(fd.Number))
		}
	}
	return out
}

// writable returns the fields that somebody with EDIT could give another value. The
// field that names the owner, or owner itself, takes the right to give the record
// away (W1).
func writable(v *policy.View, shape *policy.FormShape, read record.FieldSet, w *weighed) record.FieldSet {
	out := shape.Writable
	if !out.Within(read) {
		out = out.Minus(out.Minus(read))
	}
	owner := w.form.def.OwnerField
	switch {
	case owner == 0 && read.Has(record.FieldOwner) && v.MayChangeOwner(w.form.def.Number, w):
		return out.With(record.FieldOwner)
	case owner != 0 && out.Has(owner) && !v.MayChangeOwner(w.form.def.Number, w):
		return out.Minus(record.FieldSetOf(owner))
	}
	return out
}

// weighed is a record as one side sees it, for one viewer at a time.
type weighed struct {
	c    *comparison
	side *side
	form *form
	rec  record.Record
	view *policy.View
}

var _ policy.Subject = (*weighed)(nil)

func (w *weighed) Record() record.Record { return w.rec }

// Outcome asks the module with the attributes that the viewer has on this side.
func (w *weighed) Outcome(rule *definition.CustomRule) policy.Outcome {
	b := w.side.app.bindings[rule]
	if b == nil {
		return policy.Outcome{Fault: true}
	}
	return outcomeOf(w.form, rule, b, w.c.verdict(b, w))
}

// Parent reads the record that the parent lookup of this side leads to.
func (w *weighed) Parent() (policy.Subject, bool) {
	if w.form.parent == nil {
		return nil, false
	}
	f := w.side.app.forms[w.form.parent.Target]
	id := w.rec.Get(w.form.parent).Ref()
	if f == nil || id.IsZero() {
		return nil, false
	}
	rec, ok := w.c.op.raw(f, id)
	if !ok {
		return nil, false
	}
	return &weighed{c: w.c, side: w.side, form: f, rec: rec, view: w.view}, true
}

// asked names a question to a module about a record. Equal ones have equal answers,
// whoever asks and on whichever side (H2).
type asked struct {
	question uint32 // the module, its columns and the viewer's attributes
	id       record.ID
}

// verdict asks a module about one record, unless that was asked before. What it
// answers counts in no statistics of faults: nothing is shown or hidden by it.
func (c *comparison) verdict(b *binding, w *weighed) rules.Verdict {
	k := asked{c.question(b, w.view), w.rec.ID()}
	if v, ok := c.verdicts[k]; ok {
		return v
	}
	c.askAll(b, k.question, w.view.Viewer().Attributes, []record.Record{w.rec})
	return c.verdicts[k] // zero, which denies, where asking failed
}

// askAll asks a module about records, with the fuel of one query.
func (c *comparison) askAll(b *binding, question uint32, attributes map[string]record.Value, recs []record.Record) {
	if len(recs) == 0 || c.op.failed() != nil {
		return
	}
	out := make([]rules.Verdict, len(recs))
	ready, err := c.op.ready(b)
	switch {
	case err != nil:
	case ready:
		fuel := rules.Fuel{Left: rules.QueryFuel}
		err = c.op.e.o.Rules.Decide(c.op.ctx, batchOf(c.op.r.Tenant(), b, attributes, recs), &fuel, out)
	default:
		for i := range out {
			out[i].Fault = rules.FaultMissing
		}
	}
	if err != nil {
		c.op.fail(err)
		return
	}
	for i, rec := range recs {
		c.verdicts[asked{question, rec.ID()}] = out[i]
	}
}

// question numbers what a module is asked for a viewer: columns and attributes are
// as many as the module says.
func (c *comparison) question(b *binding, v *policy.View) uint32 {
	key := append(c.askKey[:0], b.hash[:]...)
	for _, f := range b.columns {
		key = append(key, byte(f.Number>>8), byte(f.Number))
	}
	key = b.appendAttributes(key, v.Viewer().Attributes)
	c.askKey = key
	if n, ok := c.questioned[string(key)]; ok {
		return n
	}
	n := uint32(len(c.questioned) + 1)
	c.questioned[string(key)] = n
	return n
}
