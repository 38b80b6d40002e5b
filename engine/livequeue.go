package engine

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
)

// Bounds of what waits for a client. Beyond them its subscription ends.
const (
	MaxLiveEvents = 4096
	MaxLiveBytes  = 4 << 20
)

var errSlow = fault.New(fault.Limit, "engine.live", "events come faster than they are taken; list anew and subscribe again")

// Encoded is an event as bytes. They may be shared between subscriptions: read
// only.
type Encoded struct {
	Bytes []byte
	// Tokens are the places where the token of the subscription belongs, ascending.
	Tokens []int
}

// LiveSink turns events into bytes.
type LiveSink struct {
	// Share is equal where Encode gives equal bytes for equal records, whoever is
	// the viewer; empty where it depends on them.
	Share string
	// Encode writes one event. Op is on the state after it, under the rights of the
	// viewer, and valid until Encode returns.
	Encode func(op *Op, ev LiveEvent) (Encoded, error)
}

// liveItem is an event on its way.
type liveItem struct {
	Encoded
	seq uint64 // behind which to resume; 0 within what was changed together
}

// Subscription is one stream of changes. Next is for one goroutine at a time.
type Subscription struct {
	feed      *liveFeed
	rights    liveRights // guarded by feed.mu, like closed
	closed    bool
	key       [32]byte // of the view that it shares
	standing  [32]byte
	form      uint32
	where     filter.Expr
	sink      LiveSink
	principal identity.Principal
	expires   time.Time
	timer     *time.Timer
	seal      *sealer

	mu    sync.Mutex // guards what follows
	queue []liveItem
	size  int
	err   error
	wake  chan struct{} // holds one
}

// Next returns the next event with its token, waiting for it. The error is what
// ended the subscription, for good: Reset where the client has to begin anew,
// Unauthenticated where its credential ended, Limit where it was too slow, or
// that of ctx.
func (s *Subscription) Next(ctx context.Context) ([]byte, error) {
	for {
		item, ok, err := s.take()
		if err != nil {
			return nil, err
		}
		if ok {
			return s.render(item), nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Subscription) take() (liveItem, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(s.queue) == 0 {
		return liveItem{}, false, s.err
	}
	item := s.queue[0]
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	s.size -= len(item.Bytes)
	return item, true, nil
}

// render puts the token into an event.
func (s *Subscription) render(item liveItem) []byte {
	if len(item.Tokens) == 0 {
		return item.Bytes
	}
	token := "null"
	if item.seq != 0 {
		token = `"` + s.token(item.seq) + `"`
	}
	out := make([]byte, 0, len(item.Bytes)+len(item.Tokens)*len(token))
	at := 0
	for _, t := range item.Tokens {
		out = append(append(out, item.Bytes[at:t]...), token...)
		at = t
	}
	return append(out, item.Bytes[at:]...)
}

// put queues what happened together: all of it, or the subscription ends. items
// may be shared between subscriptions; nobody writes to it.
func (s *Subscription) put(items []liveItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	for _, it := range items {
		s.size += len(it.Bytes)
	}
	if len(s.queue)+len(items) > MaxLiveEvents || s.size > MaxLiveBytes {
		s.finish(errSlow)
		return
	}
	if len(s.queue) == 0 {
		s.queue = slices.Clip(items)
	} else {
		s.queue = append(s.queue, items...)
	}
	s.signal()
}

// end ends the subscription: what was not taken yet is not told any more.
func (s *Subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(err)
}

func (s *Subscription) finish(err error) {
	if s.err == nil {
		s.err, s.queue, s.size = err, nil, 0
		s.signal()
	}
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Subscription) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// A token is the sequence of the last change that its holder knows of, sealed
// and bound to the subscription: organization, user, form, filter, and all that
// decides what they see.
func (s *Subscription) token(seq uint64) string {
	b, err := s.seal.aead.EncryptDeterministically(binary.BigEndian.AppendUint64([]byte{1}, seq), s.standing[:])
	if err != nil {
		return "" // only for inputs near 2^31 bytes
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// resumed is the sequence of a token; false for everything that is none of this
// subscription.
func (s *Subscription) resumed(token string) (uint64, bool) {
	if len(token) > 256 {
		return 0, false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false
	}
	b, err = s.seal.aead.DecryptDeterministically(b, s.standing[:])
	if err != nil || len(b) != 9 || b[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[1:]), true
}
