package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var ruleVersionsCommand = &command{
	name: "rule versions", summary: "list the versions of a custom rule, or what was done with them",
	usage: "-application NAME -rule NAME [-events] [-json]",
	help: `
Lists the modules that were ever bound to a custom rule, the newest first, with who
bound each first. A version keeps its number for good. STATE says which one decides
(active), which one waits for sluice rule activate (next), where sluice rule rollback
leads (previous), which one stands in for the active one while that is in quarantine
(fallback), and that it does now (decides), which are not asked for their faults
(quarantine), and of which the module is gone (deleted). -events lists instead what was done with them, by whom and
when, the last first. For admins and developers of the application.

Examples:
  sluice rule versions -application sales -rule embargo
  sluice rule versions -app sales -rule embargo -events`,
	run: runRuleVersions,
}

const ruleVersionsQuery = `query($a: String!, $r: String!, $after: String) { ruleVersions(application: $a, rule: $r, first: 200, after: $after) {
  nodes { number module label size deleted active next previous fallback standsIn ` + quarantineFields + ` bound { by displayName at } } pageInfo { hasNextPage endCursor } } }`

const ruleEventsQuery = `query($a: String!, $r: String!, $after: String) { ruleEvents(application: $a, rule: $r, first: 200, after: $after) {
  nodes { number act version module stamp { by displayName at } } pageInfo { hasNextPage endCursor } } }`

type ruleStamp struct {
	By, DisplayName string
	At              time.Time
}

// who is a name, or the id of somebody without one.
func (s *ruleStamp) who() string {
	if s == nil {
		return "-"
	}
	return dash(firstOf(s.DisplayName, s.By))
}

func (s *ruleStamp) when() string {
	if s == nil {
		return "-"
	}
	return s.At.UTC().Format(time.RFC3339)
}

type ruleVersion struct {
	Number, Size           int
	Module, Label          string
	Active, Next, Previous bool
	Fallback, StandsIn     bool
	Deleted                bool
	Bound                  *ruleStamp
	Quarantine             *quarantine
}

func (v *ruleVersion) state() string {
	var out []string
	for _, s := range []struct {
		is   bool
		name string
	}{{v.Active, "active"}, {v.Next, "next"}, {v.Previous, "previous"}, {v.Fallback, "fallback"}, {v.StandsIn, "decides"}, {v.Quarantine != nil, "quarantine"}, {v.Deleted, "deleted"}} {
		if s.is {
			out = append(out, s.name)
		}
	}
	return dash(strings.Join(out, ", "))
}

type ruleEvent struct {
	Number, Version int
	Act, Module     string
	Stamp           *ruleStamp
}

func runRuleVersions(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	events := fs.Bool("events", false, "list what was done with the versions")
	raw := jsonFlag(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "r": *rule}
	if *events {
		return printRuleEvents(ctx, r, variables, *raw)
	}
	t := newTable(env.Stdout, "VERSION", "STATE", "BOUND", "BY", "BYTES", "LABEL", "MODULE")
	err := pagesOf(ctx, r, ruleVersionsQuery, "ruleVersions", variables, *raw, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var p struct {
			Nodes    []ruleVersion
			PageInfo pageEnd
		}
		err := json.Unmarshal(page, &p)
		for _, v := range p.Nodes {
			t.row(v.Number, v.state(), v.Bound.when(), v.Bound.who(), v.Size, dash(v.Label), v.Module)
		}
		return p.PageInfo, err
	})
	if *raw || err != nil {
		return err
	}
	return t.flush()
}

func printRuleEvents(ctx context.Context, r *remote, variables map[string]any, raw bool) error {
	t := newTable(r.env.Stdout, "EVENT", "AT", "BY", "ACT", "VERSION", "MODULE")
	err := pagesOf(ctx, r, ruleEventsQuery, "ruleEvents", variables, raw, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var p struct {
			Nodes    []ruleEvent
			PageInfo pageEnd
		}
		err := json.Unmarshal(page, &p)
		for _, e := range p.Nodes {
			t.row(e.Number, e.Stamp.when(), e.Stamp.who(), strings.ToLower(strings.ReplaceAll(e.Act, "_", " ")), e.Version, e.Module)
		}
		return p.PageInfo, err
	})
	if raw || err != nil {
		return err
	}
	return t.flush()
}

