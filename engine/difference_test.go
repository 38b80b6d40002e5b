package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
)

// changes are ways to change rights, one at a time. Those of less are among them;
// either side may be the old one.
var changes = func() map[string]func(w *world.World, rnd *rand.Rand) {
	out := map[string]func(w *world.World, rnd *rand.Rand){
		"with other places":   otherPlaces,
		"with others active":  otherActive,
		"with other modules":  otherModules,
		"with roles moved":    rolesMoved,
		"with a field gone":   fieldGone,
		"with marks turned":   marksTurned,
		"with nothing else":   func(*world.World, *rand.Rand) {},
		"without RESTRICT":    func(w *world.World, _ *rand.Rand) { more["without RESTRICT and MASK"](w) },
		"with a parent less":  parentGone,
		"with another filter": otherCriteria,
	}
	for what, take := range less {
		out[what] = func(w *world.World, rnd *rand.Rand) { take(w.App, rnd) }
	}
	return out
}()

// otherPlaces gives some people other roles, sets and attributes, or none.
func otherPlaces(w *world.World, rnd *rand.Rand) {
	w.Users = slices.Clone(w.Users)
	for i, u := range w.Users {
		if u.Kind.Administers() || rnd.IntN(2) == 0 {
			continue
		}
		c := *u
		c.Kind, c.Role, c.Set = []identity.Kind{identity.Live, identity.Live, identity.Live, identity.Portal, identity.Developer, identity.Nobody}[rnd.IntN(6)], "", ""
		if c.Kind == identity.Live {
			c.Role = w.App.Roles[rnd.IntN(len(w.App.Roles))].Name
		}
		if c.Kind == identity.Live || c.Kind == identity.Portal {
			sets := slices.DeleteFunc(slices.Clone(w.App.Sets), func(s *definition.PermissionSet) bool { return s.Portal != (c.Kind == identity.Portal) })
			if len(sets) == 0 {
				continue
			}
			c.Set = sets[rnd.IntN(len(sets))].Name
			c.Attributes = maps.Clone(w.Users[rnd.IntN(len(w.Users))].Attributes)
		}
		w.Users[i] = &c
	}
}

func otherActive(w *world.World, rnd *rand.Rand) {
	w.Users = slices.Clone(w.Users)
	for i, u := range w.Users {
		if c := *u; i > 0 && rnd.IntN(2) == 0 {
			c.Inactive = !c.Inactive
			w.Users[i] = &c
		}
	}
}

func otherModules(w *world.World, rnd *rand.Rand) {
	w.Modules = maps.Clone(w.Modules)
	for _, name := range slices.Sorted(maps.Keys(w.Modules)) {
		m := w.Modules[name]
		m.Truth = rnd.IntN(len(oracle.Truths))
		w.Modules[name] = m
	}
}

func rolesMoved(w *world.World, rnd *rand.Rand) {
	w.App.Roles = slices.Clone(w.App.Roles)
	for i, r := range w.App.Roles {
		c := *r
		c.SharePeers = rnd.IntN(2) == 0
		if i > 0 {
			c.ReportsTo = w.App.Roles[rnd.IntN(i)].Name
		}
		w.App.Roles[i] = &c
	}
}

// changeForm changes a copy of one form.
func changeForm(w *world.World, rnd *rand.Rand, change func(f *definition.Form)) {
	w.App.Forms = slices.Clone(w.App.Forms)
	i := rnd.IntN(len(w.App.Forms))
	c := *w.App.Forms[i]
	c.Fields = slices.Clone(c.Fields)
	change(&c)
	w.App.Forms[i] = &c
}

