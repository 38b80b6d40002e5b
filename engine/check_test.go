package engine_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/engine"
	"sluice/internal/definition"
	"sluice/internal/demo"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

func (x *tenant) check(p identity.Principal, source string) *engine.Applied {
	x.Helper()
	out, err := x.e.Check(x.Context(), p, []byte(source), false)
	must(x.T, err)
	return out
}

// kinds returns the kinds of findings about a path, in order.
func kinds(out *engine.Applied, path string) (ks []definition.Kind) {
	for _, f := range out.Findings {
		if f.Path == path {
			ks = append(ks, f.Kind)
		}
	}
	return ks
}

// person adds somebody, active where a place is given.
func (x *tenant) person(name string, place *directory.Assignment) record.ID {
	x.Helper()
	id, err := x.d.AddUser(x.Context(), x.admin, directory.NewUser{Email: name + "@acme.example", DisplayName: name, Password: "long enough"})
	must(x.T, err)
	if place != nil {
		a := *place
		a.User, a.Application = id, "notes"
		must(x.T, x.d.Assign(x.Context(), x.admin, a, func(directory.Assignment) error { return nil }))
	}
	return id
}

func (x *tenant) as(id record.ID) identity.Principal {
	x.Helper()
	token, err := x.d.OpenSession(x.Context(), x.admin.Tenant, id)
	must(x.T, err)
	p, err := x.d.Authenticate(x.Context(), token)
	must(x.T, err)
	return p
}

// besideTests leaves out what is said of permission tests: a check that they will
// be run, and applying what came of it.
func besideTests(all []definition.Finding) (out []definition.Finding) {
	for _, f := range all {
		if f.Kind != definition.TestsToRun && f.Kind != definition.TestVacuous {
			out = append(out, f)
		}
	}
	return out
}

// TestCheckIsApply: a check says exactly what applying says, but for what
// permission tests come to, to everybody who may apply, and changes nothing; who may not apply may not check.
func TestCheckIsApply(t *testing.T) {
	x := newTenant(t)
	for _, source := range []string{
		"nonsense", note("      - {name: title, type: txet}\n"),
		note(plainFields), note(plainFields), note(uniqueFields), note(requiredFields),
		note(requiredFields) + "sharingRules: [{name: r, form: Note, from: {user: none@acme.example}, to: {role: CEO}, level: READ}]\n",
		note("      - {name: title, type: text, required: true}\n"), string(demo.Definition), string(demo.Definition),
	} {
		before := x.version()
		checked := x.check(x.admin, source)
		if v := x.version(); v != before {
			t.Fatalf("checking made version %d", v)
		}
		applied, err := x.e.Apply(t.Context(), x.admin, []byte(source), false)
		must(t, err)
		a, err := definition.Marshal(checked.Application)
		must(t, err)
		b, err := definition.Marshal(applied.Application)
		must(t, err)
		checked.Application, applied.Application = nil, nil // formulas hold functions, which do not compare
		checked.Findings, applied.Findings = besideTests(checked.Findings), besideTests(applied.Findings)
		if !bytes.Equal(a, b) || !reflect.DeepEqual(checked, applied) {
			t.Errorf("%.60s: checked\n%+v\napplied\n%+v", source, checked, applied)
		}
	}
	live := x.as(x.person("live", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "Write"}))
	if _, err := x.e.Check(t.Context(), live, []byte(note(plainFields)), false); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a live user checks: %v", err)
	}
	outside := x.as(x.person("outside", nil))
	_, exists := x.e.Check(t.Context(), outside, []byte(note(plainFields)), false)
	_, absent := x.e.Check(t.Context(), outside, []byte(strings.Replace(note(plainFields), "notes", "memos", 1)), false)
	if fault.KindOf(exists) != fault.NotFound || exists.Error() != absent.Error() {
		t.Errorf("%v, and of an application that is not there %v", exists, absent)
	}
}

// TestCheckNamesWhatApplyVisits: what only the stored records can tell is
// announced.
func TestCheckNamesWhatApplyVisits(t *testing.T) {
	x := newTenant(t)
	x.apply(note(plainFields))
	must(t, x.add(record.Value{}))
	out := x.check(x.admin, note(requiredFields))
	if !slices.Contains(kinds(out, "forms.Note"), definition.StoredRecords) || len(out.Faults) > 0 {
		t.Errorf("%+v", out)
	}
	if f := x.apply(note(requiredFields)); len(f) != 1 {
		t.Errorf("applied with %q", f)
	}
}

// TestApplyOfTheSameIsNoVersion: a document that is active already is left alone,
// until something that it depends on is different.
func TestApplyOfTheSameIsNoVersion(t *testing.T) {
	x := newTenant(t)
	source := note(plainFields) + "sharingRules: [{name: r, form: Note, from: {user: late@acme.example}, to: {role: CEO}, level: READ}]\n"
	x.apply(source)
	out, err := x.e.Apply(t.Context(), x.admin, []byte(source), false)
	must(t, err)
	if v := x.version(); v != 1 || !out.Unchanged || out.Application.Version != 1 || len(out.Findings) == 0 {
		t.Errorf("version %d, unchanged %v, %d findings", v, out.Unchanged, len(out.Findings))
	}
	x.person("late", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "Write"})
	if x.apply(source); x.version() != 2 {
		t.Error("an address that names somebody now is no new version")
	}
	if x.apply(source + "# a word\n"); x.version() != 3 {
		t.Error("another text is no new version")
	}
}

