package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

var hideCommand = &command{
	name: "hide", summary: "hide one's own records of a form from everybody else",
	usage: "-application NAME -form NAME -where FILTER",
	help: `
Hides those of your own records that match the filter, now and later, from
everybody else, the super admin included. It takes the place of what you hid of
the form before. For admins. Records below a hidden one, such as the lines of an
order, are hidden for themselves only: hide those of their form too.

The filter is the where of queries as JSON, over the form's own fields; {} stands
for all of your records.

Examples:
  sluice hide -application sales -form Order -where '{"status": {"eq": "cancelled"}}'
  sluice hide -application sales -form Customer -where '{}'`,
	run: runHide,
}

func runHide(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`NAME` of the form")
	where := fs.String("where", "", "`FILTER` of what is hidden, as JSON")
	if err := c.parse(fs, args, 0, "application", "form", "where"); err != nil {
		return err
	}
	var filter map[string]json.RawMessage
	if err := json.Unmarshal([]byte(*where), &filter); err != nil || filter == nil {
		return badUsage("hide: -where: expected a JSON object such as {\"title\": {\"eq\": \"x\"}}, or {} for every record")
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	var out struct{ HideRecords struct{ Hidden hidden } }
	err := r.graphql(ctx, `mutation($a: String!, $f: String!, $w: Filter!) { hideRecords(application: $a, form: $f, where: $w) { hidden { form where } } }`,
		map[string]any{"a": *application, "f": *form, "w": filter}, &out)
	if err != nil {
		return err
	}
	h := out.HideRecords.Hidden
	fmt.Fprintf(env.Stdout, "Your records of %s that match %s are hidden.\n", h.Form, h.Where)
	return nil
}

var unhideCommand = &command{
	name: "unhide", summary: "show them again",
	usage: "-application NAME -form NAME [-owner ID]",
	help: `
Shows the records again that you hide. The super admin names whose records, as
sluice hidden lists them, once their owner is no active admin any more.

Examples:
  sluice unhide -application sales -form Order
  sluice unhide -application sales -form Order -owner 0199...`,
	run: runUnhide,
}

func runUnhide(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`NAME` of the form")
	owner := fs.String("owner", "", "`ID` of the owner; your own records when left out")
	if err := r.start(args, 0, "application", "form"); err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "f": *form}
	if *owner != "" {
		variables["u"] = *owner
	}
	err := r.graphql(ctx, `mutation($a: String!, $f: String!, $u: ID) { unhideRecords(application: $a, form: $f, user: $u) { hidden { form } } }`, variables, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "They are shown again.\n")
	return nil
}

var hiddenCommand = &command{
	name: "hidden", summary: "list what one hides",
	usage: "-application NAME",
	help: `
Lists what you hide of your own records; for the super admin also what others hid
who are no active admins any more. For admins.

STATE is "lapsed" where the owner is no active admin any more, and "broken" where
a field of the filter is gone: every record of the owner is hidden then.

Examples:
  sluice hidden -application sales`,
	run: runHidden,
}

// hidden is what the server tells of a hide.
type hidden struct {
	Form, Owner, OwnerName, Since string
	Where                         json.RawMessage
	Broken, Lapsed                bool
}

func (h *hidden) state() string {
	var words []string
	if h.Lapsed {
		words = append(words, "lapsed")
	}
	if h.Broken {
		words = append(words, "broken")
	}
	return strings.Join(words, ",")
}

func runHidden(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	var out struct{ HiddenRecords []hidden }
	err := r.graphql(ctx, `query($a: String!) { hiddenRecords(application: $a) { form owner ownerName where since broken lapsed } }`, map[string]any{"a": *application}, &out)
	if err != nil {
		return err
	}
	t := newTable(env.Stdout, "FORM", "OWNER", "ID", "SINCE", "STATE", "FILTER")
	for _, h := range out.HiddenRecords {
		t.row(h.Form, dash(h.OwnerName), h.Owner, h.Since, dash(h.state()), string(h.Where))
	}
	return t.flush()
}
