package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/words"
	"sluice/internal/world"
	"sluice/storage"
)

// TestP1_SearchEqualsOracle: lists, reports, exports, and records below others with
// a search give what the oracle finds word by word, whichever way is taken: the
// limits that choose one are drawn too.
func TestP1_SearchEqualsOracle(t *testing.T) {
	prove(t, 250, 10_000, func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		s := newStage(t, world.Random(seed, sizeOf(seed)))
		defer s.close()
		for _, u := range s.w.Users {
			op := s.op(u)
			for _, f := range s.w.App.Forms {
				s.e.search = searchLimits{probe: rnd.IntN(4) - 1, gather: rnd.IntN(8) - 1, steps: rnd.IntN(3)}
				s.compareSearch(op, u, f, rnd)
			}
			op.Close()
		}
	})
}

func (s *stage) compareSearch(op *Op, u *oracle.User, f *definition.Form, rnd *rand.Rand) {
	query := world.RandomQuery(rnd)
	shape, ok := op.view.Shape().Form(f.Number)
	if !ok || len(shape.Searchable()) == 0 {
		if _, err := op.List(List{Form: f.Number, Search: query}); err == nil {
			s.tb.Fatalf("seed %d: %s searches %s, which has nothing to search", s.w.Seed, u.Email, f.Name)
		}
		return
	}
	found := func(ids []record.ID) []record.ID {
		return slices.DeleteFunc(ids, func(id record.ID) bool { return !oracle.Finds(s.w, u, f.Name, s.w.Find(f.Name, id), query) })
	}
	for i := range 3 {
		var where map[string]any
		var keys []oracle.Order
		if i > 0 {
			where = world.RandomWhere(s.w, rnd, f.Name, s.fields(op, u))
		}
		if i > 1 {
			keys = world.RandomOrder(s.w, rnd, f.Name, s.fields(op, u))
		}
		ours, theirs := s.orders(f, keys)
		q := List{Form: f.Number, Where: s.parse(op, f, where), OrderBy: ours, First: 1 + rnd.IntN(5), Search: query}
		what := fmt.Sprintf("%s searches %s for %s where %v order %+v, limits %+v", u.Email, f.Name, query, where, theirs, s.e.search)
		want := found(oracle.List(s.w, u, f.Name, where, theirs))
		s.walk(op, what, q, want)
		s.compareWalk(op, what, q, want)
		down := q
		down.OrderBy = []Order{{Field: record.System[0], Desc: true}}
		slices.SortFunc(want, func(a, b record.ID) int { return compareIDs(b, a) })
		s.walk(op, what+" down", down, want)
	}
	for _, r := range s.w.App.Reports {
		if r.Form == f.Name {
			ids := found(oracle.ListReport(s.w, u, r.Name, nil, nil))
			slices.SortFunc(ids, compareIDs)
			q := List{Form: f.Number, Report: r.Name, First: 4, OrderBy: []Order{{Field: record.System[0]}}, Search: query}
			s.walk(op, u.Email+" searches "+r.Name+" for "+query, q, ids)
		}
	}
	s.compareSearchBelow(op, u, f, query, rnd)
}

// compareWalk compares what a walk over a whole list gives.
func (s *stage) compareWalk(op *Op, what string, q List, want []record.ID) {
	var got []record.ID
	err := op.Walk(q, func(rs []record.Redacted) error {
		for _, r := range rs {
			got = append(got, r.ID())
		}
		return nil
	})
	must(s.tb, err)
	sorted := func(ids []record.ID) []record.ID {
		ids = slices.Clone(ids)
		slices.SortFunc(ids, compareIDs)
		return ids
	}
	if !slices.Equal(sorted(got), sorted(want)) || len(q.OrderBy) > 0 && !slices.Equal(got, want) {
		s.tb.Fatalf("seed %d: %s: a walk gives %v, oracle %v", s.w.Seed, what, got, want)
	}
}

