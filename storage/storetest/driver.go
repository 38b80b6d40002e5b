package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sluice/storage/driver"
)

// Run tests what package driver promises over the drivers that open returns:
// each call a fresh, empty one, which the kit closes.
func Run(t *testing.T, open func(testing.TB) driver.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, driver.Driver)
	}{
		{"GetAndDelete", testGetAndDelete},
		{"Cursors", testCursors},
		{"Isolation", testIsolation},
		{"Validation", testValidation},
		{"Stamps", testStamps},
		{"Also", testAlso},
		{"LostUpdates", testLostUpdates},
		{"Ownership", testOwnership},
		{"Cancelled", testCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := open(t)
			t.Cleanup(func() { must(t, d.Close()) })
			test.run(t, d)
		})
	}
	t.Run("Closed", func(t *testing.T) { testDriverClosed(t, open(t)) })
}

func set(key, value string) driver.Write {
	return driver.Write{Key: []byte(key), Value: []byte(value)}
}

func del(key string) driver.Write { return driver.Write{Key: []byte(key)} }

func commit(t testing.TB, d driver.Driver, writes ...driver.Write) uint64 {
	t.Helper()
	seq, err := d.Commit(t.Context(), 0, nil, writes)
	must(t, err)
	return seq
}

func view(t testing.TB, d driver.Driver) driver.Snapshot {
	t.Helper()
	s, err := d.Snapshot()
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// list returns what a cursor gives, as "key=value".
func list(t testing.TB, s driver.Snapshot, prefix string, from []byte, reverse bool) []string {
	t.Helper()
	c := s.Cursor([]byte(prefix), from, reverse)
	defer c.Close()
	out := []string{}
	for c.Next() {
		out = append(out, string(c.Key())+"="+string(c.Value()))
	}
	must(t, c.Err())
	return out
}

func testGetAndDelete(t *testing.T, d driver.Driver) {
	commit(t, d, set("a", "1"), set("b", ""), set("c", "3"))
	commit(t, d, del("a"), set("c", "33"), del("never"))
	s := view(t, d)
	for key, want := range map[string]string{"b": "", "c": "33"} {
		v, found, err := s.Get([]byte(key))
		if err != nil || !found || v == nil || string(v) != want {
			t.Errorf("%s: %q %v %v, want %q", key, v, found, err, want)
		}
	}
	for _, key := range []string{"a", "never", "bb", ""} {
		if v, found, err := s.Get([]byte(key)); found || err != nil {
			t.Errorf("%q: %q %v %v, want nothing", key, v, found, err)
		}
	}
	seq := commit(t, d, set("k", "1"), set("k", "2"))
	if v, _, _ := view(t, d).Get([]byte("k")); string(v) != "2" {
		t.Errorf("two writes of one key gave %q", v)
	}
	if got := view(t, d).Seq(); got != seq {
		t.Errorf("a snapshot after commit %d has sequence %d", seq, got)
	}
}

func testCursors(t *testing.T, d driver.Driver) {
	commit(t, d, set("a", "0"), set("p", "1"), set("p\x00", "2"), set("pa", "3"), set("pb", "4"), set("pc", "5"), set("p\xff\xff", "6"), set("q", "7"), set("\xff", "8"), set("\xff\xff", "9"))
	commit(t, d, del("pb"), set("pa", "33"))
	s := view(t, d)
	all := []string{"a=0", "p=1", "p\x00=2", "pa=33", "pc=5", "p\xff\xff=6", "q=7", "\xff=8", "\xff\xff=9"}
	tests := []struct {
		prefix, from string
		nilFrom      bool
		lo, hi       int // of all, forward
		rlo, rhi     int // reverse
	}{
		{"", "", true, 0, 9, 0, 9},
		{"p", "", true, 1, 6, 1, 6},
		{"p", "pa", false, 3, 6, 1, 4},
		{"p", "pb", false, 4, 6, 1, 4},
		{"p", "b", false, 1, 6, 0, 0},
		{"p", "q", false, 0, 0, 1, 6},
		{"p", "zzz", false, 0, 0, 1, 6},
		{"p\xff", "", true, 5, 6, 5, 6},
		{"\xff", "", true, 7, 9, 7, 9},
		{"\xff\xff", "", true, 8, 9, 8, 9},
		{"none", "", true, 0, 0, 0, 0},
	}
	for _, test := range tests {
		var from []byte
		if !test.nilFrom {
			from = []byte(test.from)
		}
		if got, want := list(t, s, test.prefix, from, false), all[test.lo:test.hi]; !slices.Equal(got, want) {
			t.Errorf("prefix %q from %q: %q, want %q", test.prefix, test.from, got, want)
		}
		want := slices.Clone(all[test.rlo:test.rhi])
		slices.Reverse(want)
		if got := list(t, s, test.prefix, from, true); !slices.Equal(got, want) {
			t.Errorf("prefix %q from %q, reverse: %q, want %q", test.prefix, test.from, got, want)
		}
	}
	for _, reverse := range []bool{false, true} {
		c := s.Cursor([]byte("p"), nil, reverse)
		for range 3 { // to the end, and back by Seek
			for c.Next() {
				continue
			}
			if c.Next() {
				t.Error("a cursor goes on behind its end")
			}
			c.Seek([]byte("pb"))
			want := "pc"
			if reverse {
				want = "pa"
			}
			if !c.Next() || string(c.Key()) != want {
				t.Errorf("reverse %v: seek to pb gave %q", reverse, c.Key())
			}
		}
		c.Close()
		c.Close()
	}
}

func testIsolation(t *testing.T, d driver.Driver) {
	var snaps []driver.Snapshot
	for n := range 20 {
		commit(t, d, set("k", fmt.Sprint(n)), set(fmt.Sprintf("k%02d", n), ""), del(fmt.Sprintf("k%02d", n-5)))
		snaps = append(snaps, view(t, d))
	}
	for n, s := range snaps {
		if v, _, err := s.Get([]byte("k")); string(v) != fmt.Sprint(n) || err != nil {
			t.Errorf("snapshot %d: %q %v", n, v, err)
		}
		if got := len(list(t, s, "k", nil, false)); got != min(n+1, 5)+1 {
			t.Errorf("snapshot %d shows %d keys", n, got)
		}
		if got := len(list(t, s, "k", nil, true)); got != min(n+1, 5)+1 {
			t.Errorf("snapshot %d shows %d keys in reverse", n, got)
		}
	}
}

func testValidation(t *testing.T, d driver.Driver) {
	seq := commit(t, d, set("a", "1"))
	tests := []struct {
		name     string
		reads    []string
		conflict bool
	}{
		{"nothing read", nil, false},
		{"what was overwritten", []string{"x", "a"}, true},
		{"what was deleted", []string{"b"}, true},
		{"what was made", []string{"new"}, true},
		{"other keys", []string{"c", "aa", ""}, false},
	}
	commit(t, d, set("b", "1"))
	snap := view(t, d)
	commit(t, d, set("a", "2"), del("b"), set("new", "1"))
	for _, test := range tests {
		var reads [][]byte
		for _, r := range test.reads {
			reads = append(reads, []byte(r))
		}
		key := "w-" + test.name
		_, err := d.Commit(t.Context(), snap.Seq(), reads, []driver.Write{set(key, "1")})
		if errors.Is(err, driver.ErrConflict) != test.conflict || (err != nil) != test.conflict {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, found, _ := view(t, d).Get([]byte(key)); found == test.conflict {
			t.Errorf("%s: written: %v", test.name, found)
		}
	}
	// A snapshot that is closed is not followed: whether its reads still hold need
	// not be known, but it must not be taken for current.
	snap.Close()
	for n := range 50 {
		commit(t, d, set("z", fmt.Sprint(n)))
	}
	_, err := d.Commit(t.Context(), seq, [][]byte{[]byte("a")}, []driver.Write{set("late", "1")})
	if !errors.Is(err, driver.ErrConflict) {
		t.Errorf("a commit on a snapshot of long ago: %v", err)
	}
}

func testStamps(t *testing.T, d driver.Driver) {
	stamp := func(prefix string) driver.Write {
		return driver.Write{Key: []byte(prefix), Value: []byte("v"), Stamp: true}
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 25 {
				s, err := d.Snapshot()
				if err != nil {
					t.Error(err)
					return
				}
				_, err = d.Commit(t.Context(), s.Seq(), [][]byte{[]byte("hot")}, []driver.Write{stamp("x/"), stamp("y/"), set("hot", fmt.Sprint(w, n)), stamp("x/")})
				s.Close()
				if err != nil && !errors.Is(err, driver.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := view(t, d)
	x, y := stampsOf(t, s, "x/"), stampsOf(t, s, "y/")
	if x != 2*y || y == 0 {
		t.Errorf("%d stamps of x and %d of y", x, y)
	}
}

// stampsOf returns how many stamped keys a prefix has, which must be dense.
func stampsOf(t *testing.T, s driver.Snapshot, prefix string) uint64 {
	c := s.Cursor([]byte(prefix), nil, false)
	defer c.Close()
	var n uint64
	for c.Next() {
		n++
		if got := binary.BigEndian.Uint64(c.Key()[len(prefix):]); got != n {
			t.Fatalf("%s: number %d where %d was expected", prefix, got, n)
		}
	}
	must(t, c.Err())
	return n
}

// testLostUpdates runs counters that read, add and write under contention: each
// acknowledged addition is there, and commits that touch both sides of a pair
// keep it equal in every snapshot.
func testLostUpdates(t *testing.T, d driver.Driver) {
	const writers, tries = 8, 150
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	stop := make(chan struct{})
	wg.Go(func() { watchPair(t, d, stop) })
	var adders sync.WaitGroup
	for range writers {
		adders.Go(func() {
			for range tries {
				ok, err := addToPair(t, d)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					mu.Lock()
					done++
					mu.Unlock()
				}
			}
		})
	}
	adders.Wait()
	close(stop)
	wg.Wait()
	v, _, err := view(t, d).Get([]byte("pair/a"))
	must(t, err)
	if string(v) != fmt.Sprint(done) || done == 0 {
		t.Errorf("%d additions were acknowledged, the counter says %s", done, v)
	}
}

func addToPair(t *testing.T, d driver.Driver) (bool, error) {
	s, err := d.Snapshot()
	if err != nil {
		return false, err
	}
	defer s.Close()
	v, _, err := s.Get([]byte("pair/a"))
	if err != nil {
		return false, err
	}
	n := 0
	_, _ = fmt.Sscan(string(v), &n)
	next := fmt.Sprint(n + 1)
	_, err = d.Commit(t.Context(), s.Seq(), [][]byte{[]byte("pair/a")}, []driver.Write{set("pair/a", next), set("pair/b", next)})
	if errors.Is(err, driver.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

func watchPair(t *testing.T, d driver.Driver, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		s, err := d.Snapshot()
		if err != nil {
			t.Error(err)
			return
		}
		a, _, _ := s.Get([]byte("pair/a"))
		b, _, _ := s.Get([]byte("pair/b"))
		walk := list(t, s, "pair/", nil, false)
		s.Close()
		if !bytes.Equal(a, b) || len(walk) == 2 && (walk[0] != "pair/a="+string(a) || walk[1] != "pair/b="+string(a)) {
			t.Errorf("half a commit is visible: a=%s b=%s %q", a, b, walk)
			return
		}
	}
}

// testOwnership changes slices after the calls that took them.
func testOwnership(t *testing.T, d driver.Driver) {
	key, value := []byte("key"), []byte("value")
	_, err := d.Commit(t.Context(), 0, nil, []driver.Write{{Key: key, Value: value}})
	must(t, err)
	copy(key, "xxx")
	copy(value, "xxxxx")
	s := view(t, d)
	v, found, err := s.Get([]byte("key"))
	if !found || err != nil || string(v) != "value" {
		t.Errorf("%q %v %v", v, found, err)
	}
	other, _, _ := s.Get([]byte("other"))
	if string(v) != "value" || other != nil {
		t.Errorf("a value changed under a later Get: %q", v)
	}
}

func testCancelled(t *testing.T, d driver.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Commit(ctx, 0, nil, []driver.Write{set("k", "v")}); !errors.Is(err, context.Canceled) {
		t.Errorf("a commit under an ended context: %v", err)
	}
	if _, found, _ := view(t, d).Get([]byte("k")); found {
		t.Error("a commit under an ended context was written")
	}
}

func testDriverClosed(t *testing.T, d driver.Driver) {
	commit(t, d, set("k", "v"))
	must(t, d.Close())
	if _, err := d.Snapshot(); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("snapshot: %v", err)
	}
	if _, err := d.Commit(t.Context(), 0, nil, []driver.Write{set("k", "w")}); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	if err := d.Close(); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("close: %v", err)
	}
}
