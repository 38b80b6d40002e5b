package policy_test

import (
	"slices"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/effort"
	"sluice/internal/identity"
	worlds "sluice/internal/world"
)

// TestTheCheckKnowsThePolicy: in random worlds, where the policy gives a holder
// of a set nothing for a right on a child form, the check of the definition says
// so; and what it says of adding is so, wherever hierarchy lets everybody's
// records be reached.
func TestTheCheckKnowsThePolicy(t *testing.T) {
	seeds := effort.Of[uint64](300, 2000, 10_000)
	said := 0
	for seed := range seeds {
		w := worlds.Random(seed, worlds.Small)
		p, err := policy.Compile(w.App)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, f := range w.App.Check(definition.Surroundings{}) {
			if f.Kind == definition.ChildWithoutParent {
				found[f.Path] = true
			}
		}
		for _, s := range w.App.Sets {
			if s.Name == definition.ReadSet || s.Name == definition.WriteSet || s.Name == definition.CustomerSet || s.Portal {
				continue
			}
			v := p.View(identity.Viewer{
				Tenant: identity.Tenant{1}, User: uid("somebody"), Application: w.App.Name, Kind: identity.Live,
				Role: w.App.Roles[0].Name, PermissionSet: s.Name, Credential: identity.Session,
			}, people{}, nil)
			for _, f := range w.App.Forms {
				said += compareWithCheck(t, w.App, s, f, v, found)
			}
		}
	}
	if said < 20 {
		t.Errorf("%d rights that give nothing in %d worlds: the test says little", said, seeds)
	}
}

// compareWithCheck compares one set's rights on one form and returns how many
// give nothing.
func compareWithCheck(t *testing.T, app *definition.Application, s *definition.PermissionSet, f *definition.Form, v *policy.View, found map[string]bool) (said int) {
	t.Helper()
	shape, ok := v.Shape().Form(f.Number)
	if !ok {
		shape = &policy.FormShape{}
	}
	views, told := false, false
	for _, r := range app.Reports {
		if r.Form == f.Name {
			views = views || slices.Contains(s.Reports[r.Name], definition.View)
			told = told || found["permissionSets."+s.Name+".reports."+r.Name]
		}
	}
	if views && !shape.View {
		if said++; !told {
			t.Errorf("%s opens %s, sees nothing of it, and is not told", s.Name, f.Name)
		}
	}
	p := s.Forms[f.Name]
	adds := p != nil && slices.Contains(p.Actions, definition.Access)
	none := adds && !shape.Create && !shape.CreateNested
	told = found["permissionSets."+s.Name+".forms."+f.Name+".actions"]
	if none && !told {
		t.Errorf("%s adds to %s, cannot, and is not told", s.Name, f.Name)
	}
	if told && !none && app.Hierarchy && len(app.Roles) > 1 {
		t.Errorf("%s is told that it cannot add to %s, and can", s.Name, f.Name)
	}
	if none {
		said++
	}
	return said
}
