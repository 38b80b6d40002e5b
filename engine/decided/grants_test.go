package decided

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// TestGrantsEqualMap holds a list that follows changes, and walks over it from
// any place and in both directions, against a map of what is there.
func TestGrantsEqualMap(t *testing.T) {
	id := func(n int) record.ID { return record.ID{15: byte(n)} }
	rapid.Check(t, func(t *rapid.T) {
		model := map[record.ID]Entry{}
		var first []Entry
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 30), 0, 20, func(n int) int { return n }).Draw(t, "first") {
			en := Entry{ID: id(n), Record: Record{uint32(n), 1}}
			model[en.ID], first = en, append(first, en)
		}
		g := NewGrants(5, first)
		for step := range rapid.IntRange(0, 4).Draw(t, "steps") {
			var changed []Entry
			for range rapid.IntRange(0, 10).Draw(t, "changes") {
				en := Entry{ID: id(rapid.IntRange(1, 30).Draw(t, "id")), Record: Record{1, rapid.Uint32Range(0, 9).Draw(t, "version")}}
				if changed = append(changed, en); en.Version == 0 {
					delete(model, en.ID)
				} else {
					model[en.ID] = en
				}
			}
			g = g.Follow(uint64(6+step), changed)
		}
		desc := rapid.Bool().Draw(t, "desc")
		var after *record.ID
		if rapid.Bool().Draw(t, "after") {
			at := id(rapid.IntRange(0, 31).Draw(t, "place"))
			after = &at
		}
		var want, got []Entry
		for _, en := range model {
			c := compareEntries(en, Entry{ID: *orZero(after)})
			if after == nil || desc && c < 0 || !desc && c > 0 {
				want = append(want, en)
			}
		}
		if slices.SortFunc(want, compareEntries); desc {
			slices.Reverse(want)
		}
		for w := g.Walk(after, desc); w.Next(); {
			got = append(got, *w.At())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func orZero(id *record.ID) *record.ID {
	if id == nil {
		return new(record.ID)
	}
	return id
}

// TestGrantsHaveBounds: a list of too many changes is given up, one of an earlier
// state does not take the place of a later one, and a list weighs.
func TestGrantsHaveBounds(t *testing.T) {
	entries := func(n int) (out []Entry) {
		for i := range n {
			out = append(out, Entry{ID: record.ID{14: byte(i >> 8), 15: byte(i)}, Record: Record{uint32(i), 1}})
		}
		return out
	}
	g := NewGrants(1, nil)
	if g.Follow(2, entries(MaxFollowed)) == nil || g.Follow(2, entries(MaxFollowed+1)) != nil {
		t.Error("the bound of changes")
	}
	c := New(Usual)
	s := c.Open(someForm, someAsked)
	s.KeepGrants(Scope{}, NewGrants(7, entries(1000)))
	if n := c.Size(); n < 1000*entryWeight {
		t.Errorf("%d bytes", n)
	}
	if s.KeepGrants(Scope{}, NewGrants(6, nil)); s.Grants(Scope{}).Seq() != 7 {
		t.Error("an earlier state is kept")
	}
	if s.KeepGrants(Scope{}, NewGrants(8, make([]Entry, MaxGrants+1))); s.Grants(Scope{}).Seq() != 7 {
		t.Error("too much is kept")
	}
	for i := range maxScopes {
		s.KeepGrants(Scope{1, byte(i)}, NewGrants(uint64(20+i), nil))
	}
	if s.Grants(Scope{}) != nil || len(s.grants) != maxScopes || s.Grants(Scope{1, 0}) == nil {
		t.Error("the list of the earliest state does not make room")
	}
}
