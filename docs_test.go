package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"sluice/internal/command"
	"sluice/internal/demo"
)

// What the guides say is run here against the demo. A block of GraphQL names
// in its first line who asks: "# as ravi", of the application sales, or "# as
// jonas, in the management API".

// pages are the Markdown files of the repository, by path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "node_modules" || name == "testdata" || name == "data" || file != "." && strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if filepath.Ext(file) != ".md" || d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(file)
		out[filepath.ToSlash(file)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	fence   = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inline  = regexp.MustCompile("`([^`\n]+)`")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// blocks returns the fenced blocks of a page in a language.
func blocks(text, language string) []string {
	var out []string
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			out = append(out, m[2])
		}
	}
	return out
}

// anchors are the targets that a page's headings make.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		out = append(out, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// TestDocs_LinksResolve: relative links lead to files and headings that exist.
func TestDocs_LinksResolve(t *testing.T) {
	all, seen := pages(t), 0
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			seen++
			target := page
			if u.Path != "" {
				target = path.Join(path.Dir(page), u.Path)
			}
			if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
			} else if u.Fragment != "" && !slices.Contains(anchors(all[target]), u.Fragment) {
				t.Errorf("%s: %s has no heading #%s", page, target, u.Fragment)
			}
		}
	}
	if seen < 10 {
		t.Errorf("found %d links: the pages have changed their form", seen)
	}
}

// TestDocs_GuidesAreNamed: the README leads to every guide.
func TestDocs_GuidesAreNamed(t *testing.T) {
	all := pages(t)
	for page := range all {
		if strings.HasPrefix(page, "docs/") && !strings.Contains(all["README.md"], "]("+page+")") {
			t.Errorf("README.md does not name %s", page)
		}
	}
}

var (
	marker  = regexp.MustCompile(`^# as ([a-z]+)(, in the management API)?`)
	curled  = regexp.MustCompile(`-d '(\{"query".*\})'`)
	comment = regexp.MustCompile(`#.*`)
)

// TestDocs_Operations runs each block of GraphQL: operations must succeed, types
// must be those that the person's schema has.
func TestDocs_Operations(t *testing.T) {
	d, ran := theDemo(t), 0
	for page, text := range pages(t) {
		for _, block := range blocks(text, "graphql") {
			m := marker.FindStringSubmatch(block)
			if m == nil || d.tokens[m[1]] == "" {
				t.Errorf("%s: a block does not say who asks, as in \"# as ravi\": %s", page, block)
				continue
			}
			ran++
			switch {
			case strings.Contains(block, "\ntype "):
				compareType(t, page, m[1], block)
			case m[2] != "":
				d.manage(t, m[1], "%s", block)
			default:
				runDocumented(t, page, m[1], block, nil)
			}
		}
		for _, m := range curled.FindAllStringSubmatch(strings.Join(blocks(text, "sh"), "\n"), -1) {
			var body struct {
				Query     string
				Variables map[string]any
			}
			if err := json.Unmarshal([]byte(m[1]), &body); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
				continue
			}
			ran++
			runDocumented(t, page, "ravi", body.Query, body.Variables)
		}
	}
	if ran < 4 {
		t.Errorf("ran %d operations: the pages have changed their form", ran)
	}
}

// runDocumented runs an operation. Variables of type ID that it has no value for
// are new orders of whoever asks, $owner is whoever asks and $picture an upload of theirs; what is left of orders and
// of what it creates is deleted at the end.
func runDocumented(t *testing.T, page, who, query string, variables map[string]any) {
	t.Helper()
	d := theDemo(t)
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Errorf("%s: %v", page, err)
		return
	}
	if variables == nil {
		variables = map[string]any{}
	}
	for _, op := range doc.Operations {
		if op.Operation == ast.Subscription {
			if s := d.eventsOf(t, who, query); s.resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %s is answered with status %d", page, who, query, s.resp.StatusCode)
			}
			return
		}
		for i, v := range op.VariableDefinitions {
			if _, given := variables[v.Variable]; given || v.Type.String() != "ID!" {
				continue
			}
			switch v.Variable {
			case "owner":
				variables[v.Variable] = d.id(t, who)
				continue
			case "picture":
				variables[v.Variable] = d.uploads(t, who, "lamp.png", "image/png", picture(64))
				continue
			}
			a := d.ok(t, who, `mutation{createOrder(input:{number:"DOC-%d" title:"documented"}){id}}`, i)
			variables[v.Variable] = a.at("createOrder.id")
		}
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	a := d.send(t, "POST", "/apps/sales/graphql", who, "application/json", body)
	if len(a.Errors) > 0 || len(a.Data) == 0 {
		t.Errorf("%s: %s: %s\n%+v", page, who, query, a.Errors)
	}
	for _, id := range append(ids(variables), a.at("createOrder.id")) {
		if id != nil {
			for _, line := range d.as(t, who, `{order(id:%q){orderLines(first:100){nodes{id}}}}`, id).list("order.orderLines.nodes") {
				d.as(t, who, `mutation{deleteOrderLine(id:%q){id}}`, line.(map[string]any)["id"])
			}
			d.as(t, who, `mutation{deleteOrder(id:%q){id}}`, id)
		}
	}
}

