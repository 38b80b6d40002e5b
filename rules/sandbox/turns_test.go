package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

var tenantC = identity.Tenant{3}

// arrivals counts those who have to wait at a gate; the returned function waits for
// so many of them.
func arrivals(g *gate) (until func(n int)) {
	came := make(chan struct{}, 1000)
	g.mu.Lock()
	g.queued = func(identity.Tenant) { came <- struct{}{} }
	g.mu.Unlock()
	return func(n int) {
		for range n {
			<-came
		}
	}
}

// TestTurnsGoToWhoSpentLeast: those who wait are served in the order of what they
// have spent, and those who spent the same as they came.
func TestTurnsGoToWhoSpentLeast(t *testing.T) {
	g := newGate(1, 1, 1000)
	until := arrivals(g)
	first := g.turn(identity.Tenant{9})
	if err := first.take(bg); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []byte
	var wg sync.WaitGroup
	for i, spent := range []int64{70, 30, 50, 30, 0} {
		w := g.turn(identity.Tenant{byte(i + 1)})
		w.spend(spent)
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := w.take(bg); err != nil {
				t.Error(err)
			}
			mu.Lock()
			order = append(order, w.tenant[0])
			mu.Unlock()
			w.leave()
		}()
		until(1)
	}
	first.leave()
	wg.Wait()
	if want := []byte{5, 2, 4, 3, 1}; !slices.Equal(order, want) {
		t.Errorf("served %v, want %v", order, want)
	}
}

// TestQuietTenantWaitsForOneTurn: beside tenants that take turn after turn, one that
// comes now and then waits for the turn that is going on, and its own turns follow
// each other until it has spent what a quiet tenant may.
func TestQuietTenantWaitsForOneTurn(t *testing.T) {
	const credit, busyTurn, quietTurn = 1000, 150, 20
	g := newGate(1, 1, credit)
	a := g.turn(tenantA)
	take := func(x *turn) {
		if err := x.take(bg); err != nil {
			t.Error(err)
		}
	}
	for range 1000 {
		take(a)
		a.spend(busyTurn)
	}
	until := arrivals(g)
	b, between, turns := g.turn(tenantB), 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 * credit / quietTurn {
			take(b)
			if turns++; between > 0 {
				return
			}
			b.spend(quietTurn)
		}
	}()
	until(1)
	take(a) // stands back, and has its next turn when B has spent as much
	between++
	a.spend(busyTurn)
	a.leave()
	<-done
	b.leave()
	if least, most := credit/quietTurn, (credit+2*busyTurn)/quietTurn+2; turns < least || turns > most {
		t.Errorf("%d turns one after the other, expected %d to %d", turns, least, most)
	}
}

// TestTurnsAreShared: two tenants that both want every turn get the same share of
// what is spent, whatever one turn of theirs costs.
func TestTurnsAreShared(t *testing.T) {
	g := newGate(1, 1, 500)
	cost := map[identity.Tenant]int64{tenantA: 100, tenantB: 9, tenantC: 33}
	spent := map[identity.Tenant]int64{}
	holder := g.turn(identity.Tenant{9})
	if w := g.ask(holder); w != nil {
		t.Fatal("a free turn was not given")
	}
	wait := map[identity.Tenant]*waiter{}
	for tenant := range cost {
		wait[tenant] = g.ask(g.turn(tenant))
	}
	g.mu.Lock()
	g.release(g.account(holder.tenant))
	g.mu.Unlock()
	for range 5000 {
		for tenant, w := range wait {
			select {
			case <-w.ready:
				x := &turn{g: g, tenant: tenant, held: true}
				x.spend(cost[tenant])
				spent[tenant] += cost[tenant]
				if w := g.ask(x); w != nil {
					wait[tenant] = w
				}
			default:
			}
		}
	}
	for tenant, n := range spent {
		if d := n - spent[tenantA]; d > 200 || d < -200 {
			t.Errorf("tenant %s spent %d, another %d", tenant, n, spent[tenantA])
		}
	}
}

// TestTurnsUnderAnyOrder drives a gate through random arrivals, spending, leaving and
// giving up, and holds it to what it promises after every step.
func TestTurnsUnderAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turns := rapid.IntRange(1, 3).Draw(t, "turns")
		each := rapid.IntRange(1, turns).Draw(t, "each")
		g := newGate(turns, each, 50)
		var held []*turn
		waiting := map[*waiter]*turn{}
		settle := func() {
			for w, x := range waiting {
				select {
				case <-w.ready:
					x.held = true
					held = append(held, x)
					delete(waiting, w)
				default:
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch op := rapid.IntRange(0, 4).Draw(t, "op"); {
			case op <= 1:
				x := g.turn(identity.Tenant{byte(rapid.IntRange(1, 4).Draw(t, "tenant"))})
				if w := g.ask(x); w != nil {
					waiting[w] = x
				} else {
					held = append(held, x)
				}
			case op == 2 && len(held) > 0:
				x := held[rapid.IntRange(0, len(held)-1).Draw(t, "who")]
				x.spend(int64(rapid.IntRange(0, 40).Draw(t, "spent")))
				if w := g.ask(x); w != nil {
					waiting[w] = x
					held = slices.DeleteFunc(held, func(o *turn) bool { return o == x })
				}
			case op == 3 && len(held) > 0:
				i := rapid.IntRange(0, len(held)-1).Draw(t, "who")
				held[i].leave()
				held = slices.Delete(held, i, i+1)
			case op == 4:
				for w := range waiting {
					g.cancel(w)
					delete(waiting, w)
					break
				}
			}
			settle()
			holding := map[identity.Tenant]int{}
			for _, x := range held {
				holding[x.tenant]++
			}
			for tenant, n := range holding {
				if n > each {
					t.Fatalf("tenant %s has %d turns, at most %d", tenant, n, each)
				}
			}
			if len(held)+g.free != turns {
				t.Fatalf("%d turns held and %d free of %d", len(held), g.free, turns)
			}
			for _, x := range waiting {
				if g.free > 0 && holding[x.tenant] < each {
					t.Fatal("somebody waits while there is a turn for them")
				}
			}
		}
	})
}

