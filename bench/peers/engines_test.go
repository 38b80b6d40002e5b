package peers

import (
	"context"
	"fmt"
	"testing"

	"cel.dev/cel-go/cel"
	"github.com/cedar-policy/cedar-go"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/sandbox"
)

// team is the viewer's; an order is decided about. Amounts are in hundredths.
const team = "north"

type order struct {
	team, status string
	amount       int64
}

// distinct is how many different orders there are; more repeat them, as the
// buffers do that an engine decodes into.
const distinct = 4096

func orders() []order {
	teams := []string{"north", "south", "east", "west"}
	status := []string{"open", "open", "closed"}
	out := make([]order, distinct)
	for i := range out {
		out[i] = order{teams[i%4], status[i%3], int64(i * 7919 % 300_000)}
	}
	return out
}

// decide answers about orders[from:from+len(out)].
type decide func(from int, out []bool) error

// engine makes the rule ready for the orders.
type engine struct {
	name string
	make func(tb testing.TB, orders []order) decide
}

var engines = []engine{
	{"go", plain},
	{"sluice-c", func(tb testing.TB, o []order) decide { return guest(tb, "c", o) }},
	{"sluice-assemblyscript", func(tb testing.TB, o []order) decide { return guest(tb, "as", o) }},
	{"expr", exprRule},
	{"cel", celRule},
	{"cedar", cedarRule},
	{"opa", opaRule},
	{"opa-batch", opaBatch},
}

func plain(_ testing.TB, orders []order) decide {
	return func(from int, out []bool) error {
		for i := range out {
			o := &orders[from+i]
			out[i] = o.team == team && o.status == "open" && o.amount >= 100_000
		}
		return nil
	}
}

// guest runs the committed example module, metered, as the server does.
func guest(tb testing.TB, language string, orders []order) decide {
	module, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, language)
	must(tb, err)
	r, err := sandbox.New(nil)
	must(tb, err)
	tb.Cleanup(func() { must(tb, r.Close()) })
	ctx, tenant := context.Background(), identity.Tenant{1}
	hash, err := r.Load(ctx, tenant, module)
	must(tb, err)
	rows := make([][]record.Value, len(orders))
	for i, o := range orders {
		rows[i] = []record.Value{record.String(o.team), record.String(o.status), record.Int(o.amount)}
	}
	batch := &rules.Batch{Tenant: tenant, Rule: hash, Viewer: []record.Value{record.String(team)}}
	verdicts := make([]rules.Verdict, len(orders))
	return func(from int, out []bool) error {
		batch.Rows = rows[from : from+len(out)]
		fuel := rules.Fuel{Left: rules.QueryFuel}
		if err := r.Decide(ctx, batch, &fuel, verdicts[:len(out)]); err != nil {
			return err
		}
		for i, v := range verdicts[:len(out)] {
			if v.Fault != rules.NoFault {
				return fmt.Errorf("order %d: %s", from+i, v.Fault)
			}
			out[i] = v.Grant > 0
		}
		return nil
	}
}

func exprRule(tb testing.TB, orders []order) decide {
	type env struct {
		ViewerTeam, Team, Status string
		Amount                   int64
	}
	program, err := expr.Compile(`Team == ViewerTeam && Status == "open" && Amount >= 100000`, expr.Env(env{}), expr.AsBool())
	must(tb, err)
	rows := make([]env, len(orders))
	for i, o := range orders {
		rows[i] = env{team, o.team, o.status, o.amount}
	}
	var machine vm.VM
	return func(from int, out []bool) error {
		for i := range out {
			v, err := machine.Run(program, &rows[from+i])
			if err != nil {
				return err
			}
			out[i], _ = v.(bool)
		}
		return nil
	}
}

