package storage

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"sluice/storage/driver"
)

// From attempt optimistic on, a transaction goes through its tenant's lane, one
// after the other with the other unlucky ones. From attempt struggling on, those
// that begin anew wait a moment at the lane too: without that they would win
// against it again and again, having the same data in hand at the same time.
const (
	optimistic = 2
	struggling = 4
	courtesy   = 25 * time.Millisecond
)

// lane is what the transactions of a tenant share.
type lane struct {
	turn       chan struct{} // holds one
	struggling atomic.Int32
}

// enter waits for the turn.
func (l *lane) enter(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// offer waits for the turn while somebody struggles, but not for long: it may be
// that a transaction runs inside another, which holds the turn.
func (l *lane) offer(ctx context.Context) (entered bool) {
	if l.struggling.Load() == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, courtesy)
	defer cancel()
	return l.enter(ctx) == nil
}

func (l *lane) leave() { <-l.turn }

// Update runs fn in a transaction and commits it, running fn again on a fresh
// snapshot after a conflict, at most MaxAttempts times. What fn returned as
// error is returned as it is, with nothing written. The epoch key is in the
// read set of every transaction.
//
// A limit that was passed, or a failed read, fails the whole transaction, even
// where fn dropped the error. A zero Meta.Time becomes the store's clock. The
// Txn and what was borrowed from it end when fn returns.
func (t Tenant) Update(ctx context.Context, m Meta, fn func(*Txn) error) error {
	if !t.valid() {
		return errNoTenant
	}
	return t.update(ctx, m, fn)
}

func (t Tenant) update(ctx context.Context, m Meta, fn func(*Txn) error) (err error) {
	if m.Time.IsZero() {
		m.Time = t.s.opt.Now()
	}
	a := &allotment{s: t.s, scope: t.scope()}
	defer func() { a.settle(err) }()
	l := &t.s.lanes[int(t.id[0])%len(t.s.lanes)]
	entered := l.offer(ctx)
	defer func() {
		if entered {
			l.leave()
		}
	}()
	for attempt := range t.s.opt.MaxAttempts {
		if attempt >= optimistic && !entered {
			if err := l.enter(ctx); err != nil {
				return commitError(err)
			}
			entered = true
		}
		if attempt == struggling {
			l.struggling.Add(1)
			defer l.struggling.Add(-1)
		}
		var retry bool
		if retry, err = t.attempt(ctx, m, a, fn); !retry {
			return err
		}
	}
	return err
}

// attempt runs fn once and commits. retry is true after a conflict.
func (t Tenant) attempt(ctx context.Context, m Meta, a *allotment, fn func(*Txn) error) (retry bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, commitError(err)
	}
	v, err := t.open()
	if err != nil {
		return false, err
	}
	defer v.close()
	a.begin()
	w := &writer{v: v, meta: m, ordinals: a, reads: map[string]read{}}
	v.w = w
	if err := fn(&Txn{Reader: v, w: w}); err != nil {
		return false, err
	}
	if w.err != nil {
		return false, w.err
	}
	writes := w.writes()
	if len(writes) == 0 {
		return false, nil
	}
	t.s.watches.announce(t.id, w.docs)
	_, err = t.s.d.Commit(ctx, v.snap.Seq(), w.readSet(), writes)
	if !errors.Is(err, driver.ErrConflict) {
		t.s.watches.committed(t.id, w.docs) // an error may leave in doubt whether it is there
	}
	if err != nil {
		return errors.Is(err, driver.ErrConflict), commitError(err)
	}
	return false, nil
}
