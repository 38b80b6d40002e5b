package sandbox

import (
	"context"
	"encoding/binary"

	"sluice/internal/fault"
	"sluice/rules"
)

// One record in 64 is asked again alone: one in checkedRecords of every window
// of MaxBatch records in checkedWindows. To check more records of fewer batches
// costs fewer resets.
const (
	checkedRecords = 16
	checkedWindows = 4
)

// query is one Decide in progress.
type query struct {
	v     *version
	b     *rules.Batch
	fuel  *rules.Fuel
	out   []rules.Verdict
	next  int // the first row without a verdict
	size  int // rows to put into the next call
	alone int // rows before this one are asked alone: a call with them failed
	phase uint64
}

// outcome ends a Decide early.
type outcome uint8

const (
	goOn outcome = iota
	spent
	impure
	missing
)

// Decide asks the rule about all rows of b, in calls of up to [MaxBatch]. See
// [rules.Runner]. What it spends depends on module, viewer and rows alone.
func (r *Runner) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if len(out) != len(b.Rows) {
		return fault.New(fault.Internal, "sandbox.Decide", "%d verdicts for %d rows", len(out), len(b.Rows))
	}
	clear(out)
	if err := ctx.Err(); err != nil {
		return err
	}
	k := key{b.Tenant, b.Rule}
	v, quarantined := r.pin(k)
	if v != nil {
		defer r.unpin(ctx, v)
	}
	var err error
	switch {
	case quarantined:
		failAll(out, rules.FaultQuarantine)
	case v == nil:
		failAll(out, rules.FaultMissing)
	default:
		err = r.decide(ctx, &query{v: v, b: b, fuel: fuel, out: out, size: MaxBatch, phase: phase(b)})
	}
	if err != nil {
		clear(out)
		return err
	}
	r.report(b, out)
	return nil
}

func (r *Runner) decide(ctx context.Context, q *query) error {
	for q.next < len(q.out) {
		how, err := q.step(ctx)
		if err != nil {
			return err
		}
		switch how {
		case spent:
			return fault.New(fault.Limit, "sandbox.Decide", "custom rules: the query spent its fuel; narrow it with a filter")
		case impure:
			r.quarantine(q.v.key, rules.FaultImpure)
			failAll(q.out, rules.FaultImpure)
			return nil
		case missing:
			failAll(q.out[q.next:], rules.FaultMissing)
			return nil
		}
	}
	return nil
}

// step makes one call with one guest, and the calls that check it.
func (q *query) step(ctx context.Context) (outcome, error) {
	if q.fuel.Left <= 0 {
		return spent, nil
	}
	release, err := slot(ctx)
	if err != nil {
		return goOn, err
	}
	defer release()
	g, err := q.v.guest(ctx)
	if err != nil {
		return missing, nil
	}
	limit := q.size
	if q.next < q.alone {
		limit = 1
	}
	from := q.next
	a := g.ask(ctx, q.b.Viewer, q.b.Rows[from:], limit)
	q.pay(a)
	q.fuel.Left -= q.v.cost()
	q.settle(g, a)
	if a.fault != rules.NoFault || a.n < 2 {
		q.v.back(ctx, g, a.spoil)
		return q.budget(), nil
	}
	return q.check(ctx, g, from, a.spoil), nil
}

func (q *query) budget() outcome {
	if q.fuel.Left < 0 {
		return spent
	}
	return goOn
}

// pay charges the query for a call: what the guest used, and what it takes to
// make another if it is spoiled. What it takes to put it back, version.cost, is
// charged once per reset.
func (q *query) pay(a answer) {
	q.fuel.Left -= a.used
	if a.spoil {
		q.fuel.Left -= discardFuel
	}
}

// settle writes the verdicts of a call, or decides how to ask again.
func (q *query) settle(g *guest, a answer) {
	switch {
	case a.fault == rules.NoFault:
		for i := range a.n {
			q.out[q.next+i] = q.v.manifest.Accept(g.batch.verdict(i))
		}
		q.next += a.n
		q.size = batchSize(a.used, a.n)
	case a.n <= 1: // it fails alone, or does not even fit alone
		q.out[q.next] = rules.Verdict{Fault: a.fault}
		q.next++
	case a.fault == rules.FaultFuel:
		q.size = max(1, a.n/4)
	default:
		q.alone = q.next + a.n
	}
}

// batchSize returns how many records to put into the next call so that it
// leaves a quarter of its fuel.
func batchSize(used int64, n int) int {
	if used < 1 {
		return MaxBatch
	}
	return int(min(max(RecordFuel*3/4*int64(n)/used, 1), MaxBatch))
}

// check hands the guest back and asks again, alone, about the records of the
// last call that are due. Between those single questions the guest is not reset:
// a module whose answer changes by that is not pure either.
func (q *query) check(ctx context.Context, g *guest, from int, spoil bool) outcome {
	q.v.back(ctx, g, spoil)
	due := q.due(from)
	if due >= q.next || q.v.noPurity {
		return q.budget()
	}
	g, err := q.v.guest(ctx)
	if err != nil {
		return missing
	}
	q.fuel.Left -= q.v.cost()
	for spoil = false; due < q.next; due = q.due(due + 1) {
		if spoil {
			g.close(ctx)
			if g, err = q.v.guest(ctx); err != nil {
				return missing
			}
		}
		a := g.ask(ctx, q.b.Viewer, q.b.Rows[due:due+1], 1)
		q.pay(a)
		spoil = a.spoil
		if a.fault != rules.NoFault || q.v.manifest.Accept(g.batch.verdict(0)) != q.out[due] {
			q.v.back(ctx, g, true)
			return impure
		}
	}
	q.v.back(ctx, g, spoil)
	return q.budget()
}

// due returns the first row from there on that is to be asked alone.
func (q *query) due(from int) int {
	at := from + int((q.phase-uint64(from))%checkedRecords)
	late := (uint64(at/MaxBatch) + q.phase/checkedRecords) % checkedWindows
	if late == 0 {
		return at
	}
	start := (at/MaxBatch + checkedWindows - int(late)) * MaxBatch
	return start + int(q.phase%checkedRecords) // a window is a whole number of steps
}

// phase chooses which rows are asked alone: always the same for the same rule
// and number of rows, and not the same for all.
func phase(b *rules.Batch) uint64 {
	return (binary.LittleEndian.Uint64(b.Rule[:]) + uint64(len(b.Rows))) % (checkedRecords * checkedWindows)
}

func failAll(out []rules.Verdict, kind rules.FaultKind) {
	for i := range out {
		out[i] = rules.Verdict{Fault: kind}
	}
}

// report counts the faults in out for the hooks.
func (r *Runner) report(b *rules.Batch, out []rules.Verdict) {
	if r.opts.Events.Fault == nil {
		return
	}
	var counts [rules.FaultQuarantine + 1]int
	for i := range out {
		counts[out[i].Fault]++
	}
	for kind, n := range counts {
		if n > 0 && rules.FaultKind(kind) != rules.NoFault {
			r.opts.Events.Fault(b.Tenant, b.Rule, rules.FaultKind(kind), n)
		}
	}
}
