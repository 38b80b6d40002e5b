package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// MaxManifest bounds a manifest of documents in bytes.
const MaxManifest = 3 << 20

// registryRoutes are those beside the documents that are run.
func (g *Gateway) registryRoutes(mux *http.ServeMux) {
	mux.HandleFunc("PUT /apps/{application}/documents", asOneself(http.HandlerFunc(g.putDocuments)))
	mux.HandleFunc("GET /apps/{application}/documents", asOneself(g.asPrincipal(g.listDocuments)))
	mux.HandleFunc("DELETE /apps/{application}/documents/{id...}", asOneself(g.asPrincipal(g.removeDocument)))
	mux.HandleFunc("GET /apps/{application}/schema.graphql", g.schemaRoute(formSDL))
	mux.HandleFunc("GET /apps/{application}/schema.json", g.schemaRoute(formJSON))
	mux.HandleFunc("GET /apps/{application}/pages", g.asPrincipal(g.listPages))
}

// outcome is what a route answers: a status and a value to write as JSON.
type outcome struct {
	status int
	value  any
	seen   *mark // of one that was given as another person
}

// asPrincipal authenticates, runs the route, and writes what comes of it.
func (g *Gateway) asPrincipal(run func(context.Context, *http.Request, identity.Principal) (outcome, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), g.o.Timeout)
		defer cancel()
		p, f := Authenticate(ctx, g.o.Directory, r)
		if f == nil {
			out, err := run(ctx, r, p)
			if err == nil {
				out.seen.tell(w)
				writeJSON(w, out)
				return
			}
			if f, _ = errors.AsType[*refusal](err); f == nil {
				f = refuseWith(err)
			}
		}
		if f.cause != nil {
			g.failed(ctx, r.PathValue("application"), f.cause)
		}
		f.write(w, mediaJSON)
	}
}

