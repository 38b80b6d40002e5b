// Package filter is the one filter language of the house: its syntax tree, its
// checking and its two-valued evaluation. The where argument of queries,
// criteria of reports and sharing rules, hide filters and rule plans are all
// written in it.
//
// Evaluation is two-valued (statement F7): a comparison with null is false;
// ne, notIn and not are the exact complements of eq, in and their operand;
// isNull alone tests null.
package filter

import "sluice/internal/record"

// Op is a comparison. The zero Op is invalid and never matches.
type Op uint8

// The comparisons.
const (
	InvalidOp Op = iota
	Eq
	Ne
	In
	NotIn
	Lt
	Lte
	Gt
	Gte
	Between // two arguments, both inclusive
	IsNull  // one boolean argument
	Contains
	StartsWith
	EndsWith
	IContains // ignoring case, by Unicode simple folding
	IStartsWith
	IEndsWith
	Has    // multi-choice holds the value
	HasAny // holds at least one of the values; of none: false
	HasAll // holds every one of the values; of none: true where the cell is not null
	// Matches is full-text search in a searchable field; the argument is a query
	// as package words reads it.
	Matches
)

// Expr is a filter: [And], [Or], [Not], [*Compare], [*Related], [*Quantified] or [*Search]. A nil Expr is
// not a filter and matches nothing; the filter that matches everything is
// And{}, which is what an empty where gives.
type Expr interface{ expr() }

// And matches where every operand does. The empty And matches everything.
type And []Expr

// Or matches where some operand does. The empty Or matches nothing.
type Or []Expr

// Not matches exactly where X does not.
type Not struct{ X Expr }

// Compare compares the cell of one field with constants.
type Compare struct {
	Field record.Field
	Op    Op
	Args  []Operand
}

// Operand is a constant, or the viewer's own user id.
type Operand struct {
	Value  record.Value
	Viewer bool
}

// Related matches where the lookup Field leads to a record that the reader may
// reach and that matches Where. A lookup that is null, or leads to nothing
// reachable, does not match, whatever Where says.
type Related struct {
	Field record.Field
	Where Expr
}

// Search matches where each item of a query, as package words reads it, is found
// in at least one of the fields. It is no part of the language: whoever makes one
// answers for the fields, which must be searchable.
type Search struct {
	Fields []record.Field
	Query  string
}

func (And) expr()      {}
func (Or) expr()       {}
func (Not) expr()      {}
func (*Compare) expr() {}
func (*Related) expr() {}
func (*Search) expr()  {}
