package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// What a rule's plan leaves out is never put to its module, so that a plan that is too
// narrow would take access away in silence. Operations therefore put some of it there:
// a grant outside of the plan is the fault FaultPlan of that record, which gives
// nobody anything and is logged. It does not count for a quarantine, which would take
// more away.
const (
	// planAudits is how many records an operation puts to modules although a plan
	// leaves them out, of those that it reads anyway.
	planAudits = 8
	// auditFuel is what one such question may spend, beside the fuel of the query. A
	// question that spends it tells nothing.
	auditFuel = 4_000_000
	// scoutEvery is after how many operations that read by a plan one looks beside it,
	// at scoutedRecords: those never read what the plan leaves out.
	scoutEvery     = 16
	scoutedRecords = 4
)

// audit marks records that a module shares outside of its plan as faults, in a sample
// of those that the module was asked about and shares nothing of.
func (op *Op) audit(rule *definition.CustomRule, b *binding, recs []record.Record, verdicts []rules.Verdict) {
	if b == nil || !b.plans || rule.Effect != definition.Share || !op.watched() {
		return
	}
	var at []int
	var sample []record.Record
	for i, rec := range recs {
		if op.audited < planAudits && verdicts[i] == (rules.Verdict{}) && sampled(rec.ID()) {
			op.audited++
			at, sample = append(at, i), append(sample, rec)
		}
	}
	for _, rec := range op.audits(b, sample) {
		verdicts[at[slices.IndexFunc(sample, func(r record.Record) bool { return r.ID() == rec.ID() })]] = rules.Verdict{Fault: rules.FaultPlan}
	}
}

// audits is outsideOf for the viewer of the operation. A budget that is spent, of the
// question or of the tenant, tells nothing and fails nobody's query.
func (op *Op) audits(b *binding, recs []record.Record) []record.Record {
	fuel := rules.Fuel{Left: auditFuel}
	found, err := op.outsideOf(b, op.view.Viewer().Attributes, recs, &fuel)
	if err != nil && fault.KindOf(err) != fault.Limit {
		op.fail(err)
	}
	for _, rec := range found {
		if op.narrow == nil {
			op.narrow = map[record.ID]bool{}
		}
		op.narrow[rec.ID()] = true
	}
	return found
}

// scout looks at a few records beside what a plan leads to, now and then, each time in
// another place of the form.
func (op *Op) scout(rule *definition.CustomRule, b *binding) {
	if !b.plans || op.snapshot == nil || !op.watched() {
		return
	}
	turn, due := op.e.watches.scouts(ruleKey{op.r.Tenant(), op.app.def.Name, rule.Name})
	def, ok := op.app.def.Form(rule.Form)
	if !due || !ok {
		return
	}
	f := op.app.forms[def.Number]
	found := op.audits(b, op.scouted(f, turn))
	if len(found) == 0 {
		return
	}
	verdicts := make([]rules.Verdict, len(found))
	for i := range verdicts {
		verdicts[i].Fault = rules.FaultPlan
		op.e.faulted(op.r.Tenant(), op.app.def.Name, rule.Name, rules.FaultPlan)
	}
	op.watch(ruleAnswers{rule: rule, binding: b, form: f, records: found, verdicts: verdicts})
}

// scouts counts the operations that read by a rule's plan, and says which of them are
// due to look beside it.
func (w *ruleWatches) scouts(k ruleKey) (turn uint64, due bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.at(k)
	x.planned++
	return x.planned / scoutEvery, x.planned%scoutEvery == 0
}

// scouted reads a few records of a form from a place on that moves from turn to turn,
// so that the places of many turns are even.
func (op *Op) scouted(f *form, turn uint64) []record.Record {
	first, ok := op.endOf(f, false)
	last, ok2 := op.endOf(f, true)
	if !ok || !ok2 {
		return nil
	}
	out := op.nextTo(f, placeBetween(first, last, turn))
	if len(out) == 0 {
		out = op.nextTo(f, first)
	}
	return out
}

// golden spreads its multiples evenly over all numbers of 64 bits.
const golden = 0x9e3779b97f4a7c15

// placeBetween is a place among ids: their first 48 bits are a time, the next 12 count
// the records of one write, and the last are random. Of records with one time, every
// second turn leads into those of one write, and the others to those of many.
func placeBetween(first, last record.ID, turn uint64) (place record.ID) {
	low, high := binary.BigEndian.Uint64(first[:])>>16, binary.BigEndian.Uint64(last[:])>>16
	part, _ := bits.Mul64(turn*golden, high-low+1)
	fine := turn * golden * golden
	head := (low+part)<<16 | 0x7000
	if turn%2 == 0 {
		head |= fine >> 52
	} else {
		binary.BigEndian.PutUint64(place[8:], 1<<63|fine>>2)
	}
	binary.BigEndian.PutUint64(place[:], head)
	return place
}

// nextTo reads a few records from a place on that are not hidden from the viewer.
func (op *Op) nextTo(f *form, from record.ID) (out []record.Record) {
	c := op.r.Records(f.store, storage.Range{Low: &storage.Bound{Value: record.Ref(from)}})
	defer c.Close()
	for n := 0; n < scoutedRecords && c.Next(); n++ {
		if rec := c.Record(); !op.view.Hides(f.def.Number, rec) {
			out = append(out, rec.Clone())
		}
	}
	if err := c.Err(); err != nil {
		op.fail(err)
	}
	return out
}

func (op *Op) endOf(f *form, last bool) (record.ID, bool) {
	c := op.r.Records(f.store, storage.Range{Desc: last})
	defer c.Close()
	if !c.Next() {
		if err := c.Err(); err != nil {
			op.fail(err)
		}
		return record.ID{}, false
	}
	return c.Record().ID(), true
}
