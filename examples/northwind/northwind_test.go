// Package northwind_test runs the example's README on a server of its own.
package northwind_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sluice/internal/command"
	"sluice/rules"
	"sluice/rules/sandbox"
	"sluice/storage"
	"sluice/storage/badgerstore"
)

const password = "correct horse battery"

// shell runs commands as a terminal would, in one process.
type shell struct {
	t   *testing.T
	env map[string]string
}

// run returns what a command printed on its two outputs, and its exit code.
func (s *shell) run(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = command.Run(s.t.Context(), &command.Env{
		Parts: parts, Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return s.env[name] },
	})
	return out.String(), errs.String(), code
}

// must is run for commands that succeed.
func (s *shell) must(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("sluice %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return strings.TrimSpace(out)
}

var parts = command.Parts{
	OpenStore: func(dir string, _ func(string)) (*storage.Store, error) { return badgerstore.Open(dir, nil) },
	NewRules: func() (rules.Runner, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error), func() error, error) {
		r, err := sandbox.New(nil)
		if err != nil {
			return nil, nil, nil, err
		}
		return r, func(context.Context, []byte) (*rules.Manifest, rules.Hash, error) {
			return nil, rules.Hash{}, fmt.Errorf("no modules here")
		}, r.Close, nil
	},
}

// announcement is a server's standard output, of which a test waits for a part.
type announcement struct {
	mu   sync.Mutex
	buf  strings.Builder
	want *regexp.Regexp
	got  chan []string
}

func (a *announcement) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buf.Write(b)
	if m := a.want.FindStringSubmatch(a.buf.String()); m != nil && a.got != nil {
		a.got <- m
		a.got = nil
	}
	return len(b), nil
}

// serve starts sluice serve on an empty directory and returns its URL and the
// code for the setup.
func serve(t *testing.T) (url, code string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	got, ended := make(chan []string, 1), make(chan int, 1)
	out := &announcement{want: regexp.MustCompile(` on (http://\S+)\n.* with the code (\S+)\n`), got: got}
	var errs bytes.Buffer
	go func() {
		ended <- command.Run(ctx, &command.Env{
			Parts: parts, Args: []string{"serve", "-data", t.TempDir(), "-addr", "127.0.0.1:0"},
			Stdin: strings.NewReader(""), Stdout: out, Stderr: &errs, Getenv: func(string) string { return "" },
		})
	}()
	select {
	case m := <-got:
		t.Cleanup(func() {
			stop()
			if code := <-ended; code != 0 {
				t.Errorf("serve ended with %d: %s", code, errs.String())
			}
		})
		return m[1], m[2]
	case code := <-ended:
		stop()
		t.Fatalf("serve ended with %d: %s", code, errs.String())
		return "", ""
	}
}

// rows reads a file of the example, cells by column.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("data", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, cell := range cells {
			row[all[0][i]] = cell
		}
		out = append(out, row)
	}
	return out
}

// readme returns the commands of the README that begin with the words, their
// quotes taken off.
func readme(t *testing.T, words string) [][]string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\\\n", "")
	var out [][]string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, words+" "); ok {
			out = append(out, strings.Fields(strings.ReplaceAll(strings.TrimPrefix(words, "sluice ")+" "+rest, "'", "")))
		}
	}
	if len(out) == 0 {
		t.Fatalf("the README has no command %q", words)
	}
	return out
}

// world is a server with the example in it.
type world struct {
	*shell
	url    string
	tokens map[string]string // of employees who have signed in
}

// newWorld does what the README says.
func newWorld(t *testing.T) *world {
	t.Helper()
	url, code := serve(t)
	w := &world{&shell{t, map[string]string{"SLUICE_SERVER": url, "SLUICE_PASSWORD": password}}, url, map[string]string{}}
	w.must("setup", "-code", code, "-organization", "northwind", "-email", "admin@northwind.example", "-name", "Admin")
	w.env["SLUICE_TOKEN"] = w.must("token", "-organization", "northwind", "-email", "admin@northwind.example")
	w.must(readme(t, "sluice apply")[0]...)
	for _, e := range rows(t, "employees.csv") {
		name, email := e["firstName"]+" "+e["lastName"], address(e["employeeID"])
		w.must("user", "add", "-email", email, "-name", name)
		w.must("user", "assign", "-application", "northwind", "-email", email, "-role", name, "-set", "Sales")
	}
	for _, args := range readme(t, "sluice import") {
		w.must(args...)
	}
	return w
}

func address(employee string) string { return "employee" + employee + "@northwind.example" }

// as asks the application as an employee, "" for the admin.
func (w *world) as(employee, query string) map[string]any {
	w.t.Helper()
	if employee == "" {
		return w.ask(w.env["SLUICE_TOKEN"], query)
	}
	return w.ask(w.signIn(employee), query)
}

func (w *world) signIn(employee string) string {
	w.t.Helper()
	if w.tokens[employee] == "" {
		w.tokens[employee] = w.must("token", "-organization", "northwind", "-email", address(employee))
	}
	return w.tokens[employee]
}

func (w *world) ask(token, query string) map[string]any {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/apps/northwind/graphql", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Data   map[string]any
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || len(out.Errors) > 0 {
		w.t.Fatalf("%s: %v %v", query, err, out.Errors)
	}
	return out.Data
}

func count(data map[string]any, list string) int {
	page, _ := data[list].(map[string]any)
	n, ok := page["totalCount"].(float64)
	if !ok {
		return -1
	}
	return int(n)
}
