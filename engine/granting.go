package engine

import (
	"crypto/sha256"
	"slices"
	"sync/atomic"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// usualFew is how many records a rule may grant before an index of the list's
// filter or order is the better way to them.
const usualFew = 1000

// manyGrants reports whether scans propose what a rule grants, and that is much.
func (op *Op) manyGrants(scans []scan) bool {
	n := 0
	for _, s := range scans {
		if s.grants != nil {
			n += s.grants.Len()
		}
	}
	return n > op.e.fewGrants
}

// manyKept reports whether scans are over the records of owners, and a rule is known
// to let much of that through.
func (op *Op) manyKept(f *form, r policy.Reach, scans []scan) bool {
	kept := keptIn(r)
	if len(kept) == 0 || !f.ownedBy(scans) {
		return false
	}
	of := ownedScope(r)
	return slices.ContainsFunc(kept, func(rule *definition.CustomRule) bool {
		g := op.decisionsOf(f, rule).set.Grants(of)
		return g != nil && g.TooManyOf() > op.e.fewGrants
	})
}

// countApart counts a list that an index of the form orders by its reach, where rules
// are known to grant much of that, or to let through: it is at hand, in another order,
// and holds nothing else. In the order of ids records lie side by side, and so do the
// answers about them. The total is not asked for any more then, else -1.
func (l *lister) countApart(reach policy.Reach, p *plan) (int, error) {
	if !l.q.Total || l.where != nil || l.link != nil || len(p.phases) == 0 || !p.phases[0].keyed && !p.phases[0].nulls {
		return -1, nil
	}
	scans, ok := l.op.cover(l.form, reach)
	if !ok || !l.op.manyGrants(scans) && !l.op.manyKept(l.form, reach, scans) {
		return -1, nil
	}
	all := *l
	all.q.First, all.from, all.until = 0, nil, nil
	all.order = []Order{{Field: *l.form.fields[record.FieldID]}}
	c, err := all.collect(reach, &plan{ordered: true, phases: []phase{{scans: scans}}})
	if err != nil {
		return -1, err
	}
	l.q.Total = false
	return c.total, nil
}

// whole reports whether a scan is over all records of the form.
func (s *scan) whole() bool {
	return s.ix == nil && s.grants == nil && len(s.eq) == 0 && s.low == nil && s.high == nil
}

// granted walks what a rule may grant as if that were an index.
type granted struct{ *decided.Walk }

func (g *granted) Err() error       { return nil }
func (g *granted) Close()           {}
func (g *granted) ID() record.ID    { return g.At().ID }
func (g *granted) Owner() record.ID { return g.At().Owner }
func (g *granted) Ordinal() uint32  { return g.At().Ordinal }
func (g *granted) Version() uint32  { return g.At().Version }

// Position is the id, as the scans beside it have it.
func (g *granted) Position() []byte { return g.At().ID[:] }

// behind is the id that the phase begins behind, nil for its beginning.
func (s *stream) behind() *record.ID {
	if !s.resume {
		return nil
	}
	return &s.l.from.id
}

// grantsKey is a list of grants of an operation.
type grantsKey struct {
	rule *definition.CustomRule
	of   decided.Scope
}

// grantsOf are the records of a scope that a rule may grant in the operation's
// snapshot, nil where they are not known: nobody has walked it before, or too much was
// changed since.
func (op *Op) grantsOf(f *form, rule *definition.CustomRule, of decided.Scope) *decided.Grants {
	k := grantsKey{rule, of}
	if g, ok := op.grants[k]; ok {
		return g
	}
	g, err := op.followed(f, op.decisionsOf(f, rule).set, of)
	if err != nil {
		op.fail(err)
		g = nil
	}
	if op.grants == nil {
		op.grants = map[grantsKey]*decided.Grants{}
	}
	op.grants[k] = g
	return g
}

// ownedBy reports whether scans are over all records of single owners.
func (f *form) ownedBy(scans []scan) bool {
	return f.byOwner != nil && !slices.ContainsFunc(scans, func(s scan) bool {
		return s.ix != f.byOwner || len(s.eq) != 1 || s.low != nil || s.high != nil
	})
}

// ownedScope names the records of the owners that cover a reach, or the whole form.
func ownedScope(r policy.Reach) (of decided.Scope) {
	owners, ok := ownersOf(r)
	if !ok {
		return of
	}
	h := sha256.New()
	for _, u := range owners {
		h.Write(u[:])
	}
	return decided.Scope(h.Sum(nil))
}

// coverKept covers a reach by what one of the RESTRICT rules that all of it has to
// pass may let through.
func (op *Op) coverKept(f *form, r policy.Reach, ranges bool) ([]scan, bool) {
	kept := keptIn(r)
	if ranges || len(kept) == 0 {
		return nil, false
	}
	var least scan
	of := ownedScope(r)
	for _, rule := range kept {
		if g := op.grantsOf(f, rule, of); g != nil && (least.grants == nil || g.Len() < least.grants.Len()) {
			least = scan{grants: g, of: grantsKey{rule, of}}
		}
	}
	return []scan{least}, least.grants != nil
}

// keptIn lists the RESTRICT rules that every record of a reach has to pass.
func keptIn(r policy.Reach) (out []*definition.CustomRule) {
	switch r := r.(type) {
	case *policy.Kept:
		return []*definition.CustomRule{r.Rule}
	case policy.Intersect:
		for _, m := range r {
			out = append(out, keptIn(m)...)
		}
	case *policy.Minus:
		return keptIn(r.From)
	}
	return out
}

// followed brings the list that is kept up to the snapshot by the change log.
func (op *Op) followed(f *form, s *decided.Set, of decided.Scope) (*decided.Grants, error) {
	g := s.Grants(of)
	if g == nil || g.TooMany() {
		return nil, nil
	}
	last, err := op.r.LastChange()
	if err != nil || last < g.Seq() || last-g.Seq() > decided.MaxFollowed {
		return nil, err
	}
	if last == g.Seq() {
		return g, nil
	}
	changed, err := changedSince(op.r, f.def.Number, g.Seq())
	if err != nil {
		return nil, err
	}
	if g = g.Follow(last, changed); g != nil {
		s.KeepGrants(of, g)
	}
	return g, nil
}

// changedSince lists the records of a form that changed behind a sequence, as they
// became, in the order of the changes.
func changedSince(r storage.Reader, form uint32, seq uint64) ([]decided.Entry, error) {
	var out []decided.Entry
	c := r.Changes(seq + 1)
	defer c.Close()
	for c.Next() {
		ch := c.Change()
		if ch.Form != form {
			continue
		}
		en := decided.Entry{ID: ch.Record}
		if ch.After != nil {
			rec, err := record.Parse(ch.Record, ch.After)
			if err != nil {
				return nil, fault.Wrap(fault.Unavailable, "engine.grants", err, "the change log is damaged")
			}
			en = entryOf(rec)
		}
		out = append(out, en)
	}
	return out, c.Err()
}

func entryOf(rec record.Record) decided.Entry {
	return decided.Entry{ID: rec.ID(), Owner: rec.Owner(), Record: committed(rec)}
}

// learning bounds what lists that are being learned hold, in entries: a list that would
// hold more is given up, and nothing is known of it then. Each walk that comes to its
// end hands some lists over to the cache, which weighs them, so that the next has more
// room for the others.
type learning struct {
	own, all int64 // of one operation, and of all at once
	held     atomic.Int64
}

// The usual bounds of learning, some 20 and 80 MB.
const (
	usualLearnedOwn = 2 * decided.MaxGrants
	usualLearnedAll = 8 * decided.MaxGrants
)

// learns takes room for n entries more, false where there is none; less than none gives
// room back.
func (op *Op) learns(n int64) bool {
	of := &op.e.learning
	if n > 0 && op.learned+n > of.own {
		return false
	}
	if held := of.held.Add(n); n > 0 && held > of.all {
		of.held.Add(-n)
		return false
	}
	op.learned += n
	return true
}

// lesson is the list that is being learned of one rule.
type lesson struct {
	set    *decided.Set
	list   []decided.Entry
	over   bool  // there are too many, or nothing could be said of some
	missed bool  // there was no room to learn it
	held   int64 // entries that it has room for
}

// drop gives up a list, and its room back.
func (x *lesson) drop(op *Op) {
	op.learns(-x.held)
	x.list, x.held = nil, 0
}

// fit takes room for what the list has grown by, and gives it up where that is too much.
func (x *lesson) fit(op *Op) {
	more := int64(cap(x.list)) - x.held
	switch {
	case len(x.list) > decided.MaxGrants:
		x.over = true
	case more == 0 || op.learns(more):
		x.held += more
		return
	default:
		x.missed = true
	}
	x.drop(op)
}

// gleaner learns from a walk over a whole form what sharing rules may grant, and from
// one over that or over all records of some owners what restricting rules may let
// through. A nil gleaner learns nothing. Whoever makes one ends it.
type gleaner struct {
	op      *Op
	seq     uint64
	lessons []lesson
	of      decided.Scope
	narrow  bool // only what leaves most out is worth its memory
	walked  int
	seen    []decided.Entry // of the window at hand
}

// glean returns what learns from a walk, nil where there is nothing to be learned:
// the walk is over a part, no rule shares or restricts, or all is known.
func (w *window) glean(s *stream) *gleaner {
	if s.p.ids != nil || s.p.found != nil || s.p.meet != nil || len(s.p.phases) == 0 || s.within && (s.l.from != nil || s.l.until != nil) {
		return nil
	}
	g := &gleaner{op: w.op}
	learned := g.learned(w, s.p)
	if len(learned) == 0 {
		return nil
	}
	var err error
	if g.seq, err = w.op.r.LastChange(); err != nil {
		w.op.fail(err)
		return nil
	}
	for _, rule := range learned {
		set := w.op.decisionsOf(w.form, rule).set
		if set != nil && w.op.grantsOf(w.form, rule, g.of) == nil && !g.tried(set) {
			g.lessons = append(g.lessons, lesson{set: set})
		}
	}
	if len(g.lessons) == 0 {
		return nil
	}
	return g
}

// tried reports whether the list was too long a short time ago.
func (g *gleaner) tried(set *decided.Set) bool {
	was := set.Grants(g.of)
	return was != nil && was.TooMany() && g.seq-was.Seq() <= decided.MaxFollowed
}

// learned lists the rules that a walk over a plan tells of.
func (g *gleaner) learned(w *window, p *plan) []*definition.CustomRule {
	whole := len(p.phases) == 1 && len(p.phases[0].scans) == 1 && p.phases[0].scans[0].whole()
	if whole {
		if shared := sharing(w.reach, nil); len(shared) > 0 {
			return shared
		}
	}
	g.narrow, g.of = true, ownedScope(w.reach)
	if owners, owned := ownersOf(w.reach); owned && p.walks(owners) || !owned && whole {
		return keptIn(w.reach)
	}
	return nil
}

// walks reports whether a plan is over all records of these owners, in ascending
// order, and no others.
func (p *plan) walks(owners []record.ID) bool {
	for _, ph := range p.phases {
		var ids []record.ID
		for _, s := range ph.scans {
			if !p.owned || len(s.eq) == 0 {
				return false
			}
			ids = append(ids, s.eq[0].Ref())
		}
		if slices.SortFunc(ids, compareIDs); !slices.Equal(ids, owners) {
			return false
		}
	}
	return true
}

// sharing lists the SHARE rules that a reach asks about this form's records.
func sharing(r policy.Reach, out []*definition.CustomRule) []*definition.CustomRule {
	for _, rule := range rulesIn(r, nil) {
		if rule.Effect == definition.Share {
			out = append(out, rule)
		}
	}
	return out
}

// note takes a candidate of the walk. Those that are not read fill no window, so many
// of them are sorted out at once.
func (g *gleaner) note(en *entry) {
	if g == nil {
		return
	}
	if len(g.seen) >= 4*windowSize {
		g.settle()
	}
	switch {
	case !en.rec.IsZero():
		g.seen = append(g.seen, entryOf(en.rec))
	case en.version == 0: // of which nothing could be said
		for i := range g.lessons {
			g.lessons[i].over = true
			g.lessons[i].drop(g.op)
		}
	default:
		g.seen = append(g.seen, decided.Entry{ID: en.id, Owner: en.owner, Record: decided.Record{Ordinal: en.ordinal, Version: en.version}})
	}
}

// settle sorts out the candidates noted, after their window was settled: what a
// rule is known to grant nothing of is not its.
func (g *gleaner) settle() {
	if g == nil {
		return
	}
	for i := range g.lessons {
		x := &g.lessons[i]
		if x.over || x.missed {
			continue
		}
		for _, en := range g.seen {
			if v, ok := x.set.Get(en.Record); !ok || v.Grant > 0 {
				x.list = append(x.list, en)
			}
		}
		x.fit(g.op)
	}
	g.walked += len(g.seen)
	g.seen = g.seen[:0]
}

// keep hands on what was learned on a walk that came to its end.
func (g *gleaner) keep() {
	if g == nil || g.op.failed() != nil {
		return
	}
	for i := range g.lessons {
		switch x := &g.lessons[i]; {
		case x.missed: // others may have room for it
		case !x.over && (!g.narrow || len(x.list) <= g.walked/2):
			x.set.KeepGrants(g.of, decided.NewGrants(g.seq, x.list))
		default:
			x.set.KeepGrants(g.of, decided.TooMany(g.seq, g.walked))
		}
	}
}

// end gives back the room of what was learned, whether it is kept now or the walk
// ended early.
func (g *gleaner) end() {
	if g == nil {
		return
	}
	for i := range g.lessons {
		g.lessons[i].drop(g.op)
	}
}
