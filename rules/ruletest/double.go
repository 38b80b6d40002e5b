package ruletest

import (
	"context"
	"fmt"
	"sync"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// Func decides one record for one viewer, as a module would. Values follow the
// manifest's columns and are borrowed. A verdict with a Fault stands for a
// module that trapped or ran out of fuel; one out of range becomes
// [rules.FaultAnswer].
type Func func(viewer, row []record.Value) rules.Verdict

// Double is a [rules.Runner] that runs Go functions. It is safe for concurrent
// use; the functions must be too.
type Double struct {
	// Cost is the fuel that every record costs, 100 by [NewDouble]. Set it
	// before the first use.
	Cost int64

	mu     sync.RWMutex
	rules  map[rules.Hash]double // guarded by mu
	loaded map[loadKey]bool      // guarded by mu
	asked  map[rules.Hash]int    // guarded by mu
}

type double struct {
	manifest *rules.Manifest
	decide   Func
	plan     PlanFunc // nil for none
}

type loadKey struct {
	tenant identity.Tenant
	rule   rules.Hash
}

// PlanFunc gives a rule's plan for one viewer as JSON, as sluice_plan would; empty
// for none.
type PlanFunc func(viewer []record.Value) string

var _ rules.Planner = (*Double)(nil)

// NewDouble returns a double without rules.
func NewDouble() *Double {
	return &Double{Cost: 100, rules: map[rules.Hash]double{}, loaded: map[loadKey]bool{}, asked: map[rules.Hash]int{}}
}

// Register makes f the decision of a new rule and returns a module that stands
// for it: empty but for the manifest and name, which together make its hash.
// Registering the same manifest and name again replaces the function
// and keeps the plan. A module that shall count as one with a plan ([rules.MayPlan])
// has sluice_plan in its name. It panics
// on a manifest that is not valid: that is a mistake in the test.
func (d *Double) Register(name string, m *rules.Manifest, f Func) (module []byte, h rules.Hash) {
	if len(name) > 100 {
		panic("ruletest: name of more than 100 bytes")
	}
	if err := m.Validate(); err != nil {
		panic(fmt.Sprintf("ruletest: %s: %v", name, err))
	}
	module = append([]byte("\x00asm\x01\x00\x00\x00\x00"), byte(len(name)+2), byte(len(name)+1), '~')
	module, err := rules.Embed(append(module, name...), m.Marshal())
	if err != nil {
		panic(fmt.Sprintf("ruletest: %s: %v", name, err))
	}
	h = rules.HashOf(module)
	parsed, err := rules.ReadManifest(module)
	if err != nil {
		panic(fmt.Sprintf("ruletest: %s: %v", name, err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules[h] = double{parsed, f, d.rules[h].plan}
	return module, h
}

// SetPlan gives a registered rule a plan. It does not change the rule's hash.
func (d *Double) SetPlan(h rules.Hash, f PlanFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rule := d.rules[h]
	rule.plan = f
	d.rules[h] = rule
}

// Plan returns what the rule's PlanFunc says. It costs as much fuel as a record.
func (d *Double) Plan(ctx context.Context, b *rules.Batch, fuel *rules.Fuel) (*rules.Plan, rules.FaultKind, error) {
	if err := ctx.Err(); err != nil {
		return nil, rules.NoFault, err
	}
	d.mu.RLock()
	rule := d.rules[b.Rule]
	ready := d.loaded[loadKey{b.Tenant, b.Rule}]
	d.mu.RUnlock()
	if !ready || rule.plan == nil {
		return nil, rules.NoFault, nil
	}
	if fuel.Left -= d.Cost; fuel.Left < 0 {
		return nil, rules.NoFault, fault.New(fault.Limit, "ruletest.Plan", "custom rules: the query spent its fuel; narrow it with a filter")
	}
	p, kind := rule.planFor(b.Viewer)
	return p, kind, nil
}

// planFor returns the plan, nil for none, and FaultPlan where it cannot be read.
func (r double) planFor(viewer []record.Value) (*rules.Plan, rules.FaultKind) {
	if r.plan == nil || !fits(r.manifest.Viewer, viewer) {
		return nil, rules.NoFault
	}
	text := r.plan(viewer)
	if text == "" {
		return nil, rules.NoFault
	}
	p, err := rules.ParsePlan(r.manifest, []byte(text))
	if err != nil {
		return nil, rules.FaultPlan
	}
	return p, rules.NoFault
}

// Outside compares the rule's function with its plan.
func (d *Double) Outside(ctx context.Context, b *rules.Batch, _ *rules.Fuel, out []bool) error {
	if len(out) != len(b.Rows) {
		return fault.New(fault.Internal, "ruletest.Outside", "%d answers for %d rows", len(out), len(b.Rows))
	}
	clear(out)
	d.mu.RLock()
	rule := d.rules[b.Rule]
	ready := d.loaded[loadKey{b.Tenant, b.Rule}]
	d.mu.RUnlock()
	p, _ := rule.planFor(b.Viewer)
	if !ready || p == nil {
		return ctx.Err()
	}
	for i, row := range b.Rows {
		out[i] = !p.Holds(row) && rule.alone(b.Viewer, row).Grant > 0
	}
	return ctx.Err()
}

// Load makes a registered module ready for the tenant; any other is refused.
func (d *Double) Load(ctx context.Context, tenant identity.Tenant, module []byte) (rules.Hash, error) {
	if err := ctx.Err(); err != nil {
		return rules.Hash{}, err
	}
	h := rules.HashOf(module)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.rules[h]; !ok || tenant.IsZero() {
		return rules.Hash{}, fault.New(fault.Invalid, "ruletest.Load", "module: not registered with this double")
	}
	d.loaded[loadKey{tenant, h}] = true
	return h, nil
}

// Loaded reports whether Load made the rule ready for the tenant.
func (d *Double) Loaded(tenant identity.Tenant, h rules.Hash) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.loaded[loadKey{tenant, h}]
}

// Unload forgets the rule for the tenant, as eviction would.
func (d *Double) Unload(tenant identity.Tenant, h rules.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.loaded, loadKey{tenant, h})
}

// Asked returns the number of records that Decide was asked about the rule.
func (d *Double) Asked(h rules.Hash) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.asked[h]
}

// Decide runs the function on every row.
func (d *Double) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if len(out) != len(b.Rows) {
		return fault.New(fault.Internal, "ruletest.Decide", "%d verdicts for %d rows", len(out), len(b.Rows))
	}
	clear(out)
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	rule := d.rules[b.Rule]
	ready := d.loaded[loadKey{b.Tenant, b.Rule}]
	d.asked[b.Rule] += len(b.Rows)
	d.mu.Unlock()
	for i, row := range b.Rows {
		if err := ctx.Err(); err != nil {
			clear(out)
			return err
		}
		if !ready {
			out[i].Fault = rules.FaultMissing
			continue
		}
		if fuel.Left -= d.Cost; fuel.Left < 0 {
			clear(out)
			return fault.New(fault.Limit, "ruletest.Decide", "custom rules: the query spent its fuel; narrow it with a filter")
		}
		out[i] = rule.ask(b.Viewer, row)
	}
	return nil
}

// ask is what the rule says of a record: nothing where its plan does not hold.
func (r double) ask(viewer, row []record.Value) rules.Verdict {
	p, kind := r.planFor(viewer)
	switch {
	case kind != rules.NoFault:
		return rules.Verdict{Fault: kind}
	case p != nil && fits(r.manifest.Record, row) && !p.Holds(row):
		return rules.Verdict{}
	}
	return r.alone(viewer, row)
}

// alone is what the rule's function says, without its plan.
func (r double) alone(viewer, row []record.Value) rules.Verdict {
	if !fits(r.manifest.Viewer, viewer) || !fits(r.manifest.Record, row) {
		return rules.Verdict{Fault: rules.FaultInput}
	}
	return r.manifest.Accept(r.decide(viewer, row))
}

// fits reports whether values are those of the columns: as many, each null or
// of the declared kind.
func fits(columns []rules.Column, values []record.Value) bool {
	if len(columns) != len(values) {
		return false
	}
	for i, c := range columns {
		if !values[i].IsNull() && values[i].Kind() != c.Type.Kind() {
			return false
		}
	}
	return true
}
