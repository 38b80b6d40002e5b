package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/demo"
	"sluice/resolvers/gateway"
)

// exported is the answer to an export.
type exported struct {
	status int
	header http.Header
	body   string
	rows   string // the trailer
}

func (d *demoServer) export(t *testing.T, who, method, form string, q url.Values) exported {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+"/apps/sales/export/"+form+"?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.tokens[who])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return exported{resp.StatusCode, resp.Header, string(b), resp.Trailer.Get(gateway.RowsTrailer)}
}

// taken is an export that succeeds, as cells.
func (d *demoServer) taken(t *testing.T, who, form string, q url.Values) (header []string, rows [][]string) {
	t.Helper()
	x := d.export(t, who, http.MethodGet, form, q)
	all, err := csv.NewReader(strings.NewReader(x.body)).ReadAll()
	if err != nil || x.status != http.StatusOK || len(all) == 0 {
		t.Fatalf("%s exports %s %v: status %d, %v: %.300s", who, form, q, x.status, err, x.body)
	}
	if x.rows != strconv.Itoa(len(all)-1) {
		t.Errorf("%s exports %s: %d rows, the trailer says %q", who, form, len(all)-1, x.rows)
	}
	return all[0], all[1:]
}

// TestB7ExportIsWhatTheClerkSees: all orders, with the cells of a query and
// without personal data; as lines of JSON too.
func TestB7ExportIsWhatTheClerkSees(t *testing.T) {
	d := theDemo(t)
	where := `{"status":{"eq":"open"}}`
	header, rows := d.taken(t, "felix", "Order", url.Values{
		"columns": {"id,number,amount,customer.name,salesperson,shippedAt"}, "where": {where}, "orderBy": {"amount:desc,number"},
	})
	if want := "id number amount customer.name salesperson shippedAt"; strings.Join(header, " ") != want {
		t.Errorf("header %v", header)
	}
	a := d.ok(t, "felix", `{orders(first:1000 where:{status:{eq:"open"}} orderBy:[{field:amount direction:DESC} {field:number}]){totalCount nodes{id number amount customer{name} salesperson{id} shippedAt}}}`)
	nodes := a.list("orders.nodes")
	if len(nodes) != a.count("orders.totalCount") || len(rows) != len(nodes) || len(nodes) < 100 {
		t.Fatalf("%d rows, %d listed", len(rows), len(nodes))
	}
	text := func(v any) string {
		s, _ := v.(string)
		return s
	}
	for i, n := range nodes {
		n := n.(map[string]any)
		customer, _ := n["customer"].(map[string]any)
		person, _ := n["salesperson"].(map[string]any)
		want := []string{text(n["id"]), text(n["number"]), text(n["amount"]), text(customer["name"]), text(person["id"]), text(n["shippedAt"])}
		if !slices.Equal(rows[i], want) {
			t.Fatalf("row %d: %q, the query says %q", i, rows[i], want)
		}
	}
	x := d.export(t, "felix", http.MethodGet, "Order", url.Values{"format": {"ndjson"}, "where": {where}, "columns": {"id,amount"}})
	lines := strings.Split(strings.TrimSpace(x.body), "\n")
	var first struct{ ID, Amount string }
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || first.ID == "" || len(lines) != len(nodes) || x.rows != strconv.Itoa(len(nodes)) {
		t.Errorf("%d lines, trailer %s, first %+v, %v", len(lines), x.rows, first, err)
	}
	if got := x.header.Get("Content-Type"); got != "application/x-ndjson; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
}

// TestB7ExportHidesWhatIsHidden: personal data is in no column, filter or order
// of somebody whose set hides it, and answers like a name that never existed.
func TestB7ExportHidesWhatIsHidden(t *testing.T) {
	d := theDemo(t)
	header, _ := d.taken(t, "felix", "Customer", nil)
	if slices.Contains(header, "taxNumber") || slices.Contains(header, "email") || !slices.Contains(header, "name") || slices.Contains(header, "id") {
		t.Errorf("columns %v", header)
	}
	for _, q := range []url.Values{
		{"columns": {"name,taxNumber"}}, {"where": {`{"taxNumber":{"eq":"ZY100007"}}`}}, {"where": {`{"not":{"taxNumber":{"isNull":true}}}`}},
		{"orderBy": {"taxNumber"}}, {"orderBy": {"taxNumber:desc"}},
	} {
		hidden := d.export(t, "felix", http.MethodGet, "Customer", q)
		plain := url.Values{}
		for k, v := range q {
			plain.Set(k, strings.ReplaceAll(v[0], "taxNumber", "zzz"))
		}
		unknown := d.export(t, "felix", http.MethodGet, "Customer", plain)
		if hidden.status != http.StatusBadRequest || strings.ReplaceAll(hidden.body, "taxNumber", "zzz") != unknown.body || unknown.status != hidden.status {
			t.Errorf("%v: %d %s, unknown: %d %s", q, hidden.status, hidden.body, unknown.status, unknown.body)
		}
	}
	if x := d.export(t, "felix", http.MethodGet, "Order", url.Values{"columns": {"customer.taxNumber"}}); x.status != http.StatusBadRequest {
		t.Errorf("a hidden field behind a lookup: %d %s", x.status, x.body)
	}
}

