package toy

import "testing"

func TestLimit(t *testing.T) {
	if n, ok := Limit(2, true); n != 3 || !ok {
		t.Error(n, ok)
	}
	if n, _ := Limit(12, false); n != 6 {
		t.Error(n)
	}
}
