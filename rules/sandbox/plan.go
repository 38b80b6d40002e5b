package sandbox

import (
	"context"
	"sync"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// maxPlans is how many viewers' plans a version keeps. Viewers with equal
// attributes have one.
const maxPlans = 4096

// plans are those of one version by the attributes of viewers. What they cost is
// kept with them and paid each time: fuel does not depend on who asked before.
type plans struct {
	mu sync.Mutex
	of map[string]plannedAs // guarded by mu
}

type plannedAs struct {
	plan  *rules.Plan
	fault rules.FaultKind
	fuel  int64
}

func (p *plans) get(key string) (plannedAs, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got, ok := p.of[key]
	return got, ok
}

func (p *plans) put(key string, of plannedAs) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxPlans {
		p.of = map[string]plannedAs{}
	}
	p.of[key] = of
}

var _ rules.Planner = (*Runner)(nil)

// Plan returns what the module's sluice_plan says. See [rules.Planner].
func (r *Runner) Plan(ctx context.Context, b *rules.Batch, fuel *rules.Fuel) (*rules.Plan, rules.FaultKind, error) {
	if err := ctx.Err(); err != nil {
		return nil, rules.NoFault, err
	}
	v, quarantined := r.pin(key{b.Tenant, b.Rule})
	if v == nil {
		return nil, rules.NoFault, nil
	}
	defer r.unpin(ctx, v)
	if quarantined || !v.plans {
		return nil, rules.NoFault, nil
	}
	p, err := r.plan(ctx, v, b, fuel)
	if p.fault == rules.FaultMissing { // nothing is granted then, one by one
		return nil, rules.NoFault, err
	}
	return p.plan, p.fault, err
}

// Outside asks the module about the rows that its plan does not hold for. See
// [rules.Planner].
func (r *Runner) Outside(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []bool) error {
	if len(out) != len(b.Rows) {
		return fault.New(fault.Internal, "sandbox.Outside", "%d answers for %d rows", len(out), len(b.Rows))
	}
	clear(out)
	if err := ctx.Err(); err != nil {
		return err
	}
	v, quarantined := r.pin(key{b.Tenant, b.Rule})
	if v == nil {
		return nil
	}
	defer r.unpin(ctx, v)
	if quarantined || !v.plans {
		return nil
	}
	p, err := r.plan(ctx, v, b, fuel)
	if err != nil || p.plan == nil {
		return err
	}
	sub, at := v.part(b, func(row []record.Value) bool { return !p.plan.Holds(row) })
	verdicts := make([]rules.Verdict, len(at))
	if err := r.decide(ctx, newQuery(v, sub, fuel, verdicts)); err != nil {
		return err
	}
	for i, n := range at {
		out[n] = verdicts[i].Grant > 0
	}
	return nil
}

// within asks about the rows that the module's plan holds for; the others keep the
// zero verdict. Rows that are not what the manifest declares are asked about too,
// and get their fault.
func (r *Runner) within(ctx context.Context, v *version, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if !v.plans || len(b.Rows) == 0 {
		return r.decide(ctx, newQuery(v, b, fuel, out))
	}
	p, err := r.plan(ctx, v, b, fuel)
	switch {
	case err != nil:
		return err
	case p.fault != rules.NoFault:
		failAll(out, p.fault)
		return nil
	case p.plan == nil:
		return r.decide(ctx, newQuery(v, b, fuel, out))
	}
	sub, at := v.part(b, func(row []record.Value) bool { return !v.shape.declared(row) || p.plan.Holds(row) })
	if len(at) == len(out) {
		return r.decide(ctx, newQuery(v, b, fuel, out))
	}
	verdicts := make([]rules.Verdict, len(at))
	if err := r.decide(ctx, newQuery(v, sub, fuel, verdicts)); err != nil {
		return err
	}
	for i, n := range at {
		out[n] = verdicts[i]
	}
	return nil
}

// part returns the batch of the rows that are taken, and where they were.
func (v *version) part(b *rules.Batch, take func([]record.Value) bool) (*rules.Batch, []int) {
	sub := *b
	sub.Rows = nil
	var at []int
	for i, row := range b.Rows {
		if take(row) {
			sub.Rows, at = append(sub.Rows, row), append(at, i)
		}
	}
	return &sub, at
}

// declared reports whether a row has the kinds of the manifest.
func (s *shape) declared(row []record.Value) bool {
	if len(row) != len(s.record) {
		return false
	}
	for i, v := range row {
		if !v.IsNull() && v.Kind() != s.record[i] {
			return false
		}
	}
	return true
}

