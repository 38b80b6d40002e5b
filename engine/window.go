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

// window settles candidates in batches: reads records, asks rules, decides
// reach, settles masks, redacts.
type window struct {
	op       *Op
	form     *form
	shape    *policy.FormShape
	reach    policy.Reach
	rules    []*definition.CustomRule // that reach or masks may ask
	reaches  bool                     // those of the reach are among them
	asks     bool                     // a rule is asked, of the viewer or of the asker
	masks    bool
	keep     bool // what was read, in the operation
	unsure   bool // a rule has to be asked about one of entries
	entries  []entry
	recs     []record.Record
	said     [][]*policy.Outcome // parallel to recs, see entry
	admitted []admitted
	look     looking
	proposals
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
	w.rules = rulesIn(reach, nil)
	w.reaches = len(w.rules) > 0
	w.rules = append(w.rules, masks...)
	w.asks = len(w.rules) > 0 || op.asker != nil && len(op.asker.view.Restricts(f.def.Number)) > 0
	return w
}

// rulesIn adds the custom rules that a reach asks about this form's records, each once:
// those of several reports may share one.
func rulesIn(r policy.Reach, out []*definition.CustomRule) []*definition.CustomRule {
	switch r := r.(type) {
	case *policy.Rule:
		return withRule(out, r.Rule)
	case *policy.Kept:
		return withRule(out, r.Rule)
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

func withRule(out []*definition.CustomRule, rule *definition.CustomRule) []*definition.CustomRule {
	if slices.Contains(out, rule) {
		return out
	}
	return append(out, rule)
}

func (w *window) reset() {
	w.unsure = false
	w.entries, w.recs, w.said, w.admitted = w.entries[:0], w.recs[:0], w.said[:0], w.admitted[:0]
	w.look.reset()
}

// room reports whether another candidate should be added: no more than the page
// needs, but whole batches where rules have to be asked.
func (w *window) room(need int) bool {
	return w.left(need) > 0
}

// left is how many candidates there is room for.
func (w *window) left(need int) int {
	if w.unsure {
		need = windowSize
	}
	return min(need, windowSize) - len(w.entries)
}

func (w *window) add(e entry) {
	w.unsure = w.unsure || w.asks && !w.answered(e.said)
	if !e.rec.IsZero() {
		e.rec = e.rec.Clone()
	}
	w.entries = append(w.entries, e)
	w.look.hold()
}

// settle decides the candidates. What is not admitted is dropped.
func (w *window) settle() error {
	w.recs = slices.Grow(w.recs, len(w.entries))
	if len(w.rules) > 0 {
		w.said = slices.Grow(w.said, len(w.entries))
	}
	for i := range w.entries {
		en := &w.entries[i]
		rec, said := en.rec, en.said
		if rec.IsZero() {
			r, ok := w.read(en.id)
			if !ok {
				continue // deleted by this transaction, or failed
			}
			rec = r
		}
		if said != nil && (rec.Ordinal() != en.ordinal || rec.Version() != en.version) {
			said = nil // of another state
		}
		if w.recs = append(w.recs, rec); len(w.rules) > 0 {
			w.said = append(w.said, said)
		}
	}
	w.ask()
	subjects := make([]subject, len(w.recs))
	for i, rec := range w.recs {
		s := &subjects[i]
		if *s = (subject{op: w.op, form: w.form, rec: rec}); len(w.rules) > 0 {
			s.rules, s.said = &w.rules, w.said[i]
		}
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
