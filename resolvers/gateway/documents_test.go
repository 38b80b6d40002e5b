package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sluice/engine"
)

// register puts a manifest and returns status and answer.
func (s *shop) register(who, manifest string) (int, string) {
	w := s.fetch(who, "PUT", "/apps/sales/documents", manifest)
	return w.Code, w.Body.String()
}

const (
	titlesText = "query Titles($first: Int) { orders(first: $first) { nodes { title } } }"
	amountText = "{ orders { nodes { amount } } }"
	addText    = `mutation { createOrder(input: {title: "registered"}) { order { title } } }`
)

// newRegistry is a shop with three registered documents.
func newRegistry(t *testing.T) *shop {
	s := newShop(t)
	b, err := json.Marshal(map[string]string{"titles": titlesText, "amounts": amountText, "add": addText})
	s.must(err)
	if code, body := s.register("sue", string(b)); code != http.StatusOK || body != `{"documents":3,"added":3,"faults":[]}` {
		t.Fatal(code, body)
	}
	return s
}

func byHash(text string) string {
	return fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, engine.DocumentHash(text))
}

// TestRegisteredDocuments: a registered document is asked for by its id, by its
// hash, and in Apollo's way, by POST and, where it is a query, by GET.
func TestRegisteredDocuments(t *testing.T) {
	s := newRegistry(t)
	s.create("ann", "one")
	const want = `{"data":{"orders":{"nodes":[{"title":"one"}]}}}`
	const path = "/apps/sales/graphql"
	hash := engine.DocumentHash(titlesText)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"id":             s.fetch("ann", "POST", path, `{"documentId":"titles","variables":{"first":5}}`),
		"operation":      s.fetch("ann", "POST", path, `{"documentId":"titles","operationName":"Titles"}`),
		"hash":           s.fetch("ann", "POST", path, `{"documentId":"sha256:`+hash+`"}`),
		"hash alone":     s.fetch("ann", "POST", path, `{"documentId":"`+hash+`"}`),
		"Apollo":         s.fetch("ann", "POST", path, byHash(titlesText)),
		"Apollo, both":   s.fetch("ann", "POST", path, strings.Replace(byHash(titlesText), "{", `{"query":"`+titlesText+`",`, 1)),
		"GET":            s.fetch("ann", "GET", path+"?documentId=titles&operationName=Titles&variables=%7B%22first%22:5%7D", ""),
		"GET, hash":      s.fetch("ann", "GET", path+"?documentId=sha256:"+hash, ""),
		"GET, Apollo":    s.fetch("ann", "GET", path+"?extensions="+url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`), ""),
		"GET, newer":     s.fetch("ann", "GET", path+"?documentId=titles", "", "Accept", mediaGraphQL),
		"another person": s.fetch("sue", "POST", path, `{"documentId":"titles"}`),
	} {
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := s.fetch("ann", "POST", path, `{"documentId":"add"}`)
	equal(t, "mutation", w.Body.String(), `{"data":{"createOrder":{"order":{"title":"registered"}}}}`)
	w = s.fetch("ann", "GET", path+"?documentId=add", "")
	equal(t, "mutation by GET", w.Body.String(), refusalOf("BAD_USER_INPUT", "GET runs queries only; mutations are sent by POST"))
	if w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
	equal(t, "orders", s.ask("ann", `{orders{totalCount}}`, nil), `{"orders":{"totalCount":2}}`)
}

// TestDocumentRequests is what a request for a registered document may be.
func TestDocumentRequests(t *testing.T) {
	s := newRegistry(t)
	for _, c := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"documentId":"titles","query":"{me{id}}"}`, 400, "no other document"},
		{strings.Replace(byHash(titlesText), "{", `{"documentId":"titles",`, 1), 400, "no other document"},
		{strings.Replace(byHash(titlesText), "{", `{"query":"{me{id}}",`, 1), 400, "not that of query"},
		{`{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, 400, "version 1"},
		{`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}`, 400, "version 1"},
		{`{"extensions":{"persistedQuery":"x"}}`, 400, "version 1"},
		{`{"extensions":{"persistedQuery":null}}`, 400, "query or documentId"},
		{`{"documentId":5}`, 400, "query or documentId"},
		{`{"documentId":"titles","operationName":"Other"}`, 400, "operationName"},
		{`{"documentId":"titles","variables":{"first":"x"}}`, 400, "first"},
		{`{"documentId":"` + strings.Repeat("x", 5000) + `"}`, 404, "no such document"},
		{`{"documentId":""}`, 404, "no such document"},
		{`{"documentId":"Titles"}`, 404, "no such document"},
		{`{"documentId":"sha256:titles"}`, 404, "no such document"},
		{`{"documentId":"sha256:` + strings.Repeat("0", 64) + `"}`, 404, "no such document"},
		{`{"documentId":"titles/../add"}`, 404, "no such document"},
		{byHash("{me{id}}"), 404, `"PersistedQueryNotFound"`},
		{strings.Replace(byHash("{me{id}}"), "{", `{"query":"{me{id}}",`, 1), 200, `"me"`},
	} {
		w := s.fetch("ann", "POST", "/apps/sales/graphql", c.body, "Accept", mediaGraphQL)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%.90s: %d %.200s", c.body, w.Code, w.Body)
		}
		old := s.fetch("ann", "POST", "/apps/sales/graphql", c.body)
		if old.Code != c.status && !(old.Code == 200 && c.status != 200) {
			t.Errorf("%.90s: %d in the older media type", c.body, old.Code)
		}
	}
	equal(t, "not registered by being sent", s.fetch("ann", "POST", "/apps/sales/graphql", byHash("{me{id}}")).Body.String(),
		refusalOf("NOT_FOUND", "PersistedQueryNotFound"))
}

// TestP2DocumentOutsideTheSchemaIsAbsent: a registered document that asks for
// more than the viewer may use is answered as one that nobody registered; so is
// one of another organization.
func TestP2DocumentOutsideTheSchemaIsAbsent(t *testing.T) {
	s := newRegistry(t)
	for _, who := range []string{"bob", "dan", "zoe"} {
		for _, c := range []struct{ method, path, body string }{
			{"POST", "/apps/sales/graphql", `{"documentId":"@"}`},
			{"POST", "/apps/sales/graphql", `{"documentId":"@","operationName":"Other","variables":{"x":1}}`},
			{"GET", "/apps/sales/graphql?documentId=@", ""},
		} {
			for _, accept := range []string{mediaJSON, mediaGraphQL} {
				var got [2]string
				for i, id := range []string{"amounts", "nothing"} {
					put := func(s string) string { return strings.ReplaceAll(s, "@", id) }
					got[i] = told(s.fetch(who, c.method, put(c.path), put(c.body), "Accept", accept))
				}
				equal(t, who+" "+c.body, got[0], got[1])
				if strings.Contains(got[0], "amount\"") || !strings.Contains(got[0], "NOT_FOUND") {
					t.Error(who, got[0])
				}
			}
		}
	}
	if w := s.fetch("zoe", "POST", "/apps/sales/graphql", byHash(titlesText)); !strings.Contains(w.Body.String(), "PersistedQueryNotFound") {
		t.Errorf("another organization's document: %s", w.Body)
	}
	// Whoever sends the text is told what is wrong with it: they know it.
	w := s.fetch("bob", "POST", "/apps/sales/graphql", strings.Replace(byHash(amountText), "{", `{"query":"`+amountText+`",`, 1))
	if !strings.Contains(w.Body.String(), `Cannot query field \"amount\"`) {
		t.Error(w.Body)
	}
}

// TestRegisteredOnly: where free documents are refused, a document is run when
// its text is registered, and those who register documents are exempt.
func TestRegisteredOnly(t *testing.T) {
	const free = "{ me { id } }"
	for name, on := range map[string]func(s *shop){
		"application": func(s *shop) { s.apply("sue", shopDefinition+"registeredOnly: true\n") },
		"deployment":  func(s *shop) { s.g.o.RegisteredOnly = true },
	} {
		s := newRegistry(t)
		s.apply("sue", pagedDefinition)
		s.ask("ann", free, nil)
		on(s)
		for _, query := range []string{free, "{ __schema { queryType { name } } }", "{", addText + " "} {
			if code, body := s.post("ann", "sales", query, nil); code != http.StatusForbidden || !strings.Contains(body, "registered documents only") {
				t.Errorf("%s: %s: %d %s", name, query, code, body)
			}
		}
		w := s.fetch("bob", "POST", "/apps/sales/graphql", strings.Replace(byHash(amountText), "{", `{"query":"`+amountText+`",`, 1))
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "amount") {
			t.Errorf("%s: with its hash: %d %s", name, w.Code, w.Body)
		}
		_, guessed := s.post("bob", "sales", amountText, nil)
		_, other := s.post("bob", "sales", amountText+" ", nil)
		equal(t, name+": a text that others use", guessed, other)
		s.ask("ann", titlesText, map[string]any{"first": 1})
		s.ask("sue", free, nil)
		if w := s.fetch("ann", "POST", "/apps/sales/graphql", `{"documentId":"titles"}`); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if name == "deployment" {
			if w := s.fetch("ann", "GET", "/apps/sales/pages/titles", ""); w.Code != http.StatusOK {
				t.Errorf("%s: a page: %d %s", name, w.Code, w.Body)
			}
		}
		if len(s.failed)+len(s.panicks) > 0 {
			t.Error(s.failed, s.panicks)
		}
	}
}

