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
	// Get returns the cell of f, null where it may not be read. A lookup whose
	// target is out of reach or absent is null as well: the reader answers so,
	// since isNull asks Get.
	Get(f *record.Field) record.Value
	// Related follows a lookup: the reader of the target, false when the lookup
	// is null or its target is out of reach or absent.
	Related(f *record.Field) (Reader, bool)
}
