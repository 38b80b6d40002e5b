package engine

import (
	"sluice/engine/policy"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// maxRouted is up to how many owners a view is found by each of them.
const maxRouted = 1024

// liveRouter finds the views that may hold a record without asking each of them:
// by its owner, by the users that its fields name, by criteria that many views
// share, by its parent. What it finds is a superset.
type liveRouter struct {
	any      map[*liveView]int
	owners   map[record.ID]map[*liveView]int
	audience map[uint32]*audienceRoutes // by field number
	criteria map[string]*criteriaRoutes // by canonical filter
	parents  map[uint32]*parentRoutes   // by number of the lookup
}

type audienceRoutes struct {
	field record.Field
	views map[record.ID]map[*liveView]int
}

type criteriaRoutes struct {
	program *filter.Program
	views   map[*liveView]int
}

type parentRoutes struct {
	field record.Field
	form  uint32
	inner *liveRouter
}

func newLiveRouter() *liveRouter {
	return &liveRouter{
		any: map[*liveView]int{}, owners: map[record.ID]map[*liveView]int{}, audience: map[uint32]*audienceRoutes{},
		criteria: map[string]*criteriaRoutes{}, parents: map[uint32]*parentRoutes{},
	}
}

func (r *liveRouter) empty() bool {
	return len(r.any)+len(r.owners)+len(r.audience)+len(r.criteria)+len(r.parents) == 0
}

// count adds n for a view to the set under a key, which goes when it is empty.
func count[K comparable](sets map[K]map[*liveView]int, key K, l *liveView, n int) {
	set := sets[key]
	if set == nil {
		set = map[*liveView]int{}
		sets[key] = set
	}
	tally(set, l, n)
	if len(set) == 0 {
		delete(sets, key)
	}
}

func tally(set map[*liveView]int, l *liveView, n int) {
	if set[l] += n; set[l] == 0 {
		delete(set, l)
	}
}

// put enters a view under a reach of it (n is 1), or takes it out again (-1).
func (r *liveRouter) put(l *liveView, reach policy.Reach, n int) {
	switch m := reach.(type) {
	case nil, policy.None:
	case *policy.Owners:
		if m.NoRole || len(m.Users) > maxRouted {
			tally(r.any, l, n)
			return
		}
		for _, u := range m.Users {
			count(r.owners, u, l, n)
		}
	case *policy.Audience:
		r.putAudience(l, m, n)
	case *policy.Criteria:
		r.putCriteria(l, m, n)
	case *policy.OfParent:
		r.putParent(l, m, n)
	case policy.Union:
		for _, x := range m {
			r.put(l, x, n)
		}
	case policy.Intersect:
		r.put(l, narrowest(m), n)
	case *policy.Minus:
		r.put(l, m.From, n)
	default:
		tally(r.any, l, n)
	}
}

func (r *liveRouter) putAudience(l *liveView, m *policy.Audience, n int) {
	a := r.audience[m.Field.Number]
	if a == nil {
		a = &audienceRoutes{field: m.Field, views: map[record.ID]map[*liveView]int{}}
		r.audience[m.Field.Number] = a
	}
	count(a.views, l.principal.User, l, n)
	if len(a.views) == 0 {
		delete(r.audience, m.Field.Number)
	}
}

func (r *liveRouter) putCriteria(l *liveView, m *policy.Criteria, n int) {
	if m.Program == nil || namesViewer(m.Expr) {
		tally(r.any, l, n)
		return
	}
	key := string(filter.AppendCanonical(nil, m.Expr))
	c := r.criteria[key]
	if c == nil {
		c = &criteriaRoutes{program: m.Program, views: map[*liveView]int{}}
		r.criteria[key] = c
	}
	tally(c.views, l, n)
	if len(c.views) == 0 {
		delete(r.criteria, key)
	}
}

func (r *liveRouter) putParent(l *liveView, m *policy.OfParent, n int) {
	p := r.parents[m.Field.Number]
	if p == nil {
		p = &parentRoutes{field: m.Field, form: m.Form, inner: newLiveRouter()}
		r.parents[m.Field.Number] = p
	}
	p.inner.put(l, m.Parent, n)
	if p.inner.empty() {
		delete(r.parents, m.Field.Number)
	}
}

// narrowest is the member by which a record of all of them is found best.
func narrowest(m policy.Intersect) policy.Reach {
	var best policy.Reach = policy.None{}
	least := 100
	for _, r := range m {
		if w := width(r); w < least {
			best, least = r, w
		}
	}
	return best
}

// width orders reaches by how little a router learns from them.
func width(r policy.Reach) int {
	switch m := r.(type) {
	case nil, policy.None:
		return 0
	case *policy.Owners:
		if m.NoRole || len(m.Users) > maxRouted {
			return 9
		}
		return 1
	case *policy.Audience:
		return 1
	case *policy.Criteria:
		if m.Program != nil && !namesViewer(m.Expr) {
			return 3
		}
	case *policy.OfParent:
		return width(m.Parent)
	case *policy.Minus:
		return width(m.From)
	case policy.Intersect:
		return width(narrowest(m))
	case policy.Union:
		widest := 0
		for _, x := range m {
			widest = max(widest, width(x))
		}
		return widest
	}
	return 9
}

// find calls hit for the views that may hold the record, some more than once.
// parent reads the record that a lookup leads to.
func (r *liveRouter) find(rec record.Record, parent func(form uint32, id record.ID) (record.Record, bool), hit func(*liveView)) {
	each := func(set map[*liveView]int) {
		for l := range set {
			hit(l)
		}
	}
	each(r.any)
	each(r.owners[rec.Owner()])
	for _, a := range r.audience {
		v := rec.Get(&a.field)
		each(a.views[v.Ref()])
		for _, id := range v.Refs() {
			each(a.views[id])
		}
	}
	for _, c := range r.criteria {
		if c.program.Match(trueCells{rec}, record.ID{}) {
			each(c.views)
		}
	}
	for _, p := range r.parents {
		if id := rec.Get(&p.field).Ref(); !id.IsZero() {
			if up, ok := parent(p.form, id); ok {
				p.inner.find(up, parent, hit)
			}
		}
	}
}
