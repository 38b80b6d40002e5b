package sandbox

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// besides runs the hostile rule for tenant A over and over until the returned
// function is called, which waits for the last answer.
func besides(t testing.TB, r *Runner, h rules.Hash, want rules.FaultKind) (stop func()) {
	t.Helper()
	done, gone, started := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for first := true; ; first = false {
			fuel := rules.Fuel{Left: rules.QueryFuel}
			out := make([]rules.Verdict, 3)
			b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}, Rows: rowsOf(1, 2, 3)}
			err := r.Decide(bg, b, &fuel, out)
			if spent := rules.QueryFuel - fuel.Left; err != nil || out[2] != faulty(want) || spent > 20*(RecordFuel+discardFuel+1<<17) {
				t.Errorf("the hostile rule got %v, %+v and %d fuel", err, out, spent)
			}
			if first {
				close(started)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	<-started
	return func() { close(done); <-gone }
}

// TestHostileNeighbours: while each kind of hostile rule runs without a pause,
// another tenant's questions are answered and garbage collections end.
func TestHostileNeighbours(t *testing.T) {
	attacks := append(loopAttacks(), runningAttacks()...)
	for i := range attacks {
		a := &attacks[i]
		if a.want.Fault != rules.FaultFuel {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			r := newRunner(t, &Options{TenantFuel: 1 << 50})
			h, err := r.Load(bg, tenantA, a.upload())
			if err != nil {
				t.Fatal(err)
			}
			good := mustLoad(t, r, tenantB, eachRule(grant(i32(1))))
			stop := besides(t, r, h, a.want.Fault)
			defer stop()
			for range 3 {
				runtime.GC()
				out, _ := decide(t, r, tenantB, good, 0, upTo(300)...)
				if slices.ContainsFunc(out, func(v rules.Verdict) bool { return v != rules.Verdict{Grant: 1} }) {
					t.Fatal("another answer than alone")
				}
			}
		})
	}
}

// crowd runs a hostile rule for tenant A on several goroutines, except while it is
// held.
type crowd struct {
	hold sync.RWMutex
	stop atomic.Bool
	wg   sync.WaitGroup
}

