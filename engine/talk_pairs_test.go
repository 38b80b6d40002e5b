package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

// pastOf gives every record of two stages a past: versions with other cells that
// end in the state that the world has. What the worlds agree about is the same in
// both pasts, what they differ in is each stage's own. It returns how many cells
// the pasts of the records differ in.
func pastOf(t *testing.T, one, two *stage, seed uint64) int {
	t.Helper()
	differ := 0
	for at, s := range []*stage{one, two} {
		other := two
		if at == 1 {
			other = one
		}
		own := rand.New(rand.NewPCG(seed, uint64(at)+77))
		for _, f := range s.w.App.Forms {
			twins := map[record.ID]*oracle.Record{}
			for _, r := range other.w.Records[f.Name] {
				twins[r.ID] = r
			}
			for _, r := range s.w.Records[f.Name] {
				differ += s.live(f, r, twins[r.ID], one.w, rand.New(rand.NewPCG(seed, binary.BigEndian.Uint64(r.ID[8:]))), own)
			}
		}
	}
	return differ
}

// live writes the past of one record; pool has the values that it may have had.
func (s *stage) live(f *definition.Form, r, twin *oracle.Record, pool *world.World, both, own *rand.Rand) (differ int) {
	form := s.app.forms[f.Number].store
	rows := pool.Records[f.Name]
	now := encode(f, r)
	for k := range 3 {
		err := s.tenant.Update(s.tb.Context(), storage.Meta{Operation: "past"}, func(txn *storage.Txn) error {
			old, ok, err := txn.Record(form, r.ID)
			if err != nil || !ok {
				return fmt.Errorf("no record %v: %w", r.ID, err)
			}
			h, cells := now.Header(), map[uint32]record.Value{}
			h.Version = old.Version() + 1
			h.ModifiedTime = now.Header().ModifiedTime + int64(k)
			if k < 2 {
				h.Owner = pool.Users[both.IntN(len(pool.Users))].ID
				h.ModifiedBy = pool.Users[both.IntN(len(pool.Users))].ID
			}
			for _, fd := range f.Fields {
				v, change := r.Cells[fd.Name], both.IntN(2) == 0
				from := both.IntN(max(len(rows), 1))
				switch {
				case fd.Unique || fd.Formula != nil || k == 2:
				case twin != nil && fd.Type == record.MultiLookup: // a list may be seen in part
				case twin == nil || !twin.Cells[fd.Name].Equal(v):
					if own.IntN(2) == 0 {
						v = record.Value{}
					}
					differ++
				case change && len(rows) > 0:
					v = rows[from].Cells[fd.Name]
				}
				cells[fd.Number] = v
			}
			return txn.Update(form, old, record.Encode(r.ID, h, record.Record{}, cells))
		})
		must(s.tb, err)
	}
	return differ
}

// talkOf comments on the records of both stages and mentions the user there:
// alike where the user may read it, else each stage as it likes.
func talkOf(one, two *stage, u *oracle.User, seed uint64) (unseen int) {
	for at, s := range []*stage{one, two} {
		own := rand.New(rand.NewPCG(seed, uint64(at)+99))
		for _, f := range s.w.App.Forms {
			for _, r := range s.w.Records[f.Name] {
				rnd := rand.New(rand.NewPCG(seed+1, binary.BigEndian.Uint64(r.ID[8:])))
				if !oracle.MaySee(s.w, u, definition.ReadComments, f.Name, r) {
					rnd = own
					unseen++
				}
				must(s.tb, s.change(u, func(op *Op) error { return chat(op, f.Number, r.ID, u, s.w, rnd) }))
			}
		}
	}
	return unseen
}

func chat(op *Op, form uint32, id record.ID, u *oracle.User, w *world.World, rnd *rand.Rand) error {
	for k := range rnd.IntN(4) {
		var said, entry record.ID
		for i := range 16 {
			said[i], entry[i] = byte(rnd.Uint32()), byte(rnd.Uint32())
		}
		author := w.Users[rnd.IntN(len(w.Users))].ID
		c := &comment{Author: author, Time: int64(k), Text: fmt.Sprint("said ", rnd.IntN(1000))}
		if rnd.IntN(2) == 0 {
			c.Mentions = []mention{{User: u.ID, Entry: entry}}
			n := &notice{Form: form, Record: id, Comment: said, Actor: author, Time: int64(rnd.IntN(1000)), Read: rnd.IntN(2) == 0}
			if err := op.notify(u.ID, entry, n); err != nil {
				return err
			}
		}
		if err := op.putComment(form, id, said, nil, c); err != nil {
			return err
		}
	}
	return nil
}

// hearing asks for all that stands beside the cells of records.
func hearing(f *definition.Form, ids []record.ID) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for _, id := range ids {
			hear(&b, op, f.Number, id)
			hearBackward(&b, op, f.Number, id)
		}
		return b.String()
	}}
}

