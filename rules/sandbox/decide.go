package sandbox

import (
	"context"
	"encoding/binary"
	"time"

	"sluice/internal/fault"
	"sluice/rules"
)

// One record in 64 is asked again alone: one in checkedRecords of every window
// of MaxBatch records in checkedWindows. To check more records of fewer batches
// costs fewer resets. Which windows, [rules.Batch.Sample] says: an operation asks about
// one window at a time.
//
// Fewer records than a window are nobody's quarter: of those, checkedOfFew are asked
// again each time, so that a rule about a form of a few records is held to it too. Of
// them checkedOpen are such that the rule opened something of, as far as there are.
const (
	checkedRecords = 16
	checkedWindows = 4
	checkedOfFew   = 4
	checkedOpen    = 3
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
	few   int                 // of fewer rows than a window, how many are still to be asked again
	again [checkedRecords]int // backs what chosen returns
	turn  turn                // at the slots; it owes the fuel spent, faults weighed
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
	if b.Beside && !r.fuel.spares(b.Tenant) {
		return errNothingToSpare()
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
		err = r.within(ctx, v, b, fuel, out)
	}
	if err != nil {
		clear(out)
		return err
	}
	r.report(b, out)
	return nil
}

func newQuery(v *version, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) *query {
	return &query{v: v, b: b, fuel: fuel, out: out, size: MaxBatch, phase: phase(b), few: checkedOfFew}
}

// decide asks about all rows. It holds one turn for as long as nobody waits who has
// spent less.
func (r *Runner) decide(ctx context.Context, q *query) error {
	q.turn = turn{g: slots(), tenant: q.b.Tenant}
	defer q.leave()
	for dry := r.fuel.wait(q.b.Tenant) > 0; q.next < len(q.out); {
		if dry {
			if err := r.refill(ctx, q); err != nil {
				return err
			}
		}
		if err := q.turn.take(ctx); err != nil {
			return err
		}
		before := q.fuel.Left
		how, err := q.step(ctx)
		dry = r.fuel.spend(q.b.Tenant, before-q.fuel.Left) > 0
		if err != nil {
			return err
		}
		switch how {
		case spent:
			return errSpent()
		case impure:
			if !q.b.Beside {
				r.quarantine(q.v.key, rules.FaultImpure)
			}
			failAll(q.out, rules.FaultImpure)
			return nil
		case missing:
			failAll(q.out[q.next:], rules.FaultMissing)
			return nil
		}
	}
	return nil
}

// refill waits until the tenant has fuel, which it does without a turn.
func (r *Runner) refill(ctx context.Context, q *query) error {
	q.turn.leave()
	began := time.Now()
	defer func() { q.fuel.Waited += time.Since(began).Nanoseconds() }()
	return r.fuel.enter(ctx, q.b.Tenant)
}

func (q *query) leave() {
	q.turn.leave()
	q.fuel.Waited += q.turn.waited
}

func errSpent() error {
	return fault.New(fault.Limit, "sandbox.Decide", "custom rules: the query spent its fuel; narrow it with a filter")
}

// step makes one call with one guest, and the calls that check it. The caller has
// the turn.
func (q *query) step(ctx context.Context) (outcome, error) {
	if q.fuel.Left <= 0 {
		return spent, nil
	}
	g, err := q.v.guest(ctx)
	if err != nil {
		return missing, nil //nolint:nilerr // no guest can be made: that is the fault of the records, and not of the query
	}
	limit := q.size
	if q.next < q.alone {
		limit = 1
	}
	from := q.next
	g.at = &q.turn
	a := g.ask(ctx, q.b.Viewer, q.b.Rows[from:], limit)
	q.pay(a)
	if a.ended != nil {
		q.v.back(ctx, g, true)
		return goOn, a.ended
	}
	q.charge(q.v.cost())
	q.settle(g, a)
	q.v.back(ctx, g, a.spoil)
	if a.fault != rules.NoFault || a.n < 2 {
		return q.budget(), nil
	}
	return q.check(ctx, from)
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
	used := a.used
	if a.spoil {
		used += q.v.limits.discard
	}
	q.fuel.Left -= used
	q.turn.owed += a.inTurns(q.v.limits, used) - a.paid
	q.turn.vain = a.fault != rules.NoFault
}

