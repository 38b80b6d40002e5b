package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// parity grants 1 to even records and 2 to odd ones.
func parity() wasm {
	return eachRule(grant(fieldLow + i32(1) + "\x71" + i32(1) + "\x6a"))
}

// leak is a rule that remembers, in a global or in memory, that it was called:
// it grants 1 to the first record that it ever saw and 0 to all others.
func leak(where string) wasm {
	const old, put = "\x23\x00", "\x24\x00" // global
	load, store := old, i32(1)+put
	if where == "memory" {
		load, store = i32(64)+"\x28\x02\x00", i32(64)+i32(1)+"\x36\x02\x00"
	}
	w := rule("")
	w.globals = []string{"\x7f\x01\x41\x00" + end}
	w.bodies[1] = code(loadGrants + load + "\x45" + store8 + store + returnOK)
	return w
}

// TestReset: what a guest keeps for the next batch is gone, and the reset is
// what takes it away: without it the same module leaks.
func TestReset(t *testing.T) {
	for _, where := range []string{"global", "memory"} {
		for _, reset := range []bool{true, false} {
			r := newRunner(t, nil)
			h := mustLoad(t, r, tenantA, leak(where))
			r.versions[key{tenantA, h}].noReset = !reset
			first, _ := decide(t, r, tenantA, h, 1, 0)
			second, _ := decide(t, r, tenantA, h, 2, 0)
			if first[0].Grant != 1 {
				t.Fatalf("%s: the first call got %+v", where, first[0])
			}
			if leaks := second[0] != first[0]; leaks == reset {
				t.Errorf("%s, reset %v: the second viewer got %+v after %+v", where, reset, second[0], first[0])
			}
		}
	}
}

// TestH2_ResetCanary: no byte of one tenant's batch is found by the next batch.
func TestH2_ResetCanary(t *testing.T) {
	// Grants 1 if any 8-byte word from 0 up to the buffer, or the buffer's end
	// onwards, holds the canary that the first viewer wrote there.
	const canary = 0x5a
	search := "\x03\x40" + "\x20\x01\x2d\x00\x00" + i32(canary) + "\x46\x04\x40" + loadGrants + i32(1) + store8 + end +
		"\x20\x01" + i32(1) + "\x6a\x22\x01" + i32(1000) + "\x48\x0d\x00" + end
	plant := loadViewer + "\x28\x02\x08" + i32(1) + "\x46\x04\x40" + i32(500) + i32(canary) + store8 + end
	w := rule("")
	w.bodies[1] = body("\x01\x01\x7f", search+plant+returnOK)
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, w)
	for _, reset := range []bool{true, false} {
		r.versions[key{tenantA, h}].noReset = !reset
		decide(t, r, tenantA, h, 1, 0)
		if out, _ := decide(t, r, tenantA, h, 2, 0); (out[0].Grant == 0) != reset {
			t.Errorf("reset %v: the next viewer got %+v", reset, out[0])
		}
	}
}

// TestH2_BatchIsAlone: a long list gets what its records get one by one.
func TestH2_BatchIsAlone(t *testing.T) {
	expensive := eachRule("\x20\x01\x1a" + spin(fieldLow+i32(600)+"\x6c") + grant(i32(1)))
	for name, w := range map[string]wasm{"cheap": parity(), "expensive": expensive} {
		r := newRunner(t, nil)
		h := mustLoad(t, r, tenantA, w)
		values := upTo(700)
		for i := range values {
			values[i] = values[i] * 37 % 101
		}
		together, _ := decide(t, r, tenantA, h, 0, values...)
		for i, v := range values {
			if alone, _ := decide(t, r, tenantA, h, 0, v); alone[0] != together[i] {
				t.Fatalf("%s: record %d (%d) got %+v alone and %+v among others", name, i, v, alone[0], together[i])
			}
		}
		if name == "expensive" && !slices.ContainsFunc(together, func(v rules.Verdict) bool { return v.Fault == rules.FaultFuel }) {
			t.Error("no record was too expensive: the test shows nothing")
		}
	}
}

// spin burns about 3 fuel for every unit that count pushes.
func spin(count string) string {
	return count + "\x21\x03" +
		"\x02\x40\x20\x03\x45\x0d\x00\x03\x40\x20\x03" + i32(1) + "\x6b\x22\x03\x0d\x00" + end + end
}

func TestUnwrittenDenies(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, ok())
	out, _ := decide(t, r, tenantA, h, 0, upTo(300)...)
	wantFault(t, out, rules.NoFault)
}

