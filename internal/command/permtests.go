package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/fault"
)

var testCommand = &command{
	name: "test", summary: "run the permission tests of an application, and change nothing",
	usage: "{-application NAME | -f FILE} [-json]",
	help: `
Runs the permission tests of an application's active definition, or of the one in
a file, and the built-in invariants, on the server's own people and records. Each
test is printed as

  ok       it holds
  FAIL     it does not; the people and records that it fails on follow, by id
  VACUOUS  there is nobody, or no record, that it is about: it says nothing yet
  NOT RUN  a limit was met

It takes the right REVIEW, with a file also that to apply it. What you may not view
does not take part. The exit code is 0 unless a test fails or is not run, then 1.

Examples:
  sluice test -application sales
  sluice test -f sales.yaml
  sluice test -f sales.yaml -json`,
	run: runTest,
}

// testResult is the outcome of one test.
type testResult struct {
	Text            string `json:"text"`
	Line            int    `json:"line"`
	Verdict         string `json:"verdict"`
	Why             string `json:"why,omitempty"`
	People          int    `json:"people"`
	Records         int    `json:"records"`
	Counterexamples []struct {
		User   string `json:"user,omitempty"`
		Name   string `json:"name"`
		Form   string `json:"form,omitempty"`
		Record string `json:"record,omitempty"`
	} `json:"counterexamples"`
}

type testReport struct {
	Application string       `json:"application"`
	Version     int          `json:"version"`
	Tests       []testResult `json:"tests"`
	Invariants  []testResult `json:"invariants"`
	Faults      []finding    `json:"faults,omitempty"`
}

func runTest(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application whose active definition is tested")
	file := fs.String("f", "", "`FILE` with the definition that is tested instead, - for standard input")
	asJSON := fs.Bool("json", false, "print the report as JSON")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	if (*application == "") == (*file == "") {
		return badUsage("test: one of -application and -f is required, and not both; `sluice test --help` shows the flags")
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	variables := map[string]any{"a": *application, "d": nil}
	if *file != "" {
		source, err := readInput(env, *file)
		if err != nil {
			return err
		}
		name, faults := definition.Name(source)
		if len(faults) > 0 {
			return fmt.Errorf("%s: %s", *file, faults[0])
		}
		variables["a"], variables["d"] = name, string(source)
	}
	var out struct{ RunPermissionTests testReport }
	err := r.graphql(ctx, `query($a: String!, $d: String) { runPermissionTests(application: $a, definition: $d) { application version
		tests { ...result } invariants { ...result } faults { line path message severity } } }
		fragment result on PermissionTest { text line verdict why people records counterexamples { user name form record } }`, variables, &out)
	if err != nil {
		return err
	}
	report := &out.RunPermissionTests
	if len(report.Faults) > 0 {
		printFindings(env.Stderr, *file, report.Faults)
		return fmt.Errorf("%s: the definition has faults (%d), nothing was tested", *file, len(report.Faults))
	}
	if *asJSON {
		e := json.NewEncoder(env.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(report); err != nil {
			return fault.Wrap(fault.Internal, "command.test", err, "the report could not be printed")
		}
	} else {
		report.print(env.Stdout, *file)
	}
	if failed, notRun := report.count("FAILED"), report.count("NOT_TESTED"); failed+notRun > 0 {
		return errors.New(strings.Join(nonZero(failed, "failed", notRun, "not run"), ", "))
	}
	return nil
}

func nonZero(failed int, f string, notRun int, n string) (out []string) {
	if failed > 0 {
		out = append(out, fmt.Sprintf("%d %s", failed, f))
	}
	if notRun > 0 {
		out = append(out, fmt.Sprintf("%d %s", notRun, n))
	}
	return out
}

func (r *testReport) count(verdict string) (n int) {
	for _, list := range [][]testResult{r.Tests, r.Invariants} {
		for _, x := range list {
			if x.Verdict == verdict {
				n++
			}
		}
	}
	return n
}

var verdictWords = map[string]string{"PASSED": "ok", "FAILED": "FAIL", "VACUOUS": "VACUOUS", "NOT_TESTED": "NOT RUN"}

// print writes the report as a test runner does. file is what the lines are of,
// empty for the active definition.
func (r *testReport) print(w io.Writer, file string) {
	fmt.Fprintf(w, "Application %s, version %d\n", r.Application, r.Version)
	if len(r.Tests) == 0 {
		fmt.Fprintln(w, "The definition has no permission tests.")
	}
	for i := range r.Tests {
		r.Tests[i].print(w, file)
	}
	for i := range r.Invariants {
		r.Invariants[i].print(w, "")
	}
	passed, failed, vacuous, notRun := r.count("PASSED"), r.count("FAILED"), r.count("VACUOUS"), r.count("NOT_TESTED")
	fmt.Fprintf(w, "\n%d passed, %d failed, %d vacuous, %d not run\n", passed, failed, vacuous, notRun)
}

func (x *testResult) print(w io.Writer, file string) {
	place := ""
	if file != "" && x.Line > 0 {
		place = fmt.Sprintf("%s:%d: ", file, x.Line)
	}
	fmt.Fprintf(w, "%-7s  %s%s", verdictWords[x.Verdict], place, x.Text)
	if x.Verdict == "PASSED" {
		switch {
		case x.Records > 0:
			fmt.Fprintf(w, "  (%s, %s)", plural(x.People, "person", "people"), plural(x.Records, "record", "records"))
		default:
			fmt.Fprintf(w, "  (%s)", plural(x.People, "person", "people"))
		}
	}
	fmt.Fprintln(w)
	if x.Why != "" {
		fmt.Fprintf(w, "         %s\n", x.Why)
	}
	for _, c := range x.Counterexamples {
		who := c.Name
		if c.User != "" {
			who += " (" + c.User + ")"
		}
		if c.Record != "" {
			who += " on " + c.Form + " " + c.Record
		}
		fmt.Fprintf(w, "         - %s\n", who)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
