// Package resolvers answers the management API: each resolver turns arguments
// into one call of the directory or the engine and the outcome into GraphQL
// values. It decides nothing about who may what: directory and engine do, in
// their own snapshot or transaction.
package resolvers

import "sluice/internal/directory"

// Resolver answers the management API. It is safe for concurrent use.
type Resolver struct {
	directory   *directory.Directory
	definitions Definitions
}

// New returns a resolver over a directory and an engine, which the caller owns.
func New(d *directory.Directory, defs Definitions) *Resolver {
	return &Resolver{directory: d, definitions: defs}
}
