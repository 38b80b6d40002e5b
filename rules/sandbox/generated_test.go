package sandbox

import (
	"slices"
	"testing"

	"sluice/internal/effort"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// mutated breaks a module in one to three places.
func mutated(module []byte, g *gen) []byte {
	for range 1 + g.IntN(3) {
		at := g.IntN(len(module))
		switch g.IntN(4) {
		case 0:
			module[at] = byte(g.Uint32())
		case 1:
			module[at] ^= 1 << g.IntN(8)
		case 2:
			module[at]++
		case 3:
			module = slices.Insert(module, at, byte(g.Uint32()))
		}
	}
	return module
}

// hostileModule is wild and, three times in four, broken as well.
func hostileModule(seed uint64) []byte {
	module := wildModule(seed)
	if seed%4 == 0 {
		return module
	}
	return mutated(module, &gen{Rand: newRand(seed ^ 1<<40)})
}

// hostileGoModule is such a one for the Go profile, broken one time in two.
func hostileGoModule(seed uint64) []byte {
	module := wildGoModule(seed)
	if seed%2 == 0 {
		return module
	}
	return mutated(module, &gen{Rand: newRand(seed ^ 1<<40)})
}

// generated is what came of one module.
type generated struct {
	verdicts [2]rules.Verdict
	fuel     int64
}

// runGenerated loads the module and asks about two records. It fails the test
// unless the module is refused with kind Invalid or stopped inside its fuel.
func runGenerated(t testing.TB, upload []byte, l *limits, interpreter bool, asks int) (out []generated, loaded bool) {
	r, err := New(&Options{interpreter: interpreter, TenantFuel: 1 << 50})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, err := r.Load(bg, tenantA, upload)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("%x\nrefused with %v", upload, err)
		}
		return nil, false
	}
	const rows = 2
	for range asks {
		clear(r.quarantined)
		g := generated{}
		fuel := rules.Fuel{Left: rules.QueryFuel}
		b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(1)}, Rows: rowsOf(1, 2)}
		if err := r.Decide(bg, b, &fuel, g.verdicts[:]); err != nil {
			t.Fatalf("%x\n%v", upload, err)
		}
		g.fuel = rules.QueryFuel - fuel.Left
		if most := int64(3*rows) * (l.call + l.discard + int64(l.pages)<<16>>bulkShift); g.fuel <= 0 || g.fuel > most {
			t.Fatalf("%x\n%d fuel spent, at most %d expected", upload, g.fuel, most)
		}
		for _, v := range g.verdicts {
			if v.Fault != rules.NoFault && v != faulty(v.Fault) || v.Grant > share().Grant {
				t.Fatalf("%x\nverdict %+v", upload, v)
			}
		}
		out = append(out, g)
	}
	return out, true
}

// checkGenerated runs one module twice interpreted and, if asked to, twice
// compiled, which is dear: verdicts and fuel are the same.
func checkGenerated(t testing.TB, module []byte, m *rules.Manifest, compiled bool) (outcome generated, valid bool) {
	upload, l := append(slices.Clone(module), manifestSection(string(m.Marshal()))...), limitsOf(m.Profile)
	slow, valid := runGenerated(t, upload, l, true, 2)
	runs, other := slow, valid
	if compiled {
		runs, other = runGenerated(t, upload, l, false, 2)
	}
	if valid != other {
		t.Fatalf("%x\nloaded interpreted %v, compiled %v", upload, valid, other)
	}
	if !valid {
		return generated{}, false
	}
	if runs[0] != runs[1] || runs[0] != slow[0] || slow[0] != slow[1] {
		t.Fatalf("%x\n%+v first, %+v then, %+v interpreted", upload, runs[0], runs[1], slow[0])
	}
	return runs[0], true
}

// TestHostileGenerated: generated modules, most of them broken, are refused or
// stopped inside their fuel, the same way each time and on both engines.
func TestHostileGenerated(t *testing.T) {
	n, compiledOne := effort.Of(1500, 100_000, 1_000_000), effort.Of(1, 9, 9) // in so many
	valid, faults := 0, map[rules.FaultKind]int{}
	for seed := range n {
		if o, ok := checkGenerated(t, hostileModule(uint64(seed)), share(), seed%compiledOne == 0); ok {
			valid++
			faults[o.verdicts[0].Fault]++
		}
	}
	t.Logf("%d of %d modules are valid; of those %d answer, %d trap, %d spend their fuel, %d answer out of range, %d are impure", valid, n,
		faults[rules.NoFault], faults[rules.FaultTrap], faults[rules.FaultFuel], faults[rules.FaultAnswer], faults[rules.FaultImpure])
	if valid*5 < n {
		t.Errorf("%d of %d modules are valid, expected a fifth", valid, n)
	}
	for _, k := range []rules.FaultKind{rules.NoFault, rules.FaultTrap, rules.FaultFuel, rules.FaultAnswer} {
		if faults[k]*100 < valid {
			t.Errorf("only %d of %d valid modules come to fault %d: the generator is poor", faults[k], valid, k)
		}
	}
}

// TestHostileGeneratedGo: so are those of the Go profile, which call the host. They
// are fewer: each may spend twenty times as much.
func TestHostileGeneratedGo(t *testing.T) {
	n := effort.Of(120, 400, 1000)
	valid, faults := 0, map[rules.FaultKind]int{}
	for seed := range n {
		if o, ok := checkGenerated(t, hostileGoModule(uint64(seed)), goShare(), true); ok {
			valid++
			faults[o.verdicts[0].Fault]++
		}
	}
	t.Logf("%d of %d modules are valid: %v", valid, n, faults)
	if valid*5 < n {
		t.Errorf("%d of %d modules are valid, expected a fifth", valid, n)
	}
	for _, k := range []rules.FaultKind{rules.NoFault, rules.FaultTrap, rules.FaultFuel} {
		if faults[k] == 0 {
			t.Errorf("none of %d valid modules comes to %v: the generator is poor", valid, k)
		}
	}
}

func FuzzHostile(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(hostileModule(seed))
		f.Add(hostileGoModule(seed))
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		if len(module) < 16<<10 {
			checkGenerated(t, module, share(), true)
			checkGenerated(t, module, goShare(), true)
		}
	})
}
