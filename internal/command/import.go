package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"sluice/internal/importer"
)

var importCommand = &command{
	name: "import", summary: "add the rows of a CSV file to a form",
	usage: "-application NAME -form FORM -f FILE [flags]",
	help: `
Adds a record for each row. The first line names the columns: a field, or
lookup.uniqueField for a lookup whose cells hold a unique field of its target.
Fields of type user take sign-in addresses. Every row is checked first; if one is
faulty, all faults are printed and nothing is written. An import that was
interrupted goes on with sluice import resume or is deleted with sluice import
undo.

Examples:
  sluice import -application sales -form Customer -f customers.csv -id customerID -null NULL
  sluice import -application sales -form Order -f orders.csv -lookup customer=customerID \
    -map customerID=customer -map employeeID=seller -address 'employeeID=employee*@acme.example' \
    -time-zone Europe/Berlin -ignore shipVia,shipName`,
	run: runImport,
}

func runImport(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`FORM` that the records are added to")
	file := fs.String("f", "", "CSV `FILE` in UTF-8")
	null := fs.String("null", "", "`TEXT` that stands for an empty cell, like NULL")
	zone := fs.String("time-zone", "", "`ZONE` of date-times that name none, like Europe/Berlin")
	delimiter := fs.String("delimiter", "", "`CHARACTER` between cells, or tab (default comma)")
	id := fs.String("id", "", "`COLUMN` that identifies a row: its field is unique and no cell is empty")
	exported := fs.Bool("exported", false, "the file is one of sluice export: the ' that it puts in front of texts is taken away")
	var maps, lookups, addresses, ignore texts
	fs.Var(&maps, "map", "`COLUMN=FIELD` or COLUMN=LOOKUP.FIELD, several with commas or repeated")
	fs.Var(&lookups, "lookup", "`LOOKUP=FIELD`: the cells of the lookup hold this unique field of its target; may be repeated")
	fs.Var(&addresses, "address", "`COLUMN=TEXT`: the sign-in address is the text, with the cell in the place of *; may be repeated")
	fs.Var(&ignore, "ignore", "`COLUMN`s that are not read, several with commas or repeated")
	if err := c.parse(fs, args, 0, "application", "form", "f"); err != nil {
		return err
	}
	q := url.Values{"map": split(maps), "lookup": split(lookups), "address": addresses, "ignore": split(ignore)}
	if *exported {
		q.Set("exported", "true")
	}
	for name, value := range map[string]string{"null": *null, "timeZone": *zone, "delimiter": *delimiter, "id": *id} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, values := range q {
		if len(values) == 0 {
			delete(q, name)
		}
	}
	if _, err := importer.ParseOptions(q); err != nil {
		return badUsage("import: -%s", strings.Replace(message(err), "timeZone", "time-zone", 1))
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	path := importsPath(*application, *form)
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return r.importFile(ctx, path, *application, *file)
}

// split takes lists with commas apart.
func split(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, strings.Split(v, ",")...)
	}
	return out
}

func importsPath(application string, more ...string) string {
	path := "/apps/" + url.PathEscape(application) + "/imports"
	for _, m := range more {
		path += "/" + url.PathEscape(m)
	}
	return path
}

var importResumeCommand = &command{
	name: "import resume", summary: "go on with an interrupted import",
	usage: "-application NAME -import ID -f FILE",
	help: `
Goes on behind the last rows that were stored, with the options that the import
began with. The file must be the same.

Examples:
  sluice import resume -application sales -import 0199... -f orders.csv`,
	run: runImportResume,
}

func runImportResume(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	id := fs.String("import", "", "`ID` of the import, as sluice import list shows it")
	file := fs.String("f", "", "CSV `FILE` that the import began with")
	if err := r.start(args, 0, "application", "import", "f"); err != nil {
		return err
	}
	return r.importFile(ctx, importsPath(*application, *id, "resume"), *application, *file)
}

var importUndoCommand = &command{
	name: "import undo", summary: "delete the records of an import",
	usage: "-application NAME -import ID",
	help: `
Deletes every record that the import created, and nothing else, also those that
were changed since. It takes the right to delete them.

Examples:
  sluice import undo -application sales -import 0199...`,
	run: runImportUndo,
}

