package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
	"sluice/storage/memstore"
)

// stage holds one random world as the engine stores it, without the directory:
// people are given to policy as they are.
type stage struct {
	tb     testing.TB
	w      *world.World
	stored *storage.Store
	e      *Engine
	double *ruletest.Double
	tenant storage.Tenant
	app    *application
	past   *past // what was before, nil for nothing
}

type truePeople struct{ w *world.World }

func (p truePeople) RoleOf(id record.ID) string {
	if u := p.w.User(id); u != nil && u.Kind == identity.Live {
		return u.Role
	}
	return ""
}

func (p truePeople) Members(role string) []record.ID {
	var out []record.ID
	for _, u := range p.w.Users {
		if u.Kind == identity.Live && u.Role == role {
			out = append(out, u.ID)
		}
	}
	slices.SortFunc(out, compareIDs)
	return out
}

// someTenant is the tenant of every stage: cursors are bound to it.
var someTenant = identity.Tenant{1, 2, 3, 4, 5, 6, 7, 8}

// newStage stores a world in memory. The caller closes it.
func newStage(tb testing.TB, w *world.World) *stage {
	tb.Helper()
	return newStageOn(tb, w, memstore.Open(), someTenant)
}

// newStageUnstored leaves storing to the caller.
func newStageUnstored(tb testing.TB, w *world.World) *stage {
	tb.Helper()
	return stageOver(tb, w, memstore.Open(), someTenant)
}

// newStageOn stores a world. Equal keys make cursors of two stages comparable.
func newStageOn(tb testing.TB, w *world.World, store *storage.Store, tenant identity.Tenant) *stage {
	tb.Helper()
	s := stageOver(tb, w, store, tenant)
	s.store()
	return s
}

// stageOver is a new engine over records that are stored already.
func stageOver(tb testing.TB, w *world.World, store *storage.Store, tenant identity.Tenant) *stage {
	tb.Helper()
	double := ruletest.NewDouble()
	e, err := New(Options{
		Store: store, Directory: directory.New(store, &directory.Options{HashMemory: 64}), Rules: double,
		Inspect: func(context.Context, []byte) (*rules.Manifest, rules.Hash, error) { return nil, rules.Hash{}, nil },
	})
	must(tb, err)
	if w.Seed%2 == 1 {
		e.fewGrants = 1 // other plans than those of few records
	}
	s := &stage{tb: tb, w: w, stored: store, e: e, double: double, tenant: store.Tenant(tenant)}
	guardUnique(w.App)
	p, err := policy.Compile(w.App)
	if err != nil {
		tb.Fatalf("seed %d: %v", w.Seed, err)
	}
	s.app = &application{def: w.App, policy: p, forms: makeForms(w.App, nil), bindings: map[*definition.CustomRule]*binding{}}
	for _, rule := range w.App.Custom {
		s.bind(rule)
	}
	for _, h := range w.Hides {
		s.app.hides = append(s.app.hides, s.hide(h))
	}
	key, err := newSealer(make([]byte, 64))
	must(tb, err)
	e.keys[tenant] = key
	return s
}

// guardUnique gives every unique field of a generated application its row.
func guardUnique(app *definition.Application) {
	for _, f := range app.Forms {
		for _, fd := range f.Fields {
			row := definition.Index{Number: f.NextIndex, Parts: []uint32{fd.Number}, Unique: true}
			if fd.Unique && !slices.ContainsFunc(f.Indexes, func(ix definition.Index) bool { return ix.Unique && ix.Parts[0] == fd.Number }) {
				f.Indexes = append(f.Indexes, row)
				f.NextIndex++
			}
		}
	}
}

func (s *stage) close() { must(s.tb, s.stored.Close()) }

func (s *stage) bind(rule *definition.CustomRule) { s.bindAs(rule, rule.Name) }

// bindAs fills a rule with what the world says of it, as a module of some name.
func (s *stage) bindAs(rule *definition.CustomRule, name string) {
	m, ok := world.Manifest(s.w, rule.Name)
	if !ok {
		return
	}
	module, hash := s.double.Register(name, &m, world.Truth(s.w, rule.Name))
	s.double.SetPlan(hash, ruletest.PlanFunc(world.Plan(s.w, rule.Name)))
	_, err := s.double.Load(context.Background(), s.tenant.ID(), module)
	must(s.tb, err)
	b := &binding{hash: hash, manifest: &m}
	form, _ := s.w.App.Form(rule.Form)
	for _, c := range m.Record {
		f, _ := form.Field(c.Name)
		b.columns = append(b.columns, s.app.forms[form.Number].fields[f.Number])
	}
	for _, name := range m.Mask {
		f, _ := form.Field(name)
		b.mask = append(b.mask, f.Number)
	}
	s.app.bindings[rule] = b
}

// hide is a hide as it is read from storage.
func (s *stage) hide(h *oracle.Hide) *hide {
	def, _ := s.w.App.Form(h.Form)
	f := s.app.forms[def.Number]
	written, faults := newHide(f, h.Admin, h.Where)
	if len(faults) > 0 {
		s.tb.Fatalf("seed %d: hide of %s: %v", s.w.Seed, h.Form, faults)
	}
	b, err := json.Marshal(written.doc)
	must(s.tb, err)
	return readHide(f, h.Admin, b)
}

// hides is what the directory would make of them.
func (s *stage) hides() (out []policy.Hide) {
	for _, h := range s.app.hides {
		by := s.w.User(h.owner)
		out = append(out, policy.Hide{
			Form: h.form.def.Number, Owner: h.owner, Criteria: h.criteria,
			Lapsed: by == nil || by.Inactive || !by.Kind.Administers(),
		})
	}
	return out
}

