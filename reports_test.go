package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// keepReport makes a report of orders and deletes it when the test ends.
func (d *demoServer) keepReport(t *testing.T, who, input string) string {
	t.Helper()
	id := d.ok(t, who, `mutation{createReportOfOrder(input:%s){id}}`, input).at("createReportOfOrder.id").(string)
	t.Cleanup(func() { d.as(t, "priya", `mutation{deleteReportOfOrder(id:%q){id}}`, id) })
	return id
}

// TestB8CreatedReports: a rep makes a report, a clerk and a manager use it, each
// over their own records, as a query and as an export.
func TestB8CreatedReports(t *testing.T) {
	d := theDemo(t)
	id := d.keepReport(t, "ravi", `{name:"Large open orders" columns:[number amount customer] orderBy:[{field:amount direction:DESC}]
		where:{status:{eq:"open"} amount:{gte:"500.00"} customer:{region:{eq:"EMEA"}}}}`)
	same := `where:{status:{eq:"open"} amount:{gte:"500.00"} customer:{region:{eq:"EMEA"}}} orderBy:[{field:amount direction:DESC}]`
	for _, who := range []string{"ravi", "marta", "felix", "priya"} {
		a := d.ok(t, who, `{report: orders(report:%q first:1000){totalCount nodes{id}} orders(first:1000 %s){totalCount nodes{id}}
			createdReports(form:"Order"){id name form columns where orderBy{field direction} maker{displayName} viewerCanUpdate}}`, id, same)
		if a.count("report.totalCount") != a.count("orders.totalCount") || len(a.list("report.nodes")) < 1 {
			t.Errorf("%s: %d in the report, %d by its filter", who, a.count("report.totalCount"), a.count("orders.totalCount"))
		}
		for i, n := range a.list("orders.nodes") {
			if a.list("report.nodes")[i].(map[string]any)["id"] != n.(map[string]any)["id"] {
				t.Fatalf("%s: record %d is another", who, i)
			}
		}
		found := false
		for _, r := range a.list("createdReports") {
			r := r.(map[string]any)
			if r["id"] != id {
				continue
			}
			found = true
			where, _ := r["where"].(map[string]any)
			if r["name"] != "Large open orders" || len(where) != 3 || r["viewerCanUpdate"] != (who == "ravi" || who == "priya") || r["maker"].(map[string]any)["displayName"] == "" {
				t.Errorf("%s: %+v", who, r)
			}
		}
		if !found {
			t.Errorf("%s: the report is not listed", who)
		}
	}
	narrowed := d.ok(t, "felix", `{all: orders(report:%q first:0){totalCount} some: orders(report:%q where:{amount:{gte:"2000.00"}} orderBy:[{field:number}] first:0){totalCount}}`, id, id)
	if all, some := narrowed.count("all.totalCount"), narrowed.count("some.totalCount"); some >= all || some < 1 {
		t.Errorf("with a filter: %d of %d", some, all)
	}
	header, rows := d.taken(t, "felix", "Order", url.Values{"report": {id}})
	if strings.Join(header, " ") != "number amount customer" || len(rows) != narrowed.count("all.totalCount") {
		t.Errorf("exported: %v, %d rows of %d", header, len(rows), narrowed.count("all.totalCount"))
	}
}

// TestB8AbsentReport: a report that names what its reader does not see answers
// like one that never was, wherever its id stands.
func TestB8AbsentReport(t *testing.T) {
	d := theDemo(t)
	id := d.keepReport(t, "marta", `{name:"By tax number" where:{customer:{taxNumber:{isNull:false}}}}`)
	for _, who := range []string{"ravi", "felix"} {
		listed := false
		for _, r := range d.ok(t, who, `{createdReports{id}}`).list("createdReports") {
			listed = listed || r.(map[string]any)["id"] == id
		}
		if listed != (who == "ravi") {
			t.Errorf("%s: listed %v", who, listed)
		}
	}
	for _, q := range []string{
		`{orders(report:%q){totalCount}}`, `mutation{updateReportOfOrder(id:%q input:{name:"Mine"}){id}}`, `mutation{deleteReportOfOrder(id:%q){id}}`,
	} {
		hidden, absent := d.as(t, "felix", q, id), d.as(t, "felix", q, nobody)
		if hidden.code() != "NOT_FOUND" || absent.code() != "NOT_FOUND" || hidden.Errors[0].Message != absent.Errors[0].Message {
			t.Errorf("%s: %+v, of none %+v", q, hidden, absent)
		}
	}
	hidden := d.export(t, "felix", http.MethodGet, "Order", url.Values{"report": {id}})
	absent := d.export(t, "felix", http.MethodGet, "Order", url.Values{"report": {nobody}})
	if hidden.status != http.StatusNotFound || hidden.body != absent.body {
		t.Errorf("export: %d %s, of none %s", hidden.status, hidden.body, absent.body)
	}
}

// TestB8ReportsTakeTheRight: without CREATE_REPORT there is no such mutation, a
// foreign report is FORBIDDEN, and hidden names are none.
func TestB8ReportsTakeTheRight(t *testing.T) {
	d := theDemo(t)
	id := d.keepReport(t, "ravi", `{name:"Mine"}`)
	for _, q := range []string{`mutation{updateReportOfOrder(id:%q input:{name:"Ours"}){id}}`, `mutation{deleteReportOfOrder(id:%q){id}}`} {
		if a := d.as(t, "felix", q, id); a.code() != "FORBIDDEN" {
			t.Errorf("a foreign report: %+v", a)
		}
	}
	hidden := d.as(t, "felix", `mutation{createReportOfOrder(input:{name:"x" where:{customer:{taxNumber:{isNull:true}}}}){id}}`)
	unknown := d.as(t, "felix", `mutation{createReportOfOrder(input:{name:"x" where:{customer:{zzz:{isNull:true}}}}){id}}`)
	if len(hidden.Errors) == 0 || strings.ReplaceAll(hidden.Errors[0].Message, "taxNumber", "zzz") != unknown.Errors[0].Message {
		t.Errorf("a hidden field: %+v, an unknown one: %+v", hidden, unknown)
	}
	if a := d.as(t, "felix", `mutation{createReportOfCustomer(input:{name:"x"}){id}}`); len(a.Errors) == 0 || !strings.Contains(a.Errors[0].Message, "createReportOfCustomer") {
		t.Errorf("a form without the right: %+v", a)
	}
	if a := d.as(t, "omar", `{orders(report:%q){totalCount}}`, id); len(a.Errors) == 0 {
		t.Errorf("a form that is not there: %+v", a)
	}
	if a := d.ok(t, "omar", `{createdReports{id}}`); len(a.list("createdReports")) != 0 {
		t.Errorf("omar sees %+v", a)
	}
	if a := d.as(t, "omar", `{createdReports(form:"Order"){id}}`); a.code() != "NOT_FOUND" {
		t.Errorf("reports of a form that is not there: %+v", a)
	}
}
