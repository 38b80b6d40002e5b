package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/world"
)

// pairsOf are the users of a world as somebody looks through their eyes: each kind
// of person who may, through everybody's.
func pairsOf(w *world.World) (out []*oracle.User) {
	for _, asker := range w.Users {
		if !asker.Kind.Administers() && asker.Kind != identity.Developer {
			continue
		}
		for _, target := range w.Users {
			seen := *target
			seen.Asker, seen.Email = asker, asker.Email+" as "+target.Email
			out = append(out, &seen)
		}
	}
	return out
}

// withAskers gives worlds askers of all kinds: more admins and developers than
// chance makes, and rules that bind them.
func withAskers(w *world.World, rnd *rand.Rand) {
	for _, u := range w.Users[1:] {
		if u.Kind == identity.Live && rnd.IntN(4) == 0 {
			u.Kind, u.Role, u.Set, u.Attributes = identity.Developer, "", "", nil
			if rnd.IntN(2) == 0 {
				u.Kind = identity.Admin
			}
		}
	}
	for _, c := range w.App.Custom {
		c.BindsAdmins = c.BindsAdmins || rnd.IntN(2) == 0
	}
}

// cut counts the records that the target sees and the asker does not.
func cut(w *world.World, u *oracle.User) (n int) {
	alone := *u
	alone.Asker = nil
	for _, f := range w.App.Forms {
		n += len(oracle.ListForm(w, &alone, f.Name)) - len(oracle.ListForm(w, u, f.Name))
	}
	return n
}

// TestP10_ViewAsShowsWhatBothSee: on random worlds, whoever looks through
// whomever's eyes, all paths show the records that are in the reach of both, with
// the cells that the target reads: decisions, lists, reports, records below
// others, exports, searches, aggregates, created reports, comments and history.
func TestP10_ViewAsShowsWhatBothSee(t *testing.T) {
	var looked, less atomic.Int64
	prove(t, 36, 1_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 51))
		w := world.Random(seed, world.Small)
		withAskers(w, rnd)
		s := newStageWithPast(t, w, &past{user: w.Users[0]})
		defer s.close()
		pairs := pairsOf(w)
		rnd.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		for _, u := range pairs[:min(len(pairs), 8)] {
			looked.Add(1)
			if cut(w, u) > 0 {
				less.Add(1)
			}
			s.compareLook(u, rnd)
		}
	})
	t.Logf("%d looks, %d of them shorter for the asker", looked.Load(), less.Load())
	if less.Load() < looked.Load()/20 {
		t.Error("too few askers see less than their targets")
	}
}

func (s *stage) compareLook(u *oracle.User, rnd *rand.Rand) {
	op := s.op(u)
	defer op.Close()
	for _, f := range s.w.App.Forms {
		s.compareForm(op, u, f)
		s.compareLists(op, u, f, rnd)
		s.compareChildren(op, u, f, rnd)
		s.compareExport(op, u, f, rnd)
		if fs, ok := op.view.Shape().Form(f.Number); ok {
			s.comparePast(op, u, f)
			if fs.View {
				s.compareSearch(op, u, f, rnd)
				s.compareSummed(op, u, f, randomSummed(s, op, u, f, rnd))
			}
		}
	}
	s.compareReports(op, u)
	for i, saved := range s.w.Saved {
		f, _ := s.w.App.Form(saved.Form)
		saved := s.keepable(f, saved)
		if id := s.put(saved, i); op.view.Shape() != nil {
			next := s.op(u)
			if _, ok := next.view.Shape().Form(f.Number); ok {
				s.compareSaved(next, u, f, saved, id)
			}
			next.Close()
		}
	}
}

// TestP10_UnseenByEitherChangesNothing is the two-world proof of looking through
// another's eyes: worlds that differ only in what the asker or the target does not
// see give the same answers, errors, totals and cursors, byte for byte.
func TestP10_UnseenByEitherChangesNothing(t *testing.T) {
	prove(t, 36, 2_000, func(t *testing.T, seed uint64) {
		for salt := uint64(3); ; salt++ {
			rnd := rand.New(rand.NewPCG(seed, salt))
			a := world.Random(seed+salt<<40, world.Small)
			withAskers(a, rnd)
			pairs := pairsOf(a)
			u := pairs[rnd.IntN(len(pairs))]
			if cut(a, u) == 0 && salt%8 != 0 {
				continue // the asker sees all that the target does: the target's own proof
			}
			b, ok := world.Mutate(a, rnd, u)
			if !ok {
				continue
			}
			sameLooks(t, a, b, u, rnd)
			return
		}
	})
}

func sameLooks(t *testing.T, a, b *world.World, u *oracle.User, rnd *rand.Rand) {
	t.Helper()
	other := *b.User(u.ID)
	other.Asker, other.Email = b.User(u.Asker.ID), u.Email
	one, two := newStageWithPast(t, a, &past{u, 1}), newStageWithPast(t, b, &past{&other, 2})
	defer one.close()
	defer two.close()
	two.kept(a)
	for i, ask := range append(one.kept(a), one.requests(u, rnd, idsOf(a, b))...) {
		if ask.writes {
			continue
		}
		if x, y := one.onSnapshot(u, ask), two.onSnapshot(&other, ask); x != y {
			t.Fatalf("seed %d: %s tells two worlds apart by request %d:\n%s\n---\n%s", a.Seed, u.Email, i, x, y)
		}
	}
}
