package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/internal/words"
	"sluice/rules"
	"sluice/storage"
)

// maxCached bounds each cache of an engine: compiled applications, views and
// cursor keys. A full cache is emptied, which costs time and never an answer.
const maxCached = 4096

// keep puts an entry into a cache of the engine, whose mutex the caller holds.
func keep[K comparable, V any](e *Engine, cache map[K]V, key K, v V) {
	if len(cache) >= e.cached {
		clear(cache)
	}
	if e.cached > 0 {
		cache[key] = v
	}
}

type appKey struct {
	tenant identity.Tenant
	name   string
}

type appEntry struct {
	epoch uint64
	app   *application
}

type viewKey struct {
	tenant      identity.Tenant
	application string
	user        record.ID
	credential  identity.Credential
}

type viewEntry struct {
	epoch uint64
	view  *policy.View
}

// pointer says which versions of a definition are in use. A preparing version's
// indexes are written and not yet read.
type pointer struct {
	Active    uint64 `json:"active"`
	Preparing uint64 `json:"preparing,omitempty"`
	// Last is the highest version ever stored, Floors per form the lowest index
	// number that no abandoned version used.
	Last   uint64            `json:"last,omitempty"`
	Floors map[uint32]uint32 `json:"floors,omitempty"`
	// Held is the epoch at which a preparing version that was compared may be
	// activated, zero for one that was not; Approved says that another admin
	// approved of what it exposes.
	Held     uint64 `json:"held,omitempty"`
	Approved bool   `json:"approved,omitempty"`
}

func pointerKey(name string) string { return "p/" + name }

func versionKey(name string, v uint64) string { return fmt.Sprintf("v/%s/%08d", name, v) }

// application is an active definition, compiled, with the forms as storage
// wants them, the modules that fill its custom rules, and what admins hide.
type application struct {
	def       *definition.Application
	preparing uint64
	policy    *policy.Policy
	forms     map[uint32]*form
	bindings  map[*definition.CustomRule]*binding
	hides     []*hide
	// shadows are modules that run beside those that decide; no decision reads them.
	shadows map[*definition.CustomRule]*shadow
	// lost are rules of an earlier state whose module cannot be run any more; nil
	// for the state of now.
	lost map[*definition.CustomRule]bool
}

// form is one form with its indexes by use.
type form struct {
	def       *definition.Form
	store     *storage.Form
	fields    map[uint32]*record.Field
	byOwner   *storage.Index
	byField   map[uint32]*storage.Index // [F]
	ownerThen map[uint32]*storage.Index // [owner, F]
	words     map[uint32]*storage.Index // the words of F
	parent    *record.Field             // nil for none
	// soon are the fields that a preparing version requires; frozen forms take no
	// new record until it is settled, as it names owners in another way.
	soon   []*definition.Field
	frozen bool
}

func (f *form) field(number uint32) (*record.Field, bool) {
	p, ok := f.fields[number]
	return p, ok
}

func readPointer(r storage.Reader, name string) (pointer, bool, error) {
	b, ok, err := r.Doc(spaceDefinition, pointerKey(name))
	if err != nil || !ok {
		return pointer{}, false, err
	}
	var p pointer
	if err := json.Unmarshal(b, &p); err != nil || p.Active == 0 {
		return pointer{}, false, fault.Wrap(fault.Unavailable, "engine.load", err, "the definition of application %s is damaged; access to it is denied", name)
	}
	return p, true, nil
}

func readDefinition(r storage.Reader, name string, version uint64) (*definition.Application, error) {
	b, ok, err := readParts(r, versionKey(name, version))
	if err == nil && !ok {
		err = fmt.Errorf("version %d is missing", version)
	}
	var def *definition.Application
	if err == nil {
		def, err = definition.Unmarshal(b)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "engine.load", err, "the definition of application %s is damaged; access to it is denied", name)
	}
	return def, nil
}

