package engine

import (
	"bytes"
	"math"
	"slices"

	"sluice/engine/decided"
	"sluice/engine/policy"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
)

// maxScans bounds how many cursors a plan may merge. A reach over more owners
// is cheaper to read by one scan.
const maxScans = 4096

// scan is one range of one index, or of the records where ix is nil.
type scan struct {
	ix        *storage.Index
	grants    *decided.Grants  // what a rule may grant, in the place of an index; nil for none
	of        grantsKey        // that of grants
	order     *decided.Ordered // grants in the order of a field; nil for that of ids
	eq        []record.Value
	low, high *storage.Bound
}

// phase is a set of scans that are merged. A list ordered by a field has one
// phase for its values and one for its nulls.
type phase struct {
	scans []scan
	nulls bool
	keyed bool // positions begin with the order key
}

// plan is a superset of a list's records and the order that it comes in.
type plan struct {
	ids     []record.ID // read these and nothing else; not nil when used
	found   []entry     // likewise, with their owners
	meet    meet        // the records that all of these propose, by id; not nil when used
	phases  []phase
	ordered bool
	desc    bool
	owned   bool // the scans are over all records of single owners
}

// plan chooses the access path: the record ids that the filter pins; else the
// scans that cover the reach; else those that cover the filter; else everything.
// The order comes with the path where an index gives it, else from sorting.
func (op *Op) plan(l *lister, reach policy.Reach) *plan {
	if ids, ok := pinned(l.q.Where); ok {
		return &plan{ids: ids}
	}
	if p := l.ranged(op, reach); p != nil {
		return p
	}
	if p := l.byKey(op, reach); p != nil {
		return p
	}
	p := &plan{ordered: len(l.order) == 1, desc: l.order[len(l.order)-1].Desc}
	scans, ok := op.cover(l.form, reach)
	p.owned = ok && l.form.ownedBy(scans)
	if !ok || op.manyGrants(scans) {
		if pick, picks := coverFilter(l.form, l.q.Where); picks {
			scans, ok, p.owned = pick, true, false
			p.ordered = p.ordered && allEqual(scans)
		}
	}
	if !ok {
		scans = []scan{{}}
	}
	if len(scans) > 0 {
		p.phases = []phase{{scans: scans}}
	}
	if !p.ordered {
		p.desc = false
	}
	return p
}

// allEqual reports whether every scan fixes all parts of its index, so that its
// entries come by id.
func allEqual(scans []scan) bool {
	for _, s := range scans {
		if s.ix != nil && len(s.eq) != len(s.ix.Parts) {
			return false
		}
	}
	return true
}

// byKey plans a list ordered by one indexed field: what covers the reach, where that
// is little or all of some owners, in that order, else the field's own index. A field
// that a mask may hide has no order in any index.
func (l *lister) byKey(op *Op, reach policy.Reach) *plan {
	if len(l.order) != 2 || l.order[0].Desc != l.order[1].Desc {
		return nil
	}
	k := l.order[0]
	n := k.Field.Number
	if len(k.Path) > 0 || n < record.FirstField || op.view.MayMask(l.q.Form).Has(n) {
		return nil
	}
	scans, owned, ok := op.coverInOrder(l.form, reach, &k.Field)
	switch {
	case !ok:
		return nil
	case len(scans) == 0:
		return &plan{ordered: true}
	}
	return &plan{ordered: true, desc: k.Desc, phases: l.keyed(k, scans), owned: owned}
}

// coverInOrder is cover with scans in the order of a field, or the whole of the
// field's index where the reach is not covered by less; false where neither has the
// order. Owned says that the scans are over all records of single owners.
func (op *Op) coverInOrder(f *form, r policy.Reach, field *record.Field) (scans []scan, owned, ok bool) {
	owners, owned := ownersOf(r)
	if owned && f.ownerThen[field.Number] != nil && len(owners) <= maxScans {
		if kept, ok := op.coverKept(f, r, false); ok && !op.manyGrants(kept) {
			scans, ok = op.inOrder(f, kept, field)
			return scans, false, ok
		}
		for _, u := range owners {
			scans = append(scans, scan{ix: f.ownerThen[field.Number], eq: []record.Value{record.Ref(u)}})
		}
		return scans, true, true
	}
	if cover, covered := op.cover(f, r); covered && !op.manyGrants(cover) {
		scans, ok = op.inOrder(f, cover, field)
		return scans, false, ok
	}
	ix := f.byField[field.Number]
	return []scan{{ix: ix}}, false, ix != nil
}

