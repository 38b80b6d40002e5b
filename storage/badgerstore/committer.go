package badgerstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	badger "github.com/dgraph-io/badger/v4"

	"sluice/storage/driver"
)

// Bounds of one commit, and of the number of commits in a batch. What a batch
// may hold follows from what Badger takes: 10 MB and 104,857 entries with a
// memtable of 64 MiB.
const (
	maxBatch        = 1024
	maxCommitBytes  = 5 << 20
	maxCommitWrites = 20_000
	entryOverhead   = 32
	// minMemTable is where one commit of the largest size fits.
	minMemTable = 40 << 20
)

// upkeep is the number of batches between two moves of what Badger may discard.
const upkeep = 64

// store is the driver.
type store struct {
	dir   string
	opt   Options
	db    *badger.DB
	pins  driver.Pins
	queue chan *request
	// life is held for reading while a commit is queued or a snapshot opened, so
	// that Close finds none of them half done.
	life    sync.RWMutex
	closed  bool
	open    sync.WaitGroup // snapshots
	failed  atomic.Bool
	stopped chan struct{}
	batches atomic.Uint64

	maxBytes, maxWrites int // of a batch

	// What follows belongs to the committer.
	last   batchID
	recent *driver.Recent
	stamps map[string]uint64 // prefix → last number given
	ledger *ledger
	room   int64 // bytes that may be written until the disk is asked again
	full   bool
}

// request is one commit in the queue.
type request struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that waits for it
	snap   uint64
	reads  [][]byte
	writes []driver.Write
	bytes  int
	done   chan result
}

type result struct {
	seq uint64
	err error
}

// start checks the data against the ledger and begins to take commits.
func start(dir string, opt Options, db *badger.DB) (*store, error) {
	last, err := verify(dir, db, opt.window)
	if err != nil && !opt.AcceptLoss {
		return nil, err
	}
	if err != nil {
		opt.Events.Warning("loss accepted: " + err.Error())
		if last, err = rebase(dir, db); err != nil {
			return nil, err
		}
	}
	l, err := newLedger(dir, last)
	if err != nil {
		return nil, err
	}
	s := &store{
		dir: dir, opt: opt, db: db, last: last, ledger: l,
		queue: make(chan *request, maxBatch), stopped: make(chan struct{}),
		recent: driver.NewRecent(last.n), stamps: map[string]uint64{},
		maxBytes: int(db.MaxBatchSize() * 9 / 10), maxWrites: int(db.MaxBatchCount() / 2),
	}
	s.pins.Publish(last.n)
	db.SetDiscardTs(last.n)
	go s.run()
	return s, nil
}

// Commit queues the writes and waits for the outcome. A context that ends while
// they are queued is heeded; once the committer has taken them, it is not.
func (s *store) Commit(ctx context.Context, snap uint64, reads [][]byte, writes []driver.Write) (uint64, error) {
	r := &request{ctx: ctx, snap: snap, reads: reads, writes: writes, done: make(chan result, 1)}
	for i := range writes {
		r.bytes += sizeOf(&writes[i])
	}
	if r.bytes > maxCommitBytes || len(writes) > maxCommitWrites {
		return 0, driver.ErrTooBig
	}
	s.life.RLock()
	defer s.life.RUnlock()
	switch {
	case s.closed:
		return 0, driver.ErrClosed
	case s.failed.Load():
		return 0, driver.ErrUncertain
	case len(reads) > 0 && s.pins.Expired(snap):
		return 0, driver.ErrExpired
	}
	select {
	case s.queue <- r:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	res := <-r.done
	return res.seq, res.err
}

// sizeOf is what a write takes in Badger, about.
func sizeOf(w *driver.Write) int {
	n := len(w.Key) + len(w.Value) + entryOverhead
	if w.Also != nil {
		n += len(w.Also) + len(w.AlsoValue) + entryOverhead
	}
	return n
}

// drain is how long Close waits for snapshots that are still open: Badger must
// not go away under their hands.
const drain = 10 * time.Second

// Close waits for the commits in the queue, and for a while for snapshots.
func (s *store) Close() error {
	s.life.Lock() // no commit is in the queue then
	if s.closed {
		s.life.Unlock()
		return driver.ErrClosed
	}
	s.closed = true
	close(s.queue)
	s.life.Unlock()
	<-s.stopped
	done := make(chan struct{})
	go func() {
		s.open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drain):
		return errors.Join(errors.New("badgerstore: snapshots are still open: the store was not closed"), s.ledger.close())
	}
	return errors.Join(s.db.Close(), s.ledger.close())
}

