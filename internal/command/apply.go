package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"sluice/rules"
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
	compared := fs.String("difference", "", "`ID` of the difference that -plan showed: apply exactly that")
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

var rulePushCommand = &command{
	name: "rule push", summary: "upload a rule module, bind and activate it",
	usage: "-application NAME -rule NAME -f FILE [-manifest FILE] [-bind] [-activate]",
	help: `
Uploads a rule module for a custom rule of an application. -bind makes it the one
that fills the rule, -activate (which implies -bind) lets it decide from the next
request on.

Examples:
  sluice rule push -application sales -rule embargo -f embargo.wasm
  sluice rule push -application sales -rule embargo -f embargo.wasm -manifest embargo.json -activate`,
	run: runRulePush,
}

func runRulePush(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	rule := fs.String("rule", "", "`NAME` of the custom rule; the module gets the same name")
	file := fs.String("f", "", "`FILE` with the module")
	manifest := fs.String("manifest", "", "`FILE` with the manifest, for a module that does not hold it")
	bind := fs.Bool("bind", false, "fill the rule with the module")
	activate := fs.Bool("activate", false, "bind, and let the module decide")
	if err := r.start(args, 0, "application", "rule", "f"); err != nil {
		return err
	}
	module, err := moduleWith(env, *file, *manifest)
	if err != nil {
		return err
	}
	path := "/apps/" + url.PathEscape(*application) + "/rules/" + url.PathEscape(*rule)
	status, answer, err := r.exchange(ctx, http.MethodPut, path, "application/wasm", module)
	if err != nil {
		return err
	}
	var up struct{ Hash string }
	if status != http.StatusOK || json.Unmarshal(answer, &up) != nil || up.Hash == "" {
		return r.unexpected(status, answer)
	}
	fmt.Fprintf(env.Stdout, "Uploaded %s (%d bytes).\n", up.Hash, len(module))
	if !*bind && !*activate {
		return nil
	}
	variables := map[string]any{"a": *application, "r": *rule, "m": up.Hash}
	if err := r.graphql(ctx, `mutation($a: String!, $r: String!, $m: String!) { bindRuleModule(application: $a, rule: $r, module: $m) { rule { name } } }`, variables, nil); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Rule %s is filled with it.\n", *rule)
	if !*activate {
		return nil
	}
	delete(variables, "m")
	if err := r.graphql(ctx, `mutation($a: String!, $r: String!) { activateRule(application: $a, rule: $r) { rule { name } } }`, variables, nil); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Rule %s is active.\n", *rule)
	return nil
}

// moduleWith reads a module and puts a manifest into it, if there is one.
func moduleWith(env *Env, file, manifest string) ([]byte, error) {
	module, err := readInput(env, file)
	if err != nil || manifest == "" {
		return module, err
	}
	m, err := os.ReadFile(manifest)
	if err != nil {
		return nil, fmt.Errorf("-manifest: %w", err)
	}
	if module, err = rules.Embed(module, m); err != nil {
		return nil, fmt.Errorf("-manifest: %s", message(err))
	}
	return module, nil
}

var ruleListCommand = &command{
	name: "rule list", summary: "list custom rules and uploaded modules",
	usage: "-application NAME",
	help: `
Lists the custom rules of an application with what fills them, then the modules.

Examples:
  sluice rule list -application sales`,
	run: runRuleList,
}

func runRuleList(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	var out struct {
		RuleModules struct {
			Rules []struct {
				Name, Form, Effect, Module string
				Active                     bool
			}
			Modules []struct {
				Hash, Name string
				Size       int
				Uploaded   time.Time
			}
		}
	}
	err := r.graphql(ctx, `query($a: String!) { ruleModules(application: $a) { rules { name form effect module active } modules { hash name size uploaded } } }`,
		map[string]any{"a": *application}, &out)
	if err != nil {
		return err
	}
	t := newTable(env.Stdout, "RULE", "FORM", "EFFECT", "ACTIVE", "MODULE")
	for _, l := range out.RuleModules.Rules {
		t.row(l.Name, l.Form, l.Effect, l.Active, dash(l.Module))
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout)
	t = newTable(env.Stdout, "MODULE", "NAME", "BYTES", "UPLOADED")
	for _, m := range out.RuleModules.Modules {
		t.row(m.Hash, m.Name, m.Size, m.Uploaded.Format(time.RFC3339))
	}
	return t.flush()
}
