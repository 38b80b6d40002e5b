package gateway

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
)

// bombs are documents that cost a server much more than they cost who sends
// them.
func bombs() map[string]string {
	var chain strings.Builder
	for i := range 60 {
		fmt.Fprintf(&chain, "fragment F%d on Query{...F%d ...F%d} ", i, i+1, i+1)
	}
	var cycle strings.Builder
	for i := range 100 {
		fmt.Fprintf(&cycle, "fragment F%d on Query{...F%d __typename} ", i, (i+1)%100)
	}
	var aliases, arguments, unknown, operations strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&aliases, "a%d:__typename ", i)
		fmt.Fprintf(&unknown, "u%d ", i)
		fmt.Fprintf(&operations, "query Q%d{__typename} ", i)
	}
	for i := range 160 {
		fmt.Fprintf(&arguments, "orders(first:%d){id} ", i)
	}
	return map[string]string{
		"nested fragments":     "{...F0} " + chain.String() + "fragment F60 on Query{__typename}",
		"fragment cycle":       "{...F0} " + cycle.String(),
		"repeated field":       "{" + strings.Repeat("__typename ", 900) + "}",
		"repeated objects":     "{" + strings.Repeat("me{id} ", 230) + "}",
		"1,000 aliases":        "{" + aliases.String() + "}",
		"differing arguments":  "{" + arguments.String() + "}",
		"unknown fields":       "{" + unknown.String() + "}",
		"1,000 operations":     operations.String(),
		"deep fields":          strings.Repeat("{a", 490) + strings.Repeat("}", 490),
		"deep inline":          "{" + strings.Repeat("...{", 240) + "__typename" + strings.Repeat("}", 240) + "}",
		"deep lists":           "{orders(where:" + strings.Repeat("[", 480) + strings.Repeat("]", 480) + "){totalCount}}",
		"deep objects":         "{orders(where:" + strings.Repeat("{not:", 240) + "{}" + strings.Repeat("}", 240) + "){totalCount}}",
		"directives":           "{__typename " + strings.Repeat("@include(if:true) ", 160) + "}",
		"unknown directives":   "{__typename " + strings.Repeat("@a ", 490) + "}",
		"huge string":          `{order(id:"` + strings.Repeat("x", 16_000) + `"){id}}`,
		"huge number":          "{orders(first:" + strings.Repeat("9", 16_000) + "){totalCount}}",
		"comments":             strings.Repeat("#\n", 8000) + "{__typename}",
		"variables":            "query(" + strings.Repeat("$a:Int ", 240) + "){__typename}",
		"too long":             "{__typename " + strings.Repeat(" ", 17_000) + "}",
		"introspection nested": "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}",
		"many introspections":  "{" + strings.Repeat("X:__schema{types{name}} ", 100) + "}",
		"lists within lists":   "{orders(first:1000){nodes{lines(first:1000){nodes{order{lines(first:1000){nodes{id}}}}}}}}",
		"aliased lists":        "{" + strings.Repeat("X:orders(first:1000){nodes{id due title amount}} ", 60) + "}",
		"unclosed":             strings.Repeat("{a", 400),
		"not UTF-8":            "{\xff\xfe}",
		"nul":                  "{\x00}",
		"empty":                "",
	}
}

// harmless are the bombs that are cheap enough to be answered.
var harmless = map[string]bool{"huge string": true, "repeated objects": true}

// hang is what no document takes on any machine, however busy, unless its work
// grows faster than the document.
const hang = 10 * time.Second

// TestBombs sends each bomb to the whole API: refused or answered with little
// work, never with a fault of ours, never with more than 20 errors.
func TestBombs(t *testing.T) {
	s := newShop(t)
	s.ask("ann", `{orders{totalCount}}`, nil) // schema and view are made
	for name, text := range bombs() {
		if strings.Contains(text, "X:") {
			for i := 0; strings.Contains(text, "X:"); i++ {
				text = strings.Replace(text, "X:", fmt.Sprintf("x%d:", i), 1)
			}
		}
		var before, after runtime.MemStats
		var body string
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, body = s.post("ann", "sales", text, nil)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > hang {
			t.Errorf("%s: %v", name, took)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 32 {
			t.Errorf("%s: %d MiB allocated", name, mib)
		}
		if strings.Contains(body, "INTERNAL") || strings.Count(body, `"message"`) > 20 || len(body) > 1<<20 {
			t.Errorf("%s: %.300s", name, body)
		}
		if refused := strings.Contains(body, `"errors"`); refused == harmless[name] {
			t.Errorf("%s: %.300s", name, body)
		}
	}
	if len(s.panicks) > 0 {
		t.Error(s.panicks)
	}
}

// TestGuardAdmits holds what must pass.
func TestGuardAdmits(t *testing.T) {
	for name, text := range map[string]string{
		"introspection of GraphiQL": introspection.NewQuery(introspection.QueryOptions{OneOf: true}),
		"20 levels":                 strings.Repeat("{a", 20) + strings.Repeat("}", 20),
		"300 fields":                "{" + strings.Repeat("a ", 300) + "}",
		"fragments":                 "{...A ...A} fragment A on X{b ...B} fragment B on X{c}",
	} {
		if _, errs := DefaultLimits.Parse(text); errs != nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
	for name, text := range map[string]string{
		"21 levels":  strings.Repeat("{a", 21) + strings.Repeat("}", 21),
		"301 fields": "{" + strings.Repeat("a ", 301) + "}",
		"flattened":  "{...A ...B} fragment A on X{" + strings.Repeat("a ", 200) + "} fragment B on X{" + strings.Repeat("a ", 200) + "}",
		"unused":     "{a} fragment A on X{" + strings.Repeat("a ", 301) + "}",
	} {
		if _, errs := DefaultLimits.Parse(text); errs == nil {
			t.Errorf("%s is admitted", name)
		}
	}
}

// FuzzGuard measures that parsing, guarding and validating end quickly.
func FuzzGuard(f *testing.F) {
	for _, text := range bombs() {
		f.Add(text)
	}
	s := newShop(f)
	op, err := s.e.Read(f.Context(), s.as["ann"], "sales")
	s.must(err)
	defer op.Close()
	e, _, err := s.g.schemas.of(op)
	s.must(err)
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		doc, errs := DefaultLimits.Parse(text)
		if errs == nil {
			errs = Validate(e.schema.AST, doc)
		}
		if took := time.Since(start); took > hang {
			t.Fatalf("%v", took)
		}
		if len(errs) > 20 {
			t.Fatalf("%d errors", len(errs))
		}
	})
}
