package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/internal/exporter"
)

var whoCommand = &command{
	name: "who", summary: "list the people who can see a record, or a field of it",
	usage: "-application NAME -form FORM [-field FIELD] [-json] RECORD",
	help: `
Lists the active people of an application who can see a record, what each may do
with it, and why they see it. With -field only those who have the field; a rule may
cover it for some of them, who see it empty. A record that you do not see yourself
is not found. For admins and developers who hold the tool REVIEW; the question is
written down.

Letters and numbers in parentheses, such as (C3), are the rules of
docs/access-model.md.

Examples:
  sluice who -application sales -form Order 0199...
  sluice who -app sales -form Customer -field phone 0199...`,
	run: runWho,
}

const whoQuery = `query($a: String!, $f: String!, $r: ID!, $x: String, $after: String) { whoCanSee(application: $a, form: $f, record: $r, field: $x, first: 500, after: $after) {
  nodes { id displayName kind actions masked reason { text statement } } pageInfo { hasNextPage endCursor } totalCount maskedCount withoutFieldCount } }`

type seer struct {
	ID, DisplayName, Kind string
	Actions               []string
	Masked                bool
	Reason                struct{ Text, Statement string }
}

type seers struct {
	Nodes                                      []seer
	PageInfo                                   pageEnd
	TotalCount, MaskedCount, WithoutFieldCount int
}

func runWho(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`FORM` of the record")
	field := fs.String("field", "", "`FIELD`: who can see it in this record")
	raw := jsonFlag(fs)
	record, err := r.startAt(args, "record", "application", "form")
	if err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "f": *form, "r": record}
	if *field != "" {
		variables["x"] = *field
	}
	t := newTable(env.Stdout, "NAME", "KIND", "MAY", "BECAUSE", "ID")
	err = pagesOf(ctx, r, whoQuery, "whoCanSee", variables, *raw, func(page json.RawMessage, first bool) (pageEnd, error) {
		var s seers
		if err := json.Unmarshal(page, &s); err != nil {
			return pageEnd{}, err
		}
		if first {
			fmt.Fprintf(env.Stdout, "%s\n\n", s.summary(*form, *field))
		}
		for _, who := range s.Nodes {
			t.row(who.DisplayName, strings.ToLower(who.Kind), mayWords(who.Actions, who.Masked), who.Reason.Text+" ("+who.Reason.Statement+")", who.ID)
		}
		return s.PageInfo, nil
	})
	if *raw || err != nil {
		return err
	}
	return t.flush()
}

// summary says in a sentence or two how many there are.
func (s *seers) summary(form, field string) string {
	if field == "" {
		return people(s.TotalCount) + " can see this " + form + "."
	}
	text := people(s.TotalCount-s.MaskedCount) + " can see " + field + " of this " + form + "."
	if s.MaskedCount > 0 {
		text += " For " + morePeople(s.MaskedCount) + " a rule covers it: they see it empty."
	}
	if s.WithoutFieldCount > 0 {
		text += " " + morePeople(s.WithoutFieldCount) + " can see the record without this field."
	}
	return text
}

func people(n int) string { return plural(n, "person", "people") }

func morePeople(n int) string { return plural(n, "more person", "more people") }

// everyAction are those that somebody may take with a record.
const everyAction = 7

// mayWords list what somebody may do, in small letters.
func mayWords(actions []string, masked bool) string {
	text := strings.ToLower(strings.ReplaceAll(strings.Join(actions, ", "), "_", " "))
	if len(actions) == everyAction {
		text = "everything"
	}
	if masked {
		text += "; field covered"
	}
	return text
}

var whatCommand = &command{
	name: "what", summary: "say what a person can see in an application",
	usage: "-application NAME -user ADDRESS|ID [-form FORM] [-json]",
	help: `
Says what an active person of an application can see: for each form how many records
and what they may do with them, which fields are hidden or may be covered by a rule,
which reports and pages they open, and why. The numbers are of records that you see
yourself. For admins and developers who hold the tool REVIEW; the question is written
down. Who may open the directory of people may name them by sign-in address.

Examples:
  sluice what -application sales -user ravi@zylker.example
  sluice what -app sales -user 0199... -form Order`,
	run: runWhat,
}

const whatQuery = `query($a: String!, $u: ID!, $f: String) { whatCanSee(application: $a, user: $u, form: $f, samples: 0) { displayName kind role permissionSet pages
  forms { form create records { view edit delete export } readable masked hidden reports reasons { text statement } } } }`

type sight struct {
	DisplayName, Kind, Role, PermissionSet string
	Pages                                  []string
	Forms                                  []formSight
}

type formSight struct {
	Form                              string
	Create                            bool
	Records                           struct{ View, Edit, Delete, Export int }
	Readable, Masked, Hidden, Reports []string
	Reasons                           []struct{ Text, Statement string }
}

func runWhat(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	user := fs.String("user", "", "sign-in address or id, `ADDRESS|ID`, of the person")
	form := fs.String("form", "", "`FORM` to speak of alone")
	raw := jsonFlag(fs)
	if err := r.start(args, 0, "application", "user"); err != nil {
		return err
	}
	id, err := r.person(ctx, "user", *user)
	if err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "u": id}
	if *form != "" {
		variables["f"] = *form
	}
	var out struct{ WhatCanSee json.RawMessage }
	if err := r.graphql(ctx, whatQuery, variables, &out); err != nil {
		return err
	}
	if *raw {
		return printJSON(env.Stdout, out.WhatCanSee)
	}
	var s sight
	if err := json.Unmarshal(out.WhatCanSee, &s); err != nil {
		return err
	}
	return s.print(env.Stdout)
}

