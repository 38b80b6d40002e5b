// Package driver is what a storage backend implements: snapshots and commits of
// opaque ordered bytes. Tenant scope, key layout, limits, indexes, the change
// log and error kinds are written once, above it, in package storage.
package driver

import (
	"context"
	"errors"
)

// ErrConflict is returned by Commit when a point read of the transaction was
// overwritten since its snapshot. Nothing was written.
var ErrConflict = errors.New("driver: conflict")

// ErrUncertain is returned by Commit when the driver cannot say whether the
// writes are durable. The driver refuses further commits afterwards.
var ErrUncertain = errors.New("driver: outcome of the commit is not known")

// ErrClosed is returned by every call after Close.
var ErrClosed = errors.New("driver: closed")

// ErrTooBig is returned by Commit for more than the backend can write at once.
// Nothing was written.
var ErrTooBig = errors.New("driver: too many writes for one commit")

// ErrExpired is returned by reads of a snapshot that is older than the driver
// allows, where it sets a maximum age.
var ErrExpired = errors.New("driver: snapshot is too old")

// ErrFull is returned by Commit when there is too little room for more data.
// Nothing was written; commits are taken again when there is room.
var ErrFull = errors.New("driver: no room for more data")

// Driver is one backend. All methods are safe for concurrent use.
type Driver interface {
	// Snapshot returns a view of everything published so far. It does not wait
	// for commits in flight. The caller closes it.
	Snapshot() (Snapshot, error)
	// Commit applies all writes or none, if none of the keys in reads was
	// written after the snapshot with sequence snap. It returns when the writes
	// are durable and published. The driver may keep the slices of writes until
	// it returns, not longer.
	Commit(ctx context.Context, snap uint64, reads [][]byte, writes []Write) (seq uint64, err error)
	// Close waits for commits in flight and releases everything. Snapshots have to
	// be closed before.
	Close() error
}

// Write is one change. A nil Value deletes.
//
// When Stamp is set, Key is a prefix and the driver appends the next number of
// that prefix, 8 bytes big-endian, dense from 1: no number is skipped or given
// twice, and numbers order as commits do. The change log needs it, and no
// transaction has to read a counter. Where Also is set, it is another prefix: the
// same number behind it gets the value AlsoValue, in the same commit. Nothing else
// may write keys behind such a prefix, and it needs no numbers of its own to be
// dense.
type Write struct {
	Key       []byte
	Value     []byte
	Stamp     bool
	Also      []byte // of a stamped write; nil for none
	AlsoValue []byte
}

// Snapshot reads one published state. A snapshot is used by one goroutine at a
// time.
type Snapshot interface {
	// Seq is the sequence of the last commit that the snapshot contains.
	Seq() uint64
	// Get returns the value of key, valid until the snapshot is closed.
	Get(key []byte) (value []byte, found bool, err error)
	// Cursor walks the keys that begin with prefix, from the first ≥ from
	// (reverse: from the last ≤ from; a nil from starts at the end).
	Cursor(prefix, from []byte, reverse bool) Cursor
	Close()
}

// Cursor walks keys in order. It begins before the first key.
type Cursor interface {
	// Next moves to the next key and reports whether there is one. Key and Value
	// are valid until the next call of Next, Seek or Close.
	Next() bool
	// Seek moves so that Next gives the first key ≥ key (reverse: ≤ key).
	Seek(key []byte)
	Key() []byte
	Value() []byte
	Err() error
	Close()
}

// After returns the first key behind all keys that begin with prefix, nil when
// there is none.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
