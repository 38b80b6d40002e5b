package engine

import (
	"bytes"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// MaxSorted is how many records a walk puts in an order that no index gives.
const MaxSorted = 200_000

// Walk calls fn with all records of a list, some at a time, each once. It reads
// what List pages through; page, cursors and Total mean nothing to it. Where the
// list has an order of its own or is given one, they come in that order, at most
// MaxSorted of them where no index has it; Limit for more. Else the order is that
// of the access path. Each call has the fuel of one query behind it, and may get
// no record. An error of fn ends the walk and is returned as it is.
func (op *Op) Walk(q List, fn func([]record.Redacted) error) error {
	q.First, q.After, q.Before, q.Backward, q.Total = 0, "", "", false, false
	l, err := op.newLister(q)
	if err != nil {
		return err
	}
	reach := l.reach()
	p := l.plan(reach)
	if p.ordered || len(l.order) == 1 && len(l.q.OrderBy) == 0 {
		return l.each(reach, p, func(hits []admitted) error { return fn(redactedOf(hits)) })
	}
	return l.sorted(reach, p, fn)
}

func redactedOf(hits []admitted) []record.Redacted {
	out := make([]record.Redacted, len(hits))
	for i, a := range hits {
		out[i] = a.redacted
	}
	return out
}

// each goes through the candidates of a plan once, window by window.
func (l *lister) each(reach policy.Reach, p *plan, fn func([]admitted) error) error {
	s := l.op.stream(l, p, false)
	defer s.close()
	w := l.op.window(l.form, l.shape, reach)
	g := w.glean(s)
	defer g.end()
	for !s.done() {
		l.refresh(w)
		for w.room(windowSize) {
			drawn := w.draw(s, w.left(windowSize))
			if len(drawn) == 0 {
				break
			}
			for i := range drawn {
				en := &drawn[i]
				g.note(en)
				if w.proposed(en) != no {
					w.add(*en)
				}
			}
		}
		if err := l.settled(w, fn); err != nil {
			return err
		}
		g.settle()
	}
	if err := s.err(); err != nil {
		return err
	}
	g.keep()
	return l.op.failed()
}

// refresh begins another window: with memory for it, and fuel.
func (l *lister) refresh(w *window) {
	l.op.trim()
	l.op.refuel()
	w.reset()
}

// settled hands on what of a full window matches.
func (l *lister) settled(w *window, fn func([]admitted) error) error {
	if err := l.op.ctx.Err(); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	hits := l.matching(w.admitted)
	if err := l.op.failed(); err != nil {
		return err
	}
	return fn(hits)
}

// place is where a record stands in an order.
type place struct {
	key []byte
	id  record.ID
}

// sorted goes through the candidates twice: for their places, then for what they
// hold.
func (l *lister) sorted(reach policy.Reach, p *plan, fn func([]record.Redacted) error) error {
	var places []place
	err := l.each(reach, p, func(hits []admitted) error {
		l.prepare(hits)
		for _, a := range hits {
			pos := l.position(a.redacted)
			places = append(places, place{l.comparable(pos), pos.id})
		}
		if len(places) > MaxSorted {
			return fault.New(fault.Limit, "engine.Walk", "orderBy: there are more than %d records to order; leave the order out, or ask for fewer", MaxSorted)
		}
		return fn(nil)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(places, func(a, b place) int { return bytes.Compare(a.key, b.key) })
	w := l.op.window(l.form, l.shape, reach)
	for chunk := range slices.Chunk(places, windowSize) {
		l.refresh(w)
		for _, at := range chunk {
			w.add(entry{id: at.id})
		}
		if err := l.settled(w, func(hits []admitted) error { return fn(redactedOf(hits)) }); err != nil {
			return err
		}
	}
	return nil
}
