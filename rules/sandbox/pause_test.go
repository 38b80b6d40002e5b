package sandbox

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"sluice/internal/record"
	"sluice/rules"
)

// TestGuestPausesForTheCollector: a garbage collection ends while a guest of the Go
// profile is in a call that does not end, whatever it does there.
func TestGuestPausesForTheCollector(t *testing.T) {
	const flag = 600 // the guest goes on until a word there is not 0
	for name, inside := range map[string]string{
		"loop": "",
		"fill": i32(1<<16) + i32(0) + i32(1<<15) + "\xfc\x0b\x00",
		"call": i32(9) + "\x10\x04\x1a",
	} {
		t.Run(name, func(t *testing.T) {
			running, was := make(chan struct{}), goImports[9].run
			goImports[9].run = func(m api.Memory, args []uint64) bool { close(running); return was(m, args) }
			defer func() { goImports[9].run = was }()
			w := hosted("sched_yield")
			w.bodies[1] = code("\x10\x00\x1a\x03\x40" + inside + i32(flag) + "\x28\x02\x00\x45\x0d\x00" + end + returnOK)
			w.fn(0, code(i32(2)+"\x20\x00\x4b\x04\x7f\x20\x00\x05"+ // 2 > n ? n :
				"\x20\x00\x41\x01\x6b\x10\x04\x20\x00\x41\x02\x6b\x10\x04\x6a"+end+end))
			v, err := build(bg, tenantA, withManifest(w.build(), goShare()), nil, false)
			if err != nil {
				t.Fatal(err)
			}
			defer closeVersions(bg, []*version{v})
			endless := *v.limits
			endless.call = 1 << 50
			v.limits = &endless
			g, err := v.guest(bg)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan answer)
			go func() { ended <- g.ask(bg, []record.Value{record.Int(0)}, rowsOf(1), 1) }()
			<-running
			runtime.GC()
			g.mem.WriteUint32Le(flag, 1)
			if a := <-ended; a.fault != rules.NoFault {
				t.Errorf("ended with %v", a.fault)
			}
			g.close(bg)
		})
	}
}

// TestPausesBetweenSlices: the floor follows the fuel down in slices, and a call ends
// where its fuel does.
func TestPausesBetweenSlices(t *testing.T) {
	for _, interpreter := range []bool{false, true} {
		w := hosted("sched_yield")
		// Leaves when fuel is spent, or after so many rounds as the viewer says.
		w.bodies[1] = body("\x01\x01\x7f", loadViewer+"\x28\x02\x08\x21\x01\x03\x40\x20\x01"+i32(1)+"\x6b\x22\x01\x0d\x00"+end+returnOK)
		v, err := build(bg, tenantA, withManifest(w.build(), goShare()), nil, interpreter)
		if err != nil {
			t.Fatal(err)
		}
		g, err := v.guest(bg)
		if err != nil {
			t.Fatal(err)
		}
		for rounds := int64(1); rounds < 2*GoRecordFuel; rounds *= 3 {
			a := g.ask(bg, []record.Value{record.Int(rounds)}, rowsOf(1), 1)
			want := rules.NoFault
			if rounds*5 > GoRecordFuel {
				want = rules.FaultFuel
			}
			if a.fault != want {
				t.Fatalf("%d rounds: %v, want %v", rounds, a.fault, want)
			}
			left, floor := int64(g.fuel.Get()), int64(g.floor.Get())
			if slice := v.limits.slice; left >= 0 && (floor > left || left-floor > slice) || left < 0 && floor != 0 {
				t.Errorf("%d rounds: %d fuel left, and the floor at %d", rounds, left, floor)
			}
		}
		g.close(bg)
		closeVersions(bg, []*version{v})
	}
}

// inCall is a guest of the Go profile in a call that goes on until the returned function
// is called; it has told the test that it runs.
func inCall(ctx context.Context, t *testing.T, at *turn) (ended chan answer, finish func()) {
	t.Helper()
	const flag = 600
	running, was := make(chan struct{}), goImports[9].run
	goImports[9].run = func(m api.Memory, args []uint64) bool { close(running); return was(m, args) }
	t.Cleanup(func() { goImports[9].run = was })
	w := hosted("sched_yield")
	w.bodies[1] = code("\x10\x00\x1a\x03\x40" + i32(flag) + "\x28\x02\x00\x45\x0d\x00" + end + returnOK)
	v, err := build(bg, tenantA, withManifest(w.build(), goShare()), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	endless := *v.limits
	endless.call = 1 << 50
	v.limits = &endless
	g, err := v.guest(bg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeVersions(bg, []*version{v}) })
	g.at = at
	ended = make(chan answer)
	go func() { ended <- g.ask(ctx, []record.Value{record.Int(0)}, rowsOf(1), 1) }()
	<-running
	return ended, func() { g.mem.WriteUint32Le(flag, 1) }
}

// TestGuestStandsBackInACall: a tenant that has spent less gets the turn of a guest that
// is in the middle of a call, which then ends as if nothing had been.
func TestGuestStandsBackInACall(t *testing.T) {
	g := newGate(1, 1, quietFuel)
	a, b := g.turn(tenantA), g.turn(tenantB)
	if err := a.take(bg); err != nil {
		t.Fatal(err)
	}
	ended, finish := inCall(bg, t, a)
	if err := b.take(bg); err != nil {
		t.Fatal(err)
	}
	finish()
	select {
	case <-ended:
		t.Error("a guest that had stood back went on beside the other")
	default:
	}
	b.leave()
	if got := <-ended; got.fault != rules.NoFault || got.ended != nil || got.paid <= 0 || got.paid > got.used*goFaultWeight {
		t.Errorf("ended with %+v", got)
	}
	a.leave()
	if g.free != 1 {
		t.Errorf("%d turns are free", g.free)
	}
}

// TestCallEndsWithItsContext: a call whose context ends is over at the next pause, and
// gives no answer.
func TestCallEndsWithItsContext(t *testing.T) {
	g := newGate(1, 1, quietFuel)
	a := g.turn(tenantA)
	if err := a.take(bg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bg)
	ended, _ := inCall(ctx, t, a)
	cancel()
	if got := <-ended; !errors.Is(got.ended, context.Canceled) || a.held {
		t.Errorf("ended with %+v, turn held %v", got, a.held)
	}
}

// TestGuestsHalfWayAreBounded: who stood back in a call goes on before the tenant's
// other queries begin, so that no more guests are half way than there are turns.
func TestGuestsHalfWayAreBounded(t *testing.T) {
	g := newGate(1, 1, 0)
	a, b := g.turn(tenantA), g.turn(tenantB)
	if err := a.take(bg); err != nil {
		t.Fatal(err)
	}
	other := g.ask(g.turn(tenantA))
	quiet := g.ask(b)
	a.spend(10)
	back := g.ask(a) // stands back for B
	<-quiet.ready
	b.held = true
	b.leave()
	select {
	case <-back.ready:
	default:
		t.Error("another query of the tenant began while one was half way")
	}
	select {
	case <-other.ready:
		t.Error("two turns of one")
	default:
	}
}
