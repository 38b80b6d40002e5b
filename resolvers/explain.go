package resolvers

import (
	"sluice/engine"
	"sluice/graph"
)

func newExplanation(x *engine.AccessExplanation) *graph.AccessExplanation {
	out := &graph.AccessExplanation{
		Application: x.Application, Form: x.Form, Record: x.Record, Short: x.Redacted,
		User: &graph.ExplainedUser{
			ID: x.User, DisplayName: x.UserName, Kind: graph.PlaceKind(x.Kind.String()),
			Role: text(x.Role), PermissionSet: text(x.PermissionSet),
		},
		Actions: make([]*graph.ExplainedAction, len(x.Actions)),
		Fields:  make([]*graph.ExplainedField, len(x.Fields)),
	}
	if x.Version > 0 {
		v := int(x.Version)
		out.Version = &v
	}
	for i, a := range x.Actions {
		out.Actions[i] = &graph.ExplainedAction{
			Action: a.Action, Allowed: a.Allowed, Because: a.Because,
			Steps: newSteps(a.Steps), Missing: newMissing(a.Missing), Parents: newParents(a.Parents),
		}
	}
	for i, f := range x.Fields {
		out.Fields[i] = &graph.ExplainedField{
			Field: f.Field, Readable: f.Readable, Writable: f.Writable, Read: newSteps(f.Read), Write: newSteps(f.Write),
		}
	}
	return out
}

func newSteps(in []engine.ExplainedStep) []*graph.ExplainedStep {
	out := make([]*graph.ExplainedStep, len(in))
	for i, s := range in {
		out[i] = &graph.ExplainedStep{Statement: text(s.Statement), Kind: s.Kind, Outcome: s.Outcome, Name: text(s.Name), Text: s.Text}
		if s.Module == "" {
			continue
		}
		m := &graph.ExplainedModule{Version: s.Module, ReasonText: text(s.ReasonText)}
		if s.Reason > 0 {
			n := s.Reason
			m.Reason = &n
		}
		out[i].Module = m
	}
	return out
}

func newMissing(in []engine.ExplainedMissing) []*graph.ExplainedMissing {
	out := make([]*graph.ExplainedMissing, len(in))
	for i, m := range in {
		out[i] = &graph.ExplainedMissing{AnyOf: make([]*graph.ExplainedNeed, len(m.AnyOf))}
		for j, n := range m.AnyOf {
			out[i].AnyOf[j] = &graph.ExplainedNeed{Statement: n.Statement, Kind: n.Kind, Name: text(n.Name), Text: n.Text}
		}
	}
	return out
}

func newParents(in []engine.ExplainedParent) []*graph.ExplainedParent {
	out := make([]*graph.ExplainedParent, len(in))
	for i, p := range in {
		out[i] = &graph.ExplainedParent{
			Form: p.Form, Record: p.Record, Action: p.Action, Allowed: p.Allowed,
			Steps: newSteps(p.Steps), Missing: newMissing(p.Missing),
		}
	}
	return out
}
