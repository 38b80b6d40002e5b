package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sluice/internal/definition"
)

// pagedDefinition is the shop with pages: Sales opens titles and amounts, Clerk
// titles and amounts of which the second is not for them, Screen none.
var pagedDefinition = strings.NewReplacer(
	"permissionSets:\n", `pages:
  - {name: titles, label: Titles, document: "query($first: Int = 10) { orders(first: $first) { totalCount nodes { title } } }"}
  - name: amounts
    document: |
      {
        orders { nodes { amount } }
      }
  - {name: names, document: "{ customers { totalCount } }"}
permissionSets:
`,
	"openOrders: [VIEW]}", "openOrders: [VIEW]}\n    pages: {titles: [ACCESS], amounts: [ACCESS]}",
	"reports: {orders: [VIEW, EDIT]}", "reports: {orders: [VIEW, EDIT]}\n    pages: {titles: [ACCESS], amounts: [ACCESS]}",
).Replace(shopDefinition)

func newPagedShop(t *testing.T) *shop {
	s := newShop(t)
	s.apply("sue", pagedDefinition)
	return s
}

// fetch sends a request to the gateway: GET without a body, else POST.
func (s *shop) fetch(who, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.g.ServeHTTP(w, r)
	return w
}

// told is all that a client learns from an answer.
func told(w *httptest.ResponseRecorder) string {
	h := w.Header().Clone()
	h.Del("Content-Length")
	var b strings.Builder
	_ = h.Write(&b) // to memory
	return http.StatusText(w.Code) + "\n" + b.String() + "\n" + w.Body.String()
}

// TestP1PageRunsUnderTheViewersRights: a page shows whoever opens it what the
// same query shows them, whoever wrote it.
func TestP1PageRunsUnderTheViewersRights(t *testing.T) {
	s := newPagedShop(t)
	s.create("ann", "hers")
	s.create("sue", "the writer's")
	for _, who := range []string{"ann", "bob", "sue"} {
		want := s.ask(who, `{ orders(first: 10) { totalCount nodes { title } } }`, nil)
		for _, w := range []*httptest.ResponseRecorder{
			s.fetch(who, "POST", "/apps/sales/pages/titles", "{}"),
			s.fetch(who, "GET", "/apps/sales/pages/titles", ""),
			s.fetch(who, "POST", "/apps/sales/graphql", `{"documentId":"page:titles"}`),
			s.fetch(who, "GET", "/apps/sales/graphql?documentId=page:titles", ""),
		} {
			if w.Code != http.StatusOK || w.Body.String() != `{"data":`+want+`}` {
				t.Errorf("%s: %d %s, want %s", who, w.Code, w.Body, want)
			}
		}
	}
	w := s.fetch("ann", "POST", "/apps/sales/pages/titles", `{"variables":{"first":0}}`)
	equal(t, "with a variable", w.Body.String(), `{"data":{"orders":{"totalCount":1,"nodes":[]}}}`)
	w = s.fetch("ann", "GET", "/apps/sales/pages/titles?variables="+url.QueryEscape(`{"first":0}`), "")
	equal(t, "with a variable in the address", w.Body.String(), `{"data":{"orders":{"totalCount":1,"nodes":[]}}}`)
}

// TestP2PageWithoutAccessIsAbsent: a page that the set does not open is answered
// as one that nobody wrote, on every way to it.
func TestP2PageWithoutAccessIsAbsent(t *testing.T) {
	s := newPagedShop(t)
	for _, who := range []string{"ann", "bob", "dan", "zoe"} {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/apps/sales/pages/@", ""},
			{"GET", "/apps/sales/pages/@?variables=%7B%22first%22:1%7D", ""},
			{"POST", "/apps/sales/pages/@", "{}"},
			{"POST", "/apps/sales/pages/@", `{"variables":{"first":"x"}}`},
			{"GET", "/apps/sales/graphql?documentId=page:@", ""},
			{"POST", "/apps/sales/graphql", `{"documentId":"page:@"}`},
		} {
			for _, accept := range []string{mediaJSON, mediaGraphQL} {
				var got [2]string
				for i, name := range []string{"names", "nothing"} {
					put := func(s string) string { return strings.ReplaceAll(s, "@", name) }
					w := s.fetch(who, c.method, put(c.path), put(c.body), "Accept", accept)
					if strings.Contains(c.path, "/pages/") && w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "data") {
						t.Errorf("%s %s: %d %s", who, c.path, w.Code, w.Body)
					}
					got[i] = told(w)
				}
				equal(t, who+" "+c.method+" "+c.path, got[0], got[1])
			}
		}
	}
}

