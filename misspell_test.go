package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/effort"
)

// misspelling is a document in which one name of a schema is spelt wrong, or is
// one that the viewer's schema does not have.
type misspelling struct{ query, vars string }

// names are those of the schema: of types, fields, arguments, input fields and
// enum values.
func (s *surface) names() map[string]bool {
	out := map[string]bool{}
	for name, typ := range s.types {
		out[name] = true
		for _, f := range append(typ.Fields, typ.InputFields...) {
			out[f.Name] = true
			for _, a := range f.Args {
				out[a.Name] = true
			}
		}
		for _, v := range typ.EnumValues {
			out[v.Name] = true
		}
	}
	return out
}

// misspellings spells a name in each position that a type gives it.
func (s *surface) misspellings(typ *schemaType, wrong func(string) string) (out []misspelling) {
	add := func(vars, format string, args ...any) {
		out = append(out, misspelling{fmt.Sprintf(format, args...), vars})
	}
	name := typ.Name
	add("", `{ ... on %s { __typename } }`, wrong(name))
	add("", `query($v: [%s!]) { __typename }`, wrong(name))
	add("", `{ __type(name: %q) { name fields { name } enumValues { name } } }`, wrong(name))
	switch typ.Kind {
	case "OBJECT", "INTERFACE":
		for _, f := range typ.Fields {
			add("", `{ ...F } fragment F on %s { %s }`, name, wrong(f.Name))
			add("", `{ ...F } fragment F on %s { %s { id } }`, name, wrong(f.Name))
			for _, a := range f.Args {
				add("", `{ ...F } fragment F on %s { %s(%s: 1) }`, name, f.Name, wrong(a.Name))
			}
		}
	case "INPUT_OBJECT":
		for _, f := range typ.InputFields {
			add("", `query($v: %s = {%s: {eq: 1}}) { __typename }`, name, wrong(f.Name))
			add(fmt.Sprintf(`{"v":{%q:{"eq":1}}}`, wrong(f.Name)), `query($v: %s) { __typename }`, name)
		}
	case "ENUM":
		for _, v := range typ.EnumValues {
			add("", `query($v: %s = %s) { __typename }`, name, wrong(v.Name))
			add(fmt.Sprintf(`{"v":%q}`, wrong(v.Name)), `query($v: %s) { __typename }`, name)
		}
	}
	return out
}

// directives are misspelt alike on every schema.
var misspeltDirectives = []misspelling{
	{`{ __typename @skp(if: true) }`, ``}, {`{ __typename @skip(iff: true) }`, ``}, {`{ __typename @deprecate }`, ``},
	{`{ ...Fragmen } fragment Fragment on Query { __typename }`, ``}, {`query A($variable: Int) { a: __typename @skip(if: $variablx) }`, ``},
}

var (
	words      = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	suggestion = regexp.MustCompile(`(?i)did you mean|perhaps|similar|suggest`)
)

// TestB3_MisspeltNamesTellNothing spells every name of a viewer's schema wrong in
// every position, and says every name that the viewer does not have: no answer
// holds such a name that was not in the request, or suggests one.
func TestB3_MisspeltNamesTellNothing(t *testing.T) {
	d := theDemo(t)
	every := effort.Of(23, 5, 1)
	full := d.surface(t, "/apps/sales/graphql", "priya")
	for _, c := range []struct{ path, who string }{
		{"/apps/sales/graphql", "ravi"}, {"/apps/sales/graphql", "felix"}, {"/apps/sales/graphql", "omar"}, {"/graphql", "ravi"},
	} {
		s := d.surface(t, c.path, c.who)
		own, hidden := s.names(), full.names()
		maps.DeleteFunc(hidden, func(name string, _ bool) bool { return own[name] })
		if c.path == full.path && len(hidden) < 10 {
			t.Fatalf("%s: only %d names are not theirs", c.who, len(hidden))
		}
		foreign := slices.Sorted(maps.Keys(hidden))
		if c.path != full.path { // one schema for everybody: only suggestions would tell
			clear(hidden)
		}
		hunt := &nameHunt{demoServer: d, path: c.path, who: c.who, hidden: hidden}
		for _, m := range misspeltDirectives {
			hunt.try(t, m)
		}
		n := 0
		for _, name := range slices.Sorted(maps.Keys(s.types)) {
			for _, wrong := range []func(string) string{
				func(name string) string { return name + "z" },
				func(name string) string { return "z" + name[:len(name)-1] },
				func(string) string { n++; return foreign[n%len(foreign)] },
			} {
				for _, m := range s.misspellings(s.types[name], wrong) {
					if hunt.seen++; hunt.seen%every == 0 {
						hunt.try(t, m)
					}
				}
			}
		}
		if hunt.tried < 30 || hunt.refused < hunt.tried/2 {
			t.Errorf("%s %s: %d of %d were refused", c.path, c.who, hunt.refused, hunt.tried)
		}
	}
}

// nameHunt looks for names in answers.
type nameHunt struct {
	*demoServer
	path, who            string
	hidden               map[string]bool
	seen, tried, refused int
}

func (h *nameHunt) try(t *testing.T, m misspelling) {
	t.Helper()
	h.tried++
	body := map[string]any{"query": m.query}
	if m.vars != "" {
		body["variables"] = json.RawMessage(m.vars)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, got := h.do(t, call{path: h.path, token: h.tokens[h.who], body: string(b)})
	var a answer
	if err := json.Unmarshal(got, &a); err != nil || status >= 500 || a.code() == "INTERNAL" {
		t.Fatalf("%s: %s: %d %s", h.who, m.query, status, got)
	}
	if len(a.Errors) > 0 {
		h.refused++
	}
	said := map[string]bool{}
	for _, w := range words.FindAllString(string(b), -1) {
		said[w] = true
	}
	for _, e := range a.Errors {
		if suggestion.MatchString(e.Message) {
			t.Errorf("%s: %s: %s", h.who, m.query, e.Message)
		}
		for _, w := range words.FindAllString(e.Message, -1) {
			if h.hidden[w] && !said[w] {
				t.Errorf("%s: %s: %q is no name of theirs: %s", h.who, m.query, w, e.Message)
			}
		}
	}
	if len(a.Errors) == 0 {
		for _, w := range words.FindAllString(strings.ReplaceAll(string(got), "__typename", ""), -1) {
			if h.hidden[w] && !said[w] {
				t.Errorf("%s: %s: %q is no name of theirs: %.300s", h.who, m.query, w, got)
			}
		}
	}
}