func celRule(tb testing.TB, orders []order) decide {
	env, err := cel.NewEnv(cel.Variable("viewer", cel.StringType), cel.Variable("team", cel.StringType),
		cel.Variable("status", cel.StringType), cel.Variable("amount", cel.IntType))
	must(tb, err)
	checked, issues := env.Compile(`team == viewer && status == "open" && amount >= 100000`)
	must(tb, issues.Err())
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	must(tb, err)
	rows := make([]map[string]any, len(orders))
	for i, o := range orders {
		rows[i] = map[string]any{"viewer": team, "team": o.team, "status": o.status, "amount": o.amount}
	}
	return func(from int, out []bool) error {
		for i := range out {
			v, _, err := program.Eval(rows[from+i])
			if err != nil {
				return err
			}
			out[i], _ = v.Value().(bool)
		}
		return nil
	}
}

func cedarRule(tb testing.TB, orders []order) decide {
	policies, err := cedar.NewPolicySetFromBytes("rule.cedar", []byte(`permit (principal, action, resource) when {
		context.team == context.viewer && context.status == "open" && context.amount >= 100000
	};`))
	must(tb, err)
	rows := make([]cedar.Request, len(orders))
	for i, o := range orders {
		rows[i] = cedar.Request{
			Principal: cedar.NewEntityUID("User", "a"), Action: cedar.NewEntityUID("Action", "view"), Resource: cedar.NewEntityUID("Order", "b"),
			Context: cedar.NewRecord(cedar.RecordMap{
				"viewer": cedar.String(team), "team": cedar.String(o.team), "status": cedar.String(o.status), "amount": cedar.Long(o.amount),
			}),
		}
	}
	none := cedar.EntityMap{}
	return func(from int, out []bool) error {
		for i := range out {
			decision, said := cedar.Authorize(policies, none, rows[from+i])
			if len(said.Errors) > 0 {
				return fmt.Errorf("order %d: %v", from+i, said.Errors)
			}
			out[i] = decision == cedar.Allow
		}
		return nil
	}
}

func parsed(tb testing.TB, v any) ast.Value {
	value, err := ast.InterfaceToValue(v)
	must(tb, err)
	return value
}

func fields(o order) map[string]any {
	return map[string]any{"viewer": team, "team": o.team, "status": o.status, "amount": o.amount}
}

func prepared(tb testing.TB, query, module string) rego.PreparedEvalQuery {
	q, err := rego.New(rego.Query(query), rego.Module("rule.rego", module)).PrepareForEval(context.Background())
	must(tb, err)
	return q
}

func opaRule(tb testing.TB, orders []order) decide {
	q := prepared(tb, "data.rule.allow", `package rule
default allow := false
allow if { input.team == input.viewer; input.status == "open"; input.amount >= 100000 }`)
	rows := make([]ast.Value, len(orders))
	for i, o := range orders {
		rows[i] = parsed(tb, fields(o))
	}
	return func(from int, out []bool) error {
		for i := range out {
			set, err := q.Eval(context.Background(), rego.EvalParsedInput(rows[from+i]))
			if err != nil {
				return err
			}
			out[i] = set.Allowed()
		}
		return nil
	}
}

// opaBatch asks about up to 256 orders in one query, which suits that engine
// better. Batches begin at multiples of 256.
func opaBatch(tb testing.TB, orders []order) decide {
	const size = 256
	q := prepared(tb, "data.rule.allowed", `package rule
allowed contains i if { some i, o in input; o.team == o.viewer; o.status == "open"; o.amount >= 100000 }`)
	var batches []ast.Value
	for from := 0; from < len(orders); from += size {
		var part []any
		for _, o := range orders[from : from+size] {
			part = append(part, fields(o))
		}
		batches = append(batches, parsed(tb, part))
	}
	return func(from int, out []bool) error {
		clear(out)
		for at := 0; at < len(out); at += size {
			set, err := q.Eval(context.Background(), rego.EvalParsedInput(batches[(from+at)/size]))
			if err != nil {
				return err
			}
			allowed, _ := set[0].Expressions[0].Value.([]any)
			for _, n := range allowed {
				i, err := n.(interface{ Int64() (int64, error) }).Int64()
				if err != nil {
					return err
				}
				if at+int(i) < len(out) {
					out[at+int(i)] = true
				}
			}
		}
		return nil
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
