package policy_test

import (
	"slices"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// paged is a world with two pages, of which the reps' set opens one.
func paged() *world {
	w := newWorld().onOrders(view)
	w.app.Pages = []*definition.Page{{Name: "b", Document: "{orders{totalCount}}"}, {Name: "a", Document: "{me{id}}"}}
	w.app.Sets[0].Pages = []string{"a"}
	return w
}

func pageNames(s *policy.Shape) (out []string) {
	for _, p := range s.Pages {
		out = append(out, p.Name)
	}
	return out
}

// TestB3PagesAreInTheShape: who holds ACCESS has the page, admins and developers
// have all in the definition's order, others none.
func TestB3PagesAreInTheShape(t *testing.T) {
	w := paged()
	p, err := policy.Compile(w.app)
	if err != nil {
		t.Fatal(err)
	}
	rep := w.live(t, "rep").Shape()
	if got := pageNames(rep); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the rep has %v", got)
	}
	if page, ok := rep.Page("a"); !ok || page.Document != "{me{id}}" {
		t.Error("the page is not found by its name")
	}
	if _, ok := rep.Page("b"); ok {
		t.Error("a page without ACCESS is found")
	}
	if got := pageNames(p.Full(identity.Tenant{1})); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("those with every right have %v", got)
	}
	if got, ok := p.SetShape(identity.Tenant{1}, w.app.Sets[0].Name); !ok || !slices.Equal(pageNames(got), []string{"a"}) {
		t.Errorf("the set's shape has %v", pageNames(got))
	}
	if _, ok := p.SetShape(identity.Tenant{1}, "nothing"); ok {
		t.Error("a set that does not exist has a shape")
	}
	if got := p.View(identity.Viewer{}, nil, nil).Shape(); len(got.Pages) != 0 {
		t.Errorf("nobody has %v", pageNames(got))
	}
}

// TestPagesAreInTheFingerprint: shapes that differ in a page alone share nothing.
func TestPagesAreInTheFingerprint(t *testing.T) {
	w := paged()
	seen := map[[32]byte][]string{}
	for _, pages := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}} {
		w.app.Sets[0].Pages = pages
		f := w.live(t, "rep").Shape().Fingerprint
		if other, ok := seen[f]; ok {
			t.Errorf("%v and %v have one fingerprint", other, pages)
		}
		seen[f] = pages
	}
}

func TestUnknownPageDoesNotCompile(t *testing.T) {
	w := paged()
	w.app.Sets[0].Pages = []string{"a", "nothing"}
	if _, err := policy.Compile(w.app); err == nil {
		t.Error("a set opens a page that does not exist")
	}
}
