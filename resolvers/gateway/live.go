package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/resolvers/app"
)

// Live bounds subscriptions and the connections that carry them; zero means
// default.
type Live struct {
	Init       time.Duration // for a socket to say who it is; default 5 s
	Ping       time.Duration // between signs of life; default 15 s
	Write      time.Duration // for a client to take one message; default 10 s
	Sockets    int           // open at a time; default 20,000
	Operations int           // of one socket at a time; default 100
	Message    int64         // bytes of one message; default 64 KiB
}

func (l Live) withDefaults() Live {
	d := func(t *time.Duration, def time.Duration) {
		if *t == 0 {
			*t = def
		}
	}
	d(&l.Init, 5*time.Second)
	d(&l.Ping, 15*time.Second)
	d(&l.Write, 10*time.Second)
	if l.Sockets == 0 {
		l.Sockets = 20_000
	}
	if l.Operations == 0 {
		l.Operations = 100
	}
	if l.Message == 0 {
		l.Message = 64 << 10
	}
	return l
}

// eventTime bounds the making of one event.
const eventTime = 5 * time.Second

var errNoStream = graph.Coded(graph.CodeBadUserInput,
	"a subscription is sent over a WebSocket, or with Accept: %s", mediaEvents)

// live are the connections that stay open. They end when the server stops.
type live struct {
	mu   sync.Mutex // guards what follows
	open int
	done bool
	wait sync.WaitGroup

	stopping context.Context // ends when the server stops
	stop     context.CancelFunc
}

func (l *live) init() { l.stopping, l.stop = context.WithCancel(context.Background()) }

var errStopping = fault.New(fault.Unavailable, "gateway.live", "no more connections are taken at the moment; try again later")

// until returns a context that also ends when the server stops.
func (l *live) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(l.stopping, cancel)
	return ctx, func() {
		detach()
		cancel()
	}
}

// enter counts a connection in, false for one too many and when the server stops.
func (l *live) enter(limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done || l.open >= limit {
		return false
	}
	l.open++
	l.wait.Add(1)
	return true
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.wait.Done()
}

// Drain ends all subscriptions with "complete" and closes their connections, and
// takes no new ones. It returns when they are closed, or with ctx.
func (g *Gateway) Drain(ctx context.Context) {
	l := &g.live
	l.mu.Lock()
	l.done = true
	l.mu.Unlock()
	l.stop()
	gone := make(chan struct{})
	go func() {
		l.wait.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// subscription begins the operation if it is a subscription; false for any other.
func (c *call) subscription(ctx context.Context) (*engine.Subscription, bool, *refusal) {
	for range maxAttempts {
		sub, is, f, err := c.subscribe(ctx)
		if errors.Is(err, errRightsChanged) {
			continue
		}
		if err != nil {
			f = refuseWith(err)
		}
		return sub, is, f
	}
	return nil, true, refuse(http.StatusConflict, graph.CodeConflict, "the rights in this application are being changed; try again")
}

func (c *call) subscribe(ctx context.Context) (*engine.Subscription, bool, *refusal, error) {
	ctx, cancel := context.WithTimeout(ctx, c.g.o.Timeout) // to begin; others wait meanwhile
	defer cancel()
	op, err := c.g.o.Engine.Read(ctx, c.principal, c.application)
	if err != nil {
		return nil, false, nil, err
	}
	defer op.Close()
	e, key, err := c.g.schemas.of(op)
	if err != nil {
		return nil, false, nil, err
	}
	d, f, err := c.document(op)
	if f != nil || err != nil {
		return nil, false, f, err
	}
	run, _, f := c.prepare(op, e, d)
	if f != nil || !run.Subscribes() {
		return nil, false, f, nil
	}
	op.Close()
	sub, err := c.g.o.Engine.Subscribe(ctx, c.principal, c.application, func(op *engine.Op) (q engine.LiveQuery, s engine.LiveSink, err error) {
		if keyOf(op) != key {
			return q, s, errRightsChanged
		}
		q, err = run.Changes(ctx, requestOf(op))
		return q, c.sink(run, key, d.text), err
	})
	return sub, true, nil, err
}

// sink writes events as the operation asks for them.
func (c *call) sink(run *app.Run, key schemaKey, document string) engine.LiveSink {
	s := engine.LiveSink{Encode: func(op *engine.Op, ev engine.LiveEvent) (engine.Encoded, error) {
		ctx, cancel := context.WithTimeout(context.Background(), eventTime)
		defer cancel()
		enc, causes, err := run.Event(ctx, requestOf(op), ev)
		for _, cause := range causes {
			c.g.failed(ctx, c.application, cause)
		}
		if err == nil {
			err = ctx.Err() // what took too long is not the whole event
		}
		return enc, err
	}}
	if !run.Shares() {
		return s
	}
	vars, err := json.Marshal(c.request.Variables)
	if err != nil {
		return s
	}
	h := sha256.New()
	for _, part := range []string{key.String(), document, c.request.OperationName, string(vars)} {
		_, _ = h.Write(measured(part)) // never fails
	}
	s.Share = string(h.Sum(nil))
	return s
}

// measured is a text with its length in front.
func measured(s string) []byte {
	n := len(s)
	return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, s...)
}

// String is different for different keys.
func (k schemaKey) String() string {
	b, err := json.Marshal([]any{k.tenant[:], k.application, k.version, k.fingerprint[:]})
	if err != nil {
		return ""
	}
	return string(b)
}

// answered runs a query or mutation and returns its answer as JSON.
func (c *call) answered(ctx context.Context) ([]byte, *refusal) {
	ctx, cancel := context.WithTimeout(ctx, c.g.o.Timeout)
	defer cancel()
	a, f := c.run(ctx)
	if f != nil {
		return nil, f
	}
	defer a.Release()
	for _, err := range a.Causes {
		c.g.failed(ctx, c.application, err)
	}
	if len(a.Errors) == 0 {
		return append(append([]byte(`{"data":`), a.Data...), '}'), nil
	}
	b, err := json.Marshal(map[string]any{"errors": a.Errors, "data": json.RawMessage(a.Data)})
	if err != nil {
		return nil, refuseWith(fault.Wrap(fault.Internal, "gateway", err, "answer"))
	}
	return b, nil
}

// broken is what a subscription that ended on the server's side says.
func (c *call) broken(ctx context.Context, err error) *refusal {
	f := refuseWith(err)
	if f.cause != nil {
		c.g.failed(ctx, c.application, f.cause)
	}
	return f
}

// guarded runs fn; a panic is reported and ends in INTERNAL.
func (g *Gateway) guarded(ctx context.Context, fn func(), fails func(error)) {
	defer func() {
		if v := recover(); v != nil {
			if g.o.Events.Panicked != nil {
				g.o.Events.Panicked(ctx, v, debug.Stack())
			}
			fails(fault.New(fault.Internal, "gateway", "panic"))
		}
	}()
	fn()
}

// wantsEvents reports whether an Accept header names server-sent events.
func wantsEvents(r *http.Request) bool {
	a := acceptRanges(strings.Join(r.Header.Values("Accept"), ",")).of(mediaEvents)
	return a.weight > 0 && a.specificity == 2
}
