package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

var explainCommand = &command{
	name: "explain", summary: "say why somebody may or may not see a record",
	usage: "-application NAME -form FORM [-user ADDRESS|ID] [-action ACTION] [-json] RECORD",
	help: `
Says in plain words what a person may do with one record, why, and for what they
may not do, what is missing; then which of its fields they read and write. It
shows no contents of the record.

Admins and developers ask about anybody with a place in the application, and each
use is written down. Everybody asks about themselves, by leaving -user out, and
gets a short answer. A person is named by their id; who may open the directory of
people may name them by sign-in address too. A record that you may not see
yourself is not found.

Letters and numbers in parentheses, such as (C3), are the rules of
docs/access-model.md.

-action shows everything that was tried for one action: VIEW, EDIT, DELETE,
EXPORT, READ_COMMENTS, WRITE_COMMENTS, READ_HISTORY, CHANGE_OWNER or CREATE.

Examples:
  sluice explain -application sales -form Order 0199...
  sluice explain -application sales -user ravi@zylker.example -form Order 0199...
  sluice explain -application sales -user 0199... -form Order -action EDIT 0199...
  sluice explain -application sales -user 0199... -form Order -json 0199...`,
	run: runExplain,
}

const explainQuery = `query($a: String!, $u: ID, $f: String!, $r: ID!) {
  explainAccess(application: $a, user: $u, form: $f, record: $r) {
    application version form record short
    user { id displayName kind role permissionSet }
    actions {
      action allowed because steps { ...s } missing { ...m }
      parents { form record action allowed steps { ...s } missing { ...m } }
    }
    fields { field readable writable read { ...s } write { ...s } }
  }
}
fragment s on ExplainedStep { statement kind outcome name text module { version reason reasonText } }
fragment m on ExplainedMissing { anyOf { statement kind name text } }`

// accessExplanation is what the server tells.
type accessExplanation struct {
	Application, Form, Record string
	Version                   int
	Short                     bool
	You                       bool `json:"-"` // the one who asks is who is explained
	User                      struct {
		ID, DisplayName, Kind, Role, PermissionSet string
	}
	Actions []explainedAction
	Fields  []explainedField
}

type explainedField struct {
	Field              string
	Readable, Writable bool
	Read, Write        []explainedStep
}

type explainedAction struct {
	Action, Because string
	Allowed         bool
	Steps           []explainedStep
	Missing         []explainedMissing
	Parents         []struct {
		Form, Record, Action string
		Allowed              bool
		Steps                []explainedStep
		Missing              []explainedMissing
	}
}

type explainedStep struct {
	Statement, Kind, Outcome, Name, Text string
	Module                               *struct{ Version string }
}

type explainedMissing struct {
	AnyOf []struct{ Statement, Kind, Name, Text string }
}

func runExplain(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`FORM` of the record")
	user := fs.String("user", "", "sign-in address or id, `ADDRESS|ID`, of the person; you when left out")
	action := fs.String("action", "", "show everything that was tried for one `ACTION`")
	raw := jsonFlag(fs)
	record, err := r.startAt(args, "record", "application", "form")
	if err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "f": *form, "r": record}
	if *user != "" {
		id, err := r.person(ctx, "user", *user)
		if err != nil {
			return err
		}
		variables["u"] = id
	}
	var out struct{ ExplainAccess json.RawMessage }
	if err := r.graphql(ctx, explainQuery, variables, &out); err != nil {
		return err
	}
	if *raw {
		return printJSON(env.Stdout, out.ExplainAccess)
	}
	return tellExplanation(env.Stdout, out.ExplainAccess, *user == "", strings.ToUpper(*action))
}

// tellExplanation puts the server's answer into words: all of it, or everything
// that was tried for one action. you is set where the asker is who is explained.
func tellExplanation(w io.Writer, answer []byte, you bool, action string) error {
	var x accessExplanation
	if err := json.Unmarshal(answer, &x); err != nil {
		return err
	}
	x.You = you || x.Short
	if action != "" {
		return x.printAction(w, action)
	}
	x.print(w)
	return nil
}

// subject is who is spoken of in a question.
func (x *accessExplanation) subject() string {
	if x.You {
		return "you"
	}
	return x.User.DisplayName
}

