package command

import (
	"context"
	"fmt"
)

var ruleDeactivateCommand = &command{
	name: "rule deactivate", summary: "switch a custom rule off, at once",
	usage: "-application NAME -rule NAME",
	help: `
Switches a custom rule off, from the next request on. Nothing stands against that, no
permission test and no comparison: it gives nobody anything. A rule that is off counts
as one that goes wrong:

  share     nothing is shared
  restrict  every record is kept out
  mask      all of its fields are hidden

So it does not lift a restriction or a mask. To do that, activate a module that does, or
take the rule out of the definition and apply it. sluice rule activate switches the rule
on again.

Examples:
  sluice rule deactivate -application sales -rule embargo`,
	run: runRuleDeactivate,
}

// offWords say what a rule does that is off, by its effect.
var offWords = map[string]string{
	"SHARE":    "it shares nothing",
	"RESTRICT": "it keeps every record out",
	"MASK":     "it hides all of its fields",
}

func runRuleDeactivate(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	var out struct{ DeactivateRule struct{ Rule ruleFilled } }
	err := r.graphql(ctx, `mutation($a: String!, $r: String!) { deactivateRule(application: $a, rule: $r) { rule { `+ruleFilledFields+`} } }`,
		map[string]any{"a": *application, "r": *rule}, &out)
	if err != nil {
		return err
	}
	now := out.DeactivateRule.Rule
	fmt.Fprintf(env.Stdout, "Rule %s is off: %s until a module is activated.\n", *rule, offWords[now.Effect])
	if now.Module != "" {
		fmt.Fprintf(env.Stdout, "To switch it on, with module %s:\n  sluice rule activate -application %s -rule %s\n", short(now.Module), *application, *rule)
	}
	return nil
}

var ruleBindCommand = &command{
	name: "rule bind", summary: "fill a custom rule with a module that is uploaded",
	usage: "-application NAME -rule NAME -module HASH",
	help: `
Makes an uploaded module the one that sluice rule activate lets decide; what decides
until then goes on to. A module that fills a rule for the first time is its next
version. -module is its hash, as sluice rule list prints it, or the first 8 digits or
more. sluice rule push -bind uploads and binds in one.

Examples:
  sluice rule bind -application sales -rule embargo -module 6a1f09c2`,
	run: runRuleBind,
}

func runRuleBind(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	module := fs.String("module", "", "`HASH` of an uploaded module, 8 digits or more")
	if err := r.start(args, 0, "application", "rule", "module"); err != nil {
		return err
	}
	hash, err := r.moduleNamed(ctx, "module", *application, *module)
	if err != nil {
		return err
	}
	now, err := r.bind(ctx, *application, *rule, hash)
	if err != nil {
		return err
	}
	switch {
	case now.Active && now.Module == hash:
		fmt.Fprintf(env.Stdout, "Module %s decides for rule %s already; nothing waits beside it.\n", short(hash), *rule)
		return nil
	case now.Active:
		fmt.Fprintf(env.Stdout, "Module %s waits at rule %s, where %s goes on to decide.", short(hash), *rule, short(now.Module))
	default:
		fmt.Fprintf(env.Stdout, "Rule %s is filled with module %s, and is off.", *rule, short(hash))
	}
	fmt.Fprintf(env.Stdout, " To see what it would do, and to let it decide:\n  sluice rule activate -application %s -rule %s -dry-run\n  sluice rule activate -application %s -rule %s\n",
		*application, *rule, *application, *rule)
	return nil
}

// bind makes a module the one that activation lets decide.
func (r *remote) bind(ctx context.Context, application, rule, module string) (*ruleFilled, error) {
	var out struct{ BindRuleModule struct{ Rule ruleFilled } }
	err := r.graphql(ctx, `mutation($a: String!, $r: String!, $m: String!) { bindRuleModule(application: $a, rule: $r, module: $m) { rule { `+ruleFilledFields+`} } }`,
		map[string]any{"a": application, "r": rule, "m": module}, &out)
	return &out.BindRuleModule.Rule, err
}

var ruleUnbindCommand = &command{
	name: "rule unbind", summary: "take back the module that waits for activation",
	usage: "-application NAME -rule NAME",
	help: `
Takes back the module that was bound beside the one that decides: sluice rule activate
does not let it decide any more. What decides goes on to. The module stays uploaded and
keeps the number of its version; sluice rule bind makes it wait again.

Examples:
  sluice rule unbind -application sales -rule embargo`,
	run: runRuleUnbind,
}

func runRuleUnbind(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	was, err := r.ruleNamed(ctx, *application, *rule)
	switch {
	case err != nil:
		return err
	case !was.Active:
		return fmt.Errorf("-rule: %s is off, so that no module waits beside another; what fills it decides nothing, and sluice rule bind puts another in its place", *rule)
	case was.Next == "":
		return fmt.Errorf("-rule: no module waits for activation at %s; see sluice rule versions", *rule)
	}
	now, err := r.bind(ctx, *application, *rule, was.Module)
	if err != nil {
		return err
	}
	if now.Module != was.Module {
		return fmt.Errorf("-rule: another module was activated at %s meanwhile, and the one before it waits now; see sluice rule versions, and try again", *rule)
	}
	fmt.Fprintf(env.Stdout, "Module %s does not wait any more at rule %s, where %s goes on to decide.\n", short(was.Next), *rule, short(was.Module))
	return nil
}
