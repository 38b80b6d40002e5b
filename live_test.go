package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// liveTime bounds a test that waits for an event; nothing is expected to take it.
const liveTime = time.Minute

// frame is a message of graphql-transport-ws.
type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// wire is a client's end of a socket.
type wire struct {
	t   *testing.T
	ctx context.Context
	ws  *websocket.Conn
}

// dial opens a socket on the application sales, greeted unless who is empty.
func (d *demoServer) dial(t *testing.T, who string) *wire {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), liveTime)
	t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, strings.Replace(d.url, "http", "ws", 1)+"/apps/sales/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	w := &wire{t, ctx, ws}
	if who != "" {
		w.greet(d.tokens[who])
	}
	return w
}

func (w *wire) greet(token string) {
	w.t.Helper()
	w.say(`{"type":"connection_init","payload":{"authorization":"Bearer %s"}}`, token)
	if f := w.hear(); f.Type != "connection_ack" {
		w.t.Fatalf("greeted with %+v", f)
	}
}

func (w *wire) say(format string, args ...any) {
	w.t.Helper()
	if err := w.ws.Write(w.ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) hear() frame {
	w.t.Helper()
	_, b, err := w.ws.Read(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var f frame
	if err := json.Unmarshal(b, &f); err != nil {
		w.t.Fatalf("%v: %s", err, b)
	}
	return f
}

// closed returns the code that the server closes the socket with, after any
// number of messages.
func (w *wire) closed() websocket.StatusCode {
	w.t.Helper()
	for {
		if _, _, err := w.ws.Read(w.ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// subscribe begins an operation, and returns when the server has begun it: the
// answer to a ping comes after.
func (w *wire) subscribe(id, query string) {
	w.t.Helper()
	q, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		w.t.Fatal(err)
	}
	w.say(`{"type":"subscribe","id":%q,"payload":%s}`, id, q)
	w.sync()
}

func (w *wire) sync() {
	w.t.Helper()
	w.say(`{"type":"ping"}`)
	if f := w.hear(); f.Type != "pong" {
		w.t.Fatalf("a ping is answered by %+v: %s", f, f.Payload)
	}
}

// next hears an event of an operation.
func (w *wire) next(id string) answer {
	w.t.Helper()
	f := w.hear()
	if f.Type != "next" || f.ID != id {
		w.t.Fatalf("heard %+v: %s", f, f.Payload)
	}
	return parsed(w.t, f.Payload)
}

func parsed(t *testing.T, b []byte) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return a
}

// fails hears that an operation ended, and returns the code of its first error.
func (w *wire) fails(id string) string {
	w.t.Helper()
	f := w.hear()
	if f.Type != "error" || f.ID != id {
		w.t.Fatalf("heard %+v: %s", f, f.Payload)
	}
	return parsed(w.t, fmt.Appendf(nil, `{"errors":%s}`, f.Payload)).code()
}

const followOrders = `subscription { orderChanges { kind id token order { title amount version } } }`

// liveOrder adds an order as somebody and deletes it with the test.
func (d *demoServer) liveOrder(t *testing.T, who, input string) string {
	t.Helper()
	id := d.ok(t, who, `mutation { createOrder(input: {%s}) { id } }`, input).at("createOrder.id").(string)
	t.Cleanup(func() { d.as(t, "priya", `mutation { deleteOrder(id: %q) { id } }`, id) })
	return id
}

func TestP9_EventsOverASocket(t *testing.T) {
	d := theDemo(t)
	w := d.dial(t, "ravi")
	w.subscribe("a", followOrders)
	w.subscribe("b", `subscription { orderChanges(where: {title: {eq: "Live two"}}) { kind id } }`)

	id := d.liveOrder(t, "ravi", `number: "LIVE-1", title: "Live one", amount: "10.00"`)
	a := w.next("a")
	if a.at("orderChanges.kind") != "ADDED" || a.at("orderChanges.id") != id || a.at("orderChanges.order.title") != "Live one" ||
		a.at("orderChanges.order.amount") != "10.00" {
		t.Errorf("added: %+v", a)
	}
	if token, ok := a.at("orderChanges.token").(string); !ok || token == "" {
		t.Errorf("an event has no token: %+v", a)
	}
	d.ok(t, "ravi", `mutation { updateOrder(id: %q, input: {title: "Live two"}) { id } }`, id)
	kinds := map[string]any{}
	for range 2 {
		f := w.hear()
		kinds[f.ID] = parsed(t, f.Payload).at("orderChanges.kind")
	}
	if kinds["a"] != "CHANGED" || kinds["b"] != "ADDED" {
		t.Errorf("after the change: %v", kinds)
	}
	w.say(`{"type":"complete","id":"b"}`)
	w.sync()
	d.ok(t, "ravi", `mutation { deleteOrder(id: %q) { id } }`, id)
	a = w.next("a")
	if a.at("orderChanges.kind") != "REMOVED" || a.at("orderChanges.id") != id || a.at("orderChanges.order") != nil {
		t.Errorf("removed: %+v", a)
	}
}

// TestP9_OutOfReachIsRemoved: a record that is given away and one that is deleted
// look alike, and what happens to it afterwards is not told.
func TestP9_OutOfReachIsRemoved(t *testing.T) {
	d := theDemo(t)
	given := d.liveOrder(t, "ravi", `number: "LIVE-2", title: "Given"`)
	deleted := d.liveOrder(t, "ravi", `number: "LIVE-3", title: "Deleted"`)
	w := d.dial(t, "ravi")
	w.subscribe("a", `subscription { orderChanges { kind id order { title } } }`)
	d.ok(t, "priya", `mutation { changeOrderOwner(id: %q, owner: %q) { id } }`, given, d.id(t, "priya"))
	first := w.hear()
	d.ok(t, "priya", `mutation { updateOrder(id: %q, input: {title: "Unseen"}) { id } }`, given)
	d.ok(t, "priya", `mutation { deleteOrder(id: %q) { id } }`, deleted)
	second := w.hear()
	if got, want := string(second.Payload), strings.ReplaceAll(string(first.Payload), given, deleted); got != want || !strings.Contains(got, "REMOVED") {
		t.Errorf("deleted: %s, given away: %s", got, first.Payload)
	}
}

// TestP9_QueriesOverASocket: other operations are answered once.
func TestP9_QueriesOverASocket(t *testing.T) {
	d := theDemo(t)
	w := d.dial(t, "ravi")
	q, _ := json.Marshal(map[string]string{"query": `{ me { displayName } }`})
	w.say(`{"type":"subscribe","id":"q","payload":%s}`, q)
	if a := w.next("q"); a.at("me.displayName") == nil {
		t.Errorf("%+v", a)
	}
	if f := w.hear(); f.Type != "complete" || f.ID != "q" {
		t.Errorf("heard %+v", f)
	}
	q, _ = json.Marshal(map[string]string{"query": `{ salaries { totalCount } }`})
	w.say(`{"type":"subscribe","id":"q","payload":%s}`, q)
	if code := w.fails("q"); code != "BAD_USER_INPUT" {
		t.Errorf("a field of nobody: %s", code)
	}
}

// eventsOf sends an operation that is answered by events.
func (d *demoServer) eventsOf(t *testing.T, who, query string) *sse {
	t.Helper()
	return d.stream(t, "/apps/sales/graphql", d.tokens[who], query)
}

func (d *demoServer) stream(t *testing.T, path, token, query string) *sse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), liveTime)
	t.Cleanup(cancel)
	body, _ := json.Marshal(map[string]string{"query": query})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+path, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &sse{t, resp, bufio.NewReader(resp.Body)}
}

