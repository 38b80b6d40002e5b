package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice/internal/exporter"
)

var compareCommand = &command{
	name: "compare", summary: "say who would gain and lose what by a change of rights, and change nothing",
	usage: "-application NAME {-f FILE | -user ADDRESS|ID ... | -rule NAME=MODULE ... | -version N [-from N]} [flags]",
	help: `
Compares a change of rights with what is, over all people and all records that you
may see: another definition, another place of a person, another module of a custom
rule, or an earlier version of the definition. Personal data that somebody would
newly read stands on top. Nothing is changed.

The change of a person names what becomes different: -role, -set, -unassign,
-deactivate or -activate. A module is named by its hash, as sluice rule list prints
it; without one the rule is switched off. -o writes every gain and loss as CSV.

Examples:
  sluice compare -application sales -f orders.yaml
  sluice compare -application sales -user bob@acme.example -role "Sales Manager"
  sluice compare -application sales -user bob@acme.example -unassign -o rows.csv
  sluice compare -application sales -rule embargo=6a1f... -json
  sluice compare -application sales -version 3 -from 2`,
	run: runCompare,
}

func runCompare(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	p := proposalFlags(fs)
	o := planFlags(fs)
	if err := c.parse(fs, args, 0, "application"); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return err
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	input, err := p.input(ctx, r, *application)
	if err != nil {
		return err
	}
	id, err := p.start(ctx, env, r, *application, input)
	if err != nil {
		return err
	}
	d, err := r.awaitDifference(ctx, id)
	if err != nil {
		return err
	}
	return o.show(ctx, r, d, "")
}

// proposal are the flags that say what is compared.
type proposal struct {
	file, user, role, set        *string
	allowDrop, unassign, on, off *bool
	version, from                *uint
	rules                        texts
}

func proposalFlags(fs *flag.FlagSet) *proposal {
	p := &proposal{
		file: fs.String("f", "", "`FILE` with a definition in YAML, - for standard input"), allowDrop: fs.Bool("allow-drop", false, "permit that fields and forms with data go away"),
		user: fs.String("user", "", "sign-in address or id, `ADDRESS|ID`, of a person whose place changes"), role: fs.String("role", "", "`ROLE` that the person would have"),
		set: fs.String("set", "", "permission `SET` that the person would have"), unassign: fs.Bool("unassign", false, "the person would have no place"),
		on: fs.Bool("activate", false, "the person would be activated"), off: fs.Bool("deactivate", false, "the person would be deactivated"),
		version: fs.Uint("version", 0, "`NUMBER` of an earlier version of the definition"), from: fs.Uint("from", 0, "`NUMBER` of the version to compare with (default the active one)"),
	}
	fs.Var(&p.rules, "rule", "`NAME=MODULE` of a custom rule, or NAME= for none; may be repeated")
	return p
}

func (p *proposal) check() error {
	person := *p.role != "" || *p.set != "" || *p.unassign || *p.on || *p.off
	switch {
	case *p.user == "" && person:
		return badUsage("compare: -role, -set, -unassign, -activate and -deactivate go with -user")
	case *p.user != "" && !person:
		return badUsage("compare: -user goes with -role, -set, -unassign, -activate or -deactivate")
	case *p.unassign && (*p.role != "" || *p.set != ""), *p.on && *p.off:
		return badUsage("compare: the flags of the person contradict each other")
	case *p.file == "" && *p.user == "" && len(p.rules) == 0 && *p.version == 0:
		return badUsage("compare: expected -f, -user, -rule or -version")
	case *p.file != "" && (*p.version != 0 || *p.from != 0 || *p.user != "" || len(p.rules) > 0):
		return badUsage("compare: -f stands alone")
	}
	return nil
}

// input is the change as the API takes it; a definition is sent by itself.
func (p *proposal) input(ctx context.Context, r *remote, application string) (map[string]any, error) {
	in := map[string]any{}
	if *p.version != 0 {
		in["version"] = *p.version
	}
	if *p.from != 0 {
		in["from"] = *p.from
	}
	var rules []map[string]any
	for _, text := range p.rules {
		name, module, ok := strings.Cut(text, "=")
		if !ok {
			return nil, badUsage("compare: -rule: expected NAME=MODULE")
		}
		rule := map[string]any{"rule": name}
		if module != "" {
			hash, err := r.moduleNamed(ctx, "rule", application, module)
			if err != nil {
				return nil, err
			}
			rule["module"] = hash
		}
		rules = append(rules, rule)
	}
	if rules != nil {
		in["rules"] = rules
	}
	if *p.user == "" {
		return in, nil
	}
	id, err := r.person(ctx, "user", *p.user)
	if err != nil {
		return nil, err
	}
	place := map[string]any{"user": id, "unassign": *p.unassign}
	if *p.role != "" {
		place["role"] = *p.role
	}
	if *p.set != "" {
		place["permissionSet"] = *p.set
	}
	if *p.on || *p.off {
		place["active"] = *p.on
	}
	in["assignments"] = []any{place}
	return in, nil
}