// keyed splits scans into the values and the nulls of the order key where the
// index holds nulls at the other end than the list wants them.
func (l *lister) keyed(k Order, scans []scan) []phase {
	if k.NullsFirst != k.Desc { // ascending indexes begin with nulls
		return []phase{{scans: scans, keyed: true}}
	}
	values, nulls := phase{keyed: true}, phase{nulls: true}
	for _, s := range scans {
		v := s
		v.low = &storage.Bound{Value: lowest(&k.Field)}
		values.scans = append(values.scans, v)
		s.eq = append(slices.Clone(s.eq), record.Value{})
		nulls.scans = append(nulls.scans, s)
	}
	if k.NullsFirst {
		return []phase{nulls, values}
	}
	return []phase{values, nulls}
}

// lowest is the smallest value of a field that is not null.
func lowest(f *record.Field) record.Value {
	switch f.Type.Kind() {
	case record.KindBool:
		return record.Bool(false)
	case record.KindInt:
		return record.Int(math.MinInt64)
	}
	return record.String("")
}

// phaseOf returns the phase that a position lies in.
func (p *plan) phaseOf(at *position) int {
	if len(p.phases) < 2 {
		return 0
	}
	null := bytes.Equal(at.keys[0], nullKey)
	for i, ph := range p.phases {
		if ph.nulls == null {
			return i
		}
	}
	return 0
}

// position gives a position as this phase's cursors have it.
func (ph phase) position(at *position) []byte {
	var b []byte
	if ph.keyed {
		b = append(b, at.keys[0]...)
	}
	return append(b, at.id[:]...)
}

// ownersOf returns the owners that cover a reach, false when it is not covered
// by owners alone.
func ownersOf(r policy.Reach) ([]record.ID, bool) {
	switch r := r.(type) {
	case nil, policy.None:
		return nil, true
	case *policy.Owners:
		return r.Users, !r.NoRole
	case policy.Union:
		var all []record.ID
		for _, m := range r {
			o, ok := ownersOf(m)
			if !ok {
				return nil, false
			}
			all = append(all, o...)
		}
		slices.SortFunc(all, compareIDs)
		return slices.Compact(all), true
	case policy.Intersect:
		for _, m := range r {
			if o, ok := ownersOf(m); ok {
				return o, true
			}
		}
		return nil, len(r) == 0
	case *policy.Minus:
		return ownersOf(r.From)
	}
	return nil, false
}

// cover returns scans whose union holds every record of the reach, each in the
// order of ids; false when only a walk over everything does.
func (op *Op) cover(f *form, r policy.Reach) ([]scan, bool) { return op.covered(f, r, false) }

// covered is cover, where the plans of rules may give ranges: then the scans come in
// no common order.
func (op *Op) covered(f *form, r policy.Reach, ranges bool) ([]scan, bool) {
	var out []scan
	switch r := r.(type) {
	case nil, policy.None:
		return nil, true
	case *policy.Owners:
		if r.NoRole || f.byOwner == nil || len(r.Users) > maxScans {
			return nil, false
		}
		for _, u := range r.Users {
			out = append(out, scan{ix: f.byOwner, eq: []record.Value{record.Ref(u)}})
		}
		return out, true
	case *policy.Audience:
		ix := f.byField[r.Field.Number]
		return []scan{{ix: ix, eq: []record.Value{record.Ref(op.principal.User)}}}, ix != nil
	case *policy.Criteria:
		scans, ok := coverFilter(f, r.Expr)
		return scans, ok && allEqual(scans)
	case *policy.Rule:
		if g := op.grantsOf(f, r.Rule, decided.Scope{}); g != nil && !ranges {
			return []scan{{grants: g, of: grantsKey{rule: r.Rule}}}, true
		}
		return op.coverRule(f, r.Rule, ranges)
	case *policy.Kept:
		return op.coverKept(f, r, ranges)
	case *policy.OfParent:
		return op.coverChildren(f, r)
	case policy.Union:
		for _, m := range r {
			s, ok := op.covered(f, m, ranges)
			if !ok || len(out)+len(s) > maxScans {
				return nil, false
			}
			out = append(out, s...)
		}
		return out, true
	case policy.Intersect:
		found := false
		for _, m := range r {
			if _, kept := m.(*policy.Kept); kept {
				continue // see coverKept: of the whole form it may let through much
			}
			if s, ok := op.covered(f, m, ranges); ok && (!found || len(s) < len(out)) {
				out, found = s, true
			}
		}
		if kept, ok := op.coverKept(f, r, ranges); ok && (!found || f.ownedBy(out)) {
			return kept, true
		}
		return out, found
	case *policy.Minus:
		return op.covered(f, r.From, ranges)
	}
	return nil, false
}

