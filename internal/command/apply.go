package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
)

var applyCommand = &command{
	name: "apply", summary: "make a definition the next version of its application",
	usage: "-f FILE [-allow-drop] [-plan [-json] [-o FILE] | -difference ID]",
	help: `
Checks a definition and makes it the next version of the application that it
names. What it finds is printed as FILE:LINE: SEVERITY PATH: MESSAGE, with a fix on
the next line. With an ERROR nothing is changed and the exit code is 1; a
definition that is the active version already makes no new one.

-plan changes nothing and prints who would gain and lose what, newly exposed
personal data on top; -difference applies exactly what a plan showed, and is refused
when the definition, people, or what it gives and takes changed since.

Examples:
  sluice apply -f orders.yaml
  sluice apply -f orders.yaml -plan
  sluice apply -f orders.yaml -difference 0199...
  sluice apply -f - < orders.yaml`,
	run: runApply,
}

func runApply(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	file := fs.String("f", "", "`FILE` with the definition in YAML, - for standard input")
	drop := fs.Bool("allow-drop", false, "permit that fields and forms with data go away")
	plan := fs.Bool("plan", false, "print who would gain and lose what, and change nothing")
	compared := differenceFlag(fs, "`ID` of the difference that -plan showed: apply exactly that")
	o := planFlags(fs)
	if err := c.parse(fs, args, 0, "f"); err != nil {
		return err
	}
	switch {
	case *plan && *compared != "":
		return badUsage("apply: -plan and -difference exclude each other")
	case !*plan && (*o.json || *o.out != ""):
		return badUsage("apply: -json and -o go with -plan")
	case *plan:
		return r.planned(ctx, env, *file, *drop, o)
	}
	out, err := r.definition(ctx, env, http.MethodPut, withDifference("/definition", *compared), *file, *drop)
	if err != nil {
		return err
	}
	if len(out.Faults) > 0 {
		printFindings(env.Stderr, *file, out.Faults)
		return fmt.Errorf("%s: the definition has faults (%d), nothing was changed", *file, len(out.Faults))
	}
	if out.Unchanged {
		out.Warnings = withoutBuiltIn(out.Warnings)
	}
	printFindings(env.Stderr, *file, out.Warnings)
	if out.Unchanged {
		fmt.Fprintf(env.Stdout, "Application %s is unchanged at version %d.\n", out.Application, out.Version)
		return nil
	}
	fmt.Fprintf(env.Stdout, "Application %s has version %d.\n", out.Application, out.Version)
	return nil
}

// readInput reads the file that -f names.
func readInput(env *Env, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(env.Stdin)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-f: %w", err)
	}
	return b, nil
}
