package storage

import (
	"context"
	"errors"

	"sluice/storage/driver"
)

// optimistic is the number of attempts after which a transaction waits for its
// lane: from then on the unlucky ones of a tenant go one after the other, so
// that each attempt meets few others.
const optimistic = 2

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
	for attempt := range t.s.opt.MaxAttempts {
		if attempt == optimistic {
			leave, err := t.enterLane(ctx)
			if err != nil {
				return commitError(err)
			}
			defer leave()
		}
		var retry bool
		if retry, err = t.attempt(ctx, m, a, fn); !retry {
			return err
		}
	}
	return err
}

func (t Tenant) enterLane(ctx context.Context) (leave func(), err error) {
	lane := t.s.lanes[int(t.id[0])%len(t.s.lanes)]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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
	if _, err := t.s.d.Commit(ctx, v.snap.Seq(), w.readSet(), writes); err != nil {
		return errors.Is(err, driver.ErrConflict), commitError(err)
	}
	return false, nil
}
