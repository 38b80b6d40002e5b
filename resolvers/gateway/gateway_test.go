package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"

	"sluice/internal/identity"
)

// TestOperations walks a record's life as its viewers see it.
func TestOperations(t *testing.T) {
	s := newShop(t)
	id := s.create("ann", "First")
	equal(t, "own record", s.ask("ann", `{orders{totalCount nodes{title amount quantity owner{displayName} viewerCanUpdate viewerCanDelete}} openOrders{totalCount}}`, nil),
		`{"orders":{"totalCount":1,"nodes":[{"title":"First","amount":"0.00","quantity":3,"owner":{"displayName":"Ann"},"viewerCanUpdate":true,"viewerCanDelete":false}]},"openOrders":{"totalCount":1}}`)
	equal(t, "of another", s.ask("bob", `query($id:ID!){order(id:$id){id} orders{totalCount}}`, map[string]any{"id": id}), `{"order":null,"orders":{"totalCount":0}}`)
	equal(t, "filter", s.ask("sue", `{orders(where:{title:{startsWith:"F"}},orderBy:[{field:quantity,direction:DESC}]){nodes{title}}}`, nil), `{"orders":{"nodes":[{"title":"First"}]}}`)
	equal(t, "update", s.ask("ann", `mutation($id:ID!){updateOrder(id:$id,input:{title:"Second"},ifVersion:1){order{title version}}}`, map[string]any{"id": id}),
		`{"updateOrder":{"order":{"title":"Second","version":2}}}`)
	code, body := s.post("bob", "sales", `mutation($id:ID!){updateOrder(id:$id,input:{status:"WON"}){id}}`, map[string]any{"id": id})
	code2, body2 := s.post("bob", "sales", `mutation($id:ID!){updateOrder(id:$id,input:{status:"WON"}){id}}`, map[string]any{"id": s.ids["bob"].String()})
	if code != http.StatusOK || code2 != code || body != body2 || !strings.Contains(body, `"NOT_FOUND"`) || !strings.Contains(body, `"data":null`) {
		t.Errorf("out of reach %d %s\nabsent       %d %s", code, body, code2, body2)
	}
	equal(t, "nothing was written", s.ask("ann", `{orders{nodes{status version}}}`, nil), `{"orders":{"nodes":[{"status":"OPEN","version":2}]}}`)
}

// TestMutationIsOneTransaction fails the second of two creates by a unique value:
// the first is not there afterwards.
func TestMutationIsOneTransaction(t *testing.T) {
	s := newShop(t)
	code, body := s.post("ann", "sales", `mutation{a:createOrder(input:{title:"a",serial:"X"}){id} b:createOrder(input:{title:"b",serial:"X"}){id}}`, nil)
	if code != http.StatusOK || !strings.Contains(body, `"CONFLICT"`) || !strings.Contains(body, `"path":["b"]`) || !strings.HasSuffix(body, `"data":null}`) {
		t.Errorf("%d %s", code, body)
	}
	equal(t, "orders", s.ask("ann", `{orders{totalCount}}`, nil), `{"orders":{"totalCount":0}}`)
}

// TestNestedLevels reads lookups and children through the engine.
func TestNestedLevels(t *testing.T) {
	s := newShop(t)
	data := s.ask("ann", `mutation{createCustomer(input:{name:"Zylker"}){id}}`, nil)
	var c struct{ CreateCustomer struct{ ID string } }
	s.must(json.Unmarshal([]byte(data), &c))
	id := s.create("ann", "A")
	s.ask("ann", `mutation($o:ID!,$c:ID!){updateOrder(id:$o,input:{customer:$c}){id} a:createOrderLine(input:{order:$o,product:"p1"}){id} b:createOrderLine(input:{order:$o,product:"p2"}){id}}`,
		map[string]any{"o": id, "c": c.CreateCustomer.ID})
	equal(t, "nested", s.ask("ann", `{orders{nodes{customer{name orders{totalCount nodes{title}}} lines(first:1,orderBy:{field:product}){totalCount nodes{product order{title}} pageInfo{hasNextPage}}}}}`, nil),
		`{"orders":{"nodes":[{"customer":{"name":"Zylker","orders":{"totalCount":1,"nodes":[{"title":"A"}]}},"lines":{"totalCount":2,"nodes":[{"product":"p1","order":{"title":"A"}}],"pageInfo":{"hasNextPage":true}}}]}}`)
}

