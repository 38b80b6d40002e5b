package resolvers

import (
	"context"
	"strconv"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// versionNumber is 0 for none.
func versionNumber(version *int) (int, error) {
	switch {
	case version == nil:
		return 0, nil
	case *version < 1:
		return 0, fault.New(fault.Invalid, "resolvers.version", "version: expected 1 or more, or none for the usual one")
	}
	return *version, nil
}

// rulePage answers with a page of the history of a rule. A cursor is the number of
// the last row.
func rulePage[R, C any](
	ctx context.Context, application, rule string, first int, after *string,
	read func(context.Context, identity.Principal, engine.RulePage) ([]R, bool, error), show func([]R, bool) *C,
) (*C, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	q := engine.RulePage{Application: application, Rule: rule, First: first}
	if after != nil {
		if q.After, err = strconv.Atoi(*after); err != nil || q.After < 1 {
			return nil, fault.New(fault.Invalid, "resolvers.rulePage", "after: expected the endCursor of a page")
		}
	}
	rows, more, err := read(ctx, p, q)
	if err != nil {
		return nil, err
	}
	return show(rows, more), nil
}

func newRuleVersions(rows []engine.RuleVersion, more bool) *graph.RuleVersionConnection {
	out := &graph.RuleVersionConnection{Nodes: make([]*graph.RuleVersion, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more}}
	for i, v := range rows {
		out.Nodes[i] = &graph.RuleVersion{
			Number: v.Number, Deleted: v.Deleted, Module: v.Module, Label: v.Label, Size: v.Size, Active: v.Active, Next: v.Next, Previous: v.Before,
			Quarantine: newRuleQuarantine(v.Quarantine), Fallback: v.Fallback, StandsIn: v.StandsIn,
		}
		if !v.Bound.By.IsZero() {
			out.Nodes[i].Bound = newRuleStamp(v.Bound)
		}
		out.PageInfo.EndCursor = text(strconv.Itoa(v.Number))
	}
	return out
}

func newRuleEvents(rows []engine.RuleEvent, more bool) *graph.RuleEventConnection {
	out := &graph.RuleEventConnection{Nodes: make([]*graph.RuleEvent, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more}}
	for i, e := range rows {
		out.Nodes[i] = &graph.RuleEvent{
			Number: e.Number, Act: graph.RuleAct(e.Act), Version: e.Version, Module: e.Module, Stamp: newRuleStamp(e.RuleStamp),
		}
		out.PageInfo.EndCursor = text(strconv.Itoa(e.Number))
	}
	return out
}

func newRuleStamp(s engine.RuleStamp) *graph.RuleStamp {
	out := &graph.RuleStamp{DisplayName: text(s.Name), At: s.Time}
	if !s.By.IsZero() {
		out.By = &s.By
	}
	return out
}
