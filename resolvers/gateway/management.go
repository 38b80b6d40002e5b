package gateway

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/resolvers"
)

// ManagementOptions configure the management API; Resolver, Definitions and
// Directory are required, zero means default for the rest.
type ManagementOptions struct {
	Resolver    *resolvers.Resolver
	Definitions resolvers.Definitions
	Directory   Authenticator
	Limits      *Limits       // default DefaultLimits
	Budget      int           // cells per operation; default 100,000
	Timeout     time.Duration // per operation; default 10 s
	Events      Events
}

// Bounds of one operation of the management API.
const (
	managementBudget = 100_000
	maxMutations     = 10 // root fields of a mutation
)

// Management serves POST /graphql and the routes beside it that take what is
// too large for a GraphQL request: PUT /apps/{application}/rules/{name} and PUT
// /definition, and give what is: GET /apps/{application}/rules/{name}/versions/{version}.
// It is safe for concurrent use.
type Management struct {
	o         ManagementOptions
	schema    graphql.ExecutableSchema
	documents *cache[string, *ast.QueryDocument]
	handler   http.Handler
}

// NewManagement returns the management API over what o names; it owns none of
// it.
func NewManagement(o ManagementOptions) (*Management, error) {
	if o.Resolver == nil || o.Definitions == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewManagement", "Resolver, Definitions and Directory are required")
	}
	if o.Limits == nil {
		o.Limits = &DefaultLimits
	}
	if o.Budget == 0 {
		o.Budget = managementBudget
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	m := &Management{
		o: o, schema: graph.Executable(o.Resolver),
		documents: newCache[string, *ast.QueryDocument](maxDocuments, maxDocumentText),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", m.serve)
	mux.HandleFunc("PUT /apps/{application}/rules/{name}", m.putModule)
	mux.HandleFunc("GET /apps/{application}/rules/{name}/versions/{version}", m.getModule)
	mux.HandleFunc("PUT /definition", m.definition(m.apply))
	mux.HandleFunc("POST /definition/check", m.definition(m.check))
	mux.HandleFunc("POST /definition/compare", m.compare)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	m.handler = Protect(mux, o.Events)
	return m, nil
}

// ServeHTTP serves one request.
func (m *Management) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

func (m *Management) serve(w http.ResponseWriter, r *http.Request) {
	media, refused := answerMedia(r)
	if refused == nil {
		refused = m.run(w, r, media)
	}
	if refused != nil {
		refused.write(w, media)
	}
}

// run answers the request, or says why not.
func (m *Management) run(w http.ResponseWriter, r *http.Request, media string) *refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "operations are sent by POST")
	}
	if f := checkContentType(r); f != nil {
		return f
	}
	ctx, cancel := context.WithTimeout(r.Context(), m.o.Timeout)
	defer cancel()
	ctx, f := m.signedIn(ctx, r)
	if f != nil {
		return f
	}
	q, f := readRequest(w, r, m.o.Limits.Body)
	if f != nil {
		return f
	}
	if q.Query == nil {
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "query is required: there are no registered documents here")
	}
	oc, f := m.prepare(ctx, q, media)
	if f != nil {
		return f
	}
	resp := m.execute(ctx, oc)
	writeData(w, media, resp.Data, graph.Cut(resp.Errors), nil)
	return nil
}

// signedIn returns a context with the principal of the request's token. Without
// an Authorization header it has none; a header that is no good is refused.
func (m *Management) signedIn(ctx context.Context, r *http.Request) (context.Context, *refusal) {
	if r.Header.Get("Authorization") == "" {
		return ctx, nil
	}
	p, f := Authenticate(ctx, m.o.Directory, r)
	if f != nil {
		return ctx, f
	}
	return identity.WithPrincipal(ctx, p), nil
}

// prepare reads and checks an operation: guard, validation, variables, what it
// may come to.
func (m *Management) prepare(ctx context.Context, q *request, media string) (*graphql.OperationContext, *refusal) {
	doc, errs := m.document(*q.Query)
	if errs != nil {
		return nil, refuseOperation(media, errs...)
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil {
		return nil, refuseOperation(media, graph.Coded(graph.CodeBadUserInput, "operationName: expected the name of an operation of the document"))
	}
	if _, ok := identity.FromContext(ctx); !ok && !anonymous(op) {
		return nil, refuse(http.StatusUnauthorized, graph.CodeUnauthenticated, "%s", signIn)
	}
	variables, err := validator.VariableValues(m.schema.Schema(), op, q.Variables)
	if err != nil {
		return nil, refuseOperation(media, gqlerror.Wrap(err))
	}
	if err := m.checkSize(op, variables); err != nil {
		return nil, refuseOperation(media, err)
	}
	return &graphql.OperationContext{
		RawQuery: *q.Query, Variables: variables, OperationName: q.OperationName, Doc: doc, Operation: op,
		RecoverFunc:            m.recovered,
		ResolverMiddleware:     func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
	}, nil
}

// document returns a document that passed guard and validation. There is one
// schema, so one cache serves everybody.
func (m *Management) document(text string) (*ast.QueryDocument, gqlerror.List) {
	if d, ok := m.documents.get(text); ok {
		return d, nil
	}
	doc, errs := m.o.Limits.Parse(text)
	if errs != nil {
		return nil, errs
	}
	if errs := Validate(m.schema.Schema(), doc); errs != nil {
		return nil, errs
	}
	return m.documents.put(text, doc, len(text)), nil
}

// execute runs a prepared operation.
func (m *Management) execute(ctx context.Context, oc *graphql.OperationContext) *graphql.Response {
	ctx = graphql.WithOperationContext(ctx, oc)
	ctx = graphql.WithResponseContext(ctx, m.present, m.recovered)
	resp := m.schema.Exec(ctx)(ctx)
	if resp == nil {
		resp = &graphql.Response{}
	}
	resp.Errors = append(resp.Errors, graphql.GetErrors(ctx)...)
	slices.SortStableFunc(resp.Errors, inDocument)
	if len(resp.Data) == 0 {
		resp.Data = []byte("null")
	}
	return resp
}

// inDocument orders errors by their place in the document, then by path: fields
// of a query run at the same time, and equal requests get equal answers.
func inDocument(a, b *gqlerror.Error) int {
	line, column := place(a)
	otherLine, otherColumn := place(b)
	return cmp.Or(cmp.Compare(line, otherLine), cmp.Compare(column, otherColumn), strings.Compare(a.Path.String(), b.Path.String()))
}

func place(e *gqlerror.Error) (line, column int) {
	if len(e.Locations) == 0 {
		return 0, 0
	}
	return e.Locations[0].Line, e.Locations[0].Column
}

// present is the presenter of resolver errors: codes of the list, and a log
// line for what clients are not told.
func (m *Management) present(ctx context.Context, err error) *gqlerror.Error {
	out := graph.Present(graphql.DefaultErrorPresenter(ctx, err))
	switch out.Extensions["code"] {
	case graph.CodeInternal, graph.CodeUnavailable:
		m.failed(ctx, err)
	}
	return out
}

func (m *Management) failed(ctx context.Context, err error) {
	if m.o.Events.Failed != nil {
		m.o.Events.Failed(ctx, "", err)
	}
}

// recovered turns a panic of a resolver into an error that says nothing of it.
func (m *Management) recovered(ctx context.Context, v any) error {
	if m.o.Events.Panicked != nil {
		m.o.Events.Panicked(ctx, v, debug.Stack())
	}
	return fault.Wrap(fault.Internal, "gateway.Management", fmt.Errorf("panic: %v", v), "internal error")
}