func runImportUndo(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	id := fs.String("import", "", "`ID` of the import, as sluice import list shows it")
	if err := r.start(args, 0, "application", "import"); err != nil {
		return err
	}
	resp, err := r.request(ctx, http.MethodPost, importsPath(*application, *id, "undo"), "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	last, err := r.follow(resp)
	if err != nil {
		return err
	}
	if last.Error != nil {
		return &serverError{last.Error.Code, last.Error.Message}
	}
	fmt.Fprintf(env.Stdout, "Import %s is undone: %d records deleted, %d not found any more.\n", last.Job.ID, last.Job.Removed, last.Job.Left)
	return nil
}

var importListCommand = &command{
	name: "import list", summary: "list the imports of an application",
	usage: "-application NAME",
	help: `
Lists one's own imports; all of them for admins and developers.

Examples:
  sluice import list -application sales`,
	run: runImportList,
}

func runImportList(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	status, answer, err := r.exchange(ctx, http.MethodGet, importsPath(*application), "", nil)
	if err != nil {
		return err
	}
	var out struct{ Imports []importJob }
	if status != http.StatusOK || json.Unmarshal(answer, &out) != nil {
		return r.unexpected(status, answer)
	}
	t := newTable(env.Stdout, "IMPORT", "FORM", "STATE", "STORED", "ROWS", "STARTED")
	for _, j := range out.Imports {
		t.row(j.ID, j.Form, j.State, j.Done, j.Rows, j.Started.Format(time.RFC3339))
	}
	return t.flush()
}

type importJob struct {
	ID, Form, State           string
	Started                   time.Time
	Rows, Done, Removed, Left int
}

// importLine is one line of the server's answer.
type importLine struct {
	Progress     *importer.Progress
	Job          *importJob
	Rows, Faulty int
	Faults       []importer.Fault
	Error        *struct{ Code, Message string }
}

// importFile sends a file and reports how it went.
func (r *remote) importFile(ctx context.Context, path, application, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("-f: %w", err)
	}
	defer f.Close()
	resp, err := r.request(ctx, http.MethodPost, path, "text/csv; charset=utf-8", f)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	last, err := r.follow(resp)
	if err != nil {
		return err
	}
	return r.report(last, application, file)
}

func (r *remote) report(last *importLine, application, file string) error {
	for _, f := range last.Faults {
		where := fmt.Sprintf("%s:%d", file, f.Line)
		if f.Column != "" {
			where += ": " + f.Column
		}
		fmt.Fprintf(r.env.Stderr, "%s: %s\n", where, f.Message)
	}
	rest := ""
	if last.Job != nil && last.Job.State == "RUNNING" {
		rest = fmt.Sprintf("; %d of %d rows are stored. Go on with\n  sluice import resume -application %s -import %s -f %s\nor delete them with\n  sluice import undo -application %s -import %s",
			last.Job.Done, last.Job.Rows, application, last.Job.ID, file, application, last.Job.ID)
	}
	switch {
	case last.Error != nil:
		return fmt.Errorf("%w%s", &serverError{last.Error.Code, last.Error.Message}, rest)
	case last.Faulty > 0 && last.Job != nil:
		return fmt.Errorf("%s: %d rows became faulty after the check%s", file, last.Faulty, rest)
	case last.Faulty > 0:
		return fmt.Errorf("%s: %d of %d rows are faulty, nothing was written", file, last.Faulty, last.Rows)
	case last.Job == nil || last.Job.State != "DONE":
		return fmt.Errorf("-server: the answer of %s does not say how the import ended", r.base)
	}
	fmt.Fprintf(r.env.Stdout, "Imported %d rows into %s (import %s).\n", last.Job.Done, last.Job.Form, last.Job.ID)
	return nil
}

// follow shows the progress and returns the last line.
func (r *remote) follow(resp *http.Response) (*importLine, error) {
	if resp.StatusCode != http.StatusOK {
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return nil, err
		}
		return nil, r.unexpected(resp.StatusCode, b)
	}
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, maxAnswer)
	p := newProgress(r.env.Stderr)
	defer p.end()
	for s.Scan() {
		var l importLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("-server: %s answers in a way that this program does not understand", r.base)
		}
		if l.Progress == nil {
			return &l, nil
		}
		p.show(*l.Progress)
	}
	return nil, fmt.Errorf("the answer of %s was cut off; sluice import list shows how far the import came", r.base)
}
