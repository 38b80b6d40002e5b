package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
	"sluice/storage/badgerstore"
)

// under returns the world under another policy over the same records.
func under(w *world.World, change func(*definition.Application)) *world.World {
	c, app := *w, *w.App
	change(&app)
	c.App = &app
	return &c
}

// asks are random requests of a user.
func (s *stage) asks(u *oracle.User, seed uint64) []request {
	return s.requests(u, rand.New(rand.NewPCG(seed, 6)), idsOf(s.w, s.w))
}

// answers puts requests to a stage.
func (s *stage) answers(u *oracle.User, asks []request) (out []string) {
	for _, ask := range asks {
		out = append(out, s.answer(u, ask))
	}
	return out
}

// turned has every list of the policy in another order, the root and the default
// reports first as ever.
func turned(w *world.World) *world.World {
	out := under(w, func(a *definition.Application) {
		a.Sharing, a.Custom, a.Sets = slices.Clone(a.Sharing), slices.Clone(a.Custom), slices.Clone(a.Sets)
		a.Roles, a.Reports = slices.Clone(a.Roles), slices.Clone(a.Reports)
		slices.Reverse(a.Sharing)
		slices.Reverse(a.Custom)
		slices.Reverse(a.Sets)
		slices.Reverse(a.Roles[1:])
		slices.SortStableFunc(a.Reports, func(x, y *definition.Report) int {
			if x.Default != y.Default {
				return map[bool]int{true: -1, false: 1}[x.Default]
			}
			return 0
		})
	})
	out.Hides, out.Users = slices.Clone(w.Hides), slices.Clone(w.Users)
	slices.Reverse(out.Hides)
	slices.Reverse(out.Users)
	return out
}

// split divides the holders of a role with nobody below it and no peers between
// two roles of the same parent, named by the same rules. False where there is
// no such role.
func split(w *world.World, rnd *rand.Rand) (*world.World, bool) {
	var leaves []*definition.Role
	for _, r := range w.App.Roles[1:] {
		above := slices.ContainsFunc(w.App.Roles, func(x *definition.Role) bool { return x.ReportsTo == r.Name })
		if !above && !r.SharePeers {
			leaves = append(leaves, r)
		}
	}
	if len(leaves) == 0 {
		return nil, false
	}
	old := leaves[rnd.IntN(len(leaves))]
	twin := *old
	twin.Name = old.Name + " as well"
	out := under(w, func(a *definition.Application) {
		a.Roles = append(slices.Clone(a.Roles), &twin)
		a.Sharing = twinRules(a.Sharing, old.Name, twin.Name)
		a.Custom = slices.Clone(a.Custom)
		for i, c := range a.Custom {
			if slices.Contains(c.Roles, old.Name) {
				c := *c
				c.Roles = append(slices.Clone(c.Roles), twin.Name)
				a.Custom[i] = &c
			}
		}
	})
	out.Users = nil
	for _, u := range w.Users {
		c := *u
		if u.Role == old.Name && rnd.IntN(2) == 0 {
			c.Role = twin.Name
		}
		out.Users = append(out.Users, &c)
	}
	return out, true
}

// twinRules adds, to each rule that names a role, the same for its twin.
func twinRules(rules []*definition.SharingRule, old, twin string) (out []*definition.SharingRule) {
	swap := func(g definition.Group) definition.Group {
		if g.Role == old {
			g.Role = twin
		}
		return g
	}
	for _, s := range rules {
		out = append(out, s)
		for i, more := range []definition.SharingRule{{From: swap(s.From), To: s.To}, {From: s.From, To: swap(s.To)}, {From: swap(s.From), To: swap(s.To)}} {
			if more.From == s.From && more.To == s.To {
				continue
			}
			c := *s
			c.Name, c.From, c.To = fmt.Sprint(s.Name, " twin ", i), more.From, more.To
			out = append(out, &c)
		}
	}
	return out
}

// renumbered gives people and records other ids in the same order, and returns
// what became of each. Custom rules are left out: a module may read an id.
func renumbered(seed uint64, size world.Size) (before, after *world.World, ids map[record.ID]record.ID) {
	before, after = world.Random(seed, size), world.Random(seed, size)
	ids = map[record.ID]record.ID{}
	other := func(id record.ID) {
		n := id
		for i := 9; i < len(n); i++ {
			n[i] = id[i]*37 + byte(i)
		}
		ids[id] = n
	}
	for _, u := range before.Users {
		other(u.ID)
	}
	for _, f := range before.App.Forms {
		for _, r := range before.Records[f.Name] {
			other(r.ID)
		}
	}
	before.App.Custom, after.App.Custom = nil, nil
	for _, f := range after.App.Forms {
		for _, r := range after.Records[f.Name] {
			r.ID = ids[r.ID]
		}
	}
	rename(after, ids)
	return before, after, ids
}

