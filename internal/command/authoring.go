package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/rules"
	"sluice/rules/authoring"
	"sluice/sdk"
)

var ruleNewCommand = &command{
	name: "rule new", summary: "write a project for a custom rule",
	usage: "-lang c|assemblyscript|rust|go [-dir DIR] NAME",
	help: `
Writes a project for a custom rule into a new folder: source, manifest, cases, the
library, a build file for other tools and a README. The rule in it is complete and
passes its cases; change it to yours.

Examples:
  sluice rule new -lang c large-orders
  sluice rule new -lang assemblyscript -dir rules/large-orders large-orders
  sluice rule new -lang go large-orders`,
	run: runRuleNew,
}

func runRuleNew(_ context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	lang := fs.String("lang", "", "`LANGUAGE` of the source: "+strings.Join(languageNames(), " or "))
	dir := fs.String("dir", "", "`DIR` to write into, new or empty (default NAME)")
	if err := c.parse(fs, args, 1); err != nil {
		return err
	}
	if err := c.required(fs, "lang"); err != nil {
		return err
	}
	language, ok := sdk.Find(*lang)
	if !ok {
		return badUsage("-lang: expected %s, got %q", strings.Join(languageNames(), " or "), *lang)
	}
	name := fs.Arg(0)
	if err := authoring.CheckName(name); err != nil {
		return badUsage("%s", message(err))
	}
	to := firstOf(*dir, name)
	files, err := authoring.New(to, name, language)
	if err != nil {
		return said(err)
	}
	fmt.Fprintf(env.Stdout, "Wrote %s: %s\n", to, strings.Join(files, ", "))
	fmt.Fprintf(env.Stdout, "Next: cd %s", to)
	if language.Name == "assemblyscript" {
		fmt.Fprint(env.Stdout, " && npm install")
	}
	fmt.Fprintln(env.Stdout, " && sluice rule build && sluice rule test")
	if language.Profile == "GO" {
		fmt.Fprintln(env.Stdout, "Before it is uploaded: write profile: GO at the custom rule of the definition, and apply that")
	}
	return nil
}

func languageNames() []string {
	var out []string
	for _, l := range sdk.Languages() {
		out = append(out, l.Name)
	}
	return out
}

var ruleBuildCommand = &command{
	name: "rule build", summary: "compile a rule and check the module, offline",
	usage: "[-dir DIR]",
	help: `
Compiles the project in a folder into rule.wasm there, puts manifest.json into the
module and checks it as an upload would. It takes clang and wasm-ld for C, Node.js
and the assemblyscript package for AssemblyScript, rustc with the target
wasm32-unknown-unknown for Rust, go for Go, and fetches nothing. A module that is
refused is not written. A module of Go needs profile: GO at the custom rule. A
sluice_plan that leaves out what sluice_decide shares is refused: it is held to the
cases of cases.yaml and to generated ones.

Examples:
  sluice rule build
  sluice rule build -dir rules/large-orders`,
	run: runRuleBuild,
}

func runRuleBuild(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	dir := projectFlag(fs)
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	p, err := openProject(*dir)
	if err != nil {
		return said(err)
	}
	module, err := p.Compile(ctx)
	if err != nil {
		return said(err)
	}
	manifest, hash, err := env.inspect(ctx, module, filepath.Join(*dir, authoring.CasesFile))
	if err != nil {
		return fmt.Errorf("%s: the module is refused: %s", p.Language.Source, strings.TrimPrefix(said(err).Error(), "module: "))
	}
	path, err := p.Write(module)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Built %s, a %s rule on %s: %d bytes, %s.\n", path, manifest.Effect, manifest.Form, len(module), hash)
	return nil
}

// inspect checks a module as an upload does, its plan on the cases of a file too;
// rule test says what is wrong with those.
func (env *Env) inspect(ctx context.Context, module []byte, cases string) (*rules.Manifest, rules.Hash, error) {
	runner, inspect, closeRules, err := env.Parts.NewRules()
	if err != nil {
		return nil, rules.Hash{}, err
	}
	m, h, err := inspect(ctx, module)
	if err == nil {
		var given []authoring.Case
		if src, err := authoring.ReadFile(cases); err == nil {
			given, _ = authoring.ReadCases(src, m)
		}
		err = authoring.CheckPlan(ctx, runner, module, m, given)
	}
	return m, h, errors.Join(err, closeRules())
}

