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
	number        uint32
	before, after *form    // nil where a side has no such form
	fields        []uint32 // of both sides, ascending
	at            map[uint32]int
	marked        record.FieldSet // personal or health data on either side
	added         record.FieldSet // fields of the new side only
	records       int
	counts        []counted
	samples       int
}

// counted counts one item.
type counted struct {
	pairs   int64
	records int
	people  []uint64 // a bit for each
	samples []Pair
}

func (c *comparison) newLedger(before, after *form) *ledger {
	t := &ledger{before: before, after: after, at: map[uint32]int{}, samples: c.o.Samples}
	for _, f := range []*form{before, after} {
		if f == nil {
			continue
		}
		t.number = f.def.Number
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
		if before == nil || before.fields[n] == nil {
			t.added = t.added.With(n)
		}
	}
	t.counts = make([]counted, 2*(len(judgedActions)+3*len(t.fields)))
	for i := range t.counts {
		t.counts[i].people = make([]uint64, (len(c.people)+63)/64)
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

// add counts one record; found is ascending by person.
func (t *ledger) add(c *comparison, id record.ID, found []affected) {
	first := map[int][]int{}
	for _, f := range found {
		for _, item := range f.items {
			first[item] = append(first[item], f.person)
		}
	}
	for item, people := range first {
		n := &t.counts[item]
		n.records++
		n.pairs += int64(len(people))
		if len(n.samples) < t.samples {
			n.sample(c, id, people)
		}
		for _, p := range people {
			n.people[p/64] |= 1 << (p % 64)
		}
	}
}

// sample keeps one pair of a record, of somebody new if there is.
func (n *counted) sample(c *comparison, id record.ID, people []int) {
	pick := people[0]
	for _, p := range people {
		if n.people[p/64]&(1<<(p%64)) == 0 {
			pick = p
			break
		}
	}
	n.samples = append(n.samples, Pair{c.people[pick].id, id})
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