// compareSearchBelow searches among the records that a lookup leads from.
func (s *stage) compareSearchBelow(op *Op, u *oracle.User, f *definition.Form, query string, rnd *rand.Rand) {
	shape, _ := op.view.Shape().Form(f.Number)
	for _, link := range f.Fields {
		if link.Type != record.Lookup || !shape.Visible.Has(link.Number) {
			continue
		}
		var parents []record.ID
		for _, r := range s.w.Records[s.w.FormNumber(link.Target).Name] {
			parents = append(parents, r.ID)
		}
		under := map[record.ID][]record.ID{}
		for _, id := range oracle.ListForm(s.w, u, f.Name) {
			if r := s.w.Find(f.Name, id); oracle.Finds(s.w, u, f.Name, r, query) {
				v, _ := oracle.Cell(s.w, u, f.Name, r, link.Name)
				under[v.Ref()] = append(under[v.Ref()], id)
			}
		}
		q := List{Form: f.Number, First: rnd.IntN(4), Total: rnd.IntN(2) == 0, Search: query}
		pages, err := op.Children(link.Field, parents, q)
		must(s.tb, err)
		for i, parent := range parents {
			s.checkPage(pages[i], fmt.Sprintf("%s searches below %s by %s for %s", u.Email, parent, link.Name, query), q, under[parent], 0)
		}
	}
}

// searchCrowd is the crowd with titles that are searched: "order 17" and so on.
func searchCrowd(tb testing.TB, total int) *crowd {
	tb.Helper()
	return newCrowdOf(tb, newMemory(tb), total, 20, func(f *definition.Form) {
		f.Fields[0].Searchable = true
		f.Indexes = append(f.Indexes, definition.Index{Number: f.NextIndex, Parts: []uint32{f.Fields[0].Number}, Words: words.Version})
		f.NextIndex++
	})
}

// TestSearchCostFollowsTheRarestWord counts keys, cursors and gets: for one who
// sees everything a rare word costs what has it, however many records there are,
// also beside a word that all have; and one who sees few pays for those.
func TestSearchCostFollowsTheRarestWord(t *testing.T) {
	for _, total := range sizes() {
		c := searchCrowd(t, total)
		rare := fmt.Sprint("order ", total-7)
		page := func(q List, want int) func(*Op) {
			return func(op *Op) {
				q.Form, q.First = c.form.Number, 50
				p, err := op.List(q)
				must(t, err)
				if len(p.Records) != want || q.Total && p.Total != want {
					t.Fatalf("%q: %d records, total %d, want %d", q.Search, len(p.Records), p.Total, want)
				}
			}
		}
		for _, n := range []struct {
			who, query   string
			want         int
			q            List
			keys, cursor int
		}{
			{"stranger", rare, 1, List{}, 30, 10},
			{"stranger", rare, 1, List{Total: true}, 30, 10},
			{"stranger", rare, 1, c.byAmount(true), 30, 10},
			{"stranger", "order", 50, List{}, 500, 10},
			{"stranger", "order nothing", 0, List{Total: true}, 10, 10},
			{"stranger", fmt.Sprint(total-7) + "*", 1, List{Total: true}, 500, 12},
			{"rep3", "order", 50, List{}, 600, 10},
			{"rep3", "order " + rare, 0, List{Total: true}, 30, 10},
			{"rep3", "nothing order", 0, c.byAmount(false), 30, 10},
		} {
			n.q.Search = n.query
			s := c.spent(n.who, page(n.q, n.want))
			if s.Keys+s.Gets > n.keys || s.Cursors > n.cursor {
				t.Errorf("%d records: %s searches for %q with %+v: %+v", total, n.who, n.query, n.q.OrderBy, s)
			}
		}
	}
}

// TestP3_SearchReadsNoHiddenWords: a search touches the words of fields that the
// viewer sees and of no other: what it costs tells nothing of those.
func TestP3_SearchReadsNoHiddenWords(t *testing.T) {
	h := newHouse(t)
	h.apply("testdata/search.yaml")
	cost := func(who, query string) (keys int, ids []record.ID) {
		h.read(who, func(op *Op) {
			before := op.Stats()
			page, err := op.List(List{Form: h.form("Customer").Number, First: 10, Search: query})
			must(t, err)
			for _, r := range page.Records {
				ids = append(ids, r.ID())
			}
			keys = op.Stats().Keys - before.Keys
		})
		return keys, ids
	}
	before, _ := cost("rep", "quokka")
	for i := range 5 {
		h.add("admin", "Customer", cell{"name": fmt.Sprint("Zylker ", i), "tax": "quokka", "code": fmt.Sprint("K", i)})
	}
	if after, ids := cost("rep", "quokka"); after != before || len(ids) > 0 {
		t.Errorf("words of a hidden field cost %d keys instead of %d, and find %v", after, before, ids)
	}
	if keys, ids := cost("admin", "quokka"); keys == before || len(ids) != 5 {
		t.Errorf("the admin reads %d keys and finds %v: the test shows nothing", keys, ids)
	}
}

