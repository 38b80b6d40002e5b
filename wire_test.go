package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/httpd"
	"sluice/storage/memstore"
)

// over sends a request as it is, without what a client would add or undo.
func (d *demoServer) over(t *testing.T, who, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.tokens[who])
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(from); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// TestWireSchemaIsKept: the schema comes compressed to who takes it, has one tag
// either way, and is not sent again to who has it.
func TestWireSchemaIsKept(t *testing.T) {
	d := theDemo(t)
	for _, path := range []string{"/apps/sales/schema.graphql", "/apps/sales/schema.json"} {
		plain, text := d.over(t, "ravi", "GET", path, "")
		packed, same := d.over(t, "ravi", "GET", path, "", "Accept-Encoding", "br, gzip")
		if plain.StatusCode != http.StatusOK || text != same || packed.Header.Get("Content-Encoding") != "gzip" ||
			packed.ContentLength <= 0 || packed.ContentLength > plain.ContentLength/4 || plain.Header.Get("ETag") != packed.Header.Get("ETag") {
			t.Errorf("%s: %v %v", path, plain.Header, packed.Header)
		}
		kept, none := d.over(t, "ravi", "GET", path, "", "If-None-Match", plain.Header.Get("ETag"))
		if kept.StatusCode != http.StatusNotModified || none != "" {
			t.Errorf("%s: %d %.100s", path, kept.StatusCode, none)
		}
		other, _ := d.over(t, "felix", "GET", path, "", "If-None-Match", plain.Header.Get("ETag"))
		if other.StatusCode != http.StatusOK {
			t.Errorf("%s: felix is told that ravi's is his", path)
		}
	}
	if resp, _ := d.over(t, "ravi", "POST", "/graphql", asked(`{__schema{types{name fields{name}}}}`), "Content-Type", "application/json", "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "" {
		t.Error("the management API, which gives tokens out, is compressed")
	}
}

// TestWireOrigins: a server lets the pages of named origins in, over all of its
// addresses, and nobody else's.
func TestWireOrigins(t *testing.T) {
	runner, inspect, _, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	o := httpd.Options{Store: memstore.Open(), Rules: runner, Inspect: inspect, Origins: []string{"https://app.example"}}
	s, err := httpd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/graphql", "/apps/sales/graphql", "/apps/sales/pages/x", "/apps/sales/export/Order"} {
		for origin, want := range map[string]int{"https://app.example": http.StatusNoContent, "https://evil.example": http.StatusForbidden} {
			r := httptest.NewRequest(http.MethodOptions, path, nil)
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s from %s: %d %s", path, origin, w.Code, w.Body)
			}
		}
	}
	o.Origins = []string{"*"}
	if _, err := httpd.New(o); err == nil {
		t.Error("every origin at once is taken")
	}
}
