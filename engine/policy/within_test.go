package policy_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// seenBy is a record as two persons' rules judge it.
type seenBy struct {
	*subject
	asker *subject
}

func (s seenBy) Asker() policy.Subject {
	if s.asker == nil {
		return nil
	}
	return s.asker
}

// forAsker draws what the rules say of another person about the same record.
func (w *world) forAsker(d *drawing, s *subject) *subject {
	out := &subject{rec: s.rec, outcomes: map[string]policy.Outcome{}}
	for _, r := range w.app.Custom {
		out.outcomes[r.Name] = policy.Outcome{Through: d.upTo(2) > 0, Fault: d.upTo(4) == 0}
	}
	if s.parent != nil {
		out.parent = w.forAsker(d, s.parent)
	}
	return out
}

func hasEveryRight(v identity.Viewer) bool {
	return v.Kind.Administers() || v.Kind == identity.Developer
}

// TestP10WithinIsBoth: of random people, a view within another's allows what both
// allow, by decision and by reach, where the asker has every right; otherwise it
// allows nothing.
func TestP10WithinIsBoth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt}
		w := d.world()
		p := w.policy(t)
		who, by := w.viewer(d), w.viewer(d)
		target, asker := p.View(who, w.people(), w.hides), p.View(by, w.people(), w.hides)
		within := target.Within(asker)
		for form, s := range map[uint32]*subject{order: w.order(d), line: w.line(d)} {
			both := seenBy{s, w.forAsker(d, s)}
			for _, a := range judged {
				want := hasEveryRight(by) && target.Decide(form, a, s) && asker.Decide(form, a, both.asker)
				if got := within.Decide(form, a, both); got != want {
					rt.Fatalf("form %d, action %d: %v, want %v", form, a, got, want)
				}
				if got := within.Contains(within.Reach(form, a), both); got != want {
					rt.Fatalf("form %d, action %d: the reach says %v, want %v", form, a, got, want)
				}
			}
			if hasEveryRight(by) && within.Hides(form, s.rec) != (target.Hides(form, s.rec) || asker.Hides(form, s.rec)) {
				rt.Fatalf("form %d: hidden %v", form, within.Hides(form, s.rec))
			}
			if within.MayChangeOwner(form, both) || within.MayCreate(form, both) {
				rt.Fatalf("form %d: written through another's eyes", form)
			}
			if hasEveryRight(by) && !within.Masked(form, both).Equal(target.Masked(form, s)) {
				rt.Fatalf("form %d: masks are not the target's", form)
			}
		}
		reportsWithin(rt, w, within, target, asker, hasEveryRight(by), w.forPair(d))
	})
}

func (w *world) forPair(d *drawing) seenBy {
	s := w.order(d)
	return seenBy{s, w.forAsker(d, s)}
}

func reportsWithin(rt *rapid.T, w *world, within, target, asker *policy.View, full bool, s seenBy) {
	for _, r := range w.app.Reports {
		if r.Form != "Order" {
			continue
		}
		want := full && target.Contains(target.ReportReach(r.Name), s.subject) && asker.Decide(order, view, s.asker)
		if got := within.Contains(within.ReportReach(r.Name), s); got != want {
			rt.Fatalf("report %s: %v, want %v", r.Name, got, want)
		}
	}
}

// TestP10WithinDeniesByDefault: without an asker who has every right in the same
// policy, and about a record that nobody asked about for them, nothing is seen.
func TestP10WithinDeniesByDefault(t *testing.T) {
	w := newWorld().onOrders(viewAll, modifyAll, del)
	w.app.Custom = []*definition.CustomRule{{Name: "keep", Form: "Order", Effect: definition.Restrict, BindsAdmins: true, Roles: []string{"Support"}}}
	rep, admin := w.live(t, "rep"), w.kind(t, "admin", identity.Admin)
	through := by("rep").saying("keep", policy.Outcome{Through: true})
	can(t, rep.Within(admin), order, view, seenBy{through, through}, false) // another policy: compiled anew
	p := w.policy(t)
	of := func(kind identity.Kind, user string) *policy.View {
		v := identity.Viewer{User: uid(user), Kind: kind, Application: "shop", Credential: identity.Session}
		if kind == identity.Live {
			v.Role, v.PermissionSet = "Rep", "s"
		}
		return p.View(v, w.people(), nil)
	}
	live, boss := of(identity.Live, "rep"), of(identity.Admin, "admin")
	can(t, live.Within(boss), order, view, seenBy{through, through}, true)
	for name, v := range map[string]*policy.View{
		"nobody": live.Within(nil), "live": live.Within(of(identity.Live, "rep2")), "none": live.Within(of(identity.Nobody, "x")),
		"twice": live.Within(boss).Within(boss), "through a look": live.Within(live.Within(boss)), "by a look": boss.Within(live.Within(boss)),
	} {
		t.Run(name, func(t *testing.T) { deniesEverything(t, v) })
	}
	can(t, live.Within(boss), order, view, through, false)
	can(t, live.Within(boss), order, view, seenBy{subject: through}, false)
	can(t, live.Within(boss), order, view, seenBy{through, by("rep").saying("keep", policy.Outcome{})}, false)
	for _, r := range []policy.Reach{(*policy.AskerKept)(nil), &policy.AskerKept{}} {
		if live.Within(boss).Contains(r, seenBy{through, through}) {
			t.Errorf("%#v holds a record", r)
		}
	}
	if live.Contains(&policy.AskerKept{Rule: w.app.Custom[0]}, seenBy{through, through}) {
		t.Error("a view of nobody else's holds what an asker is let through to")
	}
	if got := boss.Restricts(order); len(got) != 1 || got[0].Name != "keep" || boss.Restricts(line) != nil || boss.Restricts(999) != nil {
		t.Errorf("restricts %v", got)
	}
	if !slices.Equal(live.Within(boss).Shape().Forms, live.Shape().Forms) || live.Within(boss).Refused() != nil {
		t.Error("the shape is not the target's")
	}
	if got := live.Within(boss).Reach(order, view); got == nil || live.Within(boss).Viewer().User != uid("rep") {
		t.Errorf("%#v", got)
	}
}