// run is the committer.
func (s *store) run() {
	defer close(s.stopped)
	var next *request // did not fit into the batch before
	for {
		if next == nil {
			r, ok := <-s.queue
			if !ok {
				return
			}
			next = r
		}
		var batch []*request
		batch, next = s.gather(next)
		s.commit(batch)
	}
}

// gather takes what is queued, up to the bounds of a batch.
func (s *store) gather(first *request) (batch []*request, next *request) {
	batch = []*request{first}
	size, writes := first.bytes, len(first.writes)
	for len(batch) < maxBatch {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return batch, nil
			}
			size, writes = size+r.bytes, writes+len(r.writes)
			if size > s.maxBytes || writes > s.maxWrites {
				return batch, r
			}
			batch = append(batch, r)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// commit answers every member of a batch. From the first doubt on, all answers
// are ErrUncertain.
func (s *store) commit(batch []*request) {
	if s.failed.Load() {
		answer(batch, 0, driver.ErrUncertain)
		return
	}
	if !s.hasRoom(batch) {
		answer(batch, 0, driver.ErrFull)
		return
	}
	valid := s.validate(batch)
	if len(valid) == 0 {
		return
	}
	err := s.write(valid)
	if err != nil {
		s.failed.Store(true)
		answer(valid, 0, fmt.Errorf("%w: %w", driver.ErrUncertain, err))
		s.opt.Events.Failed(err)
		return
	}
	s.batches.Add(1)
	s.pins.Publish(s.last.n)
	answer(valid, s.last.n, nil)
	s.recent.Prune(s.pins.Oldest())
	if s.last.n%upkeep == 0 {
		if s.opt.MaxSnapshotAge > 0 {
			s.pins.Expire(s.opt.now().Add(-s.opt.MaxSnapshotAge))
		}
		s.db.SetDiscardTs(s.pins.Oldest())
	}
}

// hasRoom asks for the free room of the disk each time that another part of it
// may have been written, and while there is too little.
func (s *store) hasRoom(batch []*request) bool {
	if s.opt.MinFree < 0 {
		return true
	}
	for _, r := range batch {
		s.room -= int64(r.bytes)
	}
	if s.room > 0 {
		return true
	}
	free, err := s.opt.free(s.dir)
	full := err != nil || free < s.opt.MinFree
	if full != s.full {
		s.full = full
		s.opt.Events.Full(full)
	}
	s.room = 0
	if !full {
		s.room = min(s.opt.MinFree/8, 16<<20)
	}
	return !full
}

func answer(batch []*request, seq uint64, err error) {
	for _, r := range batch {
		r.done <- result{seq, err}
	}
}

// validate answers the members that cannot be committed and returns the others.
func (s *store) validate(batch []*request) []*request {
	valid := batch[:0]
	for _, r := range batch {
		if err := r.ctx.Err(); err != nil {
			r.done <- result{err: err}
			continue
		}
		if s.recent.Conflicts(r.snap, r.reads) {
			r.done <- result{err: driver.ErrConflict}
			continue
		}
		s.recent.Note(s.last.n+1, r.writes)
		valid = append(valid, r)
	}
	return valid
}

// write makes a batch durable, in Badger and in the ledger.
func (s *store) write(batch []*request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("badgerstore: commit: %v", p)
		}
	}()
	n := s.last.n + 1
	tx := s.db.NewTransactionAt(s.last.n, true)
	defer tx.Discard()
	b := &batchWriter{s: s, tx: tx, hash: sha256.New(), stamps: map[string]uint64{}}
	b.hash.Write(s.last.chain[:])
	for _, r := range batch {
		for i := range r.writes {
			b.add(&r.writes[i])
		}
	}
	b.counters()
	next := batchID{n: n}
	b.hash.Sum(next.chain[:0])
	b.set(markerKey(n), next.chain[:])
	if n > s.opt.window {
		b.set(markerKey(n-s.opt.window), nil)
	}
	if b.err != nil {
		return b.err
	}
	if err := tx.CommitAt(n, nil); err != nil {
		return err
	}
	if err := s.ledger.append(next); err != nil {
		return err
	}
	s.last = next
	for prefix, last := range b.stamps {
		s.stamps[prefix] = last
	}
	return nil
}
