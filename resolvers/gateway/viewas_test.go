package gateway

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"sluice/engine"
)

// TestP10ViewAsIsTold: the log hears of each look once, with who, as whom and the
// name of the operation, and of no refused one.
func TestP10ViewAsIsTold(t *testing.T) {
	s := newPagedShop(t)
	var seen []Sight
	s.g.o.Events.ViewedAs = func(_ context.Context, l Sight) { seen = append(seen, l) }
	as := []string{ViewAsHeader, s.ids["bob"].String()}
	for _, c := range []struct {
		who, method, path, body string
		want                    string // of the log, empty for nothing
	}{
		{"sue", "POST", "/apps/sales/graphql", `{"query":"query Titles{orders{nodes{title}}}","operationName":"Titles"}`, "Titles"},
		{"sue", "POST", "/apps/sales/graphql", `{"query":"{me{id}}"}`, engine.HashPrefix + engine.DocumentHash("{me{id}}")},
		{"sue", "GET", "/apps/sales/schema.graphql", "", "schema.graphql"},
		{"sue", "GET", "/apps/sales/pages", "", "pages"},
		{"ann", "POST", "/apps/sales/graphql", `{"query":"{me{id}}"}`, ""},
		{"sue", "POST", "/apps/sales/documents", `{}`, ""},
	} {
		seen = nil
		w := s.fetch(c.who, c.method, c.path, c.body, as...)
		if c.want == "" {
			if len(seen) > 0 || w.Code == http.StatusOK {
				t.Errorf("%s %s: %d, told %+v", c.who, c.path, w.Code, seen)
			}
			continue
		}
		want := Sight{Application: "sales", Asker: s.as["sue"].User, Target: s.ids["bob"], Operation: c.want}
		if w.Code != http.StatusOK || len(seen) != 1 || seen[0] != want {
			t.Errorf("%s: %d %s, told %+v", c.path, w.Code, w.Body, seen)
		}
	}
	if w := s.fetch("sue", "GET", "/apps/sales/pages", "", ViewAsHeader, "bob"); w.Code != http.StatusBadRequest {
		t.Errorf("no id: %d %s", w.Code, w.Body)
	}
}

// TestAskedHoldsNoValues: of what a client sends, names and ids alone stay.
func TestAskedHoldsNoValues(t *testing.T) {
	text, odd := "{orders{nodes{title}}}", "an id with blanks"
	hashed := func(s string) string { return engine.HashPrefix + engine.DocumentHash(s) }
	page, known := "page:desk", "list"
	for name, c := range map[string]struct {
		q    request
		want asked
	}{
		"text":       {request{Query: &text, OperationName: "List"}, asked{Operation: "List", Document: hashed(text)}},
		"no name":    {request{Query: &text, OperationName: "no name"}, asked{Document: hashed(text)}},
		"long name":  {request{Query: &text, OperationName: strings.Repeat("a", maxKeptName+1)}, asked{Document: hashed(text)}},
		"digit":      {request{Query: &text, OperationName: "1a"}, asked{Document: hashed(text)}},
		"registered": {request{DocumentID: &known}, asked{Document: "list"}},
		"odd id":     {request{DocumentID: &odd}, asked{Document: hashed(odd)}},
		"hash":       {request{hash: engine.DocumentHash(text)}, asked{Document: hashed(text)}},
		"no hash":    {request{hash: strings.Repeat("x", 64)}, asked{Document: hashed(engine.HashPrefix + strings.Repeat("x", 64))}},
		"page":       {request{DocumentID: &page, page: true}, asked{Document: "page:desk"}},
	} {
		if got := c.q.asked(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
