package engine

import (
	"math/bits"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func fullRights(k identity.Kind) bool { return k.Administers() || k == identity.Developer }

// ledger counts what is gained and lost on the records of one form. An item is one
// respect: an action, reading or writing a field, or its exposure; twice its slot
// for the gain and one more for the loss.
type ledger struct {
	c             *comparison
	number        uint32
	before, after *form           // nil where a side has no such form
	fields        []uint32        // of both sides, ascending
	marked        record.FieldSet // personal or health data on either side
	added         record.FieldSet // fields of the new side only
	records       int
	counts        []counted
	struck        []struck      // scratch: what turns on one record
	spare         []policy.Bits // scratch
}

// struck is an item with whom it turns for.
type struck struct {
	item   int
	people policy.Bits
}

// counted counts one item.
type counted struct {
	pairs   int64
	records int
	people  policy.Bits
	samples []Pair
}

func (c *comparison) newLedger(number uint32) *ledger {
	t := &ledger{
		c: c, number: number, before: c.before.app.forms[number], after: c.after.app.forms[number],
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
	for _, n := range t.fields {
		if t.before == nil || t.before.fields[n] == nil {
			t.added = t.added.With(n)
		}
	}
	t.counts = make([]counted, 2*(len(judgedActions)+3*len(t.fields)))
	for i := range t.counts {
		t.counts[i].people = c.none()
	}
	return t
}

// The slots: actions, then reading, writing and exposure of each field.
func (t *ledger) slot(kind, field int) int { return len(judgedActions) + kind*len(t.fields) + field }

const (
	slotRead = iota
	slotWrite
	slotExposed
)

// begin makes room for another record.
func (t *ledger) begin() {
	for _, x := range t.struck {
		t.spare = append(t.spare, x.people)
	}
	t.struck = t.struck[:0]
}

// exposesOn reports whether somebody newly reads a marked field of a record.
func (t *ledger) exposesOn(was, is *policy.Decided) bool {
	t.begin()
	for i, n := range t.fields {
		if t.marked.Has(n) {
			t.expose(i, n, was.Read[n], is.Read[n])
		}
	}
	return len(t.struck) > 0
}

// take counts one record.
func (t *ledger) take(id record.ID, was, is *policy.Decided) error {
	t.records++
	t.begin()
	for i, a := range judgedActions {
		t.strike(i, was.Actions[a], is.Actions[a])
	}
	for i, n := range t.fields {
		t.strike(t.slot(slotRead, i), was.Read[n], is.Read[n])
		t.strike(t.slot(slotWrite, i), was.Write[n], is.Write[n])
		if t.marked.Has(n) {
			t.expose(i, n, was.Read[n], is.Read[n])
		}
	}
	for _, x := range t.struck {
		n := &t.counts[x.item]
		n.records++
		n.pairs += int64(x.people.Count())
		if len(n.samples) < t.c.o.Samples {
			n.samples = append(n.samples, Pair{t.c.people[n.pick(x.people)], id})
		}
		n.people.Union(x.people)
	}
	if t.c.o.Each == nil || len(t.struck) == 0 {
		return nil
	}
	return t.rows(id)
}

// strike notes who gains and who loses.
func (t *ledger) strike(slot int, was, is policy.Bits) {
	t.lack(2*slot, is, was, nil)
	t.lack(2*slot+1, was, is, nil)
}

// expose notes who newly reads a marked field. What a change adds is not exposed to
// those who have all rights anyway.
func (t *ledger) expose(i int, n uint32, was, is policy.Bits) {
	var but policy.Bits
	if t.added.Has(n) {
		but = t.c.full
	}
	t.lack(2*t.slot(slotExposed, i), is, was, but)
}

// lack notes who is in one set and in none of the others.
func (t *ledger) lack(item int, in, out, but policy.Bits) {
	var some uint64
	for i, w := range in {
		if out != nil {
			w &^= out[i]
		}
		if but != nil {
			w &^= but[i]
		}
		some |= w
	}
	if some == 0 {
		return
	}
	var people policy.Bits
	if n := len(t.spare); n > 0 {
		people, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		people = t.c.none()
	}
	copy(people, in)
	people.Minus(out)
	people.Minus(but)
	t.struck = append(t.struck, struck{item, people})
}

// pick returns somebody who was not met before, or else the first.
func (n *counted) pick(people policy.Bits) int {
	for i, w := range people {
		if w &^= n.people[i]; w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	for i, w := range people {
		if w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return 0
}

// rows hands out what each person gains and loses on a record.
func (t *ledger) rows(id record.ID) error {
	anybody := t.c.none()
	for _, x := range t.struck {
		anybody.Union(x.people)
	}
	var row DifferenceRow
	for i, person := range t.c.people {
		if !anybody.Has(i) {
			continue
		}
		row.clear()
		row.Form, row.Person, row.Record = t.number, person, id
		for _, x := range t.struck {
			if x.people.Has(i) {
				t.put(&row, x.item)
			}
		}
		if err := t.c.o.Each(&row); err != nil {
			return err
		}
	}
	return nil
}

// clear empties the lists and keeps their memory.
func (r *DifferenceRow) clear() {
	r.Gained, r.Lost = r.Gained[:0], r.Lost[:0]
	r.ReadGained, r.ReadLost = r.ReadGained[:0], r.ReadLost[:0]
	r.WriteGained, r.WriteLost = r.WriteGained[:0], r.WriteLost[:0]
}

// put adds an item to a row.
func (t *ledger) put(r *DifferenceRow, item int) {
	slot, lost := item/2, item%2 == 1
	if slot < len(judgedActions) {
		pick(lost, &r.Gained, &r.Lost, judgedActions[slot])
		return
	}
	slot -= len(judgedActions)
	switch n := t.fields[slot%len(t.fields)]; slot / len(t.fields) {
	case slotRead:
		pick(lost, &r.ReadGained, &r.ReadLost, n)
	case slotWrite:
		pick(lost, &r.WriteGained, &r.WriteLost, n)
	}
}

func pick[T any](lost bool, gains, losses *[]T, x T) {
	if lost {
		*losses = append(*losses, x)
	} else {
		*gains = append(*gains, x)
	}
}

func (n *counted) change() Change {
	return Change{People: n.people.Count(), Records: n.records, Pairs: n.pairs, Samples: n.samples}
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
