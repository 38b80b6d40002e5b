package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"sluice/internal/httpd"
)

// TestSocketsKeepTheProtocol: what is wrong closes the socket with the code that
// graphql-transport-ws has for it.
func TestSocketsKeepTheProtocol(t *testing.T) {
	d := theDemo(t)
	operation := `{"type":"subscribe","id":"x","payload":{"query":"subscription{orderChanges{id}}"}}`
	for name, c := range map[string]struct {
		who  string
		says []string
		code websocket.StatusCode
	}{
		"no JSON":                   {"", []string{`{`}, 4400},
		"an unknown type":           {"ravi", []string{`{"type":"hello"}`}, 4400},
		"no id":                     {"ravi", []string{`{"type":"subscribe","payload":{"query":"{me{id}}"}}`}, 4400},
		"nobody":                    {"", []string{operation}, 4401},
		"no token":                  {"", []string{`{"type":"connection_init"}`}, 4401},
		"a wrong token":             {"", []string{`{"type":"connection_init","payload":{"authorization":"Bearer x"}}`}, 4401},
		"a payload of another kind": {"", []string{`{"type":"connection_init","payload":[]}`}, 4400},
		"an id twice":               {"ravi", []string{operation, operation}, 4409},
		"greeting twice":            {"ravi", []string{`{"type":"connection_init"}`}, 4429},
		"a message too long":        {"ravi", []string{`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 65<<10) + `"}}`}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			w := d.dial(t, c.who)
			for _, s := range c.says {
				w.say("%s", s)
			}
			if code := w.closed(); code != c.code {
				t.Errorf("closed with %d, want %d", code, c.code)
			}
		})
	}
}

// TestSocketsAreForOwnPages: a page of another site opens none, and one that
// speaks another protocol is told so.
func TestSocketsAreForOwnPages(t *testing.T) {
	d := theDemo(t)
	url := strings.Replace(d.url, "http", "ws", 1) + "/apps/sales/graphql"
	ctx, cancel := context.WithTimeout(t.Context(), liveTime)
	defer cancel()
	_, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
	})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %v", err)
	}
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"graphql-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t, ctx, ws}
	if code := w.closed(); code != 4406 {
		t.Errorf("another protocol is closed with %d", code)
	}
}

// TestSocketsAreBounded: so many operations at a time, each answered by itself.
func TestSocketsAreBounded(t *testing.T) {
	d := theDemo(t)
	w := d.dial(t, "ravi")
	for i := range 100 {
		w.say(`{"type":"subscribe","id":"%d","payload":{"query":"subscription{orderChanges{id}}"}}`, i)
	}
	w.say(`{"type":"subscribe","id":"more","payload":{"query":"subscription{orderChanges{id}}"}}`)
	if code := w.fails("more"); code != "LIMIT_EXCEEDED" {
		t.Errorf("one more: %s", code)
	}
	w.say(`{"type":"complete","id":"7"}`)
	w.subscribe("more", `subscription{orderChanges{id}}`)
}

// TestSubscriptionsAreGuarded: documents of subscriptions have the limits of all
// others, and exactly one field.
func TestSubscriptionsAreGuarded(t *testing.T) {
	d := theDemo(t)
	w := d.dial(t, "ravi")
	nested := `orderLines(first: 1000) { nodes { quantity order { orderLines(first: 1000) { nodes { id } } } } }`
	for query, code := range map[string]string{
		`subscription { orderChanges { id } customerChanges { id } }`:                                    "BAD_USER_INPUT",
		`subscription { a: orderChanges { id } b: orderChanges { id } }`:                                 "BAD_USER_INPUT",
		`subscription { __typename }`:                                                                    "BAD_USER_INPUT",
		`subscription { orderChanges @skip(if: true) { id } }`:                                           "BAD_USER_INPUT",
		`subscription { orderChanges { nothing } }`:                                                      "BAD_USER_INPUT",
		`subscription { orderChanges(where: {customer: {name: {eq: "x"}}}) { id } }`:                     "BAD_USER_INPUT",
		`subscription { orderChanges(where: {title: {eq: 1}}) { id } }`:                                  "BAD_USER_INPUT",
		`subscription { orderChanges(resume: "x") { id } }`:                                              "RESET",
		`subscription { orderChanges { order { ` + nested + ` } } }`:                                     "LIMIT_EXCEEDED",
		`subscription { orderChanges { id ` + strings.Repeat(`... on OrderChange { id } `, 400) + ` } }`: "LIMIT_EXCEEDED",
		``:                        "BAD_USER_INPUT",
		`{ orderChanges { id } }`: "BAD_USER_INPUT",
	} {
		q, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		w.say(`{"type":"subscribe","id":"g","payload":%s}`, q)
		if got := w.fails("g"); got != code {
			t.Errorf("%.80s: %s, want %s", query, got, code)
		}
	}
}