// who heads the answer: whose rights these are.
func (x *accessExplanation) who() string {
	u := &x.User
	switch u.Kind {
	case "ADMIN":
		return u.DisplayName + ", admin"
	case "DEVELOPER":
		return u.DisplayName + ", developer of " + x.Application
	}
	if u.Role == "" {
		return fmt.Sprintf("%s, portal user with permission set %q", u.DisplayName, u.PermissionSet)
	}
	return fmt.Sprintf("%s, with role %q and permission set %q", u.DisplayName, u.Role, u.PermissionSet)
}

// verbs say what each action is in words.
var verbs = map[string]string{
	"VIEW": "see it", "EDIT": "edit it", "DELETE": "delete it", "EXPORT": "export it",
	"READ_COMMENTS": "read comments", "WRITE_COMMENTS": "write comments", "READ_HISTORY": "read its history",
	"CHANGE_OWNER": "change its owner", "CREATE": "add another like it",
}

func (x *accessExplanation) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s %s in application %s", x.who(), x.Form, x.Record, x.Application)
	if x.Version > 0 {
		fmt.Fprintf(w, ", definition %d", x.Version)
	}
	fmt.Fprintf(w, "\n\nMay %s\n", x.subject())
	for _, a := range x.Actions {
		fmt.Fprintf(w, "  %-20s %-3s  %s\n", verbs[a.Action]+"?", yesNo(a.Allowed), a.Because)
	}
	x.printWhy(w)
	x.printFields(w)
	if !x.Short {
		fmt.Fprintf(w, "\n-action VIEW shows everything that was tried for one action. Numbers such as (C3) are those of docs/access-model.md.\n")
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printWhy lists what grants the actions that are allowed, and what those that
// are not lack, as far as their line above does not say it all; actions of which
// the same is true stand together.
func (x *accessExplanation) printWhy(w io.Writer) {
	type block struct {
		of   []*explainedAction
		text string
	}
	var blocks []*block
next:
	for _, a := range x.worthTelling() {
		text := a.why(anyAction)
		for _, b := range blocks {
			if b.text == text && b.of[0].Allowed == a.Allowed {
				b.of = append(b.of, a)
				continue next
			}
		}
		blocks = append(blocks, &block{[]*explainedAction{a}, text})
	}
	for _, b := range blocks {
		var asked, names []string
		for _, a := range b.of {
			asked, names = append(asked, verbs[a.Action]), append(names, a.Action)
		}
		why := "Why not: "
		if b.of[0].Allowed {
			why = "Why: "
		}
		fmt.Fprintf(w, "\n%s%s\n%s", why, strings.Join(asked, ", "), b.of[0].why(strings.Join(names, ", ")))
	}
}

// worthTelling leaves out what follows from another denial, and what the answer
// in one line says already.
func (x *accessExplanation) worthTelling() (out []*explainedAction) {
	allowed := map[string]bool{}
	for i := range x.Actions {
		a := &x.Actions[i]
		allowed[a.Action] = a.Allowed
		switch {
		case a.Action == "CHANGE_OWNER" && !allowed["EDIT"], a.Action != "VIEW" && !allowed["VIEW"]:
			continue
		case a.why(anyAction) == "", strings.Count(a.why(""), "\n") <= 2 && strings.Contains(a.why(a.Action), a.Because+" ("):
			continue
		}
		out = append(out, a)
	}
	return out
}

// anyAction stands for the action in texts that are compared.
const anyAction = "\x00"

// why says what grants an action, or what it lacks, in the name of several.
func (a *explainedAction) why(name string) string {
	var b strings.Builder
	if a.Allowed {
		for _, s := range a.Steps {
			if s.Outcome == "GRANTS" || s.Outcome == "OPENS" {
				fmt.Fprintf(&b, "  + %s%s\n", strings.ReplaceAll(s.Text, " "+a.Action+" on report", " "+name+" on report"), s.number())
			}
		}
		return b.String()
	}
	printMissing(&b, "  ", a.Missing)
	for _, p := range a.Parents {
		if !p.Allowed && len(p.Missing) > 0 {
			fmt.Fprintf(&b, "  %s on the parent %s %s:\n", p.Action, p.Form, p.Record)
			printMissing(&b, "    ", p.Missing)
		}
	}
	return strings.ReplaceAll(b.String(), " need "+a.Action+" ", " need "+name+" ")
}

func (s *explainedStep) number() string {
	text := ""
	if s.Module != nil && len(s.Module.Version) >= 12 {
		text = ", version " + s.Module.Version[:12]
	}
	if s.Statement != "" {
		text += " (" + s.Statement + ")"
	}
	return text
}

// printMissing says what a denial lacks: several things are all needed, of each
// any of its ways.
func printMissing(w io.Writer, indent string, missing []explainedMissing) {
	for i, m := range missing {
		title := "This is missing:"
		if len(missing) > 1 {
			title = fmt.Sprintf("This is missing, %d of %d:", i+1, len(missing))
		}
		if len(m.AnyOf) > 1 {
			title = strings.TrimSuffix(title, ":") + ": none of these gives it, one would be enough"
		}
		fmt.Fprintf(w, "%s%s\n", indent, title)
		for _, n := range m.AnyOf {
			fmt.Fprintf(w, "%s  - %s (%s)\n", indent, n.Text, n.Statement)
		}
	}
}

func (x *accessExplanation) printFields(w io.Writer) {
	if !slices.ContainsFunc(x.Fields, func(f explainedField) bool { return f.Readable }) {
		fmt.Fprintln(w, "\nNo field of it is shown to "+x.subject()+".")
		return
	}
	width := len("Field")
	for _, f := range x.Fields {
		width = max(width, len(f.Field))
	}
	fmt.Fprintf(w, "\n%-*s  read  write\n", width, "Field")
	var kept []string
	for _, f := range x.Fields {
		if f.Readable && systemFields[f.Field] {
			kept = append(kept, f.Field)
			continue
		}
		line := fmt.Sprintf("%-*s  %-4s  %-5s  %s", width, f.Field, yesNo(f.Readable), yesNo(f.Writable), because(f.Readable, f.Read, f.Write))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if len(kept) > 0 {
		fmt.Fprintf(w, "Read too, and kept by the server: %s.\n", strings.Join(kept, ", "))
	}
}

// systemFields are those that every record has and nobody writes.
var systemFields = map[string]bool{"id": true, "owner": true, "version": true, "addedBy": true, "addedTime": true, "modifiedBy": true, "modifiedTime": true}

// because is the first reason against a cell: against reading it, or else
// against writing it.
func because(readable bool, read, write []explainedStep) string {
	steps := write
	if !readable {
		steps = read
	}
	for _, s := range steps {
		if s.Outcome == "REFUSES" || s.Outcome == "REMOVES" {
			return s.Text + s.number()
		}
	}
	return ""
}

// marks stand before what was tried.
var marks = map[string]string{"GRANTS": "+", "OPENS": "~", "PASSES": ".", "REFUSES": "-", "REMOVES": "!", "NOT_ASKED": "?"}

func (x *accessExplanation) printAction(w io.Writer, action string) error {
	for _, a := range x.Actions {
		if a.Action != action {
			continue
		}
		fmt.Fprintf(w, "%s\n%s %s in application %s\n\nMay %s %s? %s: %s\n\n", x.who(), x.Form, x.Record, x.Application, x.subject(), verbs[action], yesNo(a.Allowed), a.Because)
		printSteps(w, "  ", a.Steps)
		for _, p := range a.Parents {
			fmt.Fprintf(w, "\n  %s on the parent %s %s: %s\n", p.Action, p.Form, p.Record, yesNo(p.Allowed))
			printSteps(w, "    ", p.Steps)
		}
		if !a.Allowed {
			fmt.Fprintln(w)
			printMissing(w, "  ", a.Missing)
		}
		fmt.Fprint(w, "\n+ gives it   ~ opens what something else gives   - gives nothing\n. takes nothing away   ! takes it away   ? was not asked\n")
		return nil
	}
	return badUsage("-action: expected VIEW, EDIT, DELETE, EXPORT, READ_COMMENTS, WRITE_COMMENTS, READ_HISTORY, CHANGE_OWNER or CREATE")
}

func printSteps(w io.Writer, indent string, steps []explainedStep) {
	for _, s := range steps {
		fmt.Fprintf(w, "%s%s %s%s\n", indent, marks[s.Outcome], s.Text, s.number())
	}
}
