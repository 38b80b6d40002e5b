package sandbox

import (
	"bytes"
	"context"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
)

// spentOf is what a gate has written down of a tenant.
func spentOf(g *gate, t *turn) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.account(t.tenant).spent
}

// TestWhoWaitedBeginsShort: a guest that had to wait in a call stands back again after a
// short slice, however long those are that follow each other.
func TestWhoWaitedBeginsShort(t *testing.T) {
	g := newGate(1, 1, quietFuel)
	a, b, c := g.turn(tenantA), g.turn(tenantB), g.turn(tenantC)
	if err := a.take(bg); err != nil {
		t.Fatal(err)
	}
	ended, finish := inCall(bg, t, a)
	if err := b.take(bg); err != nil {
		t.Fatal(err)
	}
	before := spentOf(g, a)
	// Behind A now, and before it after the shortest slice. A newcomer does not begin at
	// nothing where A ran for long before the others came.
	c.spend(before + 1 - spentOf(g, c))
	w := g.ask(c)
	b.leave()
	<-w.ready
	if ran := spentOf(g, a) - before; ran != firstSlice*goFaultWeight {
		t.Errorf("ran for %d after it had waited, expected %d", ran, firstSlice*goFaultWeight)
	}
	finish()
	c.held = true
	c.leave()
	if got := <-ended; got.paid > got.used*goFaultWeight {
		t.Errorf("paid %d for %d used", got.paid, got.used)
	}
	a.leave()
}

// TestSlicesGrow: the slices of who waited are twice as long each, up to the longest.
func TestSlicesGrow(t *testing.T) {
	v, err := build(bg, tenantA, withManifest(rule(forever+returnOK).build(), share()), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	defer closeVersions(bg, []*version{v})
	guest, err := v.guest(bg)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.close(bg)
	pauses := func(short int64) (n int64) {
		g := newGate(1, 1, quietFuel)
		at := g.turn(tenantA)
		if err := at.take(bg); err != nil {
			t.Fatal(err)
		}
		at.short, guest.at = short, at
		a := guest.ask(bg, []record.Value{record.Int(0)}, rowsOf(1), 1)
		paid := a.paid / faultWeight
		if paid > a.used || paid < a.used-slice-firstSlice || at.short != 0 {
			t.Errorf("beginning with %d: paid for %d of %d, and the next slice has %d", short, paid, a.used, at.short)
		}
		return paid
	}
	if whole := pauses(0); whole%slice != 0 {
		t.Errorf("slices of %d in all, expected some of %d", whole, slice)
	}
	// 1, 2, 4, 8 and 16 thousand come before the longest.
	if grown := pauses(firstSlice); grown%slice != 31*firstSlice%slice {
		t.Errorf("slices of %d in all, expected those that double first", grown)
	}
}

// TestFailedCallsCountMore: in the order of turns a call that succeeds counts what it
// spent, however long it ran, and one that fails the more, the fewer records it was about.
func TestFailedCallsCountMore(t *testing.T) {
	const most = 60_000 // of rounds that one call may make
	w := rule(returnOK)
	w.bodies[1] = body("\x01\x01\x7f", loadViewer+"\x28\x02\x08\x21\x01\x03\x40\x20\x01"+i32(1)+"\x6b\x22\x01\x0d\x00"+end+returnOK)
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantC, w)
	for _, c := range []struct {
		rounds, rows int
		weight       int64
	}{{1, 1, 1}, {most / 4, 1, 1}, {most / 4, 40, 1}, {most, 1, faultWeight}} {
		before := spentOf(slots(), slots().turn(tenantC))
		out, fuel := decide(t, r, tenantC, h, int64(c.rounds), upTo(c.rows)...)
		got := spentOf(slots(), slots().turn(tenantC)) - before
		if failed := out[0].Fault != rules.NoFault; failed != (c.weight > 1) {
			t.Fatalf("%d rounds: %+v", c.rounds, out[0])
		}
		if reset := int64(len(r.versions[key{tenantC, h}].state.memory)) >> bulkShift; got != (fuel-reset)*c.weight+reset {
			t.Errorf("%d rounds about %d records: %d in the order of turns for %d fuel", c.rounds, c.rows, got, fuel)
		}
	}
	for _, l := range []*limits{&leanLimits, &goLimits} {
		if l.weigh(0) != l.weight || l.weigh(2) != l.weight/2 || l.weigh(MaxBatch) != 1 {
			t.Errorf("calls about no, two and %d records count %d, %d and %d times", MaxBatch, l.weigh(0), l.weigh(2), l.weigh(MaxBatch))
		}
		if one := l.weight * (l.call + l.discard); one > quietFuel/3 {
			t.Errorf("one failed call counts %d, and who was quiet may spend %d", one, quietFuel)
		}
	}
}

