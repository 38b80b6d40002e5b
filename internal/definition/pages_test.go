package definition

import (
	"slices"
	"testing"
)

const paged = base + `
pages:
  - {name: titles, label: All titles, description: Short., document: "{orders{nodes{title}}}"}
  - {name: counts, document: "{orders{totalCount}}"}
permissionSets:
  - {name: S, pages: {titles: [ACCESS], counts: []}}
  - {name: T}
`

// TestB5_PagesOfSets: a set opens the pages that it lists with ACCESS and no
// others; of the built-in sets Write alone has ACCESS.
func TestB5_PagesOfSets(t *testing.T) {
	a := mustResolve(t, []byte(paged), context(nil))
	for name, want := range map[string][]string{
		"S": {"titles"}, "T": nil, ReadSet: nil, WriteSet: {"counts", "titles"}, CustomerSet: nil,
	} {
		s, ok := a.Set(name)
		if !ok || !slices.Equal(s.Pages, want) {
			t.Errorf("%s opens %v, want %v", name, s.Pages, want)
		}
	}
	p, _ := a.Page("titles")
	q, _ := a.Page("counts")
	if p == nil || p.Label != "All titles" || p.Description != "Short." || p.Document != "{orders{nodes{title}}}" || q == nil || q.Label != "counts" {
		t.Errorf("%+v %+v", p, q)
	}
	if _, ok := a.Page("nothing"); ok {
		t.Error("a page that nobody wrote")
	}
}

// TestPagesAreStored: pages come back from the stored form as they went in, and
// lines are found by name.
func TestPagesAreStored(t *testing.T) {
	a := mustResolve(t, []byte(paged), context(nil))
	b, err := Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Unmarshal(b)
	if err != nil || len(back.Pages) != 2 || *back.Pages[0] != *a.Pages[0] || !slices.Equal(back.Sets[3].Pages, a.Sets[3].Pages) {
		t.Errorf("%v %+v", err, back)
	}
	if got := a.LineOf("pages", "counts", "document"); got != 6 {
		t.Errorf("counts stands in line %d", got)
	}
	if got := a.LineOf("permissionSets", "Read"); got != 0 {
		t.Errorf("a built-in set stands in line %d", got)
	}
}
