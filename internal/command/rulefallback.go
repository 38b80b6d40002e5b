package command

import (
	"context"
	"fmt"
)

var ruleFallbackCommand = &command{
	name: "rule fallback", summary: "name the version that decides while a custom rule is in quarantine",
	usage: "-application NAME -rule NAME (-version N [-difference ID] | -none)",
	help: `
Names a version of a RESTRICT or MASK rule that decides while the active one is in
quarantine, from the next request on where it is now. Without one the rule keeps every
record out then, or hides all of its fields; a rule that shares takes none, as it shares
nothing then. It stays named when another version is activated, until it is activated
itself. When it goes into quarantine, too, there is no other.

It is held to what an activation is held to, as if it decided from now on: permission
tests, and what sluice compare -rule showed of exactly this, which -difference names.
Nothing stands against -none.

Examples:
  sluice rule fallback -application sales -rule embargo -version 3
  sluice rule fallback -app sales -rule embargo -none`,
	run: runRuleFallback,
}

func runRuleFallback(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	version := versionFlag(fs, "`N`: the version that is to stand in")
	compared := differenceFlag(fs, "`ID` of the difference that was shown")
	none := fs.Bool("none", false, "name none")
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	if (*version != 0) == *none || *none && *compared != "" {
		return badUsage("rule fallback: give either -version, with or without -difference, or -none")
	}
	variables := map[string]any{"a": *application, "r": *rule}
	if *version != 0 {
		variables["v"] = *version
	}
	if *compared != "" {
		variables["d"] = *compared
	}
	var out struct {
		FallbackRule struct{ Rule struct{ Fallback *fallback } }
	}
	r.doing = doingTests
	err := r.graphql(ctx, `mutation($a: String!, $r: String!, $v: Int, $d: ID) { fallbackRule(application: $a, rule: $r, version: $v, difference: $d) { rule { `+fallbackFields+` } } }`, variables, &out)
	if err != nil {
		return err
	}
	switch f := out.FallbackRule.Rule.Fallback; {
	case f == nil:
		fmt.Fprintf(env.Stdout, "Rule %s has no fallback.\n", *rule)
	case f.Decides:
		fmt.Fprintf(env.Stdout, "Version %d of rule %s decides, until the quarantine ends.\n", *version, *rule)
	default:
		fmt.Fprintf(env.Stdout, "Version %d of rule %s decides while the active one is in quarantine.\n", *version, *rule)
	}
	return nil
}