// TestImpure: an answer that depends on the other records of the batch is found
// and takes the whole rule out of service, for that tenant.
func TestImpure(t *testing.T) {
	w := eachRule(grant(loadCount + i32(1) + "\x4b")) // n > 1
	var told []rules.FaultKind
	var faults int
	r := newRunner(t, &Options{Events: Events{
		Quarantine: func(_ identity.Tenant, _ rules.Hash, k rules.FaultKind) { told = append(told, k) },
		Fault:      func(_ identity.Tenant, _ rules.Hash, _ rules.FaultKind, n int) { faults += n },
	}})
	h := mustLoad(t, r, tenantA, w)
	mustLoad(t, r, tenantB, w)
	out, _ := decide(t, r, tenantA, h, 0, upTo(1200)...)
	wantFault(t, out, rules.FaultImpure)
	r.Unload(tenantA, h)
	mustLoad(t, r, tenantA, w)
	out, _ = decide(t, r, tenantA, h, 0, upTo(5)...)
	wantFault(t, out, rules.FaultQuarantine)
	if out, _ = decide(t, r, tenantB, h, 0, 1); out[0].Fault != rules.NoFault {
		t.Errorf("the other tenant got %+v", out[0])
	}
	if !slices.Equal(told, []rules.FaultKind{rules.FaultImpure}) || faults != 1205 {
		t.Errorf("hooks were told %v and %d faults", told, faults)
	}
}

// TestSampling: one row in 64 is due, whatever the number of rows, and every row
// is due for some of them.
func TestSampling(t *testing.T) {
	ever := map[int]bool{}
	for rows := range 200 {
		q := query{phase: phase(&rules.Batch{Rows: make([][]record.Value, rows)})}
		n, last := 0, -1
		for at := q.due(0); at < 8192; at = q.due(at + 1) {
			if at <= last {
				t.Fatalf("row %d is due after %d", at, last)
			}
			n, last, ever[at] = n+1, at, true
		}
		if n != 8192/64 {
			t.Fatalf("%d of 8192 rows are due", n)
		}
		for from := range 3000 {
			if at := q.due(from); at < from || at > from && q.due(at) != at || at > from+4*MaxBatch {
				t.Fatalf("from row %d on, %d is due", from, at)
			}
		}
	}
	if len(ever) != 8192 {
		t.Errorf("only %d of 8192 rows are ever due", len(ever))
	}
}

func TestInput(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, parity())
	ask := func(viewer []record.Value, rows ...[]record.Value) []rules.Verdict {
		out := make([]rules.Verdict, len(rows))
		fuel := rules.Fuel{Left: rules.QueryFuel}
		if err := r.Decide(bg, &rules.Batch{Tenant: tenantA, Rule: h, Viewer: viewer, Rows: rows}, &fuel, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	viewer, good := []record.Value{record.Int(0)}, []record.Value{record.Int(4)}
	got := ask(viewer, good, []record.Value{record.String("4")}, good, nil, []record.Value{{}}, []record.Value{record.Int(1), record.Int(2)}, good)
	faulty := rules.Verdict{Fault: rules.FaultInput}
	want := []rules.Verdict{{Grant: 1}, faulty, {Grant: 1}, faulty, {Grant: 1}, faulty, {Grant: 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	wantFault(t, ask(nil, good, good), rules.FaultInput)
	wantFault(t, ask([]record.Value{record.Bool(true)}, good), rules.FaultInput)
	if out := ask([]record.Value{{}}, good); out[0].Grant != 1 {
		t.Errorf("a null viewer attribute gives %+v", out[0])
	}
}

func TestMissing(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, parity())
	for _, k := range []key{{tenantB, h}, {tenantA, rules.Hash{}}, {}} {
		if r.Loaded(k.tenant, k.rule) {
			t.Errorf("%v is loaded", k)
		}
		out, _ := decide(t, r, k.tenant, k.rule, 0, 1, 2)
		wantFault(t, out, rules.FaultMissing)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	out, _ := decide(t, r, tenantA, h, 0, 1)
	wantFault(t, out, rules.FaultMissing)
	if _, err := r.Load(bg, tenantA, withManifest(parity().build(), share())); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Load after Close: %v", err)
	}
}

func TestQueryFuel(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, rule(forever+returnOK))
	fuel := rules.Fuel{Left: 20 * RecordFuel}
	out := make([]rules.Verdict, 1000)
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{{}}, Rows: rowsOf(upTo(1000)...)}
	err := r.Decide(bg, b, &fuel, out)
	if fault.KindOf(err) != fault.Limit {
		t.Fatalf("expected kind Limit, got %v", err)
	}
	wantFault(t, out, rules.NoFault)
	if fuel.Left > 0 {
		t.Errorf("%d fuel left", fuel.Left)
	}
}

func TestContext(t *testing.T) {
	r := newRunner(t, nil)
	h := mustLoad(t, r, tenantA, parity())
	ctx, cancel := context.WithCancel(bg)
	cancel()
	out := []rules.Verdict{{Grant: 3}}
	fuel := rules.Fuel{Left: rules.QueryFuel}
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{{}}, Rows: rowsOf(1)}
	if err := r.Decide(ctx, b, &fuel, out); !errors.Is(err, context.Canceled) || out[0] != (rules.Verdict{}) {
		t.Errorf("%v, %+v", err, out)
	}
	if _, err := r.Load(ctx, tenantB, withManifest(parity().build(), share())); !errors.Is(err, context.Canceled) || r.Loaded(tenantB, h) {
		t.Errorf("Load under an ended context: %v", err)
	}
}

