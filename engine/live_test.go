package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// follower is a client of a subscription: it keeps a list by its events.
type follower struct {
	s     *stage
	u     *oracle.User
	f     *definition.Form
	where map[string]any
	view  *liveView
	pos   uint64
	list  map[record.ID]string
	told  []string
}

func (s *stage) last() uint64 {
	snap, err := s.tenant.Snapshot()
	must(s.tb, err)
	defer snap.Close()
	n, err := snap.LastChange()
	must(s.tb, err)
	return n
}

// ownWhere makes a filter that leads through no lookup.
func (s *stage) ownWhere(op *Op, u *oracle.User, f *definition.Form, rnd *rand.Rand) map[string]any {
	for range 5 {
		where := world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u))
		if flat(s.parse(op, f, where)) {
			return where
		}
	}
	return nil
}

// newFollower begins to follow a form; nil for one that the user does not view.
// Without rnd there is no filter.
func (s *stage) newFollower(u *oracle.User, f *definition.Form, rnd *rand.Rand) *follower {
	op := s.op(u)
	defer op.Close()
	if !op.views(f.Number) {
		return nil
	}
	fo := &follower{s: s, u: u, f: f, pos: s.last(), list: map[record.ID]string{}}
	if rnd != nil && rnd.IntN(2) == 0 {
		fo.where = s.ownWhere(op, u, f, rnd)
	}
	var err error
	fo.view, err = op.liveView(LiveQuery{Form: f.Number, Where: s.parse(op, f, fo.where)})
	must(s.tb, err)
	must(s.tb, op.Walk(List{Form: f.Number, Where: s.parse(op, f, fo.where)}, func(rs []record.Redacted) error {
		for _, r := range rs {
			fo.list[r.ID()] = fo.text(op, r)
		}
		return nil
	}))
	return fo
}

// text is what a viewer sees of a record, but for who changed it last and when.
func (fo *follower) text(op *Op, r record.Redacted) string {
	var b strings.Builder
	c := cells{op: op, form: op.app.forms[fo.f.Number], rec: r}
	for _, x := range fo.view.cells {
		fmt.Fprintln(&b, x.Name, show(c.Get(x)))
	}
	return b.String()
}

// catchUp takes the events since the last time.
func (fo *follower) catchUp() {
	snap, err := fo.s.tenant.Snapshot()
	must(fo.s.tb, err)
	defer snap.Close()
	to, err := snap.LastChange()
	must(fo.s.tb, err)
	b, err := newLiveBatch(snap, fo.pos, to, fo.view.wants)
	must(fo.s.tb, err)
	changed := fo.routed(b)
	events, err := fo.view.judge(fo.s.tb.Context(), b, changed)
	must(fo.s.tb, err)
	op := fo.s.opOn(fo.u, snap, nil)
	for _, ev := range events {
		fo.apply(op, ev)
	}
	fo.pos = to
}

// routed are the changes that a feed would find to concern the view.
func (fo *follower) routed(b *liveBatch) []recordKey {
	f := newLiveFeed(fo.s.e, appKey{fo.s.tenant.ID(), fo.s.w.App.Name})
	defer f.watch.Close()
	f.route(fo.view, 1)
	concerned, err := f.concerned(b)
	must(fo.s.tb, err)
	f.route(fo.view, -1)
	if len(f.routes) != 0 {
		fo.s.tb.Fatalf("seed %d: a view that was taken out is still found", fo.s.w.Seed)
	}
	for _, c := range concerned {
		return c.changed
	}
	return nil
}

func (fo *follower) apply(op *Op, ev LiveEvent) {
	old, had := fo.list[ev.ID]
	text := ""
	if ev.Kind != Removed {
		text = fo.text(op, ev.Record)
	}
	fo.told = append(fo.told, fmt.Sprintln(ev.Kind, ev.ID, text))
	switch {
	case had != (ev.Kind != Added), ev.Kind == NoChange, ev.Kind == Changed && old == text:
		fo.s.tb.Fatalf("seed %d: %s is told %v of %s %s (had %v):\n%s\n%s", fo.s.w.Seed, fo.u.Email, ev.Kind, fo.f.Name, ev.ID, had, old, text)
	case ev.Kind == Removed:
		delete(fo.list, ev.ID)
	default:
		fo.list[ev.ID] = text
	}
}

