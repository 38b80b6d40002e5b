package resolvers

import (
	"sluice/engine"
	"sluice/graph"
)

func newRuleQuarantine(q *engine.RuleQuarantine) *graph.RuleQuarantine {
	if q == nil {
		return nil
	}
	return &graph.RuleQuarantine{Since: q.Since, Records: q.Records, Adders: q.Adders, Impure: q.Impure, Faults: newFaultCounts(q.Faults)}
}

func newRuleFallback(f *engine.RuleFallback) *graph.RuleFallback {
	if f == nil {
		return nil
	}
	return &graph.RuleFallback{Module: f.Module, Decides: f.Decides, Quarantine: newRuleQuarantine(f.Quarantine)}
}

func newFaultCounts(list []engine.FaultCount) []*graph.RuleFaultCount {
	out := make([]*graph.RuleFaultCount, len(list))
	for i, f := range list {
		out[i] = &graph.RuleFaultCount{Kind: f.Kind.String(), Count: float64(f.Count)}
	}
	return out
}