// TestEviction: at most MaxVersions stay loaded, the last used ones, and a
// version that is in use when it is dropped finishes its work.
func TestEviction(t *testing.T) {
	r := newRunner(t, &Options{MaxVersions: 2})
	a, b := mustLoad(t, r, tenantA, parity()), mustLoad(t, r, tenantA, ok())
	v, _ := r.pin(key{tenantA, b})
	decide(t, r, tenantA, a, 0, 1)
	mustLoad(t, r, tenantB, parity())
	if r.Loaded(tenantA, b) || !r.Loaded(tenantA, a) || !r.Loaded(tenantB, a) {
		t.Error("another version was dropped than the one used longest ago")
	}
	g, err := v.guest(bg)
	if err != nil {
		t.Fatal(err)
	}
	if a := g.ask(bg, []record.Value{{}}, rowsOf(1), 1); a.fault != rules.NoFault {
		t.Errorf("the pinned version answers with fault %q", a.fault)
	}
	v.back(bg, g, false)
	r.unpin(bg, v)
	if v.pool.any() {
		t.Error("the dropped version still holds guests after its last use")
	}
}

// TestEvictionIsOfWhoHasMost: a tenant that loads module after module displaces its own,
// and one that has most displaces nobody else's by the next.
func TestEvictionIsOfWhoHasMost(t *testing.T) {
	const most = 4
	r := newRunner(t, &Options{MaxVersions: most})
	theirs := []rules.Hash{mustLoad(t, r, tenantB, parity()), mustLoad(t, r, tenantB, ok())}
	for n := range 3 * most {
		if _, err := r.Load(bg, tenantA, numbered(n)); err != nil {
			t.Fatal(err)
		}
		for _, h := range theirs {
			if !r.Loaded(tenantB, h) {
				t.Fatalf("module %d of another tenant displaces one", n)
			}
		}
	}
	if n := len(r.versions); n != most {
		t.Errorf("%d are loaded, expected %d", n, most)
	}
	if _, err := r.Load(bg, tenantC, numbered(0)); err != nil {
		t.Fatal(err)
	}
	if !r.Loaded(tenantC, rules.HashOf(numbered(0))) || r.Loaded(tenantB, theirs[0]) || !r.Loaded(tenantA, rules.HashOf(numbered(3*most-2))) {
		t.Error("expected of two who had as many the one loaded first to make room for a third")
	}
}

// TestIdleBudget: guests over the budget are not kept, and answers stay right.
func TestIdleBudget(t *testing.T) {
	one := int64(2<<16 + stackBytes)
	r := newRunner(t, &Options{MaxIdle: one})
	a, b := mustLoad(t, r, tenantA, parity()), mustLoad(t, r, tenantB, parity())
	for range 3 {
		for _, k := range []key{{tenantA, a}, {tenantB, b}} {
			if out, _ := decide(t, r, k.tenant, k.rule, 0, 3); out[0].Grant != 2 {
				t.Fatalf("got %+v", out[0])
			}
		}
	}
	if left := r.idle.left.Load(); left != 0 {
		t.Errorf("%d bytes of the budget left with one guest idle", left)
	}
	if r.versions[key{tenantA, a}].pool.any() || !r.versions[key{tenantB, b}].pool.any() {
		t.Error("expected the guest of the rule used last to be kept")
	}
}

// TestConcurrent asks several rules of several tenants at once.
func TestConcurrent(t *testing.T) {
	r := newRunner(t, &Options{MaxVersions: 3})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			tenant := identity.Tenant{byte(1 + i%4)}
			for range 20 {
				h, err := r.Load(bg, tenant, withManifest(parity().build(), share()))
				if err != nil {
					t.Error(err)
					return
				}
				b := &rules.Batch{Tenant: tenant, Rule: h, Viewer: []record.Value{{}}, Rows: rowsOf(upTo(300)...)}
				out := make([]rules.Verdict, 300)
				fuel := rules.Fuel{Left: rules.QueryFuel}
				if err := r.Decide(bg, b, &fuel, out); err != nil {
					t.Error(err)
					return
				}
				for j, v := range out {
					if v != (rules.Verdict{Grant: uint8(1 + j%2)}) && v.Fault != rules.FaultMissing {
						t.Errorf("record %d: %+v", j, v)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestInspect(t *testing.T) {
	module := withManifest(parity().build(), share())
	i, err := Inspect(bg, module)
	if err != nil {
		t.Fatal(err)
	}
	if i.Hash != rules.HashOf(module) || i.NullFuel <= 0 || i.NullFault != rules.NoFault || i.StartFuel <= 0 || i.Pages != 2 || i.Manifest.Form != "Order" {
		t.Errorf("%+v", i)
	}
	if i, err = Inspect(bg, withManifest(rule(unreached+returnOK).build(), share())); err != nil || i.NullFault != rules.FaultTrap {
		t.Errorf("a trap: %+v, %v", i, err)
	}
	if _, err = Inspect(bg, ok().build()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no manifest: %v", err)
	}
}
