package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/oracle"
	"sluice/internal/world"
	"sluice/rules"
	"sluice/storage"
	"sluice/storage/driver"
	"sluice/storage/memstore"
)

var errPlanted = errors.New("planted read error")

// trips counts reads and fails the one that at names, none when it is 0. It
// serves one goroutine.
type trips struct {
	driver.Driver
	calls, at int
}

func (d *trips) trip() bool {
	d.calls++
	return d.calls == d.at
}

func (d *trips) Snapshot() (driver.Snapshot, error) {
	s, err := d.Driver.Snapshot()
	if err != nil {
		return nil, err
	}
	return &tripSnapshot{s, d}, nil
}

type tripSnapshot struct {
	driver.Snapshot
	d *trips
}

func (s *tripSnapshot) Get(key []byte) ([]byte, bool, error) {
	if s.d.trip() {
		return nil, false, errPlanted
	}
	return s.Snapshot.Get(key)
}

func (s *tripSnapshot) Cursor(prefix, from []byte, reverse bool) driver.Cursor {
	return &tripCursor{Cursor: s.Snapshot.Cursor(prefix, from, reverse), d: s.d}
}

type tripCursor struct {
	driver.Cursor
	d      *trips
	failed bool
}

func (c *tripCursor) Next() bool {
	if c.failed = c.failed || c.d.trip(); c.failed {
		return false
	}
	return c.Cursor.Next()
}

func (c *tripCursor) Err() error {
	if c.failed {
		return errPlanted
	}
	return c.Cursor.Err()
}

// tripRunner fails the call of the runner that at names.
type tripRunner struct {
	rules.Runner
	calls, at int
}

func (r *tripRunner) Decide(ctx context.Context, b *rules.Batch, fuel *rules.Fuel, out []rules.Verdict) error {
	if r.calls++; r.calls == r.at {
		return errPlanted
	}
	return r.Runner.Decide(ctx, b, fuel, out)
}

// onSnapshot puts a request to a snapshot.
func (s *stage) onSnapshot(u *oracle.User, ask request) string {
	op := s.op(u)
	defer op.Close()
	return ask.ask(op)
}

// TestP7_ReadErrorsEndTheAnswer fails single reads of storage and calls of the
// runner under random requests: an answer is then an error, or the whole answer,
// and never one that lacks or shows something else.
func TestP7_ReadErrorsEndTheAnswer(t *testing.T) {
	n := worlds(60, 5_000)
	felt := make([]int, n)
	sharded(t, n, func(t *testing.T, i int) {
		seed := firstSeed() + uint64(i)*6151
		rnd := rand.New(rand.NewPCG(seed, 5))
		d := &trips{Driver: memstore.NewDriver()}
		store, err := storage.New(d, nil)
		must(t, err)
		w := world.Random(seed, world.Small)
		s := newStageOn(t, w, store, someTenant)
		defer s.close()
		runner := &tripRunner{Runner: s.double}
		s.e.o.Rules = runner
		u := w.Users[rnd.IntN(len(w.Users))]
		for j, ask := range s.requests(u, rnd, idsOf(w, w)) {
			if ask.writes {
				continue
			}
			d.calls, d.at, runner.calls, runner.at = 0, 0, 0, 0
			want := s.onSnapshot(u, ask)
			reads, asked := d.calls, runner.calls
			for range min(reads, 6) {
				d.calls, d.at = 0, 1+rnd.IntN(reads)
				felt[i] += s.checkBroken(t, u, ask, want, fmt.Sprintf("request %d, read %d of %d", j, d.at, reads))
			}
			d.at = 0
			for at := 1; at <= min(asked, 3); at++ {
				runner.calls, runner.at = 0, at
				felt[i] += s.checkBroken(t, u, ask, want, fmt.Sprintf("request %d, runner %d of %d", j, at, asked))
			}
			runner.at = 0
		}
	})
	sum := 0
	for _, f := range felt {
		sum += f
	}
	if t.Logf("%d worlds, %d answers ended by an error", n, sum); sum < n {
		t.Error("too few errors were felt to prove anything")
	}
}

// checkBroken returns 1 where the error ended the answer.
func (s *stage) checkBroken(t *testing.T, u *oracle.User, ask request, want, where string) int {
	got := s.onSnapshot(u, ask)
	switch {
	case got != want && !containsError(got):
		t.Fatalf("seed %d: %s, %s: no error, and\n%s\ninstead of\n%s", s.w.Seed, u.Email, where, got, want)
	case got != want:
		return 1
	}
	return 0
}

// containsError reports whether the last thing in an answer is an error of
// storage or of the runner, whose kind no fault gives.
func containsError(text string) bool { return strings.Contains(text, "error internal ") }