// fieldGone drops a field that nothing else names.
func fieldGone(w *world.World, rnd *rand.Rand) {
	changeForm(w, rnd, func(f *definition.Form) {
		used := world.PolicyFields(w, f)
		for _, c := range w.App.Custom {
			used = append(used, c.Fields...)
		}
		for i, fd := range f.Fields {
			read := slices.ContainsFunc(f.Fields, func(o *definition.Field) bool { return o.Formula != nil && o.Formula.Reads.Has(fd.Number) })
			if read || fd.Unique || slices.Contains(used, fd.Name) {
				continue
			}
			f.Fields = slices.Delete(f.Fields, i, i+1)
			f.Indexes = slices.DeleteFunc(slices.Clone(f.Indexes), func(ix definition.Index) bool { return slices.Contains(ix.Parts, fd.Number) })
			w.App.Sets = slices.Clone(w.App.Sets)
			for j, s := range w.App.Sets {
				c := *s
				if c.Forms = maps.Clone(s.Forms); c.Forms[f.Name] != nil {
					p := *c.Forms[f.Name]
					p.Fields = maps.Clone(p.Fields)
					delete(p.Fields, fd.Name)
					c.Forms[f.Name] = &p
				}
				w.App.Sets[j] = &c
			}
			return
		}
	})
}

func marksTurned(w *world.World, rnd *rand.Rand) {
	changeForm(w, rnd, func(f *definition.Form) {
		for i, fd := range f.Fields {
			c := *fd
			if rnd.IntN(2) == 0 && c.Formula == nil {
				c.PII = !c.PII
			}
			f.Fields[i] = &c
		}
	})
}

func parentGone(w *world.World, rnd *rand.Rand) {
	changeForm(w, rnd, func(f *definition.Form) { f.ParentField = 0 })
}

// otherCriteria swaps criteria between rules and reports of a form.
func otherCriteria(w *world.World, rnd *rand.Rand) {
	w.App.Reports = slices.Clone(w.App.Reports)
	for i, r := range w.App.Reports {
		other := w.App.Reports[rnd.IntN(len(w.App.Reports))]
		if c := *r; other.Form == r.Form && !r.Default {
			c.Criteria = other.Criteria
			w.App.Reports[i] = &c
		}
	}
}

// allBySession has everybody come with a session, as a comparison has it.
func allBySession(w *world.World) {
	w.Users = slices.Clone(w.Users)
	for i, u := range w.Users {
		c := *u
		c.Credential = identity.Session
		w.Users[i] = &c
	}
}

// twoWorlds is a world before and after a change of rights.
func twoWorlds(seed uint64, size world.Size) (before, after *world.World, what string) {
	rnd := rand.New(rand.NewPCG(seed, 33))
	w := world.Random(seed, size)
	allBySession(w)
	w.Saved = nil // they give nobody anything, and may name what a change drops
	ways := slices.Sorted(maps.Keys(changes))
	c := under(w, func(*definition.Application) {})
	for range 1 + rnd.IntN(3) {
		way := ways[rnd.IntN(len(ways))]
		changes[way](c, rnd)
		what += " " + way
	}
	if rnd.IntN(2) == 0 {
		return c, w, what + ", turned round"
	}
	return w, c, what
}

// sideOf is the state of rights that a world describes, with modules that are known
// to the runner of s.
func (s *stage) sideOf(w *world.World, label string) *side {
	other := stageOver(s.tb, w, s.stored, s.tenant.ID())
	for _, rule := range w.App.Custom {
		b := other.app.bindings[rule]
		if b == nil {
			continue
		}
		module, hash := s.double.Register(rule.Name+label, b.manifest, world.Truth(w, rule.Name))
		s.double.SetPlan(hash, world.Plan(w, rule.Name))
		_, err := s.double.Load(context.Background(), s.tenant.ID(), module)
		must(s.tb, err)
		b.hash = hash
	}
	out := &side{app: other.app, people: truePeople{w}, hides: other.hides(), viewers: map[record.ID]identity.Viewer{}}
	for _, u := range w.Users {
		if v := viewerOf(w, u, s.tenant.ID()); v.Kind != identity.Nobody {
			out.viewers[u.ID] = v
		}
	}
	return out
}