// load returns the application at the reader's epoch, false when there is none
// of that name. A definition that cannot be loaded whole denies everything.
func (e *Engine) load(r storage.Reader, epoch uint64, name string) (*application, bool, error) {
	key := appKey{r.Tenant(), name}
	e.mu.Lock()
	hit := e.apps[key]
	e.mu.Unlock()
	if hit != nil && hit.epoch == epoch {
		return hit.app, true, nil
	}
	app, ok, err := e.compile(r, name, hit)
	if err != nil {
		if f := e.o.Events.DefinitionDamaged; f != nil {
			f(r.Tenant(), name, err)
		}
		return nil, false, err
	}
	if !ok {
		return nil, false, nil
	}
	e.mu.Lock()
	keep(e, e.apps, key, &appEntry{epoch, app})
	e.mu.Unlock()
	return app, true, nil
}

func (e *Engine) compile(r storage.Reader, name string, old *appEntry) (*application, bool, error) {
	p, ok, err := readPointer(r, name)
	if err != nil || !ok {
		return nil, false, err
	}
	app := &application{preparing: p.Preparing}
	if old != nil && old.app.def.Version == p.Active {
		app.def, app.policy = old.app.def, old.app.policy
	} else {
		if app.def, err = readDefinition(r, name, p.Active); err != nil {
			return nil, false, err
		}
		if app.policy, err = policy.Compile(app.def); err != nil {
			return nil, false, fault.Wrap(fault.Unavailable, "engine.load", err, "the definition of application %s does not compile; access to it is denied", name)
		}
	}
	var next *definition.Application
	if p.Preparing != 0 {
		if next, err = readDefinition(r, name, p.Preparing); err != nil {
			return nil, false, err
		}
	}
	app.forms = makeForms(app.def, next)
	if next != nil {
		for _, w := range workOf(app.def, next) {
			f := app.forms[w.form.Number]
			f.soon, f.frozen = w.required, w.empty
		}
	}
	if app.bindings, err = e.readBindings(r, app); err != nil {
		return nil, false, err
	}
	if app.shadows, err = readShadows(r, app); err != nil {
		return nil, false, err
	}
	app.hides, err = readHides(r, app)
	return app, err == nil, err
}

// makeForms builds the storage side of every form; indexes that only next has
// are building.
func makeForms(def, next *definition.Application) map[uint32]*form {
	forms := make(map[uint32]*form, len(def.Forms))
	for _, d := range def.Forms {
		f := &form{
			def: d, fields: map[uint32]*record.Field{},
			byField: map[uint32]*storage.Index{}, ownerThen: map[uint32]*storage.Index{}, words: map[uint32]*storage.Index{},
		}
		for i := range record.System {
			f.fields[record.System[i].Number] = &record.System[i]
		}
		for _, fd := range d.Fields {
			f.fields[fd.Number] = &fd.Field
		}
		if d.ParentField != 0 {
			f.parent = f.fields[d.ParentField]
		}
		f.store = storageForm(d, next)
		for _, ix := range f.store.Indexes {
			f.use(ix)
		}
		forms[d.Number] = f
	}
	return forms
}

// storageForm lists the indexes of d, and as building those that the same form
// of next adds.
func storageForm(d *definition.Form, next *definition.Application) *storage.Form {
	s := &storage.Form{Number: d.Number}
	have := map[uint32]bool{}
	add := func(from *definition.Form, building bool) {
		for _, row := range from.Indexes {
			if have[row.Number] {
				continue
			}
			have[row.Number] = true
			if ix := storageIndex(from, row, building); ix != nil {
				s.Indexes = append(s.Indexes, ix)
			}
		}
	}
	add(d, false)
	if next != nil {
		if n, ok := next.FormNumber(d.Number); ok {
			add(n, true)
		}
	}
	return s
}

// storageIndex is a row as storage wants it. One over words that this program cuts
// in another way is nil: it is not written and not read, and the next version of
// the definition has another row in its place.
func storageIndex(f *definition.Form, row definition.Index, building bool) *storage.Index {
	if row.Words != 0 && row.Words != words.Version {
		return nil
	}
	ix := &storage.Index{Number: row.Number, Unique: row.Unique, Words: row.Words != 0, Building: building}
	for _, part := range row.Parts {
		if pf, ok := f.FieldNumber(part); ok {
			ix.Parts = append(ix.Parts, pf.Field)
		}
	}
	return ix
}