func (s *stage) store() {
	for _, f := range s.w.App.Forms {
		form := s.app.forms[f.Number].store
		for rows := range slices.Chunk(s.w.Records[f.Name], 100) {
			s.update(func(txn *storage.Txn) error {
				for _, r := range rows {
					if err := txn.Insert(form, encode(f, s.first(f, r))); err != nil {
						return err
					}
				}
				return nil
			})
			if s.past != nil {
				s.update(func(txn *storage.Txn) error { return s.changed(txn, f, rows) })
			}
		}
	}
}

// first is the state in which a record is added.
func (s *stage) first(f *definition.Form, r *oracle.Record) *oracle.Record {
	if s.past != nil {
		if old := s.past.before(s, f, r); old != nil {
			return old
		}
	}
	return r
}

// changed brings records that were added in another state to the one they have.
func (s *stage) changed(txn *storage.Txn, f *definition.Form, rows []*oracle.Record) error {
	form := s.app.forms[f.Number].store
	for _, r := range rows {
		if s.first(f, r) == r {
			continue
		}
		old, _, err := txn.Record(form, r.ID)
		if err == nil {
			err = txn.Update(form, old, encode(f, r))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func encode(f *definition.Form, r *oracle.Record) record.Record {
	h := record.Header{
		Version: r.Version, AddedTime: r.AddedTime, ModifiedTime: r.ModifiedTime,
		Owner: r.Owner, AddedBy: r.AddedBy, ModifiedBy: r.ModifiedBy,
	}
	cells := map[uint32]record.Value{}
	for _, fd := range f.Fields {
		cells[fd.Number] = r.Cells[fd.Name]
	}
	return record.Encode(r.ID, h, record.Record{}, cells)
}

// viewerOf is what the directory would say of the user.
func viewerOf(w *world.World, u *oracle.User, tenant identity.Tenant) identity.Viewer {
	v := identity.Viewer{
		Tenant: tenant, User: u.ID, Kind: u.Kind, Application: w.App.Name,
		Role: u.Role, PermissionSet: u.Set, Credential: u.Credential, Attributes: u.Attributes,
	}
	if u.Inactive {
		v.Kind = identity.Nobody
	}
	return v
}

// op opens an operation of the user on a fresh snapshot.
func (s *stage) op(u *oracle.User) *Op {
	snap, err := s.tenant.Snapshot()
	must(s.tb, err)
	return s.opOn(u, snap, snap)
}

func (s *stage) opOn(u *oracle.User, r storage.Reader, snap *storage.Snapshot) *Op {
	op := &Op{
		e: s.e, ctx: context.Background(), r: r, snapshot: snap, app: s.app,
		principal: identity.Principal{Tenant: s.tenant.ID(), User: u.ID, Credential: u.Credential},
		view:      s.app.policy.View(viewerOf(s.w, u, s.tenant.ID()), truePeople{s.w}, s.hides()),
		fuel:      rules.Fuel{Left: rules.QueryFuel},
		outcomes:  map[outcomeKey]policy.Outcome{}, seen: map[recordKey]seenRecord{},
	}
	if u.Asker != nil {
		op.asker = s.opOn(u.Asker, r, nil)
		op.view = op.view.Within(op.asker.view)
	}
	return op
}

// refill makes room for what a proof asks of an operation, which is more than any
// viewer asks of theirs: in large worlds the limits of one would be met.
func refill(op *Op) {
	const operations = 1 << 10
	op.fuel.Left, op.related = operations*rules.QueryFuel, -operations*MaxRelated
	if op.asker != nil {
		refill(op.asker)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// parse gives the engine's filter for a generated where.
func (s *stage) parse(op *Op, form *definition.Form, where map[string]any) filter.Expr {
	if where == nil {
		return nil
	}
	e, faults := filter.Parse(where, op.Scope(form.Number), filter.Options{MaxNodes: 10_000})
	if len(faults) > 0 {
		s.tb.Fatalf("seed %d: filter on %s: %v in %v", s.w.Seed, form.Name, faults, where)
	}
	return e
}

// orders translates a generated order, without keys that end in lookups
// and keys that have no order; the id ends it in ascending order.
func (s *stage) orders(f *definition.Form, keys []oracle.Order) ([]Order, []oracle.Order) {
	var ours []Order
	var theirs []oracle.Order
	for _, k := range keys {
		key, ok := s.order(f, k)
		if !ok {
			continue
		}
		ours = append(ours, key)
		theirs = append(theirs, k)
	}
	desc := len(theirs) > 0 && theirs[len(theirs)-1].Desc
	return ours, append(theirs, oracle.Order{Field: "id", Desc: desc})
}

func (s *stage) order(f *definition.Form, k oracle.Order) (Order, bool) {
	out := Order{Desc: k.Desc, NullsFirst: k.NullsFirst}
	path := strings.Split(k.Field, ".")
	for i, name := range path {
		fd, ok := f.Field(name)
		switch {
		case !ok:
			return out, false
		case i == len(path)-1:
			out.Field = fd.Field
			return out, fd.Orderable() && (i > 0 || fd.Number != record.FieldID)
		}
		out.Path = append(out.Path, fd.Field)
		f = s.w.FormNumber(fd.Target)
	}
	return out, false
}

func newMemory(tb testing.TB) *storage.Store {
	store := memstore.Open()
	tb.Cleanup(func() { must(tb, store.Close()) })
	return store
}