var sealed = regexp.MustCompile(`(?m)^[A-Za-z0-9_-]{40,} `)

// TestP6_NothingElseMatters holds the engine to answers that do not depend on
// the order of rules, on how ids look, or on whether one role or two with the
// same rights are held (P6, C2).
func TestP6_NothingElseMatters(t *testing.T) {
	prove(t, 120, 5_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		w := world.Random(seed, world.Small)
		if seed%3 == 0 {
			compareRenumbered(t, seed, w.Users[rnd.IntN(len(w.Users))].Email)
			return
		}
		s := newStage(t, w)
		defer s.close()
		u := w.Users[rnd.IntN(len(w.Users))]
		asks := s.asks(u, seed)
		want := s.answers(u, asks)
		if twins, ok := split(w, rnd); ok && seed%3 == 1 {
			s.alike(u, asks, "with a role split", twins, want)
			return
		}
		s.alike(u, asks, "in another order", turned(w), want)
	})
}

// alike compares the answers of another stage over the same store. Cursors are
// bound to the viewer's shape, which nothing here changes.
func (s *stage) alike(u *oracle.User, asks []request, what string, w *world.World, want []string) {
	s.tb.Helper()
	other := stageOver(s.tb, w, s.stored, s.tenant.ID())
	if got := other.answers(w.User(u.ID), asks); !slices.Equal(got, want) {
		i := 0
		for i < len(got)-1 && got[i] == want[i] {
			i++
		}
		s.tb.Fatalf("seed %d: %s gets another answer %s to request %d:\n%s\n---\n%s", w.Seed, u.Email, what, i, got[i], want[i])
	}
}

func compareRenumbered(t *testing.T, seed uint64, email string) {
	before, after, ids := renumbered(seed, world.Small)
	one, two := newStage(t, before), newStage(t, after)
	defer one.close()
	defer two.close()
	var pairs []string
	for from, to := range ids {
		pairs = append(pairs, from.String(), to.String())
	}
	translate := strings.NewReplacer(pairs...)
	at := slices.IndexFunc(before.Users, func(u *oracle.User) bool { return u.Email == email })
	a := one.answers(before.Users[at], one.asks(before.Users[at], seed))
	b := two.answers(after.Users[at], two.asks(after.Users[at], seed))
	for i := range a {
		x, y := translate.Replace(sealed.ReplaceAllString(a[i], "")), sealed.ReplaceAllString(b[i], "")
		if x != y {
			t.Fatalf("seed %d: %s gets another answer under other ids to request %d:\n%s\n---\n%s", seed, email, i, x, y)
		}
	}
}

// right is something that somebody may do, by the engine.
type right struct {
	user, id record.ID
	form     uint32
	action   definition.Action
	field    uint32 // one that can be read, and written where action is Edit
}

// rights lists everything that everybody may do with stored records.
func (s *stage) rights() map[right]bool {
	all := map[right]bool{}
	for _, u := range s.w.Users {
		op := s.op(u)
		for _, f := range s.w.App.Forms {
			shape, ok := op.view.Shape().Form(f.Number)
			if !ok || !shape.View {
				continue
			}
			page, err := op.List(List{Form: f.Number, First: MaxPage})
			must(s.tb, err)
			for _, r := range page.Records {
				s.rightsOn(op, shape.Writable, right{user: u.ID, form: f.Number, id: r.ID()}, f, r, all)
			}
		}
		op.Close()
	}
	return all
}

func (s *stage) rightsOn(op *Op, writable record.FieldSet, k right, f *definition.Form, r record.Redacted, all map[right]bool) {
	for _, a := range world.RecordActions {
		may, err := op.Can(f.Number, a, r)
		must(s.tb, err)
		if k.action, k.field = a, 0; may {
			all[k] = true
		}
		for _, fd := range f.Fields {
			k.field = fd.Number
			if may && r.Readable(&fd.Field) && (a == definition.View || a == definition.Edit && writable.Has(fd.Number)) {
				all[k] = true
			}
		}
	}
}

