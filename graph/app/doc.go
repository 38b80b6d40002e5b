// Package app makes the GraphQL schema of an application as one shape of rights
// sees it: what the shape does not hold is not in the schema, nor in anything
// derived from it.
//
// A [Builder] makes schemas for one version of one application and shares type
// definitions between shapes that see a form alike. A [Schema] carries, beside
// the syntax tree, what each field means ([Meaning]), which is all that the
// executor needs to know. Schemas are built from definitions, never from text;
// text is written from them ([Schema.WriteSDL]).
package app
