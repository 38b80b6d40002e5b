package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

var ruleShadowCommand = &command{
	name: "rule shadow", summary: "let the next version of a custom rule run beside the deciding one",
	usage: "-application NAME -rule NAME {[-module HASH] [-hours N] | -report [-json] | -stop}",
	help: `
Lets an uploaded module run beside the one that decides, on samples of what people
ask, and writes down where the two say otherwise. It decides nothing, and what it
does wrong or spends is nobody's but its own. It ends by itself after -hours, 168 at
most, and as soon as another module, or none, decides. Without -module it is the one
that is bound and waits for activation. 8 run at once in an organization. Beside a rule
that is off, or in quarantine, it is compared with what such a rule does.

-report prints what was found, of records that you may see: it takes the tool
COMPARE, as beginning does. -stop ends it and forgets what was found.

Examples:
  sluice rule shadow -application sales -rule embargo -hours 24
  sluice rule shadow -application sales -rule embargo -module 6a1f09c2
  sluice rule shadow -app sales -rule embargo -report
  sluice rule shadow -app sales -rule embargo -report -json
  sluice rule shadow -application sales -rule embargo -stop`,
	run: runRuleShadow,
}

func runRuleShadow(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	module := fs.String("module", "", "`HASH` of the module, 8 digits or more (default the one that waits for activation)")
	hours := numberFlag(fs, "hours", 24, 1, 168, "`NUMBER` of hours, 1 to 168")
	report := fs.Bool("report", false, "print what was found")
	stop := fs.Bool("stop", false, "end it")
	raw := jsonFlag(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "r": *rule}
	switch {
	case *report && *stop:
		return badUsage("rule shadow: -report and -stop contradict each other")
	case (*report || *stop) && begins(fs):
		return badUsage("rule shadow: -module and -hours are for one that begins, not for -report and -stop")
	case *raw && !*report:
		return badUsage("rule shadow: -json is for -report")
	case *stop:
		if err := r.graphql(ctx, `mutation($a: String!, $r: String!) { unshadowRule(application: $a, rule: $r) { shadow { rule } } }`, variables, nil); err != nil {
			return err
		}
		fmt.Fprintf(env.Stdout, "Nothing runs beside rule %s.\n", *rule)
		return nil
	case *report:
		return r.reportShadow(ctx, variables, *raw)
	}
	which, err := r.shadowModule(ctx, *application, *rule, *module)
	if err != nil {
		return err
	}
	variables["m"], variables["h"] = which, *hours
	var out struct {
		ShadowRule struct{ Shadow struct{ Until time.Time } }
	}
	err = r.graphql(ctx, `mutation($a: String!, $r: String!, $m: String!, $h: Int!) { shadowRule(application: $a, rule: $r, module: $m, hours: $h) { shadow { until } } }`, variables, &out)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Module %s runs beside rule %s until %s, and decides nothing.\nTo see what it says otherwise:\n  sluice rule shadow -application %s -rule %s -report\n",
		short(which), *rule, out.ShadowRule.Shadow.Until.Format(time.RFC3339), *application, *rule)
	if now, err := r.ruleNamed(ctx, *application, *rule); err == nil && !now.Active {
		fmt.Fprintf(env.Stdout, "The rule is off: it is compared with what that does, as %s.\n", offWords[now.Effect])
	}
	return nil
}

// shadowModule is the module that runs beside the one that decides.
func (r *remote) shadowModule(ctx context.Context, application, rule, given string) (string, error) {
	if given == "" {
		return r.boundModule(ctx, application, rule)
	}
	return r.moduleNamed(ctx, "module", application, given)
}

// begins reports whether flags are given that only the beginning of a shadow has.
func begins(fs *flag.FlagSet) (found bool) {
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == "module" || f.Name == "hours" })
	return found
}

// short is enough of a hash to tell it.
func short(hash string) string { return hash[:min(12, len(hash))] }

// shadowFound is what the server tells of a shadow.
type shadowFound struct {
	Rule, Module                        string
	Until                               time.Time
	Running                             bool
	Compared, More, Less, Other, Failed int
	Faults                              []faultCount
	Samples                             []struct {
		Kind, Record     string
		Viewer           samplePerson
		Deciding, Shadow shadowVerdict
	}
}

type shadowVerdict struct {
	Grant, Fault *string
	Through      *bool
	Hidden       []string
}

func (r *remote) reportShadow(ctx context.Context, variables map[string]any, raw bool) error {
	var out struct{ RuleShadow json.RawMessage }
	err := r.graphql(ctx, `query($a: String!, $r: String!) { ruleShadow(application: $a, rule: $r) { rule module until running compared more less other failed
  faults { kind count } samples { kind record viewer { id name } deciding { ...v } shadow { ...v } } } }
fragment v on RuleVerdict { grant through hidden fault }`, variables, &out)
	if err != nil {
		return err
	}
	var found *shadowFound
	if err := json.Unmarshal(out.RuleShadow, &found); err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("-rule: nothing runs beside %s; begin with sluice rule shadow", variables["r"])
	}
	if raw {
		return printJSON(r.env.Stdout, out.RuleShadow)
	}
	return found.print(r.env.Stdout)
}

func (s *shadowFound) print(w io.Writer) error {
	state := "until"
	if !s.Running {
		state = "over since"
	}
	fmt.Fprintf(w, "Module %s beside rule %s, %s %s\n", short(s.Module), s.Rule, state, s.Until.Format(time.RFC3339))
	fmt.Fprintf(w, "%s of a viewer and a record: more access %d, less %d, other fields hidden %d, failed %d\n",
		plural(s.Compared, "pair", "pairs"), s.More, s.Less, s.Other, s.Failed)
	if text := faultsNamed(s.Faults); text != "" {
		fmt.Fprintf(w, "WENT WRONG: %s\n", text)
	}
	if len(s.Samples) == 0 {
		return nil
	}
	t := newTable(w, "KIND", "RECORD", "VIEWER", "DECIDING", "SHADOW")
	for _, x := range s.Samples {
		t.row(x.Kind, x.Record, firstOf(x.Viewer.Name, x.Viewer.ID), x.Deciding.text(), x.Shadow.text())
	}
	return t.flush()
}

// text says what a verdict does.
func (v *shadowVerdict) text() string {
	text := "shows all"
	switch {
	case v.Grant != nil:
		text = strings.ToLower(*v.Grant)
	case v.Through != nil && *v.Through:
		text = "in"
	case v.Through != nil:
		text = "out"
	case len(v.Hidden) > 0:
		text = "hides " + strings.Join(v.Hidden, ", ")
	}
	if v.Fault != nil {
		text += " (" + *v.Fault + ")"
	}
	return text
}
