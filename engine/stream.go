package engine

import (
	"bytes"
	"container/heap"

	"sluice/engine/policy"
	"sluice/internal/record"
	"sluice/storage"
)

// entry is a candidate: an index entry, or a whole record of a scan.
type entry struct {
	id    record.ID
	owner record.ID
	owned bool // owner is known
	// ordinal is that of an index entry: how far apart two are tells about how many
	// records lie between.
	ordinal uint32
	version uint32            // that of an index entry, 0 where none is known
	said    []*policy.Outcome // of the window's rules, nil before somebody looked
	rec     record.Record     // borrowed until the next entry; zero when only an index entry was read
}

// stream gives the candidates of a plan, each once; in the requested order
// where the plan is ordered.
type stream struct {
	op     *Op
	l      *lister
	p      *plan
	within bool // keep to the window: between l.from and l.until
	resume bool // the next phase begins behind l.from
	ids    []record.ID
	taken  int // of the candidates found
	phases []phase
	open   merge
	stop   []byte // position that the open phase ends before, nil for its end
	scan   *storage.RecordCursor
	last   record.ID
	ended  bool
	failed error
}

// stream begins with the candidates of a plan; within the window alone where
// that is asked and the plan is ordered.
func (op *Op) stream(l *lister, p *plan, within bool) *stream {
	s := &stream{op: op, l: l, p: p, within: within && p.ordered, ids: p.ids}
	if p.ids != nil || p.found != nil {
		return s
	}
	if p.meet != nil {
		s.beginMeet()
		return s
	}
	s.phases = p.phases
	s.resume = s.within && l.from != nil
	if s.within && l.until != nil && len(s.phases) > 0 {
		s.phases = s.phases[:p.phaseOf(l.until)+1]
	}
	if s.resume {
		s.phases = s.phases[min(p.phaseOf(l.from), len(s.phases)):]
	}
	return s
}

func (s *stream) done() bool { return s.ended }

func (s *stream) err() error { return s.failed }

// close ends what is open of a phase.
func (s *stream) close() {
	for _, c := range s.open {
		c.Close()
	}
	s.open = nil
	s.p.meet.close()
	if s.scan != nil {
		s.scan.Close()
		s.scan = nil
	}
}

// next returns the next candidate.
func (s *stream) next() (entry, bool) {
	if s.p.ids != nil {
		if len(s.ids) == 0 {
			s.ended = true
			return entry{}, false
		}
		id := s.ids[0]
		s.ids = s.ids[1:]
		return entry{id: id}, true
	}
	if s.p.found != nil || s.p.meet != nil {
		en, ok := s.proposed()
		s.ended = !ok
		return en, ok
	}
	for s.failed == nil {
		if s.scan != nil {
			if s.scan.Next() && !s.past(s.scan.Position()) {
				rec := s.scan.Record()
				return entry{id: rec.ID(), owner: rec.Owner(), owned: true, rec: rec}, true
			}
			s.failed = s.scan.Err()
			s.scan.Close()
			s.scan = nil
			continue
		}
		if len(s.open) > 0 {
			if en, ok := s.step(); ok {
				return en, true
			}
			continue
		}
		if len(s.phases) == 0 {
			break
		}
		s.begin(s.phases[0])
		s.phases, s.resume = s.phases[1:], false
	}
	s.ended = true
	return entry{}, false
}

// beginMeet opens the postings of a search, in the window.
func (s *stream) beginMeet() {
	var after *record.ID
	if s.within && s.l.from != nil {
		after = &s.l.from.id
	}
	if s.within && s.l.until != nil {
		s.stop = s.l.until.id[:]
	}
	s.p.meet.begin(after)
}

// proposed returns the next candidate of a search.
func (s *stream) proposed() (entry, bool) {
	if s.p.meet != nil {
		en, ok := s.p.meet.next()
		return en, ok && !s.past(en.id[:])
	}
	if s.taken == len(s.p.found) {
		return entry{}, false
	}
	s.taken++
	return s.p.found[s.taken-1], true
}

// begin opens the cursors of one phase.
func (s *stream) begin(ph phase) {
	s.last, s.stop = record.ID{}, nil
	if s.within && s.l.until != nil && len(s.phases) == 1 {
		s.stop = ph.position(s.l.until)
	}
	for _, sc := range ph.scans {
		r := storage.Range{Eq: sc.eq, Low: sc.low, High: sc.high, Desc: s.p.desc}
		if s.resume {
			r.After = ph.position(s.l.from)
		}
		if sc.grants != nil {
			if c := s.proposals(sc, r.After); c.Next() {
				s.open = append(s.open, &source{c, s.p.desc})
			}
			continue
		}
		if sc.ix == nil {
			s.scan = s.op.r.Records(s.l.form.store, r)
			return
		}
		c := s.op.r.Index(s.l.form.store, sc.ix, r)
		if c.Next() {
			s.open = append(s.open, &source{c, s.p.desc})
		} else {
			if err := c.Err(); err != nil {
				s.failed = err
			}
			c.Close()
		}
	}
	heap.Init(&s.open)
}

// step takes the first entry of the merge. A record that two scans hold comes
// from both in a row, as all scans of a phase share one order; the second is
// passed over.
func (s *stream) step() (entry, bool) {
	c := s.open[0]
	if s.past(c.Position()) {
		s.close()
		return entry{}, false
	}
	en := entry{id: c.ID(), owner: c.Owner(), owned: true, ordinal: c.Ordinal(), version: c.Version()}
	if c.Next() {
		heap.Fix(&s.open, 0)
	} else {
		if err := c.Err(); err != nil {
			s.failed = err
		}
		c.Close()
		heap.Pop(&s.open)
	}
	if en.id == s.last {
		return entry{}, false
	}
	s.last = en.id
	return en, true
}

// past reports whether a position is where the window ends, or behind it.
func (s *stream) past(at []byte) bool {
	if s.stop == nil {
		return false
	}
	c := bytes.Compare(at, s.stop)
	return c == 0 || (c > 0) != s.p.desc
}

// cursor walks entries of an index, or those that a rule grants.
type cursor interface {
	Next() bool
	Err() error
	Close()
	ID() record.ID
	Owner() record.ID
	Ordinal() uint32
	Version() uint32
	Position() []byte
}

// source is one cursor of a merge.
type source struct {
	cursor
	desc bool
}

// merge is a heap of cursors by their position.
type merge []*source

func (m merge) Len() int      { return len(m) }
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m merge) Less(i, j int) bool {
	c := bytes.Compare(m[i].Position(), m[j].Position())
	if m[i].desc {
		return c > 0
	}
	return c < 0
}
func (m *merge) Push(x any) { *m = append(*m, x.(*source)) }
func (m *merge) Pop() any {
	old := *m
	x := old[len(old)-1]
	*m = old[:len(old)-1]
	return x
}