// less are ways to grant less, one at a time.
var less = map[string]func(a *definition.Application, rnd *rand.Rand){
	"without hierarchy": func(a *definition.Application, _ *rand.Rand) { a.Hierarchy = false },
	"with a sharing rule less": func(a *definition.Application, rnd *rand.Rand) {
		a.Sharing = without(rnd, a.Sharing)
	},
	"with a lower level": func(a *definition.Application, rnd *rand.Rand) {
		if a.Sharing = slices.Clone(a.Sharing); len(a.Sharing) > 0 {
			i := rnd.IntN(len(a.Sharing))
			c := *a.Sharing[i]
			c.Level = max(c.Level-1, definition.Read)
			a.Sharing[i] = &c
		}
	},
	"without SHARE modules": func(a *definition.Application, _ *rand.Rand) {
		a.Custom = slices.DeleteFunc(slices.Clone(a.Custom), func(c *definition.CustomRule) bool { return c.Effect == definition.Share })
	},
	"without peers": func(a *definition.Application, _ *rand.Rand) {
		a.Roles = slices.Clone(a.Roles)
		for i, r := range a.Roles {
			c := *r
			c.SharePeers = false
			a.Roles[i] = &c
		}
	},
	"with a right less": func(a *definition.Application, rnd *rand.Rand) {
		changeSet(a, rnd, func(s *definition.PermissionSet) {
			name := a.Reports[rnd.IntN(len(a.Reports))].Name
			rights := without(rnd, s.Reports[name])
			views := func(a definition.Action) bool {
				return a == definition.View || a == definition.ViewAll || a == definition.ModifyAll
			}
			if s.Reports[name] = rights; !slices.ContainsFunc(rights, views) {
				delete(s.Reports, name) // B6: EDIT and DELETE need VIEW
			}
		})
	},
	"with a field less": func(a *definition.Application, rnd *rand.Rand) {
		changeSet(a, rnd, func(s *definition.PermissionSet) {
			for _, p := range s.Forms {
				for name := range p.Fields {
					if rnd.IntN(4) == 0 {
						p.Fields[name] = min(p.Fields[name], definition.FieldAccess(rnd.IntN(2)))
					}
				}
			}
		})
	},
}

func without[T any](rnd *rand.Rand, from []T) []T {
	if len(from) == 0 {
		return from
	}
	i := rnd.IntN(len(from))
	return slices.Delete(slices.Clone(from), i, i+1)
}

// changeSet changes a copy of one set.
func changeSet(a *definition.Application, rnd *rand.Rand, change func(s *definition.PermissionSet)) {
	a.Sets = slices.Clone(a.Sets)
	i := rnd.IntN(len(a.Sets))
	c := *a.Sets[i]
	c.Reports, c.Forms = map[string][]definition.Action{}, map[string]*definition.FormPermission{}
	for name, rights := range a.Sets[i].Reports {
		c.Reports[name] = slices.Clone(rights)
	}
	for name, p := range a.Sets[i].Forms {
		q := *p
		q.Fields = map[string]definition.FieldAccess{}
		for field, access := range p.Fields {
			q.Fields[field] = access
		}
		c.Forms[name] = &q
	}
	change(&c)
	a.Sets[i] = &c
}

// more are ways to take less away, one at a time.
var more = map[string]func(w *world.World){
	"without RESTRICT and MASK": func(w *world.World) {
		w.App.Custom = slices.DeleteFunc(slices.Clone(w.App.Custom), func(c *definition.CustomRule) bool { return c.Effect != definition.Share })
	},
	"without hides": func(w *world.World) { w.Hides = nil },
}

// TestP6_GrantsOnlyAdd takes a grant away, and what takes records away: nobody
// gains by the first or loses by the second.
func TestP6_GrantsOnlyAdd(t *testing.T) {
	ways := slices.Sorted(maps.Keys(less))
	prove(t, 210, 15_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		w := world.Random(seed, world.Small)
		s := newStage(t, w)
		defer s.close()
		all := s.rights()
		what := ways[seed%uint64(len(ways))]
		part := stageOver(t, under(w, func(a *definition.Application) { less[what](a, rnd) }), s.stored, someTenant).rights()
		within(t, part, all, fmt.Sprintf("seed %d: only %s", seed, what))
		for what, lift := range more {
			if len(w.App.Custom)+len(w.Hides) == 0 {
				break
			}
			free := under(w, func(*definition.Application) {})
			lift(free)
			within(t, all, stageOver(t, free, s.stored, someTenant).rights(), fmt.Sprintf("seed %d: not %s", seed, what))
		}
	})
}

func within(t *testing.T, part, all map[right]bool, what string) {
	t.Helper()
	for k := range part {
		if !all[k] {
			t.Fatalf("%s: %s may %s %s of form %d, field %d", what, k.user, k.action, k.id, k.form, k.field)
		}
	}
}

// throughEngine puts requests to Engine.Read as a server does.
func (h *inhabited) throughEngine(e *Engine, u *oracle.User, asks []request) (out []string) {
	for _, ask := range asks {
		if ask.writes {
			continue
		}
		op, err := e.Read(h.tb.Context(), h.as[u.ID], h.w.App.Name)
		if err != nil {
			out = append(out, failure(err))
			continue
		}
		out = append(out, ask.ask(op))
		op.Close()
	}
	return out
}

