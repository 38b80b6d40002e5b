package app

import (
	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// rows are the records that one set is written for, with what its fields need
// of other records. Everything below is fetched before the first is written, one
// batch for each field of each level.
type rows struct {
	recs  []record.Redacted
	loads []load // parallel to set.loads
}

// load is what one field needs for all rows.
type load struct {
	err  error // the batch failed; told at the first row
	told bool

	at   []int32 // lookup: position in next of each row's target, -1 for none
	next *rows
	// links are, for each row, the positions in next of what a multi-lookup leads
	// to; nil where the list is null.
	links [][]int32
	conn  *connection // children: page i belongs to row i
	can   []bool
	// One for each row, nil where there is none for the viewer.
	comments []*Section[engine.Comment]
	history  []*Section[engine.Revision]
}

// connection is a batch of pages whose records are written by the same sets.
type connection struct {
	pages []*Page
	start []int // position of the first record of each page in the slots' rows
	slots []*rows
	// sums are the values over all records of each page's list, where asked for.
	sums     []*Groups
	measures []engine.Measure
}

// load fetches what the fields of a set need for records of its form.
func (x *exec) load(s *set, recs []record.Redacted) *rows {
	out := &rows{recs: recs}
	if len(s.loads) == 0 || len(recs) == 0 {
		return out
	}
	out.loads = make([]load, len(s.loads))
	for i, at := range s.loads {
		f, l := &s.fields[at], &out.loads[i]
		if l.err = x.ctx.Err(); l.err != nil {
			continue
		}
		switch f.mean.Kind {
		case app.LookupCell:
			l.err = x.loadLookup(f, l, recs)
		case app.LinksCell:
			l.err = x.loadLinks(f, l, recs)
		case app.Children:
			l.err = x.loadChildren(f, l, recs)
		case app.Comments, app.History:
			l.err = x.loadTalk(f, l, recs)
		case app.CanUpdate:
			l.err = x.loadCan(f, l, definition.Edit, recs)
		case app.CanDelete:
			l.err = x.loadCan(f, l, definition.Delete, recs)
		}
	}
	return out
}

func (x *exec) loadLookup(f *field, l *load, recs []record.Redacted) error {
	ids := make([]record.ID, len(recs))
	for i, r := range recs {
		ids[i] = r.Get(f.mean.Field).Ref()
	}
	return x.loadTargets(f, l, ids)
}

// loadTargets fetches each target once; a zero id has none.
func (x *exec) loadTargets(f *field, l *load, of []record.ID) error {
	l.at = make([]int32, len(of))
	seen := map[record.ID]int32{}
	var ids []record.ID
	for i, id := range of {
		if id.IsZero() {
			l.at[i] = -1
			continue
		}
		n, ok := seen[id]
		if !ok {
			n = int32(len(ids))
			seen[id] = n
			ids = append(ids, id)
		}
		l.at[i] = n
	}
	if len(ids) == 0 {
		l.next = &rows{}
		return nil
	}
	targets, err := x.req.Op.GetMany(f.mean.Form, ids)
	if err != nil {
		return err
	}
	found := targets[:0:0]
	place := make([]int32, len(targets))
	for i, t := range targets {
		place[i] = -1
		if !t.IsZero() {
			place[i] = int32(len(found))
			found = append(found, t)
		}
	}
	for i, n := range l.at {
		if n >= 0 {
			l.at[i] = place[n]
		}
	}
	l.next = x.load(f.sub, found)
	return nil
}

// loadLinks fetches each target of the lists once.
func (x *exec) loadLinks(f *field, l *load, recs []record.Redacted) error {
	lists, err := x.req.Op.Links(f.mean.Field, recs)
	if err != nil {
		return err
	}
	l.links = make([][]int32, len(recs))
	seen := map[record.ID]int32{}
	var ids []record.ID
	for i, v := range lists {
		for _, id := range v.Refs() {
			n, ok := seen[id]
			if !ok {
				n = int32(len(ids))
				seen[id] = n
				ids = append(ids, id)
			}
			l.links[i] = append(l.links[i], n)
		}
	}
	if len(ids) == 0 {
		l.next = &rows{}
		return nil
	}
	targets, err := x.req.Op.GetMany(f.mean.Form, ids)
	if err != nil {
		return err
	}
	l.next = x.load(f.sub, targets)
	return nil
}

func (x *exec) loadChildren(f *field, l *load, recs []record.Redacted) error {
	q, err := x.listOf(f)
	if err != nil {
		return err
	}
	ids := make([]record.ID, len(recs))
	for i, r := range recs {
		ids[i] = r.ID()
	}
	pages, err := x.req.Op.Children(*f.mean.Field, ids, q)
	if err != nil {
		return err
	}
	l.conn = x.connect(f.sub, pages)
	l.conn.sums, l.conn.measures, err = x.sums(f.sub, q, func(q engine.Aggregation) ([]*Groups, error) {
		return x.req.Op.AggregateChildren(*f.mean.Field, ids, q)
	})
	return err
}

// connect loads what the records of pages need.
func (x *exec) connect(s *set, pages []*Page) *connection {
	c := &connection{pages: pages}
	recs := pages[0].Records
	if len(pages) > 1 {
		recs = nil
		c.start = make([]int, len(pages))
		for i, p := range pages {
			c.start[i] = len(recs)
			recs = append(recs, p.Records...)
		}
	}
	c.slots = make([]*rows, len(s.slots))
	for i, slot := range s.slots {
		c.slots[i] = x.load(slot, recs)
	}
	return c
}

func (x *exec) loadCan(f *field, l *load, a definition.Action, recs []record.Redacted) error {
	l.can = make([]bool, len(recs))
	for i, r := range recs {
		ok, err := x.req.Op.Can(f.mean.Form, a, r)
		if err != nil {
			return err
		}
		l.can[i] = ok
	}
	return nil
}
