package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/identity"
)

// Recalls are the questions of the tool RECALL: Forbidden for who was not given
// it, and each written down.
type Recalls interface {
	// WhoCouldSee returns the people who could see a record; see engine.WhoCouldSee.
	WhoCouldSee(ctx context.Context, p identity.Principal, q engine.CouldSee) (*engine.PastOnlookers, error)
	// AccessHistory returns when a person's access changed; see engine.AccessHistory.
	AccessHistory(ctx context.Context, p identity.Principal, q engine.AccessHistory) (*engine.AccessChanges, error)
}

func newPastOnlookers(o *engine.PastOnlookers) *graph.PastOnlookerConnection {
	out := &graph.PastOnlookerConnection{
		Nodes: make([]*graph.PastOnlooker, len(o.People)), PageInfo: &graph.PageInfo{HasNextPage: o.HasNext},
		TotalCount: o.Total, MaskedCount: o.Masked, WithoutFieldCount: o.Without, UntoldCount: o.Untold,
		DefinitionVersion: int(o.Version), RecordVersion: int(o.RecordVersion),
	}
	for i, who := range o.People {
		n := &graph.PastOnlooker{
			ID: who.User, DisplayName: text(who.DisplayName), Kind: graph.MemberKind(who.Kind.String()),
			Actions: newActions(who.Actions), Masked: who.Masked, Untold: who.Untold,
		}
		if who.Ground.Statement != "" {
			n.Reason = newReason(who.Ground, who.Ground.Because())
		}
		out.Nodes[i] = n
	}
	if n := len(o.People); n > 0 {
		out.PageInfo.EndCursor = text(o.People[n-1].User.String())
	}
	return out
}

func newActions(actions []definition.Action) []graph.RecordAction {
	out := make([]graph.RecordAction, len(actions))
	for i, a := range actions {
		out[i] = graph.RecordAction(a.String())
	}
	return out
}

func newAccessHistory(h *engine.AccessChanges) *graph.AccessHistory {
	out := &graph.AccessHistory{
		User: h.User, DisplayName: text(h.DisplayName), Start: newPastAccess(&h.Start), Until: h.Until,
		Changes: make([]*graph.AccessChange, len(h.Changes)), PageInfo: &graph.PageInfo{HasNextPage: h.HasNext, EndCursor: text(h.Cursor())},
	}
	for i := range h.Changes {
		c := &h.Changes[i]
		n := &graph.AccessChange{Time: c.Time, ByName: text(c.ByName), Access: newPastAccess(&c.After), Causes: make([]*graph.AccessCause, len(c.Causes))}
		if !c.By.IsZero() {
			n.By = &c.By
		}
		for j, cause := range c.Causes {
			n.Causes[j] = newCause(cause)
		}
		out.Changes[i] = n
	}
	return out
}

func newCause(c engine.Cause) *graph.AccessCause {
	out := &graph.AccessCause{Kind: graph.AccessCauseKind(c.Kind.String()), Text: c.Words}
	if c.Version > 0 {
		v := int(c.Version)
		out.DefinitionVersion = &v
	}
	return out
}

func newPastAccess(a *engine.Access) *graph.PastAccess {
	out := &graph.PastAccess{Exists: a.Exists, Actions: newActions(a.Actions), Fields: none(a.Fields), Untold: a.Untold}
	if a.Ground.Statement != "" {
		out.Reason = newReason(a.Ground, a.Ground.Because())
	}
	return out
}
