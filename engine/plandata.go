package engine

import (
	"context"
	"slices"
	"strings"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

const (
	// planKinds bounds the viewers that an activation checks a plan for: of those with
	// equal attributes one.
	planKinds = 64
	// planSamples is how many records outside of a plan are named.
	planSamples = 3
)

// outsideOf returns which records a module shares with a viewer and its plan leaves
// out.
func (op *Op) outsideOf(b *binding, attributes map[string]record.Value, recs []record.Record, fuel *rules.Fuel) ([]record.Record, error) {
	planner, ok := op.e.o.Rules.(rules.Planner)
	if !ok || !b.plans || len(recs) == 0 {
		return nil, nil
	}
	if ready, err := op.ready(b); err != nil || !ready {
		return nil, err
	}
	out := make([]bool, len(recs))
	if err := planner.Outside(op.ctx, batchOf(op.r.Tenant(), b, attributes, recs), fuel, out); err != nil {
		return nil, err
	}
	var found []record.Record
	for i, rec := range recs {
		if out[i] {
			found = append(found, rec)
		}
	}
	return found, nil
}

// measurePlan counts what a proposed module shares outside of its plan with one kind
// of viewer, of records that the asker sees.
func (c *comparison) measurePlan(cost *costed, b *binding, a *policy.Asking, f *form, seen []record.Record) {
	if c.op.failed() != nil {
		return
	}
	var denied []record.Record
	for _, rec := range seen {
		if v, ok := c.verdicts[asked{a.Key, rec.ID()}]; ok && v == (rules.Verdict{}) {
			denied = append(denied, rec)
		}
	}
	fuel := rules.Fuel{Left: rules.QueryFuel}
	found, err := c.op.outsideOf(b, a.View.Viewer().Attributes, denied, &fuel)
	if err != nil {
		c.op.fail(err)
		return
	}
	cost.Form = f.def.Number
	cost.Outside += int64(len(found))
	for _, rec := range found {
		if id := rec.ID(); len(cost.OutsideRecords) < planSamples && !slices.Contains(cost.OutsideRecords, id) {
			cost.OutsideRecords = append(cost.OutsideRecords, id)
		}
	}
}

// checkStoredPlan refuses to activate a module that shares records which its plan
// leaves out: of those that whoever activates it sees, the oldest and the newest
// MaxPage, for planKinds kinds of viewers, with the fuel of one query. What it does not
// reach is found by the dry run, or by the samples of operations. No other record is
// asked about: a refusal would tell of it.
func (e *Engine) checkStoredPlan(ctx context.Context, p identity.Principal, application, rule, module string) error {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return err
	}
	defer op.Close()
	proposal := &Proposal{Modules: map[string]string{rule: module}}
	app, err := op.rebound(op.app, proposal.Modules)
	if err != nil {
		return nil // what does not fit is refused by the activation, in its words
	}
	i := slices.IndexFunc(app.def.Custom, func(r *definition.CustomRule) bool { return r.Name == rule })
	if b := app.bindings[app.def.Custom[i]]; app.def.Custom[i].Effect != definition.Share || b == nil || !b.plans {
		return nil
	}
	before, after, err := op.sides(proposal, &Difference{})
	if err != nil {
		return err
	}
	c := newComparison(op, before, after, &CompareOptions{})
	return c.holdPlan(after.app.def.Custom[i])
}

// holdPlan asks about the ends of a form for every kind of viewer.
func (c *comparison) holdPlan(rule *definition.CustomRule) error {
	b := c.after.app.bindings[rule]
	def, _ := c.after.app.def.Form(rule.Form)
	recs, err := c.op.ends(def.Number)
	if err != nil {
		return err
	}
	var kinds []*policy.Asking
	for _, x := range c.after.crowd.Asks(def.Number) {
		if x.Rule == rule {
			kinds = append(kinds, distinct(x.Asking)...)
		}
	}
	kinds = kinds[:min(len(kinds), planKinds)]
	gap := planGap{records: len(recs), found: map[record.ID]bool{}}
	fuel := rules.Fuel{Left: rules.QueryFuel}
	for _, a := range kinds {
		found, err := c.op.outsideOf(b, a.View.Viewer().Attributes, recs, &fuel)
		if fault.KindOf(err) == fault.Limit && fuel.Left <= 0 {
			break
		}
		if err != nil {
			return err
		}
		gap.add(found)
	}
	return gap.err()
}

// ends returns the first and the last records that the viewer sees of a form.
func (op *Op) ends(form uint32) ([]record.Record, error) {
	f := op.app.forms[form]
	if s, ok := op.view.Shape().Form(form); !ok || !s.View || f == nil {
		return nil, nil
	}
	met := map[record.ID]bool{}
	var out []record.Record
	for _, last := range []bool{false, true} {
		page, err := op.List(List{Form: form, First: MaxPage, OrderBy: []Order{{Field: *f.fields[record.FieldID]}}, Backward: last})
		if err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			rec, ok := op.raw(f, r.ID())
			if ok && !met[r.ID()] {
				met[r.ID()] = true
				out = append(out, rec)
			}
		}
	}
	return out, op.failed()
}

// planGap is what is outside of a plan. For whom is not told: attributes are no
// developer's business.
type planGap struct {
	records int // looked at
	found   map[record.ID]bool
	samples []string
}

func (g *planGap) add(found []record.Record) {
	for _, rec := range found {
		id := rec.ID()
		if !g.found[id] && len(g.samples) < planSamples {
			g.samples = append(g.samples, id.String())
		}
		g.found[id] = true
	}
}

func (g *planGap) err() error {
	if len(g.found) == 0 {
		return nil
	}
	return fault.New(fault.Conflict, "engine.ActivateRule", "rule: sluice_plan of this module is too narrow: of %d records that you see it leaves out %d that sluice_decide shares with somebody, "+
		"among them %s. Widen sluice_plan, or have sluice_decide deny them, and upload the module again; the rule stays as it was",
		g.records, len(g.found), strings.Join(g.samples, ", "))
}
