package engine

import (
	"fmt"
	"slices"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/storage"
)

// hideIn adds a hide of a person of the crowd, which a stage would read from its
// documents.
func (c *crowd) hideIn(tb testing.TB, owner string, where map[string]any) {
	tb.Helper()
	h, faults := newHide(c.app.forms[c.form.Number], c.user[owner].ID, where)
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	c.app.hides = append(c.app.hides, h)
}

// TestG1_CostOfHiding: what others hide costs nothing to those who would not see
// it, and to an admin no more than reading past it; what is hidden whole is not
// read at all.
func TestG1_CostOfHiding(t *testing.T) {
	c := newCrowd(t, newMemory(t), 5000, 5)
	c.user["admin"] = &oracle.User{ID: numbered(9, 1), Kind: identity.Admin, Credential: identity.Session, Email: "admin"}
	c.w.Users = append(c.w.Users, c.user["admin"])
	lists := []List{{}, c.byAmount(false), c.byAmount(true)}
	cost := func() (out []storage.Stats) {
		for _, q := range lists {
			for _, who := range []string{"rep3", "manager"} {
				out = append(out, c.spent(who, c.page(q)))
			}
		}
		return out
	}
	before := cost()
	all := c.spent("admin", c.page(List{}))
	c.hideIn(t, "stranger", map[string]any{})
	if after := cost(); !slices.Equal(after, before) {
		t.Errorf("a hide of records out of reach costs: before %+v, after %+v", before, after)
	}
	// The records of the reps are one in nine: a page of 50 lies within the first 500.
	s := c.spent("admin", c.page(List{}))
	if s.Gets > all.Gets || s.Keys > 600 {
		t.Errorf("past whole hides: %+v, without %+v", s, all)
	}
	c.app.hides = nil
	c.hideIn(t, "stranger", map[string]any{"state": map[string]any{"ne": "s3"}})
	if after := cost(); !slices.Equal(after, before) {
		t.Errorf("a filter on records out of reach costs: before %+v, after %+v", before, after)
	}
	op := c.op(c.user["admin"])
	defer op.Close()
	p, err := op.List(List{Form: c.form.Number, Total: true})
	must(t, err)
	want := 0
	cursor := op.r.Records(c.app.forms[c.form.Number].store, storage.Range{})
	defer cursor.Close()
	for cursor.Next() {
		r := cursor.Record()
		if state := r.Get(&c.form.Fields[2].Field); r.Owner() != c.user["stranger"].ID || string(state.Text()) == "s3" {
			want++
		}
	}
	if must(t, cursor.Err()); p.Total != want || want < 500 {
		t.Errorf("an admin counts %d, want %d", p.Total, want)
	}
}

// TestG1_DecisionsBesideManyHides: a decision allocates nothing however many
// hide, and answers right for each.
func TestG1_DecisionsBesideManyHides(t *testing.T) {
	c := newCrowd(t, newMemory(t), 200, 1)
	for i := range 500 {
		name := fmt.Sprint("hider", i)
		c.user[name] = &oracle.User{ID: numbered(8, uint64(i)), Kind: identity.Admin, Credential: identity.Session, Email: name}
		c.w.Users = append(c.w.Users, c.user[name])
		if i%2 == 0 {
			c.hideIn(t, name, map[string]any{"state": map[string]any{"eq": "s3"}})
		}
	}
	op := c.op(c.user["hider1"])
	defer op.Close()
	f := c.app.forms[c.form.Number]
	for i := range 500 {
		for _, state := range []string{"s3", "s4"} {
			h := record.Header{Version: 1, Owner: numbered(8, uint64(i))}
			rec := record.Encode(numbered(7, uint64(i)), h, record.Record{}, map[uint32]record.Value{c.form.Fields[2].Number: record.String(state)})
			s := &subject{op: op, form: f, rec: rec}
			if got, want := op.view.Decide(c.form.Number, viewAction, s), i%2 == 1 || state == "s4"; got != want {
				t.Fatalf("hider %d, %s: %v", i, state, got)
			}
			if i%50 > 1 {
				continue
			}
			// On average: the race detector empties pools now and then.
			if n := testing.AllocsPerRun(100, func() { op.view.Decide(c.form.Number, viewAction, s) }); n > 0 {
				t.Fatalf("a decision allocates %v times", n)
			}
		}
	}
}

// TestG3_BoundOfHides: an admin hides of so many forms and no more, whatever
// others hide, and may always replace a filter.
func TestG3_BoundOfHides(t *testing.T) {
	h, _, _ := newHideout(t)
	h.read("boss", func(op *Op) {
		app := *op.app
		mine, deal := h.id["boss"], app.forms[h.form("Deal").Number]
		for range MaxHides {
			app.hides = append(app.hides, &hide{form: &form{}, owner: h.id["admin"]})
		}
		must(t, roomForHide(&app, &hide{form: deal, owner: mine}))
		for range MaxHides {
			app.hides = append(app.hides, &hide{form: &form{}, owner: mine})
		}
		denied(t, roomForHide(&app, &hide{form: deal, owner: mine}), fault.Limit)
		must(t, roomForHide(&app, &hide{form: app.hides[len(app.hides)-1].form, owner: mine}))
	})
}
