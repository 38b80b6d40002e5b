package definition

import "testing"

// TestNearest: what differs in case and punctuation alone is offered, else a few names.
func TestNearest(t *testing.T) {
	many := []string{"a", "b", "c", "d", "e", "f", "g", "h", "sales-rep"}
	for _, x := range []struct {
		name string
		of   []string
		want string
	}{
		{"sales_rep", many, "; write sales-rep"},
		{"Sales Rep", many, "; write sales-rep"},
		{"clerk", many, ""},
		{"clerk", many[7:], "; expected one of h, sales-rep"},
		{"clerk", nil, ""},
	} {
		if got := nearest(x.name, x.of); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}
