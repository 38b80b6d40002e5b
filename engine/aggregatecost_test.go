package engine

import (
	"context"
	"errors"
	"testing"

	"sluice/internal/effort"
	"sluice/internal/record"
	"sluice/storage"
)

func (c *crowd) aggregate(q Aggregation) func(*Op) {
	return func(op *Op) {
		c.tb.Helper()
		q.List.Form, q.First = c.form.Number, 100
		if page, err := op.Aggregate(q); err != nil || page.Total == 0 {
			c.tb.Fatal(page, err)
		}
	}
}

// TestCostOfAggregates counts keys: an aggregate pays for the records that its
// viewer sees, however many there are; a count for index entries alone.
func TestCostOfAggregates(t *testing.T) {
	const reps = 20
	amount, state := crowdForm().Fields[1].Field, crowdForm().Fields[2].Field
	grouped := Aggregation{GroupBy: []GroupKey{{Field: state}}, Measures: []Measure{{amount, Functions(0).With(Sum)}}}
	var first []storage.Stats
	all := []int{3000, 12_000}
	if effort.Full() {
		all = sizes()
	}
	for _, total := range all {
		c := newCrowd(t, newMemory(t), total, reps)
		var got []storage.Stats
		s := c.spent("rep3", c.aggregate(Aggregation{}))
		if got = append(got, s); s.Keys > ownedByRep+5 || s.Gets > 5 || s.Cursors > 3 {
			t.Errorf("%d records: to count %d costs %+v", total, ownedByRep, s)
		}
		s = c.spent("rep3", c.aggregate(grouped))
		if got = append(got, s); s.Keys+s.Gets > 2*ownedByRep+10 || s.Cursors > 4 {
			t.Errorf("%d records: groups of %d cost %+v", total, ownedByRep, s)
		}
		const n = reps + 1
		s = c.spent("manager", c.aggregate(Aggregation{}))
		if s.Keys > reps*ownedByRep+2*n || s.Gets > 5 || s.Cursors > n+2 {
			t.Errorf("%d records: to count those of %d owners costs %+v", total, n, s)
		}
		// Records that lie close together are read by a walk, not one by one.
		s = c.spent("stranger", c.aggregate(grouped))
		if s.Gets > total/10 || s.Keys > 3*total {
			t.Errorf("%d records: groups of nearly all cost %+v", total, s)
		}
		if first != nil && (first[0] != got[0] || first[1] != got[1]) {
			t.Errorf("cost depends on what is not seen: %+v, with more records %+v", first, got)
		}
		first = got
	}
	t.Logf("%+v", first)
}

// TestJoinEqualsGets: entries of ids near and far, some without a record, give
// each record once.
func TestJoinEqualsGets(t *testing.T) {
	c := newCrowd(t, newMemory(t), 3000, 1)
	op := c.op(c.user["stranger"])
	defer op.Close()
	f := op.app.forms[c.form.Number]
	for _, step := range []uint64{1, 2, 7, 30} {
		var entries []entry
		want := map[record.ID]bool{}
		for i := uint64(5); i < 3300 && len(entries) < windowSize; i += step {
			e := entry{id: numbered(3, i), ordinal: uint32(i)}
			entries = append(entries, e)
			if i < 3000 {
				want[e.id] = true
			}
		}
		for _, pause := range []int{0, 1} {
			got := map[record.ID]bool{}
			j := joiner{op: op, form: f, pause: pause}
			err := j.each(entries, op.window(f, nil, nil).read, func(i int, rec record.Record) error {
				if got[rec.ID()] || rec.ID() != entries[i].id {
					t.Errorf("step %d: entry %d gives %s", step, i, rec.ID())
				}
				got[rec.ID()] = true
				return nil
			})
			must(t, err)
			if len(got) != len(want) {
				t.Errorf("step %d: %d records of %d", step, len(got), len(want))
			}
		}
	}
	// Ordinals may mislead: a walk that passes too much by is given up.
	var entries []entry
	for i := range 100 {
		entries = append(entries, entry{id: numbered(3, uint64(i*29)), ordinal: uint32(i)})
	}
	before, n := op.Stats(), 0
	j := joiner{op: op, form: f}
	for range 4 {
		must(t, j.each(entries, op.window(f, nil, nil).read, func(int, record.Record) error { n++; return nil }))
	}
	if after := op.Stats(); n != 400 || after.Keys-before.Keys > 2*joinSteps*100+10 {
		t.Errorf("%d records, %d keys", n, after.Keys-before.Keys)
	}
}

// TestAggregateEndsInTime: an operation whose time is over fails, and gives no
// smaller sums.
func TestAggregateEndsInTime(t *testing.T) {
	c := newCrowd(t, newMemory(t), 5000, 1)
	for _, who := range []string{"stranger", "rep0"} {
		for _, q := range []Aggregation{{}, {Measures: []Measure{{c.form.Fields[1].Field, Functions(0).With(Sum)}}}} {
			op := c.op(c.user[who])
			ctx, cancel := context.WithCancel(t.Context())
			op.ctx = ctx
			cancel()
			q.List.Form = c.form.Number
			if page, err := op.Aggregate(q); err == nil || page != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %+v, %v", who, page, err)
			}
			op.Close()
		}
	}
}
