package engine

import (
	"context"
	"os"
	"slices"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
	"sluice/storage/memstore"
)

// house is one organization with an application, its people and its modules,
// all of it reached through the engine as a server does.
type house struct {
	t      testing.TB
	e      *Engine
	d      *directory.Directory
	tenant identity.Tenant
	id     map[string]record.ID
	as     map[string]identity.Principal
	double *ruletest.Double
	def    *definition.Application
}

// staff are the people of the house: who has a role and a set.
var staff = []struct{ name, role, set string }{
	{"chief", "CEO", "Sales"}, {"manager", "Manager", "Sales"}, {"rep", "Rep", "Sales"}, {"rep2", "Rep", "Sales"},
	{"clerk", "Clerk", "Sales"}, {"mia", "Clerk", "Sales"}, {"rex", "Manager", "Sales"}, {"gil", "Clerk", "Sales"},
	{"viewer", "Manager", "Look"}, {"all", "Clerk", "All"}, {"half", "Clerk", "Half"},
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOn(t, memstore.Open())
}

// newHouseOn is newHouse on a store, which it closes.
func newHouseOn(t testing.TB, store *storage.Store) *house {
	t.Helper()
	t.Cleanup(func() { must(t, store.Close()) })
	h := &house{t: t, double: ruletest.NewDouble(), id: map[string]record.ID{}, as: map[string]identity.Principal{}}
	h.d = directory.New(store, &directory.Options{HashMemory: 64})
	var err error
	h.e, err = New(Options{Store: store, Directory: h.d, Rules: h.double,
		Inspect: func(_ context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
			m, err := rules.ReadManifest(module)
			return m, rules.HashOf(module), err
		}})
	must(t, err)
	h.tenant, h.id["super"], err = h.d.CreateOrganization(t.Context(), "zylker", directory.NewUser{Email: "super@x.io", DisplayName: "Super", Password: password})
	must(t, err)
	h.as["super"] = signIn(t, h.d, h.tenant, h.id["super"], identity.Session)
	for _, name := range []string{"admin", "dev", "nobody"} {
		h.hire(name, name == "admin")
	}
	for _, s := range staff {
		h.hire(s.name, false)
	}
	h.apply("testdata/house.yaml")
	must(t, h.d.Assign(t.Context(), h.as["admin"], directory.Assignment{User: h.id["dev"], Application: "crm", Kind: identity.Developer, Tools: identity.AllTools}, nil))
	for _, s := range staff {
		h.place(s.name, s.role, s.set)
	}
	return h
}

func (h *house) hire(name string, admin bool) {
	h.t.Helper()
	id, err := h.d.AddUser(h.t.Context(), h.as["super"], directory.NewUser{Email: name + "@x.io", DisplayName: name, Password: password, Admin: admin})
	must(h.t, err)
	h.id[name] = id
	h.as[name] = signIn(h.t, h.d, h.tenant, id, identity.Session)
}

func (h *house) place(name, role, set string) {
	h.t.Helper()
	a := directory.Assignment{User: h.id[name], Application: "crm", Kind: identity.Live, Role: role, PermissionSet: set}
	must(h.t, h.d.Assign(h.t.Context(), h.as["admin"], a, nil))
}

func (h *house) apply(path string) {
	h.t.Helper()
	source, err := os.ReadFile(path)
	must(h.t, err)
	out, err := h.e.Apply(h.t.Context(), h.as["admin"], source, false)
	must(h.t, err)
	if len(out.Faults) > 0 {
		h.t.Fatal(out.Faults)
	}
	h.def = out.Application
}

// fill binds a function to a custom rule and switches it on.
func (h *house) fill(rule string, m rules.Manifest, f ruletest.Func) {
	h.t.Helper()
	m.ABI, m.Form = 1, "Deal"
	module, _ := h.double.Register(rule, &m, f)
	h.e.decided = newDecided(0) // the same module may stand for another function now
	up, err := h.e.UploadModule(h.t.Context(), h.as["admin"], "crm", rule, module)
	must(h.t, err)
	_, err = h.e.BindModule(h.t.Context(), h.as["admin"], "crm", rule, up.Hash)
	must(h.t, err)
	_, err = h.e.ActivateRule(h.t.Context(), h.as["admin"], "crm", rule)
	must(h.t, err)
}

