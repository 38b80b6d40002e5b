package command

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// quarantine says why a version of a rule is not asked.
type quarantine struct {
	Since           time.Time
	Records, Adders int
	Faults          []faultCount
	Impure          bool
}

const quarantineFields = `quarantine { since records adders faults { kind count } impure }`

// fallback is what decides while the active version of a rule is in quarantine.
type fallback struct {
	Module     string
	Decides    bool
	Quarantine *quarantine
}

const fallbackFields = `fallback { module decides ` + quarantineFields + ` }`

// print says in a sentence why a rule is in quarantine, what decides instead, nil for
// nothing, and what ends it; nothing for none.
func (q *quarantine) print(w io.Writer, application, rule string, instead *fallback) {
	if q == nil {
		return
	}
	since := q.Since.UTC().Format(time.RFC3339)
	follows := "It is not asked, and\ncounts as a rule that goes wrong."
	switch {
	case instead != nil && instead.Decides:
		follows = "It is not asked, and\nits fallback decides, module " + instead.Module + "."
	case instead != nil && instead.Quarantine != nil:
		follows = "It is not asked, its\nfallback neither since " + instead.Quarantine.Since.UTC().Format(time.RFC3339) + ", and it counts as a rule that goes wrong."
	}
	if q.Impure {
		fmt.Fprintf(w, "\n%s is in quarantine since %s: it gave two answers to one question. %s Activate another version.\n", rule, since, follows)
		return
	}
	fmt.Fprintf(w, "\n%s is in quarantine since %s: it went wrong on %d records that %d people had added\n(%s). %s Activate another version, or:\n  sluice rule release -application %s -rule %s\n",
		rule, since, q.Records, q.Adders, faultsNamed(q.Faults), strings.ReplaceAll(follows, "\n", " "), application, rule)
}

var ruleReleaseCommand = &command{
	name: "rule release", summary: "take a custom rule out of quarantine",
	usage: "-application NAME -rule NAME [-version N | -difference ID | -dry-run]",
	help: `
Lets a version of a custom rule be asked again that was put in quarantine: its faults
on 100 records within five minutes, at least 10 of them added, and at least 10 changed
last, by others than the one person who did so with most.
Do it when what went wrong was in the records and is mended; "rule log -faults" names
them, and "rule replay" puts their questions again. Where the module is at fault, activate another
version instead. One that gave two answers to one question is never released.

A version that decides is held to what an activation is held to: it gives again what
it gave. -dry-run releases nothing and says who would gain and lose what, and
-difference names what it showed. -version takes out another version, which does not
decide by that.

Examples:
  sluice rule release -application sales -rule embargo -dry-run
  sluice rule release -application sales -rule embargo
  sluice rule release -app sales -rule embargo -version 3`,
	run: runRuleRelease,
}

func runRuleRelease(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	version := versionFlag(fs, "`N`: the version to release (default the one that decides)")
	compared := differenceFlag(fs, "`ID` of the difference that was shown")
	dry := dryRunFlags(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	if err := dry.check(c.name); err != nil {
		return err
	}
	if *dry.run {
		if *version != 0 || *compared != "" {
			return badUsage("rule release: -dry-run is of the version that decides; it takes neither -version nor -difference")
		}
		return r.showRelease(ctx, dry, *application, *rule)
	}
	variables := map[string]any{"a": *application, "r": *rule}
	if *version != 0 {
		variables["v"] = *version
	}
	if *compared != "" {
		variables["d"] = *compared
	}
	r.doing = doingTests
	err := r.graphql(ctx, `mutation($a: String!, $r: String!, $v: Int, $d: ID) { releaseRule(application: $a, rule: $r, version: $v, difference: $d) { rule { name } } }`, variables, nil)
	if err != nil {
		return err
	}
	what := "Rule " + *rule
	if *version != 0 {
		what = fmt.Sprintf("Version %d of rule %s", *version, *rule)
	}
	fmt.Fprintf(env.Stdout, "%s is out of quarantine.\n", what)
	return nil
}

// showRelease compares the rule in quarantine with the rule that is asked.
func (r *remote) showRelease(ctx context.Context, dry *dryRun, application, rule string) error {
	x, err := r.ruleNamed(ctx, application, rule)
	if err != nil {
		return err
	}
	if x.Quarantine == nil {
		return fmt.Errorf("-rule: %s is not in quarantine", rule)
	}
	dry.then = func(id string) string {
		return fmt.Sprintf("Nothing was released. To release exactly this:\n  sluice rule release -application %s -rule %s -difference %s\n", application, rule, id)
	}
	return dry.show(ctx, r, application, rule, x.Module, "")
}