// ids are the texts among values.
func ids(values map[string]any) []any {
	var out []any
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// compareType holds a documented type to the schema of a person: each of its
// fields has these arguments, defaults and types.
func compareType(t *testing.T, page, who, block string) {
	t.Helper()
	doc, err := parser.ParseSchema(&ast.Source{Input: block})
	if err != nil {
		t.Errorf("%s: %v", page, err)
		return
	}
	ref := `kind name ofType{kind name ofType{kind name ofType{kind name}}}`
	for _, def := range doc.Definitions {
		a := theDemo(t).ok(t, who, `{__type(name:%q){fields{name type{%s} args{name defaultValue type{%s}}}}}`, def.Name, ref, ref)
		has := map[string]string{}
		for _, f := range a.list("__type.fields") {
			line, name := signature(f.(map[string]any))
			has[name] = line
		}
		for _, f := range def.Fields {
			var args []string
			for _, arg := range f.Arguments {
				s := arg.Name + ": " + arg.Type.String()
				if arg.DefaultValue != nil {
					s += " = " + arg.DefaultValue.String()
				}
				args = append(args, s)
			}
			if want := fmt.Sprintf("%s(%s): %s", f.Name, strings.Join(args, ", "), f.Type); has[f.Name] != want {
				t.Errorf("%s: %s has %q, the page says %q", page, def.Name, has[f.Name], want)
			}
		}
	}
}

func signature(field map[string]any) (line, name string) {
	var args []string
	for _, a := range field["args"].([]any) {
		a := a.(map[string]any)
		s := fmt.Sprintf("%s: %s", a["name"], typeText(a["type"].(map[string]any)))
		if a["defaultValue"] != nil {
			s += fmt.Sprintf(" = %s", a["defaultValue"])
		}
		args = append(args, s)
	}
	name = field["name"].(string)
	return fmt.Sprintf("%s(%s): %s", name, strings.Join(args, ", "), typeText(field["type"].(map[string]any))), name
}

// typeText writes an introspected type as a document does.
func typeText(t map[string]any) string {
	switch t["kind"] {
	case "NON_NULL":
		return typeText(t["ofType"].(map[string]any)) + "!"
	case "LIST":
		return "[" + typeText(t["ofType"].(map[string]any)) + "]"
	}
	return t["name"].(string)
}

// TestDocs_FirstLook runs the README's first look as it stands there, with
// address and folder of this demo.
func TestDocs_FirstLook(t *testing.T) {
	d := theDemo(t)
	var script string
	for _, b := range blocks(pages(t)["README.md"], "sh") {
		if strings.Contains(b, "ask ravi") {
			script = b
		}
	}
	if script == "" {
		t.Fatal("the README's first look is gone")
	}
	for _, tool := range []string{"sh", "sed", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the README's first look needs %s, which is not here", tool)
		}
	}
	file := filepath.Join(t.TempDir(), "demo.json")
	writeTokens(t, file)
	for from, to := range map[string]string{"http://127.0.0.1:8080": d.url, "data/demo.json": file} {
		if !strings.Contains(script, from) {
			t.Errorf("the first look does not use %s", from)
		}
		script = strings.ReplaceAll(script, from, to)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	asks := strings.Count(comment.ReplaceAllString(script, ""), "\nask ")
	if len(lines) != asks || asks != 3 {
		t.Fatalf("%d questions, %d answers: %s", asks, len(lines), out)
	}
	for i, want := range []string{`"taxNumber":"ZY`, `"totalCount":320`, `is not defined by type`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("answer %d has no %s: %s", i+1, want, lines[i])
		}
	}
}

var (
	commandLine = regexp.MustCompile(`(?:\bsluice|go run \.) ([a-z-][^\n` + "`" + `|<&)]*)`)
	flagName    = regexp.MustCompile(` --?([a-z][a-z-]*)`)
	quoted      = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

// TestDocs_CommandsExist: every command line of the pages, in blocks and in
// sentences, names a command and flags that there are.
func TestDocs_CommandsExist(t *testing.T) {
	seen := 0
	for page, text := range pages(t) {
		code := strings.ReplaceAll(strings.Join(blocks(text, "sh"), "\n"), "\\\n", "")
		for _, m := range inline.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			code += "\n" + m[1]
		}
		for _, m := range commandLine.FindAllStringSubmatch(code, -1) {
			line, _, _ := strings.Cut(quoted.ReplaceAllString(m[1], "X"), "#")
			if strings.Contains(line, "COMMAND") {
				continue
			}
			seen++
			words := strings.Fields(line)
			if n := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); n >= 0 {
				words = words[:n]
			}
			help := helpOf(t, words)
			for _, f := range flagName.FindAllStringSubmatch(" "+line, -1) {
				if !strings.Contains(help, "\n  -"+f[1]+" ") && !strings.Contains(help, "\n  -"+f[1]+"\n") {
					t.Errorf("%s: `sluice %s`: no flag -%s", page, line, f[1])
				}
			}
			if help == "" {
				t.Errorf("%s: `sluice %s`: no such command", page, line)
			}
		}
	}
	if seen < 20 {
		t.Errorf("read %d command lines: the pages have changed their form", seen)
	}
}

// helpOf returns the help of a command, empty when there is none.
func helpOf(t *testing.T, words []string) string {
	t.Helper()
	var out bytes.Buffer
	if words[0] != "help" {
		words = append(slices.Clone(words), "--help")
	}
	env := &command.Env{Args: words, Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "" }}
	if command.Run(t.Context(), env) != 0 {
		return ""
	}
	return out.String()
}

// writeTokens writes the demo's tokens as the demo itself writes its sheet.
func writeTokens(t *testing.T, file string) {
	t.Helper()
	var s demo.Sheet
	for name, token := range theDemo(t).tokens {
		s.Personas = append(s.Personas, demo.Persona{Email: name + "@zylker.example", Token: token})
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
