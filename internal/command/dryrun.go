package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

var ruleActivateCommand = &command{
	name: "rule activate", summary: "let the module that is bound to a custom rule decide",
	usage: "-application NAME -rule NAME [-difference ID | -dry-run]",
	help: `
Switches a custom rule on.

-dry-run switches nothing on and says what would be: who would gain and lose what,
over all people and all records that you may see, what goes wrong with the module on
these records, and the fuel that it takes for one. It takes the tool COMPARE.

-difference names what a dry run, or sluice compare -rule, showed of exactly this: it
is refused when people, definitions, or what it gives and takes changed since.

Examples:
  sluice rule activate -application sales -rule embargo -dry-run
  sluice rule activate -application sales -rule embargo -difference 0199...
  sluice rule activate -application sales -rule embargo`,
	run: runRuleActivate,
}

func runRuleActivate(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	compared := differenceFlag(fs, "`ID` of the difference that was shown")
	dry := dryRunFlags(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	if err := dry.check(c.name); err != nil {
		return err
	}
	if *dry.run {
		if *compared != "" {
			return badUsage("rule activate: -difference and -dry-run contradict each other")
		}
		module, err := r.boundModule(ctx, *application, *rule)
		if err != nil {
			return err
		}
		return dry.show(ctx, r, *application, *rule, module, "")
	}
	if err := r.activate(ctx, *application, *rule, *compared); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Rule %s is active.\n", *rule)
	return nil
}

// activate lets what is bound decide; difference is empty for none.
func (r *remote) activate(ctx context.Context, application, rule, difference string) error {
	r.doing = doingTests
	variables := map[string]any{"a": application, "r": rule}
	if difference != "" {
		variables["d"] = difference
	}
	return r.graphql(ctx, `mutation($a: String!, $r: String!, $d: ID) { activateRule(application: $a, rule: $r, difference: $d) { rule { name } } }`, variables, nil)
}

// boundModule is the module that activation would let decide.
func (r *remote) boundModule(ctx context.Context, application, rule string) (string, error) {
	x, err := r.ruleNamed(ctx, application, rule)
	if err != nil {
		return "", err
	}
	if x.Module == "" {
		return "", fmt.Errorf("-rule: %s has no module bound; sluice rule push -bind uploads and binds one, sluice rule bind one that is uploaded", rule)
	}
	return firstOf(x.Next, x.Module), nil
}

// dryRun are the flags of what compares before it activates.
type dryRun struct {
	run  *bool
	plan *planOptions
	then func(id string) string // what to do with the difference, where no next step is named
}

func dryRunFlags(fs *flag.FlagSet) *dryRun {
	run := fs.Bool("dry-run", false, "compare, and activate nothing")
	return &dryRun{run: run, plan: &planOptions{
		json: fs.Bool("json", false, "print what a dry run found as JSON"),
		out:  fs.String("o", "", "`FILE` to write every gain and loss of a dry run to, as CSV"),
	}}
}

// check refuses flags of a dry run where none is asked for.
func (o *dryRun) check(name string) error {
	if !*o.run && (*o.plan.json || *o.plan.out != "") {
		return badUsage("%s: -json and -o go with -dry-run", name)
	}
	return nil
}

// words is where a command says what it did: beside the JSON of a dry run, not in it.
func (o *dryRun) words(env *Env) io.Writer {
	if *o.plan.json {
		return env.Stderr
	}
	return env.Stdout
}

// mendFirst precedes the next step where a module goes wrong.
const mendFirst = "Mend what goes wrong first: it counts against access. `sluice rule test` and\n`sluice rule bench` look for it on your machine. "

// show compares a rule filled with a module and prints it, where a dry run is asked
// for. Without a next step it is activating exactly this.
func (o *dryRun) show(ctx context.Context, r *remote, application, rule, module, next string) error {
	if !*o.run {
		return nil
	}
	input := map[string]any{"rules": []any{map[string]any{"rule": rule, "module": module}}}
	id, err := (&proposal{file: new(string)}).start(ctx, r.env, r, application, input)
	if err != nil {
		return err
	}
	d, err := r.awaitDifference(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case next != "" && d.goesWrong():
		next = mendFirst + next
	case next != "":
	case o.then != nil:
		next = o.then(id)
	case d.goesWrong():
		next = fmt.Sprintf("Nothing was activated. "+mendFirst+"To let exactly this decide all the same:\n  sluice rule activate -application %s -rule %s -difference %s\n", application, rule, id)
	default:
		next = fmt.Sprintf("Nothing was activated. To let exactly this decide:\n  sluice rule activate -application %s -rule %s -difference %s\n", application, rule, id)
	}
	return o.plan.show(ctx, r, d, "\n"+next)
}

// ruleCost is what a module does on the records that were compared.
type ruleCost struct {
	Rule, Module                string
	Decisions, Impure, Measured float64
	OutsidePlan                 float64
	OutsidePlanRecords          []string
	Faults                      []faultCount
	FuelP50, FuelP99, FuelMax   float64
}

type faultCount struct {
	Kind  string
	Count float64
}

// faultsNamed lists what went wrong, empty for nothing.
func faultsNamed(list []faultCount) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = fmt.Sprintf("%.0f by %s", f.Count, f.Kind)
	}
	return strings.Join(out, ", ")
}

// goesWrong reports whether a proposed module fails on records, or is one that no
// activation should let decide.
func (d *difference) goesWrong() bool {
	return d.Result != nil && slices.ContainsFunc(d.Result.Costs, func(c ruleCost) bool {
		return len(c.Faults) > 0 || c.Impure > 0 || c.OutsidePlan > 0
	})
}

// printCosts writes what proposed modules do and take.
func (d *difference) printCosts(w io.Writer) {
	if d.Result == nil {
		return
	}
	for i := range d.Result.Costs {
		d.Result.Costs[i].print(w)
	}
}

func (c *ruleCost) print(w io.Writer) {
	fmt.Fprintf(w, "\nRule %s with module %s\n", c.Rule, short(c.Module))
	if c.Decisions == 0 {
		fmt.Fprintln(w, "  asked about no record that you see")
		return
	}
	faults := "nothing went wrong"
	if text := faultsNamed(c.Faults); text != "" {
		faults = "WENT WRONG: " + text
	}
	fmt.Fprintf(w, "  %.0f decisions, each of a record for people who are alike: %s\n", c.Decisions, faults)
	if c.Impure > 0 {
		fmt.Fprintf(w, "  NOT A PURE FUNCTION: %.0f decisions were otherwise when the record was asked about alone\n", c.Impure)
	}
	if c.OutsidePlan > 0 {
		fmt.Fprintf(w, "  PLAN TOO NARROW: sluice_decide shares by %.0f decisions what sluice_plan leaves out, for instance records %s\n", c.OutsidePlan, strings.Join(c.OutsidePlanRecords, ", "))
	}
	fmt.Fprintf(w, "  fuel of a record asked alone: p50 %.0f, p99 %.0f, at most %.0f (%.0f asked)\n", c.FuelP50, c.FuelP99, c.FuelMax, c.Measured)
}
