package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/internal/directory"
	"sluice/internal/httpd"
	"sluice/storage/memstore"
)

// exposing is the demo's definition with tax numbers shown to finance.
func exposing(t *testing.T) string {
	t.Helper()
	source := string(demo.Definition)
	for _, x := range [][2]string{
		{"to take along too; keeps the price list.\n    pii: HIDE", "to take along too; keeps the price list.\n    pii: SHOW"},
		{`Customer: {fields: {"*": READ_ONLY, creditLimit: VISIBLE}}`, `Customer: {fields: {"*": READ_ONLY, creditLimit: VISIBLE, taxNumber: READ_ONLY}}`},
	} {
		if strings.Count(source, x[0]) != 1 {
			t.Fatal("the demo's definition has another text")
		}
		source = strings.Replace(source, x[0], x[1], 1)
	}
	return source
}

// inn is an organization with two admins, ann and ben, a developer, dev, and two
// clerks, cleo and carl, who see all guests but not their passports.
const inn = `
application: inn
forms:
  - name: Guest
    plural: guests
    fields:
      - {name: name, type: text, required: true}
      - {name: passport, type: text, pii: true}
      - {name: room, type: integer}
  - name: Key
    plural: keys
    fields: [{name: door, type: text}]
roles:
  - {name: CEO}
  - {name: clerk, reportsTo: CEO}
permissionSets:
  - name: clerks
    pii: SHOW
    forms:
      Guest: {fields: {"*": READ_ONLY}}
    reports:
      guests: [VIEW_ALL]
`

// shown is the inn with passports shown to its clerks, without rooms for them,
// or without both.
var (
	passportsShown = strings.Replace(inn, `"*": READ_ONLY`, `"*": READ_ONLY, passport: READ_ONLY`, 1)
	roomsHidden    = strings.Replace(inn, `"*": READ_ONLY`, `"*": READ_ONLY, room: HIDDEN`, 1)
)

// anInn is a server of its own with three guests.
func anInn(t *testing.T, o httpd.Options) *demoServer {
	t.Helper()
	runner, inspect, _, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	store := memstore.Open()
	o.Store, o.Rules, o.Inspect = store, runner, inspect
	s, err := httpd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	const password = "a long password"
	if _, _, err := s.Directory.CreateOrganization(t.Context(), "inn", directory.NewUser{Email: "ann@inn.example", DisplayName: "Ann", Password: password}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	d := &demoServer{url: srv.URL, tokens: map[string]string{}, httpd: s, store: store}
	signIn := func(who string) {
		d.tokens[who] = d.manage(t, "", `mutation{signIn(organization:"inn",email:"%s@inn.example",password:%q){token}}`, who, password).at("signIn.token").(string)
	}
	signIn("ann")
	if status, code := d.applied(t, "ann", inn, ""); status != http.StatusOK {
		t.Fatalf("the first definition: status %d, code %s", status, code)
	}
	for _, who := range []string{"ben", "dev", "cleo", "carl"} {
		id := d.manage(t, "ann", `mutation{addUser(input:{email:"%s@inn.example",displayName:%q,password:%q,admin:%t}){user{id}}}`, who, who, password, who == "ben").at("addUser.user.id").(string)
		switch who {
		case "dev":
			d.manage(t, "ann", `mutation{assignDeveloper(application:"inn",user:%q){user{id}}}`, id)
		case "cleo", "carl":
			d.manage(t, "ann", `mutation{assignUser(application:"inn",user:%q,role:"clerk",permissionSet:"clerks"){user{id}}}`, id)
		}
		signIn(who)
	}
	for _, name := range []string{"A", "B", "C"} {
		d.inInn(t, "ann", `mutation{createGuest(input:{name:%q,passport:"CANARY",room:1}){guest{id}}}`, name)
	}
	return d
}

func (d *demoServer) inInn(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	a := d.graphql(t, "/apps/inn/graphql", who, fmt.Sprintf(query, args...))
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %s: %+v", who, query, a.Errors)
	}
	return a
}