// differ compares two worlds over the records of the first, as the asker sees them.
func (s *stage) differ(asker *oracle.User, after *world.World, o *CompareOptions) *Difference {
	op := s.op(asker)
	defer op.Close()
	was, is := s.sideOf(s.w, ""), s.sideOf(after, " anew")
	if reflect.DeepEqual(s.w.App, after.App) && reflect.DeepEqual(s.w.Modules, after.Modules) && reflect.DeepEqual(s.w.Hides, after.Hides) {
		is.app = was.app // as it is where people alone change
		for i := range is.hides {
			is.hides[i].Criteria = was.hides[i].Criteria
		}
	}
	c := newComparison(op, was, is, o)
	c.stands = func() error { return nil }
	if o.Costs {
		modules := map[string]string{}
		for _, rule := range is.app.def.Custom {
			modules[rule.Name] = "proposed"
		}
		c.costs = newCosting(modules)
	}
	d := &Difference{}
	must(s.tb, c.run(d))
	return d
}

// byHand is every gain and loss by the oracle, in the order of a comparison.
func byHand(before, after *world.World, asker *oracle.User) (out []string, records int) {
	forms := slices.Clone(after.App.Forms)
	for _, f := range before.App.Forms {
		if after.FormNumber(f.Number) == nil {
			forms = append(forms, f)
		}
	}
	var ids []record.ID
	for _, u := range before.Users {
		ids = append(ids, u.ID)
	}
	slices.SortFunc(ids, compareIDs)
	for _, f := range forms {
		for _, r := range before.Records[f.Name] {
			if before.Form(f.Name) == nil || !oracle.MaySee(before, asker, definition.View, f.Name, r) {
				continue
			}
			records++
			for _, id := range ids {
				was, is := rightsByHand(before, id, f.Name, r), rightsByHand(after, id, f.Name, r)
				if line := changedByHand(was, is); line != "" {
					out = append(out, fmt.Sprint(f.Number, " ", id, " ", r.ID, line))
				}
			}
		}
	}
	return out, records
}

// rightsByHand lists actions as negative numbers, fields read, and fields written
// behind 10,000.
func rightsByHand(w *world.World, id record.ID, form string, r *oracle.Record) []int {
	u := w.User(id)
	if w.Form(form) == nil || u == nil {
		return nil
	}
	var out []int
	for _, a := range world.RecordActions {
		if oracle.MaySee(w, u, a, form, r) {
			out = append(out, -int(a))
		}
	}
	fields := slices.Clone(record.System)
	for _, fd := range w.Form(form).Fields {
		fields = append(fields, fd.Field)
	}
	for _, fd := range fields {
		_, readable := oracle.Cell(w, u, form, r, fd.Name)
		if readable {
			out = append(out, int(fd.Number))
		}
		if fd.Number >= record.FirstField && oracle.Writable(w, u, form, r, fd.Name) ||
			fd.Number == record.FieldOwner && w.Form(form).OwnerField == 0 && readable && oracle.MayChangeOwner(w, u, form, r) {
			out = append(out, 10_000+int(fd.Number))
		}
	}
	slices.Sort(out)
	return out
}

func changedByHand(was, is []int) string {
	gained, lost := lacking(is, was), lacking(was, is)
	if len(gained)+len(lost) == 0 {
		return ""
	}
	return fmt.Sprint(" gains ", gained, " loses ", lost)
}

func lacking(from, without []int) (out []int) {
	for _, x := range from {
		if !slices.Contains(without, x) {
			out = append(out, x)
		}
	}
	return out
}

// text says of a row what byHand does.
func (r *DifferenceRow) text() string {
	list := func(actions []definition.Action, read, write []uint32) (out []int) {
		for _, a := range actions {
			out = append(out, -int(a))
		}
		for _, n := range read {
			out = append(out, int(n))
		}
		for _, n := range write {
			out = append(out, 10_000+int(n))
		}
		slices.Sort(out)
		return out
	}
	return fmt.Sprint(r.Form, " ", r.Person, " ", r.Record, " gains ", list(r.Gained, r.ReadGained, r.WriteGained), " loses ", list(r.Lost, r.ReadLost, r.WriteLost))
}

