package engine

import (
	"bytes"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

const (
	viewAction   = definition.View
	exportAction = definition.Export
)

// windowSize is how many candidates are settled together: one rule batch.
const windowSize = 256

// known is what an index entry alone tells about a record: the zero value is
// nothing.
type known uint8

const (
	unknown known = iota
	yes
	no
)

// byOwner evaluates a reach where only the owner is known.
func byOwner(r policy.Reach, owner record.ID, owned bool) known {
	switch r := r.(type) {
	case nil, policy.None:
		return no
	case policy.All:
		return yes
	case *policy.Owners:
		if !owned || r.NoRole {
			return unknown
		}
		if _, ok := slices.BinarySearchFunc(r.Users, owner, compareIDs); ok {
			return yes
		}
		return no
	case policy.Union:
		return combine(r, owner, owned, yes, no)
	case policy.Intersect:
		if len(r) == 0 {
			return no
		}
		return combine(r, owner, owned, no, yes)
	case *policy.Minus:
		from, take := byOwner(r.From, owner, owned), byOwner(r.Take, owner, owned)
		switch {
		case from == no || take == yes:
			return no
		case from == yes && take == no:
			return yes
		}
	}
	return unknown
}

// combine returns one as soon as a member gives it, other when all members do.
func combine(rs []policy.Reach, owner record.ID, owned bool, one, other known) known {
	out := other
	for _, r := range rs {
		switch byOwner(r, owner, owned) {
		case one:
			return one
		case unknown:
			out = unknown
		}
	}
	return out
}

// window settles candidates in batches: reads records, asks rules, decides
// reach, settles masks, redacts.
type window struct {
	op       *Op
	form     *form
	shape    *policy.FormShape
	reach    policy.Reach
	rules    []*definition.CustomRule // that reach or masks may ask
	asks     bool                     // a rule is asked, of the viewer or of the asker
	masks    bool
	keep     bool // what was read, in the operation
	entries  []entry
	recs     []record.Record
	admitted []admitted
}

// admitted is a record in reach, cut to what the viewer may read.
type admitted struct {
	raw      record.Record
	redacted record.Redacted
}

func (op *Op) window(f *form, s *policy.FormShape, reach policy.Reach) *window {
	w := &window{op: op, form: f, shape: s, reach: reach}
	masks := op.view.Masks(f.def.Number)
	w.masks = len(masks) > 0
	w.rules = append(rulesIn(reach, nil), masks...)
	w.asks = len(w.rules) > 0 || op.asker != nil && len(op.asker.view.Restricts(f.def.Number)) > 0
	return w
}

// rulesIn lists the custom rules that a reach asks about this form's records.
func rulesIn(r policy.Reach, out []*definition.CustomRule) []*definition.CustomRule {
	switch r := r.(type) {
	case *policy.Rule:
		return append(out, r.Rule)
	case *policy.Kept:
		return append(out, r.Rule)
	case policy.Union:
		for _, m := range r {
			out = rulesIn(m, out)
		}
	case policy.Intersect:
		for _, m := range r {
			out = rulesIn(m, out)
		}
	case *policy.Minus:
		return rulesIn(r.Take, rulesIn(r.From, out))
	}
	return out
}

func (w *window) reset() { w.entries, w.recs, w.admitted = w.entries[:0], w.recs[:0], w.admitted[:0] }

// room reports whether another candidate should be added: no more than the page
// needs, but whole batches where rules are asked.
func (w *window) room(need int) bool {
	if w.asks {
		need = windowSize
	}
	return len(w.entries) < min(need, windowSize)
}

func (w *window) add(e entry) {
	if !e.rec.IsZero() {
		e.rec = e.rec.Clone()
	}
	w.entries = append(w.entries, e)
}

// settle decides the candidates. What is not admitted is dropped.
func (w *window) settle() error {
	for _, en := range w.entries {
		rec := en.rec
		if rec.IsZero() {
			r, ok := w.read(en.id)
			if !ok {
				continue // deleted by this transaction, or failed
			}
			rec = r
		}
		w.recs = append(w.recs, rec)
	}
	w.op.askShown(w.form, w.rules, w.recs)
	subjects := make([]subject, len(w.recs))
	for i, rec := range w.recs {
		s := &subjects[i]
		*s = subject{op: w.op, form: w.form, rec: rec}
		if w.op.view.Contains(w.reach, s) {
			w.admitted = append(w.admitted, admitted{rec, w.op.redact(w.shape, s, w.masks)})
		}
	}
	return w.op.failed()
}

// read reads a candidate. A list may visit very many: the operation remembers
// only those that it returns.
func (w *window) read(id record.ID) (record.Record, bool) {
	if w.keep {
		return w.op.raw(w.form, id)
	}
	if s, ok := w.op.seen[recordKey{w.form.def.Number, id}]; ok {
		return s.rec, !s.rec.IsZero()
	}
	rec, ok, err := w.op.r.Record(w.form.store, id)
	if err != nil {
		w.op.fail(err)
	}
	return rec, ok && err == nil
}

func (w *window) each(f func(admitted)) {
	for _, a := range w.admitted {
		f(a)
	}
}

// remember keeps what was decided about a record for the rest of the operation.
func (op *Op) remember(number uint32, a admitted) {
	op.seen[recordKey{number, a.redacted.ID()}] = seenRecord{rec: a.raw, decided: true, visible: true, redacted: a.redacted}
}

// redact is the only place where a raw record becomes a redacted one.
func (op *Op) redact(shape *policy.FormShape, s *subject, masks bool) record.Redacted {
	var masked record.FieldSet
	if masks {
		masked = op.view.Masked(s.form.def.Number, s)
	}
	return record.Redact(s.rec, shape.Visible, masked)
}

// redactState is redact for an older state of a record, of which hidden is
// covered as well.
func (op *Op) redactState(shape *policy.FormShape, s *subject, hidden record.FieldSet) record.Redacted {
	return record.Redact(s.rec, shape.Visible, op.view.Masked(s.form.def.Number, s).Union(hidden))
}

func compareIDs(a, b record.ID) int { return bytes.Compare(a[:], b[:]) }
