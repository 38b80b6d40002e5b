package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/internal/exporter"
)

var exportCommand = &command{
	name: "export", summary: "write the records of a form to a file",
	usage: "-application NAME -form FORM [flags]",
	help: `
Writes the records that you may export, with the cells that a query would show
you. A file gets its name when the server has said how many records there are and
they have all arrived; an export that breaks off leaves none. On standard output
an export that breaks off ends with exit code 1.

Examples:
  sluice export -application sales -form Order -o orders.csv
  sluice export -application sales -form Order -format ndjson -columns number,amount,customer.name \
    -where '{"status": {"eq": "open"}}' -order amount:desc
  sluice export -application sales -form Order -report openOrders -null NULL -o open.csv`,
	run: runExport,
}

// rowsTrailer ends a whole export: the number of its records.
const rowsTrailer = "Sluice-Rows"

func runExport(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`FORM` whose records are written")
	out := fs.String("o", "", "`FILE` to write (default standard output); one that exists is replaced")
	q := url.Values{}
	for flag, parameter := range map[string]string{"format": "format", "columns": "columns", "where": "where", "order": "orderBy", "report": "report", "null": "null"} {
		fs.Func(flag, exportFlags[flag], func(s string) error {
			q.Set(parameter, s)
			return nil
		})
	}
	if err := c.parse(fs, args, 0, "application", "form"); err != nil {
		return err
	}
	o, err := exporter.ParseOptions(q)
	if err != nil {
		return badUsage("export: -%s", strings.Replace(message(err), "orderBy", "order", 1))
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	path := "/apps/" + url.PathEscape(*application) + "/export/" + url.PathEscape(*form)
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return r.save(ctx, path, *out, "record", func(resp *http.Response, to io.Writer) (int, error) { return r.receive(resp, to, o.Format) })
}

var exportFlags = map[string]string{
	"format":  "`FORMAT`: csv or ndjson (default csv)",
	"columns": "`FIELDS` with commas between, also lookup.field (default those of the report, or all of the form's own)",
	"where":   "`JSON` of a filter in the language of queries",
	"order":   "`KEYS` with commas between: field, field:desc, field:nullsFirst",
	"report":  "`REPORT` of the definition by name, or a created one by id",
	"null":    "`TEXT` for cells without value, in CSV (default empty)",
}

// save receives a file of so many of something, or writes to standard output.
func (r *remote) save(ctx context.Context, path, out, thing string, receive func(*http.Response, io.Writer) (int, error)) error {
	resp, err := r.request(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return err
		}
		return r.withRules(ctx, r.unexpected(resp.StatusCode, b))
	}
	if out == "" {
		to := r.env.Stdout
		if !isTerminal(to) {
			to = unguarded(to) // byte for byte
		}
		_, err := receive(resp, to)
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".part-*")
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err
		}
		return fmt.Errorf("-o: %s: %w", out, err)
	}
	rows, err := receive(resp, file)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	fmt.Fprintf(r.env.Stderr, "%s written to %s\n", plural(rows, thing, thing+"s"), out)
	return nil
}

// receive copies an export and holds what came to what the server says at its
// end.
func (r *remote) receive(resp *http.Response, to io.Writer, format exporter.Format) (int, error) {
	p := &exportProgress{w: unguarded(r.env.Stderr), next: time.Now().Add(time.Second)}
	rows, err := countRows(io.TeeReader(resp.Body, to), format, p)
	p.end()
	if err != nil {
		return rows, fmt.Errorf("the export of %s broke off after %d records: %w", r.base, rows, err)
	}
	said, err := strconv.Atoi(resp.Trailer.Get(rowsTrailer))
	if err != nil || said != rows {
		return rows, fmt.Errorf("-server: the export of %s is not whole: %d records came and its end does not say so many", r.base, rows)
	}
	return rows, nil
}

// countRows reads an export to its end. The first line of CSV is no record.
func countRows(r io.Reader, format exporter.Format, p *exportProgress) (int, error) {
	rows := 0
	if format == exporter.NDJSON {
		b := bufio.NewReader(r)
		for {
			line, err := b.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0 {
				return rows, nil
			}
			if err != nil {
				return rows, err
			}
			rows++
			p.show(rows)
		}
	}
	c := csv.NewReader(r)
	c.ReuseRecord = true
	for begun := false; ; begun = true {
		_, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if begun {
			rows++
			p.show(rows)
		}
	}
}

// exportProgress shows now and then how many records have come.
type exportProgress struct {
	w     io.Writer
	next  time.Time
	shown bool
	of    string // how many there will be, empty where nobody says: then they are records
}

func (p *exportProgress) show(rows int) {
	if p.of == "" && rows%256 != 0 || time.Now().Before(p.next) {
		return
	}
	if p.of != "" {
		fmt.Fprintf(p.w, "\r%d of %s rows", rows, p.of)
	} else {
		fmt.Fprintf(p.w, "\r%d records", rows)
	}
	p.next, p.shown = time.Now().Add(time.Second), true
}

func (p *exportProgress) end() {
	if p.shown {
		fmt.Fprintln(p.w)
	}
}