// TestB3PageTellsNoHiddenName: a page that asks for a hidden field is refused
// without naming it; those who see everything are answered.
func TestB3PageTellsNoHiddenName(t *testing.T) {
	s := newPagedShop(t)
	w := s.fetch("bob", "GET", "/apps/sales/pages/amounts", "")
	equal(t, "bob", w.Body.String(), refusalOf("FORBIDDEN", "the page asks for something that you may not use"))
	if w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
	for _, who := range []string{"ann", "sue"} {
		if w := s.fetch(who, "GET", "/apps/sales/pages/amounts", ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", who, w.Code, w.Body)
		}
	}
}

// TestP5PageRightsBindAtOnce: what a set loses is gone with the next request.
func TestP5PageRightsBindAtOnce(t *testing.T) {
	s := newPagedShop(t)
	get := func() int { return s.fetch("ann", "GET", "/apps/sales/pages/titles", "").Code }
	if get() != http.StatusOK {
		t.Fatal("ann has the page")
	}
	s.assign("ann", "Screen")
	if code := get(); code != http.StatusNotFound {
		t.Errorf("after the set was taken away: %d", code)
	}
	s.assign("ann", "Sales")
	s.apply("sue", shopDefinition)
	if code := get(); code != http.StatusNotFound {
		t.Errorf("after the page was dropped: %d", code)
	}
}

// TestB1PagesFollowAPIAccess: a token of somebody without API access opens none.
func TestB1PagesFollowAPIAccess(t *testing.T) {
	s := newShop(t)
	s.apply("sue", strings.Replace(pagedDefinition, "reports: {orders: [VIEW]}", "reports: {orders: [VIEW]}\n    pages: {titles: [ACCESS]}", 1))
	for who, want := range map[string]int{"dan": http.StatusOK, "dan api": http.StatusForbidden} {
		for _, path := range []string{"/apps/sales/pages/titles", "/apps/sales/pages"} {
			if w := s.fetch(who, "GET", path, ""); w.Code != want {
				t.Errorf("%s %s: %d %s", who, path, w.Code, w.Body)
			}
		}
	}
}

func TestPagesAreListed(t *testing.T) {
	s := newPagedShop(t)
	const titles, amounts = `{"name":"titles","label":"Titles","description":""}`, `{"name":"amounts","label":"amounts","description":""}`
	for who, want := range map[string]string{
		"ann": titles + "," + amounts, "dan": "", "sue": titles + "," + amounts + `,{"name":"names","label":"names","description":""}`,
	} {
		equal(t, who, s.fetch(who, "GET", "/apps/sales/pages", "").Body.String(), `{"pages":[`+want+`]}`)
	}
	equal(t, "me", s.ask("bob", `{me{rights{component kind actions}}}`, nil),
		`{"me":{"rights":[{"component":"Order","kind":"FORM","actions":["VIEW","EDIT"]},`+
			`{"component":"titles","kind":"PAGE","actions":["ACCESS"]},{"component":"amounts","kind":"PAGE","actions":["ACCESS"]}]}}`)
	for _, who := range []string{"", "cat", "zoe"} {
		if w := s.fetch(who, "GET", "/apps/sales/pages", ""); strings.Contains(w.Body.String(), "titles") {
			t.Errorf("%q: %s", who, w.Body)
		}
	}
}

