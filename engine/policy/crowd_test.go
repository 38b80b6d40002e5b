package policy_test

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// inCrowd is a record whose rules say the same of everybody.
type inCrowd struct {
	*subject
	c *policy.Crowd
}

func (s *inCrowd) Outcome(r *definition.CustomRule, _ *policy.Asking) policy.Outcome {
	return s.subject.Outcome(r)
}

func (s *inCrowd) Parent() (*policy.Decided, bool) {
	up, ok := s.subject.Parent()
	if !ok {
		return nil, false
	}
	return s.c.Decide(order, &inCrowd{up.(*subject), s.c}, false), true
}

// TestCrowdEqualsViews decides about several people at once and one by one.
func TestCrowdEqualsViews(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &drawing{T: rt}
		w := d.world()
		p, people, met := w.policy(t), w.people(), map[record.ID]bool{}
		var views []*policy.View
		for range 3 {
			who := w.viewer(d)
			if who.Credential = identity.Session; met[who.User] {
				continue
			}
			who.Tenant, who.Application, met[who.User] = identity.Tenant{1}, w.app.Name, true
			views = append(views, p.View(who, people, w.hides))
		}
		c := policy.NewCrowd(p, people, views, func(*definition.CustomRule, *policy.View) uint32 { return 0 })
		for form, s := range map[uint32]*subject{order: w.order(d), line: w.line(d)} {
			got := c.Decide(form, &inCrowd{s, c}, true)
			for i, v := range views {
				for _, a := range judged {
					if want := v.Decide(form, a, s); got.Actions[a].Has(i) != want {
						rt.Fatalf("form %d, action %v of person %d: %v alone", form, a, i, want)
					}
				}
			}
		}
	})
}
