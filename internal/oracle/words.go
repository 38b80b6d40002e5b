package oracle

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"sluice/internal/record"
)

// Finds reports whether a search finds the record for the user: each item of the
// query in some searchable cell that they read.
// Decision: personal data is searched like any field that the definition marks.
func Finds(w *World, u *User, form string, r *Record, query string) bool {
	var cells []record.Value
	for _, f := range w.Form(form).Fields {
		if v, readable := Cell(w, u, form, r, f.Name); f.Searchable && readable {
			cells = append(cells, v)
		}
	}
	return found(query, cells...)
}

var items = regexp.MustCompile(`"[^"]*"|[^\s"]+`)

// found reads a query by its description: words that are all found, in any of
// the texts each; in quotes or joined by signs they follow each other; * ends the
// beginning of a word. Words are runs of letters and digits, and single
// ideographs: enough for the texts of worlds, and no more.
func found(query string, texts ...record.Value) bool {
	return !slices.ContainsFunc(items.FindAllString(query, -1), func(item string) bool {
		begin := strings.HasSuffix(item, "*")
		want := strings.Join(wordsOf(item), " ")
		return !slices.ContainsFunc(texts, func(v record.Value) bool {
			have := " " + strings.Join(wordsOf(string(v.Text())), " ") + " "
			return strings.Contains(have, " "+want+" ") || begin && strings.Contains(have, " "+want)
		})
	})
}

func wordsOf(text string) []string {
	var spaced strings.Builder
	for _, c := range fold(text) {
		switch {
		case unicode.Is(unicode.Han, c):
			spaced.WriteString(" " + string(c) + " ")
		case unicode.IsLetter(c), unicode.IsDigit(c):
			spaced.WriteRune(c)
		default:
			spaced.WriteByte(' ')
		}
	}
	return strings.Fields(spaced.String())
}
