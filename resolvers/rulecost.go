package resolvers

import (
	"sluice/engine"
	"sluice/graph"
	"sluice/internal/record"
)

func newRuleCosts(list []engine.RuleCost) []*graph.RuleCost {
	out := make([]*graph.RuleCost, len(list))
	for i, c := range list {
		out[i] = &graph.RuleCost{
			Rule: c.Rule, Module: c.Module, Decisions: float64(c.Decisions), Impure: float64(c.Impure), Measured: float64(c.Measured),
			OutsidePlan: float64(c.Outside), OutsidePlanRecords: make([]record.ID, len(c.OutsideRecords)),
			FuelP50: float64(c.P50), FuelP99: float64(c.P99), FuelMax: float64(c.Max), Faults: newFaultCounts(c.Faults),
		}
		copy(out[i].OutsidePlanRecords, c.OutsideRecords)
	}
	return out
}
