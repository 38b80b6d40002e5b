package policy

import (
	"slices"

	"sluice/internal/definition"
)

// needOf is the need that what refused or removed in a step did otherwise.
func needOf(s Step) Need {
	return Need{Kind: s.Kind, Statement: s.Statement, Name: s.Name, Step: &s}
}

// missing lists what a denial lacks: a right on a report that shows the record,
// a reason to reach it, and that nothing takes it away.
func (e *explainer) missing(all, opened, scoped bool) {
	var out []Missing
	if one := e.enough(); !all && !opened && len(one) > 0 {
		out = append(out, Missing{AnyOf: one})
		scoped = true
	} else if !all && !opened {
		out = append(out, Missing{AnyOf: e.rights()})
	}
	if !all && !scoped {
		out = append(out, Missing{AnyOf: e.reasons()})
	}
	for _, s := range e.x.Steps {
		if s.Verdict == Removes {
			out = append(out, Missing{AnyOf: []Need{needOf(s)}})
		}
	}
	e.x.Missing = out
}

// rights are the reports on which the set lacks the action: those that show the
// record, and only where there are none, those that do not.
func (e *explainer) rights() []Need {
	var near, far []Need
	for i, g := range e.gates {
		n := needOf(e.x.Steps[i])
		if !g.acts.has(e.a) || !g.acts.has(definition.View) {
			n.Step = nil
			n.Actions = g.acts.lacking(definition.View, e.a)
		}
		if g.shows {
			near = append(near, n)
		} else {
			far = append(far, n)
		}
	}
	if len(near) > 0 {
		return near
	}
	return far
}

// enough are the rights that would give the action on everything that a report
// shows, as the set has the all-right there but for the action itself.
func (e *explainer) enough() (out []Need) {
	for _, g := range e.gates {
		lacks := e.lacksForAll(g)
		if g.shows && slices.Equal(lacks, g.acts.lacking(definition.View, e.a)) {
			out = append(out, Need{Kind: StepReport, Statement: "B6", Name: g.report.def.Name, Actions: lacks})
		}
	}
	return out
}

// lacksForAll are the rights that the set lacks for the action on everything
// that the report shows (B6).
func (e *explainer) lacksForAll(g gate) []definition.Action {
	switch e.a {
	case definition.Edit:
		return g.acts.lacking(definition.ModifyAll)
	case definition.Delete:
		return g.acts.lacking(definition.Delete, definition.ModifyAll)
	case definition.View:
		return g.acts.lacking(definition.ViewAll)
	}
	return g.acts.lacking(e.a, definition.ViewAll)
}

// lacking returns those of the actions that are not there, in order, once each.
func (s actions) lacking(want ...definition.Action) (out []definition.Action) {
	for _, a := range want {
		if !s.has(a) {
			s |= 1 << a
			out = append(out, a)
		}
	}
	return out
}

// reasons are what could make the record one of the viewer's: what was tried and
// is not far from it, and the all-right on a report that shows the record.
func (e *explainer) reasons() []Need {
	var out []Need
	for _, s := range e.x.Steps {
		if e.near(s) {
			out = append(out, needOf(s))
		}
	}
	for _, g := range e.gates {
		if !g.shows {
			continue
		}
		n := Need{Kind: StepReport, Statement: "B6", Name: g.report.def.Name, Actions: e.lacksForAll(g)}
		out = append(out, n)
	}
	return out
}

// near reports whether a refusal is one that a single change could turn: not a
// rule that is for other people.
func (e *explainer) near(s Step) bool {
	if s.Verdict == Grants || s.Verdict == Passes || s.Because == ForOthers {
		return false
	}
	switch s.Kind {
	case StepOwn, StepBelow, StepRoot, StepPeers, StepSharing, StepModule, StepParent:
		return true
	}
	return false
}
