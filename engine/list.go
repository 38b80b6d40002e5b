package engine

import (
	"bytes"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
)

// Order is one key of a sort order.
type Order struct {
	// Path are the lookups that lead to the record whose field it is; none for the
	// record itself. A target that is out of reach orders as null.
	Path       []record.Field
	Field      record.Field
	Desc       bool
	NullsFirst bool // default: nulls last, whatever the direction
}

// List asks for a page of the records in the viewer's reach.
type List struct {
	Form uint32
	// Action is what the records are listed for: VIEW, which the zero Action means,
	// or EXPORT. Internal for any other.
	Action definition.Action
	// Report restricts to the report's own term and uses its default order when
	// OrderBy is empty; empty lists the whole reach.
	Report string
	// Created is a created report of the form: its filter is joined to Where, and
	// its order is that of a list that is given none. NotFound for one that the
	// viewer does not see. It goes with no Report.
	Created record.ID
	// Where is what filter.Parse returned for the viewer's Scope; nil for no
	// filter.
	Where filter.Expr
	// Search is a query as package words reads it, empty for none. It is joined to
	// Where: each item must be found in a searchable field that the viewer sees, in
	// a cell that they read. Invalid where there is no such field.
	Search string
	// OrderBy is completed by the id, in the direction of the last key. Every
	// field must be visible and of a type that has an order; Invalid otherwise.
	OrderBy []Order
	First   int    // 0 to MaxPage; 0 only counts
	After   string // a cursor of the same list: the window begins behind it; empty for the beginning
	Before  string // a cursor of the same list: the window ends before it; empty for the end
	// Backward takes the last First records of the window, not its first.
	Backward bool
	Total    bool // count everything that matches, exactly
	// Previous and Next ask for what lies beyond the cursors too: HasPrevious and
	// HasNext speak of the window between them otherwise.
	Previous, Next bool
}

// MaxPage is the largest page.
const MaxPage = 1000

// Page is one page of a list, in the list's order whatever end it was taken from.
// Records are valid until the Op ends.
type Page struct {
	Records     []record.Redacted
	HasNext     bool
	HasPrevious bool
	Total       int // -1 unless asked for

	positions []position
	seal      *sealer
	binding   []byte
}

// Cursor returns the sealed cursor of record i.
func (p *Page) Cursor(i int) string { return p.seal.seal(p.positions[i], p.binding) }

// List returns one page.
func (op *Op) List(q List) (*Page, error) {
	l, err := op.newLister(q)
	if err != nil {
		return nil, err
	}
	return l.page(l.reach())
}

// reach is the whole reach, or the report's term of it. A report of another
// form shows nothing, like one that does not exist: its term speaks of the
// records of that form. For EXPORT a report shows those of its records that may
// be exported.
func (l *lister) reach() policy.Reach {
	reach := l.op.view.Reach(l.q.Form, l.q.Action)
	if l.q.Report == "" {
		return reach
	}
	if r, ok := l.op.app.def.Report(l.q.Report); !ok || r.Form != l.form.def.Name {
		return policy.None{}
	}
	term := l.op.view.ReportReach(l.q.Report)
	if l.q.Action == viewAction {
		return term
	}
	return policy.Intersect{term, reach}
}

// lister runs one list.
type lister struct {
	op        *Op
	q         List
	form      *form
	shape     *policy.FormShape
	where     *matcher // nil for no filter
	canonical []byte
	listed    []Order   // the order of the list, completed by the id
	order     []Order   // listed, or its reverse where the walk goes backward
	from      *position // what the walk begins behind, nil for its start
	until     *position // what it ends before, nil for its end
	parent    record.ID // of Children
	link      *record.Field
	reader    cells // of matches
	masked    bool  // masks concern the viewer on this form
}