func hear(b *strings.Builder, op *Op, form uint32, id record.ID) {
	one := []record.ID{id}
	for q := (Part{First: 2, Total: true, Previous: true}); ; {
		pages, err := op.Comments(form, one, q)
		b.WriteString(failure(err))
		if err != nil || pages[0] == nil {
			break
		}
		p := pages[0]
		fmt.Fprintln(b, "comments", p.Total, p.HasPrevious, p.CanWrite, p.Comments)
		if !p.HasNext {
			break
		}
		q.After = p.Cursor(len(p.Comments) - 1)
		b.WriteString(q.After)
	}
	for q := (Part{First: 1, Total: true, Previous: true}); ; {
		pages, err := op.History(form, one, q, true)
		b.WriteString(failure(err))
		if err != nil || pages[0] == nil {
			return
		}
		p := pages[0]
		fmt.Fprintln(b, "history", p.Total, p.HasPrevious, p.Complete)
		for _, r := range p.Revisions {
			fmt.Fprintln(b, r.Version, r.Time, r.Actor, r.Created)
			for _, c := range r.Cells {
				fmt.Fprintf(b, "%s %s>%s\n", c.Field.Name, record.AppendText(nil, c.Field, c.Before), record.AppendText(nil, c.Field, c.After))
			}
		}
		if !p.HasNext {
			return
		}
		q.After = p.Cursor(len(p.Revisions) - 1)
		b.WriteString(q.After)
	}
}

// reading asks for the user's inbox.
func reading(unread bool) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		readBackward(&b, op, unread)
		for q := (Part{First: 2, Total: true, Previous: true}); ; {
			p, err := op.Notifications(q, unread)
			if err != nil {
				return b.String() + failure(err)
			}
			fmt.Fprintln(&b, p.Total, p.HasPrevious, p.Notifications)
			if !p.HasNext {
				return b.String()
			}
			q.After = p.Cursor(len(p.Notifications) - 1)
			b.WriteString(q.After)
		}
	}}
}

// remarking tries to comment, and to change comments, on all records.
func remarking(f *definition.Form, ids []record.ID) request {
	return request{writes: true, ask: func(op *Op) string {
		var b strings.Builder
		for _, id := range ids {
			_, err := op.AddComment(f.Number, id, "x", nil)
			fmt.Fprintln(&b, failure(err), failure(op.EditComment(f.Number, id, id, "x", nil)), failure(op.DeleteComment(f.Number, id, id)))
		}
		return b.String()
	}}
}

// TestP3_UnseenTalkChangesNothing is the two-world proof for what stands beside
// cells: comments, notifications and history give the same answers, totals and
// cursors, byte for byte, in worlds and pasts that differ in unseen things alone.
func TestP3_UnseenTalkChangesNothing(t *testing.T) {
	var cells, unseen, shown atomic.Int64
	prove(t, 48, 2_000, func(t *testing.T, seed uint64) {
		for salt := uint64(7); ; salt++ {
			rnd := rand.New(rand.NewPCG(seed, salt))
			a := world.Random(seed+salt<<40, world.Small)
			u := a.Users[rnd.IntN(len(a.Users))]
			b, ok := world.Mutate(a, rnd, u)
			if !ok {
				continue
			}
			one, two := newStage(t, a), newStage(t, b)
			defer one.close()
			defer two.close()
			cells.Add(int64(pastOf(t, one, two, seed)))
			unseen.Add(int64(talkOf(one, two, u, seed)))
			shown.Add(int64(compareTalk(t, one, two, u)))
			return
		}
	})
	t.Logf("%d unseen past cells, %d records of unseen talk, %d answers with content", cells.Load(), unseen.Load(), shown.Load())
	if cells.Load() == 0 || unseen.Load() == 0 || shown.Load() == 0 {
		t.Error("the pairs differ in nothing, or show nothing")
	}
}

func compareTalk(t *testing.T, one, two *stage, u *oracle.User) (shown int) {
	t.Helper()
	ids := idsOf(one.w, two.w)
	asks := []request{reading(false), reading(true)}
	for _, f := range one.w.App.Forms {
		asks = append(asks, hearing(f, ids[f.Number]), remarking(f, ids[f.Number]))
	}
	for i, ask := range asks {
		x, y := one.answer(u, ask), two.answer(u, ask)
		if x != y {
			t.Fatalf("seed %d: %s tells two worlds apart by request %d:\n%s\n---\n%s", one.w.Seed, u.Email, i, x, y)
		}
		if strings.Contains(x, ">") {
			shown++
		}
	}
	return shown
}

