package ruletest

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

// Behaviour names a rule of the kit. All have [Manifest]: one integer field n,
// one integer viewer attribute m, share up to edit, two reasons.
type Behaviour string

// The behaviours that a harness provides.
const (
	// Match grants 2 with reason 1 where n = m, both not null, else nothing.
	Match Behaviour = "match"
	// Excessive answers grant 3 where n = 13, above the manifest, else 1.
	Excessive Behaviour = "excessive"
	// Trapping fails where n = 13 and grants 1 everywhere else.
	Trapping Behaviour = "trapping"
	// Unknown reason 9 where n = 13, else grant 1.
	UnknownReason Behaviour = "unknown reason"
)

// Behaviours lists them all.
func Behaviours() []Behaviour { return []Behaviour{Match, Excessive, Trapping, UnknownReason} }

// Manifest returns the manifest of the kit's rules.
func Manifest() *rules.Manifest {
	return &rules.Manifest{
		ABI: rules.ABI, Form: "Order", Effect: rules.Share, Grant: 2,
		Record:  []rules.Column{{Name: "n", Type: record.Integer}},
		Viewer:  []rules.Column{{Name: "m", Type: record.Integer}},
		Reasons: []string{"matches", "else"},
	}
}

// Native returns the behaviour as a function.
func Native(b Behaviour) Func {
	return func(viewer, row []record.Value) rules.Verdict {
		unlucky := row[0].Int() == 13
		switch {
		case b == Match && !row[0].IsNull() && !viewer[0].IsNull() && row[0].Int() == viewer[0].Int():
			return rules.Verdict{Grant: 2, Reason: 1}
		case b == Match:
			return rules.Verdict{}
		case b == Excessive && unlucky:
			return rules.Verdict{Grant: 3}
		case b == Trapping && unlucky:
			return rules.Verdict{Fault: rules.FaultTrap}
		case b == UnknownReason && unlucky:
			return rules.Verdict{Grant: 1, Reason: 9}
		}
		return rules.Verdict{Grant: 1}
	}
}

// Harness is one implementation under test.
type Harness struct {
	Runner rules.Runner
	// Module returns a module of that behaviour with [Manifest] embedded.
	Module func(t testing.TB, b Behaviour) []byte
}

// Run runs the kit. open returns a fresh harness; it registers its own cleanup.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, h Harness)
	}{
		{"Verdicts", testVerdicts},
		{"BatchIsAlone", testBatchIsAlone},
		{"Beside", testBeside},
		{"NotLoaded", testNotLoaded},
		{"Tenants", testTenants},
		{"LoadRefuses", testLoadRefuses},
		{"LoadTwice", testLoadTwice},
		{"Input", testInput},
		{"Fuel", testFuel},
		{"Context", testContext},
		{"Lengths", testLengths},
		{"Concurrent", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

var kitTenant = identity.Tenant{'k', 'i', 't'}

func (h Harness) load(t testing.TB, b Behaviour) rules.Hash {
	t.Helper()
	module := h.Module(t, b)
	hash, err := h.Runner.Load(context.Background(), kitTenant, module)
	if err != nil {
		t.Fatal(err)
	}
	if hash != rules.HashOf(module) {
		t.Errorf("Load returned %v, HashOf %v", hash, rules.HashOf(module))
	}
	return hash
}

func (h Harness) ask(t testing.TB, hash rules.Hash, viewer record.Value, rows ...[]record.Value) []rules.Verdict {
	t.Helper()
	fuel := rules.Fuel{Left: rules.QueryFuel}
	out := make([]rules.Verdict, len(rows))
	for i := range out {
		out[i] = rules.Verdict{Grant: 3, Visible: 7, Reason: 1} // must be overwritten
	}
	b := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{viewer}, Rows: rows}
	if err := h.Runner.Decide(context.Background(), b, &fuel, out); err != nil {
		t.Fatal(err)
	}
	if len(rows) > 0 && fuel.Left >= rules.QueryFuel && out[0].Fault == rules.NoFault {
		t.Error("it cost no fuel")
	}
	return out
}

// kitRows holds n = 0 to count-1, every seventh null.
func kitRows(count int) (rows [][]record.Value) {
	for i := range count {
		v := record.Int(int64(i % 100))
		if i%7 == 0 {
			v = record.Value{}
		}
		rows = append(rows, []record.Value{v})
	}
	return rows
}

func testVerdicts(t *testing.T, h Harness) {
	rows := kitRows(700)
	for _, b := range Behaviours() {
		hash := h.load(t, b)
		for _, viewer := range []record.Value{record.Int(5), record.Int(13), record.Int(0), {}} {
			for i, got := range h.ask(t, hash, viewer, rows...) {
				want := Manifest().Accept(Native(b)([]record.Value{viewer}, rows[i]))
				if got != want {
					t.Fatalf("%s: viewer %d, record %d (%d): %+v, want %+v", b, viewer.Int(), i, rows[i][0].Int(), got, want)
				}
			}
		}
	}
}

func testBatchIsAlone(t *testing.T, h Harness) {
	rows := kitRows(300)
	for _, b := range Behaviours() {
		hash := h.load(t, b)
		together := h.ask(t, hash, record.Int(5), rows...)
		for i := range rows {
			if alone := h.ask(t, hash, record.Int(5), rows[i]); alone[0] != together[i] {
				t.Fatalf("%s: record %d: alone %+v, together %+v", b, i, alone[0], together[i])
			}
		}
	}
}

// testBeside: where nothing is decided the answers are the same.
func testBeside(t *testing.T, h Harness) {
	rows := kitRows(300)
	for _, b := range Behaviours() {
		hash := h.load(t, b)
		want := h.ask(t, hash, record.Int(5), rows...)
		got := make([]rules.Verdict, len(rows))
		batch := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: rows, Beside: true}
		if err := h.Runner.Decide(context.Background(), batch, &rules.Fuel{Left: rules.QueryFuel}, got); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if got[i] != want[i] {
				t.Fatalf("%s: record %d: beside %+v, deciding %+v", b, i, got[i], want[i])
			}
		}
	}
}

