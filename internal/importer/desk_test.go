package importer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

const deskDefinition = `
application: desk
hierarchy: true
roles:
  - {name: CEO}
  - {name: Rep, reportsTo: CEO}
forms:
  - name: Customer
    plural: customers
    fields:
      - {name: code, type: text, required: true, unique: true}
      - {name: name, type: text, required: true}
      - {name: rep, type: user, recordOwner: true}
  - name: Order
    plural: orders
    fields:
      - {name: number, type: text, required: true, unique: true}
      - {name: customer, type: lookup, to: Customer}
      - {name: rep, type: user, recordOwner: true}
      - {name: due, type: date}
      - {name: at, type: date-time}
      - {name: open, type: boolean, default: true}
      - {name: amount, type: decimal, scale: 2, unique: true}
      - {name: count, type: integer}
      - {name: tags, type: multi-choice, choices: [a, b]}
      - {name: status, type: choice, choices: [OPEN, WON]}
      - {name: mail, type: email}
      - {name: note, type: long text}
      - {name: secret, type: text}
  - name: Line
    plural: lines
    fields:
      - {name: order, type: lookup, to: Order, required: true, parent: true}
      - {name: product, type: text, required: true}
permissionSets:
  - name: Loader
    forms:
      Customer: {actions: [ACCESS, IMPORT], fields: {"*": VISIBLE}}
      Order: {actions: [ACCESS, IMPORT], fields: {"*": VISIBLE, secret: HIDDEN, note: READ_ONLY}}
      Line: {actions: [ACCESS, IMPORT], fields: {"*": VISIBLE}}
    reports: {customers: [VIEW], orders: [VIEW, EDIT], lines: [VIEW, EDIT]}
  - name: Typist
    forms:
      Customer: {actions: [ACCESS], fields: {"*": VISIBLE}}
      Order: {fields: {"*": VISIBLE}}
    reports: {customers: [VIEW, EDIT], orders: [VIEW, EDIT]}
`

var errKilled = errors.New("killed")

// mortal is a driver whose commits fail from some one on, as those of a process
// that was killed.
type mortal struct {
	driver.Driver
	left atomic.Int64 // commits until then; negative for ever
}

func (m *mortal) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if n := m.left.Load(); n == 0 {
		return 0, errKilled
	} else if n > 0 {
		m.left.Add(-1)
	}
	return m.Driver.Commit(ctx, snap, reads, writes)
}

// desk is an organization with the application desk: sue is its super admin, ann
// and bob load, cat types, dan has no place.
type desk struct {
	t      testing.TB
	driver *mortal
	e      *engine.Engine
	d      *directory.Directory
	im     *Importer
	double *ruletest.Double
	ids    map[string]record.ID
	as     map[string]identity.Principal
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	k := &desk{t: t, driver: &mortal{Driver: memstore.NewDriver()}, ids: map[string]record.ID{}, as: map[string]identity.Principal{}}
	k.driver.left.Store(-1)
	store, err := storage.New(k.driver, nil)
	k.must(err)
	t.Cleanup(func() { _ = store.Close() })
	k.double = ruletest.NewDouble()
	k.d = directory.New(store, &directory.Options{HashMemory: 64})
	k.e, err = engine.New(engine.Options{
		Store: store, Directory: k.d, Rules: k.double,
		Inspect: func(_ context.Context, m []byte) (*rules.Manifest, rules.Hash, error) {
			manifest, err := rules.ReadManifest(m)
			return manifest, rules.HashOf(m), err
		},
	})
	k.must(err)
	k.im = New(k.e)
	tenant, id, err := k.d.CreateOrganization(t.Context(), "acme", k.person("sue"))
	k.must(err)
	k.ids["sue"] = id
	k.session(tenant, "sue")
	out, err := k.e.Apply(t.Context(), k.as["sue"], []byte(deskDefinition), false)
	k.must(err)
	if len(out.Faults) > 0 {
		t.Fatal(out.Faults)
	}
	for name, set := range map[string]string{"ann": "Loader", "bob": "Loader", "cat": "Typist", "dan": ""} {
		k.ids[name], err = k.d.AddUser(t.Context(), k.as["sue"], k.person(name))
		k.must(err)
		if set != "" {
			k.must(k.d.Assign(t.Context(), k.as["sue"], directory.Assignment{
				User: k.ids[name], Application: "desk", Kind: identity.Live, Role: "Rep", PermissionSet: set,
			}, nil))
		}
		k.session(tenant, name)
	}
	return k
}

func (k *desk) person(name string) directory.NewUser {
	return directory.NewUser{Email: name + "@example.com", DisplayName: name, Password: "correct horse"}
}

func (k *desk) session(tenant identity.Tenant, name string) {
	token, err := k.d.OpenSession(k.t.Context(), tenant, k.ids[name])
	k.must(err)
	k.as[name], err = k.d.Authenticate(k.t.Context(), token)
	k.must(err)
}

func (k *desk) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// run imports a text.
func (k *desk) run(who, form, file string, o *Options) (*Result, error) {
	k.t.Helper()
	if o == nil {
		o = &Options{}
	}
	k.must(o.check())
	return k.im.Run(k.t.Context(), k.as[who], "desk", form, o, strings.NewReader(file), func(Progress) {})
}

// load imports a text that has no faults.
func (k *desk) load(who, form, file string, o *Options) *Result {
	k.t.Helper()
	r, err := k.run(who, form, file, o)
	k.must(err)
	if r.Faulty > 0 || r.Job == nil || r.Job.State != engine.ImportDone || r.Job.Done != r.Rows {
		k.t.Fatalf("%+v, job %+v", *r, r.Job)
	}
	return r
}

// stored returns every record of a form as the super admin sees it: the named
// fields as texts joined by |, in the order of creation.
func (k *desk) stored(form string, fields ...string) []string {
	k.t.Helper()
	op, err := k.e.Read(k.t.Context(), k.as["sue"], "desk")
	k.must(err)
	defer op.Close()
	f, _ := op.Application().Form(form)
	out := []string{}
	var after string
	for {
		page, err := op.List(engine.List{Form: f.Number, First: 200, After: after})
		k.must(err)
		for _, r := range page.Records {
			var cells []string
			for _, name := range fields {
				fd, ok := f.Field(name)
				if !ok {
					k.t.Fatalf("no field %s", name)
				}
				cells = append(cells, string(record.AppendText(nil, &fd.Field, r.Get(&fd.Field))))
			}
			out = append(out, strings.Join(cells, "|"))
		}
		if !page.HasNext {
			return out
		}
		after = page.Cursor(len(page.Records) - 1)
	}
}
