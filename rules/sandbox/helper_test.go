package sandbox

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

var (
	bg      = context.Background()
	tenantA = identity.Tenant{1}
	tenantB = identity.Tenant{2}
)

// compiles asks the engine whether a module is valid.
func compiles(module []byte) error {
	rt := wazero.NewRuntimeWithConfig(bg, runtimeConfig(true))
	defer rt.Close(bg)
	_, err := rt.CompileModule(bg, module)
	return err
}

func newRunner(t testing.TB, o *Options) *Runner {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func mustLoad(t testing.TB, r *Runner, tenant identity.Tenant, w wasm) rules.Hash {
	t.Helper()
	h, err := r.Load(bg, tenant, withManifest(w.build(), share()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// rowsOf makes rows of the one integer field of share().
func rowsOf(values ...int64) (rows [][]record.Value) {
	for _, v := range values {
		rows = append(rows, []record.Value{record.Int(v)})
	}
	return rows
}

func upTo(n int) (values []int64) {
	for i := range n {
		values = append(values, int64(i))
	}
	return values
}

// decide asks with a full budget, and returns the verdicts and the fuel spent.
func decide(t testing.TB, r *Runner, tenant identity.Tenant, h rules.Hash, viewer int64, values ...int64) ([]rules.Verdict, int64) {
	t.Helper()
	b := &rules.Batch{Tenant: tenant, Rule: h, Viewer: []record.Value{record.Int(viewer)}, Rows: rowsOf(values...)}
	fuel := rules.Fuel{Left: rules.QueryFuel}
	out := make([]rules.Verdict, len(values))
	if err := r.Decide(bg, b, &fuel, out); err != nil {
		t.Fatal(err)
	}
	return out, rules.QueryFuel - fuel.Left
}

func wantFault(t testing.TB, out []rules.Verdict, kind rules.FaultKind) {
	t.Helper()
	for i, v := range out {
		if v != (rules.Verdict{Fault: kind}) {
			t.Fatalf("verdict %d is %+v, expected only the fault %q", i, v, kind)
		}
	}
}
