package record

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawValue(t *rapid.T, label string) Value {
	return rapid.Custom(func(t *rapid.T) Value {
		return anyValue(t, rapid.SampledFrom(testFields).Draw(t, "field"))
	}).Draw(t, label)
}

// TestCompareIsATotalOrder, and agrees with the plain order of each kind.
func TestCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawValue(t, "a"), drawValue(t, "b"), drawValue(t, "c")
		if a.Compare(a) != 0 || a.Compare(b) != -b.Compare(a) || a.Equal(b) != (a.Compare(b) == 0) {
			t.Fatal("not an order")
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatal("not transitive")
		}
		if a.Kind() != b.Kind() {
			return
		}
		want := 0
		switch a.Kind() {
		case KindInt:
			want = cmp.Compare(a.Int(), b.Int())
		case KindText:
			want = bytes.Compare(a.Text(), b.Text())
		case KindRef:
			x, y := a.Ref(), b.Ref()
			want = bytes.Compare(x[:], y[:])
		case KindList:
			want = slices.CompareFunc(a.List(), b.List(), bytes.Compare)
		case KindBool:
			want = cmp.Compare(a.num, b.num)
		}
		if a.Compare(b) != want {
			t.Fatalf("got %d, want %d", a.Compare(b), want)
		}
	})
}

func TestRefsOrderByAllBytes(t *testing.T) {
	ids := []ID{{15: 1}, {15: 2}, {8: 1}, {8: 0x80}, {7: 1}, {0: 1}, {0: 0x80}}
	for i, x := range ids {
		for j, y := range ids {
			if got := Ref(x).Compare(Ref(y)); got != cmp.Compare(i, j) {
				t.Errorf("%s and %s: %d", x, y, got)
			}
		}
	}
}

func TestLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.StringN(0, 3, 5), 0, 4).Draw(t, "items")
		v := List(items...)
		got := v.List()
		if len(got) != len(items) || v.IsNull() || got == nil {
			t.Fatalf("got %q", got)
		}
		for i, s := range items {
			if string(got[i]) != s || !v.Holds([]byte(s)) {
				t.Fatalf("item %d is %q", i, got[i])
			}
		}
		s := rapid.StringN(0, 3, 5).Draw(t, "other")
		if v.Holds([]byte(s)) != slices.Contains(items, s) {
			t.Fatalf("holds %q", s)
		}
	})
}

// TestOtherKindsAreZero: a value asked for what it is not answers the zero.
func TestOtherKindsAreZero(t *testing.T) {
	for _, v := range []Value{{}, Bool(true), Int(1), String("1"), Bytes([]byte("1")), Ref(ID{1}), List("1"), Ref(ID{})} {
		k := v.Kind()
		if v.IsNull() != (k == KindNull) || v.Bool() != (k == KindBool) || (v.Int() != 0) != (k == KindInt) ||
			(v.Text() != nil) != (k == KindText) || v.Ref().IsZero() == (k == KindRef) || (v.List() != nil) != (k == KindList) ||
			v.Holds([]byte("1")) != (k == KindList) {
			t.Errorf("kind %d answers for another", k)
		}
	}
}

func TestTypes(t *testing.T) {
	for typ := Text; typ < Identity; typ++ {
		if back, ok := ParseType(typ.String()); !ok || back != typ || typ.Kind() == KindNull {
			t.Errorf("%v is not a type by its name", typ)
		}
	}
	for _, s := range []string{"", "invalid", "id", "Text", "string"} {
		if typ, ok := ParseType(s); ok {
			t.Errorf("%q is read as %v", s, typ)
		}
	}
	if Type(99).String() != "invalid" || Type(99).Kind() != KindNull || InvalidType.Kind() != KindNull {
		t.Error("an unknown type is something")
	}
}
