package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// vaultPages are those of the vault: clerks open desk, and board, which asks for
// more than they may see; nobody but the super admin opens audit.
const vaultPages = `pages:
  - {name: desk, document: "query($id: ID = 1) { folders(first: 100) { totalCount nodes { title note } } folder(id: $id) { title } }"}
  - {name: board, document: "{ folders(first: 100) { nodes { secret } } }"}
  - {name: audit, document: "{ ledgers { nodes { entry } } }"}
`

// vaultDocuments are registered in the vault; the first is for everybody.
const vaultDocuments = `{"list": "query($id: ID = 1) { folders(first: 100) { totalCount nodes { title note } } folder(id: $id) { title } }",
	"CANARY-doc": "{ folders { nodes { secret } } }", "CANARY-ledger": "{ ledgers { nodes { entry } } }"}`

func (v *vault) fillDocuments() {
	status, b := v.do(v.t, call{method: "PUT", path: "/apps/vault/documents", token: v.tokens["ann"], contentType: "application/json", body: vaultDocuments})
	if status != http.StatusOK {
		v.t.Fatalf("%d %s", status, b)
	}
}

// pageAttacks are made on pages and registered documents.
var pageAttacks = map[string][]attack{
	"route /apps/{application}/pages/{name}": {
		{class: "B11", by: func(t *testing.T, v *vault) { v.pageIsQuery(t, "/apps/vault/pages/desk") }},
		{class: "B15", by: func(t *testing.T, v *vault) {
			v.looksAbsent(t, "GET", "/apps/vault/pages/@", "", "audit", "audiz")
			v.looksAbsent(t, "POST", "/apps/vault/pages/@", `{"variables":{"id":"<bobs>"}}`, "audit", "audiz")
		}},
		{class: "B15", by: func(t *testing.T, v *vault) {
			v.looksAbsent(t, "GET", "/apps/vault/pages/desk?variables=%7B%22id%22:%22@%22%7D", "", v.values["bobs"], nobody)
			v.looksAbsent(t, "POST", "/apps/vault/pages/desk", `{"variables":{"id":"@"}}`, v.values["bobs"], nobody)
		}},
		{class: "B05", by: func(t *testing.T, v *vault) { v.tellsNoName(t, "GET", "/apps/vault/pages/board", "") }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.tagIsNoKey(t, "/apps/vault/pages/desk") }},
	},
	"route GET /apps/{application}/schema.graphql": {
		{class: "B27", by: func(t *testing.T, v *vault) { v.tellsNoName(t, "GET", "/apps/vault/schema.graphql", "") }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.tagIsNoKey(t, "/apps/vault/schema.graphql") }},
		{class: "B15", by: func(t *testing.T, v *vault) {
			v.looksAbsent(t, "GET", "/apps/vault/schema.graphql?as=@", "", "bob@vault.example", "bot@vault.example")
			v.looksAbsent(t, "GET", "/apps/vault/schema.graphql?set=@", "", "clerks", "clerkz")
		}},
	},
	"route GET /apps/{application}/schema.json": {
		{class: "B27", by: func(t *testing.T, v *vault) { v.tellsNoName(t, "GET", "/apps/vault/schema.json", "") }},
		{class: "B20", by: func(t *testing.T, v *vault) { v.tagIsNoKey(t, "/apps/vault/schema.json") }},
	},
	"route GET /apps/{application}/pages": {
		{class: "B27", by: func(t *testing.T, v *vault) { v.tellsNoName(t, "GET", "/apps/vault/pages", "") }},
	},
	"route /apps/{application}/graphql": {
		{class: "B11", by: func(t *testing.T, v *vault) { v.pageIsQuery(t, "/apps/vault/graphql?documentId=list") }},
		{class: "B15", by: func(t *testing.T, v *vault) {
			for _, ids := range [][2]string{{"CANARY-doc", "CANARY-dox"}, {"CANARY-ledger", "nothing"}, {"page:audit", "page:audiz"}} {
				v.looksAbsent(t, "POST", "/apps/vault/graphql", `{"documentId":"@"}`, ids[0], ids[1])
				v.looksAbsent(t, "GET", "/apps/vault/graphql?documentId=@", "", ids[0], ids[1])
			}
		}},
		{class: "B20", by: func(t *testing.T, v *vault) { v.tagIsNoKey(t, "/apps/vault/graphql?documentId=list") }},
	},
	"route PUT /apps/{application}/documents": {
		{class: "B27", by: func(t *testing.T, v *vault) {
			v.looksAbsent(t, "PUT", "/apps/vault/documents", `{"x":"{ folders { nodes { @ } } }"}`, "secret", "secrez")
		}},
	},
	"route GET /apps/{application}/documents": {
		{class: "B27", by: func(t *testing.T, v *vault) { v.tellsNoName(t, "GET", "/apps/vault/documents", "") }},
	},
	"route DELETE /apps/{application}/documents/{id...}": {
		{class: "B15", by: func(t *testing.T, v *vault) {
			v.looksAbsent(t, "DELETE", "/apps/vault/documents/@", "", "list", "lisz")
		}},
	},
}

