package command

import (
	"context"
	"fmt"
)

var ruleDeleteCommand = &command{
	name: "rule delete-version", summary: "delete the module of a version that no rule needs",
	usage: "-application NAME -rule NAME -version N",
	help: `
Deletes a module and makes room for another: an application keeps 100. -version is the
number of a version, or the hash of a module, 8 digits of it or more, also of one that
was never bound. The version keeps its number and its history; the same bytes uploaded
again are it again. What sluice rule log says of its decisions shows "deleted" for the
answer, and cannot be replayed any more; what it showed in the past cannot be recalled:
sluice rule download fetches the module first.

It is refused for a module that a rule of the application needs: one that decides, or
did last where the rule is off, that waits (next), that rollback leads to (previous), or
that runs as a shadow. For admins and developers of the application.

Examples:
  sluice rule delete-version -application sales -rule embargo -version 3
  sluice rule delete-version -app sales -rule embargo -version 6a1f09c2`,
	run: runRuleDelete,
}

func runRuleDelete(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	version := fs.String("version", "", "`N`, or the hash of a module, 8 digits of it or more")
	if err := r.start(args, 0, "application", "rule", "version"); err != nil {
		return err
	}
	which, err := r.versionNamed(ctx, *application, *version)
	if err != nil {
		return err
	}
	var out struct {
		DeleteRuleVersion struct {
			Number int
			Module string
		}
	}
	err = r.graphql(ctx, `mutation($a: String!, $r: String!, $v: String!) { deleteRuleVersion(application: $a, rule: $r, version: $v) { number module } }`,
		map[string]any{"a": *application, "r": *rule, "v": which}, &out)
	if err != nil {
		return err
	}
	what := "Module"
	if n := out.DeleteRuleVersion.Number; n > 0 {
		what = fmt.Sprintf("Version %d of rule %s, module", n, *rule)
	}
	fmt.Fprintf(env.Stdout, "%s %s, is deleted.\n", what, out.DeleteRuleVersion.Module)
	return nil
}