// coverChildren covers a child form's reach by the parents in reach.
func (op *Op) coverChildren(f *form, r *policy.OfParent) ([]scan, bool) {
	ix, parent := f.byField[r.Field.Number], op.app.forms[r.Form]
	if ix == nil || parent == nil {
		return nil, false
	}
	scans, ok := op.cover(parent, r.Parent)
	if !ok {
		return nil, false
	}
	l := &lister{op: op, form: parent, order: []Order{{}}}
	s := op.stream(l, &plan{ordered: true, phases: []phase{{scans: scans}}}, false)
	defer s.close()
	var out []scan
	for {
		en, ok := s.next()
		if !ok || op.overdue() {
			break
		}
		if len(out) == maxScans {
			return nil, false
		}
		// Candidates are enough: the child's own decision asks its parent.
		if byOwner(r.Parent, en.owner, en.owned) != no {
			out = append(out, scan{ix: ix, eq: []record.Value{record.Ref(en.id)}})
		}
	}
	if err := s.err(); err != nil {
		op.fail(err)
	}
	return out, true
}

// pinned returns the ids that a filter demands by comparing the record's id.
func pinned(e filter.Expr) ([]record.ID, bool) {
	for _, x := range conjuncts(e) {
		c, ok := x.(*filter.Compare)
		if !ok || c.Field.Number != record.FieldID || c.Op != filter.Eq && c.Op != filter.In {
			continue
		}
		ids := []record.ID{}
		for _, a := range c.Args {
			if a.Viewer {
				return nil, false
			}
			if id := a.Value.Ref(); !id.IsZero() && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		return ids, true
	}
	return nil, false
}

// conjuncts lists the operands that must all hold.
func conjuncts(e filter.Expr) []filter.Expr {
	switch e := e.(type) {
	case filter.And:
		var out []filter.Expr
		for _, x := range e {
			out = append(out, conjuncts(x)...)
		}
		return out
	case nil:
		return nil
	}
	return []filter.Expr{e}
}

// coverFilter returns scans that hold every record that a filter can match:
// positive comparisons of an indexed field with constants. The superset holds
// under masks too, as a masked cell matches no such comparison.
func coverFilter(f *form, e filter.Expr) ([]scan, bool) {
	var ranged []scan
	for _, x := range conjuncts(e) {
		c, ok := x.(*filter.Compare)
		if !ok || f.byField[c.Field.Number] == nil || slices.ContainsFunc(c.Args, func(a filter.Operand) bool { return a.Viewer }) {
			continue
		}
		ix := f.byField[c.Field.Number]
		switch c.Op {
		case filter.Eq, filter.In:
			return equalScans(ix, c.Args), true
		case filter.Has:
			if c.Field.Type.Refs() { // an entry for each reference
				return equalScans(ix, c.Args), true
			}
		case filter.Lt, filter.Lte, filter.Gt, filter.Gte, filter.Between:
			if ranged == nil {
				ranged = []scan{rangeScan(ix, c)}
			}
		}
	}
	return ranged, ranged != nil
}

func equalScans(ix *storage.Index, args []filter.Operand) []scan {
	out := []scan{}
	for i, a := range args {
		if !slices.ContainsFunc(args[:i], func(b filter.Operand) bool { return b.Value.Equal(a.Value) }) {
			out = append(out, scan{ix: ix, eq: []record.Value{a.Value}})
		}
	}
	return out
}

func rangeScan(ix *storage.Index, c *filter.Compare) scan {
	at := func(i int, exclusive bool) *storage.Bound {
		return &storage.Bound{Value: c.Args[i].Value, Exclusive: exclusive}
	}
	s := scan{ix: ix, low: &storage.Bound{Value: lowest(&c.Field)}}
	switch c.Op {
	case filter.Lt, filter.Lte:
		s.high = at(0, c.Op == filter.Lt)
	case filter.Gt, filter.Gte:
		s.low = at(0, c.Op == filter.Gt)
	case filter.Between:
		s.low, s.high = at(0, false), at(1, false)
	}
	return s
}
