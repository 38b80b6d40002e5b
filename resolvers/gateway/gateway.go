package gateway

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/resolvers/app"
)

// Authenticator finds out who a token speaks for: a *directory.Directory.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (identity.Principal, error)
}

// Options configure a gateway; Engine and Directory are required, zero means
// default for the rest.
type Options struct {
	Engine    *engine.Engine
	Directory Authenticator
	Limits    *Limits       // default DefaultLimits
	Budget    int           // cells per operation; default app.DefaultBudget
	Timeout   time.Duration // per operation; default 10 s
	Live      Live
	// RegisteredOnly refuses documents that nobody registered, in all
	// applications; without it the definition of each says so. Those who may
	// register documents are exempt.
	RegisteredOnly bool
	Events         Events
}

// Events are told what clients are not. Members may be nil and must not block.
type Events struct {
	// Failed reports the cause of an INTERNAL or UNAVAILABLE error.
	Failed func(ctx context.Context, application string, err error)
	// Panicked reports a panic and where it came from.
	Panicked func(ctx context.Context, value any, stack []byte)
	// ViewedAs reports that somebody viewed as another person.
	ViewedAs func(ctx context.Context, s Sight)
}

// CostHeader asks for the cost of an operation, with any value, and tells it:
// what docs/api.md calls its cells. It follows from the document, the variables
// and the viewer's schema, never from records.
const CostHeader = "Sluice-Cost"

// Gateway serves what applications answer in GraphQL:
// /apps/{application}/graphql and /apps/{application}/pages/{name}. It is safe
// for concurrent use.
type Gateway struct {
	o       Options
	schemas *schemas
	handler http.Handler
	live    live
}

// New returns a gateway over what o names; it owns none of it.
func New(o Options) (*Gateway, error) {
	if o.Engine == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.New", "Engine and Directory are required")
	}
	if o.Limits == nil {
		o.Limits = &DefaultLimits
	}
	if o.Budget == 0 {
		o.Budget = app.DefaultBudget
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	o.Live = o.Live.withDefaults()
	g := &Gateway{o: o, schemas: newSchemas(*o.Limits)}
	g.live.init()
	mux := http.NewServeMux()
	mux.HandleFunc("/apps/{application}/graphql", g.serve(false))
	mux.HandleFunc("/apps/{application}/pages/{name}", g.serve(true))
	g.registryRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	g.handler = protect(mux, o.Events)
	return g, nil
}

// ServeHTTP serves one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// Protect wraps a handler: requests that a browser sends for another site are
// refused, and so are those made as another person; a panic is answered by
// INTERNAL with nothing of its cause.
func Protect(h http.Handler, ev Events) http.Handler { return protect(asOneself(h), ev) }

// protect is Protect for handlers of which some answer as another person.
func protect(h http.Handler, ev Events) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusForbidden, graph.CodeForbidden, "requests from other sites are refused").write(w, mediaJSON)
	}))
	inner := p.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			if ev.Panicked != nil {
				ev.Panicked(r.Context(), v, debug.Stack())
			}
			refuse(http.StatusInternalServerError, graph.CodeInternal, "internal error").write(w, mediaJSON)
		}()
		inner.ServeHTTP(w, r)
	})
}

// serve answers operations; page says that the address names a page, whose
// document is run.
func (g *Gateway) serve(page bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !page && upgrades(r) {
			asOneself(http.HandlerFunc(g.socket))(w, r)
			return
		}
		media, refused := answerMedia(r)
		only := refused != nil && r.Method == http.MethodPost && wantsEvents(r)
		if refused == nil || only {
			refused = g.run(w, r, media, page, only)
		}
		if refused == nil {
			return
		}
		if refused.cause != nil {
			g.failed(r.Context(), r.PathValue("application"), refused.cause)
		}
		refused.write(w, media)
	}
}

// run answers the request, or says why not; only says that the client takes
// nothing but events.
func (g *Gateway) run(w http.ResponseWriter, r *http.Request, media string, page, only bool) *refusal {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if f := checkContentType(r); f != nil {
			return f
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		return refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "operations are sent by POST, registered queries by GET too")
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Timeout)
	defer cancel()
	p, f := Authenticate(ctx, g.o.Directory, r)
	if f != nil {
		return f
	}
	as, f := eyes(r)
	if f != nil {
		return f
	}
	q, f := g.request(w, r, page)
	if f != nil {
		return f
	}
	key, f := keyOfRequest(r, q)
	if f != nil {
		return f
	}
	c := call{g: g, principal: p, application: r.PathValue("application"), request: q, media: media, key: key, as: as}
	if only && !as.IsZero() {
		return onlyQueries()
	}
	if !q.get && as.IsZero() && wantsEvents(r) {
		c.media = mediaGraphQL
		if sent, f := g.events(w, r, &c, only); sent || f != nil {
			return f
		}
		c.media = media
	}
	answer, f := c.run(ctx)
	c.seen.tell(w)
	if f != nil {
		return f
	}
	defer answer.Release()
	for _, err := range answer.Causes {
		g.failed(ctx, c.application, err)
	}
	if r.Header.Get(CostHeader) != "" {
		w.Header().Set(CostHeader, strconv.Itoa(c.cost))
	}
	if c.replayed {
		w.Header().Set(replayedHeader, "true")
	}
	if q.get && len(answer.Errors) == 0 && c.seen == nil {
		writeCached(w, r, media, answer.Data)
		return nil
	}
	writeData(w, media, answer.Data, answer.Errors, c.seen)
	return nil
}

