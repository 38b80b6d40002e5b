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

// comparison is a Compare on its way. Each record is decided about for everybody at
// once, on both sides.
type comparison struct {
	op            *Op
	o             *CompareOptions
	before, after *side
	stands        func() error // looks at the asker's credential and rights
	people        []record.ID  // ascending; a position is a place in it
	full          policy.Bits  // who has all rights on both sides
	questions     map[string]uint32
	verdicts      map[asked]rules.Verdict // of the window
	key           []byte                  // scratch
	done, total   int
	// judges looks at every record, whoever sees it, and finds nothing but exposed:
	// whether somebody newly reads a marked field. See Op.newlyExposes.
	judges, exposed bool
	costs           *costing // of proposed modules; nil where nobody asks for it
}

func newComparison(op *Op, before, after *side, o *CompareOptions) *comparison {
	c := &comparison{
		op: op, o: o, before: before, after: after, stands: op.stands,
		questions: map[string]uint32{}, verdicts: map[asked]rules.Verdict{},
	}
	c.people = slices.AppendSeq(slices.Collect(maps.Keys(before.viewers)), maps.Keys(after.viewers))
	slices.SortFunc(c.people, compareIDs)
	c.people = slices.Compact(c.people)
	c.full = c.none()
	for i, id := range c.people {
		if fullRights(before.viewers[id].Kind) && fullRights(after.viewers[id].Kind) {
			c.full.Add(i)
		}
	}
	for _, s := range []*side{before, after} {
		s.views, s.parents = nil, map[record.ID]*policy.Decided{}
		for _, id := range c.people { // who has no access is a zero viewer, which is denied
			s.views = append(s.views, s.app.policy.View(s.viewers[id], s.people, s.hides))
		}
		s.crowd = policy.NewCrowd(s.app.policy, s.people, s.views, func(rule *definition.CustomRule, v *policy.View) uint32 {
			return c.question(s, rule, v)
		})
	}
	return c
}

func (c *comparison) none() policy.Bits { return make(policy.Bits, (len(c.people)+63)/64) }

func (c *comparison) run(d *Difference) error {
	d.People = len(c.people)
	if err := c.count(); err != nil {
		return err
	}
	for _, t := range c.ledgers() {
		if c.judges && (c.exposed || len(t.marked.Numbers()) == 0) {
			continue
		}
		if err := c.walk(t); err != nil {
			return err
		}
		d.Records += t.records
		d.Exposed = append(d.Exposed, t.exposures()...)
		if f := t.difference(); f != nil {
			d.Forms = append(d.Forms, *f)
		}
	}
	d.Shapes, d.Costs = c.shapes(), c.costs.told()
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
		if !more || c.exposed {
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

// maxParents bounds the words that decisions about parents hold on a side.
const maxParents = 1 << 22

// settle compares a window of records, with the fuel of one query for each rule.
func (c *comparison) settle(t *ledger, f *form, window []record.Record) error {
	if err := c.op.ctx.Err(); err != nil {
		return err
	}
	c.trim()
	c.op.fuel = rules.Fuel{Left: rules.QueryFuel}
	seen := c.looked(f, window)
	c.askAll(c.before, t.before, seen)
	c.askAll(c.after, t.after, seen)
	c.measure(t.after, seen)
	for _, rec := range seen {
		was, is := c.decide(c.before, t.before, rec), c.decide(c.after, t.after, rec)
		if err := c.op.failed(); err != nil {
			return err
		}
		if c.judges {
			c.exposed = c.exposed || t.exposesOn(was, is)
			continue
		}
		if err := t.take(rec.ID(), was, is); err != nil {
			return err
		}
	}
	c.done += len(seen)
	return c.op.failed()
}

// looked returns the records of a window that are looked at: those that the asker
// sees, but where the comparison tells nothing of them.
func (c *comparison) looked(f *form, window []record.Record) []record.Record {
	if c.judges {
		return window
	}
	c.op.askShown(f, rulesIn(c.op.view.Reach(f.def.Number, viewAction), nil), window)
	seen := make([]record.Record, 0, len(window))
	for _, rec := range window {
		if c.op.view.Decide(f.def.Number, viewAction, &subject{op: c.op, form: f, rec: rec}) {
			seen = append(seen, rec)
		}
	}
	return seen
}

// decide says who may do what on a side; nobody where it has no such form.
func (c *comparison) decide(s *side, f *form, rec record.Record) *policy.Decided {
	if f == nil {
		return &policy.Decided{}
	}
	return s.crowd.Decide(f.def.Number, &weighed{c: c, side: s, form: f, rec: rec}, true)
}

// trim forgets what can be found again.
func (c *comparison) trim() {
	c.op.trim()
	clear(c.verdicts)
	for _, s := range []*side{c.before, c.after} {
		if len(s.parents)*len(c.full)*len(judgedActions) > maxParents {
			clear(s.parents)
		}
	}
}
