package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"sluice/storage/driver"
)

// Ordinals are allotted in blocks that grow with use. A block is reserved in a
// commit of its own, so no transaction reads the counter. What transactions did
// not use goes back; the rest of a block is lost at a restart, nothing more.
const (
	firstBlock = 64
	lastBlock  = 8192
	blockTries = 100
	// Numbers that people see are allotted likewise, in blocks so small that a
	// restart leaves no gap worth asking about.
	firstNumbers = 1
	lastNumbers  = 32
)

// counter names what is allotted: the ordinals of a form, where field is 0, or
// the numbers of one of its fields.
type counter struct{ form, field uint32 }

func (c counter) blocks() (first, last uint32) {
	if c.field != 0 {
		return firstNumbers, lastNumbers
	}
	return firstBlock, lastBlock
}

type ordinalKey struct {
	scope scope
	counter
}

type ordinals struct {
	mu     sync.Mutex
	blocks map[ordinalKey]*ordinalBlock
}

type ordinalBlock struct {
	mu        sync.Mutex
	next, end uint32
	size      uint32 // of the next block
	last      uint32 // of the largest
	free      []uint32
}

func (o *ordinals) block(k ordinalKey) *ordinalBlock {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.blocks[k]
	if b == nil {
		if o.blocks == nil {
			o.blocks = map[ordinalKey]*ordinalBlock{}
		}
		b = &ordinalBlock{}
		b.size, b.last = k.blocks()
		o.blocks[k] = b
	}
	return b
}

// takeOrdinal returns a number of the counter that no record has and no other
// transaction holds.
func (s *Store) takeOrdinal(sc scope, c counter) (uint32, error) {
	b := s.ordinals.block(ordinalKey{sc, c})
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.free); n > 0 {
		ordinal := b.free[n-1]
		b.free = b.free[:n-1]
		return ordinal, nil
	}
	if b.next == b.end {
		if err := s.reserve(b, sc.counter(c)); err != nil {
			return 0, err
		}
	}
	b.next++
	return b.next - 1, nil
}

func (s *Store) giveOrdinals(sc scope, c counter, unused []uint32) {
	b := s.ordinals.block(ordinalKey{sc, c})
	b.mu.Lock()
	b.free = append(b.free, unused...)
	b.mu.Unlock()
}

// reserve gets the next block from the counter at key.
func (s *Store) reserve(b *ordinalBlock, key []byte) error {
	for range blockTries {
		first, err := s.advance(key, b.size)
		if errors.Is(err, driver.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		b.next, b.end = first, first+b.size
		b.size = min(2*b.size, b.last)
		return nil
	}
	return commitError(driver.ErrConflict)
}

// advance adds n to the counter at key, which begins at 0, and returns what it
// was. It does not heed a caller's context: the block serves others too.
func (s *Store) advance(key []byte, n uint32) (uint32, error) {
	snap, err := s.d.Snapshot()
	if err != nil {
		return 0, err
	}
	defer snap.Close()
	v, found, err := snap.Get(key)
	if err != nil {
		return 0, err
	}
	var first uint32
	if found {
		if len(v) != 4 {
			return 0, errDamaged
		}
		first = binary.BigEndian.Uint32(v)
	}
	if first > math.MaxUint32-n {
		return 0, limit("storage.Insert", "a form may hold at most %d records over its life", uint32(math.MaxUint32))
	}
	w := driver.Write{Key: key, Value: binary.BigEndian.AppendUint32(nil, first+n)}
	_, err = s.d.Commit(context.Background(), snap.Seq(), [][]byte{key}, []driver.Write{w})
	return first, err
}

// allotment holds the ordinals of one Update over its attempts: an attempt uses
// those that the one before was given.
type allotment struct {
	s     *Store
	scope scope
	forms map[counter]*formAllotment
}

type formAllotment struct {
	taken []uint32
	used  int
}

func (a *allotment) begin() {
	for _, f := range a.forms {
		f.used = 0
	}
}

func (a *allotment) take(c counter) (uint32, error) {
	f := a.forms[c]
	if f == nil {
		if a.forms == nil {
			a.forms = map[counter]*formAllotment{}
		}
		f = &formAllotment{}
		a.forms[c] = f
	}
	if f.used == len(f.taken) {
		ordinal, err := a.s.takeOrdinal(a.scope, c)
		if err != nil {
			return 0, err
		}
		f.taken = append(f.taken, ordinal)
	}
	f.used++
	return f.taken[f.used-1], nil
}

// settle gives back what the transaction did not use; after a commit whose
// outcome is not known, nothing.
func (a *allotment) settle(err error) {
	if errors.Is(err, ErrUncertain) {
		return
	}
	for c, f := range a.forms {
		if err != nil {
			f.used = 0
		}
		if f.used < len(f.taken) {
			a.s.giveOrdinals(a.scope, c, f.taken[f.used:])
		}
	}
}