// TestManifests: three tools' formats are read, and what is wrong is told before
// anything is registered.
func TestManifests(t *testing.T) {
	s := newShop(t)
	long := "{" + strings.Repeat(" me { id }", 250) + "}" // more tokens than a client may send
	for _, c := range []struct {
		manifest string
		status   int
		says     string
	}{
		{`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"{me{id}}"}]}`, 200, `"added":1`},
		{`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"{me{id}}"}]}`, 200, `"added":0`},
		{`{"0f14":"{me{id}}","a":"{me{id}}"}`, 200, `"documents":2,"added":1`},
		{`{"long":"` + long + `"}`, 200, `"added":1`},
		{`{"a":"{me{displayName}}"}`, 409, "another document"},
		{`{"b":"{","c":"{me{id}}","d":"{nothing}"}`, 422, `{"id":"b","line":1`},
		{`{"b":"{orders{nodes{title}}}","d":"{nothing}"}`, 422, `Cannot query field \"nothing\"`},
		{`{"page:x":"{me{id}}"}`, 422, "not beginning with"},
		{`{"sha256:x":"{me{id}}"}`, 422, "not beginning with"},
		{`{"a b":"{me{id}}"}`, 422, "printable ASCII"},
		{`{"":"{me{id}}"}`, 422, "printable ASCII"},
		{`{"big":"` + strings.Repeat("#", engine.MaxDocumentText+1) + `"}`, 422, "bytes"},
		{`{"many":"{` + strings.Repeat("a:me{id}", 400) + `}"}`, 422, "too large"},
		{`{"x":"{me{id}}","x":"{me{id}}"}`, 400, "twice"},
		{`{"x":5}`, 400, "expected an object"},
		{`{}`, 400, "no documents"},
		{`[]`, 400, "expected an object"},
		{`x`, 400, "expected an object"},
		{`{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}`, 400, "version 2"},
	} {
		if code, body := s.register("sue", c.manifest); code != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%.80s: %d %.300s", c.manifest, code, body)
		}
	}
	w := s.fetch("sue", "GET", "/apps/sales/documents", "")
	var out struct{ Documents []registeredDocument }
	s.must(json.Unmarshal(w.Body.Bytes(), &out))
	var ids []string
	for _, d := range out.Documents {
		ids = append(ids, d.ID)
		if d.Hash == "" || d.Size == 0 || d.Uploaded.IsZero() {
			t.Errorf("%+v", d)
		}
	}
	equal(t, "registered", strings.Join(ids, " "), "0f14 a long")
	if w := s.fetch("ann", "POST", "/apps/sales/graphql", `{"documentId":"long"}`); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "errors") {
		t.Errorf("a long document: %d %.200s", w.Code, w.Body)
	}
	if _, body := s.post("ann", "sales", long, nil); !strings.Contains(body, "LIMIT_EXCEEDED") {
		t.Errorf("a long document, sent: %.200s", body)
	}
}