// TestP1_TalkFollowsReach compares who reads comments and history with the
// oracle, and the creation in a history with the cells that a query shows.
func TestP1_TalkFollowsReach(t *testing.T) {
	prove(t, 24, 2_000, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		s := newStage(t, w)
		defer s.close()
		for _, u := range w.Users {
			op := s.op(u)
			for _, f := range w.App.Forms {
				s.compareTalk(op, u, f)
			}
			op.Close()
		}
	})
}

func (s *stage) compareTalk(op *Op, u *oracle.User, f *definition.Form) {
	s.tb.Helper()
	rows := s.w.Records[f.Name]
	ids := make([]record.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	comments, err := op.Comments(f.Number, ids, Part{First: 3})
	must(s.tb, err)
	histories, err := op.History(f.Number, ids, Part{First: 3}, true)
	must(s.tb, err)
	for i, r := range rows {
		for a, got := range map[definition.Action]bool{
			definition.ReadComments: comments[i] != nil, definition.ReadHistory: histories[i] != nil,
			definition.WriteComments: comments[i] != nil && comments[i].CanWrite,
		} {
			if want := oracle.MaySee(s.w, u, a, f.Name, r); got != want {
				s.tb.Fatalf("seed %d: %s, action %v on %s %v: %v, the oracle says %v", s.w.Seed, u.Email, a, f.Name, r.ID, got, want)
			}
		}
		if histories[i] != nil {
			s.compareCreation(op, u, f, r, histories[i])
		}
	}
}

func (s *stage) compareCreation(op *Op, u *oracle.User, f *definition.Form, r *oracle.Record, p *HistoryPage) {
	s.tb.Helper()
	if len(p.Revisions) != 1 || !p.Complete || !p.Revisions[0].Created {
		s.tb.Fatalf("seed %d: the history of a new record is %+v", s.w.Seed, p)
	}
	got := map[string]record.Value{}
	for _, c := range p.Revisions[0].Cells {
		got[c.Field.Name] = c.After
	}
	names := []string{"owner"}
	for _, fd := range f.Fields {
		if fd.Formula == nil { // history tells what was written
			names = append(names, fd.Name)
		}
	}
	for _, name := range names {
		want, visible := oracle.Cell(s.w, u, f.Name, r, name)
		if !visible {
			want = record.Value{}
		}
		if !got[name].Equal(want) {
			s.tb.Fatalf("seed %d: %s sees %s of %s %v in its history as %v, a query shows %v", s.w.Seed, u.Email, name, f.Name, r.ID, got[name], want)
		}
	}
}

// TestP7_HistoryBeginsWhereItIsKept: records that are older than the histories of
// their store have an incomplete one, which begins with the next change.
func TestP7_HistoryBeginsWhereItIsKept(t *testing.T) {
	d := memstore.NewDriver()
	store, err := storage.New(d, nil)
	must(t, err)
	w := world.Random(firstSeed(), world.Small)
	s := newStageOn(t, w, store, someTenant)
	defer s.close()
	dropKeys(t, d, append(someTenant[:], 'h'))
	super := w.Users[slices.IndexFunc(w.Users, func(u *oracle.User) bool { return u.Kind == identity.SuperAdmin })]
	f := w.App.Forms[slices.IndexFunc(w.App.Forms, func(f *definition.Form) bool { return len(w.Records[f.Name]) > 0 })]
	r := w.Records[f.Name][0]
	check := func(want int) {
		t.Helper()
		op := s.op(super)
		defer op.Close()
		pages, err := op.History(f.Number, []record.ID{r.ID}, Part{First: 9, Total: true}, true)
		must(t, err)
		if p := pages[0]; p == nil || p.Complete || p.Total != want || len(p.Revisions) != want {
			t.Errorf("seed %d: the history is %+v, want %d changes of an incomplete one", w.Seed, p, want)
		}
	}
	check(0)
	must(t, s.tenant.Update(t.Context(), storage.Meta{Operation: "test"}, func(txn *storage.Txn) error {
		form := s.app.forms[f.Number].store
		old, _, err := txn.Record(form, r.ID)
		must(t, err)
		h := old.Header()
		h.Version++
		h.Owner = record.ID{9}
		return txn.Update(form, old, record.Encode(r.ID, h, old, nil))
	}))
	check(1)
}

// dropKeys deletes every key with the prefix.
func dropKeys(t *testing.T, d driver.Driver, prefix []byte) {
	t.Helper()
	sn, err := d.Snapshot()
	must(t, err)
	defer sn.Close()
	c := sn.Cursor(prefix, nil, false)
	defer c.Close()
	var writes []driver.Write
	for c.Next() {
		writes = append(writes, driver.Write{Key: slices.Clone(c.Key())})
	}
	must(t, c.Err())
	if len(writes) == 0 {
		t.Fatal("there is nothing to drop")
	}
	_, err = d.Commit(t.Context(), sn.Seq(), nil, writes)
	must(t, err)
}
