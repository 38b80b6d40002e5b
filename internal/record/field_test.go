package record

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawNumbers(t *rapid.T, label string) map[uint32]bool {
	m := map[uint32]bool{}
	for _, n := range rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(0, 80), rapid.Uint32Range(0, MaxField)), 0, 8).Draw(t, label) {
		m[n] = true
	}
	return m
}

// TestFieldSetIsAMap holds the set algebra to maps, and its operands unchanged.
func TestFieldSetIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ma, mb := drawNumbers(t, "a"), drawNumbers(t, "b")
		a, b := FieldSetOf(slices.Collect(maps.Keys(ma))...), FieldSetOf(slices.Collect(maps.Keys(mb))...)
		union, minus := maps.Clone(ma), maps.Clone(ma)
		maps.Copy(union, mb)
		for n := range mb {
			delete(minus, n)
		}
		with := a.With(slices.Collect(maps.Keys(mb))...)
		for _, c := range []struct {
			name string
			got  FieldSet
			want map[uint32]bool
		}{{"union", a.Union(b), union}, {"minus", a.Minus(b), minus}, {"with", with, union}, {"a", a, ma}, {"b", b, mb}} {
			if got, want := c.got.Numbers(), slices.Sorted(maps.Keys(c.want)); !slices.Equal(got, want) {
				t.Fatalf("%s: got %v, want %v", c.name, got, want)
			}
			for n := range uint32(200) {
				if c.got.Has(n) != c.want[n] {
					t.Fatalf("%s: membership of %d", c.name, n)
				}
			}
			if c.got.Empty() != (len(c.want) == 0) || c.got.Has(1<<31) {
				t.Fatalf("%s: empty is %v", c.name, c.got.Empty())
			}
		}
		if a.Equal(b) != maps.Equal(ma, mb) || !a.Equal(FieldSetOf(a.Numbers()...)) {
			t.Fatal("equality")
		}
	})
}

func TestZeroFieldSet(t *testing.T) {
	var s FieldSet
	if !s.Empty() || s.Has(0) || s.Has(FirstField) || len(s.Numbers()) != 0 || !s.Equal(FieldSetOf()) || !s.Minus(FieldSetOf(5)).Empty() {
		t.Error("the zero set holds something")
	}
}

func TestSystemFields(t *testing.T) {
	for i, f := range System {
		if f.Number != uint32(i+1) || f.Number >= FirstField || f.Type == InvalidType {
			t.Errorf("%+v", f)
		}
		if got, ok := SystemField(f.Name); !ok || got.Number != f.Number {
			t.Errorf("%s is not found", f.Name)
		}
	}
	if _, ok := SystemField(""); ok {
		t.Error("a field without name is found")
	}
}

// TestOrderable says for every type whether lists are ordered by it: a new one
// has to be placed here.
func TestOrderable(t *testing.T) {
	want := map[Type]bool{InvalidType: false, Text: true, LongText: false, Integer: true, Decimal: true, Boolean: true, Date: true, DateTime: true,
		Choice: true, MultiChoice: false, Email: true, User: false, Lookup: false, File: false, Image: false,
		Currency: true, Percent: true, Time: true, Duration: true, Phone: true, URL: true, JSON: false, Users: false, MultiLookup: false, AutoNumber: true, Identity: true}
	for typ := InvalidType; typ <= Identity; typ++ {
		orders, named := want[typ]
		if got := (&Field{Number: FirstField, Type: typ}).Orderable(); !named || got != orders {
			t.Errorf("%s: orderable %v", typ, got)
		}
	}
}
