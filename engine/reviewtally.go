package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// Tally is a number of records for each action on records.
type Tally [definition.ReadHistory + 1]int

// stride is how many candidates lie between two looks at whether to go on.
const stride = 16 * windowSize

// census counts the records of one form on which one person may take each action,
// those alone that the asker sees too (P10).
type census struct {
	op      *Op // with the person's rights, within the asker's
	form    *form
	reach   [definition.ReadHistory + 1]policy.Reach // by action
	rules   []*definition.CustomRule                 // that they ask
	samples int                                      // ids to keep
	pace    func() error                             // asked before each window; nil where rules have one budget for all

	counts Tally
	kept   []record.ID
}

// newCensus takes an operation that looks through another's eyes, see [Op.shared].
func newCensus(op *Op, f *form) *census {
	t := &census{op: op, form: f}
	for _, a := range judgedActions {
		t.reach[a] = op.view.Reach(f.def.Number, a)
		t.rules = rulesIn(t.reach[a], t.rules)
	}
	return t
}

// run counts. What an index entry alone decides is counted without its record.
func (t *census) run() error {
	if none(t.reach[viewAction]) {
		return nil
	}
	l, err := t.op.newLister(List{Form: t.form.def.Number})
	if err != nil {
		return err
	}
	s := t.op.stream(l, l.plan(t.reach[viewAction]), false)
	defer s.close()
	w := t.op.window(l.form, l.shape, t.reach[viewAction])
	w.masks, w.rules, w.asks = false, t.rules, w.asks || len(t.rules) > 0
	for !s.done() {
		if err := t.begin(w); err != nil {
			return err
		}
		for n := 0; n < stride && w.room(windowSize); n++ {
			en, ok := s.next()
			if !ok || t.op.overdue() {
				break
			}
			if !t.decided(en) {
				w.add(en)
			}
		}
		if err := t.settle(w); err != nil {
			return err
		}
	}
	if err := s.err(); err != nil {
		return err
	}
	return t.op.failed()
}

func none(r policy.Reach) bool {
	_, empty := r.(policy.None)
	return r == nil || empty
}

func (t *census) begin(w *window) error {
	t.op.trim()
	w.reset()
	if t.pace == nil {
		return t.op.ctx.Err()
	}
	t.op.refuel()
	return t.pace()
}

// decided counts an entry whose owner alone says everything about it.
func (t *census) decided(en entry) bool {
	var may [definition.ReadHistory + 1]known
	for _, a := range judgedActions { // VIEW first, which the others lie within
		switch may[a] = byOwner(t.reach[a], en.owner, en.owned); {
		case a == viewAction && may[a] == no:
			return true
		case may[a] == unknown, a == viewAction && len(t.kept) < t.samples:
			return false
		}
	}
	for _, a := range judgedActions {
		if may[a] == yes {
			t.counts[a]++
		}
	}
	return true
}

// settle counts what of a window both see.
func (t *census) settle(w *window) error {
	if len(w.entries) == 0 {
		return t.op.failed()
	}
	if err := w.settle(); err != nil {
		return err
	}
	w.each(func(a admitted) { t.count(a.raw) })
	return t.op.failed()
}

// count counts a record that both see.
func (t *census) count(rec record.Record) {
	if len(t.kept) < t.samples {
		t.kept = append(t.kept, rec.ID())
	}
	s := &subject{op: t.op, form: t.form, rec: rec}
	for _, a := range judgedActions {
		if a == viewAction || t.op.view.Contains(t.reach[a], s) {
			t.counts[a]++
		}
	}
}
