package command

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/rules"
	"sluice/rules/authoring"
)

var ruleLogCommand = &command{
	name: "rule log", summary: "what a custom rule decided, and what went wrong",
	usage: "-application NAME -rule NAME [-faults | -decisions] [-n MANY] [-json]",
	help: `
Lists what a custom rule did, the newest first: faults, and samples of its decisions.
For admins and developers who hold the tool EXPLAIN; the look is written down. A
record that you do not see, or that is gone, leaves a line with - and nothing of what
was decided. A rule keeps 500 faults and 500 decisions; what was dropped is said below,
and why the rule is in quarantine, if it is.

ANSWER is "deleted" where the module is: what it answered cannot be told any more.

FUEL is what the whole question spent, OF the number of its records. "rule replay"
takes an ENTRY and puts its question again on this machine.

Examples:
  sluice rule log -application sales -rule same-team-open-orders
  sluice rule log -app sales -rule same-team-open-orders -faults -n 20`,
	run: runRuleLog,
}

type ruleEntry struct {
	ID, Module, Fault, Form, Record, Answer, ReasonText string
	Time                                                time.Time
	Version, Reason, Asked                              int
	Fuel                                                int64
	Viewer                                              *looker
}

const ruleEntryFields = `id time module fault form record version viewer { id displayName } answer reason reasonText fuel asked`

const ruleLogQuery = `query($a: String!, $r: String!, $k: RuleLogKind, $after: String) { ruleLog(application: $a, rule: $r, kind: $k, first: 200, after: $after) {
	nodes { ` + ruleEntryFields + ` } pageInfo { hasNextPage endCursor } droppedCount lostCount ` + quarantineFields + ` ` + fallbackFields + ` } }`

func runRuleLog(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	faults := fs.Bool("faults", false, "faults only")
	decisions := fs.Bool("decisions", false, "decisions only")
	count := countFlag(fs)
	raw := jsonFlag(fs)
	if err := r.start(args, 0, "application", "rule"); err != nil {
		return err
	}
	if *faults && *decisions {
		return badUsage("-faults, -decisions: expected one of them, or neither for both")
	}
	variables := map[string]any{"a": *application, "r": *rule}
	if *faults || *decisions {
		variables["k"] = map[bool]string{true: "FAULTS", false: "DECISIONS"}[*faults]
	}
	return r.printRuleLog(ctx, variables, *count, *raw)
}

func (r *remote) printRuleLog(ctx context.Context, variables map[string]any, count int, raw bool) error {
	t := newTable(r.env.Stdout, "TIME", "ENTRY", "RECORD", "VERSION", "FOR", "ANSWER", "REASON", "FUEL", "OF", "MODULE")
	printed, note := 0, ""
	var held *quarantine
	var instead *fallback
	var gone []string // modules that are deleted
	err := pagesOf(ctx, r, ruleLogQuery, "ruleLog", variables, raw, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var x struct {
			Nodes                   []ruleEntry
			PageInfo                pageEnd
			DroppedCount, LostCount int
			Quarantine              *quarantine
			Fallback                *fallback
		}
		if err := json.Unmarshal(page, &x); err != nil {
			return pageEnd{}, err
		}
		held, instead = x.Quarantine, x.Fallback
		note = fmt.Sprintf("\n%d older entries were dropped, %d could not be kept.\n", x.DroppedCount, x.LostCount)
		for _, n := range x.Nodes {
			if count > 0 && printed == count {
				return pageEnd{}, nil
			}
			n.row(t)
			if n.deleted() && !slices.Contains(gone, n.Module) {
				gone = append(gone, n.Module)
			}
			printed++
		}
		return x.PageInfo, nil
	})
	if err != nil || raw {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	if printed == 0 {
		fmt.Fprint(r.env.Stdout, nothingLogged(variables["k"]))
	}
	if err := r.printGone(ctx, gone); err != nil {
		return err
	}
	_, err = fmt.Fprint(r.env.Stdout, note)
	held.print(r.env.Stdout, *r.application, *r.rule, instead)
	return err
}

// nothingLogged says why a log is empty and what fills it.
func nothingLogged(kind any) string {
	if kind == "FAULTS" {
		return "No fault is logged.\n"
	}
	return "No decision is logged. A rule is asked when a user whom it concerns, and who is no admin or\n" +
		"developer, reads or writes records of its form through the API: query them as such a user,\n" +
		"then look again.\n"
}

