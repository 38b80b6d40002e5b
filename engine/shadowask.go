package engine

import (
	"context"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// shadowed is a record of a question, with what the deciding module says of it.
type shadowed struct {
	rec record.Record
	old policy.Outcome
}

// askShadow asks the module that runs beside the deciding one about the records of a
// question and some more.
func (e *Engine) askShadow(ctx context.Context, job *shadowJob) ([]shadowPair, error) {
	snap, err := e.o.Store.Tenant(job.tenant).Snapshot()
	if err != nil {
		return nil, err
	}
	op := &Op{e: e, ctx: ctx, r: snap, app: job.app}
	defer snap.Close()
	if ready, err := op.ready(job.shadow.binding); err != nil || !ready {
		return nil, err
	}
	all, err := job.asked(snap)
	if err == nil {
		all, err = op.around(job, all)
	}
	if err != nil || len(all) == 0 {
		return nil, err
	}
	recs := make([]record.Record, len(all))
	for i := range all {
		recs[i] = all[i].rec
	}
	verdicts, err := op.besideOf(job, job.shadow.binding, recs)
	found := make([]shadowPair, len(verdicts))
	for i, v := range verdicts {
		found[i] = job.pair(all[i], outcomeOf(job.form, job.rule, job.shadow.binding, v))
	}
	return found, err
}

func (job *shadowJob) pair(s shadowed, o policy.Outcome) shadowPair {
	old, next := shadowVerdict(job.form, job.rule, s.old), shadowVerdict(job.form, job.rule, o)
	return shadowPair{
		Form: job.form.def.Number, Record: s.rec.ID(), Version: s.rec.Version(), Viewer: job.view.Viewer().User,
		Kind: shadowKind(old, next), Old: old, New: next,
	}
}

// asked reads the records of the question as they were asked about; one that was
// changed since is left out.
func (job *shadowJob) asked(r storage.Reader) ([]shadowed, error) {
	var out []shadowed
	for _, item := range job.items {
		if !item.known {
			continue
		}
		rec, ok, err := r.Record(job.form.store, item.key.id)
		if err != nil {
			return nil, err
		}
		if ok && rec.Version() == item.key.version {
			out = append(out, shadowed{rec, item.old})
		}
	}
	return out, nil
}

// around adds the records that come next in the form, and asks the deciding module
// about them: its kept answers and its plan keep records out of lists that nobody is
// asked about then, and a version that grants more would go unnoticed.
func (op *Op) around(job *shadowJob, all []shadowed) ([]shadowed, error) {
	recs, err := op.coming(job, all)
	if err != nil || len(recs) == 0 {
		return all, err
	}
	b := op.app.bindings[job.rule]
	verdicts, err := op.decidingOf(job, b, recs)
	for i, v := range verdicts {
		all = append(all, shadowed{recs[i], outcomeOf(job.form, job.rule, b, v)})
	}
	return all, err
}

// decidingOf is what the deciding module says of records, or that there is none.
func (op *Op) decidingOf(job *shadowJob, b *binding, recs []record.Record) ([]rules.Verdict, error) {
	kind := rules.FaultMissing
	if b != nil && b.quarantined {
		kind = rules.FaultQuarantine
	} else if ready, err := op.ready(b); err != nil || ready {
		if err != nil {
			return nil, err
		}
		return op.besideOf(job, b, recs)
	}
	out := make([]rules.Verdict, len(recs))
	for i := range out {
		out[i].Fault = kind
	}
	return out, nil
}

// coming walks on in the form, and begins anew at its end. Records that somebody hides
// from the viewer, and those of the question, are left out.
func (op *Op) coming(job *shadowJob, all []shadowed) ([]record.Record, error) {
	job.run.mu.Lock()
	defer job.run.mu.Unlock()
	have := map[record.ID]bool{}
	for i := range all {
		have[all[i].rec.ID()] = true
	}
	low := record.Ref(job.run.next)
	c := op.r.Records(job.form.store, storage.Range{Low: &storage.Bound{Value: low, Exclusive: true}})
	defer c.Close()
	var out []record.Record
	n := 0
	for n < shadowAround && c.Next() {
		n++
		rec := c.Record()
		job.run.next = rec.ID()
		if !have[rec.ID()] && !job.view.Hides(job.form.def.Number, rec) {
			out = append(out, rec.Clone())
		}
	}
	if n < shadowAround {
		job.run.next = record.ID{}
	}
	return out, c.Err()
}

// besideOf asks a module about records in a way that decides nothing. A question that
// takes too much fuel is asked about its first record alone, of whose cost that is a
// fault: the answer may be shorter than recs. A module that cannot be kept loaded long
// enough is no fault of what it would say, and an error.
func (op *Op) besideOf(job *shadowJob, b *binding, recs []record.Record) ([]rules.Verdict, error) {
	fuel := rules.Fuel{Left: shadowFuel}
	batch := batchOf(job.tenant, b, job.view.Viewer().Attributes, recs)
	batch.Beside = true
	out := make([]rules.Verdict, len(recs))
	ready, err := op.put(b, batch, &fuel, out)
	missing := func(v rules.Verdict) bool { return v.Fault == rules.FaultMissing }
	switch {
	case err == nil && (!ready || slices.ContainsFunc(out, missing)):
		return nil, fault.New(fault.Unavailable, opShadow, "the module made room for others")
	case fault.KindOf(err) != fault.Limit || fuel.Left > 0 || op.ctx.Err() != nil:
		return out, err
	case len(recs) > 1:
		return op.besideOf(job, b, recs[:1])
	}
	return []rules.Verdict{{Fault: rules.FaultFuel}}, nil
}
