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
