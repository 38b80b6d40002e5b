package main

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/resolvers/gateway"
)

// formsOf the demo, with the fields that list them.
var formsOf = map[string]string{
	"Customer": "customers", "Product": "products", "Order": "orders", "OrderLine": "orderLines",
	"Assignment": "assignments", "Supplier": "suppliers", "DistributionArea": "distributionAreas",
}

// counted is how many records of a form a persona counts; none where the form is
// not in their schema.
func (d *demoServer) counted(t *testing.T, who, form string) int {
	t.Helper()
	a := d.as(t, who, `{%s{totalCount}}`, formsOf[form])
	if len(a.Errors) > 0 {
		return 0
	}
	return a.count(formsOf[form] + ".totalCount")
}

// TestP10WhoCanSeeIsWhoGetsIt: the people who can see a record are those to whom
// a query gives it, and those who can read a cell those to whom a query shows it.
func TestP10WhoCanSeeIsWhoGetsIt(t *testing.T) {
	d := theDemo(t)
	customer := d.ok(t, "nora", `{customers(first:1){nodes{id}}}`).at("customers.nodes.0.id").(string)
	personas := map[string]string{}
	for who := range d.tokens {
		if a := d.as(t, who, `{me{id}}`); len(a.Errors) == 0 {
			personas[who] = a.at("me.id").(string)
		}
	}
	for _, field := range []string{"", "phone", "taxNumber", "name"} {
		argument := ""
		if field != "" {
			argument = ` field:"` + field + `"`
		}
		a := d.manage(t, "mei", `{whoCanSee(application:"sales" form:"Customer" record:%q%s){totalCount maskedCount withoutFieldCount nodes{id displayName kind actions masked reason{text statement name}}}}`, customer, argument)
		masked := map[string]bool{}
		for _, n := range a.list("whoCanSee.nodes") {
			n := n.(map[string]any)
			masked[n["id"].(string)] = n["masked"].(bool)
			if n["reason"].(map[string]any)["text"] == "" || len(n["actions"].([]any)) == 0 || n["displayName"] == "" {
				t.Errorf("%v", n)
			}
		}
		if len(masked) != a.count("whoCanSee.totalCount") || len(masked) < 5 {
			t.Fatalf("%d of %v", len(masked), a.at("whoCanSee.totalCount"))
		}
		for who, id := range personas {
			select_ := field
			if field == "" {
				select_ = "id"
			}
			b := d.as(t, who, `{customer(id:%q){%s}}`, customer, select_)
			gets := len(b.Errors) == 0 && b.at("customer") != nil
			covered, listed := masked[id]
			if gets != listed {
				t.Errorf("%s gets %q: %v, listed %v", who, field, gets, listed)
			}
			if covered && b.at("customer."+field) != nil {
				t.Errorf("%s reads %s, which is said to be masked", who, field)
			}
		}
	}
}

// TestP10WhatCanSeeIsWhatIsCounted: the numbers are those that the person counts.
func TestP10WhatCanSeeIsWhatIsCounted(t *testing.T) {
	d := theDemo(t)
	for _, who := range []string{"marta", "ravi", "nora", "felix", "omar", "mei"} {
		a := d.manage(t, "jonas", `{whatCanSee(application:"sales" user:%q){displayName kind role permissionSet pages forms{form records{view edit} readable masked hidden reports reasons{text} samples{id title}}}}`, d.id(t, who))
		forms := a.list("whatCanSee.forms")
		if len(forms) != len(formsOf) {
			t.Fatalf("%s: %v", who, forms)
		}
		for _, f := range forms {
			f := f.(map[string]any)
			name := f["form"].(string)
			n := int(f["records"].(map[string]any)["view"].(float64))
			if want := d.counted(t, who, name); n != want || len(f["samples"].([]any)) != min(3, want) {
				t.Errorf("%s: %s: %v, %d are counted", who, name, f, want)
			}
			if (len(f["reasons"].([]any)) > 0) != (len(f["readable"].([]any)) > 0) {
				t.Errorf("%s: %v", who, f)
			}
		}
	}
}

// review downloads the table.
func (d *demoServer) review(t *testing.T, who, extension string) (exported, [][]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/apps/sales/access-review."+extension, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.tokens[who])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := csv.NewReader(resp.Body).ReadAll()
	if extension == "csv" && err != nil {
		t.Fatal(err)
	}
	return exported{status: resp.StatusCode, header: resp.Header, rows: resp.Trailer.Get(gateway.RowsTrailer)}, all
}