var ruleRollbackCommand = &command{
	name: "rule rollback", summary: "let an earlier version of a custom rule decide again",
	usage: "-application NAME -rule NAME [-version N] [-difference ID]",
	help: `
Lets an earlier version of a custom rule decide, from the next request on: without
-version the one that decided before (so twice leads back to where it began). Nothing
has to be uploaded. It is refused as an activation would be, where a permission test
fails then, and where the version does not fit the definition of now. -difference
names what sluice compare -rule showed of exactly this.

Examples:
  sluice rule rollback -application sales -rule embargo
  sluice rule rollback -app sales -rule embargo -version 3`,
	run: runRuleRollback,
}

func runRuleRollback(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	version := versionFlag(fs, "`N`: the version that is to decide (default the one before)")
	compared := differenceFlag(fs, "`ID` of the difference that was shown")
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	r.doing = doingTests
	variables := map[string]any{"a": *application, "r": *rule}
	if *version != 0 {
		variables["v"] = *version
	}
	if *compared != "" {
		variables["d"] = *compared
	}
	var out struct {
		RollbackRule struct{ Rule struct{ Module string } }
	}
	err := r.graphql(ctx, `mutation($a: String!, $r: String!, $v: Int, $d: ID) { rollbackRule(application: $a, rule: $r, version: $v, difference: $d) { rule { module } } }`, variables, &out)
	if err != nil {
		return err
	}
	module := out.RollbackRule.Rule.Module
	named := "" // what was done is done, whether or not its number can be read
	if v, err := r.versionWith(ctx, *application, *rule, func(v *ruleVersion) bool { return v.Module == module }); err == nil && v != nil {
		named = fmt.Sprintf(", version %d", v.Number)
	}
	fmt.Fprintf(env.Stdout, "Rule %s is active with module %s%s.\n", *rule, module, named)
	return nil
}

// versionWith is the newest version of a rule that is meant, nil for none.
func (r *remote) versionWith(ctx context.Context, application, rule string, is func(*ruleVersion) bool) (*ruleVersion, error) {
	var found *ruleVersion
	err := pagesOf(ctx, r, ruleVersionsQuery, "ruleVersions", map[string]any{"a": application, "r": rule}, false, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var p struct {
			Nodes    []ruleVersion
			PageInfo pageEnd
		}
		err := json.Unmarshal(page, &p)
		for i := range p.Nodes {
			if is(&p.Nodes[i]) {
				found = &p.Nodes[i]
				return pageEnd{}, nil
			}
		}
		return p.PageInfo, err
	})
	return found, err
}

var ruleDownloadCommand = &command{
	name: "rule download", summary: "fetch the module of a version, as it was uploaded",
	usage: "-application NAME -rule NAME -version N [-o FILE]",
	help: `
Fetches a module as it was uploaded, manifest inside. -version is the number of a
version or the hash of its module, 8 digits of it or more. For admins and developers of the application.

Examples:
  sluice rule download -application sales -rule embargo -version 3 -o embargo.wasm
  sluice rule download -app sales -rule embargo -version 3 | sha256sum`,
	run: runRuleDownload,
}

func runRuleDownload(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	version := fs.String("version", "", "`N`, or the hash of a module, 8 digits of it or more")
	out := fs.String("o", "", "`FILE` to write (default standard output); one that exists is replaced")
	if err := r.start(args, 0, "application", "rule", "version"); err != nil {
		return err
	}
	which, err := r.versionNamed(ctx, *application, *version)
	if err != nil {
		return err
	}
	path := "/apps/" + url.PathEscape(*application) + "/rules/" + url.PathEscape(*rule) + "/versions/" + url.PathEscape(which)
	return r.save(ctx, path, *out, "byte", func(resp *http.Response, to io.Writer) (int, error) {
		n, err := io.Copy(to, resp.Body)
		if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
			err = io.ErrUnexpectedEOF
		}
		return int(n), err
	})
}

// ruleFlags adds the flags of a command about one rule.
func (r *remote) ruleFlags(fs *flag.FlagSet) (application, rule *string) {
	r.application = fs.String("application", "", "`NAME` of the application")
	r.rule = fs.String("rule", "", "`NAME` of the custom rule")
	return r.application, r.rule
}
