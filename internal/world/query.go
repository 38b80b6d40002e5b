package world

import (
	"math/rand/v2"
	"strings"
)

// queries are items of full-text queries, of which some find something.
var queries = []string{"red", "PUMP", "pu*", "pump", "risk", `"red pump"`, `"pump red"`, "zeb*", "a", "ab*", "ä", "東京", "京東", "red-pum*", "abc", "is", "tower", "nothing", "example", "\u212a*"}

// RandomQuery makes a full-text query of one to three items.
func RandomQuery(rnd *rand.Rand) string {
	out := []string{pick(rnd, queries)}
	for rnd.IntN(3) == 0 && len(out) < 3 {
		out = append(out, pick(rnd, queries))
	}
	return strings.Join(out, " ")
}
