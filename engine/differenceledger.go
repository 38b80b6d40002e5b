package engine

import (
	"math/bits"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func fullRights(k identity.Kind) bool { return k.Administers() || k == identity.Developer }

// ledger counts what is gained and lost on the records of one form. An item is one
// respect: an action, reading or writing a field, or its exposure; twice its slot
// for the gain and one more for the loss.
type ledger struct {
	c                       *comparison
	number                  uint32
	before, after           *form // nil where a side has no such form
	grainBefore, grainAfter *grain
	fields                  []uint32 // of both sides, ascending
	at                      map[uint32]int
	marked                  record.FieldSet // personal or health data on either side
	added                   record.FieldSet // fields of the new side only
	records                 int
	counts                  []counted

	bulk    []*kin    // decided once for a pair of signatures
	single  []*single // of whom modules, or rules that name them, decide besides
	bundles map[pair]*bundle
	held    int // places for deltas in the bundles
	deltas  map[string]*delta
	scratch
}

// counted counts one item.
type counted struct {
	pairs   int64
	records int
	people  []uint64 // a bit for each
	samples []Pair
}

func (n *counted) has(p int) bool { return n.people[p/64]&(1<<(p%64)) != 0 }

func (n *counted) mark(p int) { n.people[p/64] |= 1 << (p % 64) }

func (c *comparison) newLedger(number uint32) *ledger {
	t := &ledger{
		c: c, number: number, before: c.before.app.forms[number], after: c.after.app.forms[number],
		grainBefore: c.grain(c.before, number), grainAfter: c.grain(c.after, number),
		at: map[uint32]int{}, bundles: map[pair]*bundle{}, deltas: map[string]*delta{},
	}
	for _, f := range []*form{t.before, t.after} {
		if f == nil {
			continue
		}
		for n := range f.fields {
			t.fields = append(t.fields, n)
		}
		for _, fd := range f.def.Fields {
			if fd.PII || fd.EPHI {
				t.marked = t.marked.With(fd.Number)
			}
		}
	}
	slices.Sort(t.fields)
	t.fields = slices.Compact(t.fields)
	for i, n := range t.fields {
		t.at[n] = i
		if t.before == nil || t.before.fields[n] == nil {
			t.added = t.added.With(n)
		}
	}
	t.counts = make([]counted, 2*(len(judgedActions)+3*len(t.fields)))
	for i := range t.counts {
		t.counts[i].people = make([]uint64, (len(c.people)+63)/64)
	}
	t.more = make([]int, len(t.counts))
	t.sort()
	return t
}

// sort tells the kins that modules decide about from the others.
func (t *ledger) sort() {
	for _, k := range t.c.kins {
		asked := append(t.c.questions(t.grainBefore, k.before), t.c.questions(t.grainAfter, k.after)...)
		if len(asked) > 0 || k.alone {
			t.single = append(t.single, &single{kin: k, questions: asked, memo: map[singleKey]*delta{}})
		} else {
			t.bulk = append(t.bulk, k)
		}
	}
}

func (t *ledger) grainOf(s *side) *grain {
	if s == t.c.before {
		return t.grainBefore
	}
	return t.grainAfter
}

// The slots: actions, then reading, writing and exposure of each field.
func (t *ledger) slot(kind, field int) int { return len(judgedActions) + kind*len(t.fields) + field }

const (
	slotRead = iota
	slotWrite
	slotExposed
)

// items lists what is gained and lost, ascending. What a change adds is not exposed
// to those who have all rights anyway.
func (t *ledger) items(gained, lost held, full bool) (out []int) {
	for i, h := range []held{gained, lost} {
		for b := h.actions; b != 0; b &= b - 1 {
			out = append(out, 2*bits.TrailingZeros16(b)+i)
		}
		for _, n := range h.read.Numbers() {
			out = append(out, 2*t.slot(slotRead, t.at[n])+i)
			if i == 0 && t.marked.Has(n) && !(full && t.added.Has(n)) {
				out = append(out, 2*t.slot(slotExposed, t.at[n]))
			}
		}
		for _, n := range h.write.Numbers() {
			out = append(out, 2*t.slot(slotWrite, t.at[n])+i)
		}
	}
	return out
}

func (n *counted) change() Change {
	out := Change{Records: n.records, Pairs: n.pairs, Samples: n.samples}
	for _, w := range n.people {
		out.People += bits.OnesCount64(w)
	}
	return out
}

func (t *ledger) turn(slot int) (Turn, bool) {
	turn := Turn{t.counts[2*slot].change(), t.counts[2*slot+1].change()}
	return turn, turn.Gained.Pairs+turn.Lost.Pairs > 0
}

// latest is the form as the new side has it, or the old one.
func (t *ledger) latest() *definition.Form {
	if t.after != nil {
		return t.after.def
	}
	return t.before.def
}

// difference returns what was counted, nil for nothing.
func (t *ledger) difference() *FormDifference {
	out := &FormDifference{Form: t.number, Name: t.latest().Name, Added: t.before == nil, Dropped: t.after == nil, Records: t.records}
	for i, a := range judgedActions {
		if turn, any := t.turn(i); any {
			out.Actions = append(out.Actions, ActionDifference{a, turn})
		}
	}
	slices.SortFunc(out.Actions, func(a, b ActionDifference) int { return int(a.Action) - int(b.Action) })
	for i, n := range t.fields {
		read, one := t.turn(t.slot(slotRead, i))
		write, two := t.turn(t.slot(slotWrite, i))
		if one || two {
			out.Fields = append(out.Fields, t.field(n, read, write))
		}
	}
	if len(out.Actions)+len(out.Fields) == 0 {
		return nil
	}
	return out
}

func (t *ledger) field(n uint32, read, write Turn) FieldDifference {
	out := FieldDifference{Field: n, Added: t.added.Has(n), Dropped: t.after == nil || t.after.fields[n] == nil, Read: read, Write: write}
	for _, f := range []*form{t.before, t.after} { // the newer name stays
		if f == nil || f.fields[n] == nil {
			continue
		}
		out.Name = f.fields[n].Name
		if fd, ok := f.def.FieldNumber(n); ok {
			out.PII, out.EPHI = out.PII || fd.PII, out.EPHI || fd.EPHI
		}
	}
	return out
}

// exposures are the marked fields that are newly read.
func (t *ledger) exposures() (out []Exposure) {
	for i, n := range t.fields {
		if turn, any := t.turn(t.slot(slotExposed, i)); any {
			f := t.field(n, Turn{}, Turn{})
			out = append(out, Exposure{
				Form: t.number, Field: n, FormName: t.latest().Name, FieldName: f.Name,
				PII: f.PII, EPHI: f.EPHI, Added: f.Added, Change: turn.Gained,
			})
		}
	}
	return out
}

func actionsIn(bits uint16) (out []definition.Action) {
	for i, a := range judgedActions {
		if bits&(1<<i) != 0 {
			out = append(out, a)
		}
	}
	return out
}

// row is what is gained and lost, of nobody in particular.
func (t *ledger) row(gained, lost held) DifferenceRow {
	return DifferenceRow{
		Form:   t.number,
		Gained: actionsIn(gained.actions), Lost: actionsIn(lost.actions),
		ReadGained: gained.read.Numbers(), ReadLost: lost.read.Numbers(),
		WriteGained: gained.write.Numbers(), WriteLost: lost.write.Numbers(),
	}
}