// TestB7ExportTakesTheRight: FORBIDDEN for a form that one sees, the same
// NOT_FOUND for one that one does not see and one that does not exist.
func TestB7ExportTakesTheRight(t *testing.T) {
	d := theDemo(t)
	if x := d.export(t, "ravi", http.MethodGet, "Order", nil); x.status != http.StatusForbidden || !strings.Contains(x.body, "FORBIDDEN") {
		t.Errorf("without the right: %d %s", x.status, x.body)
	}
	hidden, unknown := d.export(t, "ravi", http.MethodGet, "Supplier", nil), d.export(t, "ravi", http.MethodGet, "Zzz", nil)
	if hidden.status != http.StatusNotFound || strings.ReplaceAll(hidden.body, "Supplier", "Zzz") != unknown.body {
		t.Errorf("hidden: %d %s, unknown: %s", hidden.status, hidden.body, unknown.body)
	}
	if x := d.export(t, "", http.MethodGet, "Order", nil); x.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", x.status)
	}
}

// TestExportRefusesBadRequests: nothing of them is answered with records.
func TestExportRefusesBadRequests(t *testing.T) {
	d := theDemo(t)
	for _, c := range []struct {
		method, form string
		q            url.Values
		status       int
	}{
		{http.MethodPost, "Order", nil, http.StatusMethodNotAllowed},
		{http.MethodHead, "Order", nil, http.StatusMethodNotAllowed},
		{http.MethodDelete, "Order", nil, http.StatusMethodNotAllowed},
		{http.MethodGet, "..%2f..%2fetc%2fpasswd", nil, http.StatusNotFound},
		{http.MethodGet, "Order%0d%0aX-Evil:%201", nil, http.StatusNotFound},
		{http.MethodGet, "order", nil, http.StatusNotFound},
		{http.MethodGet, "Order", url.Values{"limit": {"1"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"format": {"xlsx"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"format": {"csv", "csv"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"columns": {""}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"columns": {"number,number"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"columns": {strings.Repeat("number,", 1000) + "number"}}, http.StatusTooManyRequests},
		{http.MethodGet, "Order", url.Values{"columns": {"customer.name.x"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"columns": {"number.name"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"where": {"{"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"where": {"null"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"where": {"{}{}"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"orderBy": {"customer"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"orderBy": {"amount:down"}}, http.StatusBadRequest},
		{http.MethodGet, "Order", url.Values{"report": {"myCustomers"}}, http.StatusNotFound},
		{http.MethodGet, "Order", url.Values{"report": {"nothing"}}, http.StatusNotFound},
		{http.MethodGet, "Order", url.Values{"null": {"=x"}}, http.StatusBadRequest},
	} {
		x := d.export(t, "priya", c.method, c.form, c.q)
		if x.status != c.status || x.header.Get("X-Evil") != "" || strings.Contains(x.body, "passwd") && !strings.Contains(x.body, "not found") || x.rows != "" {
			t.Errorf("%s %s %.60v: status %d, want %d: %.200s", c.method, c.form, c.q, x.status, c.status, x.body)
		}
	}
	x := d.export(t, "priya", http.MethodGet, "Order", url.Values{"report": {"openOrders"}})
	if got := x.header.Get("Content-Disposition"); got != `attachment; filename="Order.csv"` || !strings.HasPrefix(x.body, "number,title,customer,amount,orderDate\r\n") {
		t.Errorf("a report: %q %.80s", got, x.body)
	}
}

// TestB7ExportsAreReadBack: what is exported here and imported into another
// organization is exported there as the same bytes: nulls, empty texts, quotes,
// line breaks, and texts that a spreadsheet would run.
func TestB7ExportsAreReadBack(t *testing.T) {
	d := theDemo(t)
	for i, title := range []string{"=SUM(A1)", "'=x", "NULL", "'NULL", "a \"b\", c\nd", "+49 ", "ß€𝄞"} {
		id := d.ok(t, "priya", `mutation{createOrder(input:{number:"BACK-%d" title:%q status:null amount:"-1.50"}){id}}`, i, title).at("createOrder.id")
		t.Cleanup(func() { d.ok(t, "priya", `mutation{deleteOrder(id:%q){id}}`, id) })
	}
	d.found(t, "backup")
	admin := d.signIn(t, "backup")
	if status, b := d.do(t, call{method: http.MethodPut, path: "/definition", token: admin, contentType: "application/yaml", body: string(demo.Definition)}); status != http.StatusOK {
		t.Fatalf("%d %s", status, b)
	}
	there := &demoServer{url: d.url, tokens: map[string]string{"admin": admin}}
	for _, f := range []struct{ form, columns, order string }{
		{"Customer", "name,email,phone,taxNumber,region,city,creditLimit,segments,notes", "taxNumber"},
		{"Product", "sku,name,category,price,discontinued", "sku"},
		{"Order", "number,title,customer.taxNumber,status,amount,orderDate,shippedAt,team", "number"},
	} {
		q := url.Values{"columns": {f.columns}, "orderBy": {f.order}, "null": {"NULL"}}
		was := d.export(t, "priya", http.MethodGet, f.form, q)
		status, b := d.do(t, call{path: "/apps/sales/imports/" + f.form + "?exported=true&null=NULL", token: admin, contentType: "text/csv", body: was.body})
		if status != http.StatusOK || !strings.Contains(string(b), `"state":"DONE"`) {
			t.Fatalf("%s: import: %d %.2000s", f.form, status, b)
		}
		is := there.export(t, "admin", http.MethodGet, f.form, q)
		if is.body != was.body || is.rows != was.rows || was.rows == "0" {
			t.Errorf("%s: %s records of %d bytes became %s of %d", f.form, was.rows, len(was.body), is.rows, len(is.body))
			for i, line := range strings.Split(was.body, "\n") {
				if other := strings.Split(is.body, "\n"); i < len(other) && other[i] != line {
					t.Fatalf("line %d: %q became %q", i+1, line, other[i])
				}
			}
		}
	}
}
