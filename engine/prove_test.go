package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/effort"
	"sluice/internal/world"
)

// A proof runs a function on random worlds. The seed says everything about one:
// a failure prints it, and
//
//	SLUICE_SEED=<seed> SLUICE_WORLDS=1 go test ./engine -run '^TestP1_EngineEqualsOracle$'
//
// runs it again. As many worlds as a night gives:
//
//	SLUICE_SEED=<a new one> SLUICE_WORLDS=5000000 go test ./engine -run '^TestP1_EngineEqualsOracle$' -v -timeout 0
//
// prints how far it is, and adds seeds that fail to testdata/seeds.txt, from
// where every run of the test takes them first.
func prove(t *testing.T, few, all int, one func(t *testing.T, seed uint64)) {
	t.Helper()
	p := &proof{name: t.Name(), n: worlds(few, all), began: time.Now()}
	if n, ok := number("SLUICE_WORLDS"); ok {
		p.n, p.long = int(n), true
	}
	if p.long || effort.Full() {
		before := debug.SetGCPercent(400) // worlds are short-lived
		defer debug.SetGCPercent(before)
	}
	for _, seed := range kept(t, p.name) {
		p.run(t, seed, one)
	}
	first := firstSeed()
	sharded(t, p.n, func(t *testing.T, i int) { p.run(t, first+uint64(i), one) })
	t.Logf("%d worlds from seed %d, %.0f each second", p.n, first, float64(p.n)/time.Since(p.began).Seconds())
}

type proof struct {
	name  string
	n     int
	long  bool // counts were asked for
	began time.Time
	done  atomic.Int64
	mu    sync.Mutex // guards the file of seeds
}

func (p *proof) run(t *testing.T, seed uint64, one func(t *testing.T, seed uint64)) {
	defer func() {
		if t.Failed() {
			p.failed(t, seed)
		}
	}()
	if one(t, seed); !p.long {
		return
	}
	if n := p.done.Add(1); n%10_000 == 0 {
		_, _ = fmt.Fprintf(os.Stderr, "%s: %d of %d worlds, %.0f each second\n", p.name, n, p.n, float64(n)/time.Since(p.began).Seconds())
	}
}

// failed ends the shard: its later seeds would be blamed for the failure too.
func (p *proof) failed(t *testing.T, seed uint64) {
	t.Logf("the seed is %d", seed)
	if p.long {
		p.mu.Lock()
		defer p.mu.Unlock()
		f, err := os.OpenFile(seeds, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = fmt.Fprintln(f, p.name, seed)
		if err = errorsOf(err, f.Close()); err != nil {
			t.Error(err)
		}
	}
	t.FailNow()
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// seeds holds, line by line, the name of a test and a seed that once failed it.
var seeds = filepath.Join("testdata", "seeds.txt")

// kept returns the seeds that once failed a test.
func kept(t *testing.T, name string) (out []uint64) {
	b, err := os.ReadFile(seeds)
	must(t, err)
	for line := range strings.Lines(string(b)) {
		var test string
		var seed uint64
		if text := strings.TrimSpace(line); text == "" || text[0] == '#' {
			continue
		}
		_, err := fmt.Sscan(line, &test, &seed)
		must(t, err)
		if test == name {
			out = append(out, seed)
		}
	}
	return out
}

// sizeOf makes one world in a thousand larger: windows, batches and pages that
// small ones do not fill. The oracle needs minutes for world.Large.
func sizeOf(seed uint64) world.Size {
	if seed%1000 == 999 {
		return world.Size{Users: 12, Records: 600, Forms: 3, Roles: 8, Sets: 5, Reports: 3, Sharing: 10, Custom: 3, Saved: 3}
	}
	return world.Small
}
