package engine

import (
	"cmp"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// MaxRelated is how many records some, every and none go through in an operation,
// or in one step of a walk: those that the viewer reaches.
const MaxRelated = 100_000

// matcher asks a filter about many records at once. What the filter follows is
// read level by level, in batches: never by record. It belongs to one operation.
type matcher struct {
	cost weight
	prog *filter.Program // of what reads no other record than the lookups follow
	// follow are the lookups and multi-lookups whose targets prog asks about.
	follow []record.Field
	kids   []*matcher
	join   func(yes bool) bool // of kids: whether a record with this answer is decided
	not    bool
	lookup record.Field // of Related, with one kid
	many   *filter.Quantified
}

// weight orders the operands of and and or: what is cheap is asked first, and the
// rest of those alone that it leaves.
type weight uint8

const (
	ownCells weight = iota
	targets
	children
)

// newMatcher prepares a filter. One that is damaged anywhere matches nothing, as
// its program does.
func newMatcher(e filter.Expr) *matcher {
	if whole := filter.Compile(e); !whole.Valid() {
		return &matcher{prog: whole}
	}
	return partOf(e)
}

func partOf(e filter.Expr) *matcher {
	switch e := e.(type) {
	case filter.And:
		if m := joined(e, false); m.cost > ownCells {
			return m
		}
	case filter.Or:
		if m := joined(e, true); m.cost > ownCells {
			return m
		}
	case filter.Not:
		if m := partOf(e.X); m.cost > ownCells {
			return &matcher{cost: m.cost, kids: []*matcher{m}, not: true}
		}
	case *filter.Related:
		return &matcher{cost: targets, lookup: e.Field, kids: []*matcher{partOf(e.Where)}}
	case *filter.Quantified:
		m := &matcher{cost: children, many: e, kids: []*matcher{partOf(e.Where)}}
		if e.Listed() {
			m.cost = targets
		}
		return m
	case *filter.Compare:
		if e.Field.Type.Links() {
			return &matcher{cost: targets, prog: filter.Compile(e), follow: []record.Field{e.Field}}
		}
	}
	return &matcher{prog: filter.Compile(e)}
}

// joined is a matcher of and, or of or: a record is decided by the first operand
// that answers as one does.
func joined(es []filter.Expr, one bool) *matcher {
	m := &matcher{join: func(yes bool) bool { return yes == one }}
	for _, e := range es {
		kid := partOf(e)
		m.kids, m.cost = append(m.kids, kid), max(m.cost, kid.cost)
	}
	slices.SortStableFunc(m.kids, func(a, b *matcher) int { return cmp.Compare(a.cost, b.cost) })
	return m
}

// match answers for records of a form, in their order.
func (op *Op) match(m *matcher, f *form, recs []record.Redacted) []bool {
	switch {
	case len(recs) == 0 || op.failed() != nil:
		return make([]bool, len(recs))
	case m.prog != nil:
		return op.matchCells(m, f, recs)
	case m.many != nil && m.many.Listed():
		return op.matchListed(m, recs)
	case m.many != nil:
		return op.matchMany(m, recs)
	case m.join != nil:
		return op.matchJoined(m, f, recs)
	case m.not:
		out := op.match(m.kids[0], f, recs)
		for i := range out {
			out[i] = !out[i]
		}
		return out
	}
	return op.matchTargets(m, recs)
}

func (op *Op) matchCells(m *matcher, f *form, recs []record.Redacted) []bool {
	for i := range m.follow {
		op.targets(&m.follow[i], recs)
	}
	out := make([]bool, len(recs))
	c := cells{op: op, form: f}
	for i, r := range recs {
		c.rec = r
		out[i] = m.prog.Match(&c, op.principal.User)
	}
	return out
}

func (op *Op) matchJoined(m *matcher, f *form, recs []record.Redacted) []bool {
	out := make([]bool, len(recs))
	left := make([]int, len(recs))
	for i := range left {
		left[i] = i
	}
	for _, kid := range m.kids {
		some := make([]record.Redacted, len(left))
		for i, at := range left {
			some[i] = recs[at]
		}
		open := left[:0]
		for i, yes := range op.match(kid, f, some) {
			if at := left[i]; m.join(yes) {
				out[at] = yes
			} else {
				open = append(open, at)
			}
		}
		left = open
	}
	for _, at := range left {
		out[at] = !m.join(true)
	}
	return out
}

// matchTargets answers for the targets of a lookup, each once (L1).
func (op *Op) matchTargets(m *matcher, recs []record.Redacted) []bool {
	out := make([]bool, len(recs))
	form := op.app.forms[m.lookup.Target]
	found := op.targets(&m.lookup, recs)
	if form == nil || len(found) == 0 {
		return out
	}
	answers := make(map[record.ID]bool, len(found))
	for i, yes := range op.match(m.kids[0], form, found) {
		answers[found[i].ID()] = yes
	}
	for i, r := range recs {
		out[i] = answers[r.Get(&m.lookup).Ref()]
	}
	return out
}

// targets reads what a lookup or multi-lookup of records leads to, as far as the
// viewer reaches it, each once; the operation remembers them.
func (op *Op) targets(lookup *record.Field, recs []record.Redacted) []record.Redacted {
	ids := make([]record.ID, 0, len(recs))
	for _, r := range recs {
		v := r.Get(lookup)
		if ids = append(ids, v.Refs()...); !v.Ref().IsZero() {
			ids = append(ids, v.Ref())
		}
	}
	slices.SortFunc(ids, compareIDs)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil
	}
	found, err := op.GetMany(lookup.Target, ids)
	if err != nil {
		if fault.KindOf(err) != fault.NotFound {
			op.fail(err)
		}
		return nil
	}
	return slices.DeleteFunc(found, record.Redacted.IsZero)
}