// TestP10AccessReviewIsTheSameNumbers: a row for each person and form, whole only
// with its trailer, with what the other questions say, and in JSON the same.
func TestP10AccessReviewIsTheSameNumbers(t *testing.T) {
	d := theDemo(t)
	x, rows := d.review(t, "jonas", "csv")
	if x.status != http.StatusOK || x.rows != strconv.Itoa(len(rows)-1) || x.header.Get("Sluice-Expected-Rows") != x.rows {
		t.Fatalf("%d, %d rows, trailer %q, %v", x.status, len(rows)-1, x.rows, x.header)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	seen := map[string]int{}
	for _, row := range rows[1:] {
		seen[column(row, "person")]++
		if strings.Contains(strings.Join(row, " "), "@") {
			t.Errorf("an address: %q", row)
		}
	}
	for _, who := range []string{"felix", "ravi", "nora", "priya"} {
		id := d.id(t, who)
		if seen[id] != len(formsOf) {
			t.Errorf("%s has %d rows", who, seen[id])
		}
		for _, row := range rows[1:] {
			if column(row, "person") != id {
				continue
			}
			if got, want := column(row, "visible"), d.counted(t, who, column(row, "form")); got != strconv.Itoa(want) {
				t.Errorf("%s: %q, %d are counted", who, row, want)
			}
			if column(row, "form") != "Customer" {
				continue
			}
			personal := column(row, "personalFields")
			if (column(row, "personalData") == "yes") != (personal != "") || who == "felix" == strings.Contains(personal, "taxNumber") {
				t.Errorf("%s: %q", who, row)
			}
		}
	}
	var whole struct {
		Rows []struct {
			Person, Form string
			Visible      int
		}
		Complete int
	}
	status, b := d.do(t, call{method: http.MethodGet, path: "/apps/sales/access-review.json", token: d.tokens["jonas"]})
	if err := json.Unmarshal(b, &whole); err != nil || status != http.StatusOK || whole.Complete != len(rows)-1 || len(whole.Rows) != whole.Complete {
		t.Fatalf("%d %v: %d of %d", status, err, len(whole.Rows), whole.Complete)
	}
	for i, row := range rows[1:] {
		if w := whole.Rows[i]; w.Person != column(row, "person") || w.Form != column(row, "form") || strconv.Itoa(w.Visible) != column(row, "visible") {
			t.Fatalf("%+v and %q", w, row)
		}
	}
}

// TestP10ReviewOfHiddenRecords: what an admin hides is in no list, sample or
// number for other askers, and cannot be told from what is absent.
func TestP10ReviewOfHiddenRecords(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	id := d.ok(t, "vera", `mutation{createCustomer(input:{name:"Hidden House" region:"EMEA"}){customer{id}}}`).at("createCustomer.customer.id").(string)
	ask := func(who, record string) string {
		return d.answerText(t, managePath, who, `{whoCanSee(application:"sales" form:"Customer" record:"@"){totalCount}}`, map[string]string{"@": record})
	}
	what := func(who, of string) int {
		return d.manage(t, who, `{whatCanSee(application:"sales" user:%q form:"Customer"){forms{records{view}}}}`, of).count("whatCanSee.forms.0.records.view")
	}
	before := what("jonas", vera)
	d.hide(t, "vera", "Customer", `{name:{eq:"Hidden House"}}`)
	for _, who := range []string{"jonas", "mei", "priya"} {
		if got, none := ask(who, id), ask(who, nobody); strings.ReplaceAll(got, id, nobody) != none || !strings.Contains(none, "NOT_FOUND") {
			t.Errorf("%s: hidden %s, absent %s", who, got, none)
		}
		if n := what(who, vera); n != before-1 || n != d.counted(t, who, "Customer") {
			t.Errorf("%s is told that vera sees %d customers, %d before she hid one", who, n, before)
		}
	}
	if a := d.manage(t, "vera", `{whoCanSee(application:"sales" form:"Customer" record:%q){totalCount nodes{id}}}`, id); a.count("whoCanSee.totalCount") != 1 || a.at("whoCanSee.nodes.0.id") != vera {
		t.Errorf("vera is told %v", a.Data)
	}
	if n := what("vera", vera); n != before {
		t.Errorf("vera sees %d of her own, want %d", n, before)
	}
}

// TestP10ReviewIsForHoldersOfTheTool: nobody else learns anything, and who was
// taken the tool neither.
func TestP10ReviewIsForHoldersOfTheTool(t *testing.T) {
	d := theDemo(t)
	customer := d.ok(t, "priya", `{customers(first:1){nodes{id}}}`).at("customers.nodes.0.id")
	refused := func(who, code string) {
		t.Helper()
		for _, q := range []string{`{whoCanSee(application:"sales" form:"Customer" record:"` + customer.(string) + `"){totalCount}}`, `{whatCanSee(application:"sales" user:"` + d.id(t, "ravi") + `"){id}}`} {
			if a := d.graphql(t, managePath, who, q); a.code() != code {
				t.Errorf("%s: %+v", who, a)
			}
		}
		if status, b := d.do(t, call{method: http.MethodGet, path: "/apps/sales/access-review.csv", token: d.tokens[who]}); !strings.Contains(string(b), code) || status < 400 {
			t.Errorf("%s downloads: %d %s", who, status, b)
		}
	}
	for _, who := range []string{"marta", "felix", "omar"} {
		refused(who, "FORBIDDEN")
	}
	mei := d.id(t, "mei")
	d.manage(t, "priya", `mutation{revokeTools(application:"sales" user:%q tools:[REVIEW]){user{id}}}`, mei)
	t.Cleanup(func() {
		d.manage(t, "priya", `mutation{grantTools(application:"sales" user:%q tools:[REVIEW]){user{id}}}`, mei)
	})
	refused("mei", "FORBIDDEN")
}