// TestA6DocumentsAreRegisteredByDevelopers: nobody else lists, registers or
// removes them, or learns whether there are any.
func TestA6DocumentsAreRegisteredByDevelopers(t *testing.T) {
	s := newRegistry(t)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/apps/@/documents", ""},
		{"PUT", "/apps/@/documents", `{"x":"{me{id}}"}`},
		{"PUT", "/apps/@/documents", `{`},
		{"DELETE", "/apps/@/documents/titles", ""},
		{"DELETE", "/apps/@/documents/nothing", ""},
	} {
		for _, who := range []string{"ann", "cat", "zoe", ""} {
			if who == "zoe" && c.method == "GET" {
				equal(t, "another organization's", s.fetch(who, "GET", "/apps/sales/documents", "").Body.String(), `{"documents":[]}`)
				continue
			}
			w := s.fetch(who, c.method, strings.ReplaceAll(c.path, "@", "sales"), c.body)
			if who != "zoe" && w.Code/100 != 4 || strings.Contains(w.Body.String(), "titles") {
				t.Errorf("%s %s %s: %d %s", who, c.method, c.path, w.Code, w.Body)
			}
			if who != "cat" {
				continue
			}
			absent := s.fetch(who, c.method, strings.ReplaceAll(c.path, "@", "other"), c.body)
			equal(t, c.method+" in an application without a place", strings.ReplaceAll(told(w), "sales", "other"), told(absent))
		}
	}
	if w := s.fetch("sue", "GET", "/apps/sales/documents", ""); strings.Count(w.Body.String(), `"id"`) != 3 {
		t.Error(w.Body)
	}
	if w := s.fetch("sue", "PUT", "/apps/sales/documents", "{}", "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
		t.Error(w.Code)
	}
}

