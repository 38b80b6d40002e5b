package command

import (
	"context"
	"fmt"
)

var ruleFallbackCommand = &command{
	name: "rule fallback", summary: "name the version that decides while a custom rule is in quarantine",
	usage: "-application NAME -rule NAME (-version N [-difference ID | -dry-run] | -none)",
	help: `
Names a version of a RESTRICT or MASK rule that decides while the active one is in
quarantine, from the next request on where it is now. Without one the rule keeps every
record out then, or hides all of its fields; a rule that shares takes none, as it shares
nothing then. It stays named when another version is activated, until it is activated
itself. When it goes into quarantine, too, there is no other.

It is held to what an activation is held to, as if it decided from now on: permission
tests, and what a dry run, or sluice compare -rule, showed of exactly this, which
-difference names. -dry-run names none and says who would gain and lose what if it
decided now; it takes the tool COMPARE. While a fallback is named, an apply and an
activation pass the tests that say what people cannot do with it, too. Nothing stands
against -none.

Examples:
  sluice rule fallback -application sales -rule embargo -version 3 -dry-run
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
	dry := dryRunFlags(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	if (*version != 0) == *none || *none && *compared != "" {
		return badUsage("rule fallback: give either -version, with or without -difference, or -none")
	}
	if err := dry.check(c.name); err != nil {
		return err
	}
	if *dry.run {
		if *version == 0 || *compared != "" {
			return badUsage("rule fallback: -dry-run is of a -version; it takes neither -none nor -difference")
		}
		return r.showFallback(ctx, dry, *application, *rule, *version)
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

// showFallback compares the rule with one where a version decides.
func (r *remote) showFallback(ctx context.Context, dry *dryRun, application, rule string, version int) error {
	v, err := r.versionWith(ctx, application, rule, func(v *ruleVersion) bool { return v.Number == version })
	switch {
	case err != nil:
		return err
	case v == nil || v.Deleted:
		return fmt.Errorf("-version: rule %s has no version %d; `sluice rule versions` lists those that there are", rule, version)
	}
	dry.then = func(id string) string {
		return fmt.Sprintf("No fallback was named. To name exactly this:\n  sluice rule fallback -application %s -rule %s -version %d -difference %s\n", application, rule, version, id)
	}
	return dry.show(ctx, r, application, rule, v.Module, "")
}
