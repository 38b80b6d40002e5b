// Package graph is the surface of the management API: the schema under schema/,
// the code that gqlgen generates from it, codecs of scalars, and the one table
// of fault kinds and GraphQL codes. The code *.generated.go and models_gen.go is
// output: edit the schema or gqlgen.yml and run go generate.
package graph

//go:generate go tool gqlgen generate
