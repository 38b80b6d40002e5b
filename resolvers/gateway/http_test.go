package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHTTP is a table of what GraphQL over HTTP says about requests and answers.
func TestHTTP(t *testing.T) {
	s := newShop(t)
	const query = `{"query":"{__typename}"}`
	const data = `{"data":{"__typename":"Query"}}`
	for _, c := range []struct {
		name, method, content, accept, body string
		status                              int
		want                                string // of the body, or its code
		media                               string
	}{
		{"plain", "POST", "application/json", "", query, 200, data, mediaJSON},
		{"charset", "POST", "application/json; charset=UTF-8", "", query, 200, data, mediaJSON},
		{"newer media type", "POST", "application/json", mediaGraphQL, query, 200, data, mediaGraphQL},
		{"both, newer first", "POST", "application/json", mediaGraphQL + ", " + mediaJSON, query, 200, data, mediaGraphQL},
		{"both, older preferred", "POST", "application/json", mediaGraphQL + ";q=0.5, " + mediaJSON, query, 200, data, mediaJSON},
		{"anything", "POST", "application/json", "*/*", query, 200, data, mediaJSON},
		{"anything of application", "POST", "application/json", "application/*", query, 200, data, mediaJSON},
		{"newer, or anything", "POST", "application/json", "*/*, " + mediaGraphQL, query, 200, data, mediaGraphQL},
		{"newer, or anything less", "POST", "application/json", mediaGraphQL + ", */*;q=0.1", query, 200, data, mediaGraphQL},
		{"anything but older", "POST", "application/json", "application/json;q=0, */*", query, 200, data, mediaGraphQL},
		{"older by wildcard", "POST", "application/json", mediaGraphQL + ";q=0.2, application/*;q=0.7", query, 200, data, mediaJSON},
		{"both, older first", "POST", "application/json", mediaJSON + ", " + mediaGraphQL, query, 200, data, mediaJSON},
		{"newer with charset", "POST", "application/json", mediaGraphQL + "; charset=utf-8, " + mediaJSON + "; charset=utf-8;q=0.9", query, 200, data, mediaGraphQL},
		{"another charset", "POST", "application/json", mediaJSON + "; charset=latin1", query, 406, "BAD_USER_INPUT", mediaJSON},
		{"a weight that is none", "POST", "application/json", mediaJSON + ";q=NaN, " + mediaGraphQL + ";q=2", query, 406, "BAD_USER_INPUT", mediaJSON},
		{"neither", "POST", "application/json", "text/html", query, 406, "BAD_USER_INPUT", mediaJSON},
		{"refused with q=0", "POST", "application/json", "application/json;q=0", query, 406, "BAD_USER_INPUT", mediaJSON},
		{"GET", "GET", "", "", "", 400, "BAD_USER_INPUT", mediaJSON},
		{"PUT", "PUT", "application/json", "", query, 405, "BAD_USER_INPUT", mediaJSON},
		{"HEAD", "HEAD", "", "", "", 405, "BAD_USER_INPUT", mediaJSON},
		{"form", "POST", "application/x-www-form-urlencoded", "", "query={__typename}", 415, "BAD_USER_INPUT", mediaJSON},
		{"multipart", "POST", "multipart/form-data; boundary=x", "", query, 415, "BAD_USER_INPUT", mediaJSON},
		{"text", "POST", "text/plain", "", query, 415, "BAD_USER_INPUT", mediaJSON},
		{"graphql", "POST", "application/graphql", "", "{__typename}", 415, "BAD_USER_INPUT", mediaJSON},
		{"no content type", "POST", "", "", query, 415, "BAD_USER_INPUT", mediaJSON},
		{"other charset", "POST", "application/json; charset=utf-16", "", query, 415, "BAD_USER_INPUT", mediaJSON},
		{"empty", "POST", "application/json", "", "", 400, "BAD_USER_INPUT", mediaJSON},
		{"not JSON", "POST", "application/json", mediaGraphQL, "{", 400, "BAD_USER_INPUT", mediaGraphQL},
		{"list", "POST", "application/json", "", "[" + query + "]", 400, "BAD_USER_INPUT", mediaJSON},
		{"two values", "POST", "application/json", "", query + query, 400, "BAD_USER_INPUT", mediaJSON},
		{"not UTF-8", "POST", "application/json", "", "{\"query\":\"{a:__typename} # \xff\"}", 400, "BAD_USER_INPUT", mediaJSON},
		{"no query", "POST", "application/json", "", `{"variables":{}}`, 400, "BAD_USER_INPUT", mediaJSON},
		{"null query", "POST", "application/json", "", `{"query":null}`, 400, "BAD_USER_INPUT", mediaJSON},
		{"query of a wrong type", "POST", "application/json", "", `{"query":5}`, 400, "BAD_USER_INPUT", mediaJSON},
		{"variables of a wrong type", "POST", "application/json", "", `{"query":"{__typename}","variables":[]}`, 400, "BAD_USER_INPUT", mediaJSON},
		{"extensions of a wrong type", "POST", "application/json", "", `{"query":"{__typename}","extensions":"x"}`, 400, "BAD_USER_INPUT", mediaJSON},
		{"nulls", "POST", "application/json", "", `{"query":"{__typename}","variables":null,"operationName":null,"extensions":null,"x":1}`, 200, data, mediaJSON},
		{"too large", "POST", "application/json", "", `{"query":"{__typename}","x":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "LIMIT_EXCEEDED", mediaJSON},
		{"unparsable, older", "POST", "application/json", "", `{"query":"{"}`, 200, "BAD_USER_INPUT", mediaJSON},
		{"unparsable, newer", "POST", "application/json", mediaGraphQL, `{"query":"{"}`, 400, "BAD_USER_INPUT", mediaGraphQL},
		{"invalid, newer", "POST", "application/json", mediaGraphQL, `{"query":"{nothing}"}`, 400, "BAD_USER_INPUT", mediaGraphQL},
		{"faulty variable, newer", "POST", "application/json", mediaGraphQL, `{"query":"query($n:Int!){orders(first:$n){totalCount}}"}`, 400, "BAD_USER_INPUT", mediaGraphQL},
		{"field error, newer", "POST", "application/json", mediaGraphQL, `{"query":"{orders(first:-1){totalCount}}"}`, 200, "BAD_USER_INPUT", mediaGraphQL},
		{"no operation", "POST", "application/json", "", `{"query":"fragment F on Order{id}"}`, 200, "BAD_USER_INPUT", mediaJSON},
		{"which operation", "POST", "application/json", "", `{"query":"query A{__typename} query B{__typename}"}`, 200, "BAD_USER_INPUT", mediaJSON},
		{"that operation", "POST", "application/json", "", `{"query":"query A{a:__typename} query B{__typename}","operationName":"B"}`, 200, data, mediaJSON},
		{"no such operation", "POST", "application/json", "", `{"query":"query A{__typename}","operationName":"B"}`, 200, "BAD_USER_INPUT", mediaJSON},
		{"too costly", "POST", "application/json", "", `{"query":"{orders(first:1000){nodes{lines(first:1000){nodes{id}}}}}"}`, 200, "LIMIT_EXCEEDED", mediaJSON},
		{"subscription", "POST", "application/json", "", `{"query":"subscription{orderChanges{id}}"}`, 200, "BAD_USER_INPUT", mediaJSON},
	} {
		r := httptest.NewRequest(c.method, "/apps/sales/graphql", strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer "+s.tokens["ann"])
		for k, v := range map[string]string{"Content-Type": c.content, "Accept": c.accept} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		w := httptest.NewRecorder()
		s.g.ServeHTTP(w, r)
		if got := codeOrBody(w.Body.Bytes()); w.Code != c.status || got != c.want {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		h := w.Header()
		if h.Get("Content-Type") != c.media+"; charset=utf-8" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", c.name, h)
		}
	}
	if len(s.failed)+len(s.panicks) > 0 {
		t.Error(s.failed, s.panicks)
	}
}

// codeOrBody is the code of the first error, or the body of an answer without.
func codeOrBody(body []byte) string {
	var out struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if json.Unmarshal(body, &out) == nil && len(out.Errors) > 0 {
		return out.Errors[0].Extensions.Code
	}
	return string(body)
}

// TestCrossSite is the matrix of what a browser sends for its own and for other
// sites: only requests of the own site, and of clients that are no browsers, get
// through, and of those only JSON.
func TestCrossSite(t *testing.T) {
	s := newShop(t)
	for _, origin := range []string{"", "http://example.com", "https://evil.example", "null"} {
		for _, site := range []string{"", "same-origin", "same-site", "cross-site", "none"} {
			for _, content := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
				w := s.send("ann", "sales", []byte(`{"query":"mutation{createOrder(input:{title:\"x\"}){id}}"}`),
					map[string]string{"Origin": origin, "Sec-Fetch-Site": site, "Content-Type": content})
				own := site == "same-origin" || site == "none" || site == "" && (origin == "" || origin == "http://example.com")
				want := http.StatusOK
				switch {
				case !own:
					want = http.StatusForbidden
				case content != "application/json":
					want = http.StatusUnsupportedMediaType
				}
				if w.Code != want {
					t.Errorf("origin %q, site %q, %s: %d, want %d", origin, site, content, w.Code, want)
				}
			}
		}
	}
}

// TestBodiesAreNotEchoed sends malformed bodies with a mark in them.
func TestBodiesAreNotEchoed(t *testing.T) {
	s := newShop(t)
	for _, body := range []string{`{"query":"{__typename}","variables":"MARK"}`, `{"MARK":`, `MARK`, `{"query":{"MARK":1}}`} {
		if w := s.send("ann", "sales", []byte(body), nil); strings.Contains(w.Body.String(), "MARK") {
			t.Errorf("%s: %s", body, w.Body)
		}
	}
}

// FuzzBody sends anything: an answer in JSON, never a fault of ours.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"query":"{orders{nodes{id title customer{name}}}}"}`,
		`{"query":"query($w:OrderFilter){orders(where:$w){totalCount}}","variables":{"w":{"title":{"eq":"x"}}}}`,
		`{"query":"mutation($i:CreateOrderInput!){createOrder(input:$i){id}}","variables":{"i":{"title":"t"}},"operationName":"A"}`,
		`[{"query":"{__typename}"}]`, `{"query":"{__schema{types{name}}}","extensions":{"persistedQuery":{"version":1}}}`,
	} {
		f.Add([]byte(body))
	}
	s := newShop(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := s.send("ann", "sales", body, nil)
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) || strings.Contains(w.Body.String(), "INTERNAL") || len(s.panicks) > 0 {
			t.Fatalf("%d %s %v", w.Code, w.Body, s.failed)
		}
	})
}

func BenchmarkPost50x6(b *testing.B) {
	s := newShop(b)
	for range 50 {
		s.create("ann", "An order")
	}
	body := []byte(`{"query":"{orders{nodes{id title quantity amount due status}}}"}`)
	b.ReportAllocs()
	for b.Loop() {
		if w := s.send("ann", "sales", body, nil); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
