package engine

import (
	"context"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// ChangeKind says what a change means to a viewer. The zero ChangeKind is none.
type ChangeKind uint8

// The kinds of changes. A record that left the viewer's reach or filter and one
// that was deleted are both Removed.
const (
	NoChange ChangeKind = iota
	Added
	Changed
	Removed
)

var changeNames = [...]string{"NONE", "ADDED", "CHANGED", "REMOVED"}

// String returns the name that the API uses.
func (k ChangeKind) String() string { return changeNames[min(int(k), len(changeNames)-1)] }

// LiveQuery asks for the changes of the records of a form that the viewer may
// VIEW and that match.
type LiveQuery struct {
	Form  uint32
	Where filter.Expr // nil for no filter; of the form's own fields
	// Resume is a token of an event of the same subscription, behind which it goes
	// on; empty to begin now.
	Resume string
}

// LiveEvent is one change as the viewer sees it.
type LiveEvent struct {
	Kind   ChangeKind
	ID     record.ID
	Record record.Redacted // zero where it was removed
}

// liveRights are whose eyes changes are seen with.
type liveRights struct {
	e         *Engine
	principal identity.Principal
	people    *directory.People
	epoch     uint64
	app       *application
	view      *policy.View
}

func (op *Op) liveRights() liveRights {
	return liveRights{op.e, op.principal, op.people, op.epoch, op.app, op.view}
}

// over opens an operation with these rights on a state of the data.
func (l *liveRights) over(ctx context.Context, r storage.Reader) *Op {
	return &Op{
		e: l.e, ctx: ctx, r: r, principal: l.principal, people: l.people, epoch: l.epoch, app: l.app, view: l.view,
		fuel: rules.Fuel{Left: rules.QueryFuel}, outcomes: map[outcomeKey]policy.Outcome{}, seen: map[recordKey]seenRecord{},
	}
}

// link is a lookup of the records of from.
type link struct {
	from  *form
	field *record.Field
}

// liveView decides what changes mean to all viewers whose key is equal.
type liveView struct {
	liveRights
	key   [32]byte
	form  *form
	where *filter.Program         // nil for no filter
	cells []*record.Field         // a change of one of them is told
	links map[uint32][]link       // by the form that they lead to: whoever can see that one matters
	reach map[uint32]policy.Reach // of every form whose records matter
}

// liveView makes the view of a subscription. Errors: NotFound for a form
// without VIEW, Invalid for a filter that leads through lookups, as what they
// lead to is not watched.
func (op *Op) liveView(q LiveQuery) (*liveView, error) {
	f, s, err := op.shape(q.Form)
	if err == nil && !s.View {
		err = fault.New(fault.NotFound, "engine.live", "form: not found")
	}
	if err != nil {
		return nil, err
	}
	l := &liveView{liveRights: op.liveRights(), form: f, links: map[uint32][]link{}, reach: map[uint32]policy.Reach{}}
	if q.Where != nil {
		if !flat(q.Where) {
			return nil, fault.New(fault.Invalid, "engine.live", "where: a subscription filters by the record's own fields, not by what lookups lead to")
		}
		l.where = filter.Compile(q.Where)
	}
	for n, fd := range f.fields {
		if s.Visible.Has(n) && !moved.Has(n) && (fd.Formula == nil || !fd.Formula.Reads.Meets(moved)) {
			l.cells = append(l.cells, fd)
		}
	}
	slices.SortFunc(l.cells, func(a, b *record.Field) int { return int(a.Number) - int(b.Number) })
	l.follow(f)
	for _, fd := range l.cells {
		if target := op.app.forms[fd.Target]; fd.Type.Links() && target != nil && op.views(fd.Target) {
			l.link(f, fd, target)
		}
	}
	l.key = op.liveKey(l, q.Where)
	return l, nil
}

// moved are the cells that every write changes, of unseen ones too: they tell of
// no event by themselves, and what is computed from them neither.
var moved = record.FieldSetOf(record.FieldVersion, record.FieldModifiedBy, record.FieldModifiedTime)

func (op *Op) views(form uint32) bool {
	s, ok := op.view.Shape().Form(form)
	return ok && s.View
}

// flat reports whether a filter reads nothing but the record itself.
func flat(e filter.Expr) bool {
	switch e := e.(type) {
	case filter.And:
		return !slices.ContainsFunc(e, func(x filter.Expr) bool { return !flat(x) })
	case filter.Or:
		return !slices.ContainsFunc(e, func(x filter.Expr) bool { return !flat(x) })
	case filter.Not:
		return flat(e.X)
	case *filter.Compare:
		return true
	}
	return false
}

// link notes that who can see a record of target matters to records of from.
func (l *liveView) link(from *form, field *record.Field, target *form) {
	n := target.def.Number
	for _, have := range l.links[n] {
		if have.from == from && have.field.Number == field.Number {
			return
		}
	}
	l.links[n] = append(l.links[n], link{from, field})
	l.follow(target)
}

// follow notes a form whose records' visibility matters, with the parents that it
// hangs on.
func (l *liveView) follow(f *form) {
	n := f.def.Number
	if _, known := l.reach[n]; known {
		return
	}
	r := l.view.Reach(n, viewAction)
	l.reach[n] = r
	if f.parent != nil && ofParent(r) {
		if p := l.app.forms[f.parent.Target]; p != nil {
			l.link(f, f.parent, p)
		}
	}
}

// ofParent reports whether a reach asks about parents.
func ofParent(r policy.Reach) bool {
	switch r := r.(type) {
	case *policy.OfParent:
		return true
	case policy.Union:
		return slices.ContainsFunc(r, ofParent)
	case policy.Intersect:
		return slices.ContainsFunc(r, ofParent)
	case *policy.Minus:
		return ofParent(r.From) || ofParent(r.Take)
	}
	return false
}

// judge says what a batch means. changed are those of its records that may
// matter, in order.
func (l *liveView) judge(ctx context.Context, b *liveBatch, changed []recordKey) ([]LiveEvent, error) {
	j := &liveRun{l: l, now: l.over(ctx, b.now), past: l.over(ctx, b.past), known: map[recordKey]bool{}}
	for _, k := range changed {
		j.add(k)
	}
	for j.done < len(j.todo) {
		if err := j.follow(); err != nil {
			return nil, err
		}
	}
	return j.events()
}

// liveRun is one run of judge.
type liveRun struct {
	l         *liveView
	now, past *Op
	todo      []recordKey
	done      int
	known     map[recordKey]bool
	own       []record.ID // of the view's form
}

func (j *liveRun) add(k recordKey) {
	if j.known[k] {
		return
	}
	j.known[k] = true
	j.todo = append(j.todo, k)
	if k.form == j.l.form.def.Number {
		j.own = append(j.own, k.id)
	}
}

// follow looks at the next record: where it came into sight or went out of it,
// those that look it up may have changed too.
func (j *liveRun) follow() error {
	k := j.todo[j.done]
	j.done++
	links := j.l.links[k.form]
	if len(links) == 0 {
		return nil
	}
	_, was, err := j.past.Get(k.form, k.id)
	if err != nil {
		return err
	}
	_, is, err := j.now.Get(k.form, k.id)
	if err != nil || was == is {
		return err
	}
	for _, ln := range links {
		if err := j.lookers(ln, k.id); err != nil {
			return err
		}
	}
	return nil
}

// lookers adds the records whose lookup leads to id.
func (j *liveRun) lookers(ln link, id record.ID) error {
	ix := ln.from.byField[ln.field.Number]
	if ix == nil {
		return errReset // its index is being built
	}
	c := j.now.r.Index(ln.from.store, ix, storage.Range{Eq: []record.Value{record.Ref(id)}})
	defer c.Close()
	for c.Next() {
		if len(j.todo) > maxFollowed+maxLiveEntries {
			return errReset
		}
		j.add(recordKey{ln.from.def.Number, c.ID()})
	}
	return c.Err()
}

// events compares what is seen of each record now with what was.
func (j *liveRun) events() ([]LiveEvent, error) {
	if len(j.own) == 0 {
		return nil, nil
	}
	n := j.l.form.def.Number
	was, err := j.past.GetMany(n, j.own)
	if err != nil {
		return nil, err
	}
	is, err := j.now.GetMany(n, j.own)
	if err != nil {
		return nil, err
	}
	var out []LiveEvent
	for i, id := range j.own {
		ev := LiveEvent{ID: id, Record: is[i]}
		seen, sees := j.l.shows(j.past, was[i]), j.l.shows(j.now, is[i])
		switch {
		case !seen && sees:
			ev.Kind = Added
		case seen && !sees:
			ev.Kind, ev.Record = Removed, record.Redacted{}
		case seen && sees && !j.l.same(j.past, j.now, was[i], is[i]):
			ev.Kind = Changed
		default:
			continue
		}
		out = append(out, ev)
	}
	if err := j.past.failed(); err != nil {
		return nil, err
	}
	return out, j.now.failed()
}

// shows reports whether a record that may be zero is in the subscription.
func (l *liveView) shows(op *Op, r record.Redacted) bool {
	if r.IsZero() {
		return false
	}
	return l.where == nil || l.where.Match(&cells{op: op, form: l.form, rec: r}, l.principal.User)
}

// same reports whether the viewer sees the same in both states.
func (l *liveView) same(past, now *Op, was, is record.Redacted) bool {
	a, b := &cells{op: past, form: l.form, rec: was}, &cells{op: now, form: l.form, rec: is}
	for _, f := range l.cells {
		if !a.Get(f).Equal(b.Get(f)) {
			return false
		}
	}
	return true
}
