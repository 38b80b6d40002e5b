package decided

import (
	"testing"

	"sluice/rules"
)

// TestWhatIsOpenedIsWeighed: questions that nobody answers take their place in the
// bound too, however many there are.
func TestWhatIsOpenedIsWeighed(t *testing.T) {
	const most = 100
	c := New(most * 2 * ownWeight)
	for i := range 10 * most {
		f := someForm
		f.Definition = i
		c.Open(f, someAsked)
	}
	if n := len(c.forms); n > most || n == 0 || c.Size() > c.limit {
		t.Errorf("%d forms of %d bytes are held, where %d have room", n, c.Size(), most)
	}
	s := c.Open(someForm, someAsked)
	put(s, 1, 1, rules.Verdict{Grant: 1})
	if _, ok := c.Open(someForm, someAsked).Get(Record{1, 1}); !ok {
		t.Error("what was opened last has no room")
	}
}
