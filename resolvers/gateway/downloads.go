package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"sluice/graph"
	"sluice/internal/fault"
)

// ModuleHeader is the header of a downloaded rule module that names its hash.
const ModuleHeader = "Sluice-Module"

// getModule sends a version of a rule, by its number or its hash, as it was
// uploaded. It is a file for developers and nothing that a browser is to run.
func (m *Management) getModule(w http.ResponseWriter, r *http.Request) {
	if f := m.sendModule(w, r); f != nil {
		f.write(w, mediaJSON)
	}
}

func (m *Management) sendModule(w http.ResponseWriter, r *http.Request) *refusal {
	ctx, cancel := context.WithTimeout(r.Context(), m.o.Timeout)
	defer cancel()
	p, f := Authenticate(ctx, m.o.Directory, r)
	if f != nil {
		return f
	}
	if r.URL.RawQuery != "" {
		return refuseWith(fault.New(fault.Invalid, "gateway.sendModule", "a module is downloaded without parameters"))
	}
	rule := r.PathValue("name")
	v, module, err := m.o.Definitions.RuleModule(ctx, p, r.PathValue("application"), rule, r.PathValue("version"))
	if err != nil {
		if code, _ := graph.Explain(err); code == graph.CodeInternal || code == graph.CodeUnavailable {
			m.failed(ctx, err)
		}
		return refuseWith(err)
	}
	setHeaders(w, "application/wasm")
	h := w.Header()
	h.Set("Content-Type", "application/wasm")
	h.Set("Content-Length", strconv.Itoa(len(module)))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	// A rule's name is one of a definition: letters, digits and hyphens.
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-v%d.wasm"`, rule, v.Number))
	h.Set(ModuleHeader, v.Module)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(module) // a client that went away is not told
	return nil
}