// TestWhoWorksInVainYields: who holds a turn offers the processor to other threads while a
// call about one record goes on and after one that failed. What is of use does not: where
// the machine is busy it would wait for a slice of somebody else's at every pause.
func TestWhoWorksInVainYields(t *testing.T) {
	was, times := offer, 0
	offer = func() { times++; was() }
	defer func() { offer = was }()
	for _, c := range []struct {
		name   string
		decide string
		rows   int
		vain   bool
	}{
		{"of use", grant(i32(1)), 5 * MaxBatch, false},
		{"of use, about one record", grant(i32(1)), 1, false},
		{"endless", forever + returnOK, 1, true},
		{"trap", unreached + returnOK, 3, true},
	} {
		r := newRunner(t, nil)
		w := rule(c.decide)
		if !c.vain {
			w = eachRule(c.decide)
		}
		h := mustLoad(t, r, tenantA, w)
		times = 0
		out, _ := decide(t, r, tenantA, h, 1, upTo(c.rows)...)
		if failed := out[0].Fault != rules.NoFault; failed != c.vain || (times > 0) != c.vain {
			t.Errorf("%s: yielded %d times, and the first verdict is %+v", c.name, times, out[0])
		}
	}
}

// TestResetStandsBack: who puts a guest with much memory back stands back between pages,
// and nobody is asked with it before it is whole.
func TestResetStandsBack(t *testing.T) {
	w := rule(returnOK)
	w.memories = []string{"\x01\x04\x10"}
	v, err := build(bg, tenantA, withManifest(w.build(), share()), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	defer closeVersions(bg, []*version{v})
	used := func() (*gate, *turn, *guest) {
		g := newGate(1, 1, quietFuel)
		a := g.turn(tenantA)
		a.spend(10)
		if err := a.take(bg); err != nil {
			t.Fatal(err)
		}
		guest, err := v.guest(bg)
		if err != nil {
			t.Fatal(err)
		}
		guest.at = a
		memory, _ := guest.mem.Read(0, guest.mem.Size())
		for i := range memory {
			memory[i] = 0x5e
		}
		return g, a, guest
	}
	g, a, first := used()
	b := g.turn(tenantB)
	ready := g.ask(b)
	done := make(chan struct{})
	go func() { defer close(done); v.back(bg, first, false) }()
	select {
	case <-ready.ready:
	case <-done:
		t.Fatal("put back without a break")
	}
	if v.pool.any() {
		t.Error("a guest that is not put back yet can be had")
	}
	b.held = true
	b.leave()
	<-done
	a.leave()
	again, err := v.guest(bg)
	if err != nil {
		t.Fatal(err)
	}
	memory, _ := again.mem.Read(0, again.mem.Size())
	if again != first || !bytes.Equal(memory, v.state.memory) {
		t.Errorf("the same guest %v, in its first state %v", again == first, bytes.Equal(memory, v.state.memory))
	}
	again.close(bg)

	_, a, gone := used()
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if v.back(ctx, gone, false); v.pool.any() || a.held {
		t.Errorf("whose query has ended: kept %v, turn held %v", v.pool.any(), a.held)
	}
}
