package policy_test

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Formulas of the form Order: over the title, over that and the amount, over the
// tax number, and over nothing but what is always visible.
const (
	size, product, taxSize, age = 23, 24, 25, 26
)

func (w *world) withFormulas(t *testing.T) *world {
	t.Helper()
	f := w.app.Forms[0]
	for _, x := range []struct {
		number           uint32
		name, expression string
	}{{size, "size", "length(title)"}, {product, "product", "size * amount"}, {taxSize, "taxSize", "length(taxNumber)"}, {age, "age", "year(date(addedTime))"}} {
		f.Fields = append(f.Fields, &definition.Field{Field: record.Field{Number: x.number, Name: x.name}, Expression: x.expression})
		w.app.Sets[0].Forms["Order"].Fields[x.name] = definition.Writable
	}
	if err := f.Link(); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestB3_FormulaNeedsAllThatItReads hides each of the fields in turn, and takes
// formulas from all that may be written.
func TestB3_FormulaNeedsAllThatItReads(t *testing.T) {
	for hidden, gone := range map[string][]uint32{
		"": {taxSize}, "title": {size, product, taxSize}, "amount": {product, taxSize}, "size": {size, product, taxSize}, "product": {product, taxSize},
		"age": {age, taxSize}, "region": {taxSize},
	} {
		w := newWorld().onOrders(view, edit).withFormulas(t)
		w.app.Sets[0].ShowPII = false
		if hidden != "" {
			w.app.Sets[0].Forms["Order"].Fields[hidden] = definition.Hidden
		}
		f := orderShape(t, w.live(t, "rep"))
		for _, n := range []uint32{size, product, taxSize, age} {
			want := true
			for _, g := range gone {
				want = want && g != n
			}
			if f.Visible.Has(n) != want || f.Writable.Has(n) {
				t.Errorf("without %q: field %d visible %v, writable %v, want %v and false", hidden, n, f.Visible.Has(n), f.Writable.Has(n), want)
			}
			for _, x := range f.Form.Fields {
				if x.Number == n && (w.app.Sets[0].Access("Order", x) == definition.ReadOnly) != want {
					t.Errorf("without %q: the check sees %s differently", hidden, x.Name)
				}
			}
		}
		if !f.Writable.Has(region) && hidden != "region" {
			t.Error("a stored field may not be written")
		}
	}
}

// TestB2_FormulaFollowsTheSwitches: the switch for personal data decides about a
// formula over it.
func TestB2_FormulaFollowsTheSwitches(t *testing.T) {
	w := newWorld().onOrders(view, edit).withFormulas(t)
	w.app.Sets[0].ShowPII = true
	if f := orderShape(t, w.live(t, "rep")); !f.Visible.Has(taxSize) {
		t.Error("the set shows personal data and the formula is hidden")
	}
}

// TestA3_AdminsReadFormulas and write none.
func TestA3_AdminsReadFormulas(t *testing.T) {
	w := newWorld().onOrders(view, edit).withFormulas(t)
	f := orderShape(t, w.kind(t, "admin", identity.Admin))
	for _, n := range []uint32{size, product, taxSize, age} {
		if !f.Visible.Has(n) || f.Writable.Has(n) {
			t.Errorf("field %d: visible %v, writable %v", n, f.Visible.Has(n), f.Writable.Has(n))
		}
	}
}
