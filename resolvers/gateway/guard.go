package gateway

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/graph"
	"sluice/graph/app"
)

// Limits bound a document before anything quadratic looks at it.
type Limits struct {
	Body       int64 // bytes of a request
	Document   int   // bytes of its document
	Tokens     int   // tokens of its document
	Depth      int   // levels of fields, fragments expanded
	PerSet     int   // fields of one selection set, fragments flattened into it
	Expanded   int   // selections of an operation, fragments expanded
	Operations int   // operations of a document
}

// DefaultLimits admit the introspection queries of GraphiQL and its like.
var DefaultLimits = Limits{Body: 64 << 10, Document: 16 << 10, Tokens: 1000, Depth: 20, PerSet: 300, Expanded: 5000, Operations: 20}

// Parse reads a document and refuses one that is over a limit, in time linear
// in its length. The document is not yet validated.
func (l Limits) Parse(text string) (*ast.QueryDocument, gqlerror.List) {
	if len(text) > l.Document {
		return nil, gqlerror.List{graph.Coded(graph.CodeLimitExceeded, "the document has more than %d bytes", l.Document)}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, l.Tokens)
	if err != nil {
		return nil, graph.Invalid(gqlerror.List{parseError(err)})
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{graph.Coded(graph.CodeBadUserInput, "the document has no operation")}
	}
	if err := l.Check(doc); err != nil {
		return nil, gqlerror.List{err}
	}
	return doc, nil
}

func parseError(err error) *gqlerror.Error {
	ge, ok := err.(*gqlerror.Error)
	if !ok {
		return gqlerror.Errorf("the document cannot be read")
	}
	if len(ge.Locations) == 0 { // only the token limit has no place
		return graph.Coded(graph.CodeLimitExceeded, "%s", ge.Message)
	}
	return ge
}

// Check refuses a parsed document that is over a limit. It runs before
// validation, whose overlap rule is quadratic in the fields of a set.
func (l Limits) Check(doc *ast.QueryDocument) *gqlerror.Error {
	if len(doc.Operations) > l.Operations || len(doc.Fragments) > l.PerSet {
		return graph.Coded(graph.CodeLimitExceeded, "the document has too many operations or fragments: at most %d and %d", l.Operations, l.PerSet)
	}
	g := &measure{limits: l, fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), known: map[string]size{}}
	for _, f := range doc.Fragments {
		g.fragments[f.Name] = f
	}
	for _, o := range doc.Operations {
		if _, ok := g.set(o.SelectionSet, 0); !ok {
			return l.tooLarge()
		}
	}
	for _, f := range doc.Fragments { // unused ones are validated too
		if _, ok := g.fragment(f.Name, 0); !ok {
			return l.tooLarge()
		}
	}
	return nil
}

func (l Limits) tooLarge() *gqlerror.Error {
	return graph.Coded(graph.CodeLimitExceeded,
		"the document is too large: at most %d selections with fragments expanded, %d in one selection set, %d levels", l.Expanded, l.PerSet, l.Depth)
}

// size is what a selection set comes to with its fragments expanded.
type size struct{ expanded, depth, flat int }

type measure struct {
	limits    Limits
	fragments map[string]*ast.FragmentDefinition
	known     map[string]size // fragments measured or being measured
}

func (g *measure) set(set ast.SelectionSet, level int) (size, bool) {
	var sum size
	if level > 4*g.limits.Depth { // inline fragments nest without a field
		return sum, false
	}
	for _, s := range set {
		one, ok := g.selection(s, level+1)
		sum.expanded += one.expanded
		sum.flat += one.flat
		sum.depth = max(sum.depth, one.depth)
		if !ok || sum.expanded > g.limits.Expanded || sum.flat > g.limits.PerSet || sum.depth > g.limits.Depth {
			return sum, false
		}
	}
	return sum, true
}

func (g *measure) selection(s ast.Selection, level int) (size, bool) {
	switch s := s.(type) {
	case *ast.Field:
		sub, ok := g.set(s.SelectionSet, level)
		return size{expanded: sub.expanded + 1, depth: sub.depth + 1, flat: 1}, ok
	case *ast.InlineFragment:
		sub, ok := g.set(s.SelectionSet, level)
		return size{expanded: sub.expanded + 1, depth: sub.depth, flat: sub.flat + 1}, ok
	case *ast.FragmentSpread:
		sub, ok := g.fragment(s.Name, level)
		return size{expanded: sub.expanded + 1, depth: sub.depth, flat: sub.flat + 1}, ok
	}
	return size{}, false
}

// fragment measures a fragment once. An unknown one and a cycle measure nothing
// here: validation reports them.
func (g *measure) fragment(name string, level int) (size, bool) {
	if s, ok := g.known[name]; ok {
		return s, true
	}
	def := g.fragments[name]
	if def == nil {
		return size{}, true
	}
	g.known[name] = size{}
	s, ok := g.set(def.SelectionSet, level)
	g.known[name] = s
	return s, ok
}

// Validate checks a guarded document against a schema. Its messages hold names
// that the client sent and names of this schema, and never a suggestion.
func Validate(schema *ast.Schema, doc *ast.QueryDocument) gqlerror.List {
	if errs := validator.ValidateWithRules(schema, doc, app.Rules()); len(errs) > 0 {
		return graph.Invalid(errs)
	}
	return nil
}
