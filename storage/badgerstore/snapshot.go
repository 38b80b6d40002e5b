package badgerstore

import (
	"bytes"
	"errors"
	"fmt"

	badger "github.com/dgraph-io/badger/v4"

	"sluice/storage/driver"
)

// Snapshot opens a Badger transaction at the published batch.
func (s *store) Snapshot() (driver.Snapshot, error) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return nil, driver.ErrClosed
	}
	s.open.Add(1)
	seq := s.pins.Pin(s.opt.now())
	return &snapshot{s: s, seq: seq, tx: s.db.NewTransactionAt(seq, false)}, nil
}

type snapshot struct {
	s       *store
	seq     uint64
	tx      *badger.Txn
	scratch []byte
	open    []*cursor
	done    bool
}

func (n *snapshot) Seq() uint64 { return n.seq }

func (n *snapshot) Get(key []byte) ([]byte, bool, error) {
	if n.done {
		return nil, false, driver.ErrClosed
	}
	n.scratch = append(append(n.scratch[:0], keyData), key...)
	item, err := n.tx.Get(n.scratch)
	if n.s.pins.Expired(n.seq) {
		return nil, false, driver.ErrExpired
	}
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("badgerstore: get: %w", err)
	}
	v, err := valueOf(item)
	return v, err == nil, err
}

// valueOf returns the value in the item's own memory: Badger makes an item for
// each Get, and gives one of an iterator again at Next.
func valueOf(item *badger.Item) (v []byte, err error) {
	err = item.Value(func(b []byte) error {
		v = b
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: value: %w", err)
	}
	if v == nil {
		v = []byte{}
	}
	return v, nil
}

func (n *snapshot) Close() {
	if n.done {
		return
	}
	for _, c := range n.open {
		c.release()
	}
	n.done = true
	n.tx.Discard()
	n.s.pins.Unpin(n.seq)
	n.s.open.Done()
}

func (n *snapshot) Cursor(prefix, from []byte, reverse bool) driver.Cursor {
	c := &cursor{n: n, reverse: reverse, prefix: append([]byte{keyData}, prefix...)}
	if n.done {
		c.err = driver.ErrClosed
		return c
	}
	o := badger.IteratorOptions{Reverse: reverse}
	if !reverse {
		// A reverse iterator with a prefix ends at a first key behind it, and begins
		// there when one exists.
		o.Prefix = c.prefix
	}
	c.it = n.tx.NewIterator(o)
	c.place = len(n.open)
	n.open = append(n.open, c)
	c.Seek(from)
	return c
}

// cursor wraps an iterator. Key and value are read from the iterator's item only
// when they are asked for.
type cursor struct {
	n       *snapshot
	it      *badger.Iterator
	item    *badger.Item
	prefix  []byte
	reverse bool
	fresh   bool // the iterator already stands on what Next gives
	place   int  // in n.open
	err     error
}

func (c *cursor) Seek(key []byte) {
	if c.it == nil {
		return
	}
	c.fresh, c.item = true, nil
	k := append([]byte{keyData}, key...)
	if !c.reverse {
		if bytes.Compare(k, c.prefix) < 0 {
			k = c.prefix
		}
		c.it.Seek(k)
		return
	}
	if end := driver.After(c.prefix); key == nil || bytes.Compare(k, end) > 0 {
		k = end
	}
	c.it.Seek(k)
	if c.it.Valid() && bytes.Compare(c.it.Item().Key(), c.prefix) > 0 && !bytes.HasPrefix(c.it.Item().Key(), c.prefix) {
		c.it.Next()
	}
}

func (c *cursor) Next() bool {
	if c.it == nil {
		return false
	}
	if !c.fresh && c.item != nil {
		c.it.Next()
	}
	c.fresh, c.item = false, nil
	if c.n.s.pins.Expired(c.n.seq) {
		c.err = driver.ErrExpired
		return false
	}
	if !c.it.Valid() {
		return false
	}
	item := c.it.Item()
	if c.reverse && !bytes.HasPrefix(item.Key(), c.prefix) {
		return false
	}
	c.item = item
	return true
}

func (c *cursor) Key() []byte { return c.item.Key()[1:] }

func (c *cursor) Value() []byte {
	v, err := valueOf(c.item)
	if err != nil {
		c.err = err
	}
	return v
}

func (c *cursor) Err() error { return c.err }

func (c *cursor) Close() {
	if c.it == nil {
		return
	}
	last := len(c.n.open) - 1
	c.n.open[c.place] = c.n.open[last]
	c.n.open[c.place].place = c.place
	c.n.open = c.n.open[:last]
	c.release()
	c.err = nil
}

// release ends the iterator; the snapshot is closing.
func (c *cursor) release() {
	c.it.Close()
	c.it, c.item, c.err = nil, nil, driver.ErrClosed
}
