package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// rulePlan is what an operation knows of one rule's plan for its viewer.
type rulePlan struct {
	where  filter.Expr // nil: any record may be shared
	denies bool        // the plan cannot be read: nothing is shared
}

// rulePlanKey is a rule and whose plan it is.
type rulePlanKey struct {
	view *policy.View
	rule *definition.CustomRule
}

// planOf asks the rule for its plan once per operation. The true values of the
// viewer's attributes go to the module and its predicate is over true values, as
// with decisions: what the viewer may read plays no part. An error fails the
// operation.
func (op *Op) planOf(rule *definition.CustomRule) rulePlan {
	k := rulePlanKey{op.view, rule}
	if p, ok := op.plans[k]; ok {
		return p
	}
	planner, ok := op.e.o.Rules.(rules.Planner)
	b := op.app.bindings[rule]
	if !ok || b == nil || rule.Effect != definition.Share || op.failed() != nil {
		return rulePlan{}
	}
	if b.quarantined {
		return rulePlan{denies: true}
	}
	ready, err := op.ready(b)
	if err == nil && !ready {
		return rulePlan{} // decisions say what is wrong
	}
	var plan *rules.Plan
	var kind rules.FaultKind
	if err == nil {
		plan, kind, err = planner.Plan(op.ctx, op.batch(b, nil), &op.fuel)
	}
	if err != nil {
		op.fail(err)
		return rulePlan{denies: true}
	}
	out := rulePlan{where: plan.Where(b.columns), denies: kind != rules.NoFault}
	if out.denies {
		op.faults++
		op.e.faulted(op.r.Tenant(), op.app.def.Name, rule.Name, kind)
	}
	if op.plans == nil {
		op.plans = map[rulePlanKey]rulePlan{}
	}
	op.plans[k] = out
	if out.where != nil {
		op.scout(rule, b)
	}
	return out
}

// coverRule covers what a rule shares by its plan. Every candidate is still decided
// by the module; one outside the plan is shared on no path, so nothing is lost.
func (op *Op) coverRule(f *form, rule *definition.CustomRule, ranges bool) ([]scan, bool) {
	p := op.planOf(rule)
	if p.denies {
		return nil, true
	}
	if p.where == nil {
		return nil, false
	}
	return op.coverPlan(f, p.where, ranges)
}

// coverPlan returns scans that hold every record that matches; each in the order of
// ids, but for ranges where those may be given.
func (op *Op) coverPlan(f *form, e filter.Expr, ranges bool) ([]scan, bool) {
	switch e := e.(type) {
	case filter.Or:
		var out []scan
		for _, x := range e {
			s, ok := op.coverPlan(f, x, ranges)
			if !ok || len(out)+len(s) > maxScans {
				return nil, false
			}
			out = append(out, s...)
		}
		return out, true
	case filter.And:
		var best []scan
		found := false
		for _, x := range e {
			if s, ok := op.coverPlan(f, x, ranges); ok && (!found || len(s) < len(best)) {
				best, found = s, true
			}
		}
		return best, found
	case *filter.Compare:
		if f.byField[e.Field.Number] == nil {
			return nil, false
		}
		if e.Op == filter.IsNull && e.Args[0].Value.Bool() {
			return []scan{{ix: f.byField[e.Field.Number], eq: []record.Value{{}}}}, true
		}
		scans, ok := coverFilter(f, e)
		return scans, ok && (ranges || allEqual(scans))
	}
	return nil, false
}

// maxRanged bounds how many entries of ranges a list looks up. Where there are more,
// a walk over the form is not much dearer.
const maxRanged = 4096

// ranged plans a list whose reach is covered only if the plans of rules may give
// ranges of an index: their entries are looked up first. Nil where that does not
// cover the reach, or they are too many.
func (l *lister) ranged(op *Op, reach policy.Reach) *plan {
	if len(rulesIn(reach, nil)) == 0 {
		return nil
	}
	if _, ok := op.cover(l.form, reach); ok {
		return nil
	}
	scans, ok := op.covered(l.form, reach, true)
	if !ok {
		return nil
	}
	out := []entry{}
	for _, sc := range scans {
		c := op.r.Index(l.form.store, sc.ix, storage.Range{Eq: sc.eq, Low: sc.low, High: sc.high})
		for len(out) <= maxRanged && !op.overdue() && c.Next() {
			out = append(out, entry{id: c.ID(), owner: c.Owner(), owned: true, ordinal: c.Ordinal()})
		}
		err := c.Err()
		c.Close()
		if err != nil {
			op.fail(err)
		}
		if len(out) > maxRanged || op.failed() != nil {
			return nil
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return compareIDs(a.id, b.id) })
	return &plan{found: slices.CompactFunc(out, func(a, b entry) bool { return a.id == b.id })}
}