// printGone says which versions the deleted modules were whose answers are not told.
func (r *remote) printGone(ctx context.Context, gone []string) error {
	if len(gone) == 0 {
		return nil
	}
	numbers := map[string]int{}
	err := pagesOf(ctx, r, ruleVersionsQuery, "ruleVersions", map[string]any{"a": *r.application, "r": *r.rule}, false, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var p struct {
			Nodes    []ruleVersion
			PageInfo pageEnd
		}
		err := json.Unmarshal(page, &p)
		for _, v := range p.Nodes {
			numbers[v.Module] = v.Number
		}
		return p.PageInfo, err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(r.env.Stdout)
	for _, module := range gone {
		fmt.Fprintf(r.env.Stdout, "Module %s was version %d, which is deleted: what it answered cannot be told or replayed any more.\n", short(module), numbers[module])
	}
	return nil
}

// deleted reports whether an entry is of a module that is deleted, by which answers
// are read.
func (n *ruleEntry) deleted() bool { return n.Record != "" && n.Fault == "" && n.Answer == "" }

func (n *ruleEntry) row(t *table) {
	answer := n.Answer
	switch {
	case n.Fault != "":
		answer = "fault: " + n.Fault
	case n.deleted():
		answer = "deleted"
	}
	at := n.Time.UTC().Format(time.RFC3339)
	module := dash(n.Module[:min(len(n.Module), 12)])
	if n.Record == "" {
		t.row(at, n.ID, "-", "-", "-", dash(answer), "-", "-", "-", module)
		return
	}
	t.row(at, n.ID, n.Record, n.Version, n.Viewer, dash(answer), dash(n.ReasonText), n.Fuel, n.Asked, module)
}

// checkEntry refuses what names no entry of a rule log.
func checkEntry(id string) error {
	kind, number, _ := strings.Cut(id, "-")
	if n, err := strconv.Atoi(number); err != nil || n < 1 || kind != "d" && kind != "f" {
		return badUsage("ENTRY: expected an entry as `sluice rule log` lists it, like d-12 or f-3, got %q", id)
	}
	return nil
}

var ruleReplayCommand = &command{
	name: "rule replay", summary: "put the question of an entry of the rule log again, here",
	usage: "-application NAME -rule NAME [-case] [-module FILE] ENTRY",
	help: `
Fetches the module and the input of an entry of "rule log", runs it on this machine in
the sandbox that the server uses, and says whether the answer is the same. The exit code
is 1 when it differs. You need to be allowed to read all of the input: viewer attributes
are for admins. The input is read anew; when the record or the viewer have changed since,
in what the rule reads, the server refuses.

-module asks another module about the same input, such as one that mends the fault.
-case prints the question as a case for "rule test" and runs nothing.

Fuel is compared for an entry whose question was about one record: the records of a
longer question share theirs.

Examples:
  sluice rule replay -application sales -rule same-team-open-orders f-12
  sluice rule replay -app sales -rule same-team-open-orders -module rule.wasm f-12
  sluice rule replay -app sales -rule same-team-open-orders -case d-7 >> cases.yaml`,
	run: runRuleReplay,
}

const ruleReplayQuery = `query($a: String!, $r: String!, $e: String!) { ruleReplay(application: $a, rule: $r, entry: $e) {
	moduleBytes viewer record entry { ` + ruleEntryFields + ` } } }`

// replay is what the server tells of an entry.
type replay struct {
	ModuleBytes, Viewer, Record string
	Entry                       ruleEntry
}

func runRuleReplay(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application, rule := r.ruleFlags(fs)
	other := fs.String("module", "", "`FILE` with another module to ask")
	asCase := fs.Bool("case", false, "print the question as a case, run nothing")
	if err := r.start(args, 1, "application", "rule"); err != nil {
		return err
	}
	if err := checkEntry(fs.Arg(0)); err != nil {
		return err
	}
	var out struct{ RuleReplay replay }
	if err := r.graphql(ctx, ruleReplayQuery, map[string]any{"a": *application, "r": *rule, "e": fs.Arg(0)}, &out); err != nil {
		return err
	}
	x := &out.RuleReplay
	module, err := base64.StdEncoding.DecodeString(x.ModuleBytes)
	if err != nil {
		return fmt.Errorf("the server's module: %w", err)
	}
	manifest, err := rules.ReadManifest(module)
	if err != nil {
		return said(err)
	}
	text := x.asCase(manifest)
	if *asCase {
		_, err := fmt.Fprint(env.Stdout, text)
		return err
	}
	if *other != "" {
		if module, err = os.ReadFile(*other); err != nil {
			return fmt.Errorf("-module: %w", err)
		}
		if manifest, err = rules.ReadManifest(module); err != nil {
			return said(err)
		}
	}
	cases, err := authoring.ReadCases([]byte(text), manifest)
	if err != nil {
		return said(err)
	}
	return env.replay(ctx, x, manifest, module, cases, *other != "")
}

// asCase writes an entry as a case of "rule test". JSON is YAML.
func (x *replay) asCase(m *rules.Manifest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- name: entry %s of %s\n", x.Entry.ID, x.Entry.Time.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "  viewer: %s\n  record: %s\n", x.Viewer, x.Record)
	switch {
	case x.Entry.Fault != "":
		fmt.Fprintf(&b, "  expect: {fault: %s}\n", x.Entry.Fault)
	default:
		key := map[rules.Effect]string{rules.Share: "grant", rules.Restrict: "keep", rules.Mask: "mask"}[m.Effect]
		fmt.Fprintf(&b, "  expect: {%s: %s, reason: %d}\n", key, x.Entry.Answer, x.Entry.Reason)
	}
	return b.String()
}

// replay asks a module about the input of an entry and compares.
func (env *Env) replay(ctx context.Context, x *replay, m *rules.Manifest, module []byte, cases []authoring.Case, other bool) error {
	runner, _, closeRules, err := env.Parts.NewRules()
	if err != nil {
		return err
	}
	defer func() { _ = closeRules() }() // frees memory that the process is about to give back
	results, err := authoring.Ask(ctx, runner, module, cases)
	if err != nil {
		return said(err)
	}
	got := results[0]
	if !got.OK() {
		if _, err := authoring.Report(env.Stdout, m, results); err != nil {
			return err
		}
		return fmt.Errorf("rule replay: entry %s: another answer than then", x.Entry.ID)
	}
	if !other && !got.Outside && x.Entry.Asked == 1 && x.Entry.Fuel != got.Fuel {
		return fmt.Errorf("rule replay: entry %s: the same answer with %d fuel, then %d", x.Entry.ID, got.Fuel, x.Entry.Fuel)
	}
	answer := x.Entry.Answer
	if x.Entry.Fault != "" {
		answer = "fault: " + x.Entry.Fault
	}
	_, err = fmt.Fprintf(env.Stdout, "Entry %s: the same answer, %s, with %d fuel.\n", x.Entry.ID, answer, got.Fuel)
	return err
}

var ruleStatsCommand = &command{
	name: "rule stats", summary: "what custom rules did since the server started",
	usage: "-application NAME",
	help: `
Lists for each custom rule of an application how many records it was asked about, how
many went wrong, and what it spent: in all, and per record the 50th and 99th
percentile, each to an eighth. The server counts since it started. For admins and
developers of the application.

Examples:
  sluice rule stats -application sales`,
	run: runRuleStats,
}

func runRuleStats(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	var out struct {
		RuleStats []struct {
			Rule                          string
			Asked, Fuel, FuelP50, FuelP99 float64
			Faults                        []struct {
				Kind  string
				Count float64
			}
		}
	}
	err := r.graphql(ctx, `query($a: String!) { ruleStats(application: $a) { rule asked fuel fuelP50 fuelP99 faults { kind count } } }`,
		map[string]any{"a": *application}, &out)
	if err != nil {
		return err
	}
	t := newTable(env.Stdout, "RULE", "RECORDS", "FUEL", "P50", "P99", "FAULTS")
	for _, s := range out.RuleStats {
		var faults []string
		for _, f := range s.Faults {
			faults = append(faults, fmt.Sprintf("%s %.0f", f.Kind, f.Count))
		}
		t.row(s.Rule, fmt.Sprintf("%.0f", s.Asked), fmt.Sprintf("%.0f", s.Fuel), fmt.Sprintf("%.0f", s.FuelP50), fmt.Sprintf("%.0f", s.FuelP99), dash(strings.Join(faults, ", ")))
	}
	return t.flush()
}