func (f *form) use(ix *storage.Index) {
	if ix.Unique || ix.Building {
		return
	}
	switch {
	case ix.Words:
		f.words[ix.Parts[0].Number] = ix
	case len(ix.Parts) == 1 && ix.Parts[0].Number == record.FieldOwner:
		f.byOwner = ix
	case len(ix.Parts) == 1:
		f.byField[ix.Parts[0].Number] = ix
	case len(ix.Parts) == 2 && ix.Parts[0].Number == record.FieldOwner:
		f.ownerThen[ix.Parts[1].Number] = ix
	}
}

// binding is the module that fills a custom rule, its columns resolved to
// fields and attributes.
type binding struct {
	hash     rules.Hash
	manifest *rules.Manifest
	columns  []*record.Field
	mask     []uint32 // field numbers, in the manifest's order
	plans    bool     // it may have a plan
	// quarantined says that the module is not asked: every answer is a fault.
	quarantined bool
	// or may answer as well, nil for none: see testFallbacks.
	or *binding
}

// bindingState is what is stored of the modules of a rule, by their hashes.
type bindingState struct {
	// Module decides while Active, and decided last or never while not.
	Module string `json:"module"`
	Active bool   `json:"active"`
	// Next was bound and decides nothing: activation puts it in the place of Module.
	// Empty for none.
	Next string `json:"next,omitempty"`
	// Previous decided before Module did; empty for none.
	Previous string `json:"previous,omitempty"`
	// Fallback decides while Module is in quarantine; empty for none. It is never Module
	// itself, and never of a SHARE.
	Fallback string `json:"fallback,omitempty"`
	// Quarantined are the modules in quarantine, bound or not. It is never changed in
	// place.
	Quarantined []quarantineDoc `json:"quarantined,omitempty"`
}

// deciding is the module that decides, empty for none.
func (s bindingState) deciding() string {
	if !s.Active {
		return ""
	}
	return s.Module
}

// candidate is the module that activation lets decide, empty for none.
func (s bindingState) candidate() string { return cmp.Or(s.Next, s.Module) }

// filling is the module that fills the rule: the deciding one, and of a rule that is
// off the one that would decide.
func (s bindingState) filling() string { return cmp.Or(s.deciding(), s.candidate()) }

// waiting is the module that was bound beside a deciding one, empty for none.
func (s bindingState) waiting() string {
	if !s.Active {
		return ""
	}
	return s.Next
}

// bind makes a module the one that activation lets decide.
func (s *bindingState) bind(module string) {
	if s.Next = module; module == s.Module {
		s.Next = ""
	}
}

// swap lets a module decide, in place of whichever did.
func (s *bindingState) swap(module string) {
	if s.Module != module {
		s.Module, s.Previous = module, s.Module
	}
	if s.Active = true; s.Next == module {
		s.Next = ""
	}
	if s.Fallback == module {
		s.Fallback = ""
	}
}

func bindingKey(application, rule string) string { return application + "/" + rule }

func readBinding(r storage.Reader, application, rule string) (bindingState, error) {
	var s bindingState
	b, ok, err := r.Doc(spaceBinding, bindingKey(application, rule))
	if err != nil || !ok {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fault.Wrap(fault.Unavailable, "engine.load", err, "the binding of rule %s is damaged; access is denied", rule)
	}
	return s, nil
}

// readBindings resolves the active modules. A rule whose module is missing or
// does not fit the definition has no binding: it denies (H4).
func (e *Engine) readBindings(r storage.Reader, app *application) (map[*definition.CustomRule]*binding, error) {
	out := map[*definition.CustomRule]*binding{}
	for _, rule := range app.def.Custom {
		s, err := readBinding(r, app.def.Name, rule.Name)
		if err != nil {
			return nil, err
		}
		if s.asked() == "" {
			continue
		}
		m, err := readModule(r, app.def.Name, s.asked())
		if err != nil {
			return nil, err
		}
		if m == nil || fits(m.manifest, rule, app.def) != nil {
			continue
		}
		out[rule] = newBinding(app, rule, m, s.denies())
	}
	return out, nil
}

