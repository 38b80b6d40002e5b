package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The ways in which systems like this one were got round, each tried on every
// path to data. A path is a field of one of the two GraphQL schemas or an HTTP
// route; all of them are found by looking, so that one that is added fails
// TestEveryPathHasItsAttacks until it has attacks of its own.

// classes are the kinds of bypass, by what went wrong elsewhere.
var classes = map[string]string{
	"B01": "a field that may not be read can be filtered by",
	"B02": "the order tells values that may not be read",
	"B03": "a count or sum covers records or fields out of reach",
	"B04": "a cursor or key argument goes past the filter",
	"B05": "a rule on one type is not applied through another",
	"B06": "a field is fetched through one that depends on it",
	"B07": "what is live or told later skips the rules",
	"B08": "what speaks of oneself runs with other rights",
	"B09": "a system table is reached by the general route",
	"B10": "what is sent out holds more than its reader may see",
	"B11": "something shared or saved runs with its maker's rights",
	"B12": "history shows what the record does not",
	"B13": "a filter through a relation, or one that is dropped in silence",
	"B14": "a system field is accepted as input",
	"B15": "denied and absent can be told apart",
	"B16": "the server fetches an address for somebody",
	"B17": "rights through a chain of roles lose their limits",
	"B18": "an exclusion or a wildcard includes what it should not",
	"B19": "a list and a single check disagree",
	"B20": "an answer is cached without everything that it depends on",
	"B21": "several kinds of grant on one thing are mixed up",
	"B22": "several conditions are merged wrongly",
	"B23": "a session outlives its rights",
	"B24": "the caller chooses what a limit counts by",
	"B25": "aliases multiply what is dear",
	"B26": "code of a tenant runs with full rights",
	"B27": "a default shows too much",
}

// attack is one try on one path. An @ in its request stands for a guess: the
// answers to the right and to the wrong guess must be the same, byte by byte,
// and hold no secret. A <name> stands for a value of the vault.
type attack struct {
	class string
	send  string
	// right and wrong are equal for an attack without a guess.
	right, wrong string
	// vars are the variables, as JSON, where the guess may stand too.
	vars string
	// code is the code that the first error must have; any when empty.
	code string
	// told is set where the super admin is answered alike too, so that the attack
	// proves nothing by itself: what it asks for is there for nobody.
	told bool
	// by runs an attack that is not one document.
	by func(t *testing.T, v *vault)
}

// traits are what a path offers, and the classes that it must be attacked in.
var traits = []struct {
	name    string
	has     func(p way) bool
	classes []string
}{
	{"filter", func(p way) bool { return p.args["where"] }, []string{"B01", "B13", "B18"}},
	{"order", func(p way) bool { return p.args["orderBy"] }, []string{"B02"}},
	{"connection", func(p way) bool { return strings.HasSuffix(p.returns, "Connection") && p.surface == "app" }, []string{"B03", "B19", "B25"}},
	{"cursor", func(p way) bool { return p.args["after"] && p.surface == "app" }, []string{"B04", "B20"}},
	{"id", func(p way) bool { return p.args["id"] || p.args["ids"] || p.args["user"] }, []string{"B15"}},
	{"cells", func(p way) bool { return p.surface == "app" && p.record }, []string{"B05"}},
	{"input", func(p way) bool { return p.args["input"] }, []string{"B14"}},
	{"route", func(p way) bool { return p.surface == "route" }, []string{"B15", "B23"}},
	{"management", func(p way) bool { return p.surface == "manage" }, []string{"B09"}},
}

// way is one way to data.
type way struct {
	surface string // app, manage, route
	name    string // Query.folders, PUT /definition
	args    map[string]bool
	returns string // name of the type
	record  bool   // gives records of a form
}

func (p way) key() string { return p.surface + " " + p.name }

func (p way) demands() []string {
	var out []string
	for _, tr := range traits {
		if tr.has(p) {
			out = append(out, tr.classes...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// schemaPaths lists the fields of a schema that lead to data: all root fields,
// and those of other types that take arguments or return an object.
func schemaPaths(t *testing.T, surface string, send func(query string) answer) []way {
	t.Helper()
	a := send(`{__schema{queryType{name} mutationType{name} types{name kind fields{name args{name} type{name kind ofType{name kind ofType{name kind ofType{name kind}}}}}}}}`)
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	objects := map[string]bool{}
	for _, typ := range a.list("__schema.types") {
		m := typ.(map[string]any)
		objects[m["name"].(string)] = m["kind"] == "OBJECT" || m["kind"] == "INTERFACE" || m["kind"] == "UNION"
	}
	var out []way
	for _, typ := range a.list("__schema.types") {
		m := typ.(map[string]any)
		name := m["name"].(string)
		fields, _ := m["fields"].([]any)
		if strings.HasPrefix(name, "__") {
			continue
		}
		for _, f := range fields {
			p := pathOf(surface, name, f.(map[string]any))
			root := name == "Query" || name == "Mutation" || name == "Subscription"
			if root || len(p.args) > 0 || objects[p.returns] && vaultForms[name] {
				out = append(out, p)
			}
		}
	}
	return out
}

func pathOf(surface, typ string, f map[string]any) way {
	p := way{surface: surface, name: typ + "." + f["name"].(string), args: map[string]bool{}}
	for _, a := range f["args"].([]any) {
		p.args[a.(map[string]any)["name"].(string)] = true
	}
	for at, ok := f["type"].(map[string]any); ok; at, ok = at["ofType"].(map[string]any) {
		if name, named := at["name"].(string); named {
			p.returns = name
		}
	}
	form := strings.TrimSuffix(strings.TrimSuffix(p.returns, "Connection"), "Payload")
	for _, verb := range []string{"Create", "Update", "Upsert"} {
		form = strings.TrimPrefix(form, verb)
	}
	p.record = vaultForms[strings.TrimSuffix(strings.TrimSuffix(form, "ById"), "s")]
	return p
}

// routes reads every pattern that a ServeMux of the server is given.
func routes(t *testing.T) []way {
	t.Helper()
	var out []way
	for _, dir := range []string{"resolvers/gateway", "internal/httpd"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
					if text, err := strconv.Unquote(s.Value); err == nil && isPattern(text) {
						out = append(out, way{surface: "route", name: text})
					}
				}
				return true
			})
		}
	}
	slices.SortFunc(out, func(a, b way) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b way) bool { return a.name == b.name })
}

