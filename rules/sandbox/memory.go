package sandbox

import (
	"context"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// memories keeps the memory of guests that were thrown away for the next ones: a
// module that is thrown away at every call would have the garbage collector run all
// the time otherwise, beside everybody's requests. It is safe for concurrent use.
//
// Memory is cleared where a guest begins to see it, so nothing of one guest reaches
// another.
type memories struct {
	most int // how many are kept

	mu   sync.Mutex
	idle [][]byte // guarded by mu, oldest first
}

// shared keeps as many as guests may run at once, and as many again for those that
// grow, of at most goLimits.pages each.
var shared = sync.OnceValue(func() *memories { return &memories{most: 2 * guestsAtOnce()} })

// get returns room for n bytes, whatever is in it: the smallest that fits of what is
// kept, unless that is so much larger that it is kept for others.
func (m *memories) get(n uint64) []byte {
	m.mu.Lock()
	best := -1
	for i, b := range m.idle {
		if size := uint64(cap(b)); size >= n && size/4 <= n && (best < 0 || cap(b) < cap(m.idle[best])) {
			best = i
		}
	}
	var b []byte
	if best >= 0 {
		b = m.idle[best]
		m.idle = slices.Delete(m.idle, best, best+1)
	}
	m.mu.Unlock()
	if b == nil {
		b = make([]byte, 0, n)
	}
	return b[:0]
}

// put takes memory that nobody uses any more.
func (m *memories) put(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.idle) >= m.most {
		m.idle = slices.Delete(m.idle, 0, 1)
	}
	m.idle = append(m.idle, b)
}

// linear is the memory of one guest.
type linear struct {
	from  *memories
	limit uint64 // bytes that it may grow to
	buf   []byte
}

// Reallocate grows the memory. A guest that grows once may well grow again: it gets
// all that it may have, so that it is copied once.
func (l *linear) Reallocate(size uint64) []byte {
	if size > l.limit {
		return nil
	}
	switch old := l.buf; {
	case old == nil:
		l.buf = l.from.get(size)
	case size > uint64(cap(old)):
		l.buf = append(l.from.get(l.limit), old...)
		l.from.put(old)
	}
	if have := uint64(len(l.buf)); size > have {
		l.buf = l.buf[:size]
		clear(l.buf[have:])
	}
	return l.buf[:size:size]
}

// Free gives the memory back.
func (l *linear) Free() {
	l.from.put(l.buf)
	l.buf = nil
}

// inMemory makes guests that are made with the returned context use what others left,
// from the first so large as every guest of the version becomes.
func (v *version) inMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		l := &linear{from: shared(), limit: uint64(v.limits.pages) << 16}
		if v.state != nil {
			l.buf = l.from.get(uint64(len(v.state.memory)))
		}
		return l
	}))
}

const pageSize = 1 << 16

// area is a part of a page of a guest's memory.
type area struct {
	from, to int
	zero     bool // all of it
}

// areas cuts memory into those that are zero and the others: to clear memory takes half
// as long as to copy it, and most of it is zero.
func areas(memory []byte) (out []area) {
	const block = 4096
	for from := 0; from < len(memory); from += block {
		to := min(from+block, len(memory))
		zero := !slices.ContainsFunc(memory[from:to], func(b byte) bool { return b != 0 })
		if n := len(out); from%pageSize > 0 && out[n-1].zero == zero {
			out[n-1].to = to
		} else {
			out = append(out, area{from, to, zero})
		}
	}
	return out
}
