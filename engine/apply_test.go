package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/ruletest"
	"sluice/storage/memstore"
)

// tenant is an organization with an admin, over real storage and directory.
type tenant struct {
	*testing.T
	e     *engine.Engine
	admin identity.Principal
	rules *ruletest.Double
	d     *directory.Directory
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	store := memstore.Open()
	t.Cleanup(func() { _ = store.Close() })
	d := directory.New(store, &directory.Options{HashMemory: 64})
	double := ruletest.NewDouble()
	e, err := engine.New(engine.Options{
		Store: store, Directory: d, Rules: double,
		Inspect: func(_ context.Context, module []byte) (*rules.Manifest, rules.Hash, error) {
			m, err := rules.ReadManifest(module)
			return m, rules.HashOf(module), err
		},
	})
	must(t, err)
	ctx := t.Context()
	id, boss, err := d.CreateOrganization(ctx, "acme", directory.NewUser{Email: "a@acme.example", DisplayName: "A", Password: "long enough"})
	must(t, err)
	token, err := d.OpenSession(ctx, id, boss)
	must(t, err)
	admin, err := d.Authenticate(ctx, token)
	must(t, err)
	return &tenant{t, e, admin, double, d}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// note is a definition with one form whose fields are given.
func note(fields string) string {
	return "application: notes\nforms:\n  - name: Note\n    plural: notes\n    fields:\n" + fields + "roles: [{name: CEO}]\n"
}

func (x *tenant) apply(source string) []string {
	x.Helper()
	out, err := x.e.Apply(x.Context(), x.admin, []byte(source), false)
	must(x.T, err)
	var faults []string
	for _, f := range out.Faults {
		faults = append(faults, f.String())
	}
	return faults
}

// add stores a record of the fields in order of their declaration.
func (x *tenant) add(values ...record.Value) error {
	return x.e.Write(x.Context(), x.admin, "notes", "add", func(op *engine.Op) error {
		f, _ := op.Application().Form("Note")
		input := map[uint32]record.Value{}
		for i, v := range values {
			input[f.Fields[i].Number] = v
		}
		_, err := op.Create(f.Number, input)
		return err
	})
}

func (x *tenant) version() (v uint64) {
	apps, err := x.e.Applications(x.Context(), x.admin)
	must(x.T, err)
	for _, a := range apps {
		v = a.Version
	}
	return v
}

const (
	plainFields    = "      - {name: title, type: text}\n      - {name: by, type: user}\n"
	requiredFields = "      - {name: title, type: text, required: true}\n      - {name: by, type: user}\n"
	uniqueFields   = "      - {name: title, type: text, unique: true}\n      - {name: by, type: user}\n"
	indexedFields  = "      - {name: title, type: text, indexed: true}\n      - {name: by, type: user}\n"
	ownerFields    = "      - {name: title, type: text}\n      - {name: by, type: user, recordOwner: true}\n"
)

// TestApplyChecksStoredRecords: a version that stored records contradict is
// refused with exact counts and changes nothing; the next one is not disturbed
// by what the abandoned one left.
func TestApplyChecksStoredRecords(t *testing.T) {
	x := newTenant(t)
	if f := x.apply(note(plainFields)); f != nil {
		t.Fatal(f)
	}
	for i := range 450 { // more than two chunks of a preparation
		v := record.String(fmt.Sprintf("title %03d", i))
		switch {
		case i%150 == 0:
			v = record.Value{}
		case i == 449:
			v = record.String("title 448")
		}
		must(t, x.add(v))
	}
	for source, want := range map[string]string{
		note(requiredFields): "3 stored records have no value",
		note(uniqueFields):   "1 stored records repeat the value",
		note(ownerFields):    "and 450 are",
	} {
		if f := x.apply(source); len(f) != 1 || !strings.Contains(f[0], want) {
			t.Errorf("faults %q, want %q", f, want)
		}
		if v := x.version(); v != 1 {
			t.Errorf("version %d is active after a refusal", v)
		}
		must(t, x.add(record.String("still works"))) // also twice: nothing became unique
		if err := x.remove("still works"); err != nil {
			t.Fatal(err)
		}
	}
	if f := x.apply(note(indexedFields)); f != nil {
		t.Fatal(f)
	}
	if n := x.count("title 448"); n != 2 {
		t.Errorf("the built index finds %d of 2", n)
	}
}

// TestApplyOwnerFieldOfAnEmptyForm: without records the owner field may change,
// and the next record has the owner that it names.
func TestApplyOwnerFieldOfAnEmptyForm(t *testing.T) {
	x := newTenant(t)
	x.apply(note(plainFields))
	if f := x.apply(note(ownerFields)); f != nil || x.version() != 2 {
		t.Fatalf("faults %v, version %d", f, x.version())
	}
	must(t, x.add(record.String("t"), record.Ref(x.admin.User)))
}

func (x *tenant) list(title string) (ids []record.ID) {
	op, err := x.e.Read(x.Context(), x.admin, "notes")
	must(x.T, err)
	defer op.Close()
	f, _ := op.Application().Form("Note")
	page, err := op.List(engine.List{Form: f.Number, First: 1000})
	must(x.T, err)
	for _, r := range page.Records {
		if string(r.Get(&f.Fields[0].Field).Text()) == title {
			ids = append(ids, r.ID())
		}
	}
	return ids
}

func (x *tenant) remove(title string) error {
	ids := x.list(title)
	return x.e.Write(x.Context(), x.admin, "notes", "remove", func(op *engine.Op) error {
		f, _ := op.Application().Form("Note")
		for _, id := range ids {
			if err := op.Delete(f.Number, id, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// count asks through the index of title.
func (x *tenant) count(title string) int {
	op, err := x.e.Read(x.Context(), x.admin, "notes")
	must(x.T, err)
	defer op.Close()
	f, _ := op.Application().Form("Note")
	where := parse(x.T, op, f.Number, map[string]any{"title": map[string]any{"eq": title}})
	page, err := op.List(engine.List{Form: f.Number, Where: where, First: 10, Total: true})
	must(x.T, err)
	if op.Stats().Keys > 10 {
		x.Errorf("%d keys touched: not by the index", op.Stats().Keys)
	}
	return page.Total
}

// TestApplyIsForThoseWhoMay: an application that does not exist is made by
// admins; everybody else hears that it does not exist.
func TestApplyIsForThoseWhoMay(t *testing.T) {
	x := newTenant(t)
	nobody := x.admin
	nobody.CredentialID = "none"
	if _, err := x.e.Apply(t.Context(), nobody, []byte(note(plainFields)), false); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a credential that does not stand: %v", err)
	}
	if x.version() != 0 {
		t.Error("an application was made")
	}
}

func parse(t *testing.T, op *engine.Op, form uint32, where map[string]any) filter.Expr {
	t.Helper()
	e, faults := filter.Parse(where, op.Scope(form), filter.Options{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return e
}

// TestApplyKeepsTheMeaningOfAttributes: what was assigned under one type or
// scale is never read under another, not by way of a drop either.
func TestApplyKeepsTheMeaningOfAttributes(t *testing.T) {
	x := newTenant(t)
	scale := func(n int) string {
		return fmt.Sprintf("viewerAttributes: [{name: limit, type: decimal, scale: %d}]\n", n) + note(plainFields)
	}
	for _, source := range []string{scale(2), scale(3), note(plainFields), scale(2)} {
		if f := x.apply(source); f != nil {
			t.Fatalf("nobody holds a value, and yet %q", f)
		}
	}
	user, err := x.d.AddUser(t.Context(), x.admin, directory.NewUser{Email: "u@acme.example", DisplayName: "U", Password: "long enough"})
	must(t, err)
	must(t, x.d.Assign(t.Context(), x.admin, directory.Assignment{
		User: user, Application: "notes", Kind: identity.Live, Role: "CEO", PermissionSet: "Read",
		Attributes: map[string]record.Value{"limit": record.Int(1250)},
	}, nil))
	before := x.version()
	for _, source := range []string{scale(3), note(plainFields)} {
		if f := x.apply(source); len(f) != 1 || !strings.Contains(f[0], "1 users hold a value as decimal of scale 2") || x.version() != before {
			t.Errorf("faults %q, version %d", f, x.version())
		}
	}
}

// TestApplyForgetsTheModulesOfDroppedRules: a rule that comes back has no
// module, whether a preparation stands between or not.
func TestApplyForgetsTheModulesOfDroppedRules(t *testing.T) {
	for _, without := range []string{plainFields, indexedFields} {
		x := newTenant(t)
		with := note(plainFields) + "customRules: [{name: r, form: Note, effect: SHARE, maxLevel: READ}]\n"
		if f := x.apply(with); f != nil {
			t.Fatal(f)
		}
		m := &rules.Manifest{ABI: 1, Form: "Note", Effect: rules.Share, Grant: 1, Record: []rules.Column{{Name: "title", Type: record.Text}}}
		module, _ := x.rules.Register("r", m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{Grant: 1} })
		up, err := x.e.UploadModule(t.Context(), x.admin, "notes", "r", module)
		must(t, err)
		_, err = x.e.BindModule(t.Context(), x.admin, "notes", "r", up.Hash)
		must(t, err)
		_, err = x.e.ActivateRule(t.Context(), x.admin, "notes", "r")
		must(t, err)
		x.apply(note(without))
		if f := x.apply(strings.Replace(with, plainFields, without, 1)); f != nil {
			t.Fatal(f)
		}
		states, err := x.e.Rules(t.Context(), x.admin, "notes")
		must(t, err)
		if len(states) != 1 || states[0].Bound != "" || states[0].Active {
			t.Errorf("a rule that came back: %+v", states)
		}
	}
}
