package policy

import (
	"reflect"
	"testing"

	"sluice/internal/record"
)

func users(ids ...byte) *Owners {
	o := &Owners{}
	for _, b := range ids {
		o.Users = append(o.Users, record.ID{b})
	}
	return o
}

func TestUnion(t *testing.T) {
	c, k := &Criteria{}, &Kept{}
	rootOnly := &Owners{NoRole: true}
	for name, c := range map[string]struct{ got, want Reach }{
		"nothing":          {union(), None{}},
		"nothing but none": {union(nil, None{}, Union{}, &Owners{}), None{}},
		"all absorbs":      {union(c, All{}, users(1)), All{}},
		"one":              {union(None{}, c), c},
		"flat, owners first": {
			union(Union{c, k}, users(1)), Union{users(1), c, k},
		},
		"owners merge":       {union(users(3, 5), c, users(1, 3, 9)), Union{users(1, 3, 5, 9), c}},
		"owners alone":       {union(users(2), users(1)), users(1, 2)},
		"without a role":     {union(users(2), rootOnly), &Owners{Users: users(2).Users, NoRole: true}},
		"role first":         {union(rootOnly, users(2)), &Owners{Users: users(2).Users, NoRole: true}},
		"no users, no role":  {union(rootOnly), rootOnly},
		"no empty owners":    {union(&Owners{}, c), c},
		"intersections stay": {union(Intersect{c, k}, c), Union{Intersect{c, k}, c}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %#v, want %#v", name, c.got, c.want)
		}
	}
	same := users(1, 2)
	if got := union(same, same); got != Reach(same) {
		t.Errorf("the same owners twice: %#v", got)
	}
}

func TestIntersect(t *testing.T) {
	c, k := &Criteria{}, &Kept{}
	for name, c := range map[string]struct{ got, want Reach }{
		"nothing":      {intersect(), None{}},
		"none absorbs": {intersect(c, None{}), None{}},
		"nil absorbs":  {intersect(c, nil), None{}},
		"all of all":   {intersect(All{}, All{}), All{}},
		"one":          {intersect(All{}, c), c},
		"flat":         {intersect(Intersect{c, k}, c), Intersect{c, k, c}},
		"unions stay":  {intersect(Union{c, k}, k), Intersect{Union{c, k}, k}},
		"empty inside": {intersect(c, Intersect{}), None{}},
		"empty union":  {intersect(c, Union{}), None{}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %#v, want %#v", name, c.got, c.want)
		}
	}
}

func TestMinus(t *testing.T) {
	some := users(1)
	for i, c := range []struct{ from, take, want Reach }{
		{All{}, All{}, None{}}, {some, All{}, None{}}, {None{}, some, None{}}, {nil, some, None{}}, {Union{}, All{}, None{}},
		{some, None{}, some}, {some, nil, some}, {All{}, None{}, All{}},
	} {
		if got := minus(c.from, c.take); got != c.want {
			t.Errorf("case %d: %#v, want %#v", i, got, c.want)
		}
	}
	if m, ok := minus(All{}, some).(*Minus); !ok || m.From != (All{}) || m.Take != Reach(some) {
		t.Error("All without some is not a difference")
	}
}

// TestSpansAreApart: of spans that overlap, touch or contain one another a
// position is looked up as in all of them.
func TestSpansAreApart(t *testing.T) {
	for bits := range 1 << 12 {
		var o owners
		in := [10]bool{}
		for i, n := 0, bits; i < 3; i, n = i+1, n>>4 {
			lo, length := int32(n&7), int32(n>>3&1)*3+int32(i)
			o.spans = append(o.spans, span{lo, min(lo+length, 10)})
			for p := lo; p < min(lo+length, 10); p++ {
				in[p] = true
			}
		}
		o.normalize()
		for p, want := range in {
			if got := inSpans(o.spans, int32(p)); got != want {
				t.Fatalf("%012b: position %d in %v: %v", bits, p, o.spans, got)
			}
		}
		if inSpans(o.spans, noRole) || inSpans(o.spans, 10) {
			t.Fatalf("%012b: a position outside", bits)
		}
	}
}