const differenceFields = `id state reason exposes outdated download hash of asker{name} approval{by{name}} progress{done total}
	result{people records
		exposed{form field pii added count{people records pairs samples{person{id name} record}}}
		forms{form actions{action gained{people records pairs} lost{people}} fields{field readGained{people records} readLost{people}}}
		rights{people{name} gained{forms{form visible}} lost{place}}}`

// compare begins to compare a definition and returns the id of the difference.
func (d *demoServer) compare(t *testing.T, who, application, source string) string {
	t.Helper()
	a := d.asking(t, who, `mutation($a:String!,$d:String!){compareAccess(application:$a,input:{definition:$d}){difference{id}}}`, map[string]any{"a": application, "d": source})
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	return a.at("compareAccess.difference.id").(string)
}

// done waits until a difference has ended.
func (d *demoServer) done(t *testing.T, who, id string) answer {
	t.Helper()
	for {
		a := d.manage(t, who, `{accessDifference(id:"%s"){%s}}`, id, differenceFields)
		if a.at("accessDifference") == nil {
			t.Fatalf("%s knows no difference %s", who, id)
		}
		if a.at("accessDifference.state") != "RUNNING" {
			return a
		}
	}
}

// applied sends a definition with a difference and returns status and code.
func (d *demoServer) applied(t *testing.T, who, source, difference string) (int, string) {
	t.Helper()
	path := "/definition"
	if difference != "" {
		path += "?difference=" + difference
	}
	a := d.send(t, http.MethodPut, path, who, "application/yaml", []byte(source))
	return a.status, a.code()
}

// TestCompareTellsWhatAChangeGives is what a plan shows of a change that exposes
// personal data, and that it changes nothing.
func TestCompareTellsWhatAChangeGives(t *testing.T) {
	d := theDemo(t)
	customers := d.ok(t, "priya", `{customers(first:1){totalCount}}`).count("customers.totalCount")
	for _, who := range []string{"priya", "jonas"} {
		a := d.done(t, who, d.compare(t, who, "sales", exposing(t)))
		if a.at("accessDifference.state") != "DONE" || a.at("accessDifference.exposes") != true || a.at("accessDifference.outdated") != false {
			t.Fatalf("%s: %v", who, a.Data)
		}
		fields := map[string]bool{}
		for _, x := range a.list("accessDifference.result.exposed") {
			m := x.(map[string]any)
			n := m["count"].(map[string]any)
			fields[m["field"].(string)] = true
			if m["form"] != "Customer" || m["pii"] != true || n["people"] != 2.0 || int(n["records"].(float64)) != customers || len(n["samples"].([]any)) == 0 {
				t.Errorf("%s: exposed %v", who, m)
			}
		}
		if len(fields) != 1 || !fields["taxNumber"] {
			t.Errorf("%s: exposed fields %v", who, fields)
		}
	}
	if a := d.as(t, "felix", `{customers(first:1){nodes{taxNumber}}}`); a.code() == "" {
		t.Error("comparing changed something")
	}
}

func (d *demoServer) rows(t *testing.T, who, path string) (int, [][]string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.tokens[who])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, nil, nil
	}
	lines, err := csv.NewReader(resp.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, lines, resp.Trailer
}

// TestCompareDownload: all rows, and a marker that they are all.
func TestCompareDownload(t *testing.T) {
	d := theDemo(t)
	id := d.compare(t, "jonas", "sales", exposing(t))
	a := d.done(t, "jonas", id)
	path := a.at("accessDifference.download").(string)
	status, lines, trailer := d.rows(t, "jonas", path)
	customers := d.ok(t, "priya", `{customers(first:1){totalCount}}`).count("customers.totalCount")
	if status != http.StatusOK || len(lines) != 1+2*customers || trailer.Get("Sluice-Rows") != strconv.Itoa(2*customers) || trailer.Get("Sluice-Same") != "true" {
		t.Fatalf("status %d, %d lines, trailer %v", status, len(lines), trailer)
	}
	if got := strings.Join(lines[0], ","); got != "form,record,person,name,gained,lost,read_gained,read_lost,write_gained,write_lost" {
		t.Error(got)
	}
	if l := lines[1]; l[0] != "Customer" || l[3] != "Felix Braun" && l[3] != "Sofia Rossi" || l[6] != "taxNumber" || l[7] != "" {
		t.Errorf("%q", l)
	}
	for _, who := range []string{"priya", "mei", "felix"} {
		if status, _, _ := d.rows(t, who, path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", who, status)
		}
	}
}

