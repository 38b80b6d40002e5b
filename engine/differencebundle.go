package engine

import (
	"encoding/binary"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/record"
	"sluice/rules"
)

// maxHeld bounds the places for deltas that bundles of one form hold.
const maxHeld = 1 << 23

// delta is what somebody gains and loses on a record. One of nothing is nil. Equal
// ones of a form are the same.
type delta struct {
	items []int
	row   DifferenceRow // without person and record
	// all holds the kins whose members are marked, each of them, for all items.
	all []bool
}

// single is a kin that is looked at record by record.
type single struct {
	*kin
	questions []question
	memo      map[singleKey]*delta
	verdicts  []byte // scratch
}

type singleKey struct {
	pair
	verdicts string
}

// bundle are the records of one form with equal signatures: what the kins gain and
// lose on each of them, but for people whom the record names.
type bundle struct {
	records int64
	of      []*delta // by kin
	kins    []*kin   // those with a delta
	count   []int    // people by item
	items   []int    // those with people
	// left are people who were named by the records so far.
	left []int
}

// scratch is what counting one record needs.
type scratch struct {
	more    []int // people by item, beside those of the bundle
	touched []int
	found   []affected
}

// affected is a person, by position, with what they gain and lose.
type affected struct {
	person int
	*delta
}

// take counts one record.
func (t *ledger) take(s *sifted) error {
	c := t.c
	t.records++
	c.seen++
	for _, p := range s.names {
		c.people[p].special = c.seen
	}
	b := t.bundle(s)
	b.records++
	t.found = t.found[:0]
	t.apart(s, b)
	t.alone(s)
	if err := t.show(s, b); err != nil {
		return err
	}
	t.marks(b)
	for _, item := range t.touched {
		n, base := &t.counts[item], b.count[item]
		n.pairs += int64(t.more[item])
		if base > 0 {
			n.records--
		}
		if base+t.more[item] > 0 {
			n.records++
		}
		t.more[item] = 0
	}
	t.touched = t.touched[:0]
	return nil
}

// shift counts people of a delta who are not, or no longer, in the bundle.
func (t *ledger) shift(d *delta, people int) {
	for _, item := range d.items {
		if t.more[item] == 0 {
			t.touched = append(t.touched, item)
		}
		t.more[item] += people
	}
}

// apart decides about the people whom a record names.
func (t *ledger) apart(s *sifted, b *bundle) {
	for _, i := range s.names {
		p := t.c.people[i]
		if d := b.of[p.kin.at]; d != nil {
			t.shift(d, -1)
		}
		if s.still && p.kin.still {
			continue
		}
		if d := t.decide(p.before, p.after, s.rec, p.kin.full); d != nil {
			t.shift(d, 1)
			t.found = append(t.found, affected{i, d})
		}
	}
}

// alone decides about the kins that are looked at one by one.
func (t *ledger) alone(s *sifted) {
	for _, x := range t.single {
		if s.still && x.still || x.alone && t.c.named(x.members[0]) {
			continue
		}
		d := t.singly(x, s)
		if d == nil {
			continue
		}
		for _, i := range x.members {
			if !t.c.named(i) {
				t.shift(d, 1)
				t.found = append(t.found, affected{i, d})
			}
		}
	}
}

// named reports whether the record that is being counted names a person.
func (c *comparison) named(person int) bool { return c.people[person].special == c.seen }

// singly decides about a kin: once for equal signatures and answers of modules.
func (t *ledger) singly(x *single, s *sifted) *delta {
	x.verdicts = x.verdicts[:0]
	for i := range x.questions {
		q := &x.questions[i]
		rec, ok := q.of(t.c, t, s.rec)
		if !ok {
			x.verdicts = append(x.verdicts, 0)
			continue
		}
		x.verdicts = appendVerdict(append(x.verdicts, 1), t.c.verdicts[asked{q.asked, rec.ID()}])
	}
	if d, ok := x.memo[singleKey{s.pair, string(x.verdicts)}]; ok {
		return d
	}
	d := t.decide(x.before, x.after, s.rec, x.full)
	x.memo[singleKey{s.pair, string(x.verdicts)}] = d
	t.held++
	return d
}

func appendVerdict(key []byte, v rules.Verdict) []byte {
	return binary.BigEndian.AppendUint64(append(key, v.Grant, byte(v.Fault)), v.Visible)
}

// bundle returns that of the record, decided for every kin of the bulk.
func (t *ledger) bundle(s *sifted) *bundle {
	if b := t.bundles[s.pair]; b != nil {
		return b
	}
	b := &bundle{of: make([]*delta, len(t.c.kins)), count: make([]int, len(t.counts))}
	t.bundles[s.pair] = b
	t.held += len(b.of) + len(b.count)
	for _, k := range t.bulk {
		if s.still && k.still {
			continue
		}
		d := t.decide(k.before, k.after, s.rec, k.full)
		if d == nil {
			continue
		}
		b.of[k.at] = d
		b.kins = append(b.kins, k)
		for _, item := range d.items {
			b.count[item] += len(k.members)
		}
	}
	for item, n := range b.count {
		if n > 0 {
			b.items = append(b.items, item)
		}
	}
	return b
}

