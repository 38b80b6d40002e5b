package policy_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// typical is a manager with hierarchy, peers and five sharing rules, one by
// criteria and one by field.
func typical() *world {
	w := newWorld().onOrders(view, edit, del)
	w.role("Head").SharePeers = true
	w.share(definition.SharingRule{From: group{Role: "Support"}, To: group{Role: "Head"}, Level: definition.Read})
	w.share(definition.SharingRule{From: group{User: w.address("agent")}, To: group{Role: "Head"}, Level: definition.ReadWrite})
	w.share(definition.SharingRule{From: group{Role: "CEO"}, To: group{Role: "Rep"}, Level: definition.Read})
	w.share(definition.SharingRule{Criteria: map[string]any{"region": map[string]any{"eq": "EMEA"}}, To: group{Role: "Head"}, Level: definition.Read})
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	w.hide("support", map[string]any{"region": map[string]any{"eq": "APAC"}}).hide("admin", nil)
	return w
}

// denied is the worst case of a decision: every grant is tried.
func denied() *subject {
	return by("ceo", cell(title, record.String("a title of some length")), cell(amount, record.Int(5)),
		cell(assignee, record.Ref(uid("rep"))), cell(region, record.String("APAC")))
}

func TestDecideAllocatesNothing(t *testing.T) {
	v := typical().live(t, "head")
	for name, s := range map[string]*subject{"own": by("head"), "below": by("rep"), "denied": denied()} {
		v.Decide(order, view, s)
		if n := testing.AllocsPerRun(1000, func() { v.Decide(order, view, s) }); n != 0 {
			t.Errorf("%s: %v allocations a decision", name, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	v := typical().live(b, "head")
	for name, s := range map[string]*subject{"own": by("head"), "below": by("rep"), "shared": by("agent"), "denied": denied()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Decide(order, view, s)
			}
		})
	}
}

func BenchmarkContains(b *testing.B) {
	v := typical().live(b, "head")
	r, s := v.Reach(order, view), denied()
	b.ReportAllocs()
	for b.Loop() {
		v.Contains(r, s)
	}
}

func BenchmarkView(b *testing.B) {
	w := typical()
	p, people := w.policy(b), w.people()
	who := identity.Viewer{Tenant: identity.Tenant{1}, User: uid("head"), Kind: identity.Live, Role: "Head", PermissionSet: "s", Application: "shop", Credential: identity.Session}
	s := by("rep")
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.View(who, people, nil)
		}
	})
	b.Run("first decision", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.View(who, people, nil).Decide(order, view, s)
		}
	})
	b.Run("first reach", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.View(who, people, nil).Reach(order, view)
		}
	})
}

// manyRoles is a tree of n roles with ten below each, and one holder of each.
func manyRoles(n int) (*world, people) {
	w := newWorld().onOrders(view, edit)
	w.app.Roles = nil
	p := people{of: map[record.ID]string{}, in: map[string][]record.ID{}}
	for i := range n {
		r := &definition.Role{Name: fmt.Sprint("role ", i)}
		if i > 0 {
			r.ReportsTo = fmt.Sprint("role ", (i-1)/10)
		}
		w.app.Roles = append(w.app.Roles, r)
		p.add(holder(i), r.Name)
	}
	return w, p
}

func holder(i int) (id record.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(i)+1)
	return id
}

func ownedBy(id record.ID) *subject {
	return &subject{rec: record.Encode(uid("r"), record.Header{Version: 1, Owner: id}, record.Record{}, nil)}
}

func manyViewer(i int) identity.Viewer {
	return identity.Viewer{
		Tenant: identity.Tenant{1}, User: holder(i), Kind: identity.Live, Role: fmt.Sprint("role ", i), PermissionSet: "s",
		Application: "shop", Credential: identity.Session,
	}
}

func TestTenThousandRoles(t *testing.T) {
	w, people := manyRoles(10_000)
	p := w.policy(t)
	v := p.View(manyViewer(3), people, nil)
	for i := range 10_000 {
		up := i
		for up > 3 {
			up = (up - 1) / 10
		}
		can(t, v, order, view, ownedBy(holder(i)), up == 3)
	}
}

func BenchmarkTenThousandRoles(b *testing.B) {
	w, people := manyRoles(10_000)
	p := w.policy(b)
	s := ownedBy(holder(9_999))
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			if _, err := policy.Compile(w.app); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("view and decide", func(b *testing.B) {
		for b.Loop() {
			p.View(manyViewer(0), people, nil).Decide(order, view, s)
		}
	})
	b.Run("decide", func(b *testing.B) {
		v := p.View(manyViewer(0), people, nil)
		for b.Loop() {
			v.Decide(order, view, s)
		}
	})
	b.Run("reach of the root", func(b *testing.B) {
		for b.Loop() {
			p.View(manyViewer(0), people, nil).Reach(order, view)
		}
	})
}
