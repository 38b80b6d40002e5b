package engine

import (
	"context"
	"sync"
	"time"

	"sluice/engine/decided"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

// Spaces of documents that the engine owns: 16 to 31.
const (
	spaceDefinition storage.Space = 16
	spaceModule     storage.Space = 17
	spaceBinding    storage.Space = 18
	spaceCounter    storage.Space = 19
	spaceKey        storage.Space = 20
	spaceJob        storage.Space = 21
	spaceHide       storage.Space = 22
	spaceReport     storage.Space = 25
	spaceExport     storage.Space = 26
	spaceDocument   storage.Space = 29
)

// Options configure an Engine. Store, Directory, Rules and Inspect are
// required.
type Options struct {
	Store     *storage.Store
	Directory *directory.Directory
	// Rules runs the tenants' modules.
	Rules rules.Runner
	// Inspect checks an uploaded module without keeping anything: its manifest
	// and hash, or a fault of kind Invalid or Limit. ctx carries the principal.
	Inspect func(ctx context.Context, module []byte) (*rules.Manifest, rules.Hash, error)
	// Pages says what is wrong with the pages of a definition. Nil checks nothing: a
	// page that does not fit is refused when it is run.
	Pages func(app *definition.Application, shapes Shapes) ([]definition.Fault, []definition.Finding)
	// ApproveExposure refuses a change of rights that newly exposes personal data
	// until another admin approved of it: see ApplyCompared.
	ApproveExposure bool
	// Decided is how many bytes of answers of custom rules are kept for later
	// operations: 0 for decided.Usual, less than 0 for none.
	Decided int64
	// Now is the clock; default time.Now. Decisions never read it.
	Now func() time.Time
	// Events are told what happened; every member may be nil.
	Events Events
}

// Events lets the wiring log and count. The functions must not block.
type Events struct {
	// DefinitionDamaged reports an application whose stored definition could not
	// be loaded: everything of it is denied until it can.
	DefinitionDamaged func(t identity.Tenant, application string, err error)
	// RuleFault reports a verdict that counted against access.
	RuleFault func(t identity.Tenant, application, rule string, kind rules.FaultKind)
	// RuleQuarantined reports that a version of a rule was put in quarantine.
	RuleQuarantined func(t identity.Tenant, application, rule string, why RuleQuarantine)
	// Panicked reports a panic of what runs in the background, and where it came
	// from. Within a request, whoever serves it catches panics.
	Panicked func(ctx context.Context, value any, stack []byte)
}

// Engine is the only door to records. It is safe for concurrent use.
type Engine struct {
	o Options

	mu    sync.Mutex // guards apps, views and keys
	apps  map[appKey]*appEntry
	views map[viewKey]*viewEntry
	keys  map[identity.Tenant]*sealer

	decided *decided.Cache // nil for none

	live        liveHub
	comparisons comparisonRuns
	watches     ruleWatches
	meters      ruleMeters
	shadows     shadowHub

	fewGrants int // see usualFew
	learning  learning

	cached int // entries that each of the three may hold
	search searchLimits
}

// New returns an engine over what o names; it owns none of it.
func New(o Options) (*Engine, error) {
	if o.Store == nil || o.Directory == nil || o.Rules == nil || o.Inspect == nil {
		return nil, fault.New(fault.Internal, "engine.New", "Store, Directory, Rules and Inspect are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{
		decided: newDecided(o.Decided),
		o:       o, apps: map[appKey]*appEntry{}, views: map[viewKey]*viewEntry{}, keys: map[identity.Tenant]*sealer{},
		cached: maxCached, search: usualSearch, fewGrants: usualFew,
	}
	e.learning.own, e.learning.all = usualLearnedOwn, usualLearnedAll
	return e, nil
}

func (e *Engine) faulted(t identity.Tenant, application, rule string, kind rules.FaultKind) {
	if f := e.o.Events.RuleFault; f != nil {
		f(t, application, rule, kind)
	}
}
