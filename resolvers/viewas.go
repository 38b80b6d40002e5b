package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
)

// Sights is what the tool VIEW_AS asks beside the answers that it gives.
type Sights interface {
	// ViewAsTargets returns the people as whom one may view an application; see
	// engine.ViewAsTargets.
	ViewAsTargets(ctx context.Context, p identity.Principal, application string, q engine.Crowd) (engine.Members, error)
}

func newTargets(m engine.Members) *graph.ViewAsTargetConnection {
	out := &graph.ViewAsTargetConnection{
		Nodes: make([]*graph.ViewAsTarget, len(m.Users)), PageInfo: &graph.PageInfo{HasNextPage: m.After},
	}
	for i, u := range m.Users {
		out.Nodes[i] = &graph.ViewAsTarget{ID: u.ID, DisplayName: u.DisplayName}
	}
	if n := len(m.Users); n > 0 {
		out.PageInfo.EndCursor = text(m.Users[n-1].ID.String())
	}
	return out
}
