package driver

import (
	"hash/maphash"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Pins keeps which sequences are published and which snapshots are open. It is
// safe for concurrent use.
type Pins struct {
	mu        sync.Mutex
	published uint64
	open      []pin // ascending sequences; the first has a count > 0
	expired   atomic.Uint64
}

type pin struct {
	seq    uint64
	count  int
	latest time.Time // when the last of them was opened
}

// Publish makes seq the sequence of snapshots opened from now on. Sequences
// never fall.
func (p *Pins) Publish(seq uint64) {
	p.mu.Lock()
	p.published = seq
	p.mu.Unlock()
}

// Published returns the last published sequence.
func (p *Pins) Published() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.published
}

// Pin registers a snapshot at the published sequence, which it returns. now is
// for Expire; a driver that does not expire snapshots gives the zero time.
func (p *Pins) Pin(now time.Time) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.open); n > 0 && p.open[n-1].seq == p.published {
		p.open[n-1].count++
		p.open[n-1].latest = now
	} else {
		p.open = append(p.open, pin{p.published, 1, now})
	}
	return p.published
}

// Expire ends all snapshots of a sequence of which none was opened at or after
// the time given. The published sequence does not expire.
func (p *Pins) Expire(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.open) && p.open[n].seq < p.published && (p.open[n].count == 0 || p.open[n].latest.Before(before)) {
		p.expired.Store(p.open[n].seq)
		n++
	}
	p.open = p.open[n:]
}

// Expired reports whether snapshots at seq have been ended. What was read before
// it is asked counts only when it answers false.
func (p *Pins) Expired(seq uint64) bool { return seq <= p.expired.Load() && p.expired.Load() != 0 }

// Unpin ends a snapshot.
func (p *Pins) Unpin(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := sort.Search(len(p.open), func(i int) bool { return p.open[i].seq >= seq })
	if i == len(p.open) || p.open[i].seq != seq {
		return
	}
	p.open[i].count--
	n := 0
	for n < len(p.open) && p.open[n].count == 0 {
		n++
	}
	p.open = p.open[n:]
}

// Oldest returns the sequence of the oldest open snapshot, the published one
// when none is open.
func (p *Pins) Oldest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) > 0 {
		return p.open[0].seq
	}
	return p.published
}

// Recent remembers which keys were written by commits that an open snapshot does
// not contain: what read sets are validated against. It keeps fingerprints of
// keys, so two keys may, very rarely, be taken for one: a conflict too many,
// never one too few. It is not safe for concurrent use: a committer owns it.
type Recent struct {
	seed  maphash.Seed
	last  map[uint64]uint64 // fingerprint of a key → sequence of its last write
	log   []written         // ascending sequences
	floor uint64            // snapshots older than this cannot be validated
}

type written struct {
	seq  uint64
	keys []uint64
}

// NewRecent returns a Recent for a store whose last commit is seq.
func NewRecent(seq uint64) *Recent {
	return &Recent{seed: maphash.MakeSeed(), last: map[uint64]uint64{}, floor: seq}
}

// Conflicts reports whether one of the keys was written after the snapshot
// snap, or whether that is not known any more.
func (r *Recent) Conflicts(snap uint64, reads [][]byte) bool {
	if len(reads) == 0 {
		return false
	}
	if snap < r.floor {
		return true
	}
	for _, k := range reads {
		if r.last[maphash.Bytes(r.seed, k)] > snap {
			return true
		}
	}
	return false
}

// Note records that the commit seq writes keys. Calls go by ascending seq.
func (r *Recent) Note(seq uint64, writes []Write) {
	keys := make([]uint64, 0, len(writes))
	for i := range writes {
		if writes[i].Stamp {
			continue // nobody can have read a key that did not exist
		}
		fp := maphash.Bytes(r.seed, writes[i].Key)
		r.last[fp] = seq
		keys = append(keys, fp)
	}
	r.log = append(r.log, written{seq, keys})
}

// Prune forgets what every snapshot from oldest on contains.
func (r *Recent) Prune(oldest uint64) {
	n := 0
	for ; n < len(r.log) && r.log[n].seq <= oldest; n++ {
		for _, fp := range r.log[n].keys {
			if r.last[fp] == r.log[n].seq {
				delete(r.last, fp)
			}
		}
		r.floor = r.log[n].seq
	}
	r.log = r.log[n:]
}

// Len returns the number of keys remembered.
func (r *Recent) Len() int { return len(r.last) }
