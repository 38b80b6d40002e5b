package gateway

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/identity"
)

// TestManagementGolden replays testdata/management.txt: each case in an office
// of its own, beside an organization whose data must never appear. SLUICE_REWRITE
// writes the answers anew.
func TestManagementGolden(t *testing.T) {
	const cases, golden = "testdata/management.txt", "testdata/management.golden"
	text, err := os.ReadFile(cases)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for part := range strings.SplitSeq(string(text), "\n-- ") {
		title, query, ok := strings.Cut(strings.TrimPrefix(part, "-- "), " --\n")
		who, _, ok2 := strings.Cut(title, ":")
		if !ok || !ok2 {
			t.Fatalf("not a case: %q", part)
		}
		o := newOffice(t)
		a := o.ask(who, o.fill(strings.TrimSpace(query)), nil)
		fmt.Fprintf(&out, "-- %s -- %d\n%s\n", title, a.status, indented(t, o.hide(a.text)))
	}
	if rewriting() {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(out.String(), "\n-- "), strings.Split(string(want), "\n-- ")
	for i := range max(len(got), len(wanted)) {
		switch {
		case i >= len(got) || i >= len(wanted):
			t.Fatalf("%d answers, %d in %s", len(got), len(wanted), golden)
		case got[i] != wanted[i]:
			t.Errorf("got %s\nwant %s", got[i], wanted[i])
		}
	}
}

// mayTable says who may what: the code each person gets, empty for success.
var mayTable = []struct {
	field string
	codes [6]string // super, admin, dev, rep, idle, nobody
}{
	{`signIn(organization: "zylker", email: "other@x.io", password: "correct horse") { token }`, [6]string{}},
	{`signOut { signedOut }`, signedIn},
	{`createToken(label: "ci") { id }`, signedIn},
	{`changePassword(old: "correct horse", new: "another horse") { changed }`, signedIn},
	{`addUser(input: {email: "n@x.io", displayName: "N"}) { user { id } }`, admins},
	{`addUser(input: {email: "n@x.io", displayName: "N", admin: true}) { user { id } }`, superAdmin},
	{`addUser(input: {email: "n", displayName: ""}) { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`assignUser(application: "orders", user: $OTHER, role: "Rep", permissionSet: "Read") { user { id } }`, admins},
	{`assignUser(application: "orders", user: $OTHER, role: "Rep", permissionSet: "Read", attributes: [{name: "team", value: "north"}]) { user { id } }`, admins},
	{`assignUser(application: "orders", user: $OTHER, role: "None", permissionSet: "None", attributes: [{name: "none", value: ""}]) { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`assignUser(application: "hr", user: $OTHER, role: "Rep", permissionSet: "Read") { user { id } }`, [6]string{missing, missing, forbidden, forbidden, forbidden, unauthenticated}},
	{`assignPortalUser(application: "orders", user: $OTHER, permissionSet: "Customer") { user { id } }`, admins},
	{`assignPortalUser(application: "orders", user: $OTHER, permissionSet: "Read") { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`assignPortalUser(application: "orders", user: $REP, permissionSet: "Customer") { user { id } }`, [6]string{conflict, conflict, forbidden, forbidden, forbidden, unauthenticated}},
	{`assignDeveloper(application: "orders", user: $OTHER) { user { id } }`, admins},
	{`assignDeveloper(application: "orders", user: $OTHER, tools: [EXPLAIN, VIEW_AS]) { user { id } }`, admins},
	{`grantTools(application: "orders", user: $DEV, tools: [EXPLAIN]) { user { id } }`, admins},
	{`revokeTools(application: "orders", user: $DEV, tools: [EXPLAIN]) { user { id } }`, admins},
	{`grantTools(application: "orders", user: $REP, tools: [EXPLAIN]) { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`grantTools(application: "orders", user: $DEV, tools: []) { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`grantTools(application: "orders", user: $OTHER, tools: [EXPLAIN]) { user { id } }`, [6]string{missing, missing, forbidden, forbidden, forbidden, unauthenticated}},
	{`revokeTools(application: "orders", user: $ADMIN, tools: [EXPLAIN]) { user { id } }`, superAdmin},
	{`revokeTools(application: "hr", user: $ADMIN, tools: [EXPLAIN]) { user { id } }`, [6]string{missing, forbidden, forbidden, forbidden, forbidden, unauthenticated}},
	{`revokeTools(application: "orders", user: $SUPER, tools: [EXPLAIN]) { user { id } }`, [6]string{forbidden, forbidden, forbidden, forbidden, forbidden, unauthenticated}},
	{`unassignUser(application: "orders", user: $REP) { user { id } }`, admins},
	{`deactivateUser(user: $OTHER) { user { id } }`, admins},
	{`deactivateUser(user: $ADMIN) { user { id } }`, superAdmin},
	{`deactivateUser(user: $SUPER) { user { id } }`, [6]string{forbidden, forbidden, forbidden, forbidden, forbidden, unauthenticated}},
	{`activateUser(user: $OTHER) { user { id } }`, admins},
	{`promoteAdmin(user: $OTHER) { user { id } }`, superAdmin},
	{`demoteAdmin(user: $ADMIN) { user { id } }`, superAdmin},
	{`transferSuperAdmin(user: $ADMIN) { user { id } }`, superAdmin},
	{`revokeCredentials(user: $OTHER) { user { id } }`, admins},
	{`revokeCredentials(user: $ADMIN) { user { id } }`, [6]string{"", "", forbidden, forbidden, forbidden, unauthenticated}},
	{`revokeCredentials(user: $SUPER) { user { id } }`, [6]string{"", forbidden, forbidden, forbidden, forbidden, unauthenticated}},
	{`deleteUser(user: $OTHER) { deleted }`, admins},
	{`deleteUser(user: $ADMIN) { deleted }`, superAdmin},
	{`deleteUser(user: $SUPER) { deleted }`, [6]string{forbidden, forbidden, forbidden, forbidden, forbidden, unauthenticated}},
	{`deleteUser(user: $OTHER, reassignTo: $REP) { deleted reassignment { state } }`, admins},
	{`deleteUser(user: $ADMIN, reassignTo: $REP) { deleted reassignment { state } }`, superAdmin},
	{`deleteUser(user: $OTHER, reassignTo: $OTHER) { deleted }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`reassignRecords(from: $OTHER, to: $REP) { reassignment { state } }`, admins},
	{`reassignRecords(application: "hr", from: $OTHER, to: $REP) { reassignment { state } }`, [6]string{missing, missing, forbidden, forbidden, forbidden, unauthenticated}},
	{`setPassword(user: $OTHER, password: "another horse") { user { id } }`, admins},
	{`setPassword(user: $OTHER, password: "x") { user { id } }`, [6]string{bad, bad, forbidden, forbidden, forbidden, unauthenticated}},
	{`applyDefinition(yaml: $YAML) { application { version } faults { message } }`, developers},
	{`applyDefinition(yaml: $FRESH) { application { version } faults { message } }`, [6]string{"", "", missing, missing, missing, unauthenticated}},
	{`bindRuleModule(application: "orders", rule: "embargo", module: $MODULE) { rule { name } }`, developers},
	{`bindRuleModule(application: "orders", rule: "none", module: $MODULE) { rule { name } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`activateRule(application: "orders", rule: "embargo") { rule { name } }`, [6]string{conflict, conflict, conflict, forbidden, missing, unauthenticated}},
	{`rollbackRule(application: "orders", rule: "embargo") { rule { name } }`, [6]string{conflict, conflict, conflict, forbidden, missing, unauthenticated}},
	{`rollbackRule(application: "orders", rule: "embargo", version: 0) { rule { name } }`, [6]string{bad, bad, bad, bad, bad, unauthenticated}},
	{`deleteRuleVersion(application: "orders", rule: "embargo", version: "7") { number module }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`rollbackRule(application: "orders", rule: "embargo", version: 7) { rule { name } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`releaseRule(application: "orders", rule: "embargo") { rule { name } }`, [6]string{conflict, conflict, conflict, forbidden, missing, unauthenticated}},
	{`releaseRule(application: "orders", rule: "embargo", version: 0) { rule { name } }`, [6]string{bad, bad, bad, bad, bad, unauthenticated}},
	{`releaseRule(application: "orders", rule: "none") { rule { name } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`fallbackRule(application: "orders", rule: "embargo", version: 9) { rule { name } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`fallbackRule(application: "orders", rule: "embargo", version: 0) { rule { name } }`, [6]string{bad, bad, bad, bad, bad, unauthenticated}},
	{`fallbackRule(application: "orders", rule: "none") { rule { name } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`shadowRule(application: "orders", rule: "none", module: $MODULE, hours: 1) { shadow { until } }`, [6]string{missing, missing, missing, forbidden, missing, unauthenticated}},
	{`shadowRule(application: "orders", rule: "embargo", module: $MODULE, hours: 0) { shadow { until } }`, [6]string{bad, bad, bad, forbidden, missing, unauthenticated}},
	{`shadowRule(application: "orders", rule: "embargo", module: $MODULE, hours: 1) { shadow { until } }`, developers},
	{`unshadowRule(application: "orders", rule: "embargo") { shadow { until } }`, developers},
	{`deactivateRule(application: "orders", rule: "embargo") { rule { name } }`, developers},
	{`deactivateRule(application: "hr", rule: "embargo") { rule { name } }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
	{`hideRecords(application: "orders", form: "Order", where: {}) { hidden { form } }`, hiders},
	{`hideRecords(application: "orders", form: "Order", where: {none: {eq: 1}}) { hidden { form } }`, [6]string{bad, bad, forbidden, forbidden, missing, unauthenticated}},
	{`unhideRecords(application: "orders", form: "Order") { hidden { form } }`, [6]string{missing, missing, forbidden, forbidden, missing, unauthenticated}},
	{`compareAccess(application: "orders", input: {}) { difference { state } }`, developers},
	{`compareAccess(application: "hr", input: {}) { difference { state } }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
	{`compareAccess(application: "orders", input: {version: 99}) { difference { state } }`, [6]string{bad, bad, bad, forbidden, missing, unauthenticated}},
	{`cancelDifference(id: $OTHER) { difference { state } }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
	{`reviewDifference(id: $OTHER) { difference { state } }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
	{`approveDifference(id: $OTHER) { difference { state } }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
	{`revokeToken(id: "x") { id }`, [6]string{missing, missing, missing, missing, missing, unauthenticated}},
}

const (
	bad             = graph.CodeBadUserInput
	forbidden       = graph.CodeForbidden
	missing         = graph.CodeNotFound
	conflict        = graph.CodeConflict
	unauthenticated = graph.CodeUnauthenticated
)

var (
	signedIn   = [6]string{"", "", "", "", "", unauthenticated}
	admins     = [6]string{"", "", forbidden, forbidden, forbidden, unauthenticated}
	superAdmin = [6]string{"", forbidden, forbidden, forbidden, forbidden, unauthenticated}
	hiders     = [6]string{"", "", forbidden, forbidden, missing, unauthenticated}
	developers = [6]string{"", "", "", forbidden, missing, unauthenticated}
)

func TestManagementWhoMay(t *testing.T) {
	for _, row := range mayTable {
		name, _, _ := strings.Cut(row.field, " {")
		t.Run(name, func(t *testing.T) {
			for i, who := range append(people[:len(people):len(people)], "guest") {
				o := newOffice(t)
				if who == "guest" { // a portal user may what a live user may
					o.guest()
					i = slices.Index(people, "rep")
				}
				text := strings.NewReplacer("$YAML", fmt.Sprintf("%q", definitionOf("orders", "2")), "$FRESH", fmt.Sprintf("%q", definitionOf("hr", "1"))).Replace(row.field)
				// dropping the field that the first version had is wanted
				text = strings.Replace(text, "applyDefinition(", "applyDefinition(allowDrop: true, ", 1)
				a := o.ask(who, "mutation { "+o.fill(text)+" }", nil)
				if a.code() != row.codes[i] {
					t.Errorf("%s: %q, want %q: %s", who, a.code(), row.codes[i], a.text)
				}
			}
		})
	}
}

// guest adds a portal user of orders.
func (o *office) guest() {
	o.t.Helper()
	admin, err := o.d.Authenticate(o.t.Context(), o.token["admin"])
	o.must(err)
	id, err := o.d.AddUser(o.t.Context(), admin, directory.NewUser{Email: "guest@customer.io", DisplayName: "Guest", Password: testPassword})
	o.must(err)
	o.must(o.d.Assign(o.t.Context(), admin, directory.Assignment{User: id, Application: "orders", Kind: identity.Portal, PermissionSet: "Customer"}, nil))
	o.id["guest"] = id
	o.token["guest"], err = o.d.OpenSession(o.t.Context(), admin.Tenant, id)
	o.must(err)
}

// TestManagementTableIsComplete has a row for every mutation of the schema.
func TestManagementTableIsComplete(t *testing.T) {
	for _, f := range graph.Executable(nil).Schema().Mutation.Fields {
		found := false
		for _, row := range mayTable {
			found = found || strings.HasPrefix(row.field, f.Name+"(") || strings.HasPrefix(row.field, f.Name+" ")
		}
		if !found {
			t.Errorf("no row for mutation %s", f.Name)
		}
	}
}

func TestA5OnlyAdminsOpenTheDirectory(t *testing.T) {
	o := newOffice(t)
	for i, who := range people {
		for _, query := range []string{`{ users { nodes { email } } }`, `{ user(id: $OTHER) { email } }`} {
			if a := o.ask(who, o.fill(query), nil); a.code() != admins[i] || a.code() != "" && strings.Contains(a.text, "@") {
				t.Errorf("%s: %s: %s", who, query, a.text)
			}
		}
	}
}

func TestA6DevelopersChangeTheDefinition(t *testing.T) {
	o := newOffice(t)
	a := o.ask("dev", `mutation($y: String!) { applyDefinition(yaml: $y, allowDrop: true) { application { version definition } } }`, map[string]any{"y": string(definitionOf("orders", "2"))})
	if a.code() != "" || !strings.Contains(a.text, "extra2") {
		t.Errorf("apply: %s", a.text)
	}
	if a := o.ask("dev", `{ users { nodes { email } } }`, nil); a.code() != forbidden {
		t.Errorf("directory: %s", a.text)
	}
}

func TestA10LiveUsersChangeNoDefinition(t *testing.T) {
	o := newOffice(t)
	for application, want := range map[string]string{"orders": forbidden, "hr": missing} {
		a := o.ask("rep", `mutation($y: String!) { applyDefinition(yaml: $y, allowDrop: true) { application { version } } }`, map[string]any{"y": string(definitionOf(application, "2"))})
		if a.code() != want {
			t.Errorf("%s: %s", application, a.text)
		}
	}
	if a := o.ask("admin", `{ application(name: "orders") { version } hr: application(name: "hr") { version } }`, nil); a.text != `{"data":{"application":{"version":1},"hr":null}}` {
		t.Errorf("after a live user's attempts: %s", a.text)
	}
}

// TestFaultsChangeNothing applies a document with faults: the version stays.
func TestFaultsChangeNothing(t *testing.T) {
	o := newOffice(t)
	dropping := string(definitionOf("orders", "2")) // takes the field extra1 away
	a := o.ask("dev", `mutation($y: String!) { applyDefinition(yaml: $y) { application { version } faults { line path message } } }`, map[string]any{"y": dropping})
	if a.code() != "" || !strings.Contains(a.text, `"application":null`) || strings.Contains(a.text, `"faults":[]`) {
		t.Errorf("faults: %s", a.text)
	}
	if a := o.ask("dev", `{ application(name: "orders") { version } }`, nil); !strings.Contains(a.text, `"version":1`) {
		t.Errorf("version: %s", a.text)
	}
}

// TestChangesBindOnTheNextRequest takes access away and asks again.
func TestChangesBindOnTheNextRequest(t *testing.T) {
	o := newOffice(t)
	if a := o.ask("rep", `{ me { kind } }`, nil); a.code() != "" {
		t.Fatal(a.text)
	}
	o.ask("admin", o.fill(`mutation { deactivateUser(user: $REP) { user { id } } }`), nil)
	if a := o.ask("rep", `{ me { kind } }`, nil); a.code() != unauthenticated || a.status != http.StatusUnauthorized {
		t.Errorf("deactivated: %d %s", a.status, a.text)
	}
	o.ask("super", o.fill(`mutation { demoteAdmin(user: $ADMIN) { user { id } } }`), nil)
	if a := o.ask("admin", `{ users { nodes { id } } }`, nil); a.code() != forbidden {
		t.Errorf("demoted: %s", a.text)
	}
	o.ask("dev", `mutation { signOut { signedOut } }`, nil)
	if a := o.ask("dev", `{ me { kind } }`, nil); a.code() != unauthenticated {
		t.Errorf("signed out: %s", a.text)
	}
}

var _ Authenticator = (*directory.Directory)(nil)
