package filter

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"sluice/internal/record"
)

// compareText matches a text that holds the needle where op says. A cell that
// is null has no text and does not match, not even the empty needle.
func compareText(f *record.Field, op Op, needle []byte) matcher {
	test := textTest(op, needle)
	return func(r Reader, _ record.ID) bool {
		v := r.Get(f)
		return v.Kind() == record.KindText && test(v.Text())
	}
}

func textTest(op Op, needle []byte) func([]byte) bool {
	folded := newFolded(needle)
	switch op {
	case Contains:
		return func(s []byte) bool { return bytes.Contains(s, needle) }
	case StartsWith:
		return func(s []byte) bool { return bytes.HasPrefix(s, needle) }
	case EndsWith:
		return func(s []byte) bool { return bytes.HasSuffix(s, needle) }
	case IContains:
		return folded.in
	case IStartsWith:
		return folded.starts
	}
	return folded.ends
}

// fold maps all runes that differ in case alone, by simple folding, to one.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A' // the least of its orbit, ſ and K (Kelvin) are above
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// folded is a needle for search without case in one pass over the text, so that
// no text and needle take quadratic time.
type folded struct {
	runes []rune
	// border[i] is the length of the longest proper prefix of runes[:i+1] that is
	// its suffix too.
	border []int
}

func newFolded(needle []byte) *folded {
	n := &folded{}
	for len(needle) > 0 {
		r, size := utf8.DecodeRune(needle)
		n.runes, needle = append(n.runes, fold(r)), needle[size:]
	}
	n.border = make([]int, len(n.runes))
	for i, k := 1, 0; i < len(n.runes); i++ {
		for k > 0 && n.runes[i] != n.runes[k] {
			k = n.border[k-1]
		}
		if n.runes[i] == n.runes[k] {
			k++
		}
		n.border[i] = k
	}
	return n
}

func (n *folded) in(s []byte) bool {
	k := 0
	for k < len(n.runes) {
		if len(s) == 0 {
			return false
		}
		r, size := utf8.DecodeRune(s)
		s, r = s[size:], fold(r)
		for k > 0 && r != n.runes[k] {
			k = n.border[k-1]
		}
		if r == n.runes[k] {
			k++
		}
	}
	return true
}

func (n *folded) starts(s []byte) bool {
	for _, want := range n.runes {
		r, size := utf8.DecodeRune(s)
		if size == 0 || fold(r) != want {
			return false
		}
		s = s[size:]
	}
	return true
}

func (n *folded) ends(s []byte) bool {
	for i := len(n.runes) - 1; i >= 0; i-- {
		r, size := utf8.DecodeLastRune(s)
		if size == 0 || fold(r) != n.runes[i] {
			return false
		}
		s = s[:len(s)-size]
	}
	return true
}
