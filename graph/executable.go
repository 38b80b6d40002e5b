package graph

import (
	"maps"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Executable returns the management schema over resolvers. It has no @defer:
// answers are sent in one piece.
func Executable(r ResolverRoot) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Schema: managementSchema(), Resolvers: r})
}

var managementSchema = sync.OnceValue(func() *ast.Schema {
	s := *parsedSchema
	s.Directives = maps.Clone(s.Directives)
	delete(s.Directives, "defer")
	return &s
})