// newBinding resolves the columns of a module that fits the rule.
func newBinding(app *application, rule *definition.CustomRule, m *storedModule, quarantined bool) *binding {
	b := &binding{hash: m.hash, manifest: m.manifest, plans: rules.MayPlan(m.bytes), quarantined: quarantined}
	form, _ := app.def.Form(rule.Form)
	for _, c := range m.manifest.Record {
		field, _ := form.Field(c.Name)
		b.columns = append(b.columns, app.forms[form.Number].fields[field.Number])
	}
	for _, name := range m.manifest.Mask {
		field, _ := form.Field(name)
		b.mask = append(b.mask, field.Number)
	}
	return b
}

// fits reports why a module's manifest does not fit a rule of a definition.
func fits(m *rules.Manifest, rule *definition.CustomRule, def *definition.Application) error {
	const op = "engine.fits"
	if m.Form != rule.Form {
		return fault.New(fault.Invalid, op, "module: is for form %s, rule %s is for form %s", m.Form, rule.Name, rule.Form)
	}
	if !strings.EqualFold(effectName(rule.Effect), rulesEffectName(m.Effect)) {
		return fault.New(fault.Invalid, op, "module: has effect %s, rule %s has %s", rulesEffectName(m.Effect), rule.Name, effectName(rule.Effect))
	}
	if !permits(rule, m) {
		return fault.New(fault.Invalid, op, "module: its profile is %s, rule %s has %s: write profile: %s at the rule in the definition and apply it", m.Profile, rule.Name, rule.Profile, profileWord(m.Profile))
	}
	form, ok := def.Form(rule.Form)
	if !ok {
		return fault.New(fault.Invalid, op, "rule %s: form %s does not exist", rule.Name, rule.Form)
	}
	for _, c := range m.Record {
		f, ok := form.Field(c.Name)
		switch {
		case !ok:
			return fault.New(fault.Invalid, op, "module: record field %s (%s, scale %d) is not a field of form %s, which has %s", c.Name, c.Type, c.Scale, rule.Form, fieldNames(form))
		case f.Type != c.Type:
			return fault.New(fault.Invalid, op, "module: record field %s is of type %s in form %s, not %s", c.Name, f.Type, rule.Form, c.Type)
		case f.Scale != c.Scale:
			return fault.New(fault.Invalid, op, "module: record field %s has scale %d in form %s, not %d", c.Name, f.Scale, rule.Form, c.Scale)
		}
	}
	for _, c := range m.Viewer {
		if err := fitsAttribute(def, c); err != nil {
			return err
		}
	}
	caps := map[string]bool{}
	for _, name := range rule.Fields {
		caps[name] = true
	}
	for _, name := range m.Mask {
		if !caps[name] {
			return fault.New(fault.Invalid, op, "module: masks field %s, which rule %s does not let it hide: it lets it hide %s", name, rule.Name, someOf(rule.Fields))
		}
	}
	return nil
}

// fitsAttribute reports why a column of the viewer is not among the attributes that an
// application declares.
func fitsAttribute(def *definition.Application, c rules.Column) error {
	const op = "engine.fits"
	for i := range def.Attributes {
		a := &def.Attributes[i]
		switch {
		case a.Name != c.Name:
		case a.Type != c.Type:
			return fault.New(fault.Invalid, op, "module: viewer attribute %s is declared with type %s, not %s", c.Name, a.Type, c.Type)
		case a.Scale != c.Scale:
			return fault.New(fault.Invalid, op, "module: viewer attribute %s is declared with scale %d, not %d", c.Name, a.Scale, c.Scale)
		default:
			return nil
		}
	}
	return fault.New(fault.Invalid, op, "module: viewer attribute %s (%s) is not declared by the application, which has %s under viewerAttributes", c.Name, c.Type, attributeNames(def))
}

func effectName(e definition.Effect) string {
	return [...]string{"none", "SHARE", "RESTRICT", "MASK"}[min(int(e), 3)]
}

func rulesEffectName(e rules.Effect) string {
	return [...]string{"none", "SHARE", "RESTRICT", "MASK"}[min(int(e), 3)]
}
