package engine

import (
	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// keyReader reads one key of a group from a record.
type keyReader struct {
	field    record.Field
	calendar *calendar // nil for the value itself
}

// collect goes through the candidates of a plan once and adds each record that
// is in reach and matches to its group. It keeps no record.
func (a *aggregator) collect(reach policy.Reach, p *plan) error {
	s := a.op.stream(a.l, p, false)
	defer s.close()
	w := a.op.window(a.l.form, a.l.shape, reach)
	b := &batch{a: a, w: w, join: joiner{op: a.op, form: a.l.form}}
	b.direct = !w.asks && !w.masks && len(a.lookups) == 0 && a.l.alone()
	counting := len(a.keys)+len(a.measures) == 0 && a.l.where == nil && a.l.link == nil
	g := w.glean(s)
	defer g.end()
	for !s.done() {
		if err := a.op.ctx.Err(); err != nil {
			return err
		}
		a.op.trim()
		b.reset()
		for n := 0; n < windowSize; {
			drawn := w.draw(s, windowSize-n)
			if len(drawn) == 0 {
				break
			}
			n += len(drawn)
			for i := range drawn {
				en := &drawn[i]
				g.note(en)
				known := w.proposed(en)
				if known == yes && counting {
					a.all.count++
				} else if known != no {
					if err := b.take(*en, known == yes); err != nil {
						return err
					}
				}
			}
		}
		if err := b.settle(); err != nil {
			return err
		}
		g.settle()
	}
	if err := s.err(); err != nil {
		return err
	}
	g.keep()
	return a.op.failed()
}

// batch are candidates that are read and decided together.
type batch struct {
	a       *aggregator
	w       *window
	join    joiner
	direct  bool // no rule is asked and no other record read: each is decided by itself
	entries []entry
	in      []bool // by entry: its owner alone says that it is in reach
	sub     subject
}

func (b *batch) reset() {
	b.w.reset()
	b.entries, b.in = b.entries[:0], b.in[:0]
}

// take adds a candidate. What can be decided by itself and is read already is not
// kept.
func (b *batch) take(en entry, in bool) error {
	switch {
	case !en.rec.IsZero() && b.direct:
		return b.decide(en.rec, in)
	case !en.rec.IsZero():
		b.w.add(en)
	default:
		b.entries, b.in = append(b.entries, en), append(b.in, in)
		b.w.look.hold()
	}
	return nil
}

// decide adds a record that no rule is asked about to its group.
func (b *batch) decide(rec record.Record, in bool) error {
	b.sub = subject{op: b.a.op, form: b.w.form, rec: rec}
	if !in && !b.a.op.view.Contains(b.w.reach, &b.sub) {
		return nil
	}
	if r := b.a.op.redact(b.w.shape, &b.sub, false); b.a.l.matches(r) {
		return b.a.add(r)
	}
	return nil
}

func (b *batch) settle() error {
	err := b.join.each(b.entries, b.w.read, func(i int, rec record.Record) error {
		if b.direct {
			return b.decide(rec, b.in[i])
		}
		b.entries[i].rec = rec
		b.w.add(b.entries[i])
		return nil
	})
	if err != nil {
		return err
	}
	return b.a.settled(b.w)
}

// settled adds what of a window is in reach. Targets of lookups are asked for
// together first, so that their rules are asked in batches.
func (a *aggregator) settled(w *window) error {
	if len(w.entries) == 0 {
		return a.op.failed()
	}
	if err := w.settle(); err != nil {
		return err
	}
	hits := a.l.matching(w.admitted)
	if len(a.reached) > a.mostReached {
		clear(a.reached) // not between two lookups of the same records
	}
	for _, f := range a.lookups {
		if err := a.reach(f, hits); err != nil {
			return err
		}
	}
	for _, ad := range hits {
		if err := a.add(ad.redacted); err != nil {
			return err
		}
	}
	return a.op.failed()
}

// maxReached is about how much is remembered of targets of lookups.
const maxReached = 50_000

// reach learns which targets of a lookup the viewer reaches (L1).
func (a *aggregator) reach(f *record.Field, recs []admitted) error {
	var ids []record.ID
	for _, ad := range recs {
		v := ad.redacted.Get(f)
		for _, id := range append(v.Refs(), v.Ref()) {
			if _, known := a.reached[recordKey{f.Target, id}]; !known && !id.IsZero() {
				a.reached[recordKey{f.Target, id}] = false
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	targets, err := a.op.GetMany(f.Target, ids)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	for i, r := range targets {
		a.reached[recordKey{f.Target, ids[i]}] = !r.IsZero()
	}
	return nil
}

// cell reads a cell as the viewer may, like [cells.Get].
func (a *aggregator) cell(f *record.Field, r record.Redacted) record.Value {
	v := r.Get(f)
	if f.Type == record.MultiLookup {
		return reachedOf(a.reached, f, v)
	}
	if f.Type == record.Lookup && !a.reached[recordKey{f.Target, v.Ref()}] {
		return record.Value{}
	}
	return v
}

// add puts a record that matches into its group.
func (a *aggregator) add(r record.Redacted) error {
	g, err := a.groupOf(r)
	if err != nil {
		return err
	}
	g.count++
	for i := range a.measures {
		m := &a.measures[i]
		v := a.cell(&m.Field, r)
		if v.IsNull() {
			continue
		}
		g.summaries[i].add(m.Functions, v)
		if m.Functions.Has(CountDistinct) {
			if err := a.tellApart(&g.summaries[i], v); err != nil {
				return err
			}
		}
	}
	return nil
}

// groupOf finds the group of a record, or makes it.
func (a *aggregator) groupOf(r record.Redacted) (*group, error) {
	if a.all != nil {
		return a.all, nil
	}
	b := a.scratch[:0]
	for i := range a.keys {
		k := &a.keys[i]
		v := a.cell(&k.field, r)
		if k.calendar != nil {
			v = k.calendar.part(v)
		}
		b = storage.AppendSortKey(b, v)
	}
	a.scratch = b
	if g := a.groups[string(b)]; g != nil {
		return g, nil
	}
	if a.kept += len(b); len(a.groups) >= MaxGroups || a.kept > maxKept || (len(a.groups)+1)*len(a.measures) > maxSummaries {
		return nil, fault.New(fault.Limit, opAggregate, "groupBy: there are more groups than one aggregate may have, which is at most %d; group by less, or narrow the filter", MaxGroups)
	}
	g := a.newGroup()
	for i := range a.keys {
		k := &a.keys[i]
		v := a.cell(&k.field, r)
		if k.calendar != nil {
			v = k.calendar.begin(k.calendar.part(v))
		}
		g.keys = append(g.keys, v.Clone())
	}
	a.groups[string(b)] = g
	return g, nil
}

// group is a group while its records are added.
type group struct {
	keys      []record.Value
	count     int
	measures  []Measure
	summaries []summary
	rank      []byte // comparable in the order asked for
}

func (a *aggregator) newGroup() *group {
	return &group{measures: a.measures, summaries: make([]summary, len(a.measures))}
}

// tellApart counts a value that a summary has not had yet.
func (a *aggregator) tellApart(s *summary, v record.Value) error {
	b := storage.AppendSortKey(a.scratch[:0], v)
	a.scratch = b
	if _, had := s.distinct[string(b)]; had {
		return nil
	}
	a.distinct++
	if a.kept += len(b); a.distinct > maxDistinct || a.kept > maxKept {
		return fault.New(fault.Limit, opAggregate, "countDistinct: there are more different values than one aggregate may tell apart, which is at most %d; narrow the filter", maxDistinct)
	}
	if s.distinct == nil {
		s.distinct = map[string]struct{}{}
	}
	s.distinct[string(b)] = struct{}{}
	return nil
}
