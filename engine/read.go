package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// fail keeps the first error that ended the operation while a decision was
// under way; the decision denies.
func (op *Op) fail(err error) {
	if op.err == nil {
		op.err = err
	}
}

// failed returns what ended the operation, also where it was the asker's part of
// it.
func (op *Op) failed() error {
	if op.err == nil && op.asker != nil {
		op.err = op.asker.err
	}
	return op.err
}

// overdue reports whether the operation has to end, for loops over candidates
// that are not even read. It looks at the deadline now and then.
func (op *Op) overdue() bool {
	if op.steps++; op.steps%1024 == 0 {
		if err := op.ctx.Err(); err != nil {
			op.fail(err)
		}
	}
	return op.failed() != nil
}

// maxSeen is about how many records an operation remembers: without a bound one
// that reads a whole form would hold it in memory.
const maxSeen = 4096

// trim forgets what is known about records where that is much. It costs reading
// them again.
func (op *Op) trim() {
	if len(op.seen) > maxSeen {
		clear(op.seen)
	}
	if len(op.outcomes) > maxSeen {
		clear(op.outcomes)
	}
	if op.asker != nil {
		op.asker.trim()
	}
}

// Get returns one record that the viewer may VIEW; false for every other id,
// whether it exists or not.
func (op *Op) Get(number uint32, id record.ID) (record.Redacted, bool, error) {
	if s := op.seen[recordKey{number, id}]; s.decided {
		return s.redacted, s.visible, op.failed()
	}
	rs, err := op.GetMany(number, []record.ID{id})
	if err != nil {
		return record.Redacted{}, false, err
	}
	return rs[0], !rs[0].IsZero(), nil
}

// GetMany is Get for many ids at once, in their order: a zero Redacted where
// there is none. Rules are asked once for all.
func (op *Op) GetMany(number uint32, ids []record.ID) ([]record.Redacted, error) {
	f, shape, err := op.shape(number)
	if err != nil {
		return nil, err
	}
	todo := slices.Clone(ids)
	slices.SortFunc(todo, compareIDs)
	todo = slices.Compact(todo)
	w := op.window(f, shape, op.view.Reach(number, viewAction))
	w.keep = true
	for len(todo) > 0 {
		w.reset()
		for len(todo) > 0 && len(w.entries) < windowSize {
			if s := op.seen[recordKey{number, todo[0]}]; !s.decided {
				w.add(entry{id: todo[0]})
			}
			todo = todo[1:]
		}
		entries := w.entries
		if err := w.settle(); err != nil {
			return nil, err
		}
		for _, en := range entries {
			k := recordKey{number, en.id}
			s := op.seen[k]
			s.decided = true
			op.seen[k] = s
		}
		w.each(func(a admitted) { op.remember(number, a) })
	}
	out := make([]record.Redacted, len(ids))
	for i, id := range ids {
		if s := op.seen[recordKey{number, id}]; s.visible {
			out[i] = s.redacted
		}
	}
	return out, op.failed()
}

// Can reports whether the viewer may take the action on a record that the Op
// returned.
func (op *Op) Can(number uint32, a definition.Action, r record.Redacted) (bool, error) {
	f, _, err := op.shape(number)
	if err != nil {
		return false, err
	}
	rec, ok := op.raw(f, r.ID())
	if !ok {
		return false, op.failed()
	}
	ok = op.view.Decide(number, a, &subject{op: op, form: f, rec: rec})
	return ok && op.failed() == nil, op.failed()
}

