package badgerstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/effort"
	"sluice/storage/driver"
)

func testOptions() Options {
	return Options{MemTableSize: 1, BlockCache: 8 << 20, IndexCache: 8 << 20}
}

func mustOpen(t *testing.T, dir string, o Options) *store {
	t.Helper()
	s, err := openDriver(dir, o.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, d driver.Driver, key, value string) uint64 {
	t.Helper()
	seq, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: []byte(key), Value: []byte(value)}})
	must(t, err)
	return seq
}

func get(t *testing.T, d driver.Driver, key string) string {
	t.Helper()
	s, err := d.Snapshot()
	must(t, err)
	defer s.Close()
	v, _, err := s.Get([]byte(key))
	must(t, err)
	return string(v)
}

// TestUncertain breaks the ledger under the committer: nobody can say what is
// durable, so nothing more is taken, and what was acknowledged stays readable.
func TestUncertain(t *testing.T) {
	for _, panics := range []bool{false, true} {
		dir := t.TempDir()
		var failed atomic.Int32
		o := testOptions()
		o.Events.Failed = func(error) { failed.Add(1) }
		s := mustOpen(t, dir, o)
		put(t, s, "k", "acknowledged")
		if panics {
			s.ledger.f = nil
			s.ledger.off = 0
			s.stamps = nil // the committer writes into it
		} else {
			must(t, s.ledger.f.Close())
		}
		for range 3 {
			_, err := s.Commit(t.Context(), 0, nil, []driver.Write{{Key: []byte("k"), Value: []byte("lost?")}, {Key: []byte("s"), Value: []byte("1"), Stamp: true}})
			if !errors.Is(err, driver.ErrUncertain) {
				t.Fatalf("after the ledger broke: %v", err)
			}
		}
		if got := get(t, s, "k"); got != "acknowledged" {
			t.Errorf("an unacknowledged write is visible: %q", got)
		}
		_ = s.Close() // waits for the committer, who tells Failed after it has answered
		if failed.Load() != 1 {
			t.Errorf("Failed was called %d times", failed.Load())
		}
		s = mustOpen(t, dir, testOptions()) // one batch ahead of the ledger is no loss
		put(t, s, "k", "again")
		must(t, s.Close())
	}
}

// TestResurrection deletes keys, merges all tables and opens again.
func TestResurrection(t *testing.T) {
	keys, rounds := effort.Of(3000, 100_000, 100_000), effort.Of(3, 10, 10)
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions())
	alive := map[int]string{}
	for round := range rounds {
		var writes []driver.Write
		for k := range keys {
			w := driver.Write{Key: fmt.Appendf(nil, "key/%06d", k)}
			delete(alive, k)
			if rand.IntN(3) == 0 {
				alive[k] = fmt.Sprint(round)
				w.Value = []byte(alive[k])
			}
			if writes = append(writes, w); len(writes) == 1000 || k == keys-1 {
				_, err := s.Commit(t.Context(), 0, nil, writes)
				must(t, err)
				writes = nil
			}
		}
		checkAlive(t, s, alive)
		s.db.SetDiscardTs(s.pins.Oldest())
		must(t, s.db.Flatten(2))
		checkAlive(t, s, alive)
		must(t, s.Close())
		s = mustOpen(t, dir, testOptions())
		must(t, s.db.Flatten(2))
		checkAlive(t, s, alive)
	}
	must(t, s.Close())
}

func checkAlive(t *testing.T, s *store, alive map[int]string) {
	t.Helper()
	sn, err := s.Snapshot()
	must(t, err)
	defer sn.Close()
	for _, reverse := range []bool{false, true} {
		c := sn.Cursor([]byte("key/"), nil, reverse)
		n := 0
		for ; c.Next(); n++ {
			var k int
			_, _ = fmt.Sscanf(string(c.Key()), "key/%06d", &k)
			if want, ok := alive[k]; !ok || want != string(c.Value()) {
				t.Fatalf("key %d is %q, want %q, alive %v", k, c.Value(), want, ok)
			}
		}
		must(t, c.Err())
		c.Close()
		if n != len(alive) {
			t.Fatalf("%d keys, want %d", n, len(alive))
		}
	}
}

// TestMarkersArePruned writes more batches than markers are kept for.
func TestMarkersArePruned(t *testing.T) {
	dir := t.TempDir()
	o := testOptions()
	o.window = 8
	for open := range 3 {
		s := mustOpen(t, dir, o)
		for n := range 15 {
			put(t, s, "k", fmt.Sprint(open, n))
		}
		_, marks, err := readMarkers(s.db)
		if err != nil || len(marks) != 8 {
			t.Errorf("%d markers, %v", len(marks), err)
		}
		must(t, s.Close())
	}
}

