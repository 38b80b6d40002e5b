package engine

import (
	"maps"
	"slices"

	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// compareChunk is how many records are looked at between two looks at the asker's
// rights.
const compareChunk = 8 * windowSize

// comparison is a Compare on its way.
//
// People are put into kins, and records into those of equal signature on both
// sides. A kin is decided once for a pair of signatures, by the same policy.Decide
// as everybody else; whom a record names, as its owner for instance, is decided one
// by one.
type comparison struct {
	op            *Op
	o             *CompareOptions
	before, after *side
	stands        func() error // looks at the asker's credential and rights
	sameRules     bool         // both sides have the same definition, modules and hides
	people        []*compared
	at            map[record.ID]int // of people
	kins          []*kin
	grains        map[grainKey]*grain
	signatures    map[string]uint32
	questioned    map[string]uint32
	verdicts      map[asked]rules.Verdict
	key, askKey   []byte // scratch
	seen          int    // records so far: numbers for compared.special
	done, total   int
}

func newComparison(op *Op, before, after *side, o *CompareOptions) *comparison {
	after.later = true
	c := &comparison{
		op: op, o: o, before: before, after: after, stands: op.stands, sameRules: before.app == after.app && slices.Equal(before.hides, after.hides),
		at: map[record.ID]int{}, grains: map[grainKey]*grain{}, signatures: map[string]uint32{}, questioned: map[string]uint32{}, verdicts: map[asked]rules.Verdict{},
	}
	ids := slices.AppendSeq(slices.Collect(maps.Keys(before.viewers)), maps.Keys(after.viewers))
	slices.SortFunc(ids, compareIDs)
	c.gather(slices.Compact(ids))
	return c
}

func (c *comparison) run(d *Difference) error {
	d.People = len(c.people)
	if err := c.count(); err != nil {
		return err
	}
	for _, t := range c.ledgers() {
		if err := c.walk(t); err != nil {
			return err
		}
		t.close()
		d.Records += t.records
		d.Exposed = append(d.Exposed, t.exposures()...)
		if f := t.difference(); f != nil {
			d.Forms = append(d.Forms, *f)
		}
	}
	d.Shapes = c.shapes()
	return nil
}

// ledgers are the forms of both sides, in the order of the new one.
func (c *comparison) ledgers() (out []*ledger) {
	for _, f := range c.after.app.def.Forms {
		out = append(out, c.newLedger(f.Number))
	}
	for _, f := range c.before.app.def.Forms {
		if c.after.app.forms[f.Number] == nil {
			out = append(out, c.newLedger(f.Number))
		}
	}
	return out
}

// count finds how many records the asker sees, by indexes as far as those tell.
func (c *comparison) count() error {
	if c.o.Progress == nil {
		return nil
	}
	for _, f := range c.op.app.def.Forms {
		if s, ok := c.op.view.Shape().Form(f.Number); !ok || !s.View {
			continue
		}
		c.op.fuel = rules.Fuel{Left: rules.QueryFuel}
		page, err := c.op.List(List{Form: f.Number, Total: true})
		if err != nil {
			return err
		}
		c.total += page.Total
	}
	c.o.Progress(0, c.total)
	return nil
}

// walk compares every record of a form that the asker sees now.
func (c *comparison) walk(t *ledger) error {
	f := c.op.app.forms[t.number]
	if f == nil {
		return nil // the asker sees no record of it
	}
	records := c.op.r.Records(f.store, storage.Range{})
	defer records.Close()
	var window []record.Record
	for n := 0; ; {
		more := records.Next()
		if more {
			window = append(window, records.Record().Clone())
		}
		if len(window) == windowSize || !more {
			if err := c.settle(t, f, window); err != nil {
				return err
			}
			if n += len(window); n%compareChunk == 0 || !more {
				if err := c.pause(); err != nil {
					return err
				}
			}
			window = window[:0]
		}
		if !more {
			return records.Err()
		}
	}
}

// pause looks whether the asker may still compare, and tells how far it is.
func (c *comparison) pause() error {
	if err := c.stands(); err != nil {
		return err
	}
	if c.o.Progress != nil {
		c.o.Progress(c.done, max(c.total, c.done))
	}
	return nil
}

// settle compares a window of records, with the fuel of one query for each rule.
func (c *comparison) settle(t *ledger, f *form, window []record.Record) error {
	if err := c.op.ctx.Err(); err != nil {
		return err
	}
	c.trim(t)
	c.op.fuel = rules.Fuel{Left: rules.QueryFuel}
	c.op.askShown(f, rulesIn(c.op.view.Reach(f.def.Number, viewAction), nil), window)
	seen := make([]sifted, 0, len(window))
	for _, rec := range window {
		if c.op.view.Decide(f.def.Number, viewAction, &subject{op: c.op, form: f, rec: rec}) {
			seen = append(seen, c.sift(t, rec))
		}
	}
	c.ask(t, seen)
	for i := range seen {
		if err := c.op.failed(); err != nil {
			return err
		}
		if err := t.take(&seen[i]); err != nil {
			return err
		}
	}
	c.done += len(seen)
	return c.op.failed()
}

// trim forgets what may be forgotten.
func (c *comparison) trim(t *ledger) {
	c.op.trim()
	clear(c.verdicts)
	grounds := len(c.signatures)
	for _, g := range c.grains {
		grounds += len(g.memo)
	}
	if grounds < maxGrounds && t.held < maxHeld {
		return
	}
	t.flush()
	clear(c.signatures)
	for _, g := range c.grains {
		clear(g.memo)
	}
}

// sifted is a record with what decisions about it depend on.
type sifted struct {
	rec   record.Record
	pair  pair
	names []int // people whom it names on either side, each once
	still bool  // nothing turns for people whose place stays
}

// pair are the signatures of a record on both sides.
type pair struct{ before, after uint32 }

func (c *comparison) sift(t *ledger, rec record.Record) sifted {
	was := t.grainBefore.of(c, rec, nil)
	is := t.grainAfter.of(c, rec, was.names)
	slices.Sort(is.names)
	return sifted{
		rec: rec, pair: pair{was.signature, is.signature}, names: slices.Compact(is.names),
		still: c.sameRules && was.signature == is.signature,
	}
}

// ask puts the questions about a window to the modules, each in one batch.
func (c *comparison) ask(t *ledger, seen []sifted) {
	for _, x := range t.single {
		for i := range x.questions {
			q := &x.questions[i]
			var todo []record.Record
			met := map[record.ID]bool{}
			for j := range seen {
				if seen[j].still && x.still {
					continue
				}
				rec, ok := q.of(c, t, seen[j].rec)
				if !ok || met[rec.ID()] {
					continue
				}
				met[rec.ID()] = true
				if _, known := c.verdicts[asked{q.asked, rec.ID()}]; !known {
					todo = append(todo, rec)
				}
			}
			c.askAll(q.b, q.asked, q.attributes, todo)
		}
	}
}
