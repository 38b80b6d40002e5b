package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
)

// subprotocol is the one that sockets speak.
const subprotocol = "graphql-transport-ws"

// The codes that a socket is closed with.
const (
	closeBad          websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeProtocol     websocket.StatusCode = 4406
	closeLate         websocket.StatusCode = 4408
	closeTaken        websocket.StatusCode = 4409
	closeTwice        websocket.StatusCode = 4429
	closeInternal     websocket.StatusCode = 4500
)

// maxOperationID bounds the ids that a client gives its operations, in bytes.
const maxOperationID = 256

// upgrades reports whether a request asks for a WebSocket.
func upgrades(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// socket is one connection.
type socket struct {
	g           *Gateway
	ws          *websocket.Conn
	ctx         context.Context
	header      string // the token that the request brought, empty for none
	application string

	principal identity.Principal // set once, by the loop that reads
	known     bool
	greeted   bool

	mu   sync.Mutex // guards ops
	ops  map[string]*running
	wait sync.WaitGroup
}

// running is an operation of a socket.
type running struct{ cancel context.CancelFunc }

// message is what goes both ways.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket serves a WebSocket until either side closes it. Pages of other sites
// cannot open one.
func (g *Gateway) socket(w http.ResponseWriter, r *http.Request) {
	if !g.live.enter(g.o.Live.Sockets) {
		refuseWith(errStopping).write(w, mediaJSON)
		return
	}
	defer g.live.leave()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return // it has been answered
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Subprotocol() != subprotocol {
		_ = ws.Close(closeProtocol, "Subprotocol not acceptable")
		return
	}
	ws.SetReadLimit(g.o.Live.Message)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	s := &socket{g: g, ws: ws, ctx: ctx, header: bearer(r), application: r.PathValue("application"), ops: map[string]*running{}}
	defer s.wait.Wait()
	defer cancel()
	detach := context.AfterFunc(g.live.stopping, s.drain)
	defer detach()
	s.serve()
}

// serve reads messages until the socket is closed.
func (s *socket) serve() {
	late := time.AfterFunc(s.g.o.Live.Init, func() { s.close(closeLate, "Connection initialisation timeout") })
	defer late.Stop()
	s.wait.Go(s.ping)
	for {
		kind, b, err := s.ws.Read(s.ctx)
		if err != nil {
			return
		}
		var m message
		if kind != websocket.MessageText || !utf8.Valid(b) || json.Unmarshal(b, &m) != nil {
			s.close(closeBad, "Invalid message received")
			return
		}
		if !s.take(&m, late) {
			return
		}
	}
}

// take handles one message; false ends the socket, which is closed then.
func (s *socket) take(m *message, late *time.Timer) bool {
	switch m.Type {
	case "connection_init":
		if s.greeted {
			return s.close(closeTwice, "Too many initialisation requests")
		}
		s.greeted = true
		late.Stop()
		return s.greet(m.Payload)
	case "ping":
		return s.send(message{Type: "pong"})
	case "pong":
		return true
	case "subscribe":
		if !s.known {
			return s.close(closeUnauthorized, "Unauthorized")
		}
		return s.subscribe(m)
	case "complete":
		s.cancel(m.ID)
		return true
	}
	return s.close(closeBad, "Invalid message received")
}

// greet finds out who speaks: by the payload's authorization, or the header that
// the request brought.
func (s *socket) greet(payload json.RawMessage) bool {
	var p struct {
		Authorization string `json:"authorization"`
	}
	if len(payload) > 0 && json.Unmarshal(payload, &p) != nil {
		return s.close(closeBad, "Invalid payload: expected an object with authorization")
	}
	token := s.header
	if p.Authorization != "" {
		token = bearerOf(p.Authorization)
	}
	who, f := authenticate(s.ctx, s.g.o.Directory, token)
	switch {
	case f == nil:
	case f.status == http.StatusUnauthorized:
		return s.close(closeUnauthorized, "Unauthorized")
	default:
		s.g.failed(s.ctx, s.application, f.cause)
		return s.close(closeInternal, "Internal error")
	}
	s.principal, s.known = who, true
	return s.send(message{Type: "connection_ack"})
}

// subscribe begins an operation. A subscription has begun when the next message is
// read: what is read after it holds all that it does not tell.
func (s *socket) subscribe(m *message) bool {
	var q request
	if m.ID == "" || len(m.ID) > maxOperationID || !q.read(m.Payload) || !q.readHash() {
		return s.close(closeBad, "Invalid message received")
	}
	ctx, cancel := context.WithCancel(s.ctx)
	op := &running{cancel}
	taken, full := s.add(m.ID, op)
	switch {
	case taken:
		cancel()
		return s.close(closeTaken, "Subscriber already exists")
	case full:
		cancel()
		return s.fail(m.ID, graph.Coded(graph.CodeLimitExceeded, "a socket carries at most %d operations at a time", s.g.o.Live.Operations))
	}
	c := &call{g: s.g, principal: s.principal, application: s.application, request: &q, media: mediaGraphQL}
	var sub *engine.Subscription
	var is bool
	var f *refusal
	if f = q.check(); f == nil {
		c.key, f = keyOfRequest(&http.Request{}, &q)
	}
	if f == nil {
		s.g.guarded(s.ctx, func() { sub, is, f = c.subscription(ctx) }, func(err error) { f = refuseWith(err) })
	}
	s.wait.Go(func() {
		defer s.finish(m.ID, op)
		s.g.guarded(ctx, func() {
			switch {
			case f != nil:
				s.refuse(m.ID, op, f)
			case is:
				s.pump(ctx, m.ID, op, c, sub)
			default:
				s.run(ctx, m.ID, op, c)
			}
		}, func(err error) { s.refuse(m.ID, op, refuseWith(err)) })
	})
	return true
}

// add enters an operation under its id.
func (s *socket) add(id string, op *running) (taken, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken = s.ops[id]; taken {
		return true, false
	}
	if len(s.ops) >= s.g.o.Live.Operations {
		return false, true
	}
	s.ops[id] = op
	return false, false
}

// cancel ends an operation; one that is not there is no error.
func (s *socket) cancel(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op := s.ops[id]; op != nil {
		op.cancel()
		delete(s.ops, id)
	}
}

// finish takes out an operation that has ended; its id may have been given anew.
func (s *socket) finish(id string, op *running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op.cancel()
	if s.ops[id] == op {
		delete(s.ops, id)
	}
}

// pump sends the events of a subscription.
func (s *socket) pump(ctx context.Context, id string, op *running, c *call, sub *engine.Subscription) {
	defer sub.Close()
	for {
		b, err := sub.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.refuse(id, op, c.broken(ctx, err))
			return
		case !s.next(id, b):
			return
		}
	}
}