// plan returns the plan for b.Viewer, of the version or of the guest, and charges
// what the guest spent for it. A viewer that the manifest does not declare has
// none: the rows fault one by one.
func (r *Runner) plan(ctx context.Context, v *version, b *rules.Batch, fuel *rules.Fuel) (plannedAs, error) {
	if fuel.Left <= 0 {
		return plannedAs{}, errSpent()
	}
	k := viewerKey(b.Viewer)
	p, ok := v.planned.get(k)
	if !ok {
		if err := r.fuel.enter(ctx, b.Tenant); err != nil {
			return plannedAs{}, err
		}
		var err error
		if p, err = v.askPlan(ctx, b.Viewer); err != nil {
			return plannedAs{}, err
		}
		r.fuel.spend(b.Tenant, p.fuel)
		if p.fault != rules.FaultMissing {
			v.planned.put(k, p)
		}
	}
	if fuel.Left -= p.fuel; fuel.Left < 0 {
		return plannedAs{}, errSpent()
	}
	return p, nil
}

// askPlan makes the call. The error is ctx's.
func (v *version) askPlan(ctx context.Context, viewer []record.Value) (plannedAs, error) {
	t, err := slot(ctx, v.key.tenant)
	if err != nil {
		return plannedAs{}, err
	}
	defer t.leave()
	g, err := v.guest(ctx)
	if err != nil {
		return plannedAs{fault: rules.FaultMissing}, nil
	}
	g.at = t
	text, a := g.askPlan(ctx, viewer)
	v.back(ctx, g, a.spoil || a.ended != nil)
	if a.ended != nil {
		return plannedAs{}, a.ended
	}
	out := plannedAs{fault: a.fault, fuel: a.used + v.cost()}
	if a.spoil {
		out.fuel += v.limits.discard
	}
	t.spend(a.inTurns(v.limits, out.fuel) - a.paid)
	switch {
	case a.fault == rules.FaultInput:
		out.fault = rules.NoFault
	case a.fault != rules.NoFault:
		out.fault = rules.FaultPlan
	case text != nil:
		if out.plan, err = rules.ParsePlan(v.manifest, text); err != nil {
			out.fault = rules.FaultPlan
		}
	}
	return out, nil
}

// askPlan asks the guest for its plan and copies it out of its memory. It is nil
// where the guest answers that it has none.
func (g *guest) askPlan(ctx context.Context, viewer []record.Value) ([]byte, answer) {
	buf, ok := g.mem.Read(g.v.state.base, uint32(g.v.shape.buffer))
	if !ok {
		return nil, answer{fault: rules.FaultTrap, spoil: true}
	}
	g.batch.buf, g.batch.base = buf, g.v.state.base
	if !g.v.shape.encodeViewer(&g.batch, viewer) {
		return nil, answer{fault: rules.FaultInput}
	}
	a := g.call(ctx, g.plan, 1)
	at := uint32(g.stack[0])
	if a.fault != rules.NoFault || at == 0 {
		return nil, a
	}
	length, ok := g.mem.ReadUint32Le(at)
	if ok && length <= rules.MaxPlan && uint64(at)+4 <= uint64(^uint32(0)) {
		if text, ok := g.mem.Read(at+4, length); ok {
			return append([]byte{}, text...), a
		}
	}
	a.fault = rules.FaultAnswer
	return nil, a
}

// viewerKey is the same for equal attributes, and for no others.
func viewerKey(viewer []record.Value) string {
	var b []byte
	for _, v := range viewer {
		b = rules.AppendValue(b, v)
	}
	return string(b)
}

// planText asks a fresh version for its plan for a viewer whose attributes are all
// null. The error, of kind Invalid, says what is wrong with it.
func (v *version) planText(ctx context.Context, g *guest) (string, error) {
	text, a := g.askPlan(ctx, make([]record.Value, len(v.shape.viewer)))
	v.back(ctx, g, a.spoil)
	const asked = "module: sluice_plan, asked for a viewer whose attributes are all null: "
	switch a.fault {
	case rules.NoFault:
	case rules.FaultAnswer:
		return "", fault.New(fault.Invalid, "sandbox", asked+"expected 0, or the address of a u32 length of at most %d and as many bytes, inside memory", rules.MaxPlan)
	default:
		return "", fault.New(fault.Invalid, "sandbox", asked+"it ended by %s", a.fault)
	}
	if text == nil {
		return "", nil
	}
	if _, err := rules.ParsePlan(v.manifest, text); err != nil {
		return "", fault.Wrap(fault.Invalid, "sandbox", err, asked+"%s", fault.Message(err))
	}
	return string(text), nil
}
