package gateway

import (
	"context"
	"net/http"
	"strconv"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// uploadedFault is a definition.Fault or a definition.Finding as JSON.
type uploadedFault struct {
	Line     int    `json:"line"`
	Path     string `json:"path"`
	Message  string `json:"message"`
	Severity string `json:"severity"`
	Kind     string `json:"kind"`
	Fix      string `json:"fix,omitempty"`
	BuiltIn  bool   `json:"builtIn,omitempty"`
}

// uploaded is what the server says of a definition.
type uploaded struct {
	Application string          `json:"application,omitempty"`
	Version     uint64          `json:"version,omitempty"`
	Unchanged   bool            `json:"unchanged"`
	Warnings    []uploadedFault `json:"warnings"`
	Faults      []uploadedFault `json:"faults"`
}

// definitionQuery are the query parameters of a definition.
type definitionQuery struct {
	AllowDrop  bool
	Difference string
}

type judge func(context.Context, identity.Principal, []byte, *definitionQuery) (*engine.Applied, error)

func (m *Management) apply(ctx context.Context, p identity.Principal, body []byte, q *definitionQuery) (*engine.Applied, error) {
	return m.o.Definitions.ApplyCompared(ctx, p, body, q.AllowDrop, q.Difference)
}

func (m *Management) check(ctx context.Context, p identity.Principal, body []byte, q *definitionQuery) (*engine.Applied, error) {
	if q.Difference != "" {
		return nil, fault.New(fault.Invalid, "gateway.check", "difference: is for applying, which checks it")
	}
	return m.o.Definitions.Check(ctx, p, body, q.AllowDrop)
}

// compare begins to compare a definition, as compareAccess does, which takes no
// long document.
func (m *Management) compare(w http.ResponseWriter, r *http.Request) {
	drop, err := strconv.ParseBool(r.URL.Query().Get("allowDrop"))
	if err != nil && r.URL.Query().Has("allowDrop") {
		refuse(http.StatusBadRequest, graph.CodeBadUserInput, "allowDrop: expected true or false").write(w, mediaJSON)
		return
	}
	m.upload(w, r, MaxDefinition, []string{"application/yaml", "text/yaml"}, func(ctx context.Context, p identity.Principal, body []byte) (int, any, error) {
		name, faults := definition.Name(body)
		if len(faults) > 0 {
			return http.StatusUnprocessableEntity, uploaded{Warnings: []uploadedFault{}, Faults: uploadedFaults(faults)}, nil
		}
		c, err := m.o.Definitions.StartComparison(ctx, p, name, engine.ProposedChange{Source: body, AllowDrop: drop})
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, map[string]string{"application": c.Application, "difference": c.ID}, nil
	})
}

// definition takes a definition as YAML, with the query parameters allowDrop and
// difference, and answers as applyDefinition or checkDefinition does: 422 when it
// has faults.
func (m *Management) definition(take judge) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		drop, err := strconv.ParseBool(r.URL.Query().Get("allowDrop"))
		if err != nil && r.URL.Query().Has("allowDrop") {
			refuse(http.StatusBadRequest, graph.CodeBadUserInput, "allowDrop: expected true or false").write(w, mediaJSON)
			return
		}
		q := definitionQuery{AllowDrop: drop, Difference: r.URL.Query().Get("difference")}
		if r.URL.Query().Has("difference") && q.Difference == "" {
			refuse(http.StatusBadRequest, graph.CodeBadUserInput, "difference: expected an id").write(w, mediaJSON)
			return
		}
		m.upload(w, r, MaxDefinition, []string{"application/yaml", "text/yaml"}, func(ctx context.Context, p identity.Principal, body []byte) (int, any, error) {
			got, err := take(ctx, p, body, &q)
			if err != nil {
				return 0, nil, err
			}
			out := uploaded{Unchanged: got.Unchanged, Warnings: uploadedFindings(got.Findings), Faults: uploadedFaults(got.Faults)}
			if len(got.Faults) > 0 || got.Application == nil {
				return http.StatusUnprocessableEntity, out, nil
			}
			out.Application, out.Version = got.Application.Name, got.Application.Version
			return http.StatusOK, out, nil
		})
	}
}

func uploadedFaults(in []definition.Fault) []uploadedFault {
	out := make([]uploadedFault, len(in))
	for i, f := range in {
		out[i] = uploadedFault{Line: f.Line, Path: f.Path, Message: f.Msg, Severity: definition.Error.String(), Kind: definition.FaultKind}
	}
	return out
}

func uploadedFindings(in []definition.Finding) []uploadedFault {
	out := make([]uploadedFault, len(in))
	for i, f := range in {
		out[i] = uploadedFault{
			Line: f.Line, Path: f.Path, Message: f.Msg, Severity: f.Severity.String(), Kind: string(f.Kind), Fix: f.Fix, BuiltIn: f.BuiltIn,
		}
	}
	return out
}