// cover masks amount and badge of deals whose stage is not open, and never the
// stage.
func (h *house) cover() {
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: []rules.Column{{Name: "stage", Type: record.Text}}}
	h.fill("cover", m, func(_, row []record.Value) rules.Verdict {
		if string(row[0].Text()) == "open" {
			return rules.Verdict{Visible: 7}
		}
		return rules.Verdict{Visible: 2}
	})
}

type cell = map[string]any

func (h *house) form(name string) *definition.Form {
	f, ok := h.def.Form(name)
	if !ok {
		h.t.Fatalf("no form %s", name)
	}
	return f
}

func (h *house) field(form, name string) *record.Field {
	fd, ok := h.form(form).Field(name)
	if !ok {
		h.t.Fatalf("no field %s.%s", form, name)
	}
	return &fd.Field
}

func (h *house) input(form string, c cell) map[uint32]record.Value {
	h.t.Helper()
	out := map[uint32]record.Value{}
	for name, v := range c {
		f := h.field(form, name)
		switch x := v.(type) {
		case nil:
			out[f.Number] = record.Value{}
		case record.ID:
			out[f.Number] = record.Ref(x)
		default:
			val, err := record.ParseValue(f, v)
			must(h.t, err)
			out[f.Number] = val
		}
	}
	return out
}

func (h *house) write(who string, fn func(*Op) error) error {
	return h.e.Write(h.t.Context(), h.as[who], "crm", "test", fn)
}

func (h *house) create(who, form string, c cell) (id record.ID, err error) {
	h.t.Helper()
	in := h.input(form, c)
	err = h.write(who, func(op *Op) error {
		id, err = op.Create(h.form(form).Number, in)
		return err
	})
	return id, err
}

// add creates what must succeed.
func (h *house) add(who, form string, c cell) record.ID {
	h.t.Helper()
	id, err := h.create(who, form, c)
	must(h.t, err)
	return id
}

func (h *house) update(who, form string, id record.ID, c cell) error {
	h.t.Helper()
	in := h.input(form, c)
	return h.write(who, func(op *Op) error { return op.Update(h.form(form).Number, id, in, 0) })
}

func (h *house) remove(who, form string, id record.ID) error {
	return h.write(who, func(op *Op) error { return op.Delete(h.form(form).Number, id, 0) })
}

// read runs fn on a snapshot of who.
func (h *house) read(who string, fn func(*Op)) {
	h.t.Helper()
	op, err := h.e.Read(h.t.Context(), h.as[who], "crm")
	must(h.t, err)
	defer op.Close()
	fn(op)
}

func (h *house) sees(who, form string, id record.ID) (ok bool) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		_, got, err := op.Get(h.form(form).Number, id)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			h.t.Fatal(err)
		}
		ok = got
		if listed := slices.Contains(h.listed(op, form, nil), id); listed != ok {
			h.t.Fatalf("%s: got %v, listed %v", who, ok, listed)
		}
	})
	return ok
}

// value reads a cell as who reads it.
func (h *house) value(who, form string, id record.ID, field string) (v record.Value) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		r, ok, err := op.Get(h.form(form).Number, id)
		must(h.t, err)
		if !ok {
			h.t.Fatalf("%s does not see the record", who)
		}
		c := cells{op: op, form: op.app.forms[h.form(form).Number], rec: r}
		v = c.Get(h.field(form, field)).Clone()
	})
	return v
}

func (h *house) listed(op *Op, form string, where cell) []record.ID {
	h.t.Helper()
	number := h.form(form).Number
	q := List{Form: number, First: 100}
	if where != nil {
		e, faults := filter.Parse(where, op.Scope(number), filter.Options{})
		if len(faults) > 0 {
			h.t.Fatal(faults)
		}
		q.Where = e
	}
	page, err := op.List(q)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	must(h.t, err)
	var out []record.ID
	for _, r := range page.Records {
		out = append(out, r.ID())
	}
	return out
}

func (h *house) list(who, form string, where cell) (out []record.ID) {
	h.t.Helper()
	h.read(who, func(op *Op) { out = h.listed(op, form, where) })
	return out
}

// denied demands an error of a kind, and returns what its reader is told.
func denied(t *testing.T, err error, kind fault.Kind) string {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("%v, expected %v", err, kind)
	}
	return fault.Message(err)
}
