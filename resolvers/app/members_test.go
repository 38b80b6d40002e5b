package app

import (
	"strings"
	"testing"
)

// TestMembersPages walks the people page by page, and holds what is wrong with
// a page.
func TestMembersPages(t *testing.T) {
	ann, bob := idOf(99, 1).String(), idOf(99, 2).String()
	for query, want := range map[string]string{
		`{members(first:1){nodes{id displayName __typename} pageInfo{hasNextPage hasPreviousPage endCursor}}}`: `{"members":{"nodes":[{"id":"` + ann +
			`","displayName":"Ann","__typename":"User"}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false,"endCursor":"` + ann + `"}}}`,
		`{members(after:"` + ann + `"){nodes{id} pageInfo{hasNextPage hasPreviousPage startCursor}}}`: `{"members":{"nodes":[{"id":"` + bob +
			`"}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true,"startCursor":"` + bob + `"}}}`,
		`{members(last:1){nodes{id} pageInfo{hasNextPage hasPreviousPage}}}`: `{"members":{"nodes":[{"id":"` + bob +
			`"}],"pageInfo":{"hasNextPage":false,"hasPreviousPage":true}}}`,
		`{members(last:5,before:"` + bob + `"){nodes{id} pageInfo{hasNextPage hasPreviousPage}}}`: `{"members":{"nodes":[{"id":"` + ann +
			`"}],"pageInfo":{"hasNextPage":true,"hasPreviousPage":false}}}`,
		`{members(search:"zz"){nodes{id} pageInfo{endCursor}}}`: `{"members":{"nodes":[],"pageInfo":{"endCursor":null}}}`,
	} {
		if got := world().run(t, query, ""); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		`{members(first:201){nodes{id}}}`:                                     "argument first: expected 0 to 200",
		`{members(first:-1){nodes{id}}}`:                                      "argument first: expected 0 to 200",
		`{members(after:"x"){nodes{id}}}`:                                     "argument after: expected the endCursor of a page",
		`{members(last:201){nodes{id}}}`:                                      "argument last: expected 0 to 200",
		`{members(before:"x"){nodes{id}}}`:                                    "argument before: expected the startCursor of a page",
		`{members(before:"00000000-0000-0000-0000-000000000000"){nodes{id}}}`: "argument before: expected the startCursor of a page",
		`{members(first:1,last:1){nodes{id}}}`:                                "arguments first and last: expected one of them",
	} {
		if got := world().run(t, query, ""); !strings.Contains(got, want) {
			t.Errorf("%s: %s", query, got)
		}
	}
}
