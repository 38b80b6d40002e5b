package effort

import "testing"

func TestOf(t *testing.T) {
	for _, c := range []struct {
		full, night string
		want        int
	}{{"", "", 1}, {"1", "", 2}, {"", "1", 3}, {"1", "1", 3}, {"0", "", 1}} {
		t.Setenv("SLUICE_FULL", c.full)
		t.Setenv("SLUICE_NIGHT", c.night)
		if got := Of(1, 2, 3); got != c.want {
			t.Errorf("SLUICE_FULL=%q SLUICE_NIGHT=%q: %d instead of %d", c.full, c.night, got, c.want)
		}
	}
}
