package resolvers

import (
	"context"
	"maps"
	"slices"

	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func toolSet(in []graph.Tool) identity.ToolSet {
	var out identity.ToolSet
	for _, name := range in {
		t, _ := identity.ParseTool(string(name))
		out = out.With(identity.ToolSetOf(t))
	}
	return out
}

func newTools(s identity.ToolSet) []graph.Tool {
	out := []graph.Tool{}
	for _, t := range s.List() {
		out = append(out, graph.Tool(t.String()))
	}
	return out
}

func newWithheld(u *directory.User) []*graph.WithheldTools {
	out := []*graph.WithheldTools{}
	if u.Admin != identity.Admin {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(u.Withheld)) {
		out = append(out, &graph.WithheldTools{Application: name, Tools: newTools(u.Withheld[name])})
	}
	return out
}

type toolsChange func(context.Context, identity.Principal, string, record.ID, identity.ToolSet, func() error) error

func (r *Resolver) changeTools(ctx context.Context, application string, user record.ID, in []graph.Tool, change toolsChange) (*graph.UserPayload, error) {
	return r.changeUser(ctx, user, func(p identity.Principal) error {
		return change(ctx, p, application, user, toolSet(in), func() error {
			_, ok, err := r.definitions.Application(ctx, p, application)
			if err == nil && !ok {
				err = fault.New(fault.NotFound, "resolvers.tools", "application: no such application")
			}
			return err
		})
	})
}
