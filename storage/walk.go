package storage

import (
	"bytes"

	"sluice/storage/driver"
)

// walk goes over a span of keys: a driver's cursor with the pending writes of a
// transaction merged in. The pending writes are those from before it was opened.
type walk struct {
	v       *view
	sp      span
	cur     driver.Cursor
	ahead   bool // cur stands on a key that was not given yet
	behind  bool // cur has no more keys
	pending *driver.Iter[[]byte]
	key     []byte
	value   []byte
	err     error
	done    bool

	prev, next *walk // the view's open walks
}

func failed(err error) *walk { return &walk{err: err, done: true} }

func (v *view) walk(sp span) *walk {
	if v.closed {
		return failed(ErrClosed)
	}
	if sp.lo == nil {
		sp.lo = sp.prefix
	}
	if sp.hi == nil {
		sp.hi = after(sp.prefix)
	}
	if sp.cut == 0 {
		sp.cut = len(sp.prefix)
	}
	w := &walk{v: v, sp: sp}
	if sp.hi != nil && bytes.Compare(sp.lo, sp.hi) >= 0 {
		w.done = true
		return w
	}
	from := sp.lo
	if sp.desc {
		from = sp.hi
	}
	v.stats.Cursors++
	w.cur = v.snap.Cursor(sp.prefix, from, sp.desc)
	if v.w != nil && v.w.buf.Len() > 0 {
		w.overlay()
	}
	if w.next = v.walks; w.next != nil {
		w.next.prev = w
	}
	v.walks = w
	return w
}

// overlay puts an iterator on the first pending write of the span.
func (w *walk) overlay() {
	buf := w.v.w.buf.Snapshot()
	it := buf.Iter()
	switch {
	case !w.sp.desc:
		it.Seek(w.sp.lo)
	case w.sp.hi == nil:
		it.Last()
	default:
		it.SeekBack(w.sp.hi)
		if it.Valid() && bytes.Equal(it.Key(), w.sp.hi) {
			it.Prev()
		}
	}
	if it.Valid() && w.within(it.Key()) {
		w.pending = &it
	}
}

// within reports whether a key is not past the end of the span.
func (w *walk) within(key []byte) bool {
	if w.sp.desc {
		return bytes.Compare(key, w.sp.lo) >= 0
	}
	return w.sp.hi == nil || bytes.Compare(key, w.sp.hi) < 0
}

// Next moves to the next key of the span.
func (w *walk) Next() bool {
	if w.done {
		return false
	}
	for {
		if !w.ahead && !w.behind {
			w.ahead = w.step()
			w.behind = !w.ahead
		}
		if w.err != nil {
			w.finish(w.err)
			return false
		}
		if w.pending != nil && (!w.ahead || w.order() <= 0) {
			if w.takePending() {
				return true
			}
			continue
		}
		if !w.ahead {
			w.finish(nil)
			return false
		}
		w.ahead = false
		w.key, w.value = w.cur.Key(), w.cur.Value()
		return true
	}
}

// step moves the driver's cursor and reports whether it stands inside the span.
func (w *walk) step() bool {
	for w.cur.Next() {
		w.v.stats.Keys++
		key := w.cur.Key()
		if w.sp.desc && w.sp.hi != nil && bytes.Compare(key, w.sp.hi) >= 0 {
			continue // the cursor begins at hi, which is not part of the span
		}
		return w.within(key)
	}
	w.err = w.cur.Err()
	return false
}

// order compares the pending key with the driver's, in the walk's direction.
func (w *walk) order() int {
	c := bytes.Compare(w.pending.Key(), w.cur.Key())
	if w.sp.desc {
		return -c
	}
	return c
}

// takePending gives the pending write that is next, or skips the key that it
// deletes.
func (w *walk) takePending() bool {
	if w.ahead && w.order() == 0 {
		w.ahead = false
	}
	key, value := w.pending.Key(), w.pending.Value()
	if w.sp.desc {
		w.pending.Prev()
	} else {
		w.pending.Next()
	}
	if !w.pending.Valid() || !w.within(w.pending.Key()) {
		w.pending = nil
	}
	if value == nil {
		return false
	}
	w.v.stats.Keys++
	w.key, w.value = key, value
	return true
}

// rest returns the key without what all keys of the walk begin with, nil where
// the walk stands on none.
func (w *walk) rest() []byte {
	if w.key == nil {
		return nil
	}
	return w.key[w.sp.cut:]
}

// fail ends the walk with an error of the layer above.
func (w *walk) fail(err error) bool {
	w.finish(err)
	return false
}

// finish releases the driver's cursor.
func (w *walk) finish(err error) {
	if w.err == nil {
		w.err = err
	}
	w.done = true
	w.key, w.value = nil, nil
	if w.cur == nil {
		return
	}
	w.cur.Close()
	w.cur, w.pending = nil, nil
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		w.v.walks = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
}

// Err returns what ended the walk early.
func (w *walk) Err() error { return w.err }

// Close ends the walk. Later calls do nothing.
func (w *walk) Close() { w.finish(nil) }