func (op *Op) newLister(q List) (*lister, error) {
	f, s, err := op.shape(q.Form)
	if err != nil {
		return nil, err
	}
	if q.First < 0 || q.First > MaxPage {
		return nil, fault.New(fault.Invalid, "engine.List", "%s: %d, expected 0 to %d", q.size(), q.First, MaxPage)
	}
	if !q.Created.IsZero() {
		if err := op.joinReport(&q); err != nil {
			return nil, err
		}
	}
	if err := joinSearch(s, &q); err != nil {
		return nil, err
	}
	switch q.Action {
	case definition.NoAction:
		q.Action = viewAction
	case viewAction, exportAction:
	default:
		return nil, fault.New(fault.Internal, "engine.List", "records are listed for VIEW and EXPORT only")
	}
	l := &lister{op: op, q: q, form: f, shape: s, masked: len(op.view.Masks(q.Form)) > 0}
	l.reader = cells{op: op, form: f}
	if q.Where != nil {
		l.where = newMatcher(q.Where)
		l.canonical = filter.AppendCanonical(nil, q.Where)
	}
	if err := l.completeOrder(); err != nil {
		return nil, err
	}
	l.order = directed(l.listed, q.Backward)
	return l, nil
}

// completeOrder checks the order keys and ends them with the id.
func (l *lister) completeOrder() error {
	keys := l.q.OrderBy
	if len(keys) == 0 && l.q.Report != "" {
		keys = l.reportOrder()
	}
	if len(keys) > MaxOrder {
		return fault.New(fault.Limit, "engine.List", "orderBy: %d keys, at most %d are allowed", len(keys), MaxOrder)
	}
	desc := false
	for _, k := range keys {
		k, ok := l.op.orderKey(l.q.Form, k)
		if !ok {
			return fault.New(fault.Invalid, "engine.List", "orderBy: not a field that this list can be ordered by")
		}
		l.listed, desc = append(l.listed, k), k.Desc
		if len(k.Path) == 0 && k.Field.Number == record.FieldID {
			return nil // keys behind the id cannot matter
		}
	}
	l.listed = append(l.listed, Order{Field: *l.form.fields[record.FieldID], Desc: desc})
	return nil
}

// orderKey finds the fields of an order key, false where one of them is not the
// viewer's to see or has no order.
func (op *Op) orderKey(number uint32, k Order) (Order, bool) {
	if len(k.Path) > MaxOrderPath {
		return k, false
	}
	path := make([]record.Field, 0, len(k.Path))
	for _, step := range k.Path {
		f, ok := op.shownField(number, step.Number)
		if !ok || f.Type != record.Lookup {
			return k, false
		}
		path, number = append(path, f), f.Target
	}
	f, ok := op.shownField(number, k.Field.Number)
	k.Path, k.Field = slices.Clip(path), f
	return k, ok && f.Orderable()
}

// MaxOrderPath is how many lookups an order key may lead through.
const MaxOrderPath = 3

// MaxOrder is the largest number of order keys. With texts of full length their
// cursors stay within what is taken back.
const MaxOrder = 10

// reportOrder is the report's default order without the keys that the viewer
// may not see (P3).
func (l *lister) reportOrder() []Order {
	r, ok := l.op.app.def.Report(l.q.Report)
	if !ok {
		return nil
	}
	var out []Order
	for _, k := range r.OrderBy {
		if fd, ok := l.form.def.Field(k.Field); ok && l.shape.Visible.Has(fd.Number) && fd.Orderable() {
			out = append(out, Order{Field: fd.Field, Desc: k.Desc})
		}
	}
	return out
}

// hit is a record that matched, with what orders it.
type hit struct {
	admitted
	pos position
	key []byte // comparable: bytes.Compare gives the requested order
}

