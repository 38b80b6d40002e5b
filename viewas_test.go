package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/resolvers/gateway"
)

// looked is the answer to a request made as another person.
type looked struct {
	status int
	header http.Header
	body   []byte

	Data       json.RawMessage `json:"data"`
	Extensions struct {
		ViewAs *struct{ ID, Name string } `json:"viewAs"`
	} `json:"extensions"`
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	} `json:"errors"`
}

func (l *looked) code() string {
	if len(l.Errors) == 0 {
		return ""
	}
	return l.Errors[0].Extensions.Code
}

// look sends a call with the header that asks for somebody else's answer.
func (d *demoServer) look(t *testing.T, c call, target string) *looked {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), or(c.method, "POST"), d.url+or(c.path, salesPath), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", or(c.contentType, "application/json"))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set(gateway.ViewAsHeader, target)
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	l := &looked{status: resp.StatusCode, header: resp.Header}
	if l.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(l.body, l) // a schema is none
	return l
}

// lookedAt are queries whose answers hold no cursor: those of two persons differ.
var lookedAt = []string{
	`{me{id displayName kind role permissionSet rights{component actions}}}`,
	`{customers(first:100){totalCount nodes{id name viewerCanUpdate viewerCanDelete owner{displayName} orders(first:5){totalCount nodes{number}}}}}`,
	`{orders(first:100,where:{customer:{name:{isNull:false}}}){totalCount nodes{id number amount status customer{name} comments{totalCount nodes{text}} history{totalCount}}}}`,
	`{ordersAggregate(groupBy:[{field:status}]){totalCount nodes{key{status} count}}}`,
	`{createdReports{name maker{displayName}}}`,
	`{notifications(first:10){totalCount nodes{read comment{text}}}}`,
	`{__schema{types{name fields{name}}}}`,
}

// TestP10ViewAsIsTheTargetsAnswer: where the asker sees everything, what they are
// answered as somebody else is that one's own answer to the letter, but for the
// mark.
func TestP10ViewAsIsTheTargetsAnswer(t *testing.T) {
	d := theDemo(t)
	answered := 0
	defer func() {
		if answered < 3*3*len(lookedAt) {
			t.Errorf("%d queries were answered", answered)
		}
	}()
	for _, target := range []string{"ravi", "nora", "felix", "omar", "mei"} {
		id := d.id(t, target)
		for _, query := range lookedAt {
			var own struct{ Data, Errors json.RawMessage }
			_, b := d.do(t, call{token: d.tokens[target], body: asked(query)})
			if err := json.Unmarshal(b, &own); err != nil {
				t.Fatalf("%s", b)
			}
			for _, asker := range []string{"priya", "jonas", "mei"} {
				got := d.look(t, call{token: d.tokens[asker], body: asked(query)}, id)
				if !bytes.Equal(got.Data, own.Data) {
					t.Errorf("%s as %s: %s\n%s\nown %s", asker, target, query, got.body, b)
				}
				if got.Data == nil {
					continue // not valid on the target's schema, which either is told
				}
				answered++
				if m := got.Extensions.ViewAs; m == nil || m.ID != id || m.Name == "" || got.header.Get(gateway.ViewAsHeader) != id || got.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s as %s: not marked: %v %s", asker, target, got.header, got.body)
				}
			}
		}
	}
	if got := d.ok(t, "priya", `{me{displayName}}`); got.at("me.displayName") != "Priya Raman" {
		t.Error("a look stays")
	}
}

// TestP10ViewAsShowsNothingHiddenFromTheAsker: what another admin hides is not in
// the target's answer, nor is it where the target could see it before.
func TestP10ViewAsShowsNothingHiddenFromTheAsker(t *testing.T) {
	d := theDemo(t)
	id := d.ok(t, "jonas", `mutation{createCustomer(input:{name:"Hidden Ltd",region:"EMEA"}){id}}`).at("createCustomer.id").(string)
	defer d.ok(t, "jonas", `mutation{deleteCustomer(id:%q){id}}`, id)
	query := asked(fmt.Sprintf(`{customer(id:%q){name} customers(where:{name:{eq:"Hidden Ltd"}}){totalCount}}`, id))
	felix := d.id(t, "felix")
	see := func(asker string) string {
		return string(d.look(t, call{token: d.tokens[asker], body: query}, felix).Data)
	}
	if got := see("priya"); !strings.Contains(got, "Hidden Ltd") {
		t.Fatalf("before: %s", got)
	}
	d.manage(t, "jonas", `mutation{hideRecords(application:"sales",form:"Customer",where:{name:{eq:"Hidden Ltd"}}){hidden{form}}}`)
	defer d.manage(t, "jonas", `mutation{unhideRecords(application:"sales",form:"Customer"){hidden{form}}}`)
	for _, asker := range []string{"priya", "jonas", "mei"} {
		if got := see(asker); got != `{"customer":null,"customers":{"totalCount":0}}` {
			t.Errorf("%s: %s", asker, got)
		}
	}
}