func (s *sight) print(w io.Writer) error {
	fmt.Fprintf(w, "%s is %s", s.DisplayName, map[string]string{"LIVE": "a user", "PORTAL": "a portal user", "DEVELOPER": "a developer", "ADMIN": "an admin"}[s.Kind])
	if s.Role != "" {
		fmt.Fprintf(w, " with the role %s", s.Role)
	}
	if s.PermissionSet != "" {
		fmt.Fprintf(w, "%s the permission set %s", map[bool]string{true: " and", false: " with"}[s.Role != ""], s.PermissionSet)
	}
	fmt.Fprint(w, ".\nOf the records that you see yourself, they can\n\n")
	t := newTable(w, "FORM", "SEE", "EDIT", "DELETE", "EXPORT", "ADD", "BECAUSE OF")
	for _, f := range s.Forms {
		n := f.Records
		t.row(f.Form, n.View, n.Edit, n.Delete, n.Export, map[bool]string{true: "yes", false: "no"}[f.Create], dash(f.reasons()))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		of    func(*formSight) []string
	}{
		{"Fields that they do not have:", func(f *formSight) []string { return f.Hidden }},
		{"Fields that a rule may cover in some records:", func(f *formSight) []string { return f.Masked }},
		{"Reports that they open:", func(f *formSight) []string { return f.Reports }},
	} {
		s.part(w, part.title, part.of)
	}
	if len(s.Pages) > 0 {
		fmt.Fprintf(w, "\nPages that they open: %s\n", strings.Join(s.Pages, ", "))
	}
	return nil
}

func (f *formSight) reasons() string {
	var out []string
	for _, r := range f.Reasons {
		out = append(out, r.Text+" ("+r.Statement+")")
	}
	return strings.Join(out, "; ")
}

// part prints a list of each form that has one. Of a form that they cannot see at
// all it says so.
func (s *sight) part(w io.Writer, title string, of func(*formSight) []string) {
	begun := false
	for i := range s.Forms {
		f := &s.Forms[i]
		list := strings.Join(of(f), ", ")
		if list == "" {
			continue
		}
		if !begun {
			fmt.Fprintf(w, "\n%s\n", title)
			begun = true
		}
		if len(f.Hidden) > 0 && len(f.Readable)+len(f.Masked) == 0 {
			list = "all of them"
		}
		fmt.Fprintf(w, "  %s: %s\n", f.Form, list)
	}
}

var reviewCommand = &command{
	name: "review", summary: "write the table of who can see what in an application",
	usage: "-application NAME [-o FILE]",
	help: `
Writes the access review of an application: for each active person and each form how
many records they can see, edit, delete and export, which fields they do not have,
which personal data (PII) and health data (ePHI) they read, and why. The numbers are
of records that you see yourself. CSV, or JSON where the name of the file ends in
.json. A file gets its name when all rows have arrived; on standard output a review
that breaks off ends with exit code 1. For admins and developers who hold the tool
REVIEW; the use is written down.

Examples:
  sluice review -application sales -o review.csv
  sluice review -app sales -o review.json
  sluice review -app sales > review.csv`,
	run: runReview,
}

func runReview(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	out := fs.String("o", "", "`FILE` to write (default standard output); one that exists is replaced")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	extension, receive := ".csv", r.receiveReview
	if strings.EqualFold(filepath.Ext(*out), ".json") {
		extension, receive = ".json", r.receiveReviewJSON
	}
	return r.save(ctx, "/apps/"+url.PathEscape(*application)+"/access-review"+extension, *out, "row", receive)
}

// receiveReview copies a review and holds what came to what the server says at its
// end.
func (r *remote) receiveReview(resp *http.Response, to io.Writer) (int, error) {
	p := &exportProgress{w: unguarded(r.env.Stderr), next: time.Now().Add(time.Second), of: resp.Header.Get("Sluice-Expected-Rows")}
	rows, err := countRows(io.TeeReader(resp.Body, to), exporter.CSV, p)
	p.end()
	if err != nil {
		return rows, fmt.Errorf("the review of %s broke off after %d rows: %w", r.base, rows, err)
	}
	return rows, r.whole(resp, rows)
}

func (r *remote) receiveReviewJSON(resp *http.Response, to io.Writer) (int, error) {
	var table struct {
		Rows     []json.RawMessage
		Complete *int
	}
	if err := json.NewDecoder(io.TeeReader(resp.Body, to)).Decode(&table); err != nil {
		return 0, fmt.Errorf("the review of %s broke off: %w", r.base, err)
	}
	_, err := io.Copy(to, resp.Body) // what stands behind the object, and the trailer
	if err == nil && (table.Complete == nil || *table.Complete != len(table.Rows)) {
		err = fmt.Errorf("-server: the review of %s is not whole", r.base)
	}
	if err != nil {
		return len(table.Rows), err
	}
	return len(table.Rows), r.whole(resp, len(table.Rows))
}

// whole compares the number of rows that came with the trailer.
func (r *remote) whole(resp *http.Response, rows int) error {
	if said, err := strconv.Atoi(resp.Trailer.Get(rowsTrailer)); err != nil || said != rows {
		return fmt.Errorf("-server: the review of %s is not whole: %d rows came and its end does not say so many", r.base, rows)
	}
	return nil
}