// TestPagesAreChecked: a page is one query over what the definition has; of sets
// that open a page which asks for more than they show, the author is told.
func TestPagesAreChecked(t *testing.T) {
	s := newShop(t)
	for document, want := range map[string]string{
		`"{"`: "Expected Name", `"{ nothing }"`: `Cannot query field "nothing"`,
		`"{ orders { nodes { taxNumber } } }"`:           `Cannot query field "taxNumber"`,
		`"mutation { deleteOrder(id: 1) { id } }"`:       "expected one query",
		`"{ me { id } } query B { me { id } }"`:          "expected one query",
		`"query A { me { id } } query B { me { id } }"`:  "expected one query",
		`"fragment F on Order { id }"`:                   "no operation",
		`"{ ` + strings.Repeat("me { id } ", 400) + `}"`: "too large",
	} {
		out, err := s.e.Apply(t.Context(), s.as["sue"], []byte(shopDefinition+"pages: [{name: p, document: "+document+"}]\n"), false)
		s.must(err)
		if len(out.Faults) == 0 || !strings.Contains(out.Faults[0].Msg, want) || out.Faults[0].Line == 0 || out.Faults[0].Path != "pages[0].document" {
			t.Errorf("%s: %v, want %s", document, out.Faults, want)
		}
	}
	out, err := s.e.Check(t.Context(), s.as["sue"], []byte(pagedDefinition), false)
	s.must(err)
	var found []string
	for _, f := range out.Findings {
		if f.Kind == definition.PageUnusable {
			found = append(found, f.Path)
			if f.Line == 0 || f.Fix == "" || !strings.Contains(f.Msg, `"amount"`) || !strings.Contains(f.Msg, "line 2 of the document") {
				t.Errorf("%+v", f)
			}
		}
	}
	equal(t, "findings", strings.Join(found, " "), "permissionSets.Clerk.pages.amounts")
}

// TestPageRequests is what the address of a page takes.
func TestPageRequests(t *testing.T) {
	s := newPagedShop(t)
	const page = "/apps/sales/pages/titles"
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", page, `{"variables":null,"extensions":{}}`, 200},
		{"POST", page, `{"query":"{me{id}}"}`, 400},
		{"POST", page, `{"documentId":"page:titles"}`, 400},
		{"POST", page, `{"operationName":"x"}`, 400},
		{"POST", page, `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, 400},
		{"POST", page, `null`, 400},
		{"POST", page, `[]`, 400},
		{"GET", page + "?query={me{id}}", "", 400},
		{"GET", page + "?documentId=page:titles", "", 400},
		{"GET", page + "?variables=x", "", 400},
		{"GET", page + "?variables=[]", "", 400},
		{"GET", page + "?variables={}&variables={}", "", 400},
		{"GET", page + "?other=1", "", 400},
		{"GET", page + "?variables=%ff", "", 400},
		{"GET", page + "?a=%zz", "", 400},
		{"DELETE", page, "", 405},
		{"HEAD", page, "", 405},
		{"GET", page + "/more", "", 404},
	} {
		if w := s.fetch("ann", c.method, c.path, c.body); w.Code != c.status {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
	}
	if w := s.fetch("", "GET", page, ""); w.Code != http.StatusUnauthorized {
		t.Error(w.Code)
	}
}

// TestEntityTags: what is read by GET is kept by its tag and asked about each
// time; errors and what is sent are not kept.
func TestEntityTags(t *testing.T) {
	s := newPagedShop(t)
	const page = "/apps/sales/pages/titles"
	first := s.fetch("ann", "GET", page, "")
	tag := first.Header().Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || first.Header().Get("Cache-Control") != "private, no-cache" ||
		strings.Join(first.Header().Values("Vary"), ",") != "Accept,Authorization,"+ViewAsHeader {
		t.Error(first.Header())
	}
	for _, known := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
		w := s.fetch("ann", "GET", page, "", "If-None-Match", known)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
			t.Errorf("%s: %d %s", known, w.Code, w.Body)
		}
	}
	if w := s.fetch("ann", "GET", page, "", "If-None-Match", tag, "Accept", mediaGraphQL); w.Code != http.StatusOK {
		t.Errorf("the tag of another media type: %d", w.Code)
	}
	if w := s.fetch("dan", "GET", page, "", "If-None-Match", tag); w.Code != http.StatusNotFound {
		t.Errorf("without ACCESS, with the tag: %d", w.Code)
	}
	s.create("ann", "new")
	if w := s.fetch("ann", "GET", page, "", "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("after a change: %d", w.Code)
	}
	for _, w := range []*httptest.ResponseRecorder{
		s.fetch("ann", "POST", page, "{}"), s.fetch("ann", "GET", page+"?variables={%22first%22:-1}", ""),
	} {
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" {
			t.Error(w.Code, w.Header())
		}
	}
}
