package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

var checkCommand = &command{
	name: "check", summary: "say what applying a definition would say, and change nothing",
	usage: "-f FILE [-allow-drop] [-strict]",
	help: `
Checks a definition against the server: what it names, who holds what, and which
modules fill its rules. Nothing is changed. Findings are printed as
FILE:LINE: SEVERITY PATH: MESSAGE, with a fix on the next line: an ERROR would be
refused, a WARNING was probably not meant, an INFO is worth knowing.

The exit code is 0 without an ERROR and 1 with one; -strict makes it 1 for a
WARNING too.

Examples:
  sluice check -f orders.yaml
  sluice check -f orders.yaml -strict`,
	run: runCheck,
}

func runCheck(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	file := fs.String("f", "", "`FILE` with the definition in YAML, - for standard input")
	drop := fs.Bool("allow-drop", false, "permit that fields and forms with data go away")
	strict := fs.Bool("strict", false, "fail on warnings too")
	if err := c.parse(fs, args, 0, "f"); err != nil {
		return err
	}
	out, err := r.definition(ctx, env, http.MethodPost, "/definition/check", *file, *drop)
	if err != nil {
		return err
	}
	printFindings(env.Stdout, *file, out.Faults)
	printFindings(env.Stdout, *file, out.Warnings)
	warnings := 0
	for _, f := range out.Warnings {
		if f.Severity == "WARNING" {
			warnings++
		}
	}
	switch {
	case len(out.Faults) > 0:
		return fmt.Errorf("%s: the definition has faults (%d) and would be refused", *file, len(out.Faults))
	case out.Unchanged:
		fmt.Fprintf(env.Stdout, "It is version %d of application %s. ", out.Version, out.Application)
	default:
		fmt.Fprintf(env.Stdout, "It would be version %d of application %s. ", out.Version, out.Application)
	}
	fmt.Fprintf(env.Stdout, "Warnings: %d, notes: %d.\n", warnings, len(out.Warnings)-warnings)
	if *strict && warnings > 0 {
		return fmt.Errorf("%s: the definition has warnings (%d), and -strict lets none pass", *file, warnings)
	}
	return nil
}

// finding is what the server says of a place in a definition.
type finding struct {
	Line                         int
	Path, Message, Severity, Fix string
	BuiltIn                      bool
}

// verdict is what the server says of a definition.
type verdict struct {
	Application      string
	Version          uint64
	Unchanged        bool
	Warnings, Faults []finding
}

// definition sends the definition in a file to be checked or applied.
func (r *remote) definition(ctx context.Context, env *Env, method, path, file string, drop bool) (*verdict, error) {
	if err := r.beginSignedIn(); err != nil {
		return nil, err
	}
	body, err := readInput(env, file)
	if err != nil {
		return nil, err
	}
	path, query, found := strings.Cut(path, "?")
	if found {
		query = "&" + query
	}
	status, answer, err := r.exchange(ctx, method, fmt.Sprintf("%s?allowDrop=%t%s", path, drop, query), "application/yaml", body)
	if err != nil {
		return nil, err
	}
	if err := refusal(answer); err != nil {
		return nil, r.byFlags(err)
	}
	var out verdict
	if json.Unmarshal(answer, &out) != nil || status != http.StatusOK && len(out.Faults) == 0 {
		return nil, r.unexpected(status, answer)
	}
	return &out, nil
}

func withoutBuiltIn(fs []finding) []finding {
	return slices.DeleteFunc(slices.Clone(fs), func(f finding) bool { return f.BuiltIn })
}

// printFindings prints one finding to a line, the columns aligned, each fix below
// its finding.
func printFindings(w io.Writer, file string, fs []finding) {
	places, widest := make([]string, len(fs)), 0
	for i, f := range fs {
		places[i] = file + ":"
		if f.Line > 0 {
			places[i] = fmt.Sprintf("%s:%d:", file, f.Line)
		}
		widest = max(widest, len(places[i]))
	}
	for i, f := range fs {
		what := f.Message
		if f.Path != "" {
			what = f.Path + ": " + what
		}
		fmt.Fprintf(w, "%-*s %-7s %s\n", widest, places[i], f.Severity, what)
		if f.Fix != "" {
			fmt.Fprintf(w, "%s %-7s %s\n", strings.Repeat(" ", widest), "", "fix: "+f.Fix)
		}
	}
}