// TestLedgerRotates fills the ledger and opens what stands in the new one.
func TestLedgerRotates(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions())
	put(t, s, "k", "0")
	s.ledger.off = ledgerSize
	for n := range 5 {
		put(t, s, "k", fmt.Sprint(n))
	}
	lines, err := readLedgerFile(dir)
	must(t, err)
	if len(lines) != 5 || lines[4] != s.last {
		t.Errorf("%d lines after the change of files, last %v, want %v", len(lines), lines[len(lines)-1], s.last)
	}
	must(t, s.Close())
	must(t, mustOpen(t, dir, testOptions()).Close())
}

func TestSnapshotsExpire(t *testing.T) {
	var clock atomic.Int64
	o := testOptions()
	o.now = func() time.Time { return time.Unix(clock.Load(), 0) }
	o.MaxSnapshotAge = time.Minute
	s := mustOpen(t, t.TempDir(), o)
	put(t, s, "k", "old")
	sn, err := s.Snapshot()
	must(t, err)
	c := sn.Cursor(nil, nil, false)
	clock.Add(61)
	for range 2 * upkeep {
		put(t, s, "k", "new")
	}
	if _, _, err := sn.Get([]byte("k")); !errors.Is(err, driver.ErrExpired) {
		t.Errorf("a get: %v", err)
	}
	if c.Next() || !errors.Is(c.Err(), driver.ErrExpired) {
		t.Errorf("a cursor: %v", c.Err())
	}
	if _, err := s.Commit(t.Context(), sn.Seq(), [][]byte{[]byte("k")}, nil); !errors.Is(err, driver.ErrExpired) {
		t.Errorf("a commit: %v", err)
	}
	if got := get(t, s, "k"); got != "new" {
		t.Errorf("a fresh snapshot reads %q", got)
	}
	sn.Close()
	must(t, s.Close())
	if n := s.recent.Len(); n > upkeep {
		t.Errorf("%d keys are remembered for a snapshot that has ended", n)
	}
}

// TestFullDisk refuses commits while there is too little room, and reads on.
func TestFullDisk(t *testing.T) {
	var free atomic.Int64
	var events []bool
	o := testOptions()
	o.MinFree = 1 << 10
	o.free = func(string) (int64, error) { return free.Load(), nil }
	o.Events.Full = func(full bool) { events = append(events, full) }
	free.Store(1 << 30)
	s := mustOpen(t, t.TempDir(), o)
	put(t, s, "k", "first")
	free.Store(100)
	refused := 0
	for n := range 20 {
		_, err := s.Commit(t.Context(), 0, nil, []driver.Write{{Key: []byte("k"), Value: fmt.Append(nil, n)}})
		if err != nil && !errors.Is(err, driver.ErrFull) {
			t.Fatal(err)
		}
		if err != nil {
			refused++
		} else if refused > 0 {
			t.Error("a commit was taken on a full disk")
		}
	}
	if refused == 0 {
		t.Error("no commit was refused on a full disk")
	}
	if get(t, s, "k") == "" {
		t.Error("nothing can be read on a full disk")
	}
	free.Store(1 << 30)
	put(t, s, "k", "last")
	must(t, s.Close())
	if fmt.Sprint(events) != "[true false]" {
		t.Errorf("events %v", events)
	}
}

// TestCloseWaits closes a store under the hands of a reader.
func TestCloseWaits(t *testing.T) {
	s := mustOpen(t, t.TempDir(), testOptions())
	put(t, s, "k", "v")
	sn, err := s.Snapshot()
	must(t, err)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	<-s.stopped
	for range 100 {
		if v, _, err := sn.Get([]byte("k")); string(v) != "v" || err != nil {
			t.Errorf("a read while the store closes: %q %v", v, err)
		}
	}
	if _, err := s.Commit(t.Context(), 0, nil, nil); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("a commit while the store closes: %v", err)
	}
	sn.Close()
	must(t, <-closed)
}

func FuzzLedger(f *testing.F) {
	line := appendLine(nil, batchID{n: 7, chain: [32]byte{1, 2, 3}})
	f.Add(append(head(), line...))
	f.Add(append(head(), append(line, 0, 0, 0)...))
	f.Add([]byte("sluice"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := readLedger(b)
		if err != nil {
			return
		}
		again := head()
		for _, l := range lines {
			again = appendLine(again, l)
		}
		if len(b) < len(again) || string(b[:len(again)]) != string(again) {
			t.Errorf("what was read is not what stands there")
		}
	})
}