// pageRoutes are asked by somebody from elsewhere, and with a session that ended.
var pageRoutes = func() map[string][]attack {
	out := map[string][]attack{}
	for pattern, r := range map[string]struct{ method, path, media, body string }{
		"/apps/{application}/pages":                    {"GET", "/apps/@/pages", "", ""},
		"/apps/{application}/pages/":                   {"GET", "/apps/@/pages/desk", "", ""},
		"/apps/{application}/pages/{name}":             {"POST", "/apps/@/pages/desk", "application/json", "{}"},
		"GET /apps/{application}/pages":                {"GET", "/apps/@/pages", "", ""},
		"/apps/{application}/schema.graphql":           {"GET", "/apps/@/schema.graphql", "", ""},
		"/apps/{application}/schema.json":              {"GET", "/apps/@/schema.json", "", ""},
		"GET /apps/{application}/schema.graphql":       {"GET", "/apps/@/schema.graphql", "", ""},
		"GET /apps/{application}/schema.json":          {"GET", "/apps/@/schema.json", "", ""},
		"/apps/{application}/documents":                {"PUT", "/apps/@/documents", "application/json", `{"x":"{me{id}}"}`},
		"/apps/{application}/documents/":               {"DELETE", "/apps/@/documents/list", "", ""},
		"GET /apps/{application}/documents":            {"GET", "/apps/@/documents", "", ""},
		"PUT /apps/{application}/documents":            {"PUT", "/apps/@/documents", "application/json", `{"x":"{me{id}}"}`},
		"DELETE /apps/{application}/documents/{id...}": {"DELETE", "/apps/@/documents/list", "", ""},
	} {
		out["route "+pattern] = []attack{
			{class: "B15", by: func(t *testing.T, v *vault) { v.foreignIsAbsent(t, r.method, r.path, r.media, r.body) }},
			{class: "B23", by: func(t *testing.T, v *vault) { v.endedIsRefused(t, r.method, r.path, r.media, r.body) }},
		}
	}
	return out
}()

// looksAbsent sends eve's request with two guesses, which must be answered alike.
func (v *vault) looksAbsent(t *testing.T, method, path, body, right, wrong string) {
	t.Helper()
	try := func(guess string) string {
		put := func(s string) string { return strings.ReplaceAll(v.put(s), "@", guess) }
		status, b := v.do(t, call{method: method, path: put(path), token: v.tokens["eve"], contentType: "application/json", body: put(body)})
		return fmt.Sprint(status, strings.ReplaceAll(string(b), guess, "@"))
	}
	got, other := try(right), try(wrong)
	if got != other || strings.Contains(got, secretMark) || strings.HasPrefix(got, "5") {
		t.Errorf("%s %s\nright guess %s\nwrong guess %s", method, path, got, other)
	}
}

// tellsNoName sends eve's request, whose answer must hold no name that is not
// for her.
func (v *vault) tellsNoName(t *testing.T, method, path, body string) {
	t.Helper()
	status, b := v.do(t, call{method: method, path: path, token: v.tokens["eve"], body: body})
	for _, name := range []string{secretMark, "secret", "ledger", "Ledger", "audit"} {
		if strings.Contains(string(b), name) || status >= 500 {
			t.Errorf("%s %s: %d, %s is in %.500s", method, path, status, name, b)
		}
	}
}

// pageIsQuery: what somebody else wrote shows eve what she would see by asking
// herself, and no secret.
func (v *vault) pageIsQuery(t *testing.T, path string) {
	t.Helper()
	status, page := v.do(t, call{method: "GET", path: path, token: v.tokens["eve"]})
	_, queried := v.do(t, call{path: vaultPath, token: v.tokens["eve"], body: asked(`{folders(first:100){totalCount nodes{title note}} folder(id:1){title}}`)})
	_, full := v.do(t, call{method: "GET", path: path, token: v.tokens["ann"]})
	if status != http.StatusOK || string(page) != string(queried) || strings.Contains(string(page), secretMark) {
		t.Errorf("%d %s, by a query %s", status, page, queried)
	}
	if !strings.Contains(string(full), secretMark) {
		t.Errorf("the super admin sees no secret in it, the attack proves nothing: %s", full)
	}
}

// tagIsNoKey: the tag of another's answer opens nothing.
func (v *vault) tagIsNoKey(t *testing.T, path string) {
	t.Helper()
	get := func(who, tag string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+v.tokens[who])
		r.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	tag := get("ann", "").Header.Get("ETag")
	if tag == "" || get("ann", tag).StatusCode != http.StatusNotModified {
		t.Errorf("%s: no tag is known again: %q", path, tag)
	}
	eves := get("eve", tag)
	if eves.StatusCode != http.StatusOK || eves.Header.Get("ETag") == tag {
		t.Errorf("%s: another's tag is answered by %d", path, eves.StatusCode)
	}
	if !strings.Contains(strings.Join(eves.Header.Values("Vary"), ","), "Authorization") || !strings.Contains(eves.Header.Get("Cache-Control"), "private") {
		t.Errorf("%s may be kept for others: %v", path, eves.Header)
	}
}