// TestP10ViewAsIsReadOnly: everything but a query is refused in the same words,
// and nothing is done.
func TestP10ViewAsIsReadOnly(t *testing.T) {
	d := theDemo(t)
	ravi := d.id(t, "ravi")
	before := d.everything(t)
	for name, c := range map[string]call{
		"mutation":         {body: asked(`mutation{createCustomer(input:{name:"x",region:"EMEA"}){id}}`)},
		"subscription":     {body: asked(`subscription{customerChanges{kind}}`)},
		"events":           {body: asked(`{me{id}}`), header: map[string]string{"Accept": "text/event-stream"}},
		"socket":           {method: "GET", header: map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "graphql-transport-ws"}},
		"management":       {path: managePath, body: asked(`{me{kind}}`)},
		"definition":       {method: "PUT", path: "/definition", contentType: "application/yaml", body: "application: sales"},
		"export":           {method: "GET", path: "/apps/sales/export/Customer"},
		"import":           {path: "/apps/sales/imports/Customer", contentType: "text/csv", body: "name\nx\n"},
		"imports":          {method: "GET", path: "/apps/sales/imports"},
		"file":             {method: "GET", path: "/apps/sales/files/Customer/" + nobody + "/scan/" + nobody},
		"upload":           {path: "/apps/sales/files/Customer/scan?name=a.txt", contentType: "text/plain", body: "x"},
		"documents":        {method: "PUT", path: "/apps/sales/documents", body: `{"a":"{me{id}}"}`},
		"list of them":     {method: "GET", path: "/apps/sales/documents"},
		"document removed": {method: "DELETE", path: "/apps/sales/documents/a"},
		"access review":    {method: "GET", path: "/apps/sales/access-review.csv"},
		"setup":            {path: "/setup", body: `{}`},
	} {
		c.token = d.tokens["priya"]
		got := d.look(t, c, ravi)
		if got.status != http.StatusForbidden || got.code() != "FORBIDDEN" || !strings.Contains(got.Errors[0].Message, "read-only") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if d.everything(t) != before {
		t.Error("something was done")
	}
}

// TestP10WhoMayViewAsWhomOverHTTP: live users may not; admins are nobody to view
// as; an inactive person is as absent as one who never was.
func TestP10WhoMayViewAsWhomOverHTTP(t *testing.T) {
	d := theDemo(t)
	paul := d.manage(t, "priya", `{users(search:"paul@"){nodes{id}}}`).at("users.nodes.0.id").(string)
	ask := func(who, target string) *looked {
		return d.look(t, call{token: d.tokens[who], body: asked(`{me{id}}`)}, target)
	}
	ravi, jonas := d.id(t, "ravi"), d.id(t, "jonas")
	for _, c := range []struct{ who, target, code string }{
		{"marta", ravi, "FORBIDDEN"}, {"marta", paul, "FORBIDDEN"}, {"marta", nobody, "FORBIDDEN"}, {"ravi", ravi, "FORBIDDEN"},
		{"priya", jonas, "FORBIDDEN"}, {"mei", jonas, "FORBIDDEN"}, {"jonas", jonas, "FORBIDDEN"},
		{"priya", paul, "NOT_FOUND"}, {"mei", nobody, "NOT_FOUND"}, {"priya", "ravi", "BAD_USER_INPUT"}, {"priya", " ", "BAD_USER_INPUT"},
	} {
		if got := ask(c.who, c.target); got.code() != c.code || got.Data != nil {
			t.Errorf("%s as %s: %s", c.who, c.target, got.body)
		}
	}
	if a, b := ask("mei", paul), ask("mei", nobody); !bytes.Equal(a.body, b.body) || a.status != b.status {
		t.Errorf("inactive %s, nobody %s", a.body, b.body)
	}
	token := d.manage(t, "jonas", `mutation{createToken(label:"t"){token id}}`)
	defer d.manage(t, "jonas", `mutation{revokeToken(id:%q){id}}`, token.at("createToken.id"))
	if got := d.look(t, call{token: token.at("createToken.token").(string), body: asked(`{me{id}}`)}, ravi); got.code() != "FORBIDDEN" {
		t.Errorf("by a personal token: %s", got.body)
	}
}