// TestPaging follows cursors to the end and counts exactly what comes before.
func TestPaging(t *testing.T) {
	s := newShop(t)
	for _, title := range []string{"a", "b", "c", "d", "e"} {
		s.create("ann", title)
	}
	const query = `query($after:String){orders(first:2,after:$after,orderBy:[{field:title,direction:DESC}]){nodes{title} pageInfo{hasNextPage hasPreviousPage endCursor}}}`
	var seen []string
	after := any(nil)
	for page := range 5 {
		var out struct {
			Orders struct {
				Nodes    []struct{ Title string }
				PageInfo struct {
					HasNextPage, HasPreviousPage bool
					EndCursor                    string
				}
			}
		}
		s.must(json.Unmarshal([]byte(s.ask("ann", query, map[string]any{"after": after})), &out))
		for _, n := range out.Orders.Nodes {
			seen = append(seen, n.Title)
		}
		if p := out.Orders.PageInfo; p.HasPreviousPage != (page > 0) || p.HasNextPage != (page < 2) {
			t.Errorf("page %d: %+v", page, p)
		}
		if after = out.Orders.PageInfo.EndCursor; !out.Orders.PageInfo.HasNextPage {
			break
		}
	}
	equal(t, "all pages", strings.Join(seen, ""), "edcba")
	_, body := s.post("bob", "sales", query, map[string]any{"after": after})
	if !strings.Contains(body, `"BAD_USER_INPUT"`) {
		t.Errorf("the cursor of another viewer: %s", body)
	}
}

// TestP2_ApplicationsThatAreNotThere: an application that does not exist, one of
// another organization and one without a place in it answer alike.
func TestP2_ApplicationsThatAreNotThere(t *testing.T) {
	s := newShop(t)
	s.apply("zoe", strings.Replace(shopDefinition, "application: sales", "application: other", 1))
	ask := func(who, application string) string {
		w := s.send(who, application, []byte(`{"query":"{__typename}"}`), nil)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s at %s: %d", who, application, w.Code)
		}
		return strings.ReplaceAll(w.Body.String(), application, "APP")
	}
	want := ask("cat", "nowhere")
	for _, c := range [][2]string{{"cat", "sales"}, {"ann", "other"}, {"ann", "nowhere"}, {"sue", "other"}, {"cat", "sales@stage"}} {
		equal(t, c[0]+" at "+c[1], ask(c[0], c[1]), want)
	}
	if !strings.Contains(want, `"NOT_FOUND"`) {
		t.Error(want)
	}
}

// TestTokens: no token, a wrong one and one that has ended answer alike.
func TestTokens(t *testing.T) {
	s := newShop(t)
	query := []byte(`{"query":"{__typename}"}`)
	want := refusalOf("UNAUTHENTICATED", signIn)
	for name, header := range map[string]string{
		"none": "", "no scheme": s.tokens["ann"], "basic": "Basic YW5uOng=", "wrong": "Bearer nonsense",
		"cut": "Bearer " + s.tokens["ann"][:20], "long": "Bearer " + strings.Repeat("x", 5000),
	} {
		w := s.send("ann", "sales", query, map[string]string{"Authorization": header})
		equal(t, name, w.Body.String(), want)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Error(name, w.Code, w.Header())
		}
	}
	s.must(s.d.SignOut(t.Context(), s.as["ann"]))
	if w := s.send("ann", "sales", query, nil); w.Code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d %s", w.Code, w.Body)
	}
}

// TestAPISwitch is B1: the switch concerns personal tokens, not sessions.
func TestAPISwitch(t *testing.T) {
	s := newShop(t)
	w := s.send("dan api", "sales", []byte(`{"query":"{orders{totalCount}}"}`), nil)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"FORBIDDEN"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	equal(t, "session", s.ask("dan", `{orders{totalCount}}`, nil), `{"orders":{"totalCount":0}}`)
}

// TestRightsChange binds from the next operation on, with the documents that
// were read before.
func TestRightsChange(t *testing.T) {
	s := newShop(t)
	const query = `{orders{nodes{amount}} customers{totalCount}}`
	s.ask("ann", query, nil)
	s.assign("ann", "Clerk")
	_, body := s.post("ann", "sales", query, nil)
	if strings.Contains(body, `"data"`) || !strings.Contains(body, `Cannot query field`) {
		t.Error(body)
	}
	s.assign("ann", "Sales")
	s.ask("ann", query, nil)
}