func (q *query) charge(fuel int64) {
	q.fuel.Left -= fuel
	q.turn.owed += fuel
}

// settle writes the verdicts of a call, or decides how to ask again.
func (q *query) settle(g *guest, a answer) {
	switch {
	case a.fault == rules.NoFault:
		for i := range a.n {
			q.out[q.next+i] = q.v.manifest.Accept(g.batch.verdict(i))
		}
		q.next += a.n
		q.size = batchSize(q.v.limits.call, a.used, a.n)
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
func batchSize(call, used int64, n int) int {
	if used < 1 {
		return MaxBatch
	}
	return int(min(max(call*3/4*int64(n)/used, 1), MaxBatch))
}

// check asks again, alone, about the records of the last call that are due.
// Between those single questions the guest is not reset: a module whose answer
// changes by that is not pure either. It is handed back with the turn, though, when
// they have spent as much as a call may.
func (q *query) check(ctx context.Context, from int) (outcome, error) {
	if q.v.noPurity {
		return q.budget(), nil
	}
	for rows := q.chosen(from); len(rows) > 0; {
		if err := q.turn.take(ctx); err != nil {
			return goOn, err
		}
		g, err := q.v.guest(ctx)
		if err != nil {
			return missing, nil //nolint:nilerr // as in step
		}
		q.charge(q.v.cost())
		spoil := false
		g.at = &q.turn
		for used := int64(0); len(rows) > 0 && !spoil && used < q.v.limits.call; rows = rows[1:] {
			due := rows[0]
			a := g.ask(ctx, q.b.Viewer, q.b.Rows[due:due+1], 1)
			q.pay(a)
			if a.ended != nil {
				q.v.back(ctx, g, true)
				return goOn, a.ended
			}
			spoil, used = a.spoil, used+a.used
			if a.fault != rules.NoFault || q.v.manifest.Accept(g.batch.verdict(0)) != q.out[due] {
				q.v.back(ctx, g, true)
				return impure, nil
			}
		}
		q.v.back(ctx, g, spoil)
	}
	return q.budget(), nil
}

// chosen lists the rows of the last call that are to be asked again alone.
func (q *query) chosen(from int) []int {
	rows := q.again[:0]
	if len(q.out) >= MaxBatch {
		for at := q.due(from); at < q.next; at = q.due(at + 1) {
			rows = append(rows, at)
		}
		return rows
	}
	n := q.next - from
	for _, open := range []bool{true, false} {
		most := min(q.few, checkedOpen)
		if !open {
			most = q.few
		}
		for i := 0; i < n && len(rows) < most; i++ {
			at := from + int((q.phase+q.b.Sample/(checkedRecords*checkedWindows)+uint64(i))%uint64(n))
			if (q.out[at] != rules.Verdict{}) == open {
				rows = append(rows, at)
			}
		}
	}
	q.few -= len(rows)
	return rows
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

// phase chooses which rows are asked alone: always the same for the same rule,
// number of rows and Sample, and not the same for all.
func phase(b *rules.Batch) uint64 {
	return (binary.LittleEndian.Uint64(b.Rule[:]) + uint64(len(b.Rows)) + b.Sample) % (checkedRecords * checkedWindows)
}

func failAll(out []rules.Verdict, kind rules.FaultKind) {
	for i := range out {
		out[i] = rules.Verdict{Fault: kind}
	}
}

// report counts the faults in out for the hooks.
func (r *Runner) report(b *rules.Batch, out []rules.Verdict) {
	if r.opts.Events.Fault == nil || b.Beside {
		return
	}
	var counts [rules.FaultKinds]int
	for i := range out {
		counts[out[i].Fault]++
	}
	for kind, n := range counts {
		if n > 0 && rules.FaultKind(kind) != rules.NoFault {
			r.opts.Events.Fault(b.Tenant, b.Rule, rules.FaultKind(kind), n)
		}
	}
}
