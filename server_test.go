package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sluice/internal/demo"
	"sluice/internal/httpd"
	"sluice/storage"
	"sluice/storage/memstore"
)

// demoServer is the demo behind a real HTTP server, in memory.
type demoServer struct {
	url    string
	tokens map[string]string // by first name, in lower case
	httpd  *httpd.Service
	store  *storage.Store
}

// shared is the demo that the worked cases read. Tests that change it put back
// what they changed.
var shared = sync.OnceValues(startDemo)

func startDemo() (*demoServer, error) {
	runner, inspect, _, err := newRules()
	if err != nil {
		return nil, err
	}
	store := memstore.Open()
	s, err := httpd.New(httpd.Options{Store: store, Rules: runner, Inspect: inspect})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := demo.Seed(ctx, s.Engine, s.Directory, nil); err != nil {
		return nil, err
	}
	srv := httptest.NewServer(s)
	sheet, err := demo.SignIn(ctx, s.Directory, srv.URL, nil)
	if err != nil {
		return nil, err
	}
	d := &demoServer{url: srv.URL, tokens: map[string]string{}, httpd: s, store: store}
	for _, p := range sheet.Personas {
		d.tokens[strings.ToLower(strings.Fields(p.Name)[0])] = p.Token
	}
	return d, nil
}

func theDemo(t *testing.T) *demoServer {
	t.Helper()
	d, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// answer is a GraphQL response.
type answer struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code     string `json:"code"`
			Argument string `json:"argument"`
		} `json:"extensions"`
	} `json:"errors"`
	status int
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// at follows keys and list positions into the data: "orders.nodes.0.number".
func (a answer) at(path string) any {
	var v any = a.Data
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) count(path string) int {
	n, ok := a.at(path).(float64)
	if !ok {
		return -1
	}
	return int(n)
}

func (a answer) list(path string) []any {
	l, _ := a.at(path).([]any)
	return l
}

func (d *demoServer) send(t *testing.T, method, path, who, contentType string, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, d.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if token := d.tokens[who]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%s %s: status %d, body %q", method, path, resp.StatusCode, b)
	}
	return a
}

// as runs an operation on the application sales as a persona. args replace the
// verbs of the query.
func (d *demoServer) as(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	return d.graphql(t, "/apps/sales/graphql", who, fmt.Sprintf(query, args...))
}

func (d *demoServer) graphql(t *testing.T, path, who, query string) answer {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return d.send(t, http.MethodPost, path, who, "application/json", body)
}

// ok is as without errors.
func (d *demoServer) ok(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	a := d.as(t, who, query, args...)
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %s: %+v", who, fmt.Sprintf(query, args...), a.Errors)
	}
	return a
}

// id returns the user id of a persona.
func (d *demoServer) id(t *testing.T, who string) string {
	t.Helper()
	return d.ok(t, who, `{me{id}}`).at("me.id").(string)
}

// manage runs an operation of the management API.
func (d *demoServer) manage(t *testing.T, who, query string, args ...any) answer {
	t.Helper()
	a := d.graphql(t, "/graphql", who, fmt.Sprintf(query, args...))
	if len(a.Errors) > 0 {
		t.Fatalf("%s: %s: %+v", who, query, a.Errors)
	}
	return a
}

// define applies a definition as the developer.
func (d *demoServer) define(t *testing.T, source string) {
	t.Helper()
	a := d.send(t, http.MethodPut, "/definition", "mei", "application/yaml", []byte(source))
	if a.status != http.StatusOK {
		t.Fatalf("definition: status %d %+v", a.status, a)
	}
}

// redefine applies the demo's definition with one text replaced, for the length
// of the test.
func (d *demoServer) redefine(t *testing.T, old, text string) {
	t.Helper()
	source := string(demo.Definition)
	if strings.Count(source, old) != 1 {
		t.Fatalf("%q stands %d times in the demo's definition", old, strings.Count(source, old))
	}
	d.define(t, strings.Replace(source, old, text, 1))
	t.Cleanup(func() { d.define(t, source) })
}
