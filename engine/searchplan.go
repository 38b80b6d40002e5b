package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/internal/words"
	"sluice/storage"
)

// searchLimits bound what is read to choose the way of a search.
type searchLimits struct {
	// probe is how many records of each way are looked at: the way that has no more
	// is taken.
	probe int
	// gather likewise, before a list in the order of an index is read through; and
	// how many entries of a beginning are put in order.
	gather int
	// steps is how many entries a posting goes through towards a record before it
	// opens its cursors there.
	steps int
}

var usualSearch = searchLimits{probe: 128, gather: 4096, steps: 16}

// maxNeeds is how many words of a filter are looked up. The others are looked for
// on the records.
const maxNeeds = 8

// need is a term that every match has in one of the indexes.
type need struct {
	term   string
	begins bool // or a term that begins so
	rows   []*storage.Index
}

// plan chooses the access path of a list: that of its reach, filter and order, or
// the words that the filter asks for, whichever proposes fewer records.
func (l *lister) plan(reach policy.Reach) *plan {
	p := l.usual(reach)
	if p.ids != nil || len(p.phases) == 0 {
		return p
	}
	var exact, begins []need
	for _, n := range l.needs() {
		if n.begins {
			begins = append(begins, n)
		} else {
			exact = append(exact, n)
		}
	}
	if len(exact)+len(begins) == 0 {
		return p
	}
	return l.choose(p, exact, begins)
}

