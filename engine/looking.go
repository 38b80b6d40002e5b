package engine

import (
	"slices"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
)

// looking is a window's memory for looking up what rules answered before: in
// batches, as each takes a lock that all operations share.
type looking struct {
	known    []*replies // by the window's rules
	states   []decided.Record
	verdicts []*rules.Verdict
	said     []*policy.Outcome // handed out piece by piece
	held     int               // how much of said is in use until the window is reset
}

func (k *looking) reset() { k.said, k.held = k.said[:0], 0 }

// hold keeps what is known of the candidates drawn last, beyond the next draw.
func (k *looking) hold() { k.held = len(k.said) }

// draw takes the next candidates of a stream, n at most, with what is known of what
// rules say about them; none at its end. They are valid until the next call, and lie
// where they are added to the window: add them in their order.
func (w *window) draw(s *stream, n int) []entry { return w.drawSome(s, n, false) }

// drawSome is draw. Of candidates of which those in reach are only counted it does not
// matter what masks say.
func (w *window) drawSome(s *stream, n int, counted bool) []entry {
	drawn := w.drawUnseen(s, n)
	if len(drawn) > 0 && len(w.rules) > 0 && (w.reaches || !counted) {
		w.recall(drawn)
	}
	return drawn
}

func (w *window) drawUnseen(s *stream, n int) []entry {
	w.entries = slices.Grow(w.entries, n)
	drawn := w.entries[len(w.entries):]
	for len(drawn) < n {
		en, ok := s.next()
		if !ok || w.op.overdue() {
			break
		}
		drawn = append(drawn, en)
		if !en.rec.IsZero() {
			break // borrowed until the next one
		}
	}
	return drawn
}

// recall notes at candidates what is known of what rules say about them.
func (w *window) recall(drawn []entry) {
	k := &w.look
	k.states, k.said = slices.Grow(k.states[:0], len(drawn))[:len(drawn)], k.said[:k.held]
	if last := &drawn[len(drawn)-1]; !last.rec.IsZero() { // a draw ends with a record that was read
		last.ordinal, last.version = last.rec.Ordinal(), last.rec.Version()
	}
	for i := range drawn {
		k.states[i] = decided.Record{Ordinal: drawn[i].ordinal, Version: drawn[i].version}
	}
	said, n := w.lookUp(), len(w.rules)
	for i := range drawn {
		drawn[i].said, said = said[:n:n], said[n:]
	}
}

// lookUp returns what is known about the states at hand, for each by the window's
// rules.
func (w *window) lookUp() []*policy.Outcome {
	k := &w.look
	if k.known == nil {
		for _, rule := range w.rules {
			k.known = append(k.known, w.op.decisionsOf(w.form, rule))
		}
	}
	n, from := len(k.known), len(k.said)
	k.said = slices.Grow(k.said, n*len(k.states))[:from+n*len(k.states)]
	said := k.said[from:]
	clear(said)
	k.verdicts = slices.Grow(k.verdicts[:0], len(k.states))[:len(k.states)]
	for i, a := range k.known {
		if a.set == nil {
			continue
		}
		a.set.Look(k.states, k.verdicts)
		to := i
		for _, v := range k.verdicts {
			said[to] = a.mean(v)
			to += n
		}
	}
	return said
}

// ask settles what rules say about the records at hand: those of which nobody knows
// are asked about together, and all where a shadow is to hear of them.
func (w *window) ask() {
	if !w.asks {
		return
	}
	if w.op.asker != nil || slices.ContainsFunc(w.rules, func(r *definition.CustomRule) bool { return w.op.shadowNow(r) != nil }) {
		w.op.askShown(w.form, w.rules, w.recs)
		return
	}
	if todo := w.unanswered(); len(todo) > 0 {
		w.op.askShown(w.form, w.rules, todo)
	}
}

// unanswered are the records at hand of which some rule's answer is not known, after
// those were looked up that have just been read.
func (w *window) unanswered() (todo []record.Record) {
	if len(w.rules) == 0 {
		return nil
	}
	k := &w.look
	var late []int
	k.states = k.states[:0]
	for i, said := range w.said {
		if said == nil {
			late, k.states = append(late, i), append(k.states, committed(w.recs[i]))
		}
	}
	if len(late) > 0 {
		said := w.lookUp()
		for j, i := range late {
			w.said[i] = said[j*len(w.rules) : (j+1)*len(w.rules)]
		}
	}
	for i, rec := range w.recs {
		if !w.answered(w.said[i]) {
			todo = append(todo, rec)
		}
	}
	return todo
}