func (p *proposal) start(ctx context.Context, env *Env, r *remote, application string, input map[string]any) (string, error) {
	if *p.file != "" {
		name, id, err := r.compareFile(ctx, env, *p.file, *p.allowDrop)
		if err == nil && name != application {
			err = fmt.Errorf("-application: the definition is of application %s", name)
		}
		return id, err
	}
	var out struct {
		CompareAccess struct{ Difference struct{ ID string } }
	}
	err := r.graphql(ctx, `mutation($a: String!, $i: CompareAccessInput!) { compareAccess(application: $a, input: $i) { difference { id } } }`,
		map[string]any{"a": application, "i": input}, &out)
	return out.CompareAccess.Difference.ID, err
}

// compareFile begins to compare a definition.
func (r *remote) compareFile(ctx context.Context, env *Env, file string, drop bool) (application, id string, err error) {
	source, err := readInput(env, file)
	if err != nil {
		return "", "", err
	}
	path := "/definition/compare?allowDrop=" + strconv.FormatBool(drop)
	status, answer, err := r.exchange(ctx, http.MethodPost, path, "application/yaml", source)
	if err != nil {
		return "", "", err
	}
	var out struct {
		Application, Difference string
		Faults                  []finding
	}
	switch {
	case json.Unmarshal(answer, &out) != nil:
	case status == http.StatusAccepted && out.Difference != "":
		return out.Application, out.Difference, nil
	case status == http.StatusUnprocessableEntity && len(out.Faults) > 0:
		printFindings(env.Stderr, file, out.Faults)
		return "", "", fmt.Errorf("%s: the definition has faults (%d)", file, len(out.Faults))
	}
	return "", "", r.unexpected(status, answer)
}