// check compares the list that the events made with the oracle's.
func (fo *follower) check() {
	w, want := fo.s.w, map[record.ID]string{}
	for _, id := range oracle.List(w, fo.u, fo.f.Name, fo.where, nil) {
		r := w.Records[fo.f.Name][slices.IndexFunc(w.Records[fo.f.Name], func(r *oracle.Record) bool { return r.ID == id })]
		var b strings.Builder
		for _, x := range fo.view.cells {
			v, _ := oracle.Cell(w, fo.u, fo.f.Name, r, x.Name)
			fmt.Fprintln(&b, x.Name, show(v))
		}
		want[id] = b.String()
	}
	if !maps.Equal(fo.list, want) {
		fo.s.tb.Fatalf("seed %d: %s follows %s where %v:\nhas  %v\nwant %v\ntold %v", w.Seed, fo.u.Email, fo.f.Name, fo.where, fo.list, want, fo.told)
	}
}

// become writes what another world of the same application holds.
func (s *stage) become(next *world.World, rnd *rand.Rand) {
	for _, f := range s.w.App.Forms {
		form := s.app.forms[f.Number].store
		old := map[record.ID]*oracle.Record{}
		for _, r := range s.w.Records[f.Name] {
			old[r.ID] = r
		}
		var writes []func(*storage.Txn) error
		for _, r := range next.Records[f.Name] {
			was := old[r.ID]
			delete(old, r.ID)
			next := encode(f, r)
			switch {
			case was == nil:
				writes = append(writes, func(t *storage.Txn) error { return t.Insert(form, next) })
			case string(encode(f, was).Encoded()) != string(next.Encoded()):
				writes = append(writes, func(t *storage.Txn) error {
					now, _, err := t.Record(form, next.ID())
					if err != nil {
						return err
					}
					return t.Update(form, now, next)
				})
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(old), compareIDs) {
			writes = append(writes, func(t *storage.Txn) error {
				now, _, err := t.Record(form, id)
				if err != nil {
					return err
				}
				return t.Delete(form, now)
			})
		}
		for chunk := range slices.Chunk(writes, 1+rnd.IntN(3)) {
			s.update(func(t *storage.Txn) error {
				for _, w := range chunk {
					if err := w(t); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	s.w = next
}

// edited returns a world of the same application with some of its records
// changed, given away, deleted and added.
func edited(w *world.World, rnd *rand.Rand) *world.World {
	next := w.Copy()
	for range 1 + rnd.IntN(6) {
		f := w.App.Forms[rnd.IntN(len(w.App.Forms))]
		rows := next.Records[f.Name]
		if len(rows) == 0 {
			continue
		}
		i := rnd.IntN(len(rows))
		r, from := rows[i], rows[rnd.IntN(len(rows))]
		switch rnd.IntN(6) {
		case 0:
			next.Records[f.Name] = slices.Delete(rows, i, i+1)
			continue
		case 1:
			c := *r
			c.ID, c.Version, c.Cells = record.ID{0xee, byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), 7}, 1, maps.Clone(r.Cells)
			for _, fd := range f.Fields {
				if fd.Unique {
					c.Cells[fd.Name] = record.Value{}
				}
			}
			next.Records[f.Name] = append(rows, &c)
			continue
		case 2:
			r.Owner = w.Users[rnd.IntN(len(w.Users))].ID
			if own, ok := f.FieldNumber(f.OwnerField); ok {
				r.Cells[own.Name] = record.Ref(r.Owner)
			}
		default:
			fd := f.Fields[rnd.IntN(len(f.Fields))]
			if !fd.Unique && fd.Number != f.OwnerField {
				r.Cells[fd.Name] = from.Cells[fd.Name]
			}
		}
		r.Version++
		r.ModifiedTime++
	}
	return next
}

// TestP9_EventsMakeTheList: events over the list that was there at the beginning
// are the list that is there at the end, for every viewer, form and filter.
func TestP9_EventsMakeTheList(t *testing.T) {
	prove(t, 60, 5_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		s := newStage(t, world.Random(seed, sizeOf(seed)))
		defer s.close()
		var all []*follower
		for range 4 {
			u := s.w.Users[rnd.IntN(len(s.w.Users))]
			for _, f := range s.w.App.Forms {
				if fo := s.newFollower(u, f, rnd); fo != nil {
					all = append(all, fo)
				}
			}
		}
		for range 3 {
			s.become(edited(s.w, rnd), rnd)
			for _, fo := range all {
				if rnd.IntN(3) > 0 {
					fo.catchUp()
				}
			}
		}
		for _, fo := range all {
			fo.catchUp()
			fo.check()
		}
	})
}

// TestP9_UnseenTellsNothing: what a viewer may not see can change as it will.
func TestP9_UnseenTellsNothing(t *testing.T) {
	prove(t, 60, 5_000, func(t *testing.T, seed uint64) {
		for salt := uint64(3); ; salt++ {
			rnd := rand.New(rand.NewPCG(seed, salt))
			w := world.Random(seed+salt<<40, sizeOf(seed))
			u := w.Users[rnd.IntN(len(w.Users))]
			other, ok := world.Mutate(w, rnd, u)
			if !ok {
				continue
			}
			other.Hides = w.Hides // policy is no data
			if !slices.Equal(world.View(w, u), world.View(other, u)) {
				continue
			}
			s := newStage(t, w)
			defer s.close()
			var all []*follower
			for _, f := range w.App.Forms {
				if fo := s.newFollower(u, f, nil); fo != nil {
					all = append(all, fo)
				}
			}
			touch(w, other)
			s.become(other, rnd)
			for _, fo := range all {
				fo.catchUp()
				if len(fo.told) > 0 {
					t.Fatalf("seed %d: %s is told of what they cannot see: %v", w.Seed, u.Email, fo.told)
				}
			}
			return
		}
	})
}

// touch gives records that another world holds with other cells a newer version,
// as writing them would.
func touch(w, other *world.World) {
	for form, rows := range other.Records {
		for _, r := range rows {
			for _, was := range w.Records[form] {
				if was.ID == r.ID && !maps.EqualFunc(was.Cells, r.Cells, record.Value.Equal) {
					r.Version, r.ModifiedTime, r.ModifiedBy = r.Version+1, r.ModifiedTime+1, record.ID{9}
				}
			}
		}
	}
}

// TestP9_EqualViewsDecideEqually: whoever shares a view gets the events that
// they would get alone.
func TestP9_EqualViewsDecideEqually(t *testing.T) {
	var shared atomic.Int32
	prove(t, 60, 5_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		s := newStage(t, world.Random(seed, sizeOf(seed)))
		defer s.close()
		groups := map[[32]byte][]*follower{}
		for _, u := range s.w.Users {
			for _, f := range s.w.App.Forms {
				op := s.op(u)
				if op.views(f.Number) {
					fo := &follower{s: s, u: u, f: f, pos: s.last(), list: map[record.ID]string{}}
					var err error
					fo.view, err = op.liveView(LiveQuery{Form: f.Number, Where: filter.And{}})
					must(t, err)
					groups[fo.view.key] = append(groups[fo.view.key], fo)
				}
				op.Close()
			}
		}
		from := s.last()
		s.become(edited(s.w, rnd), rnd)
		snap, err := s.tenant.Snapshot()
		must(t, err)
		defer snap.Close()
		told := func(fo *follower) string {
			b, err := newLiveBatch(snap, from, s.last(), fo.view.wants)
			must(t, err)
			events, err := fo.view.judge(t.Context(), b, b.changed)
			must(t, err)
			var out strings.Builder
			for _, ev := range events {
				fmt.Fprintln(&out, ev.Kind, ev.ID, string(ev.Record.AppendMask(nil)))
				if ev.Kind != Removed {
					out.WriteString(fo.text(s.opOn(fo.u, snap, nil), ev.Record))
				}
			}
			return out.String()
		}
		for _, g := range groups {
			for _, fo := range g[1:] {
				if a, b := told(g[0]), told(fo); a != b {
					t.Fatalf("seed %d: %s and %s share a view of %s and see\n%s\n%s", seed, g[0].u.Email, fo.u.Email, fo.f.Name, a, b)
				}
				if fo.u != g[0].u {
					shared.Add(1)
				}
			}
		}
	})
	if shared.Load() == 0 {
		t.Error("nobody shared a view: the test compares nothing")
	}
}