func writeJSON(w http.ResponseWriter, out outcome) {
	b, err := json.Marshal(out.value)
	if err != nil { // values are made of texts and numbers
		refuse(http.StatusInternalServerError, graph.CodeInternal, "internal error").write(w, mediaJSON)
		return
	}
	setHeaders(w, mediaJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(out.status)
	_, _ = w.Write(b) // a client that went away is not told
}

// documentFault is what is wrong with one document of a manifest.
type documentFault struct {
	ID      string `json:"id"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// pushed is what the server says of a manifest: with faults nothing was
// registered.
type pushed struct {
	Documents int             `json:"documents"`
	Added     int             `json:"added"`
	Faults    []documentFault `json:"faults"`
}

// putDocuments registers the documents of a manifest.
func (g *Gateway) putDocuments(w http.ResponseWriter, r *http.Request) {
	g.asPrincipal(func(ctx context.Context, r *http.Request, p identity.Principal) (outcome, error) {
		name := r.PathValue("application")
		if _, err := g.o.Engine.Documents(ctx, p, name); err != nil { // who may not register is not told what is wrong
			return outcome{}, err
		}
		body, f := readUpload(w, r, MaxManifest, []string{mediaJSON})
		if f != nil {
			return outcome{}, f
		}
		docs, err := ReadManifest(body)
		if err != nil {
			return outcome{}, err
		}
		return g.register(ctx, p, name, docs)
	})(w, r)
}

func (g *Gateway) register(ctx context.Context, p identity.Principal, application string, docs []engine.NewDocument) (outcome, error) {
	out := pushed{Documents: len(docs), Faults: []documentFault{}}
	op, err := g.o.Engine.Read(ctx, p, application)
	if err != nil {
		return outcome{}, err
	}
	defer op.Close()
	e, _, err := g.schemas.of(op)
	if err != nil {
		return outcome{}, err
	}
	for _, d := range docs {
		out.Faults = append(out.Faults, g.documentFaults(e, d)...)
		if len(out.Faults) >= graph.MaxErrors {
			break
		}
	}
	if len(out.Faults) > 0 {
		return outcome{status: http.StatusUnprocessableEntity, value: out}, nil
	}
	op.Close()
	out.Added, err = g.o.Engine.PutDocuments(ctx, p, application, docs)
	return outcome{status: http.StatusOK, value: out}, err
}

// documentFaults checks a document against what the whole definition offers:
// who registers documents sees all of it.
func (g *Gateway) documentFaults(e *entry, d engine.NewDocument) (out []documentFault) {
	if !engine.ValidDocumentID(d.ID) {
		return []documentFault{{ID: d.ID, Message: fmt.Sprintf("expected an id of 1 to %d printable ASCII characters without spaces, not beginning with %s or %s",
			engine.MaxDocumentID, pagePrefix, engine.HashPrefix)}}
	}
	_, errs := g.schemas.document(e, document{d.Text, registered})
	for _, err := range errs {
		f := documentFault{ID: d.ID, Message: err.Message}
		if len(err.Locations) > 0 {
			f.Line = err.Locations[0].Line
		}
		out = append(out, f)
	}
	return out
}

// Error lets a refusal pass through a route as an error.
func (f *refusal) Error() string { return f.errors.Error() }

// registeredDocument is an engine.Document as JSON.
type registeredDocument struct {
	ID       string    `json:"id"`
	Hash     string    `json:"sha256"`
	Size     int       `json:"size"`
	Uploaded time.Time `json:"uploaded"`
}

func (g *Gateway) listDocuments(ctx context.Context, r *http.Request, p identity.Principal) (outcome, error) {
	docs, err := g.o.Engine.Documents(ctx, p, r.PathValue("application"))
	out := make([]registeredDocument, len(docs))
	for i, d := range docs {
		out[i] = registeredDocument(d)
	}
	return outcome{status: http.StatusOK, value: map[string]any{"documents": out}}, err
}

func (g *Gateway) removeDocument(ctx context.Context, r *http.Request, p identity.Principal) (outcome, error) {
	id := r.PathValue("id")
	err := g.o.Engine.RemoveDocument(ctx, p, r.PathValue("application"), id)
	return outcome{status: http.StatusOK, value: map[string]string{"removed": id}}, err
}

// pageSummary is what somebody with ACCESS may know of a page.
type pageSummary struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description"`
}

// listPages lists the pages that the viewer may open.
func (g *Gateway) listPages(ctx context.Context, r *http.Request, p identity.Principal) (outcome, error) {
	as, f := eyes(r)
	if f != nil {
		return outcome{}, f
	}
	op, err := g.read(ctx, p, r.PathValue("application"), as, asked{Pages: true})
	if err != nil {
		return outcome{}, err
	}
	defer op.Close()
	out := []pageSummary{}
	for _, page := range op.View().Shape().Pages {
		out = append(out, pageSummary{page.Name, page.Label, page.Description})
	}
	return outcome{http.StatusOK, map[string]any{"pages": out}, marked(op)}, nil
}

const opManifest = "gateway.ReadManifest"

// apolloManifest is what Apollo's generate-persisted-query-manifest writes.
type apolloManifest struct {
	Format     string `json:"format"`
	Version    int    `json:"version"`
	Operations []struct {
		ID   string `json:"id"`
		Body string `json:"body"`
	} `json:"operations"`
}

// ReadManifest reads a manifest of documents in the form that Apollo's tool
// writes, or as an object of texts by id, which is what Relay's compiler and
// graphql-codegen's client preset write. Ids stand in it once; the documents are
// returned in ascending order of their ids.
func ReadManifest(b []byte) ([]engine.NewDocument, error) {
	var m apolloManifest
	if json.Unmarshal(b, &m) == nil && m.Format == "apollo-persisted-query-manifest" {
		if m.Version != 1 {
			return nil, fault.New(fault.Invalid, opManifest, "the manifest has version %d, expected 1", m.Version)
		}
		docs := make([]engine.NewDocument, len(m.Operations))
		for i, o := range m.Operations {
			docs[i] = engine.NewDocument{ID: o.ID, Text: o.Body}
		}
		return onceEach(docs)
	}
	docs, err := readTexts(b)
	if err != nil {
		return nil, fault.New(fault.Invalid, opManifest,
			"expected an object of documents by id (Relay, graphql-codegen), or an Apollo manifest with format apollo-persisted-query-manifest")
	}
	return onceEach(docs)
}

// readTexts reads an object of texts; a decoder into a map would hide an id that
// stands twice.
func readTexts(b []byte) (docs []engine.NewDocument, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errParameter
	}
	for d.More() {
		var text string
		id, err := d.Token()
		if err == nil {
			err = d.Decode(&text)
		}
		key, ok := id.(string)
		if err != nil || !ok {
			return nil, errParameter
		}
		docs = append(docs, engine.NewDocument{ID: key, Text: text})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	return docs, nil
}

func onceEach(docs []engine.NewDocument) ([]engine.NewDocument, error) {
	slices.SortStableFunc(docs, func(a, b engine.NewDocument) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(docs); i++ {
		if docs[i].ID == docs[i-1].ID {
			return nil, fault.New(fault.Invalid, opManifest, "the id %q stands twice in the manifest", docs[i].ID)
		}
	}
	if len(docs) == 0 {
		return nil, fault.New(fault.Invalid, opManifest, "the manifest has no documents")
	}
	return docs, nil
}
