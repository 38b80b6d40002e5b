package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
)

// Tally is a number of records for each action on records.
type Tally [definition.ReadHistory + 1]int

// stride is how many candidates lie between two looks at whether to go on.
const stride = 16 * windowSize

// census counts the records of one form on which one person may take each action,
// those alone that another may see too (P10).
type census struct {
	asker, target *Op
	form          *form
	mine          policy.Reach                             // what the asker sees
	theirs        [definition.ReadHistory + 1]policy.Reach // of the target, by action
	rules         []*definition.CustomRule                 // that theirs ask
	myRules       []*definition.CustomRule                 // that mine asks
	samples       int                                      // ids to keep
	pace          func() error                             // asked before each window, nil for one budget of rules for all

	counts Tally
	kept   []record.ID
}

func newCensus(asker, target *Op, f *form) *census {
	n := f.def.Number
	t := &census{asker: asker, target: target, form: f, mine: asker.view.Reach(n, viewAction)}
	t.myRules = rulesIn(t.mine, nil)
	for _, a := range judgedActions {
		t.theirs[a] = target.view.Reach(n, a)
		t.rules = rulesIn(t.theirs[a], t.rules)
	}
	return t
}

// run counts. What an index entry alone decides is counted without its record.
func (t *census) run() error {
	if none(t.theirs[viewAction]) || none(t.mine) {
		return nil
	}
	l, err := t.target.newLister(List{Form: t.form.def.Number})
	if err != nil {
		return err
	}
	s := t.target.stream(l, l.plan(t.theirs[viewAction]), false)
	defer s.close()
	w := t.target.window(l.form, l.shape, t.theirs[viewAction])
	w.rules, w.masks = t.rules, false
	for !s.done() {
		if err := t.begin(w); err != nil {
			return err
		}
		for n := 0; n < stride && w.room(windowSize); n++ {
			en, ok := s.next()
			if !ok || t.target.overdue() {
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
	return t.target.failed()
}

func none(r policy.Reach) bool {
	_, empty := r.(policy.None)
	return r == nil || empty
}

func (t *census) begin(w *window) error {
	t.target.trim()
	t.asker.trim()
	w.reset()
	if t.pace == nil {
		return t.target.ctx.Err()
	}
	t.target.fuel, t.asker.fuel = rules.Fuel{Left: rules.QueryFuel}, rules.Fuel{Left: rules.QueryFuel}
	return t.pace()
}

// decided counts an entry whose owner alone says everything about it.
func (t *census) decided(en entry) bool {
	mine, view := byOwner(t.mine, en.owner, en.owned), byOwner(t.theirs[viewAction], en.owner, en.owned)
	if mine == no || view == no {
		return true
	}
	if mine != yes || view != yes || len(t.kept) < t.samples {
		return false
	}
	var may [definition.ReadHistory + 1]known
	for _, a := range judgedActions {
		if may[a] = byOwner(t.theirs[a], en.owner, en.owned); may[a] == unknown {
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
		return t.target.failed()
	}
	if err := w.settle(); err != nil {
		return err
	}
	raws := make([]record.Record, len(w.admitted))
	for i, a := range w.admitted {
		raws[i] = a.raw
	}
	t.asker.askShown(t.form, t.myRules, raws)
	for _, rec := range raws {
		if t.asker.view.Contains(t.mine, &subject{op: t.asker, form: t.form, rec: rec}) {
			t.count(rec)
		}
	}
	if err := t.asker.failed(); err != nil {
		return err
	}
	return t.target.failed()
}

// count counts a record that both see.
func (t *census) count(rec record.Record) {
	if len(t.kept) < t.samples {
		t.kept = append(t.kept, rec.ID())
	}
	s := &subject{op: t.target, form: t.form, rec: rec}
	for _, a := range judgedActions {
		if a == viewAction || t.target.view.Contains(t.theirs[a], s) {
			t.counts[a]++
		}
	}
}
