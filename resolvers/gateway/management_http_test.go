package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
	"sluice/resolvers"
)

func TestManagementTransport(t *testing.T) {
	o := newOffice(t)
	const query = `{"query":"{ me { kind } }"}`
	cases := []struct {
		name   string
		method string
		header map[string]string
		body   string
		status int
		code   string
	}{
		{"fine", http.MethodPost, nil, query, 200, ""},
		{"newer media type", http.MethodPost, map[string]string{"Accept": "application/graphql-response+json"}, query, 200, ""},
		{"newer media type, invalid", http.MethodPost, map[string]string{"Accept": "application/graphql-response+json"}, `{"query":"{ no }"}`, 400, bad},
		{"get", http.MethodGet, nil, "", 405, bad},
		{"form", http.MethodPost, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "query=x", 415, bad},
		{"multipart", http.MethodPost, map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, "x", 415, bad},
		{"plain text", http.MethodPost, map[string]string{"Content-Type": "text/plain"}, query, 415, bad},
		{"other site", http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site"}, query, 403, forbidden},
		{"other origin", http.MethodPost, map[string]string{"Origin": "https://evil.example"}, query, 403, forbidden},
		{"not JSON", http.MethodPost, nil, "hunter2", 400, bad},
		{"a list", http.MethodPost, nil, "[" + query + "]", 400, bad},
		{"two bodies", http.MethodPost, nil, query + query, 400, bad},
		{"no query", http.MethodPost, nil, `{"variables":{}}`, 400, bad},
		{"too large a body", http.MethodPost, nil, `{"query":"` + strings.Repeat(" ", 64<<10) + `"}`, 413, graph.CodeLimitExceeded},
		{"too large a document", http.MethodPost, nil, `{"query":"{ me { kind } }` + strings.Repeat(" ", 16<<10) + `"}`, 200, graph.CodeLimitExceeded},
		{"too many tokens", http.MethodPost, nil, `{"query":"{` + strings.Repeat(" me", 2000) + `}"}`, 200, graph.CodeLimitExceeded},
		{"unknown operation", http.MethodPost, nil, `{"query":"query A { me { kind } }","operationName":"B"}`, 200, bad},
		{"variable of a wrong type", http.MethodPost, nil, `{"query":"query($n: Int!) { users(first: $n) { nodes { id } } }","variables":{"n":"hunter2"}}`, 200, bad},
		{"no token", http.MethodPost, map[string]string{"Authorization": ""}, query, 401, unauthenticated},
		{"wrong token", http.MethodPost, map[string]string{"Authorization": "Bearer hunter2"}, query, 401, unauthenticated},
		{"other scheme", http.MethodPost, map[string]string{"Authorization": "Basic " + o.token["super"]}, query, 401, unauthenticated},
	}
	for _, c := range cases {
		r := o.request(c.method, "/graphql", "super", []byte(c.body))
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		a := o.send(r)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %q, want %d %q: %s", c.name, a.status, a.code(), c.status, c.code, a.text)
		}
		if strings.Contains(a.text, "hunter2") && c.name != "variable of a wrong type" {
			t.Errorf("%s: the body is echoed: %s", c.name, a.text)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", c.name, got)
		}
	}
	if a := o.send(o.request(http.MethodGet, "/elsewhere", "super", nil)); a.status != 404 {
		t.Errorf("elsewhere: %d", a.status)
	}
}

func TestManagementHostileDocuments(t *testing.T) {
	o := newOffice(t)
	chain := "{ me { ...F0 } }"
	for i := range 22 {
		chain += fmt.Sprintf(" fragment F%d on Me { ...F%d ...F%d }", i, i+1, i+1)
	}
	chain += " fragment F22 on Me { kind }"
	wide := "{ users(first: 1) { nodes { " + strings.Repeat("id ", 400) + "} } }"
	deep := "{ __type(name: \"User\") { " + strings.Repeat("ofType { ", 30) + "name" + strings.Repeat(" }", 30) + " } }"
	var aliases strings.Builder
	for i := range 200 {
		fmt.Fprintf(&aliases, " a%d: users(first: 200) { nodes { id email } }", i)
	}
	var mutations strings.Builder
	for i := range 20 {
		fmt.Fprintf(&mutations, ` a%d: signOut { signedOut }`, i)
	}
	for name, query := range map[string]string{
		"fragment chain": chain, "repeated field": wide, "deep": deep,
		"aliases": "{" + aliases.String() + " }", "mutations": "mutation {" + mutations.String() + " }",
	} {
		if a := o.ask("super", query, nil); a.code() != graph.CodeLimitExceeded {
			t.Errorf("%s: %q: %.200s", name, a.code(), a.text)
		}
	}
	unknown := "{" + strings.Repeat(" a", 1)
	for i := range 100 {
		unknown += fmt.Sprintf(" x%d", i)
	}
	if a := o.ask("super", unknown+" }", nil); len(a.Errors) > graph.MaxErrors {
		t.Errorf("%d errors in one answer", len(a.Errors))
	}
	cycle := "{ me { ...A } } fragment A on Me { ...B } fragment B on Me { ...A }"
	if a := o.ask("super", cycle, nil); a.code() != bad {
		t.Errorf("cycle: %s", a.text)
	}
}