// needs lists the words that each match has, of the parts of the filter that must
// all hold. Masked cells match none, so the superset holds under masks too.
func (l *lister) needs() []need {
	var out []need
	for _, x := range conjuncts(l.q.Where) {
		fields, query := searchOf(x)
		rows := l.form.wordRows(fields)
		q, err := words.Parse(query)
		if rows == nil || err != nil {
			continue
		}
		for _, it := range q.Items() {
			for i, w := range it.Words {
				n := need{term: words.Term(w), rows: rows}
				n.begins = it.Prefix && i == len(it.Words)-1 && n.term == w
				if len(out) < maxNeeds {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// searchOf returns what a part of a filter searches for, and in which fields.
func searchOf(x filter.Expr) ([]record.Field, string) {
	switch x := x.(type) {
	case *filter.Search:
		return x.Fields, x.Query
	case *filter.Compare:
		if x.Op == filter.Matches && len(x.Args) == 1 {
			return []record.Field{x.Field}, string(x.Args[0].Value.Text())
		}
	}
	return nil, ""
}

// wordRows returns the indexes of the words of fields, nil where one has none.
func (f *form) wordRows(fields []record.Field) []*storage.Index {
	var out []*storage.Index
	for _, x := range fields {
		ix := f.words[x.Number]
		if ix == nil {
			return nil
		}
		out = append(out, ix)
	}
	return out
}

// scans are those that together hold every record with the term.
func (n need) scans() []scan {
	var out []scan
	for _, ix := range n.rows {
		s := scan{ix: ix, eq: []record.Value{record.String(n.term)}}
		if n.begins {
			s = scan{ix: ix, low: &storage.Bound{Value: record.String(n.term)}, high: &storage.Bound{Value: record.String(n.term + "\xff")}}
		}
		out = append(out, s, scan{ix: ix, eq: []record.Value{record.String(storage.AnyWord)}})
	}
	return out
}

// way is a set of candidates that is being counted.
type way struct {
	posting
	read []entry
	last record.ID // the record that it has come to
}

// search chooses between the ways of one list.
type search struct {
	l    *lister
	base *plan
	// reach counts the candidates of base, nil where base reads all records; sorted
	// says that it comes by id.
	reach  *way
	sorted bool
	exact  []*way
	begins [][]entry
}

func (l *lister) choose(base *plan, exact, begins []need) *plan {
	s := &search{l: l, base: base}
	desc := l.order[len(l.order)-1].Desc
	open := func(scans []scan) *way {
		w := &way{posting: posting{op: l.op, form: l.form, scans: scans, desc: desc}}
		w.begin(nil)
		return w
	}
	defer s.close()
	if scans := base.scans(); scans != nil {
		s.reach, s.sorted = open(scans), allEqual(scans)
	}
	for _, n := range exact {
		s.exact = append(s.exact, open(n.scans()))
	}
	limits := l.op.e.search
	if p := s.race(limits.probe); p != nil {
		return p
	}
	byID := len(l.order) == 1
	room := limits.probe
	if !byID {
		if p := s.race(limits.gather); p != nil {
			return p
		}
		room = limits.gather
	}
	for _, n := range begins {
		kept, ok := l.gather(n, limits.gather, desc)
		switch {
		case !ok: // too many: it is looked for on the records
		case len(kept) <= room:
			return &plan{found: kept}
		default:
			s.begins = append(s.begins, kept)
		}
	}
	keyed := base.ordered && !byID && !l.q.Total
	if len(s.exact)+len(s.begins) == 0 || keyed || s.sorted && s.rarest() {
		return base
	}
	return &plan{meet: s.members(desc), ordered: byID, desc: byID && desc}
}

// scans are those of a plan, nil where it reads all records.
func (p *plan) scans() []scan {
	var out []scan
	for _, ph := range p.phases {
		for _, sc := range ph.scans {
			if sc.ix == nil || len(sc.eq) == 0 && sc.low == nil && sc.high == nil {
				return nil
			}
			out = append(out, sc)
		}
	}
	return out
}

func (s *search) close() {
	for _, w := range s.exact {
		w.close()
	}
	if s.reach != nil {
		s.reach.close()
	}
}

// race reads all ways in turn up to limit records of each, and returns the plan of
// the first that has no more; nil when none ends.
func (s *search) race(limit int) *plan {
	for limit >= 0 && !s.l.op.overdue() {
		done := true
		if s.reach != nil && len(s.reach.read) <= limit {
			if !s.reach.advance() {
				return s.base
			}
			done = false
		}
		for _, w := range s.exact {
			if len(w.read) > limit {
				continue
			}
			if !w.advance() {
				return &plan{found: append([]entry{}, w.read...)}
			}
			done = false
		}
		if done {
			break
		}
	}
	return nil
}

// advance reads one more record, false when there is none.
func (w *way) advance() bool {
	en, ok := w.head()
	if ok {
		w.read, w.last = append(w.read, en), en.id
		w.step()
	}
	return ok
}

// rarest reports whether the reach proposes fewer records than any word, by how
// far each has come with as many: ids are given in the order of time.
func (s *search) rarest() bool {
	r := s.reach
	if slices.ContainsFunc(s.exact, func(w *way) bool { return !r.before(w.last, r.last) }) {
		return false
	}
	return !slices.ContainsFunc(s.begins, func(kept []entry) bool {
		n := slices.IndexFunc(kept, func(en entry) bool { return r.before(r.last, en.id) })
		return n >= 0 && n < len(r.read) || n < 0 && len(kept) < len(r.read)
	})
}

// members are the postings of all words, the rarest of those in cursors first.
func (s *search) members(desc bool) meet {
	slices.SortStableFunc(s.exact, func(a, b *way) int {
		switch {
		case a.before(b.last, a.last):
			return -1
		case a.before(a.last, b.last):
			return 1
		}
		return 0
	})
	var out meet
	for _, kept := range s.begins {
		out = append(out, &posting{op: s.l.op, form: s.l.form, desc: desc, kept: kept})
	}
	for _, w := range s.exact {
		out = append(out, &posting{op: w.op, form: w.form, scans: w.scans, desc: desc})
	}
	return out
}

// gather reads the entries of a need into the order of ids, false where they are
// more than most.
func (l *lister) gather(n need, most int, desc bool) ([]entry, bool) {
	out, read := []entry{}, 0
	for _, sc := range n.scans() {
		c := l.op.r.Index(l.form.store, sc.ix, storage.Range{Eq: sc.eq, Low: sc.low, High: sc.high})
		for c.Next() && read <= most && !l.op.overdue() {
			out = append(out, entry{id: c.ID(), owner: c.Owner(), owned: true})
			read++
		}
		err := c.Err()
		if c.Close(); err != nil {
			l.op.fail(err)
		}
		if read > most || l.op.failed() != nil {
			return nil, false
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return compareIDs(a.id, b.id) })
	out = slices.CompactFunc(out, func(a, b entry) bool { return a.id == b.id })
	if desc {
		slices.Reverse(out)
	}
	return out, true
}