func newCrowd(b *testing.B, r *Runner, h rules.Hash) *crowd {
	c := &crowd{}
	c.hold.Lock()
	for range 4 {
		c.wg.Go(func() {
			rows := rowsOf(1, 2, 3)
			out := make([]rules.Verdict, len(rows))
			for !c.stop.Load() {
				c.hold.RLock()
				fuel := rules.Fuel{Left: rules.QueryFuel}
				err := r.Decide(bg, &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}, Rows: rows}, &fuel, out)
				c.hold.RUnlock()
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	return c
}

func (c *crowd) end() {
	c.stop.Store(true)
	c.hold.Unlock()
	c.wg.Wait()
	c.hold.Lock()
}

// serverHeap is what the demo's server keeps in memory. In the small heap of a test, who
// makes garbage would have it collected a hundred times as often as beside a server.
const serverHeap = 150 << 20

// BenchmarkNeighbours reports the percentiles of a tenant's questions, of 32,768
// records each, beside a hostile rule that four queries run without a pause, and
// alone, and their ratios, and of the time that they waited for a turn. Alone it is a
// third tenant with the same rule, whose spending is not held against the second.
// Windows with and without the rule take turns, so that what else the machine does slows
// both alike. The tenant asks with pauses, as people do, in which it spends a fifth of the
// time, or without any, so that it wants all turns as well and gets every other, and with
// no limit on the fuel of a tenant.
func BenchmarkNeighbours(b *testing.B) {
	heap := make([]byte, serverHeap)
	defer runtime.KeepAlive(heap)
	inGo := hosted("sched_yield")
	inGo.bodies[1] = code(forever + returnOK)
	for _, a := range []struct {
		name     string
		module   wasm
		manifest *rules.Manifest
	}{
		{"nobody", eachRule(grant(i32(1))), nil},
		{"loop", rule(forever + returnOK), share()},
		{"fill", rule("\x03\x40" + bulk(opFill, 0, 1<<17) + "\x0c\x00" + end + returnOK), share()},
		{"recursion", withRecursion(), share()},
		{"trap", rule(unreached + returnOK), share()},
		{"grow", rule(i32(1) + "\x40\x00\x1a" + forever + returnOK), share()},
		{"loads", pricedNamed("load chase 1 MiB").module(), share()},
		{"subnormal numbers", pricedNamed("multiply f64, subnormal").module(), share()},
		{"Go loop", inGo, goShare()},
		{"Go loads", pricedNamed("load chase 6 MiB").module(), goShare()},
	} {
		for _, pause := range []time.Duration{0, 4 * time.Millisecond} {
			b.Run(fmt.Sprintf("%s/pause %v", a.name, pause), func(b *testing.B) {
				benchmarkNeighbours(b, a.module, a.manifest, pause)
			})
		}
	}
}

func benchmarkNeighbours(b *testing.B, module wasm, manifest *rules.Manifest, pause time.Duration) {
	fuel := int64(maxTenantFuel)
	if pause > 0 {
		fuel = 0 // that of a server: who asks with pauses does not spend it
	}
	r := newRunner(b, &Options{TenantFuel: fuel})
	asker := &asker{r: r, rule: mustLoad(b, r, tenantB, eachRule(grant(i32(1)))), rows: rowsOf(upTo(32_768)...), pause: pause}
	mustLoad(b, r, tenantC, eachRule(grant(i32(1))))
	asker.out = make([]rules.Verdict, len(asker.rows))
	c := &crowd{}
	c.hold.Lock()
	if manifest != nil {
		h, err := r.Load(bg, tenantA, withManifest(module.build(), manifest))
		if err != nil {
			b.Fatal(err)
		}
		c = newCrowd(b, r, h)
	}
	defer c.end()
	const windows, questions = 60, 10
	var alone, beside, waited []time.Duration
	for _, tenant := range []identity.Tenant{tenantC, tenantB} { // what is slow once is nobody's doing
		asker.ask(b, tenant, questions)
	}
	for range b.N {
		for range windows {
			took, _ := asker.ask(b, tenantC, questions)
			alone = append(alone, took...)
			c.hold.Unlock()
			took, turns := asker.ask(b, tenantB, questions)
			c.hold.Lock()
			beside, waited = append(beside, took...), append(waited, turns...)
		}
	}
	slices.Sort(alone)
	slices.Sort(beside)
	slices.Sort(waited)
	for _, p := range []int{50, 99} {
		x, y := alone[len(alone)*p/100], beside[len(beside)*p/100]
		b.ReportMetric(float64(x.Microseconds()), fmt.Sprintf("alone-p%d-µs", p))
		b.ReportMetric(float64(y.Microseconds()), fmt.Sprintf("beside-p%d-µs", p))
		b.ReportMetric(float64(y)/float64(x), fmt.Sprintf("p%d-ratio", p))
		b.ReportMetric(float64(waited[len(waited)*p/100].Microseconds()), fmt.Sprintf("waited-p%d-µs", p))
	}
	b.ReportMetric(0, "ns/op")
}

// asker puts one question again and again. Verdicts have one place for all, as
// collections of garbage fell on one of two sides that take turns.
type asker struct {
	r     *Runner
	rule  rules.Hash
	rows  [][]record.Value
	out   []rules.Verdict
	pause time.Duration // before each question
}

func (a *asker) ask(b *testing.B, tenant identity.Tenant, n int) (took, waited []time.Duration) {
	took, waited = make([]time.Duration, n), make([]time.Duration, n)
	batch := &rules.Batch{Tenant: tenant, Rule: a.rule, Viewer: []record.Value{record.Int(0)}, Rows: a.rows}
	for i := range took {
		if a.pause > 0 {
			<-time.After(a.pause)
		}
		fuel := rules.Fuel{Left: rules.QueryFuel}
		began := time.Now()
		if err := a.r.Decide(bg, batch, &fuel, a.out); err != nil {
			b.Fatal(err)
		}
		took[i], waited[i] = time.Since(began), time.Duration(fuel.Waited)
	}
	return took, waited
}
