package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"sluice/console"
	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/importer"
	"sluice/resolvers"
	"sluice/resolvers/gateway"
	"sluice/rules"
	"sluice/storage"
)

// Options are the parts of a service. Store, Rules and Inspect are required.
type Options struct {
	Store   *storage.Store
	Rules   rules.Runner
	Inspect func(ctx context.Context, module []byte) (*rules.Manifest, rules.Hash, error)
	Log     *slog.Logger // default: discard
	Now     func() time.Time
	// Origins are those of gateway.Origins: none lets no page of another site in.
	Origins []string
	// RegisteredOnly is that of gateway.Options.
	RegisteredOnly bool
	// ApproveExposure is that of engine.Options.
	ApproveExposure bool
	// Decided is that of engine.Options.
	Decided int64
	// Personas are those of a demo; nil otherwise.
	Personas func() []console.Persona
}

// Service is a server without its listener. It is safe for concurrent use.
type Service struct {
	Engine    *engine.Engine
	Directory *directory.Directory

	store   *storage.Store
	log     *slog.Logger
	setup   *setup
	apps    *gateway.Gateway
	handler http.Handler
	traffic *traffic
	began   time.Time
}

// New puts a service together over parts that the caller owns and closes.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Rules == nil || o.Inspect == nil {
		return nil, fault.New(fault.Internal, "httpd.New", "Store, Rules and Inspect are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{store: o.Store, log: o.Log, Directory: directory.New(o.Store, &directory.Options{Now: o.Now}), traffic: newTraffic(time.Now), began: time.Now()}
	var err error
	s.Engine, err = engine.New(engine.Options{
		Store: o.Store, Directory: s.Directory, Rules: o.Rules, Inspect: o.Inspect, Now: o.Now, Pages: gateway.CheckPages,
		ApproveExposure: o.ApproveExposure, Decided: o.Decided,
		Events: engine.Events{
			DefinitionDamaged: s.definitionDamaged, RuleFault: newFaultLog(o.Log, o.Now).report, RuleQuarantined: s.quarantined, Panicked: s.panicked,
		},
	})
	if err != nil {
		return nil, err
	}
	if s.setup, err = newSetup(o.Store, s.Directory); err != nil {
		return nil, err
	}
	return s, s.route(o)
}

func (s *Service) route(o Options) error {
	events := gateway.Events{Failed: s.failed, Panicked: s.panicked, ViewedAs: s.viewedAs}
	apps, err := gateway.New(gateway.Options{Engine: s.Engine, Directory: s.Directory, Events: events, RegisteredOnly: o.RegisteredOnly})
	s.apps = apps
	if err != nil {
		return err
	}
	management, err := gateway.NewManagement(gateway.ManagementOptions{
		Resolver: resolvers.New(s.Directory, s.Engine), Definitions: s.Engine, Directory: s.Directory, Events: events,
	})
	if err != nil {
		return err
	}
	imports, err := gateway.NewImports(gateway.ImportOptions{
		Importer: importer.New(s.Engine), Engine: s.Engine, Directory: s.Directory, Events: events,
	})
	if err != nil {
		return err
	}
	exports, err := gateway.NewExports(gateway.ExportOptions{Engine: s.Engine, Directory: s.Directory, Events: events})
	if err != nil {
		return err
	}
	reviews, err := gateway.NewReviews(gateway.ReviewOptions{Reviewer: s.Engine, Directory: s.Directory, Events: events})
	if err != nil {
		return err
	}
	differences, err := gateway.NewDifferenceRows(gateway.DifferenceOptions{Rows: s.Engine, Directory: s.Directory, Events: events})
	if err != nil {
		return err
	}
	files, err := gateway.NewFiles(gateway.FileOptions{Engine: s.Engine, Directory: s.Directory, Events: events})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	packed := gateway.Compress(apps)
	mux.Handle("/apps/{application}/graphql", packed)
	mux.Handle("/apps/{application}/pages", packed)
	mux.Handle("/apps/{application}/pages/", packed)
	mux.Handle("/apps/{application}/schema.graphql", packed)
	mux.Handle("/apps/{application}/schema.json", packed)
	mux.Handle("/apps/{application}/documents", packed)
	mux.Handle("/apps/{application}/documents/", packed)
	mux.Handle("/apps/{application}/export/{form}", exports)
	mux.Handle("/apps/{application}/access-review.csv", reviews)
	mux.Handle("/apps/{application}/access-review.json", reviews)
	mux.Handle("/apps/{application}/access-differences/", differences)
	mux.Handle("/apps/{application}/files/", files)
	mux.Handle("/apps/{application}/imports", imports)
	mux.Handle("/apps/{application}/imports/", imports)
	mux.Handle("/", management)
	mux.Handle(console.Path, console.Handler(console.Options{Personas: o.Personas}))
	mux.Handle("GET /{$}", http.RedirectHandler(console.Path, http.StatusFound))
	mux.Handle("POST /setup", gateway.Protect(http.HandlerFunc(s.setup.serve), events))
	mux.HandleFunc("GET /healthz", plain("ok"))
	mux.HandleFunc("GET /readyz", s.ready)
	s.handler, err = gateway.Origins(s.traffic.counted(mux), o.Origins)
	return err
}

// ServeHTTP serves one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Drain ends subscriptions and closes their connections, and ends comparisons that
// run and modules that run beside others, as the server stops; it returns when they are closed, or with ctx.
func (s *Service) Drain(ctx context.Context) {
	s.apps.Drain(ctx)
	s.Engine.StopComparisons(ctx)
	s.Engine.StopShadows(ctx)
}

// SetupCode returns the code that sets up the first organization, empty when
// there is one.
func (s *Service) SetupCode() string { return s.setup.pending() }

func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(text + "\n"))
	}
}

// ready answers only while storage can be read.
func (s *Service) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.store.Readable(); err != nil {
		s.log.ErrorContext(r.Context(), "not ready", "error", err)
		http.Error(w, "storage cannot be read", http.StatusServiceUnavailable)
		return
	}
	plain("ready")(w, r)
}

func (s *Service) failed(ctx context.Context, application string, err error) {
	s.traffic.failure(&s.traffic.failed)
	s.log.ErrorContext(ctx, "operation failed", "application", application, "error", err)
}

func (s *Service) panicked(ctx context.Context, value any, stack []byte) {
	s.traffic.failure(&s.traffic.panics)
	s.log.ErrorContext(ctx, "panic", "value", value, "stack", string(stack))
}

func (s *Service) viewedAs(ctx context.Context, v gateway.Sight) {
	s.log.InfoContext(ctx, "view as", "application", v.Application, "asker", v.Asker, "target", v.Target, "operation", v.Operation)
}

func (s *Service) quarantined(t identity.Tenant, application, rule string, why engine.RuleQuarantine) {
	s.log.Warn("rule quarantined", "tenant", t, "application", application, "rule", rule, "records", why.Records, "adders", why.Adders, "impure", why.Impure)
}

func (s *Service) definitionDamaged(t identity.Tenant, application string, err error) {
	s.log.Error("definition cannot be loaded, access denied", "tenant", t, "application", application, "error", err)
}
