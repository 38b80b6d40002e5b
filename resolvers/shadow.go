package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// Shadows is what the management API asks of the engine about modules that run beside
// those that decide; see the methods of engine.Engine.
type Shadows interface {
	ShadowRule(ctx context.Context, p identity.Principal, application, rule, module string, hours int) (*engine.ShadowReport, error)
	UnshadowRule(ctx context.Context, p identity.Principal, application, rule string) error
	RuleShadow(ctx context.Context, p identity.Principal, application, rule string) (*engine.ShadowReport, error)
}

func newRuleShadow(s *engine.ShadowReport) *graph.RuleShadow {
	if s == nil {
		return nil
	}
	n := names(s.People)
	out := &graph.RuleShadow{
		Rule: s.Rule, Effect: effects[s.Effect], Module: s.Module, By: n.person(s.By), From: s.From, Until: s.Until, Running: s.Running,
		Compared: s.Compared, More: s.More, Less: s.Less, Other: s.Other, Failed: s.Failed,
		Faults: newFaultCounts(s.Faults), Samples: make([]*graph.RuleShadowSample, len(s.Samples)),
	}
	for i := range s.Samples {
		p := &s.Samples[i]
		out.Samples[i] = &graph.RuleShadowSample{
			Kind: graph.RuleShadowKind(p.Kind.String()), Record: p.Record, Viewer: n.person(p.Viewer),
			Deciding: ruleVerdict(s.Effect, p.Old, p.OldHidden), Shadow: ruleVerdict(s.Effect, p.New, p.NewHidden),
		}
	}
	return out
}

func ruleVerdict(effect definition.Effect, v engine.ShadowVerdict, hidden []string) *graph.RuleVerdict {
	out := &graph.RuleVerdict{}
	switch effect {
	case definition.Share:
		out.Grant = text([...]string{"NONE", "VIEW", "EDIT", "DELETE"}[min(v.Level, definition.ReadWriteDelete)])
	case definition.Restrict:
		out.Through = &v.Through
	case definition.Mask:
		out.Hidden = none(hidden)
	}
	if v.Reason != 0 {
		n := int(v.Reason)
		out.Reason = &n
	}
	if v.Fault != 0 {
		out.Fault = text(v.Fault.String())
	}
	return out
}
