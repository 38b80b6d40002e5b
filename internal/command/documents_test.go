package command

import (
	"strings"
	"testing"

	"sluice/internal/demo"
)

func TestDocuments(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	push := func(manifest string) []string {
		return []string{"documents", "push", "-application", "sales", "-f", file(t, "manifest.json", manifest)}
	}
	if out := term.must(push(`{"a/b": "{ me { id } }", "b": "{ me { kind } }"}`)...); out != "Registered 2 documents, 2 of them new.\n" {
		t.Error(out)
	}
	if out := term.must(push(`{"b": "{ me { kind } }"}`)...); out != "Registered 1 documents, 0 of them new.\n" {
		t.Error(out)
	}
	term.fails(1, "another document", push(`{"b": "{ me { id } }"}`)...)
	term.fails(1, "c:2: ", push(`{"c": "{\n nothing }", "d": "{ me { id } }"}`)...)
	term.fails(1, "expected an object", push(`[]`)...)
	term.fails(1, "-f: ", "documents", "push", "-application", "sales", "-f", "nothing.json")
	term.fails(1, "NOT_FOUND", "documents", "list", "-application", "none")
	out := term.must("documents", "list", "-application", "sales")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "a/b ") || !strings.HasPrefix(lines[2], "b ") {
		t.Error(out)
	}
	if out := term.must("documents", "remove", "-application", "sales", "-id", "a/b", "-id", "b"); out != "Removed a/b.\nRemoved b.\n" {
		t.Error(out)
	}
	term.fails(1, "b: id: ", "documents", "remove", "-application", "sales", "-id", "b")
	for _, words := range [][]string{{"push"}, {"list"}, {"remove"}, {"push", "-application", "sales"}, {"remove", "-application", "sales"}, {"list", "more"}} {
		term.fails(2, "documents "+words[0], append([]string{"documents"}, words...)...)
	}
}

func TestSchemaPrint(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	full := term.must("schema", "print", "-application", "sales")
	if !strings.Contains(full, "type Customer") || !strings.Contains(full, "type Supplier") {
		t.Errorf("the schema is %.300s", full)
	}
	if out := term.must("schema", "print", "-application", "sales", "-set", "supplier"); strings.Contains(out, "Customer") || !strings.Contains(out, "type Supplier") {
		t.Errorf("the supplier's schema is %.300s", out)
	}
	if out := term.must("schema", "print", "-application", "sales", "-json"); !strings.HasPrefix(out, `{"data":{"__schema":`) {
		t.Errorf("as JSON %.300s", out)
	}
	term.fails(1, "NOT_FOUND", "schema", "print", "-application", "sales", "-as", "nobody@acme.example")
	term.fails(1, "NOT_FOUND", "schema", "print", "-application", "none")
	term.fails(2, "-set", "schema", "print", "-application", "sales", "-as", "x", "-set", "y")
	term.fails(2, "-application", "schema", "print")
}
