package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const toolList = `
  EXPLAIN  why a person may or may not see a record
  VIEW_AS  read as another person; takes a sign-in, not a personal token
  REVIEW   who sees a record, what a person sees, and the table of all
  COMPARE  what a change of rights would give and take
  RECALL   who could see a record in the past`

var userGrantCommand = &command{
	name: "user grant", summary: "let a developer or an admin look through others' eyes",
	usage: "-application NAME -email ADDRESS -tool TOOL [-tool TOOL ...]",
	help: `
Gives a developer of an application tools that look through other people's eyes.
Each is a right of its own, and every use is written down: sluice looks shows it.
Tools end with the place in the application. Admins hold all tools already, unless
the super admin took one; the super admin gives it back with this command.
` + toolList + `

Examples:
  sluice user grant -application sales -email eve@acme.example -tool EXPLAIN
  sluice user grant -application sales -email eve@acme.example -tool REVIEW -tool COMPARE`,
	run: func(ctx context.Context, env *Env, c *command, args []string) error {
		return runUserTools(ctx, env, c, args, "grantTools")
	},
}

var userUngrantCommand = &command{
	name: "user ungrant", summary: "take such tools away again",
	usage: "-application NAME -email ADDRESS -tool TOOL [-tool TOOL ...]",
	help: `
Takes tools from a developer of an application, or, for the super admin, from an
admin, who then goes without them in that application.
` + toolList + `

Examples:
  sluice user ungrant -application sales -email eve@acme.example -tool REVIEW
  sluice user ungrant -application sales -email jo@acme.example -tool VIEW_AS`,
	run: func(ctx context.Context, env *Env, c *command, args []string) error {
		return runUserTools(ctx, env, c, args, "revokeTools")
	},
}