func allFault(t testing.TB, out []rules.Verdict, kind rules.FaultKind) {
	t.Helper()
	for i, v := range out {
		if v != (rules.Verdict{Fault: kind}) {
			t.Fatalf("verdict %d: %+v, want only fault %q", i, v, kind)
		}
	}
}

func testNotLoaded(t *testing.T, h Harness) {
	module := h.Module(t, Match)
	for _, hash := range []rules.Hash{{}, rules.HashOf(module)} {
		if h.Runner.Loaded(kitTenant, hash) {
			t.Errorf("%v is loaded", hash)
		}
		allFault(t, h.ask(t, hash, record.Int(5), kitRows(10)...), rules.FaultMissing)
	}
}

func testTenants(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	other := identity.Tenant{'o'}
	if !h.Runner.Loaded(kitTenant, hash) || h.Runner.Loaded(other, hash) || h.Runner.Loaded(identity.Tenant{}, hash) {
		t.Error("loaded for another tenant than asked")
	}
	out := make([]rules.Verdict, 1)
	fuel := rules.Fuel{Left: rules.QueryFuel}
	b := &rules.Batch{Tenant: other, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: [][]record.Value{{record.Int(5)}}}
	if err := h.Runner.Decide(context.Background(), b, &fuel, out); err != nil {
		t.Fatal(err)
	}
	allFault(t, out, rules.FaultMissing)
}

func testLoadRefuses(t *testing.T, h Harness) {
	ctx := context.Background()
	for name, module := range map[string][]byte{"nothing": nil, "no module": []byte("hello"), "no manifest": []byte("\x00asm\x01\x00\x00\x00")} {
		if _, err := h.Runner.Load(ctx, kitTenant, module); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Runner.Load(ctx, identity.Tenant{}, h.Module(t, Match)); err == nil {
		t.Error("loaded for no tenant")
	}
}

func testLoadTwice(t *testing.T, h Harness) {
	if first, second := h.load(t, Match), h.load(t, Match); first != second {
		t.Errorf("%v, then %v", first, second)
	}
}

func testInput(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	good := []record.Value{record.Int(5)}
	got := h.ask(t, hash, record.Int(5), good, nil, good, []record.Value{record.String("5")}, []record.Value{record.Int(5), record.Int(5)}, good)
	yes, no := rules.Verdict{Grant: 2, Reason: 1}, rules.Verdict{Fault: rules.FaultInput}
	if want := []rules.Verdict{yes, no, yes, no, no, yes}; !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	allFault(t, h.ask(t, hash, record.String("5"), good, good), rules.FaultInput)
}

func testFuel(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	rows := kitRows(500)
	for _, left := range []int64{0, -1, 1, 500} {
		fuel := rules.Fuel{Left: left}
		out := make([]rules.Verdict, len(rows))
		b := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: rows}
		if err := h.Runner.Decide(context.Background(), b, &fuel, out); fault.KindOf(err) != fault.Limit {
			t.Errorf("with %d fuel: %v, expected kind Limit", left, err)
		}
		allFault(t, out, rules.NoFault)
	}
	if out := h.ask(t, hash, record.Int(5)); len(out) != 0 {
		t.Error("no rows, no verdicts")
	}
}

func testContext(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := []rules.Verdict{{Grant: 2}}
	fuel := rules.Fuel{Left: rules.QueryFuel}
	b := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: [][]record.Value{{record.Int(5)}}}
	if err := h.Runner.Decide(ctx, b, &fuel, out); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	allFault(t, out, rules.NoFault)
}

func testLengths(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	fuel := rules.Fuel{Left: rules.QueryFuel}
	b := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: kitRows(3)}
	if err := h.Runner.Decide(context.Background(), b, &fuel, make([]rules.Verdict, 2)); err == nil {
		t.Error("two verdicts for three rows: expected an error")
	}
}

func testConcurrent(t *testing.T, h Harness) {
	hash := h.load(t, Match)
	rows := kitRows(600)
	want := h.ask(t, hash, record.Int(5), rows...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				fuel := rules.Fuel{Left: rules.QueryFuel}
				out := make([]rules.Verdict, len(rows))
				b := &rules.Batch{Tenant: kitTenant, Rule: hash, Viewer: []record.Value{record.Int(5)}, Rows: rows}
				if err := h.Runner.Decide(context.Background(), b, &fuel, out); err != nil || !slices.Equal(out, want) {
					t.Errorf("differs from the answer before: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