// run answers a query or mutation.
func (s *socket) run(ctx context.Context, id string, op *running, c *call) {
	b, f := c.answered(ctx)
	switch {
	case ctx.Err() != nil:
	case f != nil:
		s.refuse(id, op, f)
	case s.next(id, b):
		s.finish(id, op)
		s.send(message{Type: "complete", ID: id})
	}
}

// refuse ends an operation with errors, and the socket with it where nobody stands
// behind it any more. Its id is free before the client hears of it.
func (s *socket) refuse(id string, op *running, f *refusal) {
	s.finish(id, op)
	s.fail(id, f.errors...)
	if f.status == http.StatusUnauthorized {
		s.close(closeUnauthorized, "Unauthorized")
	}
}

func (s *socket) fail(id string, errs ...*gqlerror.Error) bool {
	b, err := json.Marshal(errs)
	if err != nil {
		return s.close(closeInternal, "Internal error")
	}
	return s.send(message{Type: "error", ID: id, Payload: b})
}

// next sends an answer, which is JSON already.
func (s *socket) next(id string, payload []byte) bool {
	name, err := json.Marshal(id)
	if err != nil {
		return false
	}
	b := append(make([]byte, 0, len(payload)+len(name)+40), `{"type":"next","id":`...)
	b = append(append(append(append(b, name...), `,"payload":`...), payload...), '}')
	return s.write(b)
}

func (s *socket) send(m message) bool {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(m) != nil {
		return false
	}
	return s.write(bytes.TrimRight(b.Bytes(), "\n"))
}

func (s *socket) write(b []byte) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.o.Live.Write)
	defer cancel()
	return s.ws.Write(ctx, websocket.MessageText, b) == nil
}

// close closes the socket and returns false.
func (s *socket) close(code websocket.StatusCode, reason string) bool {
	_ = s.ws.Close(code, reason)
	return false
}

// drain completes all operations and closes the socket, as the server stops.
func (s *socket) drain() {
	s.mu.Lock()
	var ids []string
	for id, op := range s.ops {
		op.cancel()
		ids = append(ids, id)
	}
	s.mu.Unlock()
	for _, id := range ids {
		s.send(message{Type: "complete", ID: id})
	}
	s.close(websocket.StatusGoingAway, "Going away")
}

// ping looks now and then whether the client is still there.
func (s *socket) ping() {
	t := time.NewTicker(s.g.o.Live.Ping)
	defer t.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.g.o.Live.Write)
		err := s.ws.Ping(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			_ = s.ws.CloseNow()
			return
		}
	}
}