func runUserTools(ctx context.Context, env *Env, c *command, args []string, mutation string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	var tools texts
	fs.Var(&tools, "tool", "`TOOL` to give or take; may be repeated")
	if err := c.parse(fs, args, 0, "application", "email", "tool"); err != nil {
		return err
	}
	names, err := toolNames(tools)
	if err != nil {
		return err
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	var out map[string]struct {
		User struct {
			Assignments   []placeTools
			WithheldTools []placeTools
		}
	}
	err = r.graphql(ctx, `mutation($a: String!, $u: ID!, $t: [Tool!]!) { `+mutation+`(application: $a, user: $u, tools: $t) {
		user { assignments { application tools } withheldTools { application tools } } } }`,
		map[string]any{"a": *application, "u": id, "t": names}, &out)
	if err != nil {
		return err
	}
	u := out[mutation].User
	if tools, placed := toolsIn(u.Assignments, *application); placed {
		fmt.Fprintf(env.Stdout, "%s holds in %s: %s\n", *email, *application, listed(tools))
		return nil
	}
	without, _ := toolsIn(u.WithheldTools, *application)
	fmt.Fprintf(env.Stdout, "%s, an admin, holds all tools in %s without: %s\n", *email, *application, listed(without))
	return nil
}

type placeTools struct {
	Application string
	Tools       []string
}

func toolsIn(places []placeTools, application string) ([]string, bool) {
	for _, p := range places {
		if p.Application == application {
			return p.Tools, true
		}
	}
	return nil, false
}

func listed(tools []string) string {
	if len(tools) == 0 {
		return "none"
	}
	return strings.Join(tools, ", ")
}

// toolNames takes the names of tools in any case.
func toolNames(in []string) ([]string, error) {
	out := []string{}
	for _, s := range in {
		name := strings.ToUpper(strings.ReplaceAll(s, "-", "_"))
		switch name {
		case "EXPLAIN", "VIEW_AS", "REVIEW", "COMPARE", "RECALL":
			out = append(out, name)
		default:
			return nil, badUsage("-tool: expected EXPLAIN, VIEW_AS, REVIEW, COMPARE or RECALL, got %q", s)
		}
	}
	return out, nil
}

var looksCommand = &command{
	name: "looks", summary: "who looked through whose eyes",
	usage: "-application NAME [-tool TOOL] [-by ADDRESS|ID] [-user ADDRESS|ID] [-since TIME] [-n MANY]",
	help: `
Lists who looked through whose eyes at an application, with which tool, the newest
first: to admins all of it, to developers what they looked at themselves. FORM and
RECORD are - for a look at no single record, and at one that you may not see
now or that is gone. STATE is "refused" for an attempt without the tool, which was
shown nothing, and "refused, more not kept" for the last of an hour that is kept.

Times are UTC. -since takes a day (2026-03-01), a time (2026-03-01T09:00Z) or how
long ago (36h). -by says who looked, -user through whose eyes: by id, or, for
admins, by sign-in address.

Examples:
  sluice looks -application sales
  sluice looks -application sales -tool VIEW_AS -since 24h
  sluice looks -application sales -user bob@acme.example -n 20`,
	run: runLooks,
}

// look is what the server tells of a look.
type look struct {
	Time           time.Time
	Tool           string
	User           looker
	Target         *looker
	Form, Record   string
	Refused, Muted bool
}

type looker struct{ ID, DisplayName string }

func (l *looker) String() string {
	if l == nil {
		return "-"
	}
	return firstOf(l.DisplayName, l.ID)
}

func (l *look) state() string {
	switch {
	case l.Muted:
		return "refused, more not kept"
	case l.Refused:
		return "refused"
	}
	return "-"
}

func runLooks(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	tool := fs.String("tool", "", "looks with this `TOOL` only")
	by := fs.String("by", "", "looks of the person with this sign-in address or id, `ADDRESS|ID`,")
	user := fs.String("user", "", "looks through the eyes of the person with this sign-in address or id, `ADDRESS|ID`,")
	since := fs.String("since", "", "looks since this `TIME`")
	count := countFlag(fs)
	if err := c.parse(fs, args, 0, "application"); err != nil {
		return err
	}
	variables := map[string]any{"a": *application}
	if *tool != "" {
		names, err := toolNames([]string{*tool})
		if err != nil {
			return err
		}
		variables["t"] = names[0]
	}
	var from time.Time
	if *since != "" {
		var err error
		if from, err = moment("since", *since, time.Now()); err != nil {
			return err
		}
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	for _, p := range []struct{ flag, variable, person string }{{"by", "by", *by}, {"user", "of", *user}} {
		if p.person == "" {
			continue
		}
		id, err := r.person(ctx, p.flag, p.person)
		if err != nil {
			return err
		}
		variables[p.variable] = id
	}
	return r.printLooks(ctx, variables, from, *count)
}

const looksQuery = `query($a: String!, $t: Tool, $by: ID, $of: ID, $after: String) {
	looks(application: $a, tool: $t, user: $by, target: $of, first: 200, after: $after) {
		nodes { time tool user { id displayName } target { id displayName } form record refused muted }
		pageInfo { hasNextPage endCursor } } }`

func (r *remote) printLooks(ctx context.Context, variables map[string]any, from time.Time, count int) error {
	t := newTable(r.env.Stdout, "TIME", "WHO", "TOOL", "THROUGH THE EYES OF", "FORM", "RECORD", "STATE")
	printed := 0
	err := pagesOf(ctx, r, looksQuery, "looks", variables, false, func(page json.RawMessage, _ bool) (pageEnd, error) {
		var x struct {
			Nodes    []look
			PageInfo pageEnd
		}
		if err := json.Unmarshal(page, &x); err != nil {
			return pageEnd{}, err
		}
		for _, l := range x.Nodes {
			if l.Time.Before(from) || count > 0 && printed == count {
				return pageEnd{}, nil
			}
			t.row(l.Time.UTC().Format(time.RFC3339), &l.User, l.Tool, l.Target, dash(l.Form), dash(l.Record), l.state())
			printed++
		}
		return x.PageInfo, nil
	})
	if err != nil {
		return err
	}
	return t.flush()
}
