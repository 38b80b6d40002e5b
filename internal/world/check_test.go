package world

import (
	"testing"

	"sluice/internal/definition"
	"sluice/internal/effort"
)

// TestCheckTakesEveryWorld: the check of a definition says something of every
// random one, with and without people and modules, and the same twice.
func TestCheckTakesEveryWorld(t *testing.T) {
	seeds := effort.Of[uint64](200, 2000, 10_000)
	kinds := map[definition.Kind]bool{}
	for seed := range seeds {
		w := Random(seed, Small)
		around := definition.Surroundings{Directory: seed%2 == 0, Inputs: map[string]definition.Input{}}
		for _, r := range w.App.Custom {
			if m, ok := Manifest(w, r.Name); ok {
				in := definition.Input{Active: seed%3 == 0}
				for _, c := range m.Record {
					in.Fields = append(in.Fields, c.Name)
				}
				around.Inputs[r.Name] = in
			}
		}
		for _, u := range w.Users {
			if u.Set != "" {
				around.Holdings = append(around.Holdings, definition.Holding{Role: u.Role, Set: u.Set, Users: 1})
			}
		}
		for _, s := range []definition.Surroundings{{}, around} {
			once, again := w.App.Check(s), w.App.Check(s)
			if len(once) != len(again) {
				t.Fatalf("seed %d: %d findings, then %d", seed, len(once), len(again))
			}
			for i, f := range once {
				kinds[f.Kind] = true
				if f.String() != again[i].String() || f.Msg == "" || f.Fix == "" || f.Severity == definition.NoSeverity {
					t.Fatalf("seed %d: %v, then %v", seed, f, again[i])
				}
			}
		}
	}
	if len(kinds) < 15 {
		t.Errorf("random worlds give %d kinds of findings: %v", len(kinds), kinds)
	}
}