// Quantify answers for the one record of the reader.
func (c *cells) Quantify(q *filter.Quantified, _ record.ID) bool {
	return c.op.match(newMatcher(q), c.form, []record.Redacted{c.rec})[0]
}

// many goes through the records that lead to others.
type many struct {
	op    *Op
	m     *matcher
	form  *form
	link  *record.Field
	reach policy.Reach
	w     *window
	// open are the records that are not decided yet.
	open map[record.ID]bool
	// decided holds the answers that a record below settled.
	decided map[record.ID]bool
}

// matchMany answers a quantified filter: over records in the viewer's reach whose
// lookup, as the viewer may read it, leads to one of recs. A form or lookup that
// the viewer does not see leads nowhere.
func (op *Op) matchMany(m *matcher, recs []record.Redacted) []bool {
	out := make([]bool, len(recs))
	settled, _ := m.many.Kind.Decided(m.many.Kind != filter.Every)
	b := &many{op: op, m: m, open: make(map[record.ID]bool, len(recs)), decided: map[record.ID]bool{}}
	for _, r := range recs {
		b.open[r.ID()] = true
	}
	if err := b.run(); err != nil {
		op.fail(err)
	}
	for i, r := range recs {
		answer, ok := b.decided[r.ID()]
		out[i] = ok && answer || !ok && !settled
	}
	return out
}

func (b *many) run() error {
	shape, ok := b.op.view.Shape().Form(b.m.many.By.Form)
	f := b.op.app.forms[b.m.many.By.Form]
	if !ok || f == nil || !shape.View {
		return nil // nothing of the form leads here
	}
	link, ok := f.field(b.m.many.By.Lookup.Number)
	if !ok || link.Type != record.Lookup || !shape.Visible.Has(link.Number) {
		return nil
	}
	b.form, b.link, b.reach = f, link, b.op.view.Reach(f.def.Number, viewAction)
	b.w = b.op.window(f, shape, b.reach)
	if _, none := b.reach.(policy.None); none {
		return nil
	}
	if ix := f.byField[link.Number]; ix != nil {
		return b.byIndex(f, shape)
	}
	l := &lister{op: b.op, q: List{Form: f.def.Number}, form: f, shape: shape, order: []Order{{Field: *f.fields[record.FieldID]}}}
	if err := b.walk(l, b.op.plan(l, b.reach), nil); err != nil {
		return err
	}
	return b.settle()
}

// byIndex reads what leads to each record by the index of the lookup. Windows are
// filled from one record after the other.
func (b *many) byIndex(f *form, shape *policy.FormShape) error {
	ids := make([]record.ID, 0, len(b.open))
	for id := range b.open {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	for _, id := range ids {
		if !b.open[id] {
			continue
		}
		l := &lister{op: b.op, q: List{Form: f.def.Number}, form: f, shape: shape, order: []Order{{Field: *f.fields[record.FieldID]}}, link: b.link, parent: id}
		if err := b.walk(l, l.plan(b.reach), &id); err != nil {
			return err
		}
	}
	return b.settle()
}

// walk adds the candidates of a plan; those of one record until that is decided.
func (b *many) walk(l *lister, p *plan, of *record.ID) error {
	s := b.op.stream(l, p, false)
	defer s.close()
	for len(b.open) > 0 && (of == nil || b.open[*of]) {
		drawn := b.w.draw(s, b.w.left(windowSize))
		if len(drawn) == 0 {
			break
		}
		for i := range drawn {
			en := &drawn[i]
			if b.w.proposed(en) != no {
				b.w.add(*en)
			}
		}
		if !b.w.room(windowSize) {
			if err := b.settle(); err != nil {
				return err
			}
		}
	}
	return s.err()
}

// settle decides by what has been gathered.
func (b *many) settle() error {
	if err := b.op.ctx.Err(); err != nil {
		return err
	}
	if err := b.w.settle(); err != nil {
		return err
	}
	var below []record.Redacted
	for _, a := range b.w.admitted {
		if b.open[a.redacted.Get(b.link).Ref()] {
			below = append(below, a.redacted)
		}
	}
	b.w.reset()
	if err := b.op.goThrough(len(below)); err != nil {
		return err
	}
	for i, yes := range b.op.match(b.m.kids[0], b.form, below) {
		answer, decides := b.m.many.Kind.Decided(yes)
		if id := below[i].Get(b.link).Ref(); decides {
			b.decided[id] = answer
			delete(b.open, id)
		}
	}
	return b.op.failed()
}