// TestDocumentsAreRemoved: a removed id is gone at once; the text stays for
// another id that stands for it, and no longer.
func TestDocumentsAreRemoved(t *testing.T) {
	s := newRegistry(t)
	if code, body := s.register("sue", `{"a/b:c":"`+titlesText+`"}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	run := func(id string) int {
		return s.fetch("ann", "POST", "/apps/sales/graphql", `{"documentId":"`+id+`"}`, "Accept", mediaGraphQL).Code
	}
	remove := func(id string) int { return s.fetch("sue", "DELETE", "/apps/sales/documents/"+id, "").Code }
	hash := "sha256:" + engine.DocumentHash(titlesText)
	if code := remove("titles"); code != http.StatusOK || run("titles") != 404 || run("a/b:c") != 200 || run(hash) != 200 {
		t.Error(code, run("titles"), run("a/b:c"), run(hash))
	}
	if code := remove("titles"); code != http.StatusNotFound {
		t.Error(code)
	}
	if code := remove("a/b:c"); code != http.StatusOK || run("a/b:c") != 404 || run(hash) != 404 || run("add") != 200 {
		t.Error(code, run("a/b:c"), run(hash), run("add"))
	}
	if code, body := s.register("sue", `{"titles":"{me{id}}"}`); code != http.StatusOK {
		t.Error("an id that is free again: ", body)
	}
}

// TestP11_ReplayKeyKnowsTheDocument: a key that was used for one registered
// mutation is refused for another, and repeats the first.
func TestP11_ReplayKeyKnowsTheDocument(t *testing.T) {
	s := newRegistry(t)
	if code, body := s.register("sue", `{"other":"mutation { createOrder(input: {title: \"other\"}) { order { title } } }"}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	for _, c := range []struct {
		id     string
		status int
	}{{"add", 200}, {"other", 422}, {"add", 200}} {
		w := s.fetch("ann", "POST", "/apps/sales/graphql", `{"documentId":"`+c.id+`"}`, "Idempotency-Key", "one")
		if w.Code != c.status {
			t.Errorf("%s: %d %s", c.id, w.Code, w.Body)
		}
	}
	equal(t, "orders", s.ask("ann", `{orders{totalCount}}`, nil), `{"orders":{"totalCount":1}}`)
}

// TestCostIsTold: who asks is told what an operation could come to, whatever is
// stored.
func TestCostIsTold(t *testing.T) {
	s := newRegistry(t)
	cost := func(headers ...string) string {
		w := s.fetch("ann", "POST", "/apps/sales/graphql", `{"documentId":"titles","variables":{"first":7}}`, headers...)
		return w.Header().Get(CostHeader)
	}
	before := cost(CostHeader, "1")
	s.create("ann", "one")
	if after := cost(CostHeader, "1"); before == "" || before != after || before == "0" {
		t.Errorf("%q, with a record %q", before, after)
	}
	if got := cost(); got != "" {
		t.Errorf("nobody asked: %q", got)
	}
}