// TestManagementIntrospection runs the query of GraphiQL and its like, which
// must pass guard and budget.
func TestManagementIntrospection(t *testing.T) {
	o := newOffice(t)
	a := o.ask("rep", introspection.Query, nil)
	if a.code() != "" || !strings.Contains(a.text, `"applyDefinition"`) || strings.Contains(a.text, `"name":"defer"`) {
		t.Errorf("introspection: %.300s", a.text)
	}
	if a := o.ask("nobody", introspection.Query, nil); a.code() != unauthenticated {
		t.Errorf("introspection without a token: %.300s", a.text)
	}
}

// broken is an engine that fails in ways that nobody may see.
type broken struct {
	resolvers.Definitions
	panics bool
}

func (b broken) Applications(context.Context, identity.Principal) ([]engine.Summary, error) {
	if b.panics {
		panic("hunter2")
	}
	return nil, fmt.Errorf("hunter2 at /var/lib/sluice")
}

func TestManagementHidesCauses(t *testing.T) {
	o := newOffice(t)
	for _, panics := range []bool{false, true} {
		defs := broken{panics: panics}
		m, err := NewManagement(ManagementOptions{
			Resolver: resolvers.New(o.d, defs), Definitions: defs, Directory: o.d,
			Events: Events{
				Failed:   func(_ context.Context, _ string, err error) { o.log(err.Error()) },
				Panicked: func(_ context.Context, v any, _ []byte) { o.log(fmt.Sprint(v)) },
			},
		})
		o.must(err)
		o.logged = nil
		o.server.Config.Handler = m
		a := o.ask("rep", `{ applications { name } }`, nil)
		if a.code() != graph.CodeInternal || a.Errors[0].Message != "internal error" || strings.Contains(a.text, "hunter2") {
			t.Errorf("panics %v: %s", panics, a.text)
		}
		if len(o.logged) == 0 || !strings.Contains(strings.Join(o.logged, " "), "hunter2") {
			t.Errorf("panics %v: the cause was not logged: %v", panics, o.logged)
		}
	}
}

func TestManagementOptionsAreRequired(t *testing.T) {
	if m, err := NewManagement(ManagementOptions{}); err == nil || m != nil {
		t.Error("a management API over nothing was made")
	}
}

func TestUploadModule(t *testing.T) {
	o := newOffice(t)
	put := func(who, path, media string, body []byte) *answer {
		t.Helper()
		r := o.request(http.MethodPut, path, who, body)
		r.Header.Set("Content-Type", media)
		return o.send(r)
	}
	const path, wasm = "/apps/orders/rules/embargo", "application/wasm"
	for i, who := range people {
		want := [6]int{200, 200, 200, 403, 404, 401}[i]
		if a := put(who, path, wasm, o.module); a.status != want || a.code() != developers[i] {
			t.Errorf("%s: %d %s", who, a.status, a.text)
		}
	}
	a := put("dev", path, wasm, o.module)
	if want := fmt.Sprintf(`{"hash":%q,"name":"embargo","size":%d,"uploaded":"2026-03-01T09:00:10Z"}`, o.hash, len(o.module)); a.text != want {
		t.Errorf("got %s\nwant %s", a.text, want)
	}
	for name, c := range map[string]struct {
		path, media string
		body        []byte
		status      int
	}{
		"other type":          {path, "text/html", o.module, 415},
		"form":                {path, "multipart/form-data; boundary=x", o.module, 415},
		"empty":               {path, wasm, nil, 400},
		"no module":           {path, wasm, []byte("hunter2"), 400},
		"too large":           {path, wasm, bytes.Repeat([]byte{0}, MaxModule+1), 413},
		"unknown application": {"/apps/hr/rules/embargo", wasm, o.module, 404},
	} {
		if a := put("dev", c.path, c.media, c.body); a.status != c.status || strings.Contains(a.text, "hunter2") {
			t.Errorf("%s: %d, want %d: %s", name, a.status, c.status, a.text)
		}
	}
	r := o.request(http.MethodPut, path, "dev", o.module)
	r.Header.Set("Content-Type", wasm)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := o.send(r); a.status != 403 {
		t.Errorf("from another site: %d", a.status)
	}
}

func TestUploadDefinition(t *testing.T) {
	o := newOffice(t)
	put := func(who, query string, body []byte) *answer {
		t.Helper()
		r := o.request(http.MethodPut, "/definition"+query, who, body)
		r.Header.Set("Content-Type", "application/yaml")
		return o.send(r)
	}
	for i, who := range people {
		want := [6]int{200, 200, 200, 403, 404, 401}[i]
		if a := put(who, "", definitionOf("orders", "1")); a.status != want || a.code() != developers[i] {
			t.Errorf("%s: %d %s", who, a.status, a.text)
		}
	}
	if a := put("dev", "", definitionOf("orders", "2")); a.status != 422 || !strings.Contains(a.text, `"line":`) {
		t.Errorf("a dropped field: %d %s", a.status, a.text)
	}
	if a := put("dev", "?allowDrop=perhaps", definitionOf("orders", "2")); a.status != 400 {
		t.Errorf("a wrong parameter: %d %s", a.status, a.text)
	}
	a := put("dev", "?allowDrop=true", definitionOf("orders", "2"))
	var got struct {
		Application string
		Version     int
	}
	if err := json.Unmarshal([]byte(a.text), &got); err != nil || a.status != 200 || got.Application != "orders" || got.Version < 2 {
		t.Errorf("%d %s", a.status, a.text)
	}
}