// awaitDifference asks until a difference is done, shows how far it is, and cancels
// it when it is interrupted.
func (r *remote) awaitDifference(ctx context.Context, id string) (*difference, error) {
	terminal := isTerminal(r.env.Stderr)
	wait := 20 * time.Millisecond
	for {
		d, err := r.difference(ctx, id)
		if err == nil && d.State == "RUNNING" {
			if p := d.Progress; terminal && p != nil {
				fmt.Fprintf(unguarded(r.env.Stderr), "\rcompared %d of %d records", p.Done, p.Total)
			}
			wait = min(2*wait, time.Second)
			select {
			case <-time.After(wait):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if terminal {
			fmt.Fprint(unguarded(r.env.Stderr), "\r\x1b[K")
		}
		if ctx.Err() != nil {
			stop := context.WithoutCancel(ctx)
			return nil, errors.Join(err, r.graphql(stop, `mutation($i: ID!) { cancelDifference(id: $i) { difference { id } } }`, map[string]any{"i": id}, nil))
		}
		if err == nil && d.State != "DONE" {
			err = fmt.Errorf("the difference is %s: %s", d.State, firstOf(d.Reason, "somebody ended it"))
		}
		return d, err
	}
}

func (r *remote) difference(ctx context.Context, id string) (*difference, error) {
	var out struct{ AccessDifference json.RawMessage }
	if err := r.graphql(ctx, differenceQuery, map[string]any{"i": id}, &out); err != nil {
		return nil, err
	}
	d := &difference{raw: out.AccessDifference}
	if err := json.Unmarshal(out.AccessDifference, d); err != nil {
		return nil, err
	}
	if d.ID == "" {
		return nil, fmt.Errorf("there is no difference %s, or you may not see it", id)
	}
	return d, nil
}

// planOptions say how a difference is printed.
type planOptions struct {
	json *bool
	out  *string
}

func planFlags(fs *flag.FlagSet) *planOptions {
	return &planOptions{
		json: fs.Bool("json", false, "print the difference as JSON"),
		out:  fs.String("o", "", "`FILE` to write every gain and loss to, as CSV"),
	}
}

// show prints a difference that is done; next says what to do with it.
func (o *planOptions) show(ctx context.Context, r *remote, d *difference, next string) error {
	if *o.json {
		if err := printJSON(r.env.Stdout, d.raw); err != nil {
			return err
		}
	} else {
		d.print(r.env.Stdout)
		d.printCosts(r.env.Stdout)
		fmt.Fprint(r.env.Stdout, next)
	}
	if d.Result != nil && len(d.Result.Faults) > 0 {
		printFindings(r.env.Stderr, "definition", d.Result.Faults)
		return fmt.Errorf("the definition has faults (%d) and would be refused", len(d.Result.Faults))
	}
	if *o.out == "" {
		return nil
	}
	if d.Download == "" {
		return fmt.Errorf("-o: the difference of somebody else has no rows for you")
	}
	return r.save(ctx, d.Download, *o.out, "row", func(resp *http.Response, to io.Writer) (int, error) {
		return r.receiveDifference(resp, to)
	})
}

// sameTrailer says whether the rows of a difference are those that were compared.
const sameTrailer = "Sluice-Same"

// receiveDifference copies the rows of a difference and warns where they are not
// what was compared.
func (r *remote) receiveDifference(resp *http.Response, to io.Writer) (int, error) {
	rows, err := r.receive(resp, to, exporter.CSV)
	if err == nil && resp.Trailer.Get(sameTrailer) != "true" {
		fmt.Fprintln(r.env.Stderr, "Warning: records were changed while or since this was compared: the rows are those of now, not what is shown. Compare again.")
	}
	return rows, err
}

var compareReviewCommand = &command{
	name: "compare review", summary: "look at somebody else's change of rights with your own eyes",
	usage: "ID",
	help: `
Compares the change of somebody else's difference anew, as you see the records.
For admins other than the one who asked for it. After it, sluice compare approve
says that the change may be made.

Examples:
  sluice compare review 0199...
  sluice compare approve 0199...`,
	run: runCompareReview,
}

func runCompareReview(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	o := planFlags(fs)
	id, err := r.startAt(args, "difference")
	if err != nil {
		return err
	}
	var out struct {
		ReviewDifference struct{ Difference struct{ ID string } }
	}
	err = r.graphql(ctx, `mutation($i: ID!) { reviewDifference(id: $i) { difference { id } } }`, map[string]any{"i": id}, &out)
	if err != nil {
		return err
	}
	d, err := r.awaitDifference(ctx, out.ReviewDifference.Difference.ID)
	if err != nil {
		return err
	}
	return o.show(ctx, r, d, "\nTo approve of exactly this:\n  sluice compare approve "+id+"\n")
}

var compareApproveCommand = &command{
	name: "compare approve", summary: "approve of somebody else's change that exposes personal data",
	usage: "ID",
	help: `
Says that the change of somebody else's difference, which you have looked at with
sluice compare review, may be made. Nobody approves of a change of their own. The
approval holds for the same change, and while people, definitions and what the
change gives and takes stay the same.

Examples:
  sluice compare approve 0199...`,
	run: runCompareApprove,
}

func runCompareApprove(ctx context.Context, env *Env, c *command, args []string) error {
	_, r := c.client(env)
	id, err := r.startAt(args, "difference")
	if err != nil {
		return err
	}
	var out struct {
		ApproveDifference struct {
			Difference struct{ Asker struct{ Name string } }
		}
	}
	err = r.graphql(ctx, `mutation($i: ID!) { approveDifference(id: $i) { difference { asker { name } } } }`, map[string]any{"i": id}, &out)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Approved. %s or you may now make the change, with -difference %s\n", firstOf(out.ApproveDifference.Difference.Asker.Name, "Whoever asked for it"), id)
	return nil
}

var compareListCommand = &command{
	name: "compare list", summary: "list the differences of an application",
	usage: "-application NAME",
	help: `
Lists the differences that you asked for, and for admins those of others, the
newest first.

Examples:
  sluice compare list -application sales`,
	run: runCompareList,
}

func runCompareList(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	var out struct {
		AccessDifferences []struct {
			ID, State, Of string
			Started       time.Time
			Asker         struct{ Name string }
			Approval      *struct{ By struct{ Name string } }
		}
	}
	err := r.graphql(ctx, `query($a: String!) { accessDifferences(application: $a) { id state of started asker { name } approval { by { name } } } }`,
		map[string]any{"a": *application}, &out)
	if err != nil {
		return err
	}
	t := newTable(env.Stdout, "ID", "STARTED", "STATE", "ASKED BY", "APPROVED BY", "REVIEW OF")
	for _, d := range out.AccessDifferences {
		by := ""
		if d.Approval != nil {
			by = d.Approval.By.Name
		}
		t.row(d.ID, d.Started.Format(time.RFC3339), d.State, dash(d.Asker.Name), dash(by), dash(d.Of))
	}
	return t.flush()
}

// planned is apply -plan: what the definition would give and take, and how to apply
// exactly this.
func (r *remote) planned(ctx context.Context, env *Env, file string, drop bool, o *planOptions) error {
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	_, id, err := r.compareFile(ctx, env, file, drop)
	if err != nil {
		return err
	}
	d, err := r.awaitDifference(ctx, id)
	if err != nil {
		return err
	}
	next := "\nNothing was changed. To apply exactly this:\n  sluice apply -f " + file
	if drop {
		next += " -allow-drop"
	}
	next += " -difference " + id + "\n"
	if d.Exposes {
		next += "Where the server asks for approval of newly exposed personal data, another admin first runs:\n  sluice compare review " + id + "\n  sluice compare approve " + id + "\n"
	}
	return o.show(ctx, r, d, next)
}

// withDifference adds the query parameter of a difference.
func withDifference(path, id string) string {
	if id == "" {
		return path
	}
	return path + "?difference=" + url.QueryEscape(id)
}
