package sandbox

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/rules"
)

// attack is one hostile module and exactly what must come of it: it is refused
// with a message that has refused in it, or it is loaded, and every record that
// it is asked about gets want.
type attack struct {
	name     string
	module   []byte
	manifest string // JSON; that of share() if empty
	refused  string
	want     rules.Verdict
	records  int // asked about; 5 if 0
}

// attackGroups are all modules made by hand. Those of the older tables count,
// and run again here, through the same door as an upload.
func attackGroups() map[string][]attack {
	return map[string][]attack{
		"checked":  checkedAttacks(),
		"running":  runningAttacks(),
		"parsing":  parsingAttacks(),
		"bombs":    bombAttacks(),
		"reach":    append(reachAttacks(), reachOpcodes()...),
		"typing":   typingAttacks(),
		"manifest": manifestAttacks(),
		"start":    startAttacks(),
		"loops":    loopAttacks(),
		"traps":    trapAttacks(),
		"memory":   memoryAttacks(),
		"answers":  answerAttacks(),
		"impure":   impureAttacks(),
	}
}

func checkedAttacks() (out []attack) {
	for _, c := range refusedModules {
		if _, err := rules.ReadManifest(append(slices.Clone(c.module), manifestSection(string(share().Marshal()))...)); err == nil {
			out = append(out, attack{name: c.name, module: c.module, refused: c.reason})
		}
	}
	return out
}

func runningAttacks() (out []attack) {
	for _, c := range running {
		out = append(out, attack{name: c.name, module: c.module.build(), want: rules.Verdict{Fault: c.fault}})
	}
	return out
}

func manifestSection(manifest string) string {
	return raw(secCustom, sized(rules.ManifestSection)+manifest)
}

// upload is the module with its manifest, whatever either is.
func (a *attack) upload() []byte {
	manifest := a.manifest
	if manifest == "" {
		manifest = string(share().Marshal())
	}
	return append(slices.Clone(a.module), manifestSection(manifest)...)
}

// TestHostileModules: each module made by hand is refused for the stated reason
// or stopped with the stated verdict, again and on both engines with the same
// fuel, inside what one query may spend on it.
func TestHostileModules(t *testing.T) {
	seen, names := map[[32]byte]string{}, map[string]bool{}
	for group, attacks := range attackGroups() {
		for i := range attacks {
			a, name := &attacks[i], group+"/"+attacks[i].name
			sum := sha256.Sum256(a.upload())
			if was, twice := seen[sum]; twice || names[name] {
				t.Errorf("%s: the same module or name as %s", name, was)
			}
			seen[sum], names[name] = name, true
			t.Run(name, a.run)
		}
	}
	t.Logf("%d hostile modules", len(seen))
	if len(seen) < 300 {
		t.Errorf("%d hostile modules, expected at least 300", len(seen))
	}
}

func (a *attack) run(t *testing.T) {
	r := newRunner(t, nil)
	h, err := r.Load(bg, tenantA, a.upload())
	if a.refused != "" {
		switch {
		case err == nil || fault.KindOf(err) != fault.Invalid:
			t.Errorf("expected a refusal of kind Invalid, got %v", err)
		case !strings.Contains(err.Error(), a.refused):
			t.Errorf("refused with %q, expected %q in it", err, a.refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	fuel := a.ask(t, r, h)
	if again := a.ask(t, r, h); again != fuel {
		t.Errorf("fuel %d, then %d", fuel, again)
	}
	slow := newRunner(t, &Options{interpreter: true})
	if _, err := slow.Load(bg, tenantA, a.upload()); err != nil {
		t.Fatal(err)
	}
	if other := a.ask(t, slow, h); other != fuel {
		t.Errorf("fuel %d compiled, %d interpreted", fuel, other)
	}
}

// ask asks once about all records, checks the verdicts and returns the fuel,
// which is bounded by a few calls for each record.
func (a *attack) ask(t *testing.T, r *Runner, h rules.Hash) int64 {
	t.Helper()
	n := a.records
	if n == 0 {
		n = 5
	}
	r.mu.Lock()
	clear(r.quarantined) // each asking on its own
	r.mu.Unlock()
	rows := rowsOf(upTo(n)...)
	budget := rules.Fuel{Left: rules.QueryFuel}
	out := make([]rules.Verdict, n)
	b := &rules.Batch{Tenant: tenantA, Rule: h, Viewer: []record.Value{record.Int(0)}, Rows: rows}
	if err := r.Decide(bg, b, &budget, out); err != nil {
		t.Fatal(err)
	}
	for i, v := range out {
		if v != a.want {
			t.Fatalf("record %d: %+v, expected %+v", i, v, a.want)
		}
	}
	spent := rules.QueryFuel - budget.Left
	if most := int64(3*n) * (RecordFuel + discardFuel + maxMemoryPages<<16>>bulkShift); spent < 0 || spent > most {
		t.Errorf("%d fuel spent on %d records, expected at most %d", spent, n, most)
	}
	return spent
}

func faulty(k rules.FaultKind) rules.Verdict { return rules.Verdict{Fault: k} }

// stopped is a rule whose decide has the given code and ends with a fault.
func stopped(name, decide string, k rules.FaultKind) attack {
	return attack{name: name, module: decideIs(decide), want: faulty(k)}
}

func refusedAs(name, reason string, change func(w *wasm)) attack {
	return attack{name: name, module: with(change), refused: reason}
}
