package engine

import (
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// compareChunk is how many records are looked at between two looks at the asker's
// rights.
const compareChunk = 8 * windowSize

// comparison is a Compare on its way.
type comparison struct {
	op            *Op
	o             *CompareOptions
	before, after *side
	people        []*compared
	stands        func() error            // looks at the asker's credential and rights
	verdicts      map[asked]rules.Verdict // of the window
	done, total   int
}

// compared is one person, on both sides. Who has no access has a view that denies.
type compared struct {
	id            record.ID
	before, after *policy.View
	full          bool // all rights on both sides
}

func newComparison(op *Op, before, after *side, o *CompareOptions) *comparison {
	c := &comparison{op: op, o: o, before: before, after: after, stands: op.stands, verdicts: map[asked]rules.Verdict{}}
	ids := slices.AppendSeq(slices.Collect(maps.Keys(before.viewers)), maps.Keys(after.viewers))
	slices.SortFunc(ids, compareIDs)
	for _, id := range slices.Compact(ids) {
		was, is := before.viewers[id], after.viewers[id]
		c.people = append(c.people, &compared{
			id: id, before: before.app.policy.View(was, before.people, before.hides), after: after.app.policy.View(is, after.people, after.hides),
			full: fullRights(was.Kind) && fullRights(is.Kind),
		})
	}
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
		out = append(out, c.newLedger(c.before.app.forms[f.Number], c.after.app.forms[f.Number]))
	}
	for _, f := range c.before.app.def.Forms {
		if c.after.app.forms[f.Number] == nil {
			out = append(out, c.newLedger(c.before.app.forms[f.Number], nil))
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

// settle compares a window of records, with the fuel of one query.
func (c *comparison) settle(t *ledger, f *form, window []record.Record) error {
	if err := c.op.ctx.Err(); err != nil {
		return err
	}
	c.op.trim()
	clear(c.verdicts)
	c.op.fuel = rules.Fuel{Left: rules.QueryFuel}
	c.op.askShown(f, rulesIn(c.op.view.Reach(f.def.Number, viewAction), nil), window)
	for _, rec := range window {
		if !c.op.view.Decide(f.def.Number, viewAction, &subject{op: c.op, form: f, rec: rec}) {
			continue
		}
		if err := c.record(t, rec); err != nil {
			return err
		}
	}
	return c.op.failed()
}

// parent reads a record that another leads to.
func (c *comparison) parent(f *form, id record.ID) (record.Record, bool) { return c.op.raw(f, id) }

// record compares one record for everybody.
func (c *comparison) record(t *ledger, rec record.Record) error {
	t.records++
	c.done++
	var found []affected
	for i, p := range c.people {
		was, is := c.heldOn(c.before, t.before, p.before, rec), c.heldOn(c.after, t.after, p.after, rec)
		gained, lost := is.minus(was), was.minus(is)
		if gained.empty() && lost.empty() {
			continue
		}
		found = append(found, affected{i, t.items(gained, lost, p.full)})
		if c.o.Each == nil {
			continue
		}
		if err := c.o.Each(t.row(p.id, rec.ID(), gained, lost)); err != nil {
			return err
		}
	}
	t.add(c, rec.ID(), found)
	return c.op.failed()
}

// heldOn is heldBy on a side that may not have the form.
func (c *comparison) heldOn(s *side, f *form, v *policy.View, rec record.Record) held {
	if f == nil {
		return held{}
	}
	return s.heldBy(v, &weighed{c: c, side: s, form: f, rec: rec, view: v})
}

func actionsIn(bits uint16) (out []definition.Action) {
	for i, a := range judgedActions {
		if bits&(1<<i) != 0 {
			out = append(out, a)
		}
	}
	return out
}

// row is what one person gains and loses on a record.
func (t *ledger) row(person, id record.ID, gained, lost held) *DifferenceRow {
	return &DifferenceRow{
		Form: t.number, Person: person, Record: id,
		Gained: actionsIn(gained.actions), Lost: actionsIn(lost.actions),
		ReadGained: gained.read.Numbers(), ReadLost: lost.read.Numbers(),
		WriteGained: gained.write.Numbers(), WriteLost: lost.write.Numbers(),
	}
}

// affected is a person, by position, with the items that they gain and lose.
type affected struct {
	person int
	items  []int
}
