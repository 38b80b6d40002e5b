package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
)

// orphan is a record as if nobody had its parent.
type orphan struct{ *subject }

func (orphan) Parent() (policy.Subject, bool) { return nil, false }

// veil takes out of an explanation what tells of a parent record that the asker does
// not see, or that is not there: both leave the same. What was decided stays, as it
// is told of the record itself; what is missing is as if there were no parent.
func (t teller) veil(x policy.Explanation, form uint32, s *subject) policy.Explanation {
	if !tellsOfParent(x.Steps) || x.Parent != nil && t.sees(x.Parent.Form, x.Parent.Record) {
		return x
	}
	x.Parent, x.Steps = nil, veiled(x.Steps)
	if x.Allowed {
		return x
	}
	var alone policy.Explanation
	if x.Action == definition.Access {
		alone = t.target.view.ExplainCreate(form, orphan{s})
	} else {
		alone = t.target.view.Explain(form, x.Action, orphan{s})
	}
	x.Missing = make([]policy.Missing, len(alone.Missing))
	for i, m := range alone.Missing {
		for _, n := range m.AnyOf {
			if n.Step != nil && untold(*n.Step) {
				veil := veiled([]policy.Step{*n.Step})
				n.Step = &veil[0]
			}
			x.Missing[i].AnyOf = append(x.Missing[i].AnyOf, n)
		}
	}
	return x
}

func tellsOfParent(steps []policy.Step) bool {
	for _, s := range steps {
		if untold(s) {
			return true
		}
	}
	return false
}

// untold reports whether a step says what came of asking a parent record.
func untold(s policy.Step) bool { return s.Kind == policy.StepParent && s.Because != policy.IsHidden }

func veiled(steps []policy.Step) []policy.Step {
	out := make([]policy.Step, len(steps))
	for i, s := range steps {
		if untold(s) {
			s.Verdict, s.Because = policy.NotAsked, policy.ParentUntold
		}
		out[i] = s
	}
	return out
}
