package gateway

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sluice/engine"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// exports are the export routes of a shop.
func (s *shop) exports() *Exports {
	s.t.Helper()
	x, err := NewExports(ExportOptions{Engine: s.e, Directory: s.d})
	s.must(err)
	return x
}

// stock adds orders: 600 are three times what is exported at once.
func (s *shop) stock(n int) {
	s.t.Helper()
	for ; n > 0; n -= 200 {
		s.must(s.e.Write(s.t.Context(), s.as["sue"], "sales", "stock", func(op *engine.Op) error {
			f, _ := op.Application().Form("Order")
			title, _ := f.Field("title")
			for i := range min(n, 200) {
				if _, err := op.Create(f.Number, map[uint32]record.Value{title.Number: record.String(fmt.Sprint("order ", n-i))}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// partWriter is a ResponseWriter that does something behind the first part.
type partWriter struct {
	http.ResponseWriter
	after     func() error
	parts     int
	deadlines []time.Time
}

func (m *partWriter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m *partWriter) SetWriteDeadline(t time.Time) error {
	m.deadlines = append(m.deadlines, t)
	return http.NewResponseController(m.ResponseWriter).SetWriteDeadline(t)
}

func (m *partWriter) Write(b []byte) (int, error) {
	n, err := m.ResponseWriter.Write(b)
	if m.parts++; m.parts == 1 && err == nil && m.after != nil {
		err = m.after()
	}
	return n, err
}

// download asks a real server for orders and returns what came, also of a
// transfer that breaks off.
func (s *shop) download(h http.Handler, who, query string) (resp *http.Response, body string, err error) {
	s.t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, srv.URL+"/apps/sales/export/Order"+query, nil)
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	resp, err = srv.Client().Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// TestP5ExportBreaksOff: what ends an export in its middle cuts the connection:
// the client gets an error and no trailer, never a short file that looks whole.
func TestP5ExportBreaksOff(t *testing.T) {
	for name, after := range map[string]func(s *shop) error{
		"signed out": func(s *shop) error { return s.d.SignOut(t.Context(), s.as["sue"]) },
		"rights changed": func(s *shop) error {
			return s.d.Unassign(t.Context(), s.as["sue"], s.ids["bob"], "sales")
		},
		"slow client": func(*shop) error { return os.ErrDeadlineExceeded },
	} {
		for _, format := range []string{"csv", "ndjson"} {
			t.Run(name+" "+format, func(t *testing.T) {
				s := newShop(t)
				s.stock(600)
				x := s.exports()
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					x.ServeHTTP(&partWriter{ResponseWriter: w, after: func() error { return after(s) }}, r)
				})
				resp, body, err := s.download(h, "sue", "?format="+format)
				if resp.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || resp.Trailer.Get(RowsTrailer) != "" {
					t.Errorf("status %d, error %v, trailer %v", resp.StatusCode, err, resp.Trailer)
				}
				if n := strings.Count(body, "order "); n > 256 {
					t.Errorf("%d records arrived after the rights had ended", n)
				}
				if x.slots.all != 0 {
					t.Error("its place is not given back")
				}
			})
		}
	}
}

// TestExportSetsItsDeadlines: each part and the end have their own, so that a short timeout of
// the server does not cut an export off and a client that stands still is left.
func TestExportSetsItsDeadlines(t *testing.T) {
	s := newShop(t)
	s.stock(600)
	m := &partWriter{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.ResponseWriter = w
		s.exports().ServeHTTP(m, r)
	}))
	srv.Config.WriteTimeout = time.Nanosecond
	srv.Start()
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/apps/sales/export/Order", nil)
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+s.tokens["sue"])
	resp, err := srv.Client().Do(r)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	rows, err := csv.NewReader(resp.Body).ReadAll()
	s.must(err)
	if len(rows) != 601 || resp.Trailer.Get(RowsTrailer) != "600" {
		t.Errorf("%d lines, trailer %q", len(rows), resp.Trailer.Get(RowsTrailer))
	}
	if m.parts < 3 || len(m.deadlines) != m.parts+1 {
		t.Errorf("%d parts with %d deadlines", m.parts, len(m.deadlines))
	}
	for _, d := range m.deadlines {
		if d.IsZero() || time.Until(d) > pageTime {
			t.Errorf("deadline %v", d)
		}
	}
}

// TestExportsAtATime: one more than the limit is refused, with nothing sent.
func TestExportsAtATime(t *testing.T) {
	s := newShop(t)
	x := s.exports()
	for range maxTenant {
		x.slots.take(s.tenant)
	}
	if resp, body, err := s.download(x, "sue", ""); err != nil || resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, "LIMIT_EXCEEDED") {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
	if resp, body, err := s.download(x, "zoe", ""); err != nil || resp.StatusCode != http.StatusOK || resp.Trailer.Get(RowsTrailer) != "0" ||
		body != "title,quantity,amount,due,status,serial,reviewer,customer\r\n" {
		t.Errorf("another organization: %d %q %v", resp.StatusCode, body, err)
	}
	x.slots.give(s.tenant)
	if resp, _, err := s.download(x, "sue", ""); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("with a free place: %d %v", resp.StatusCode, err)
	}
	if x.slots.take(identity.Tenant{}); x.slots.all != maxTenant {
		t.Errorf("%d places are taken", x.slots.all)
	}
}

// TestExportNeedsHTTP11: without chunks nobody could see whether it is whole.
func TestExportNeedsHTTP11(t *testing.T) {
	s := newShop(t)
	r := httptest.NewRequest(http.MethodGet, "/apps/sales/export/Order", nil)
	r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	r.Header.Set("Authorization", "Bearer "+s.tokens["sue"])
	w := httptest.NewRecorder()
	s.exports().ServeHTTP(w, r)
	if w.Code != http.StatusHTTPVersionNotSupported {
		t.Errorf("status %d", w.Code)
	}
}

// TestExportGuardsTexts: what a spreadsheet would run is guarded, numbers are
// not, and quotes and line breaks stay what they are.
func TestExportGuardsTexts(t *testing.T) {
	s := newShop(t)
	for _, title := range []string{"=1+1", "+49", "-1", "@x", "\tx", "'=x", "a \"b\", c", "two\nlines", " padded "} {
		s.create("sue", title)
	}
	s.ask("sue", `mutation{createOrder(input:{title:"number",quantity:-3,amount:"-1.50"}){id}}`, nil)
	_, body, err := s.download(s.exports(), "sue", "?columns=title,quantity,amount,serial&null=NULL")
	s.must(err)
	for _, line := range []string{
		"title,quantity,amount,serial", "'=1+1,3,0.00,NULL", "'+49,3,0.00,NULL", "'-1,3,0.00,NULL", "'@x,3,0.00,NULL", "'\tx,3,0.00,NULL", "''=x,3,0.00,NULL",
		`"a ""b"", c",3,0.00,NULL`, "\"two\nlines\",3,0.00,NULL", `" padded ",3,0.00,NULL`, "number,-3,-1.50,NULL",
	} {
		if !strings.Contains("\r\n"+body, "\r\n"+line+"\r\n") {
			t.Errorf("no line %q in\n%s", line, body)
		}
	}
	_, body, err = s.download(s.exports(), "sue", "?columns=serial")
	s.must(err)
	if rows, err := csv.NewReader(strings.NewReader(body)).ReadAll(); err != nil || len(rows) != 11 {
		t.Errorf("records of one empty cell: %d lines, %v", len(rows), err)
	}
}

// TestB7ExportOfLookupsOutOfReach: a lookup to a record that the viewer does not
// reach is empty, and so is what lies behind it (L1); a filter through it finds
// nothing; a lookup to a form that they cannot view is no column.
func TestB7ExportOfLookupsOutOfReach(t *testing.T) {
	s := newShop(t)
	s.apply("sue", strings.NewReplacer(
		"lines: [VIEW, EDIT, DELETE], openOrders", "lines: [VIEW, EDIT, DELETE, EXPORT], openOrders",
		"orders: [VIEW, EDIT], lines", "orders: [VIEW, EDIT, EXPORT], lines",
		"reports: {orders: [VIEW, EDIT]}", "reports: {orders: [VIEW, EDIT, EXPORT]}",
	).Replace(shopDefinition))
	link := func(order, name, who string) {
		s.t.Helper()
		data := s.ask(who, `mutation($n:String!){createCustomer(input:{name:$n}){id}}`, map[string]any{"n": name})
		id := strings.Split(data, `"`)[5]
		s.ask("sue", `mutation($o:ID!,$c:ID!){updateOrder(id:$o,input:{customer:$c}){id}}`, map[string]any{"o": order, "c": id})
	}
	link(s.create("ann", "far"), "Hidden Inc", "sue")
	link(s.create("ann", "near"), "Mine Ltd", "ann")
	s.create("sue", "another's")
	x := s.exports()
	_, body, err := s.download(x, "ann", "?columns=title,customer.name,customer&orderBy=title")
	s.must(err)
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	s.must(err)
	if len(rows) != 3 || rows[1][0] != "far" || rows[1][1]+rows[1][2] != "" || rows[2][1] != "Mine Ltd" || len(rows[2][2]) != 36 {
		t.Errorf("ann exports %q", rows)
	}
	_, body, err = s.download(x, "ann", "?columns=title&where="+url.QueryEscape(`{"customer":{"name":{"startsWith":"Hidden"}}}`))
	s.must(err)
	if body != "title\r\n" {
		t.Errorf("a filter through it finds %q", body)
	}
	for _, q := range []string{"?columns=title,customer", "?columns=customer.name", "?where=" + url.QueryEscape(`{"customer":{"isNull":true}}`)} {
		if resp, body, err := s.download(x, "bob", q); err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s %v", q, resp.StatusCode, body, err)
		}
	}
	if _, body, err = s.download(x, "bob", ""); err != nil || strings.Contains(body, "customer") || strings.Contains(body, "amount") {
		t.Errorf("bob exports %q %v", body, err)
	}
}
