package engine

import (
	"context"
	"sync"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Bounds of subscriptions that are open at a time.
const (
	MaxLivePerUser = 1000
	MaxLive        = 50_000
)

// liveHub holds one feed for each application that somebody subscribes to.
type liveHub struct {
	mu     sync.Mutex // guards what follows
	feeds  map[appKey]*liveFeed
	open   int
	byUser map[liveUser]int
}

type liveUser struct {
	tenant identity.Tenant
	user   record.ID
}

// Subscribe begins to follow the changes of a form's records as the principal
// sees them (P9). prepare is told the rights that it begins with, on the state of
// the data behind which events come: what is read after Subscribe has returned
// holds all that is not told. The caller closes the subscription. Errors are those
// of [Engine.Read] and of prepare; Reset for a token that is of another
// subscription, of other rights, or too old; Limit for too many.
func (e *Engine) Subscribe(ctx context.Context, p identity.Principal, application string, prepare func(*Op) (LiveQuery, LiveSink, error)) (*Subscription, error) {
	seal, err := e.sealer(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	f, err := e.live.enter(e, p, application)
	if err != nil {
		return nil, err
	}
	s := &Subscription{feed: f, principal: p, seal: seal, wake: make(chan struct{}, 1)}
	if err := f.begin(ctx, s, prepare); err != nil {
		e.live.leave(f, p)
		return nil, err
	}
	return s, nil
}

// Close ends the subscription. Later calls do nothing.
func (s *Subscription) Close() {
	if s.feed.drop(s) {
		s.feed.e.live.leave(s.feed, s.principal)
	}
}

// enter counts a subscription in, and gives it the feed.
func (h *liveHub) enter(e *Engine, p identity.Principal, application string) (*liveFeed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who := liveUser{p.Tenant, p.User}
	if h.open >= MaxLive || h.byUser[who] >= MaxLivePerUser {
		return nil, fault.New(fault.Limit, "engine.live", "too many subscriptions are open; close some")
	}
	if h.feeds == nil {
		h.feeds, h.byUser = map[appKey]*liveFeed{}, map[liveUser]int{}
	}
	key := appKey{p.Tenant, application}
	f := h.feeds[key]
	if f == nil {
		f = newLiveFeed(e, key)
		h.feeds[key] = f
		go f.run()
	}
	f.users++
	h.open++
	h.byUser[who]++
	return f, nil
}

// leave counts a subscription out. The last one ends the feed.
func (h *liveHub) leave(f *liveFeed, p identity.Principal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	who := liveUser{p.Tenant, p.User}
	h.open--
	if h.byUser[who]--; h.byUser[who] == 0 {
		delete(h.byUser, who)
	}
	if f.users--; f.users == 0 {
		delete(h.feeds, f.key)
		f.watch.Close()
		close(f.stop)
	}
}