// TestW2_ModulesThatReadWhatSubjectsWrite: the manifest of the bound module says
// what it reads.
func TestW2_ModulesThatReadWhatSubjectsWrite(t *testing.T) {
	x := newTenant(t)
	source := note(plainFields) + `permissionSets: [{name: S, forms: {Note: {actions: [ACCESS], fields: {"*": VISIBLE}}}, reports: {notes: [VIEW, EDIT]}}]
customRules: [{name: r, form: Note, effect: RESTRICT}]
`
	x.apply(source)
	if got := kinds(x.check(x.admin, source), "customRules.r"); !slices.Equal(got, []definition.Kind{definition.RuleWithoutModule}) {
		t.Errorf("without a module: %v", got)
	}
	x.fill("r", []rules.Column{{Name: "title", Type: record.Text}})
	if got := kinds(x.check(x.admin, source), "customRules.r"); !slices.Equal(got, []definition.Kind{definition.RuleInputWritable}) {
		t.Errorf("with a module that reads the title: %v", got)
	}
	if got := kinds(x.check(x.admin, strings.Replace(source, `{"*": VISIBLE}`, `{title: READ_ONLY, by: VISIBLE}`, 1)), "customRules.r"); len(got) != 1 {
		t.Errorf("a field that only the built-in Write may write: %v", got)
	}
}

// fill binds and activates a module that reads the columns.
func (x *tenant) fill(rule string, columns []rules.Column) {
	x.Helper()
	m := &rules.Manifest{ABI: rules.ABI, Form: "Note", Effect: rules.Restrict, Record: columns}
	module, _ := x.rules.Register(rule, m, func(_, _ []record.Value) rules.Verdict { return rules.Verdict{} })
	up, err := x.e.UploadModule(x.Context(), x.admin, "notes", rule, module)
	must(x.T, err)
	_, err = x.e.BindModule(x.Context(), x.admin, "notes", rule, up.Hash)
	must(x.T, err)
	_, err = x.e.ActivateRule(x.Context(), x.admin, "notes", rule)
	must(x.T, err)
}

// TestA6_CheckTellsDevelopersLittleOfPeople: a developer learns whether an
// address they wrote grants something, and not why; and whether a role is held,
// not by how many.
func TestA6_CheckTellsDevelopersLittleOfPeople(t *testing.T) {
	x := newTenant(t)
	x.apply(note(plainFields))
	dev := x.as(x.person("dev", &directory.Assignment{Kind: identity.Developer}))
	x.person("placed", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "Write"})
	x.person("outside", nil)
	gone := x.person("gone", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "Write"})
	must(t, x.d.SetActive(t.Context(), x.admin, gone, false))
	deleted := x.person("deleted", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "Write"})
	must(t, x.d.SetActive(t.Context(), x.admin, deleted, false))
	_, err := x.e.DeleteUser(t.Context(), x.admin, deleted, nil)
	must(t, err)
	said := func(p identity.Principal, end, name string) []string {
		ends := map[string]string{"from": "{role: CEO}", "to": "{role: CEO}"}
		ends[end] = "{user: " + name + "@acme.example}"
		source := note(plainFields) + "sharingRules: [{name: r, form: Note, from: " + ends["from"] + ", to: " + ends["to"] + ", level: READ}]\n"
		var out []string
		for _, f := range x.check(p, source).Findings {
			if f.Path == "sharingRules.r."+end {
				out = append(out, string(f.Kind)+strings.ReplaceAll(f.Msg, name, "NAME"))
			}
		}
		return out
	}
	for _, end := range []string{"from", "to"} {
		if got := said(dev, end, "placed"); got != nil {
			t.Errorf("%s somebody with access: %q", end, got)
		}
		unknown := said(dev, end, "unknown")
		for _, name := range []string{"outside", "gone", "deleted"} {
			if got := said(dev, end, name); len(got) != 1 || !slices.Equal(got, unknown) {
				t.Errorf("%s %s: %q, and unknown %q", end, name, got, unknown)
			}
		}
	}
	for name, want := range map[string]definition.Kind{
		"unknown": definition.UserUnknown, "deleted": definition.UserUnknown, "outside": definition.UserWithoutPlace, "gone": definition.UserInactive,
	} {
		if got := said(x.admin, "to", name); len(got) != 1 || !strings.HasPrefix(got[0], string(want)) {
			t.Errorf("an admin is told of %s: %q", name, got)
		}
	}
	peers := strings.Replace(note(plainFields), "{name: CEO}", "{name: CEO}, {name: A, reportsTo: CEO, sharePeers: true}, {name: B, reportsTo: CEO}", 1)
	x.apply(peers)
	x.person("alone", &directory.Assignment{Kind: identity.Live, Role: "A", PermissionSet: "Read"})
	if got := kinds(x.check(x.admin, peers), "roles.A.sharePeers"); len(got) != 1 {
		t.Errorf("an admin: %v", got)
	}
	if got := kinds(x.check(dev, peers), "roles.A.sharePeers"); got != nil {
		t.Errorf("a developer learns that one user holds A: %v", got)
	}
	if got := kinds(x.check(dev, peers), "roles.B"); len(got) != 1 {
		t.Errorf("an empty role: %v", got)
	}
}

