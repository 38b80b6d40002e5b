// Package memstore keeps a store in memory: for tests and previews. It passes
// the same conformance kit as the durable drivers; a difference that can be seen
// through package storage is a bug. Nothing is kept after Close.
package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"sluice/storage"
	"sluice/storage/driver"
)

// Open returns an empty store in memory, which the caller closes.
func Open() *storage.Store {
	s, err := storage.New(NewDriver(), nil)
	if err != nil {
		panic("memstore: an empty store was refused: " + err.Error())
	}
	return s
}

// NewDriver returns an empty driver: for conformance tests and for stores with
// options of their own.
func NewDriver() driver.Driver {
	return &mem{recent: driver.NewRecent(0), stamps: map[string]uint64{}}
}

// mem is one tree that snapshots copy in constant time. The mutex makes commits
// one after the other; readers need it only to take their copy.
type mem struct {
	mu     sync.Mutex
	tree   driver.Tree[[]byte]
	pins   driver.Pins
	recent *driver.Recent
	stamps map[string]uint64 // prefix → last number given
	closed bool
}

// Snapshot copies the root of the tree.
func (m *mem) Snapshot() (driver.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, driver.ErrClosed
	}
	return &snapshot{m: m, tree: m.tree.Snapshot(), seq: m.pins.Pin(time.Time{})}, nil
}

// Commit validates and applies under the lock.
func (m *mem) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, driver.ErrClosed
	}
	if m.recent.Conflicts(snap, reads) {
		return 0, driver.ErrConflict
	}
	seq := m.pins.Published() + 1
	for i := range writes {
		m.apply(&writes[i])
	}
	m.recent.Note(seq, writes)
	m.pins.Publish(seq)
	m.recent.Prune(m.pins.Oldest())
	return seq, nil
}

func (m *mem) apply(w *driver.Write) {
	key := slices.Clone(w.Key)
	if w.Stamp {
		m.stamps[string(w.Key)]++
		key = binary.BigEndian.AppendUint64(key, m.stamps[string(w.Key)])
		if w.Also != nil {
			also := binary.BigEndian.AppendUint64(slices.Clone(w.Also), m.stamps[string(w.Key)])
			m.tree.Set(also, append(make([]byte, 0, len(w.AlsoValue)), w.AlsoValue...))
		}
	}
	if w.Value == nil {
		m.tree.Delete(key)
		return
	}
	m.tree.Set(key, append(make([]byte, 0, len(w.Value)), w.Value...))
}

// Close forgets everything. Snapshots that are open stay readable.
func (m *mem) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return driver.ErrClosed
	}
	m.closed, m.tree = true, driver.Tree[[]byte]{}
	return nil
}

type snapshot struct {
	m    *mem
	tree driver.Tree[[]byte]
	seq  uint64
	done bool
}

func (s *snapshot) Seq() uint64 { return s.seq }

func (s *snapshot) Get(key []byte) ([]byte, bool, error) {
	if s.done {
		return nil, false, driver.ErrClosed
	}
	v, found := s.tree.Get(key)
	return v, found, nil
}

func (s *snapshot) Close() {
	if s.done {
		return
	}
	s.done = true
	s.m.pins.Unpin(s.seq)
	s.tree = driver.Tree[[]byte]{}
}

func (s *snapshot) Cursor(prefix, from []byte, reverse bool) driver.Cursor {
	c := &cursor{s: s, it: s.tree.Iter(), prefix: slices.Clone(prefix), reverse: reverse}
	c.Seek(from)
	return c
}

// cursor stands one step ahead: Next gives what the iterator stands on and then
// moves it at the following call.
type cursor struct {
	s       *snapshot
	it      driver.Iter[[]byte]
	prefix  []byte
	reverse bool
	fresh   bool // the iterator already stands on what Next gives
	done    bool
}

func (c *cursor) Seek(key []byte) {
	c.fresh = true
	switch {
	case !c.reverse:
		if bytes.Compare(key, c.prefix) < 0 {
			key = c.prefix
		}
		c.it.Seek(key)
	case key == nil || (bytes.Compare(key, c.prefix) > 0 && !bytes.HasPrefix(key, c.prefix)):
		c.last()
	default:
		c.it.SeekBack(key)
	}
}

// last moves to the last key with the prefix, or to one before all of them.
func (c *cursor) last() {
	end := driver.After(c.prefix)
	if end == nil {
		c.it.Last()
		return
	}
	c.it.SeekBack(end)
	if c.it.Valid() && bytes.Equal(c.it.Key(), end) {
		c.it.Prev()
	}
}

func (c *cursor) Next() bool {
	if c.done || c.s.done {
		return false
	}
	if !c.fresh && c.it.Valid() {
		if c.reverse {
			c.it.Prev()
		} else {
			c.it.Next()
		}
	}
	c.fresh = false
	if c.it.Valid() && bytes.HasPrefix(c.it.Key(), c.prefix) {
		return true
	}
	c.it = c.s.tree.Iter()
	return false
}

func (c *cursor) Key() []byte   { return c.it.Key() }
func (c *cursor) Value() []byte { return c.it.Value() }

func (c *cursor) Err() error {
	if c.s.done && !c.done {
		return driver.ErrClosed
	}
	return nil
}

func (c *cursor) Close() { c.done = true }
