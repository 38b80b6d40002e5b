package rules

import (
	"fmt"
	"strings"
)

var (
	grantWords = []string{"none", "view", "edit", "delete"}
	keepWords  = []string{"out", "in"}
)

// Answer puts what a verdict says into the words of cases: none, view, edit or delete
// for a share, out or in for a restriction, the fields that are hidden in brackets for
// a mask. A fault is not part of it.
func (m *Manifest) Answer(v Verdict) string {
	switch m.Effect {
	case Mask:
		hidden := []string{}
		for i, name := range m.Mask {
			if v.Visible>>i&1 == 0 {
				hidden = append(hidden, name)
			}
		}
		return "[" + strings.Join(hidden, ", ") + "]"
	case Restrict:
		return wordAt(keepWords, v.Grant)
	case Share, NoEffect:
	}
	return wordAt(grantWords, v.Grant)
}

func wordAt(words []string, n uint8) string {
	if int(n) < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

// ReasonText is what the manifest says of a reason, empty for none.
func (m *Manifest) ReasonText(n uint8) string {
	if n == 0 || int(n) > len(m.Reasons) {
		return ""
	}
	return m.Reasons[n-1]
}
