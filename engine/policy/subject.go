package policy

import (
	"sync"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// People answers who holds which role in the application. Inactive users count
// on (E5); deleted users, admins, developers and portal users hold none.
type People interface {
	RoleOf(user record.ID) string // empty for none
	// Members returns the holders of a role in ascending order; read only.
	Members(role string) []record.ID
}

// Subject is one stored record as policy sees it: true values. A nil Subject
// and one whose record is zero are denied to everybody.
type Subject interface {
	Record() record.Record
	// Outcome is the answer of a custom rule about this record.
	Outcome(rule *definition.CustomRule) Outcome
	// Parent returns the record that the parent lookup leads to, of the parent
	// form, false when there is none.
	Parent() (Subject, bool)
}

// Outcome is what a custom rule said, in terms of the definition. The zero
// Outcome counts against access.
type Outcome struct {
	Level   definition.Level // Share; already capped by module and binding
	Through bool             // Restrict: true lets the record through
	Visible record.FieldSet  // Mask: those of the rule's fields that stay visible
	// Fault says that the module gave no valid answer. It overrides the other
	// fields and counts against access, but a fault of a Restrict never takes a
	// record from the super admin (H4). A verdict does, where the rule binds.
	Fault bool
	// Reason is the number that the module gave for its answer, 0 for none, and
	// Cause says what went wrong where Fault is set, in numbers of the asker. No
	// decision reads them: explanations carry them on.
	Reason, Cause uint8
}

// nobody stands in for nil People: no one holds a role.
type nobody struct{}

func (nobody) RoleOf(record.ID) string    { return "" }
func (nobody) Members(string) []record.ID { return nil }

// reader gives the true cells of one record to a criteria program. Criteria
// read the record's own fields only.
type reader struct{ rec record.Record }

func (r *reader) Get(f *record.Field) record.Value            { return r.rec.Get(f) }
func (r *reader) Related(*record.Field) (filter.Reader, bool) { return nil, false }

// readers saves the allocation that turning a record into an interface costs.
var readers = sync.Pool{New: func() any { return new(reader) }}

// matches reports whether the record meets the criteria.
func (v *View) matches(c *Criteria, rec record.Record) bool { return c.Match(rec, v.viewer.User) }

// Match reports whether the record meets the criteria for a viewer; none are met by
// no record.
func (c *Criteria) Match(rec record.Record, viewer record.ID) bool {
	if c == nil || c.Program == nil {
		return false
	}
	r := readers.Get().(*reader)
	r.rec = rec
	ok := c.Program.Match(r, viewer)
	r.rec = record.Record{}
	readers.Put(r)
	return ok
}
