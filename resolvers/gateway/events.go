package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
)

// mediaEvents is the media type of server-sent events: "distinct connections" of
// the protocol graphql-sse.
const mediaEvents = "text/event-stream"

// events answers the request as a stream of events if it is a subscription, or if
// the client takes nothing else; false otherwise, with nothing sent.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request, c *call, only bool) (bool, *refusal) {
	if !g.live.enter(g.o.Live.Sockets) {
		return true, refuseWith(errStopping)
	}
	defer g.live.leave()
	sub, is, f := c.subscription(r.Context())
	switch {
	case f != nil:
		return true, f
	case is:
		defer sub.Close()
		g.stream(w, r, c, sub)
	case only:
		return true, g.single(w, r, c)
	}
	return is, nil
}

// eventStream writes server-sent events, each within its time.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	write   time.Duration
}

// begin sends the headers: from then on nothing is missed.
func (g *Gateway) begin(w http.ResponseWriter) (*eventStream, error) {
	s := &eventStream{w: w, control: http.NewResponseController(w), write: g.o.Live.Write}
	_ = s.control.SetReadDeadline(time.Time{}) // a recorder in a test has none
	setHeaders(w, mediaEvents)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return s, s.send([]byte(":\n\n"))
}

func (s *eventStream) send(b []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.write))
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// next sends one answer, which is JSON and so has no line breaks.
func (s *eventStream) next(payload []byte) error {
	b := append(make([]byte, 0, len(payload)+32), "event: next\ndata: "...)
	return s.send(append(append(b, payload...), "\n\n"...))
}

func (s *eventStream) complete() { _ = s.send([]byte("event: complete\ndata:\n\n")) }

// stream sends the events of a subscription until it ends, with comments between
// them so that nobody on the way takes the connection for dead.
func (g *Gateway) stream(w http.ResponseWriter, r *http.Request, c *call, sub *engine.Subscription) {
	s, err := g.begin(w)
	if err != nil {
		return
	}
	ctx, cancel := g.live.until(r.Context())
	defer cancel()
	for err == nil {
		var b []byte
		wait, stop := context.WithTimeout(ctx, g.o.Live.Ping)
		b, err = sub.Next(wait)
		stop()
		switch {
		case err == nil:
			err = s.next(b)
		case ctx.Err() != nil: // the client has gone, or the server stops
			s.complete()
		case errors.Is(err, context.DeadlineExceeded):
			err = s.send([]byte(":\n\n"))
		default:
			_ = s.next(failure(c.broken(ctx, err).errors))
			s.complete()
		}
	}
}

// failure is an answer without data.
func failure(errs gqlerror.List) []byte {
	b, err := json.Marshal(map[string]any{"errors": errs})
	if err != nil { // errors are made of texts and numbers
		return []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)
	}
	return b
}

// single sends the answer of a query or mutation as the only event.
func (g *Gateway) single(w http.ResponseWriter, r *http.Request, c *call) *refusal {
	payload, f := c.answered(r.Context())
	if f != nil {
		return f
	}
	s, err := g.begin(w)
	if err == nil {
		err = s.next(payload)
	}
	if err == nil {
		s.complete()
	}
	return nil
}
