package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOrigins is what pages of other sites may do: nothing, unless their origin
// is named, and then what any client may.
func TestOrigins(t *testing.T) {
	s := newShop(t)
	h, err := Origins(s.g, []string{"https://app.example", "http://localhost:5173"})
	s.must(err)
	for _, c := range []struct {
		method, origin string
		status         int
		allowed        string
	}{
		{"POST", "", 200, ""},
		{"POST", "https://app.example", 200, "https://app.example"},
		{"POST", "http://localhost:5173", 200, "http://localhost:5173"},
		{"OPTIONS", "https://app.example", 204, "https://app.example"},
		{"POST", "https://evil.example", 403, ""},
		{"OPTIONS", "https://evil.example", 403, ""},
		{"POST", "null", 403, ""},
		{"OPTIONS", "null", 403, ""},
		{"POST", "http://app.example", 403, ""},
		{"POST", "https://app.example.evil.example", 403, ""},
		{"POST", "https://APP.example", 403, ""},
	} {
		r := httptest.NewRequest(c.method, "/apps/sales/graphql", strings.NewReader(`{"query":"{__typename}"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.tokens["ann"])
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		if c.method == "OPTIONS" {
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Del("Authorization")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header()
		if w.Code != c.status || got.Get("Access-Control-Allow-Origin") != c.allowed || got.Get("Vary") != "Origin" || got.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %q: %d %v", c.method, c.origin, w.Code, got)
		}
		if headers := got.Get("Access-Control-Allow-Headers"); (c.status == 204) != strings.Contains(headers, "Authorization") {
			t.Errorf("%s %q: allows the headers %q", c.method, c.origin, headers)
		}
	}
	for _, bad := range []string{"*", "app.example", "https://app.example/", "https://app.example/x", "ftp://app.example", "null", "https://", "https://APP.example", "https://a@app.example"} {
		if _, err := Origins(s.g, []string{bad}); err == nil {
			t.Errorf("%s is taken as an origin", bad)
		}
	}
	if same, err := Origins(s.g, nil); err != nil || same != http.Handler(s.g) {
		t.Error("without origins the handler is another")
	}
}