// TestTurnGivenUp: who gives up waiting leaves nothing behind, even when the turn
// was given at the same moment.
func TestTurnGivenUp(t *testing.T) {
	g := newGate(1, 1, 10)
	until := arrivals(g)
	a, b := g.turn(tenantA), g.turn(tenantB)
	if err := a.take(bg); err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(bg)
	failed := make(chan error)
	go func() { failed <- b.take(ctx) }()
	until(1)
	giveUp()
	if err := <-failed; !errors.Is(err, context.Canceled) || b.held {
		t.Fatalf("gave up with %v, held %v", err, b.held)
	}
	w := g.ask(b)
	a.leave()
	<-w.ready
	g.cancel(w)
	if g.free != 1 || len(g.lines) != 0 {
		t.Fatalf("%d turns free, %d lines", g.free, len(g.lines))
	}
	if err := a.take(ctx); !errors.Is(err, context.Canceled) || a.held {
		t.Fatalf("a turn for who has gone: %v", err)
	}
}

// TestGateForgets: what a gate knows of tenants stays bounded.
func TestGateForgets(t *testing.T) {
	g := newGate(1, 1, 10)
	for i := range 3 * maxBuckets {
		x := g.turn(identity.Tenant{1, byte(i), byte(i >> 8)})
		if err := x.take(bg); err != nil {
			t.Fatal(err)
		}
		x.spend(20)
		x.leave()
	}
	if len(g.accounts) > maxBuckets {
		t.Errorf("%d tenants are known, at most %d", len(g.accounts), maxBuckets)
	}
}

// compilers is a Cache whose compiler says that it began and ends when it is told to.
// It names modules by the texts that they contain.
func compilers(t *testing.T, names ...string) (c *Cache, began chan string, end chan struct{}) {
	began, end = make(chan string), make(chan struct{})
	c = openCache(t, cacheDir(t), &CacheOptions{Compiler: func(ctx context.Context, metered []byte, dir string) error {
		for _, name := range names {
			if strings.Contains(string(metered), name) {
				began <- name
				<-end
			}
		}
		return ChildCompiler()(ctx, metered, dir)
	}})
	return c, began, end
}

// named is a module with a text in its memory.
func named(text string) []byte {
	w := eachRule(grant(i32(1)))
	w.data = []string{"\x00" + i32(100) + end + sized(text)}
	return withManifest(w.build(), share())
}

// TestCompileTurns: 50 modules of one tenant do not delay another's at all, and those
// of two by one compilation at most.
func TestCompileTurns(t *testing.T) {
	const uploads = 50
	c, began, end := compilers(t, "greedy-A", "greedy-C", "single-B")
	r := newRunner(t, &Options{Cache: c})
	ctx, stop := context.WithCancel(bg)
	var wg sync.WaitGroup
	load := func(tenant identity.Tenant, text string) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := r.Load(ctx, tenant, named(text)); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}()
	}
	until := arrivals(c.children)
	expect := func(want string) {
		t.Helper()
		if got := <-began; got != want {
			t.Errorf("%s is compiled, expected %s", got, want)
		}
	}
	for i := range uploads {
		load(tenantA, fmt.Sprint("greedy-A", i))
	}
	expect("greedy-A")
	until(uploads - 1)
	load(tenantB, "single-B 1")
	expect("single-B") // beside A's first
	end <- struct{}{}
	end <- struct{}{}
	expect("greedy-A") // one at a time

	for i := range uploads {
		load(tenantC, fmt.Sprint("greedy-C", i))
	}
	expect("greedy-C")
	until(uploads - 1)
	load(tenantB, "single-B 2")
	until(1)
	end <- struct{}{} // one of A and C
	expect("single-B")
	stop()
	close(end)
	go func() {
		for range began {
		}
	}()
	wg.Wait()
	close(began)
}

// TestNoRuleNoTurn: whatever runs no guest waits for no turn.
func TestNoRuleNoTurn(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantB, eachRule(grant(i32(1))))
	var taken []*turn
	for range guestsAtOnce() {
		x, err := slot(bg, tenantA)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, x)
	}
	defer func() {
		for _, x := range taken {
			x.leave()
		}
	}()
	fuel := rules.Fuel{Left: rules.QueryFuel}
	ask := func(b rules.Batch) error {
		return r.Decide(bg, &b, &fuel, make([]rules.Verdict, len(b.Rows)))
	}
	viewer := []record.Value{record.Int(0)}
	for name, err := range map[string]error{
		"a rule that is not loaded": ask(rules.Batch{Tenant: tenantC, Rule: h, Viewer: viewer, Rows: rowsOf(1)}),
		"no records":                ask(rules.Batch{Tenant: tenantB, Rule: h, Viewer: viewer}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := r.Plan(bg, &rules.Batch{Tenant: tenantB, Rule: h, Viewer: viewer}, &fuel); err != nil {
		t.Errorf("a rule without a plan: %v", err)
	}
	ctx, cancel := context.WithCancel(bg)
	cancel()
	err := r.Decide(ctx, &rules.Batch{Tenant: tenantB, Rule: h, Viewer: viewer, Rows: rowsOf(1)}, &fuel, make([]rules.Verdict, 1))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a rule while all turns are taken: %v", err)
	}
}