// request reads what is asked for, from the address or the body.
func (g *Gateway) request(w http.ResponseWriter, r *http.Request, page bool) (q *request, f *refusal) {
	if r.Method == http.MethodGet {
		q, f = readQuery(r)
	} else {
		q, f = readRequest(w, r, g.o.Limits.Body)
	}
	if f != nil {
		return nil, f
	}
	if page {
		return q, q.ofPage(r.PathValue("name"))
	}
	return q, q.check()
}

// Authenticate finds out who sends a request. No token and a wrong one are
// answered alike.
func Authenticate(ctx context.Context, a Authenticator, r *http.Request) (identity.Principal, *refusal) {
	return authenticate(ctx, a, bearer(r))
}

func authenticate(ctx context.Context, a Authenticator, token string) (identity.Principal, *refusal) {
	if token == "" || len(token) > maxToken {
		return identity.Principal{}, refuse(http.StatusUnauthorized, graph.CodeUnauthenticated, "%s", signIn)
	}
	p, err := a.Authenticate(ctx, token)
	if fault.KindOf(err) == fault.Unauthenticated && err != nil {
		return identity.Principal{}, refuse(http.StatusUnauthorized, graph.CodeUnauthenticated, "%s", signIn)
	}
	if err != nil {
		return identity.Principal{}, refuseWith(err)
	}
	return p, nil
}

const (
	maxToken = 1024 // bytes
	signIn   = "sign in: a valid token is required in the Authorization header, as Bearer"
)

func (g *Gateway) failed(ctx context.Context, application string, err error) {
	if g.o.Events.Failed != nil {
		g.o.Events.Failed(ctx, application, err)
	}
}

// call is one operation on its way.
type call struct {
	g           *Gateway
	principal   identity.Principal
	application string
	request     *request
	media       string
	key         *engine.ReplayKey // nil for none
	cost        int               // of the operation, once it is prepared
	replayed    bool              // the answer is that of a mutation done before
	as          record.ID         // whose answer is asked for; zero for one's own
	seen        *mark             // of the answer; nil for one's own
}

// maxAttempts bounds how often a mutation is prepared anew because rights
// changed between planning and writing.
const maxAttempts = 3

var errRightsChanged = errors.New("rights changed while the mutation was prepared")

func (c *call) run(ctx context.Context) (*app.Answer, *refusal) {
	for range maxAttempts {
		answer, f, err := c.attempt(ctx)
		if errors.Is(err, errRightsChanged) {
			continue
		}
		if errors.Is(err, engine.ErrKeyReused) {
			return nil, refuse(http.StatusUnprocessableEntity, graph.CodeBadUserInput, "%s", fault.Message(err))
		}
		if err != nil {
			f = refuseWith(err)
		}
		return answer, f
	}
	return nil, refuse(http.StatusConflict, graph.CodeConflict, "the rights in this application are being changed; try again")
}

func (c *call) attempt(ctx context.Context) (*app.Answer, *refusal, error) {
	op, err := c.g.read(ctx, c.principal, c.application, c.as, c.request.asked())
	if err != nil {
		return nil, nil, err
	}
	defer op.Close()
	c.seen = marked(op)
	e, key, err := c.g.schemas.of(op)
	if err != nil {
		return nil, nil, err
	}
	d, f, err := c.document(op)
	if f != nil || err != nil {
		return nil, f, err
	}
	if c.key != nil {
		if c.key.Content, err = contentOf(d.text, c.request); err != nil {
			return nil, nil, err
		}
	}
	run, mutates, f := c.prepare(op, e, d)
	if f != nil {
		return nil, f, nil
	}
	if c.seen != nil && (mutates || run.Subscribes()) {
		return nil, onlyQueries(), nil
	}
	if run.Subscribes() {
		return nil, refuseOperation(c.media, errNoStream), nil
	}
	if !mutates {
		return c.query(ctx, run, op, key, d), nil, nil
	}
	if c.request.get {
		return nil, refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "GET runs queries only; mutations are sent by POST"), nil
	}
	op.Close()
	answer, err := c.mutate(ctx, run, key)
	return answer, nil, err
}

func (c *call) prepare(op *engine.Op, e *entry, d document) (run *app.Run, mutates bool, f *refusal) {
	doc, errs := c.g.schemas.document(e, d)
	if errs != nil {
		return nil, false, c.unfit(op, d, errs)
	}
	o, err := doc.Operation(c.request.OperationName)
	if err != nil {
		return nil, false, refuseOperation(c.media, err)
	}
	run, err = o.Prepare(c.request.Variables)
	if err != nil {
		return nil, false, refuseOperation(c.media, err)
	}
	c.cost = run.Cost
	if run.Cost > c.g.o.Budget {
		return nil, false, refuseOperation(c.media, graph.Coded(graph.CodeLimitExceeded,
			"the operation could come to %d cells, the limit is %d; ask for smaller pages or fewer fields", run.Cost, c.g.o.Budget))
	}
	return run, o.Mutates(), nil
}

// mutate runs a mutation in a transaction. Its rights are those of the
// transaction: when they have another shape than the one that the document was
// validated for, nothing is done, also where an attempt before has run.
func (c *call) mutate(ctx context.Context, run *app.Run, key schemaKey) (*app.Answer, error) {
	changed := false
	answer, err := run.Mutate(ctx, func(fn func(app.Request) error) error {
		return c.g.o.Engine.Write(ctx, c.principal, c.application, run.Name(), func(op *engine.Op) error {
			if changed = keyOf(op) != key; changed {
				return errRightsChanged
			}
			req, err := c.replaying(op)
			if err != nil {
				return err
			}
			return fn(req)
		})
	})
	if changed && answer != nil {
		answer.Release()
		return nil, errRightsChanged
	}
	return answer, err
}

func requestOf(op *engine.Op) app.Request {
	return app.Request{Viewer: op.View().Viewer(), Op: app.Over(op)}
}
