package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// tree makes a world of n roles, one holder each, where role i > 0 reports to
// up(i) < i.
func tree(n int, up func(i int) int) (w *world, p people) {
	w = newWorld().onOrders(view, edit)
	w.app.Roles = make([]*definition.Role, n)
	p = people{of: make(map[record.ID]string, n), in: make(map[string][]record.ID, n)}
	for i := range n {
		w.app.Roles[i] = &definition.Role{Name: fmt.Sprint("role ", i)}
		if i > 0 {
			w.app.Roles[i].ReportsTo = w.app.Roles[up(i)].Name
		}
		p.add(holder(i), w.app.Roles[i].Name)
	}
	return w, p
}

// trees are the forms that ten thousand roles may take.
func trees() map[string]func(i int) int {
	rnd := rand.New(rand.NewPCG(7, 7))
	random := make([]int, 10_000)
	for i := 1; i < len(random); i++ {
		random[i] = rnd.IntN(i)
	}
	return map[string]func(i int) int{
		"one line":          func(i int) int { return i - 1 },
		"ten lines of 1000": func(i int) int { return max(i-10, 0) },
		"wide":              func(int) int { return 0 },
		"tens":              func(i int) int { return (i - 1) / 10 },
		"random":            func(i int) int { return random[i] },
	}
}

// asked counts what a decision wants to know of people.
type asked struct {
	people
	roles, members int
}

func (a *asked) RoleOf(user record.ID) string {
	a.roles++
	return a.people.RoleOf(user)
}

func (a *asked) Members(role string) []record.ID {
	a.members++
	return a.people.Members(role)
}

// TestC3ScaleOfDecisions decides in trees of 10,000 roles, from one line to one
// level, for viewers and owners all over them: the answer is that of walking up,
// and a decision asks for one person's role and no list, and allocates nothing,
// however many roles lie below.
func TestC3ScaleOfDecisions(t *testing.T) {
	const n = 10_000
	for name, up := range trees() {
		w, everybody := tree(n, up)
		p := w.policy(t)
		rnd := rand.New(rand.NewPCG(1, 1))
		for _, viewer := range []int{0, 1, 17, n / 2, n - 1, rnd.IntN(n), rnd.IntN(n), rnd.IntN(n)} {
			who := &asked{people: everybody}
			v := p.View(manyViewer(viewer), who, nil)
			for range 200 {
				owner := rnd.IntN(n)
				at := owner
				for at > viewer {
					at = up(at)
				}
				s := ownedBy(holder(owner))
				who.roles, who.members = 0, 0
				if got := v.Decide(order, view, s); got != (at == viewer) {
					t.Fatalf("%s: role %d on a record of role %d: %v", name, viewer, owner, got)
				}
				if who.roles > 1 || who.members > 0 {
					t.Fatalf("%s: a decision asked for %d roles and %d lists", name, who.roles, who.members)
				}
			}
			s := ownedBy(holder(rnd.IntN(n)))
			if allocs := testing.AllocsPerRun(100, func() { v.Decide(order, view, s) }); allocs != 0 {
				t.Errorf("%s: a decision allocates %v times", name, allocs)
			}
		}
	}
}

// TestC3ScaleOfLists: a list of what somebody reaches asks once for the holders
// of each role below, and names each of them once.
func TestC3ScaleOfLists(t *testing.T) {
	const n = 10_000
	for name, up := range trees() {
		w, everybody := tree(n, up)
		below := make([]int, n) // with the role itself
		for i := n - 1; i >= 0; i-- {
			below[i]++
			if i > 0 {
				below[up(i)] += below[i]
			}
		}
		p := w.policy(t)
		for _, viewer := range []int{0, 1, 17, n / 2, n - 1} {
			who := &asked{people: everybody}
			o, ok := p.View(manyViewer(viewer), who, nil).Reach(order, view).(*policy.Owners)
			if !ok || len(o.Users) != below[viewer] || who.members != below[viewer]-1 || who.roles != 0 {
				t.Errorf("%s: role %d over %d lists %v and asked for %d lists", name, viewer, below[viewer]-1, ok, who.members)
			}
		}
	}
}

// TestC1ScaleOfCircles refuses circles of any length among 10,000 roles, in a
// walk that visits each role once.
func TestC1ScaleOfCircles(t *testing.T) {
	const n = 10_000
	for _, length := range []int{1, 2, 3, 1000, n - 1} {
		w, _ := tree(n, func(i int) int { return i - 1 })
		last := w.app.Roles[n-1]
		w.app.Roles[n-length].ReportsTo = last.Name
		if _, err := policy.Compile(w.app); err == nil || !strings.Contains(err.Error(), "circle") {
			t.Errorf("a circle of %d: %v", length, err)
		}
	}
}

func BenchmarkScale(b *testing.B) {
	for name, up := range trees() {
		w, everybody := tree(10_000, up)
		p := w.policy(b)
		s := ownedBy(holder(9_999))
		b.Run(name+"/compile", func(b *testing.B) {
			for b.Loop() {
				if _, err := policy.Compile(w.app); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/view and decide", func(b *testing.B) {
			for b.Loop() {
				p.View(manyViewer(0), everybody, nil).Decide(order, view, s)
			}
		})
		b.Run(name+"/decide", func(b *testing.B) {
			v := p.View(manyViewer(0), everybody, nil)
			b.ReportAllocs()
			for b.Loop() {
				v.Decide(order, view, s)
			}
		})
		b.Run(name+"/reach", func(b *testing.B) {
			for b.Loop() {
				p.View(manyViewer(0), everybody, nil).Reach(order, view)
			}
		})
	}
}