var ruleTestCommand = &command{
	name: "rule test", summary: "hold a rule to its cases, without a server",
	usage: "[-dir DIR] [-cases FILE] [-module FILE]",
	help: `
Asks the module that was built last about each case of cases.yaml, in the sandbox
that the server uses. The exit code is 1 when the rule answers one of them
otherwise. A case is

  - name: an open order of the team
    viewer: {team: north}
    record: {team: north, status: open, amount: 2500.00}
    expect: {grant: view, reason: 1}

with the columns of the manifest, null where they are not named. What the rule must
answer is, by its effect,

  share     grant: none, view, edit or delete
  restrict  keep: out or in
  mask      mask: [the fields that are hidden]

and reason: the number or the text of a reason. What is not expected is denied.
fault: trap, fuel or answer expects that the rule fails. A case also fails when
sluice_decide shares its record and sluice_plan leaves it out.

Examples:
  sluice rule test
  sluice rule test -dir rules/large-orders
  sluice rule test -module old.wasm -cases more.yaml`,
	run: runRuleTest,
}

func runRuleTest(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	in := subjectFlags(fs)
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if err := in.read(); err != nil {
		return said(err)
	}
	cases, err := in.readCases()
	if err != nil {
		return said(err)
	}
	runner, _, closeRules, err := env.Parts.NewRules()
	if err != nil {
		return err
	}
	defer func() { _ = closeRules() }() // frees memory that the process is about to give back
	results, err := authoring.Ask(ctx, runner, in.module, cases)
	if err != nil {
		return said(err)
	}
	failed, err := authoring.Report(env.Stdout, in.manifest, results)
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("rule test: %d of %d cases failed", failed, len(results))
	}
	return nil
}

var ruleBenchCommand = &command{
	name: "rule bench", summary: "time a rule and count its fuel, without a server",
	usage: "[-dir DIR] [-n COUNT] [-seed SEED] [-cases FILE] [-module FILE] [-only-cases]",
	help: `
Asks the module that was built last about many records, and prints nanoseconds and
fuel for each: the mean, and the 50th and 99th percentile of the batches, which
hold 256 records as in a list, and of records asked alone. Fuel is the same on
every machine, time is not. A query has ` + fuelText + ` fuel.

The records are made of the values that the cases have, mixed at random, with some
of their types and some nulls; the same -seed makes the same ones. -only-cases takes
the records of the cases as they are, in turn.

Examples:
  sluice rule bench
  sluice rule bench -n 1000000 -seed 7
  sluice rule bench -cases slow.yaml -only-cases`,
	run: runRuleBench,
}

const fuelText = "500,000,000"

func runRuleBench(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	in := subjectFlags(fs)
	n := numberFlag(fs, "n", 100_000, 1, authoring.MaxMeasured, "`COUNT` of records, "+strconv.Itoa(authoring.MaxMeasured)+" at most")
	seed := fs.Uint64("seed", 1, "`SEED` of the records that are made")
	only := fs.Bool("only-cases", false, "the records of the cases alone")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if err := in.read(); err != nil {
		return said(err)
	}
	cases, err := in.readCases()
	if err != nil && (*only || *in.cases != "" || !in.noCases()) {
		return said(err)
	}
	if !*only {
		cases = authoring.Generate(in.manifest, cases, min(*n, 10_000), *seed)
	}
	runner, _, closeRules, err := env.Parts.NewRules()
	if err != nil {
		return err
	}
	defer func() { _ = closeRules() }() // frees memory that the process is about to give back
	m, err := authoring.Measure(ctx, runner, in.module, cases, *n, time.Now)
	if err != nil {
		return said(err)
	}
	return m.Print(env.Stdout)
}