// TestP5_CachesDecideNothing asks engines with the cache of a server, a tiny one
// and none, and one that was just started, the same of the same people: before
// and after records, hides and rights were changed.
func TestP5_CachesDecideNothing(t *testing.T) {
	prove(t, 5, 500, func(t *testing.T, seed uint64) {
		h := inhabit(t, world.Random(seed, world.Small))
		defer h.close()
		var engines []*Engine
		for _, cached := range []int{maxCached, 1, 0} {
			e, err := New(h.e.o)
			must(t, err)
			e.cached = cached
			engines = append(engines, e)
		}
		for turn := range 2 {
			for _, u := range h.actors() {
				asks := h.asks(u, seed)
				asks = asks[:min(len(asks), 12)]
				started, err := New(h.e.o)
				must(t, err)
				want := h.throughEngine(started, u, asks)
				for i, e := range engines {
					if got := h.throughEngine(e, u, asks); !slices.Equal(got, want) {
						t.Fatalf("seed %d, turn %d: %s gets other answers from cache %d:\n%s\n---\n%s", seed, turn, u.Email, i, got, want)
					}
				}
			}
			if turn == 0 {
				h.scribble(seed)
				h.shake(rand.New(rand.NewPCG(seed, 14)))
			}
		}
	})
}

// shake hides records and gives somebody other rights. The model does not follow.
func (h *inhabited) shake(rnd *rand.Rand) {
	ctx, root := h.tb.Context(), h.as[h.w.Users[0].ID]
	for _, u := range h.actors() {
		switch {
		case u.Kind.Administers() && rnd.IntN(2) == 0:
			f := h.w.App.Forms[rnd.IntN(len(h.w.App.Forms))]
			_, err := h.e.HideRecords(ctx, h.as[u.ID], h.w.App.Name, f.Name, map[string]any{})
			must(h.tb, err)
		case u.Kind == identity.Live && rnd.IntN(2) == 0:
			sets := slices.DeleteFunc(slices.Clone(h.w.App.Sets), func(s *definition.PermissionSet) bool { return s.Portal })
			must(h.tb, h.d.Assign(ctx, root, directory.Assignment{
				User: u.ID, Application: h.w.App.Name, Kind: u.Kind, Attributes: u.Attributes,
				Role: h.w.App.Roles[rnd.IntN(len(h.w.App.Roles))].Name, PermissionSet: sets[rnd.IntN(len(sets))].Name,
			}, nil))
		}
	}
}

// scribble writes something as somebody.
func (h *inhabited) scribble(seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 13))
	actors := h.actors()
	for range 10 {
		u := actors[rnd.IntN(len(actors))]
		v := h.op(u)
		refused := v.view.Refused() != nil
		if v.Close(); !refused {
			h.try(u, h.randomAttempt(u, rnd))
		}
	}
}

// TestStoresAgree compares worlds on the store that servers use: as written, and
// (some of them) after it was closed, opened and rewritten until old tables were
// merged.
func TestStoresAgree(t *testing.T) {
	for i := range worlds(6, 200) {
		dir, seed := t.TempDir(), firstSeed()+uint64(i)
		open := func() *storage.Store {
			store, err := badgerstore.Open(dir, nil)
			must(t, err)
			return store
		}
		w := world.Random(seed, world.Small)
		s := newStageOn(t, w, open(), someTenant)
		s.compare(rand.New(rand.NewPCG(uint64(i), 1)))
		if i%4 != 0 {
			s.close()
			continue
		}
		u := w.Users[i%len(w.Users)]
		asks := s.asks(u, seed)
		want := s.answers(u, asks)
		for round := range 6 {
			s.churn(round)
			s.close()
			s = stageOver(t, w, open(), someTenant)
		}
		if got := s.answers(u, asks); !slices.Equal(got, want) {
			t.Errorf("seed %d: %s gets other answers after the store was reopened", seed, u.Email)
		}
		s.compare(rand.New(rand.NewPCG(uint64(i), 1)))
		s.close()
	}
}

// churn adds a record to each form and takes it away again, so that tables hold
// what is gone.
func (s *stage) churn(round int) {
	for _, f := range s.w.App.Forms {
		store := s.app.forms[f.Number].store
		id := record.ID{1, byte(round), 7: 0x70, 9: 0x80}
		header := record.Header{Version: 1, Owner: s.w.Users[0].ID, AddedBy: s.w.Users[0].ID, ModifiedBy: s.w.Users[0].ID}
		for _, step := range []func(txn *storage.Txn) error{
			func(txn *storage.Txn) error {
				return txn.Insert(store, record.Encode(id, header, record.Record{}, nil))
			},
			func(txn *storage.Txn) error {
				rec, _, err := txn.Record(store, id)
				if err != nil {
					return err
				}
				return txn.Delete(store, rec)
			},
		} {
			must(s.tb, s.tenant.Update(s.tb.Context(), storage.Meta{Operation: "churn"}, step))
		}
	}
}