// TestP10_DifferenceEqualsBruteForce compares random changes of rights with the
// oracle's answer about every person, record, action and field on both sides.
func TestP10_DifferenceEqualsBruteForce(t *testing.T) {
	prove(t, 50, 1_000, func(t *testing.T, seed uint64) {
		before, after, what := twoWorlds(seed, world.Small)
		s := newStage(t, before)
		defer s.close()
		rowsOf := map[string][]string{} // by digest
		for _, asker := range before.Users {
			if asker.Inactive || !fullRights(asker.Kind) {
				continue
			}
			var got []string
			g := &digester{h: sha256.New()}
			d := s.differ(asker, after, &CompareOptions{Samples: 3, Each: func(r *DifferenceRow) error {
				got = append(got, r.text())
				return g.row(r)
			}})
			digest, err := g.sum(&Difference{})
			must(t, err)
			for other, rows := range rowsOf {
				if (other == digest) != slices.Equal(rows, got) {
					t.Fatalf("seed %d: %s as %s: digests tell other than rows", seed, what, asker.Email)
				}
			}
			rowsOf[digest] = got
			want, records := byHand(before, after, asker)
			if i := unequal(got, want); i >= 0 || d.Records != records {
				t.Fatalf("seed %d: %s as %s: %d records, by hand %d; row %d:\ngot  %v\nwant %v", seed, what, asker.Email, d.Records, records, i, at(got, i), at(want, i))
			}
			if want := recount(d, want); want != "" {
				t.Fatalf("seed %d: %s as %s: %s", seed, what, asker.Email, want)
			}
			if alone := s.differ(asker, after, &CompareOptions{Samples: 3}); !reflect.DeepEqual(alone, d) {
				t.Fatalf("seed %d: %s as %s: counts alone differ from those beside rows:\n%+v\n%+v", seed, what, asker.Email, alone, d)
			}
		}
	})
}

// recount compares the counts and samples of a difference with its rows by hand, and
// says what is wrong.
func recount(d *Difference, rows []string) string {
	type item struct {
		form, what int
		lost       bool
	}
	type tally struct {
		people, records map[string]bool
		pairs           map[Pair]bool
	}
	want := map[item]*tally{}
	for _, row := range rows {
		var form int
		head, lost, _ := strings.Cut(row, " loses ")
		head, gained, _ := strings.Cut(head, " gains ")
		words := strings.Fields(head)
		_, _ = fmt.Sscan(words[0], &form)
		for i, list := range []string{gained, lost} {
			for _, word := range strings.Fields(strings.Trim(list, "[]")) {
				k := item{form: form, lost: i == 1}
				_, _ = fmt.Sscan(word, &k.what)
				if want[k] == nil {
					want[k] = &tally{map[string]bool{}, map[string]bool{}, map[Pair]bool{}}
				}
				person, _ := record.ParseID(words[1])
				id, _ := record.ParseID(words[2])
				want[k].people[words[1]], want[k].records[words[2]], want[k].pairs[Pair{person, id}] = true, true, true
			}
		}
	}
	wrong := ""
	check := func(form uint32, what int, lost bool, got *Change) {
		k := item{int(form), what, lost}
		w := want[k]
		if delete(want, k); w == nil {
			w = &tally{}
		}
		if got.People != len(w.people) || got.Records != len(w.records) || got.Pairs != int64(len(w.pairs)) || len(got.Samples) != min(3, len(w.records)) {
			wrong = fmt.Sprintf("%+v: counted %+v, by hand %d people, %d records, %d pairs", k, got, len(w.people), len(w.records), len(w.pairs))
		}
		for _, p := range got.Samples {
			if !w.pairs[p] {
				wrong = fmt.Sprintf("%+v: sample %v is none", k, p)
			}
		}
	}
	for _, f := range d.Forms {
		for _, a := range f.Actions {
			check(f.Form, -int(a.Action), false, &a.Gained)
			check(f.Form, -int(a.Action), true, &a.Lost)
		}
		for _, x := range f.Fields {
			check(f.Form, int(x.Field), false, &x.Read.Gained)
			check(f.Form, int(x.Field), true, &x.Read.Lost)
			check(f.Form, 10_000+int(x.Field), false, &x.Write.Gained)
			check(f.Form, 10_000+int(x.Field), true, &x.Write.Lost)
		}
	}
	for k := range want {
		wrong = fmt.Sprintf("%+v is not told", k)
	}
	return wrong
}

// unequal returns the first place where two lists differ, -1 for none.
func unequal(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(list []string, i int) string {
	if i < 0 || i >= len(list) {
		return "nothing"
	}
	return list[i]
}