// TestCompareDownloadGuardsNames: a name that a spreadsheet would run is no formula
// in the rows.
func TestCompareDownloadGuardsNames(t *testing.T) {
	d := anInn(t, httpd.Options{})
	for at, name := range []string{`=HYPERLINK("x")`, "@sum, 1", "+1"} {
		id := d.manage(t, "ann", `mutation{addUser(input:{email:"eve%d@inn.example",displayName:%q,password:"a long password"}){user{id}}}`, at, name).at("addUser.user.id")
		d.manage(t, "ann", `mutation{assignUser(application:"inn",user:%q,role:"clerk",permissionSet:"clerks"){user{id}}}`, id)
	}
	a := d.done(t, "ann", d.compare(t, "ann", "inn", roomsHidden))
	status, lines, _ := d.rows(t, "ann", a.at("accessDifference.download").(string))
	names := map[string]int{}
	for _, l := range lines[min(1, len(lines)):] {
		names[l[3]]++
	}
	for _, name := range []string{`'=HYPERLINK("x")`, "'@sum, 1", "'+1", "cleo", "carl"} {
		if names[name] != 3 { // guests
			t.Errorf("status %d: %d rows of %s in %v", status, names[name], name, names)
		}
	}
}

// TestExposureTakesTwoPersons is the whole story: planned, refused, approved by
// another admin, applied.
func TestExposureTakesTwoPersons(t *testing.T) {
	d := anInn(t, httpd.Options{ApproveExposure: true})
	if status, code := d.applied(t, "ben", passportsShown, ""); status == http.StatusOK || code != "FORBIDDEN" {
		t.Fatalf("without a difference: status %d, code %s", status, code)
	}
	id := d.compare(t, "ben", "inn", passportsShown)
	d.done(t, "ben", id)
	if _, code := d.applied(t, "ben", passportsShown, id); code != "FORBIDDEN" {
		t.Fatalf("without approval: %s", code)
	}
	approve := `mutation{approveDifference(id:"` + id + `"){difference{approval{by{name}}}}}`
	review := `mutation{reviewDifference(id:"` + id + `"){difference{id of}}}`
	for who, want := range map[string]string{"ben": "FORBIDDEN", "dev": "NOT_FOUND", "cleo": "NOT_FOUND"} {
		for _, m := range []string{approve, review} {
			if a := d.graphql(t, "/graphql", who, m); a.code() != want {
				t.Errorf("%s: %s: %q", who, m, a.code())
			}
		}
	}
	if a := d.graphql(t, "/graphql", "ann", approve); a.code() != "CONFLICT" {
		t.Errorf("approved without a look: %q", a.code())
	}
	theirs := d.manage(t, "ann", "%s", review).at("reviewDifference.difference.id").(string)
	if a := d.done(t, "ann", theirs); a.at("accessDifference.exposes") != true || a.at("accessDifference.of") != id {
		t.Fatal(a.Data)
	}
	if got := d.manage(t, "ann", "%s", approve).at("approveDifference.difference.approval.by.name"); got != "Ann" {
		t.Fatal(got)
	}
	if _, code := d.applied(t, "ben", passportsShown+"\n# one line more\n", id); code != "CONFLICT" {
		t.Errorf("another change: %s", code)
	}
	if _, code := d.applied(t, "dev", passportsShown, id); code != "FORBIDDEN" && code != "NOT_FOUND" {
		t.Errorf("applied by a third: %s", code)
	}
	if status, code := d.applied(t, "ben", passportsShown, id); status != http.StatusOK {
		t.Fatalf("approved: status %d, code %s", status, code)
	}
	if got := d.inInn(t, "cleo", `{guests(first:1){nodes{passport}}}`).at("guests.nodes.0.passport"); got != "CANARY" {
		t.Error(got)
	}
	if _, code := d.applied(t, "ben", passportsShown, id); code != "CONFLICT" {
		t.Errorf("applied twice: %s", code)
	}
	// Taking the mark away first is no way around it.
	if _, code := d.applied(t, "ben", strings.Replace(passportsShown, ", pii: true", "", 1), ""); code != "FORBIDDEN" {
		t.Errorf("unmarked: %s", code)
	}
}