// TestP5_RevocationEndsTheSocket: who signs out is told nothing more.
func TestP5_RevocationEndsTheSocket(t *testing.T) {
	d := theDemo(t)
	a := d.graphql(t, "/graphql", "", `mutation{signIn(organization:"zylker",email:"ravi@zylker.example",password:"zylker demo password"){token}}`)
	token, _ := a.at("signIn.token").(string)
	if token == "" {
		t.Fatalf("%+v", a)
	}
	w := d.dial(t, "")
	w.greet(token)
	w.subscribe("a", `subscription { orderChanges { id } }`)
	d.tokens["leaving"] = token
	defer delete(d.tokens, "leaving")
	d.manage(t, "leaving", `mutation { signOut { __typename } }`)
	d.liveOrder(t, "ravi", `number: "LIVE-8", title: "After"`)
	if code := w.fails("a"); code != "UNAUTHENTICATED" {
		t.Errorf("ended with %s", code)
	}
	if code := w.closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
}

// TestP9_PolicyResets: a changed definition ends subscriptions with RESET, over
// both transports, and the socket goes on.
func TestP9_PolicyResets(t *testing.T) {
	d := theDemo(t)
	w, s := d.dial(t, "ravi"), d.eventsOf(t, "ravi", followOrders)
	w.subscribe("a", followOrders)
	d.redefine(t, "hierarchy: true", "hierarchy: false")
	if code := w.fails("a"); code != "RESET" {
		t.Errorf("over the socket: %s", code)
	}
	if event, data := s.next(); event != "next" || parsed(t, []byte(data)).code() != "RESET" {
		t.Errorf("over HTTP: %s %s", event, data)
	}
	if event, _ := s.next(); event != "complete" {
		t.Errorf("then %s", event)
	}
	w.subscribe("a", followOrders)
}

// TestP9_ImportsAreTold: every record of an import is an event.
func TestP9_ImportsAreTold(t *testing.T) {
	d := theDemo(t)
	w := d.dial(t, "priya")
	w.subscribe("a", `subscription { distributionAreaChanges { kind token } }`)
	var csv strings.Builder
	csv.WriteString("name\n")
	for i := range 300 {
		fmt.Fprintf(&csv, "Live area %d\n", i)
	}
	path := "/apps/sales/imports/"
	status, b := d.do(t, call{path: path + "DistributionArea", token: d.tokens["priya"], contentType: "text/csv", body: csv.String()})
	_, job, ok := strings.Cut(string(b), `"job":{"id":"`)
	if status != http.StatusOK || !ok {
		t.Fatalf("%d %s", status, b)
	}
	t.Cleanup(func() { d.do(t, call{path: path + job[:36] + "/undo", token: d.tokens["priya"]}) })
	for range 300 {
		if e := w.next("a"); e.at("distributionAreaChanges.kind") != "ADDED" {
			t.Fatalf("%+v", e)
		}
	}
}

// TestServersDrain: a server that stops completes its subscriptions, closes the
// sockets, and ends.
func TestServersDrain(t *testing.T) {
	d := *theDemo(t)
	runner, inspect, _, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	second, err := httpd.New(httpd.Options{Store: d.store, Rules: runner, Inspect: inspect})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpd.Serve(stop, l, second) }()
	d.url = "http://" + l.Addr().String()
	w, s := d.dial(t, "ravi"), d.eventsOf(t, "ravi", followOrders)
	w.subscribe("a", followOrders)
	cancel()
	if f := w.hear(); f.Type != "complete" || f.ID != "a" {
		t.Errorf("heard %+v", f)
	}
	if code := w.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	if event, _ := s.next(); event != "complete" {
		t.Errorf("the stream ends with %q", event)
	}
	if event, _ := s.next(); event != "" {
		t.Errorf("and goes on with %q", event)
	}
	if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
