package resolvers

import (
	"context"
	"encoding/base64"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
)

// RuleLogs tell what custom rules did; see the engine.
type RuleLogs interface {
	RuleLog(ctx context.Context, p identity.Principal, q engine.RuleLogQuery) (*engine.RuleLogPage, error)
	RuleReplay(ctx context.Context, p identity.Principal, application, rule, entry string) (*engine.RuleReplay, error)
	RuleStats(ctx context.Context, p identity.Principal, application string) ([]engine.RuleStats, error)
}

func newRuleLog(page *engine.RuleLogPage) *graph.RuleLogConnection {
	out := &graph.RuleLogConnection{
		Nodes: []*graph.RuleLogEntry{}, PageInfo: &graph.PageInfo{HasNextPage: page.HasNext},
		DroppedCount: int(page.Dropped), LostCount: int(page.Lost), Quarantine: newRuleQuarantine(page.Quarantine), Fallback: newRuleFallback(page.Fallback),
	}
	for i := range page.Entries {
		out.Nodes = append(out.Nodes, newRuleLogEntry(&page.Entries[i]))
	}
	if n := len(page.Entries); n > 0 {
		out.PageInfo.EndCursor = text(page.Entries[n-1].ID)
	}
	return out
}

func newRuleLogEntry(n *engine.RuleLogEntry) *graph.RuleLogEntry {
	out := &graph.RuleLogEntry{ID: n.ID, Time: n.Time, Module: text(n.Module)}
	if n.Fault != 0 {
		out.Fault = text(n.Fault.String())
	}
	if n.Untold {
		return out
	}
	version, fuel := int(n.Version), int(n.Fuel)
	out.Form, out.Record, out.Version = text(n.Form), &n.Record, &version
	out.Viewer = &graph.Looker{ID: n.Viewer, DisplayName: text(n.Name)}
	out.Fuel, out.Asked = &fuel, &n.Asked
	if out.Answer = text(n.Answer); out.Answer != nil {
		out.Reason, out.ReasonText = &n.Reason, text(n.ReasonText)
	}
	return out
}

func newRuleReplay(x *engine.RuleReplay) *graph.RuleReplay {
	return &graph.RuleReplay{
		Entry: newRuleLogEntry(&x.Entry), ModuleBytes: base64.StdEncoding.EncodeToString(x.Module),
		Viewer: string(x.Viewer), Record: string(x.Record),
	}
}

func newRuleStats(list []engine.RuleStats) []*graph.RuleStats {
	out := make([]*graph.RuleStats, len(list))
	for i, s := range list {
		out[i] = &graph.RuleStats{
			Rule: s.Rule, Asked: float64(s.Asked), Fuel: float64(s.Fuel), FuelP50: float64(s.P50), FuelP99: float64(s.P99),
			Faults: []*graph.RuleFaultCount{},
		}
		for _, f := range s.Faults {
			out[i].Faults = append(out[i].Faults, &graph.RuleFaultCount{Kind: f.Kind.String(), Count: float64(f.Count)})
		}
	}
	return out
}
