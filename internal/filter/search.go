package filter

import (
	"slices"

	"sluice/internal/record"
	"sluice/internal/words"
)

// search matches where each item of a query is found in a cell of the fields. A
// cell that is null has no words.
func search(fields []record.Field, query string) (matcher, bool) {
	q, err := words.Parse(query)
	own := slices.Clone(fields)
	if err != nil || slices.ContainsFunc(own, func(f record.Field) bool { return !offers(&f, Matches) }) {
		return nil, false
	}
	return func(r Reader, _ record.ID) bool {
		texts := make([][]byte, 0, 8)
		for i := range own {
			texts = append(texts, r.Get(&own[i]).Text())
		}
		return q.Match(texts...)
	}, true
}
