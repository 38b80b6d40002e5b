package definition

import (
	"slices"
	"strings"
)

// maxOffered bounds the names that a fault offers instead of one that there is not.
const maxOffered = 8

// nearest says which name was meant by one that there is not: one that differs in
// case and punctuation alone, else those that there are, where they are few.
func nearest(name string, names []string) string {
	for _, n := range names {
		if letters(n) == letters(name) {
			return "; write " + n
		}
	}
	if len(names) == 0 || len(names) > maxOffered {
		return ""
	}
	offered := slices.Clone(names)
	for i, n := range offered {
		offered[i] = shorten(n)
	}
	return "; expected one of " + strings.Join(offered, ", ")
}

// letters is a name without what is easily got wrong.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_.", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

func (r *resolver) knownForms() []string {
	var names []string
	for _, f := range r.app.Forms {
		names = append(names, f.Name)
	}
	return names
}

func (r *resolver) knownRoles() []string {
	var names []string
	for _, x := range r.app.Roles {
		names = append(names, x.Name)
	}
	return names
}
