package gateway

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/graph"
)

// assumedRows is what a list without an argument first is taken to hold.
const assumedRows = 10

// rootFields returns the fields of an operation's root, fragments expanded. The
// guard has bounded them.
func rootFields(set ast.SelectionSet) (out []*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			out = append(out, s)
		case *ast.InlineFragment:
			out = append(out, rootFields(s.SelectionSet)...)
		case *ast.FragmentSpread:
			out = append(out, rootFields(s.Definition.SelectionSet)...)
		}
	}
	return out
}

// anonymous reports whether the operation is one that needs no token: signIn
// and nothing else.
func anonymous(op *ast.OperationDefinition) bool {
	n := 0
	for _, f := range rootFields(op.SelectionSet) {
		switch f.Name {
		case "__typename":
		case "signIn":
			n++
		default:
			return false
		}
	}
	return n == 1 && op.Operation == ast.Mutation
}

// checkSize refuses an operation that could come to more than the budget, and a
// mutation that does more than one person would in one request: each sign-in
// costs a password hash.
func (m *Management) checkSize(op *ast.OperationDefinition, variables map[string]any) *gqlerror.Error {
	if op.Operation == ast.Mutation {
		fields := rootFields(op.SelectionSet)
		signIns := 0
		for _, f := range fields {
			if f.Name == "signIn" {
				signIns++
			}
		}
		if len(fields) > maxMutations || signIns > 1 {
			return graph.Coded(graph.CodeLimitExceeded, "at most %d fields of a mutation in one operation, and one signIn", maxMutations)
		}
	}
	c := cost{variables: variables, fragments: map[string]float64{}}
	if n := c.set(op.SelectionSet, false); n > float64(m.o.Budget) {
		return graph.Coded(graph.CodeLimitExceeded, "the operation could come to more than %d values; ask for smaller pages or fewer fields", m.o.Budget)
	}
	return nil
}

// cost sums the values that an operation can come to, in time linear in the
// document: a fragment is summed once. Sums are floating point, so that they
// grow to infinity instead of wrapping.
type cost struct {
	variables map[string]any
	fragments map[string]float64
}

// set sums a selection set; paged says that the field it belongs to has already
// counted the rows of the list below it.
func (c *cost) set(set ast.SelectionSet, paged bool) (sum float64) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			sum += c.field(s, paged)
		case *ast.InlineFragment:
			sum += c.set(s.SelectionSet, paged)
		case *ast.FragmentSpread:
			key := s.Name
			if paged {
				key += " paged"
			}
			n, ok := c.fragments[key]
			if !ok {
				n = c.set(s.Definition.SelectionSet, paged)
				c.fragments[key] = n
			}
			sum += n
		}
	}
	return sum
}

func (c *cost) field(f *ast.Field, paged bool) float64 {
	rows, below := 1.0, false
	switch n, ok := c.first(f); {
	case ok:
		rows, below = n, true
	case f.Definition.Type.Elem != nil && !paged:
		rows = assumedRows
	}
	return 1 + rows*c.set(f.SelectionSet, below)
}

// first returns the value of a field's argument first.
func (c *cost) first(f *ast.Field) (float64, bool) {
	if f.Definition.Arguments.ForName("first") == nil {
		return 0, false
	}
	switch n := f.ArgumentMap(c.variables)["first"].(type) {
	case int64:
		return math.Max(1, float64(n)), true
	case int:
		return math.Max(1, float64(n)), true
	case interface{ Float64() (float64, error) }:
		v, err := n.Float64()
		if err != nil {
			return math.Inf(1), true
		}
		return math.Max(1, v), true
	}
	return assumedRows, true
}