// decide compares what two views of one person may do with a record.
func (t *ledger) decide(before, after *policy.View, rec record.Record, full bool) *delta {
	was, is := t.heldOn(t.c.before, t.before, before, rec), t.heldOn(t.c.after, t.after, after, rec)
	gained, lost := is.minus(was), was.minus(is)
	if gained.empty() && lost.empty() {
		return nil
	}
	items := t.items(gained, lost, full)
	var key []byte
	for _, item := range items {
		key = binary.AppendUvarint(key, uint64(item))
	}
	d := t.deltas[string(key)]
	if d == nil {
		d = &delta{items: items, row: t.row(gained, lost), all: make([]bool, len(t.c.kins))}
		t.deltas[string(key)] = d
	}
	return d
}

// heldOn is heldBy on a side that may not have the form.
func (t *ledger) heldOn(s *side, f *form, v *policy.View, rec record.Record) held {
	if f == nil {
		return held{}
	}
	return s.heldBy(v, &weighed{c: t.c, side: s, form: f, rec: rec, view: v})
}

// marks notes who has gained or lost something by now.
func (t *ledger) marks(b *bundle) {
	for _, f := range t.found {
		if k := t.c.people[f.person].kin; !f.all[k.at] {
			t.mark(f.delta, f.person)
		}
	}
	if b.records == 1 {
		for _, k := range b.kins {
			b.left = append(b.left, t.markKin(k, b.of[k.at])...)
		}
		return
	}
	b.left = slices.DeleteFunc(b.left, func(p int) bool {
		if t.c.named(p) {
			return false
		}
		t.mark(b.of[t.c.people[p].kin.at], p)
		return true
	})
}

func (t *ledger) mark(d *delta, person int) {
	for _, item := range d.items {
		t.counts[item].mark(person)
	}
}

// markKin marks the members of a kin whom the record does not name, and returns the
// others.
func (t *ledger) markKin(k *kin, d *delta) (left []int) {
	if d.all[k.at] {
		return nil
	}
	for _, p := range k.members {
		if t.c.named(p) {
			left = append(left, p)
		} else {
			t.mark(d, p)
		}
	}
	d.all[k.at] = len(left) == 0
	return left
}

// show hands out rows and keeps samples, where anybody wants them of this record.
func (t *ledger) show(s *sifted, b *bundle) error {
	c := t.c
	wanted := slices.ContainsFunc(b.items, t.wants) || slices.ContainsFunc(t.touched, t.wants)
	if c.o.Each == nil && !wanted {
		return nil
	}
	all := slices.Clone(t.found)
	for _, k := range b.kins {
		for _, p := range k.members {
			if !c.named(p) {
				all = append(all, affected{p, b.of[k.at]})
			}
		}
	}
	slices.SortFunc(all, func(x, y affected) int { return x.person - y.person })
	if wanted {
		t.sample(s.rec.ID(), all)
	}
	if c.o.Each == nil {
		return nil
	}
	for _, f := range all {
		row := f.row
		row.Person, row.Record = c.people[f.person].id, s.rec.ID()
		if err := c.o.Each(&row); err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether an item has fewer samples than asked for.
func (t *ledger) wants(item int) bool { return len(t.counts[item].samples) < t.c.o.Samples }

// sample keeps one pair of a record for each item that wants one: of somebody new,
// if there is.
func (t *ledger) sample(id record.ID, all []affected) {
	picks := map[int]int{}
	for _, f := range all {
		for _, item := range f.items {
			old, some := picks[item]
			if n := &t.counts[item]; t.wants(item) && (!some || n.has(old) && !n.has(f.person)) {
				picks[item] = f.person
			}
		}
	}
	for item, p := range picks {
		n := &t.counts[item]
		n.samples = append(n.samples, Pair{t.c.people[p].id, id})
	}
}

// flush adds what the bundles hold to the counts and forgets them.
func (t *ledger) flush() {
	for _, b := range t.bundles {
		for _, item := range b.items {
			t.counts[item].records += int(b.records)
			t.counts[item].pairs += b.records * int64(b.count[item])
		}
	}
	clear(t.bundles)
	for _, x := range t.single {
		clear(x.memo)
	}
	t.held = 0
}

// close ends the counting.
func (t *ledger) close() {
	t.flush()
	t.bundles, t.deltas, t.single, t.bulk = nil, nil, nil, nil
}
