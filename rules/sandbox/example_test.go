package sandbox_test

import (
	"context"
	"fmt"

	rulesexamples "sluice/examples/rules"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/rules/sandbox"
)

// A runner loads a module once and is then asked about batches of records.
func Example() {
	ctx, tenant := context.Background(), identity.Tenant{1}
	runner, err := sandbox.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer runner.Close()
	module, err := rulesexamples.Module(rulesexamples.SameTeamOpenOrders, rulesexamples.C)
	if err != nil {
		fmt.Println(err)
		return
	}
	rule, err := runner.Load(ctx, tenant, module)
	if err != nil {
		fmt.Println(err)
		return
	}
	batch := &rules.Batch{
		Tenant: tenant,
		Rule:   rule,
		Viewer: []record.Value{record.String("north")},
		Rows: [][]record.Value{
			{record.String("north"), record.String("open"), record.Int(250_000)},
			{record.String("south"), record.String("open"), record.Int(250_000)},
		},
	}
	verdicts := make([]rules.Verdict, len(batch.Rows))
	if err := runner.Decide(ctx, batch, &rules.Fuel{Left: rules.QueryFuel}, verdicts); err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range verdicts {
		fmt.Println(v.Grant, v.Reason, v.Fault)
	}
	// Output:
	// 1 1 none
	// 0 0 none
}