// TestSearchIsBuiltForStoredRecords: a field that becomes searchable is searched by
// an index that holds the records from before, in more words than one transaction
// takes; and one that is so no more has none.
func TestSearchIsBuiltForStoredRecords(t *testing.T) {
	h := newHouse(t)
	var ids []record.ID
	for i := range 60 {
		text := ""
		for w := range 120 {
			text += fmt.Sprintf("w%dx%d ", w, i)
		}
		ids = append(ids, h.add("admin", "Deal", cell{"title": fmt.Sprint("Deal ", i), "note": text}))
	}
	search := func(query string) (page *Page, err error) {
		h.read("admin", func(op *Op) {
			before := op.Stats()
			page, err = op.List(List{Form: h.form("Deal").Number, First: 10, Search: query})
			if after := op.Stats(); err == nil && after.Gets-before.Gets > 5 {
				t.Errorf("%d records are read: the index is not used", after.Gets-before.Gets)
			}
		})
		return page, err
	}
	if _, err := search("w7x8"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("before: %v", err)
	}
	h.apply("testdata/search.yaml")
	for i, id := range ids {
		page, err := search(fmt.Sprintf("w7x%d", i))
		if must(t, err); len(page.Records) != 1 || page.Records[0].ID() != id {
			t.Fatalf("the record %d is not found by its word", i)
		}
	}
	h.apply("testdata/house.yaml")
	if _, err := search("w7x8"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("after: %v", err)
	}
}

// TestSearchFindsInLongTexts: a text of more words than an index holds is found by
// each of them, and a word that is longer than a term by all of its letters.
func TestSearchFindsInLongTexts(t *testing.T) {
	h := newHouse(t)
	h.apply("testdata/search.yaml")
	long, other := strings.Repeat("x", 100)+"y", strings.Repeat("x", 100)+"z"
	var many strings.Builder
	for i := range storage.MaxWords + 1 {
		many.WriteRune('\u4e00' + rune(i))
	}
	a := h.add("admin", "Deal", cell{"title": "a", "story": many.String()})
	b := h.add("admin", "Deal", cell{"title": "b", "story": long})
	c := h.add("admin", "Deal", cell{"title": "c", "story": other + " \u4e05"})
	for query, want := range map[string][]record.ID{
		"\u4e05": {a, c}, "\u4e05\u4e06": {a}, "\u4e06\u4e05": nil, "\u5000": nil, long: {b}, other: {c}, strings.Repeat("x", 100): nil,
		strings.Repeat("x", 100) + "*": {b, c}, "xxx*": {b, c}, long + "*": {b}, long + " \u4e05": nil, other + " \u4e05": {c},
	} {
		for _, e := range []searchLimits{usualSearch, {probe: -1, gather: -1}} {
			h.e.search = e
			h.read("admin", func(op *Op) {
				page, err := op.List(List{Form: h.form("Deal").Number, First: 10, Search: query})
				must(t, err)
				var got []record.ID
				for _, r := range page.Records {
					got = append(got, r.ID())
				}
				slices.SortFunc(got, compareIDs) // ids of one millisecond have no order
				slices.SortFunc(want, compareIDs)
				if !slices.Equal(got, want) {
					t.Errorf("%q finds %v, want %v", query, got, want)
				}
			})
		}
	}
}

// TestSearchWithoutItsIndex: an index of words that were cut in another way is not
// read and not written; the records are.
func TestSearchWithoutItsIndex(t *testing.T) {
	c := newCrowdOf(t, newMemory(t), 300, 2, func(f *definition.Form) {
		f.Fields[0].Searchable, f.Fields[2].Searchable = true, true
		f.Indexes = append(f.Indexes, definition.Index{Number: f.NextIndex, Parts: []uint32{f.Fields[0].Number}, Words: words.Version + 1},
			definition.Index{Number: f.NextIndex + 1, Parts: []uint32{f.Fields[2].Number}, Words: words.Version})
		f.NextIndex += 2
	})
	op := c.op(c.user["stranger"])
	defer op.Close()
	for query, want := range map[string]int{"order 299": 1, "299 s9": 1, "299 s8": 0} {
		page, err := op.List(List{Form: c.form.Number, First: 50, Search: query})
		must(t, err)
		if len(page.Records) != want {
			t.Errorf("%q finds %d records", query, len(page.Records))
		}
	}
	if ix := c.app.forms[c.form.Number].words; len(ix) != 1 {
		t.Errorf("%d indexes of words are in use", len(ix))
	}
}
