package directory

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of guessing: a burst of attempts per account, refilled evenly. Keys
// are facts that the server knows (organization and address as tried), never
// the caller's address, which a guesser rotates.
const (
	attemptBurst    = 10
	attemptRefill   = time.Hour / attemptBurst
	throttleEntries = 100_000
)

// throttle counts sign-in attempts by account, whether the account exists or
// not. It remembers a bounded number of accounts and forgets the one that was
// tried longest ago.
type throttle struct {
	mu      sync.Mutex // guards what follows
	limit   int
	entries map[[32]byte]*list.Element
	order   *list.List // front: tried last
}

type attempts struct {
	key  [32]byte
	left float64
	at   time.Time
}

func newThrottle(limit int) *throttle {
	return &throttle{limit: limit, entries: map[[32]byte]*list.Element{}, order: list.New()}
}

func throttleKey(organization, email string) [32]byte {
	return sha256.Sum256([]byte(organization + "\x00" + email))
}

// take spends one attempt and reports whether there was one left.
func (t *throttle) take(key [32]byte, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.entry(key, now)
	if gone := now.Sub(a.at); gone > 0 {
		a.left = min(attemptBurst, a.left+float64(gone)/float64(attemptRefill))
		a.at = now
	}
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// clear forgets the attempts of an account: its user signed in.
func (t *throttle) clear(key [32]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.entries[key]; ok {
		t.order.Remove(e)
		delete(t.entries, key)
	}
}

// entry returns the account's entry as the one tried last; t.mu is held.
func (t *throttle) entry(key [32]byte, now time.Time) *attempts {
	if e, ok := t.entries[key]; ok {
		t.order.MoveToFront(e)
		return e.Value.(*attempts)
	}
	if t.order.Len() >= t.limit {
		last := t.order.Back()
		delete(t.entries, last.Value.(*attempts).key)
		t.order.Remove(last)
	}
	a := &attempts{key: key, left: attemptBurst, at: now}
	t.entries[key] = t.order.PushFront(a)
	return a
}
