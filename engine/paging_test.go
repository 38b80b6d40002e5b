package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
)

// cursorsOf lists everything, checks the ids and returns the cursor of each.
func cursorsOf(op *Op, q List, want []record.ID) ([]string, error) {
	q.First, q.Total = MaxPage, false
	page, err := op.List(q)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, r := range page.Records {
		if i >= len(want) || r.ID() != want[i] {
			return nil, fmt.Errorf("record %d is %s of %v", i, r.ID(), want)
		}
		out = append(out, page.Cursor(i))
	}
	return out, nil
}

// cutout is a page of a list that is known in whole: behind after and before
// before, where these are places in it, -1 for none.
type cutout struct {
	after, before, size int
	backward, total     bool
}

// check asks for the window and compares the page with the list.
func (w cutout) check(op *Op, q List, want []record.ID, cursors []string) error {
	from, to := 0, len(want)
	if w.after >= 0 {
		q.After, from = cursors[w.after], w.after+1
	}
	if w.before >= 0 {
		q.Before, to = cursors[w.before], w.before
	}
	to = max(to, from)
	q.First, q.Backward, q.Total, q.Previous, q.Next = w.size, w.backward, w.total, true, true
	page, err := op.List(q)
	if err != nil {
		return err
	}
	start, end := from, min(from+w.size, to)
	if w.backward {
		start, end = max(to-w.size, from), to
	}
	previous, next := w.after >= 0 || w.backward && start > from, w.before >= 0 || !w.backward && end < to
	if page.HasPrevious != previous || page.HasNext != next || len(page.Records) != end-start {
		return fmt.Errorf("%+v of %d: %d records, previous %v, next %v", w, len(want), len(page.Records), page.HasPrevious, page.HasNext)
	}
	for i, r := range page.Records {
		if r.ID() != want[start+i] || page.Cursor(i) != cursors[start+i] {
			return fmt.Errorf("%+v of %d: record %d is %s, or its cursor is another", w, len(want), i, r.ID())
		}
	}
	if w.total && page.Total != len(want) {
		return fmt.Errorf("%+v: total %d of %d", w, page.Total, len(want))
	}
	return nil
}

// windows checks random pages of a list, from both ends.
func (s *stage) windows(op *Op, what string, q List, want []record.ID, rnd *rand.Rand) {
	refill(op)
	cursors, err := cursorsOf(op, q, want)
	for range 4 {
		if err != nil {
			break
		}
		w := cutout{after: rnd.IntN(len(want)+1) - 1, before: rnd.IntN(len(want)+1) - 1, size: rnd.IntN(6), backward: rnd.IntN(3) > 0, total: rnd.IntN(3) == 0}
		err = w.check(op, q, want, cursors)
	}
	if err != nil {
		s.tb.Fatalf("seed %d: %s: %v", s.w.Seed, what, err)
	}
}

// windows asks for a page of a list from its end, and for those before it.
func windows(f *definition.Form, q List, size, skip int) request {
	q.First, q.Backward, q.Previous, q.Next = 1+size, true, true, true
	return request{ask: func(op *Op) string {
		var text string
		for q, n := q, 0; ; n++ {
			page, err := op.List(q)
			if err != nil {
				return text + failure(err)
			}
			var b strings.Builder
			showPage(&b, op, f, page)
			text += b.String()
			if !page.HasPrevious || n > 40 {
				return text
			}
			q.Before = page.Cursor(min(skip, len(page.Records)-1))
		}
	}}
}