// page walks the candidates of a reach, cuts them down and returns the page.
func (l *lister) page(reach policy.Reach) (*Page, error) {
	page := &Page{Total: -1, binding: l.binding()}
	var err error
	if page.seal, err = l.op.sealerOf(); err != nil {
		return nil, err
	}
	if err := l.bounds(page); err != nil {
		return nil, err
	}
	p := l.plan(reach)
	if page.Total, err = l.countApart(reach, p); err != nil {
		return nil, err
	}
	c, err := l.collect(reach, p)
	if err != nil {
		return nil, err
	}
	if l.q.Total {
		page.Total = c.total
	}
	hits := c.hits()
	more := len(hits) > l.q.First
	hits = hits[:min(len(hits), l.q.First)]
	if l.q.Backward {
		slices.Reverse(hits)
	}
	if err := l.ends(page, c, reach, p, more); err != nil {
		return nil, err
	}
	page.Records, page.positions = make([]record.Redacted, len(hits)), make([]position, len(hits))
	for i, h := range hits {
		page.Records[i], page.positions[i] = h.redacted, h.pos
		l.op.remember(l.q.Form, h.admitted)
	}
	return page, nil
}

// collect finds up to First+1 hits of the window in the order of the walk and,
// where asked, how many records of the list match in all.
func (l *lister) collect(reach policy.Reach, p *plan) (*collector, error) {
	want := l.q.First + 1
	c := &collector{l: l, ordered: p.ordered, want: want, kept: make([]hit, 0, min(want, 64))}
	if l.from != nil {
		c.from = l.comparable(*l.from)
	}
	if l.until != nil {
		c.until = l.comparable(*l.until)
	}
	// A total counts what lies beyond the cursors too.
	s := l.op.stream(l, p, !l.q.Total)
	defer s.close()
	w := l.op.window(l.form, l.shape, reach)
	g := w.glean(s)
	defer g.end()
	for !s.done() {
		if err := l.op.ctx.Err(); err != nil {
			return nil, err
		}
		l.op.trim()
		w.reset()
		for w.room(c.need()) {
			counting := c.full() && l.countable(p)
			drawn := w.drawSome(s, w.left(c.need()), counting)
			if len(drawn) == 0 {
				break
			}
			c.offer(w, g, drawn, counting)
		}
		if err := w.settle(); err != nil {
			return nil, err
		}
		g.settle()
		hits := l.matching(w.admitted)
		l.prepare(hits)
		for _, a := range hits {
			c.take(a)
		}
		if (c.full() || c.beyond) && p.ordered && !l.q.Total {
			break
		}
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	if s.done() {
		g.keep()
	}
	return c, l.op.failed()
}

// countable reports whether an entry that is known to be in reach may be counted
// without its record: only where the order keys no longer matter.
func (l *lister) countable(p *plan) bool {
	return l.q.Total && l.where == nil && l.link == nil && p.ordered && l.from == nil && l.until == nil
}

// matching applies filter and link to the redacted records of a window.
func (l *lister) matching(all []admitted) []admitted {
	hits := slices.Clone(all)
	if l.link != nil {
		hits = slices.DeleteFunc(hits, func(a admitted) bool { return a.redacted.Get(l.link).Ref() != l.parent })
	}
	if l.where == nil {
		return hits
	}
	kept := hits[:0]
	for i, yes := range l.op.match(l.where, l.form, redactedOf(hits)) {
		if yes {
			kept = append(kept, hits[i])
		}
	}
	return kept
}

// alone reports whether the filter can be asked record by record: it reads no
// other records.
func (l *lister) alone() bool {
	return l.where == nil || l.where.prog != nil && len(l.where.follow) == 0
}

// matches is matching for one record, of a filter that is alone.
func (l *lister) matches(r record.Redacted) bool {
	if l.link != nil && r.Get(l.link).Ref() != l.parent {
		return false
	}
	if l.where == nil {
		return true
	}
	l.reader.rec = r
	return l.where.prog.Match(&l.reader, l.op.principal.User)
}

// prepare reads in batches what the order of the records needs of others.
func (l *lister) prepare(hits []admitted) {
	for i := range l.order {
		if len(l.order[i].Path) == 0 {
			continue
		}
		recs := redactedOf(hits)
		for j := range l.order[i].Path {
			recs = l.op.targets(&l.order[i].Path[j], recs)
		}
	}
}

// key reads the cell that orders a record, null where a lookup on the way to it
// is null or leads out of reach (L1).
func (l *lister) key(r record.Redacted, k *Order) record.Value {
	for i := range k.Path {
		next, ok := (&cells{op: l.op, rec: r}).target(&k.Path[i])
		if !ok {
			return record.Value{}
		}
		r = next
	}
	return r.Get(&k.Field)
}

// position reads the order keys of a redacted record.
func (l *lister) position(r record.Redacted) position {
	p := position{id: r.ID()}
	keys := l.order[:len(l.order)-1]
	if len(keys) == 0 {
		return p
	}
	p.keys = make([][]byte, len(keys))
	for i := range keys {
		p.keys[i] = storage.AppendSortKey(make([]byte, 0, 16), l.key(r, &keys[i]))
	}
	return p
}

var nullKey = storage.AppendSortKey(nil, record.Value{})

// comparable encodes a position so that bytes.Compare gives the order: sort
// keys are self-delimiting, so their complement orders descending.
func (l *lister) comparable(p position) []byte {
	var b []byte
	for i, k := range p.keys {
		o := l.order[i]
		null := bytes.Equal(k, nullKey)
		b = append(b, flag(null != o.NullsFirst))
		if null {
			continue
		}
		b = appendDirected(b, k, o.Desc)
	}
	return appendDirected(b, p.id[:], l.order[len(l.order)-1].Desc)
}

func appendDirected(dst, k []byte, desc bool) []byte {
	n := len(dst)
	dst = append(dst, k...)
	if desc {
		for i := n; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

// collector keeps the first hits in order.
type collector struct {
	l       *lister
	ordered bool
	want    int
	from    []byte // comparable ends of the window, nil for none
	until   []byte
	kept    []hit
	total   int
	// behind and beyond say that records lie outside of the window, before where
	// the walk begins and after its end. A walk that is cut to the window sees none.
	behind, beyond bool
}

func (c *collector) full() bool { return len(c.kept) >= c.want }

// need is how many more hits the page can use before it is decided.
func (c *collector) need() int {
	if c.ordered && !c.full() {
		return c.want - len(c.kept)
	}
	return windowSize
}

// offer adds candidates to a window, or counts those that need not be read.
func (c *collector) offer(w *window, g *gleaner, drawn []entry, counting bool) {
	for i := range drawn {
		en := &drawn[i]
		g.note(en)
		switch known := w.proposed(en); {
		case known == no:
		case known == yes && counting:
			c.total++
		default:
			w.add(*en)
		}
	}
}

func (c *collector) take(a admitted) {
	c.total++
	if c.ordered && c.full() && c.until == nil {
		return
	}
	h := hit{admitted: a, pos: c.l.position(a.redacted)}
	if !c.ordered || c.from != nil || c.until != nil {
		h.key = c.l.comparable(h.pos)
	}
	behind := c.from != nil && bytes.Compare(h.key, c.from) <= 0
	beyond := c.until != nil && bytes.Compare(h.key, c.until) >= 0
	c.behind, c.beyond = c.behind || behind, c.beyond || beyond
	if behind || beyond || c.ordered && c.full() {
		return
	}
	c.kept = append(c.kept, h)
	if !c.ordered && len(c.kept) >= 4*c.want+64 {
		c.prune()
	}
}

func (c *collector) prune() {
	slices.SortFunc(c.kept, func(a, b hit) int { return bytes.Compare(a.key, b.key) })
	c.kept = c.kept[:min(len(c.kept), c.want)]
}

func (c *collector) hits() []hit {
	if !c.ordered {
		c.prune()
	}
	return c.kept
}
