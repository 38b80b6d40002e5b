package engine

import (
	"container/heap"
	"slices"

	"sluice/internal/record"
	"sluice/storage"
)

// posting gives the records that some scans propose, each once, in the order of
// ids: the merged entries of cursors, or kept ones.
type posting struct {
	op    *Op
	form  *form
	scans []scan
	desc  bool
	kept  []entry // in place of cursors where scans is nil, in their order
	rest  []entry // of kept
	open  merge
}

// begin opens the cursors; behind a record where that is given.
func (p *posting) begin(after *record.ID) {
	p.close()
	p.rest = p.kept
	for _, sc := range p.scans {
		r := storage.Range{Eq: sc.eq, Low: sc.low, High: sc.high, Desc: p.desc}
		if after != nil {
			r.After = after[:]
		}
		c := p.op.r.Index(p.form.store, sc.ix, r)
		if c.Next() {
			p.open = append(p.open, &source{c, p.desc})
			continue
		}
		p.ended(c)
	}
	heap.Init(&p.open)
	if p.scans == nil && after != nil {
		p.skip(*after)
		if en, ok := p.head(); ok && en.id == *after {
			p.rest = p.rest[1:]
		}
	}
}

func (p *posting) ended(c cursor) {
	if err := c.Err(); err != nil {
		p.op.fail(err)
	}
	c.Close()
}

func (p *posting) close() {
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

// head returns the record that the posting stands on, false at its end.
func (p *posting) head() (entry, bool) {
	switch {
	case len(p.open) > 0:
		c := p.open[0]
		return entry{id: c.ID(), owner: c.Owner(), owned: true}, true
	case len(p.rest) > 0:
		return p.rest[0], true
	}
	return entry{}, false
}

// step moves to the next record.
func (p *posting) step() {
	if p.scans == nil {
		p.rest = p.rest[min(1, len(p.rest)):]
		return
	}
	at, ok := p.head()
	for en := at; ok && en.id == at.id && !p.op.overdue(); en, ok = p.head() {
		if c := p.open[0]; c.Next() {
			heap.Fix(&p.open, 0)
		} else {
			heap.Pop(&p.open)
			p.ended(c.cursor)
		}
	}
}

// seek moves to a record, or to the first behind it.
func (p *posting) seek(id record.ID) {
	if p.scans == nil {
		p.skip(id)
		return
	}
	for n := 0; ; n++ {
		en, ok := p.head()
		if !ok || !p.before(en.id, id) || p.op.overdue() {
			return
		}
		if n == p.op.e.search.steps {
			at := neighbour(id, p.desc)
			p.begin(&at)
			return
		}
		p.step()
	}
}

// skip is seek for kept entries.
func (p *posting) skip(id record.ID) {
	n, _ := slices.BinarySearchFunc(p.rest, id, func(en entry, id record.ID) int {
		if c := compareIDs(en.id, id); !p.desc {
			return c
		}
		return compareIDs(id, en.id)
	})
	p.rest = p.rest[n:]
}

func (p *posting) before(a, b record.ID) bool {
	c := compareIDs(a, b)
	return c != 0 && (c < 0) != p.desc
}

// meet gives the records that all of some postings have, in their order.
type meet []*posting

// begin opens all postings, behind a record where that is given.
func (m meet) begin(after *record.ID) {
	for _, p := range m {
		p.begin(after)
	}
}

func (m meet) close() {
	for _, p := range m {
		p.close()
	}
}

// next returns the next record. Each posting in turn is moved to where another
// one stands already, so that the rarest sets the pace.
func (m meet) next() (entry, bool) {
	for len(m) > 0 {
		en, ok := m[0].head()
		if !ok || m[0].op.overdue() {
			break
		}
		far := en.id
		for _, p := range m[1:] {
			p.seek(far)
			other, ok := p.head()
			if !ok {
				return entry{}, false
			}
			if far = other.id; far != en.id {
				break
			}
		}
		if far == en.id {
			m[0].step()
			return en, true
		}
		m[0].seek(far)
	}
	return entry{}, false
}