// TestP10ViewAsTargets: those who may be viewed as, by name, without admins and
// inactive people, page by page, for who holds the tool.
func TestP10ViewAsTargets(t *testing.T) {
	d := theDemo(t)
	names, after := []string{}, ""
	for range 20 {
		a := d.manage(t, "mei", `{viewAsTargets(application:"sales",first:4%s){nodes{id displayName} pageInfo{hasNextPage endCursor}}}`, after)
		for _, n := range a.list("viewAsTargets.nodes") {
			names = append(names, n.(map[string]any)["displayName"].(string))
		}
		if a.at("viewAsTargets.pageInfo.hasNextPage") != true {
			break
		}
		after = fmt.Sprintf(",after:%q", a.at("viewAsTargets.pageInfo.endCursor"))
	}
	all := strings.Join(names, ",")
	for name, want := range map[string]bool{"Ravi Patel": true, "Omar Haddad": true, "Priya Raman": false, "Jonas Weber": false, "Paul Novak": false, "Mei Tanaka": false} {
		if strings.Count(all, name) > 1 || strings.Contains(all, name) != want {
			t.Errorf("%s among %s", name, all)
		}
	}
	a := d.manage(t, "jonas", `{viewAsTargets(application:"sales",search:"TAN"){nodes{displayName}}}`)
	if l := a.list("viewAsTargets.nodes"); len(l) != 1 || a.at("viewAsTargets.nodes.0.displayName") != "Mei Tanaka" {
		t.Errorf("%v", l)
	}
	for who, want := range map[string]string{"ravi": "FORBIDDEN", "omar": "FORBIDDEN"} {
		if a := d.graphql(t, "/graphql", who, `{viewAsTargets(application:"sales"){nodes{id}}}`); a.code() != want {
			t.Errorf("%s: %+v", who, a)
		}
	}
	if a := d.graphql(t, "/graphql", "jonas", `{viewAsTargets(application:"salez"){nodes{id}}}`); a.code() != "NOT_FOUND" {
		t.Errorf("%+v", a)
	}
}

// TestP10PagesAndSchemasAsAnother: the target's, kept by nobody, also where the
// asker has their own.
func TestP10PagesAndSchemasAsAnother(t *testing.T) {
	d := theDemo(t)
	for _, path := range []string{"/apps/sales/pages/desk", "/apps/sales/schema.graphql", "/apps/sales/schema.json", "/apps/sales/pages"} {
		for _, target := range []string{"ravi", "nora"} {
			_, own := d.do(t, call{method: "GET", path: path, token: d.tokens[target]})
			got := d.look(t, call{method: "GET", path: path, token: d.tokens["priya"], header: map[string]string{"If-None-Match": "*"}}, d.id(t, target))
			text := string(got.body)
			if i := strings.Index(text, `,"extensions":{"viewAs"`); i > 0 {
				text = text[:i] + "}"
			}
			if got.status != http.StatusOK || text != string(own) || got.header.Get(gateway.ViewAsHeader) != d.id(t, target) {
				t.Errorf("%s as %s: %d %v\n%.300s\nown %.300s", path, target, got.status, got.header, text, own)
			}
			if got.header.Get("Cache-Control") != "no-store" || got.header.Get("ETag") != "" {
				t.Errorf("%s is kept: %v", path, got.header)
			}
		}
		if got := d.look(t, call{method: "GET", path: path + "?as=ravi@zylker.example", token: d.tokens["priya"]}, d.id(t, "nora")); strings.Contains(path, "schema.") && got.code() != "BAD_USER_INPUT" {
			t.Errorf("%s as two people: %s", path, got.body)
		}
	}
	if got := d.look(t, call{method: "GET", path: "/apps/sales/pages/desk", token: d.tokens["priya"]}, d.id(t, "omar")); got.code() != "NOT_FOUND" {
		t.Errorf("a page that the target cannot open: %s", got.body)
	}
}
