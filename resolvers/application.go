package resolvers

import (
	"net/url"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
)

// endpoint is where an application is served: resolvers/gateway mounts it.
func endpoint(application string) string {
	return "/apps/" + url.PathEscape(application) + "/graphql"
}

func newApplication(name string, version uint64) *graph.Application {
	return &graph.Application{Name: name, Version: int(version), Endpoint: endpoint(name)}
}

func newApplications(in []engine.Summary) []*graph.Application {
	out := make([]*graph.Application, len(in))
	for i, s := range in {
		out[i] = newApplication(s.Name, s.Version)
	}
	return out
}

func newApplied(a *engine.Applied) *graph.ApplyPayload {
	out := &graph.ApplyPayload{Unchanged: a.Unchanged, Warnings: newFindings(a.Findings), Faults: newFaults(a.Faults)}
	if a.Application != nil && len(a.Faults) == 0 {
		out.Application = newApplication(a.Application.Name, a.Application.Version)
	}
	return out
}

func newChecked(a *engine.Applied) *graph.CheckPayload {
	out := &graph.CheckPayload{Unchanged: a.Unchanged, Findings: newFindings(a.Findings), Faults: newFaults(a.Faults)}
	if a.Application != nil && len(a.Faults) == 0 {
		version := int(a.Application.Version)
		out.Application, out.Version = &a.Application.Name, &version
	}
	return out
}

func newFaults(in []definition.Fault) []*graph.DefinitionFault {
	out := make([]*graph.DefinitionFault, len(in))
	for i, f := range in {
		out[i] = &graph.DefinitionFault{Line: f.Line, Path: f.Path, Message: f.Msg, Severity: graph.SeverityError, Kind: definition.FaultKind}
	}
	return out
}

func newFindings(in []definition.Finding) []*graph.DefinitionFault {
	out := make([]*graph.DefinitionFault, len(in))
	for i, f := range in {
		out[i] = &graph.DefinitionFault{
			Line: f.Line, Path: f.Path, Message: f.Msg, Severity: graph.Severity(f.Severity.String()),
			Kind: string(f.Kind), Fix: &f.Fix, BuiltIn: f.BuiltIn,
		}
	}
	return out
}
