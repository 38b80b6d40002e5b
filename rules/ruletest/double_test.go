package ruletest

import (
	"testing"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

func TestDoubleConformance(t *testing.T) {
	Run(t, func(testing.TB) Harness {
		d := NewDouble()
		return Harness{Runner: d, Module: func(_ testing.TB, b Behaviour) []byte {
			module, _ := d.Register(string(b), Manifest(), Native(b))
			return module
		}}
	})
}

func TestDoubleCounts(t *testing.T) {
	d := NewDouble()
	module, h := d.Register("one", Manifest(), Native(Match))
	if _, again := d.Register("one", Manifest(), Native(Match)); again != h {
		t.Error("the same rule has two hashes")
	}
	if _, other := d.Register("two", Manifest(), Native(Match)); other == h {
		t.Error("two rules have one hash")
	}
	tenant := identity.Tenant{1}
	if _, err := d.Load(t.Context(), tenant, module); err != nil {
		t.Fatal(err)
	}
	out := make([]rules.Verdict, 2)
	b := &rules.Batch{Tenant: tenant, Rule: h, Viewer: []record.Value{record.Int(1)}, Rows: kitRows(2)}
	fuel := rules.Fuel{Left: 1000}
	if err := d.Decide(t.Context(), b, &fuel, out); err != nil || fuel.Left != 800 || d.Asked(h) != 2 {
		t.Errorf("%v, %d fuel left, asked %d", err, fuel.Left, d.Asked(h))
	}
	d.Unload(tenant, h)
	if d.Loaded(tenant, h) {
		t.Error("still loaded")
	}
}
