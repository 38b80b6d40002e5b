package world

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
)

// with returns the world under another policy.
func with(w *World, change func(*definition.Application)) *World {
	c, app := *w, *w.App
	change(&app)
	c.App = &app
	return &c
}

// reach lists what every user may do, as "user action form record".
func reach(w *World) map[string]bool {
	in := map[string]bool{}
	for _, u := range w.Users {
		for _, f := range w.App.Forms {
			for _, r := range w.Records[f.Name] {
				for _, a := range RecordActions {
					if oracle.MaySee(w, u, a, f.Name, r) {
						in[u.Email+string(rune('0'+a))+f.Name+r.ID.String()] = true
					}
				}
			}
		}
	}
	return in
}

// TestMoreGrantsNeverTakeAway is P6 on the oracle itself: without one of its
// grants, a world gives nobody more.
func TestMoreGrantsNeverTakeAway(t *testing.T) {
	less := 0
	for seed := range worlds(1_000) {
		w := Random(uint64(seed), Small)
		rnd := rand.New(rand.NewPCG(uint64(seed), 11))
		full := reach(w)
		for _, fewer := range []*World{
			with(w, func(a *definition.Application) { a.Hierarchy = false }),
			with(w, func(a *definition.Application) { a.Sharing = dropOne(rnd, a.Sharing) }),
			with(w, func(a *definition.Application) { a.Sets = withoutOneRight(rnd, a.Sets) }),
			with(w, func(a *definition.Application) {
				a.Custom = slices.DeleteFunc(slices.Clone(a.Custom), func(c *definition.CustomRule) bool { return c.Effect == definition.Share })
			}),
			with(w, func(a *definition.Application) {
				a.Roles = slices.Clone(a.Roles)
				for i, r := range a.Roles {
					c := *r
					c.SharePeers = false
					a.Roles[i] = &c
				}
			}),
		} {
			part := reach(fewer)
			for what := range part {
				if !full[what] {
					t.Fatalf("seed %d: %q only with fewer grants", seed, what)
				}
			}
			if len(part) < len(full) {
				less++
			}
		}
	}
	if less < worlds(1_000)/2 {
		t.Errorf("a grant mattered %d times only", less)
	}
}

// TestFewerRestrictionsNeverTakeAway is the same for Restrict rules and hides.
func TestFewerRestrictionsNeverTakeAway(t *testing.T) {
	for seed := range worlds(1_000) {
		w := Random(uint64(seed), Small)
		free := reach(with(w, func(a *definition.Application) { a.Custom = shareOnly(a.Custom) }))
		open := *w
		open.Hides = nil
		unhidden := reach(&open)
		for what := range reach(w) {
			if !free[what] || !unhidden[what] {
				t.Fatalf("seed %d: %q only under a restriction", seed, what)
			}
		}
	}
}

// TestOrderOfPolicyDoesNotMatter turns every list of the policy around.
func TestOrderOfPolicyDoesNotMatter(t *testing.T) {
	for seed := range worlds(1_000) {
		w := Random(uint64(seed), Small)
		back := with(w, func(a *definition.Application) {
			a.Sharing, a.Custom, a.Sets = slices.Clone(a.Sharing), slices.Clone(a.Custom), slices.Clone(a.Sets)
			a.Roles, a.Reports = slices.Clone(a.Roles), slices.Clone(a.Reports)
			slices.Reverse(a.Sharing)
			slices.Reverse(a.Custom)
			slices.Reverse(a.Sets)
			slices.Reverse(a.Roles)
			slices.Reverse(a.Reports)
		})
		back.Users, back.Hides = slices.Clone(w.Users), slices.Clone(w.Hides)
		slices.Reverse(back.Hides)
		slices.Reverse(back.Users)
		for _, u := range w.Users {
			a, b := View(w, u), View(back, u)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Fatalf("seed %d: %s sees another world", seed, u.Email)
			}
		}
	}
}

// TestNobodyIsAlike holds the closed kinds of viewers to seeing nothing.
func TestNobodyIsAlike(t *testing.T) {
	for seed := range worlds(1_000) {
		w := Random(uint64(seed), Small)
		for _, u := range w.Users {
			for _, change := range []func(*oracle.User){
				func(u *oracle.User) { u.Inactive = true },
				func(u *oracle.User) { u.Credential = identity.NoCredential },
				func(u *oracle.User) { u.Kind = identity.Nobody },
			} {
				c := *u
				change(&c)
				for _, f := range w.App.Forms {
					if oracle.Opens(w, &c, f.Name) || len(oracle.Visible(w, &c, f.Name)) > 0 || len(oracle.ListForm(w, &c, f.Name)) > 0 {
						t.Fatalf("seed %d: %s sees %s", seed, u.Email, f.Name)
					}
				}
			}
		}
	}
}

func dropOne[T any](rnd *rand.Rand, from []T) []T {
	if len(from) == 0 {
		return from
	}
	i := rnd.IntN(len(from))
	return slices.Delete(slices.Clone(from), i, i+1)
}

// withoutOneRight takes one right on one report from one set.
func withoutOneRight(rnd *rand.Rand, sets []*definition.PermissionSet) []*definition.PermissionSet {
	sets = slices.Clone(sets)
	i := rnd.IntN(len(sets))
	c := *sets[i]
	c.Reports = map[string][]definition.Action{}
	names := []string{}
	for name, rights := range sets[i].Reports {
		c.Reports[name] = rights
		names = append(names, name)
	}
	if slices.Sort(names); len(names) > 0 {
		name := pick(rnd, names)
		c.Reports[name] = dropOne(rnd, c.Reports[name])
	}
	sets[i] = &c
	return sets
}