// TestRightsChangeBeforeTheWrite takes rights away between the planning of a
// mutation and its transaction.
func TestRightsChangeBeforeTheWrite(t *testing.T) {
	s := newShop(t)
	ctx := t.Context()
	op, err := s.e.Read(ctx, s.as["ann"], "sales")
	s.must(err)
	e, key, err := s.g.schemas.of(op)
	s.must(err)
	op.Close()
	q := `mutation{createOrder(input:{title:"x",amount:1}){id}}`
	c := call{g: s.g, principal: s.as["ann"], application: "sales", request: &request{Query: &q}, media: mediaJSON}
	run, mutates, refused := c.prepare(op, e, document{text: q})
	if refused != nil || !mutates {
		t.Fatal(refused)
	}
	s.assign("ann", "Clerk")
	if _, err := c.mutate(ctx, run, key); !errors.Is(err, errRightsChanged) {
		t.Errorf("written under other rights: %v", err)
	}
	equal(t, "orders", s.ask("sue", `{orders{totalCount}}`, nil), `{"orders":{"totalCount":0}}`)
}

// TestShapesDoNotShareDocuments sends one text from two viewers in turn, twice:
// each time it is judged by the schema of who sends it.
func TestShapesDoNotShareDocuments(t *testing.T) {
	s := newShop(t)
	s.create("ann", "x")
	for range 2 {
		equal(t, "ann", s.ask("ann", `{orders{nodes{amount}}}`, nil), `{"orders":{"nodes":[{"amount":"0.00"}]}}`)
		_, body := s.post("bob", "sales", `{orders{nodes{amount}}}`, nil)
		equal(t, "bob", body, `{"errors":[{"message":"Cannot query field \"amount\" on type \"Order\".","locations":[{"line":1,"column":15}],"extensions":{"code":"BAD_USER_INPUT"}}]}`)
		_, body = s.post("zoe", "sales", `{customers{nodes{taxNumber}}}`, nil)
		if !strings.Contains(body, "Cannot query field") {
			t.Errorf("the schema of another organization: %s", body)
		}
	}
	if n := s.g.schemas.entries.len(); n != 3 {
		t.Errorf("%d schemas for 3 shapes", n)
	}
}

// TestIntrospection is that of GraphiQL: it passes the guard, and its answer is
// that of the viewer's schema.
func TestIntrospection(t *testing.T) {
	s := newShop(t)
	query := introspection.NewQuery(introspection.QueryOptions{OneOf: true})
	ann, bob := s.ask("ann", query, nil), s.ask("bob", query, nil)
	for _, name := range []string{"taxNumber", "Customer", "amount", "serial", "openOrders", "createOrder", "OrderLine", "billTo"} {
		if strings.Contains(bob, name) {
			t.Errorf("bob's schema names %s", name)
		}
		if name != "billTo" && !strings.Contains(ann, name) {
			t.Errorf("ann's schema does not name %s", name)
		}
	}
}

// TestPanics answers INTERNAL with nothing of the cause.
func TestPanics(t *testing.T) {
	s := newShop(t)
	s.g.o.Directory = panics{}
	w := s.send("ann", "sales", []byte(`{"query":"{__typename}"}`), nil)
	equal(t, "body", w.Body.String(), refusalOf("INTERNAL", "internal error"))
	if w.Code != http.StatusInternalServerError || len(s.panicks) != 1 {
		t.Error(w.Code, s.panicks)
	}
}

type panics struct{}

func (panics) Authenticate(context.Context, string) (identity.Principal, error) {
	panic("secret of the house")
}

// TestInternalFaults reports the cause to us and not to the client.
func TestInternalFaults(t *testing.T) {
	s := newShop(t)
	s.g.o.Directory = failing{}
	w := s.send("ann", "sales", []byte(`{"query":"{__typename}"}`), nil)
	equal(t, "body", w.Body.String(), refusalOf("INTERNAL", "internal error"))
	if w.Code != http.StatusInternalServerError || len(s.failed) != 1 || s.failed[0] != os.ErrClosed.Error() {
		t.Error(w.Code, s.failed)
	}
}

type failing struct{}

func (failing) Authenticate(context.Context, string) (identity.Principal, error) {
	return identity.Principal{}, os.ErrClosed
}

func TestOtherAddresses(t *testing.T) {
	s := newShop(t)
	for _, path := range []string{"/", "/apps/", "/apps/sales", "/apps/sales/graphql/x", "/graphql"} {
		w := httptest.NewRecorder()
		s.g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}")))
		equal(t, path, w.Body.String(), refusalOf("NOT_FOUND", "there is nothing at this address"))
		if w.Code != http.StatusNotFound {
			t.Error(path, w.Code)
		}
	}
}
