package decided

import (
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/identity"
	"sluice/rules"
)

var (
	someForm  = Form{Tenant: identity.Tenant{1}, Definition: new(int), Number: 3}
	someAsked = Asked{Rule: rules.Hash{1}, Viewer: "north"}
)

func put(s *Set, ordinal, version uint32, v rules.Verdict) {
	s.Put([]Record{{ordinal, version}}, []rules.Verdict{v})
}

// TestKeysAreApart: an answer is found under all that it depends on and under
// nothing else.
func TestKeysAreApart(t *testing.T) {
	c := New(Usual)
	yes := rules.Verdict{Grant: 1}
	put(c.Open(someForm, someAsked), 7, 2, yes)
	if v, ok := c.Open(someForm, someAsked).Get(Record{7, 2}); !ok || v != yes {
		t.Fatal(v, ok)
	}
	form := func(change func(*Form)) Form { f := someForm; change(&f); return f }
	for name, s := range map[string]*Set{
		"tenant":     c.Open(form(func(f *Form) { f.Tenant = identity.Tenant{2} }), someAsked),
		"definition": c.Open(form(func(f *Form) { f.Definition = new(int) }), someAsked),
		"form":       c.Open(form(func(f *Form) { f.Number = 4 }), someAsked),
		"rule":       c.Open(someForm, Asked{Rule: rules.Hash{2}, Viewer: "north"}),
		"viewer":     c.Open(someForm, Asked{Rule: rules.Hash{1}, Viewer: "south"}),
	} {
		if v, ok := s.Get(Record{7, 2}); ok {
			t.Errorf("another %s gets %v", name, v)
		}
	}
	for _, r := range []Record{{7, 1}, {7, 3}, {7, 0}, {8, 2}} {
		if v, ok := c.Open(someForm, someAsked).Get(r); ok {
			t.Errorf("%v gets %v", r, v)
		}
	}
}

// TestNothingIsKept: of faults, of versions that are not known, of a nil cache.
func TestNothingIsKept(t *testing.T) {
	s := New(Usual).Open(someForm, someAsked)
	put(s, 1, 1, rules.Verdict{Grant: 3, Fault: rules.FaultTrap})
	put(s, 2, 0, rules.Verdict{Grant: 3})
	none := (*Cache)(nil).Open(someForm, someAsked)
	put(none, 1, 1, rules.Verdict{Grant: 3})
	for _, s := range []*Set{s, none} {
		for _, r := range []Record{{1, 1}, {2, 0}} {
			if v, ok := s.Get(r); ok {
				t.Errorf("%v: %v", r, v)
			}
		}
	}
}

// TestSetEqualsMap holds sets of one form against a map by record: what is known
// is what was put last of the newest version seen, and the newest is not
// forgotten while there is room and no more verdicts than a set keeps.
func TestSetEqualsMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Usual)
		type place struct {
			viewer string
			r      Record
		}
		model, newest := map[place]rules.Verdict{}, map[uint32]uint32{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			viewer := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "viewer")
			r := Record{rapid.SampledFrom([]uint32{0, 1, 1023, 1024, 70_000}).Draw(t, "ordinal"), rapid.Uint32Range(1, 4).Draw(t, "version")}
			s := c.Open(someForm, Asked{Viewer: viewer})
			if rapid.Bool().Draw(t, "put") {
				v := rules.Verdict{Grant: rapid.Uint8Range(0, 3).Draw(t, "grant")}
				if newest[r.Ordinal] <= r.Version {
					if old, known := model[place{viewer, r}]; known {
						v = old // rules are pure
					}
					newest[r.Ordinal], model[place{viewer, r}] = r.Version, v
				}
				put(s, r.Ordinal, r.Version, v)
			}
			got, ok := s.Get(r)
			want, known := model[place{viewer, r}]
			if known = known && newest[r.Ordinal] == r.Version; ok != known || ok && got != want {
				t.Fatalf("%v of %s: %v %v, want %v %v", r, viewer, got, ok, want, known)
			}
		}
	})
}

// TestFarBehind: a set that missed more changes than are remembered begins anew.
func TestFarBehind(t *testing.T) {
	c := New(Usual)
	behind, busy := c.Open(someForm, someAsked), c.Open(someForm, Asked{})
	put(behind, 1, 1, rules.Verdict{Grant: 1})
	put(behind, 2, 1, rules.Verdict{Grant: 1})
	put(busy, 1, 2, rules.Verdict{})
	for v := range uint32(maxStale + 10) {
		put(busy, 5, v+1, rules.Verdict{})
	}
	for _, r := range []Record{{1, 1}, {1, 2}, {2, 1}} {
		if v, ok := behind.Get(r); ok {
			t.Errorf("%v: %v", r, v)
		}
	}
	put(behind, 2, 1, rules.Verdict{Grant: 1})
	if _, ok := behind.Get(Record{2, 1}); !ok {
		t.Error("nothing is kept any more")
	}
}

// TestManyVerdicts: those beyond what a set keeps are asked again, and no other is
// given for them.
func TestManyVerdicts(t *testing.T) {
	s := New(Usual).Open(someForm, someAsked)
	for i := range uint32(2 * maxAnswers) {
		put(s, i, 1, rules.Verdict{Visible: uint64(i)})
	}
	for i := range uint32(2 * maxAnswers) {
		if v, ok := s.Get(Record{i, 1}); ok != (i < maxAnswers) || ok && v.Visible != uint64(i) {
			t.Errorf("%d: %v %v", i, v, ok)
		}
	}
}

// TestRoom: what was used longest ago makes room, and all that was held is given
// back with the last set.
func TestRoom(t *testing.T) {
	const limit = 150 << 10
	c := New(limit)
	asked := func(i int) Asked { return Asked{Viewer: fmt.Sprint(i)} }
	first := c.Open(someForm, asked(0))
	for i := range 300 {
		s := c.Open(someForm, asked(i))
		for ordinal := range uint32(100) {
			put(s, ordinal*97, 1, rules.Verdict{Grant: 1})
		}
		if c.Size() > limit {
			t.Fatalf("%d bytes of %d", c.Size(), limit)
		}
	}
	if _, ok := c.Open(someForm, asked(299)).Get(Record{0, 1}); !ok {
		t.Error("what was used last is gone")
	}
	if _, ok := c.Open(someForm, asked(0)).Get(Record{0, 1}); ok {
		t.Error("what was used first is there")
	}
	put(first, 3, 1, rules.Verdict{Grant: 1}) // its place is another's: nothing grows
	full := c.Size()
	huge := c.Open(Form{Number: 9}, someAsked)
	put(huge, 1<<31, 1, rules.Verdict{Grant: 1})
	if c.Size() != 0 || len(c.forms) != 0 || c.used.Len() != 0 {
		t.Errorf("%d bytes of %d, %d forms and %d sets are left", c.Size(), full, len(c.forms), c.used.Len())
	}
}

// TestConcurrentUse is for the race detector, and ends with right answers.
func TestConcurrentUse(t *testing.T) {
	c := New(256 << 10)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range uint32(3000) {
				s := c.Open(Form{Number: i % 3}, Asked{Viewer: fmt.Sprint(i % 5)})
				r := Record{i % 700, 1 + i/700}
				put(s, r.Ordinal, r.Version, rules.Verdict{Grant: uint8(r.Version % 4)})
				if v, ok := s.Get(r); ok && v.Grant != uint8(r.Version%4) {
					t.Errorf("%d: %v: %v", g, r, v)
				}
			}
		})
	}
	all.Wait()
}
