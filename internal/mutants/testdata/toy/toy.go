// Package toy is changed by the tests of mutants.
package toy

const most = 3

var names = [...]string{0: "one", 1: "two"}

type counter struct{ n int }

func (*counter) note(_ string, more ...int) int { return len(more) - 1 }

// Limit is tested on one side only.
func Limit(n int, strict bool) (int, bool) {
	if n < most && strict {
		n++
	}
	for n > 10 {
		n /= 2
	}
	return n, n > 0
}

// Name is not tested at all.
func Name[K ~int](i K) string {
	c := &counter{n: 1}
	c.note("x")
	c.n++
	switch {
	case int(i) < len(names):
		return names[i]
	}
	return ""
}