// sse is a stream of server-sent events.
type sse struct {
	t    *testing.T
	resp *http.Response
	r    *bufio.Reader
}

// next returns the next event; comments are passed over. At the end both are
// empty.
func (s *sse) next() (event, data string) {
	s.t.Helper()
	for {
		line, err := s.r.ReadString('\n')
		if err == io.EOF {
			return "", ""
		}
		if err != nil {
			s.t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "event: "):
			event = line[len("event: "):]
		case strings.HasPrefix(line, "data:"):
			data = strings.TrimPrefix(line[len("data:"):], " ")
		case line == "" && event != "":
			return event, data
		}
	}
}

func TestP9_EventsOverHTTP(t *testing.T) {
	d := theDemo(t)
	s := d.eventsOf(t, "ravi", followOrders)
	if got := s.resp.Header.Get("Content-Type"); s.resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, "text/event-stream") {
		t.Fatalf("status %d, %s", s.resp.StatusCode, got)
	}
	id := d.liveOrder(t, "ravi", `number: "LIVE-4", title: "Live"`)
	event, data := s.next()
	a := parsed(t, []byte(data))
	if event != "next" || a.at("orderChanges.kind") != "ADDED" || a.at("orderChanges.id") != id {
		t.Fatalf("%s %s", event, data)
	}
	token := a.at("orderChanges.token").(string)
	_ = s.resp.Body.Close()

	// While nobody listens, one order comes and goes, and the other changes.
	gone := d.liveOrder(t, "ravi", `number: "LIVE-5", title: "Gone"`)
	d.ok(t, "ravi", `mutation { deleteOrder(id: %q) { id } }`, gone)
	d.ok(t, "ravi", `mutation { updateOrder(id: %q, input: {title: "Changed"}) { id } }`, id)
	s = d.eventsOf(t, "ravi", strings.Replace(followOrders, "orderChanges", fmt.Sprintf("orderChanges(resume: %q)", token), 1))
	event, data = s.next()
	if a = parsed(t, []byte(data)); event != "next" || a.at("orderChanges.kind") != "CHANGED" || a.at("orderChanges.order.title") != "Changed" {
		t.Errorf("%s %s", event, data)
	}
	// The token is for this subscription alone.
	for who, query := range map[string]string{
		"marta": followOrders, "ravi": strings.Replace(followOrders, "Changes {", `Changes(where: {title: {eq: "x"}}) {`, 1),
	} {
		arg := fmt.Sprintf("resume: %q", token)
		if strings.Contains(query, "where:") {
			query = strings.Replace(query, "where:", arg+", where:", 1)
		} else {
			query = strings.Replace(query, "Changes", "Changes("+arg+")", 1)
		}
		s := d.eventsOf(t, who, query)
		b, _ := io.ReadAll(s.resp.Body)
		if code := parsed(t, b).code(); s.resp.StatusCode != http.StatusConflict || code != "RESET" {
			t.Errorf("the token as %s in %s: status %d, %s", who, query, s.resp.StatusCode, b)
		}
	}
}

func TestQueriesAsEvents(t *testing.T) {
	d := theDemo(t)
	s := d.eventsOf(t, "ravi", `{ me { displayName } }`)
	if event, data := s.next(); event != "next" || parsed(t, []byte(data)).at("me.displayName") == nil {
		t.Errorf("%s %s", event, data)
	}
	if event, _ := s.next(); event != "complete" {
		t.Errorf("then %s", event)
	}
	a := d.as(t, "ravi", `%s`, followOrders)
	if a.code() != "BAD_USER_INPUT" {
		t.Errorf("a subscription over plain HTTP: %+v", a)
	}
}