// TestF5_ReceiversWhoCannotOpenTheForm: who holds which set decides whether a
// rule gives something.
func TestF5_ReceiversWhoCannotOpenTheForm(t *testing.T) {
	x := newTenant(t)
	source := strings.Replace(note(plainFields), "{name: CEO}", "{name: CEO}, {name: A, reportsTo: CEO}", 1) + `permissionSets:
  - {name: Opens, forms: {Note: {fields: {"*": READ_ONLY}}}, reports: {notes: [VIEW]}}
  - {name: Closed}
sharingRules: [{name: r, form: Note, from: {role: CEO}, to: {role: A}, level: READ}]
`
	x.apply(source)
	told := func() bool {
		return slices.Contains(kinds(x.check(x.admin, source), "sharingRules.r"), definition.SharingUnopened)
	}
	if told() {
		t.Error("nobody receives yet")
	}
	x.person("closed", &directory.Assignment{Kind: identity.Live, Role: "A", PermissionSet: "Closed"})
	if !told() {
		t.Error("the one who receives cannot open the form")
	}
	x.person("opens", &directory.Assignment{Kind: identity.Live, Role: "A", PermissionSet: "Opens"})
	if told() {
		t.Error("one of those who receive opens the form")
	}
}

// TestB9_MarksOverSuccessiveVersions: what a holder of a set that was there sees
// of a field, through the versions that mark it as personal data, name it in the
// set, and take the mark away.
func TestB9_MarksOverSuccessiveVersions(t *testing.T) {
	x := newTenant(t)
	document := func(mark, more string) string {
		return note("      - {name: title, type: text}\n"+mark) +
			`permissionSets: [{name: S, pii: SHOW, forms: {Note: {fields: {"*": READ_ONLY` + more + `}}}, reports: {notes: [VIEW_ALL]}}]` + "\n"
	}
	const plain, marked = "      - {name: tax, type: text}\n", "      - {name: tax, type: text, pii: true}\n"
	x.apply(document("", ""))
	holder := x.as(x.person("holder", &directory.Assignment{Kind: identity.Live, Role: "CEO", PermissionSet: "S"}))
	for i, c := range []struct {
		title, mark, more string
		visible           bool
		says              definition.Kind
	}{
		{"a new field, marked", marked, "", false, ""},
		{"the set names it", marked, ", tax: READ_ONLY", true, ""},
		{"and again", marked, ", tax: READ_ONLY", true, ""},
		{"the set is silent", marked, "", false, ""},
		{"the mark goes", plain, "", true, definition.PersonalDataUnmarked},
		{"the mark comes to a field with values", marked, "", false, ""},
		{"the mark goes again", plain, ", tax: READ_ONLY", true, definition.PersonalDataUnmarked},
		{"the mark comes to a field that the set names", marked, ", tax: READ_ONLY", true, definition.PersonalDataNew},
		{"the set hides it", marked, ", tax: HIDDEN", false, ""},
	} {
		if i == 2 {
			must(t, x.add(record.String("a note"), record.String("of tax")))
		}
		out, err := x.e.Apply(t.Context(), x.admin, []byte(document(c.mark, c.more)), false)
		must(t, err)
		var says definition.Kind
		for _, f := range out.Findings {
			if f.Kind == definition.PersonalDataNew || f.Kind == definition.PersonalDataUnmarked {
				says = f.Kind
			}
		}
		if says != c.says {
			t.Errorf("%s: says %q, want %q", c.title, says, c.says)
		}
		if got := x.sees(holder, "tax"); got != c.visible {
			t.Errorf("%s: visible %v, want %v", c.title, got, c.visible)
		}
	}
}

// sees reports whether somebody may name a field of Note in a filter, and reads
// its cells, which must agree where there are records.
func (x *tenant) sees(p identity.Principal, name string) bool {
	x.Helper()
	op, err := x.e.Read(x.Context(), p, "notes")
	must(x.T, err)
	defer op.Close()
	f, _ := op.Application().Form("Note")
	field, _ := f.Field(name)
	_, named := op.Scope(f.Number).Field(name)
	page, err := op.List(engine.List{Form: f.Number, First: 10})
	must(x.T, err)
	for _, r := range page.Records {
		if read := !r.Get(&field.Field).IsNull(); read != named {
			x.Errorf("%s: may be named %v, is read %v", name, named, read)
		}
	}
	return named
}