// Children returns for each parent, in the order given, a page of the records
// of q.Form whose lookup field leads to it. The lookup is read as the viewer
// may read it: a child whose lookup is masked has no parent, and a parent out
// of reach has no children.
func (op *Op) Children(lookup record.Field, parents []record.ID, q List) ([]*Page, error) {
	l, err := op.newLister(q)
	if err != nil {
		return nil, err
	}
	link, ok := l.form.field(lookup.Number)
	if !ok || link.Type != record.Lookup || !l.shape.Visible.Has(lookup.Number) {
		return nil, fault.New(fault.Invalid, "engine.Children", "not a lookup of this form")
	}
	reach := op.view.Reach(q.Form, l.q.Action)
	pages := make([]*Page, len(parents))
	for i, parent := range parents {
		l.parent, l.link, l.from, l.until = parent, link, nil, nil
		under, err := op.under(link, parent, reach)
		if err != nil {
			return nil, err
		}
		if pages[i], err = l.page(under); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// under is the reach of the records that a lookup leads to the parent from:
// none where the parent is out of reach, as the lookup reads null then (L1).
func (op *Op) under(link *record.Field, parent record.ID, reach policy.Reach) (policy.Reach, error) {
	_, ok, err := op.Get(link.Target, parent)
	switch {
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return nil, err
	case !ok:
		return policy.None{}, nil
	}
	return reach, nil
}

// usual chooses the access path without words: for records below a parent the
// index of their lookup, where there is one.
func (l *lister) usual(reach policy.Reach) *plan {
	if l.link == nil {
		return l.op.plan(l, reach)
	}
	ix := l.form.byField[l.link.Number]
	if _, none := reach.(policy.None); none || ix == nil {
		return l.op.plan(l, reach)
	}
	p := &plan{ordered: len(l.order) == 1}
	p.desc = p.ordered && l.order[0].Desc
	p.phases = []phase{{scans: []scan{{ix: ix, eq: []record.Value{record.Ref(l.parent)}}}}}
	return p
}

// cells gives the cells of a redacted record to a filter.
type cells struct {
	op   *Op
	form *form
	rec  record.Redacted
}

var _ filter.Reader = (*cells)(nil)

// Get reads a cell as the viewer may: a lookup that leads out of reach is null
// (L1).
func (c *cells) Get(f *record.Field) record.Value {
	v := c.rec.Get(f)
	if f.Type == record.MultiLookup && !v.IsNull() {
		return c.op.reachable(f, v)
	}
	if f.Type == record.Lookup && !v.IsNull() {
		if _, ok := c.target(f); !ok {
			return record.Value{}
		}
	}
	return v
}

// Related follows a lookup to a record in the viewer's VIEW reach (L1).
func (c *cells) Related(f *record.Field) (filter.Reader, bool) {
	r, ok := c.target(f)
	if !ok {
		return nil, false
	}
	return &cells{op: c.op, form: c.op.app.forms[f.Target], rec: r}, true
}

// target is the record that a lookup leads to, as far as the viewer reaches it.
func (c *cells) target(f *record.Field) (record.Redacted, bool) {
	id := c.rec.Get(f).Ref()
	if id.IsZero() || c.op.app.forms[f.Target] == nil {
		return record.Redacted{}, false
	}
	r, ok, err := c.op.Get(f.Target, id)
	if err != nil {
		if fault.KindOf(err) != fault.NotFound {
			c.op.fail(err)
		}
		return record.Redacted{}, false
	}
	return r, ok
}

// Scope returns the names that the viewer may use in a filter over the form:
// pass it to filter.Parse.
func (op *Op) Scope(number uint32) filter.Scope { return scope{op.view.Shape(), number} }

type scope struct {
	shape  *policy.Shape
	number uint32
}

// Field finds a visible field by its name, or by an old one that it keeps.
func (s scope) Field(name string) (record.Field, bool) {
	fs, ok := s.shape.Form(s.number)
	if !ok || !fs.View {
		return record.Field{}, false
	}
	f, ok := fs.Form.Named(name)
	if !ok || !fs.Visible.Has(f.Number) {
		return record.Field{}, false
	}
	return f.Field, true
}

// Reverse finds the records that look a record up, by the name of their
// connection.
func (s scope) Reverse(name string) (filter.Reverse, filter.Scope, bool) {
	by, ok := s.reverse(name)
	return by, scope{s.shape, by.Form}, ok
}

func (s scope) reverse(name string) (filter.Reverse, bool) {
	for _, r := range s.shape.Reverses()[s.number] {
		if r.Name == name {
			return filter.Reverse{Form: r.Child.Form.Number, Lookup: r.Lookup.Field}, true
		}
	}
	return filter.Reverse{}, false
}

// Related is the scope of a lookup's target, where the viewer may view records
// of it at all.
func (s scope) Related(f record.Field) (filter.Scope, bool) {
	fs, ok := s.shape.Form(f.Target)
	if !ok || !fs.View {
		return nil, false
	}
	return scope{s.shape, f.Target}, true
}