// isPattern reports whether a string is a pattern of a route: an optional method
// and a path.
func isPattern(s string) bool {
	method, rest, ok := strings.Cut(s, " ")
	if !ok {
		method, rest = "GET", s
	}
	return slices.Contains([]string{"GET", "PUT", "POST", "PATCH", "DELETE"}, method) && strings.HasPrefix(rest, "/") &&
		!strings.ContainsAny(rest, " \n%")
}

func allPaths(t *testing.T, v *vault) []way {
	t.Helper()
	out := schemaPaths(t, "app", func(q string) answer { return v.ask("ann", q) })
	out = append(out, schemaPaths(t, "manage", func(q string) answer { return v.manage("ann", q) })...)
	return append(out, routes(t)...)
}

// TestEveryPathHasItsAttacks is the inventory: paths and attacks agree, and each
// path is attacked in every class that its traits demand.
func TestEveryPathHasItsAttacks(t *testing.T) {
	v := theVault(t)
	known := map[string]bool{}
	for _, p := range allPaths(t, v) {
		known[p.key()] = true
		have := map[string]bool{}
		for _, a := range attacks[p.key()] {
			have[a.class] = true
		}
		if len(have) == 0 && harmlessPaths[p.key()] == "" {
			t.Errorf("%s has no attacks", p.key())
			continue
		}
		for _, c := range p.demands() {
			if !have[c] && excused[c+" "+p.key()] == "" && harmlessPaths[p.key()] == "" {
				t.Errorf("%s has no attack of class %s: %s", p.key(), c, classes[c])
			}
		}
	}
	tried := map[string]bool{}
	for key, list := range attacks {
		if !known[key] {
			t.Errorf("attacks on %s, which is no path", key)
		}
		for _, a := range list {
			tried[a.class] = true
			if classes[a.class] == "" {
				t.Errorf("%s: unknown class %s", key, a.class)
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		if !tried[c] && nowhere[c] == "" {
			t.Errorf("class %s is tried nowhere", c)
		}
	}
	for key := range harmlessPaths {
		if !known[key] || len(attacks[key]) > 0 {
			t.Errorf("%s is called harmless, and is no path or has attacks", key)
		}
	}
}

// TestBypasses runs every attack as eve.
func TestBypasses(t *testing.T) {
	v := theVault(t)
	before := v.state(t)
	for _, key := range slices.Sorted(maps.Keys(attacks)) {
		surface, _, _ := strings.Cut(key, " ")
		for i, a := range attacks[key] {
			t.Run(fmt.Sprintf("%s %s %d", a.class, key, i), func(t *testing.T) {
				if a.by != nil {
					a.by(t, v)
					return
				}
				v.run(t, surface, a)
			})
		}
	}
	if v.state(t) != before {
		t.Error("something was changed")
	}
}

// run sends an attack with both guesses.
func (v *vault) run(t *testing.T, surface string, a attack) {
	t.Helper()
	right, wrong := v.put(a.right), v.put(a.wrong)
	got, other := v.try(surface, "eve", a, right), v.try(surface, "eve", a, wrong)
	if got != other {
		t.Errorf("%s\nright guess %s\nwrong guess %s", a.send, got, other)
	}
	var parsed answer
	if err := json.Unmarshal([]byte(got), &parsed); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if strings.Contains(got, secretMark) || parsed.code() == "INTERNAL" {
		t.Errorf("%s: %s", a.send, got)
	}
	if a.code != "" && parsed.code() != a.code {
		t.Errorf("%s: code %q, want %q: %s", a.send, parsed.code(), a.code, got)
	}
	if !a.told && strings.HasPrefix(strings.TrimSpace(a.send), "{") && right != wrong {
		if v.try(surface, "ann", a, right) == v.try(surface, "ann", a, wrong) {
			t.Errorf("%s: the super admin is answered alike, the attack proves nothing", a.send)
		}
	}
}

// try sends an attack with one guess and returns the answer, the guess in it
// replaced.
func (v *vault) try(surface, who string, a attack, guess string) string {
	put := func(s string) string { return strings.ReplaceAll(v.put(s), "@", guess) }
	body := map[string]any{"query": put(a.send)}
	if a.vars != "" {
		body["variables"] = json.RawMessage(put(a.vars))
	}
	b, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	where := map[string]string{"app": vaultPath, "manage": managePath}[surface]
	_, got := v.do(v.t, call{path: where, token: v.tokens[who], body: string(b)})
	text := string(got)
	if guess != "" {
		text = strings.ReplaceAll(text, guess, "@")
	}
	return text
}
