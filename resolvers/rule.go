package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// changeRule runs a change of one rule and answers with its state then.
func (r *Resolver) changeRule(ctx context.Context, change func(identity.Principal) (engine.RuleState, error)) (*graph.RulePayload, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	state, err := change(p)
	if err != nil {
		return nil, err
	}
	return &graph.RulePayload{Rule: newRule(state)}, nil
}

func newRuleModules(modules []engine.Module, rules []engine.RuleState) *graph.RuleModules {
	out := &graph.RuleModules{Modules: make([]*graph.RuleModule, len(modules)), Rules: make([]*graph.Rule, len(rules))}
	for i, m := range modules {
		out.Modules[i] = &graph.RuleModule{Hash: m.Hash, Name: m.Name, Size: m.Size, Uploaded: m.Uploaded}
	}
	for i, s := range rules {
		out.Rules[i] = newRule(s)
	}
	return out
}

func newRule(s engine.RuleState) *graph.Rule {
	return &graph.Rule{Name: s.Rule, Form: s.Form, Effect: effects[s.Effect], Module: text(s.Bound), Active: s.Active, Next: text(s.Next), Quarantine: newRuleQuarantine(s.Quarantine), Fallback: newRuleFallback(s.Fallback)}
}

var effects = map[definition.Effect]graph.RuleEffect{
	definition.Share:    graph.RuleEffectShare,
	definition.Restrict: graph.RuleEffectRestrict,
	definition.Mask:     graph.RuleEffectMask,
}