// TestP1_WindowsOfAList holds random windows of lists, from both ends, to slices
// of the whole list in memory: under indexes, sorts, filters, nulls and both
// directions.
func TestP1_WindowsOfAList(t *testing.T) {
	c := newCrowd(t, newMemory(t), 600, 3)
	c.emptyAmounts(t)
	amount, title, state := c.form.Fields[1].Field, c.form.Fields[0].Field, c.form.Fields[2].Field
	rapid.Check(t, func(t *rapid.T) {
		op := c.op(c.user[rapid.SampledFrom([]string{"rep1", "manager", "stranger", "aided", "gifted"}).Draw(t, "who")])
		defer op.Close()
		q := List{Form: c.form.Number}
		for _, f := range rapid.SampledFrom([][]record.Field{nil, {amount}, {state, amount}, {title}, {record.System[0]}}).Draw(t, "order") {
			q.OrderBy = append(q.OrderBy, Order{Field: f, Desc: rapid.Bool().Draw(t, "desc"), NullsFirst: rapid.Bool().Draw(t, "nulls first")})
		}
		if rapid.Bool().Draw(t, "where") {
			q.Where, _ = filter.Parse(map[string]any{"state": map[string]any{"in": []any{"s1", "s3", "s7"}}}, op.Scope(c.form.Number), filter.Options{})
		}
		all := q
		all.First = MaxPage
		page, err := op.List(all)
		if err != nil || page.HasNext {
			t.Fatal(err, page)
		}
		ids := make([]record.ID, len(page.Records))
		for i, r := range page.Records {
			ids[i] = r.ID()
		}
		inOrder(t, q, page.Records)
		cursors, err := cursorsOf(op, q, ids)
		for range 6 {
			if err != nil {
				t.Fatal(err)
			}
			place := rapid.IntRange(-1, len(ids)-1)
			w := cutout{place.Draw(t, "after"), place.Draw(t, "before"), rapid.IntRange(0, 30).Draw(t, "size"), rapid.Bool().Draw(t, "backward"), rapid.Bool().Draw(t, "total")}
			err = w.check(op, q, ids, cursors)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

// inOrder compares neighbours by the definition of an order: nulls at one end
// whatever the direction.
func inOrder(t *rapid.T, q List, recs []record.Redacted) {
	for i := range recs[:max(len(recs)-1, 0)] {
		for _, k := range q.OrderBy {
			a, b := recs[i].Get(&k.Field), recs[i+1].Get(&k.Field)
			if a.IsNull() != b.IsNull() {
				if a.IsNull() != k.NullsFirst {
					t.Fatalf("nulls at the wrong end of %+v", q.OrderBy)
				}
				break
			}
			c := a.Compare(b)
			if k.Field.Number == record.FieldID {
				x, y := recs[i].ID(), recs[i+1].ID()
				c = slices.Compare(x[:], y[:])
			}
			if c != 0 {
				if (c > 0) != k.Desc {
					t.Fatalf("record %d of %+v stands before a smaller one", i, q.OrderBy)
				}
				break
			}
		}
	}
}

// emptyAmounts takes the amount of every fourth record away.
func (c *crowd) emptyAmounts(t *testing.T) {
	form := c.app.forms[c.form.Number].store
	must(t, c.tenant.Update(t.Context(), storage.Meta{Operation: "empty"}, func(txn *storage.Txn) error {
		for i := uint64(0); i < 600; i += 4 {
			rec, ok, err := txn.Record(form, numbered(3, i))
			if err != nil || !ok {
				return err
			}
			next := record.Encode(rec.ID(), rec.Header(), rec, map[uint32]record.Value{c.form.Fields[1].Number: {}})
			if err := txn.Update(form, rec, next); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestCostOfPagesFromTheEnd counts keys: a page from the end, one before a
// cursor and a window between two cost what a page from the beginning does.
func TestCostOfPagesFromTheEnd(t *testing.T) {
	for _, total := range sizes() {
		c := newCrowd(t, newMemory(t), total, 20)
		for _, q := range []List{{}, c.byAmount(false), c.byAmount(true)} {
			for _, who := range []string{"rep3", "manager"} {
				c.walksBack(t, total, who, q)
			}
		}
	}
}

func (c *crowd) walksBack(t *testing.T, total int, who string, q List) {
	q.Form, q.First, q.Backward, q.Previous, q.Next = c.form.Number, 50, true, true, true
	bound := 200
	if who == "manager" {
		bound = 150 + 2*21
	}
	costs := func(op *Op, what string, q List, bound int) *Page {
		before := op.Stats()
		page, err := op.List(q)
		must(t, err)
		if s := op.Stats(); s.Keys+s.Gets-before.Keys-before.Gets > bound {
			t.Errorf("%d records: %s of %s costs %+v after %+v", total, what, who, s, before)
		}
		return page
	}
	op := c.op(c.user[who])
	defer op.Close()
	end := costs(op, "the end", q, bound)
	q.Before = end.Cursor(0)
	// What lies behind the page is asked by one more walk, to its first record.
	page := costs(op, "the page before", q, bound+2*21+2)
	if len(page.Records) != 50 || !page.HasNext || !page.HasPrevious {
		t.Errorf("%d records, previous %v, next %v", len(page.Records), page.HasPrevious, page.HasNext)
	}
	q.Before, q.After, q.Backward, q.First = page.Cursor(3), page.Cursor(0), false, 50
	if page = costs(op, "a window of two", q, 20+6*21); len(page.Records) != 2 || !page.HasNext || !page.HasPrevious {
		t.Errorf("window: %d records, previous %v, next %v", len(page.Records), page.HasPrevious, page.HasNext)
	}
}

// TestCursorsOfAnotherList refuses what is no cursor of the list, in both
// arguments and alike.
func TestCursorsOfAnotherList(t *testing.T) {
	c := newCrowd(t, newMemory(t), 600, 3)
	op := c.op(c.user["rep1"])
	defer op.Close()
	page, err := op.List(List{Form: c.form.Number, First: 3})
	must(t, err)
	byAmount := c.byAmount(true)
	byAmount.Form, byAmount.First = c.form.Number, 3
	for _, cursor := range []string{page.Cursor(1), "x", "AAAA"} {
		for _, argument := range []string{"after", "before"} {
			q := byAmount
			if q.After = cursor; argument == "before" {
				q.After, q.Before = "", cursor
			}
			if _, err := op.List(q); fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.Message(err), argument+": not a cursor") {
				t.Errorf("%s: %v", argument, err)
			}
		}
	}
}

func TestNeighbour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1<<63).Draw(t, "n")
		id, up, down := record.ID{}, record.ID{}, record.ID{}
		for v, to := range map[uint64]*record.ID{n: &id, n + 1: &up, n - 1: &down} {
			binary.BigEndian.PutUint64(to[8:], v)
		}
		if neighbour(id, true) != up || neighbour(id, false) != down {
			t.Errorf("%s", id)
		}
	})
}