// TestApprovalByEither: the one who approved may apply as well, by either id; not
// once people or what is shown changed since.
func TestApprovalByEither(t *testing.T) {
	d := anInn(t, httpd.Options{ApproveExposure: true})
	for _, which := range []int{0, 1} {
		id := d.compare(t, "ann", "inn", passportsShown)
		d.done(t, "ann", id)
		theirs := d.manage(t, "ben", `mutation{reviewDifference(id:"%s"){difference{id}}}`, id).at("reviewDifference.difference.id").(string)
		d.done(t, "ben", theirs)
		d.manage(t, "ben", `mutation{approveDifference(id:"%s"){difference{id}}}`, id)
		guest := d.inInn(t, "ben", `mutation{createGuest(input:{name:"D"}){guest{id}}}`).at("createGuest.guest.id")
		if _, code := d.applied(t, "ben", passportsShown, id); code != "CONFLICT" {
			t.Errorf("a guest more: %s", code)
		}
		d.inInn(t, "ben", `mutation{deleteGuest(id:"%s"){id}}`, guest)
		if status, code := d.applied(t, "ben", passportsShown, []string{id, theirs}[which]); status != http.StatusOK {
			t.Errorf("%d: status %d, code %s", which, status, code)
		}
		if status, code := d.applied(t, "ann", inn, ""); status != http.StatusOK {
			t.Fatalf("back: status %d, code %s", status, code)
		}
		if _, code := d.applied(t, "ben", passportsShown, id); code != "CONFLICT" {
			t.Errorf("approved of before definitions changed: %s", code)
		}
	}
}

// TestDataChangedSinceIsRefused: records changed between plan and apply, and with
// them what the change gives.
func TestDataChangedSinceIsRefused(t *testing.T) {
	d := anInn(t, httpd.Options{})
	id := d.compare(t, "ann", "inn", roomsHidden)
	if a := d.done(t, "ann", id); a.at("accessDifference.exposes") != false || a.at("accessDifference.outdated") != false || len(a.list("accessDifference.result.forms")) != 1 {
		t.Fatal(a.Data)
	}
	d.inInn(t, "ann", `mutation{createKey(input:{door:"front"}){key{id}}}`) // of no consequence
	if a := d.done(t, "ann", id); a.at("accessDifference.outdated") != true {
		t.Error("a record that one sees was changed, and the difference is not called outdated")
	}
	guest := d.inInn(t, "ann", `mutation{createGuest(input:{name:"D"}){guest{id}}}`).at("createGuest.guest.id")
	if _, code := d.applied(t, "ann", roomsHidden, id); code != "CONFLICT" {
		t.Fatalf("data changed: %s", code)
	}
	d.inInn(t, "ann", `mutation{deleteGuest(id:"%s"){id}}`, guest)
	if status, code := d.applied(t, "ann", roomsHidden, id); status != http.StatusOK {
		t.Fatalf("what was shown holds again: status %d, code %s", status, code)
	}
}

// asking is graphql of the management API with variables.
func (d *demoServer) asking(t *testing.T, who, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return d.send(t, http.MethodPost, "/graphql", who, "application/json", body)
}
