package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
)

// changeHide runs a change of one hide and answers with what it is about.
func changeHide(ctx context.Context, change func(identity.Principal) (engine.Hidden, error)) (*graph.HidePayload, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	h, err := change(p)
	if err != nil {
		return nil, err
	}
	return &graph.HidePayload{Hidden: newHidden(h)}, nil
}

func newHidden(h engine.Hidden) *graph.HiddenRecords {
	return &graph.HiddenRecords{
		Form: h.Form, Owner: h.Owner, OwnerName: text(h.OwnerName), Where: h.Where,
		Since: h.Since, Broken: h.Broken, Lapsed: h.Lapsed,
	}
}
