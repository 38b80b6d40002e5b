package filter

import "sluice/internal/record"

// Scope says which names a filter may use. A name that is hidden from the
// author of the filter is not in their scope, and answers like one that never
// existed.
type Scope interface {
	// Field returns the field of that name, system fields included.
	Field(name string) (record.Field, bool)
	// Related returns the scope of the form that the lookup field points to,
	// false when nothing of that form may be named.
	Related(f record.Field) (Scope, bool)
}

// Options bound and extend the language.
type Options struct {
	// AllowViewer permits the text VIEWER where a user is expected: in
	// definitions, not in queries.
	AllowViewer bool
	// MaxNodes bounds the number of operators and names; 0 means 200.
	MaxNodes int
}

// Fault is one thing wrong with a filter.
type Fault struct {
	// Path leads to it, for instance ["or", "1", "amount", "gte"].
	Path []string
	// Msg says what is wrong and what was expected. It names nothing outside
	// the scope but the text that the author wrote.
	Msg string
}

// Reader gives the cells of one record to a filter.
type Reader interface {
	Get(f *record.Field) record.Value
	// Related follows a lookup: the reader of the target, false when the lookup
	// is null or its target is out of reach or absent.
	Related(f *record.Field) (Reader, bool)
}

// Parse reads the where language from plain values as JSON or YAML give them
// (map[string]any, []any, string, bool, json.Number, int, int64, float64, nil).
// It reports every fault; the Expr is nil when there is one. Several keys of one
// object are joined by and.
func Parse(src any, sc Scope, o Options) (Expr, []Fault) { panic("skeleton") }

// Program is a compiled filter. It is immutable and safe for concurrent use.
// The zero Program matches nothing.
type Program struct{ match func(Reader, record.ID) bool }

// Compile makes a filter ready to run. A nil Expr gives a Program that matches
// nothing.
func Compile(e Expr) *Program { panic("skeleton") }

// Match reports whether the record matches, with VIEWER standing for viewer.
func (p *Program) Match(r Reader, viewer record.ID) bool { panic("skeleton") }

// Fields returns the fields of the record itself that e reads, each once, in
// order of their numbers, lookups of Related included.
func Fields(e Expr) []record.Field { panic("skeleton") }

// AppendCanonical appends an unambiguous encoding of e: equal encodings mean
// the same filter. Cursors are bound to it.
func AppendCanonical(dst []byte, e Expr) []byte { panic("skeleton") }
