// Package policy is the pure core of the access engine: it compiles a
// definition, makes views of it for viewers, and decides. No I/O, no clock, no
// logger; the outcome of a custom rule is an argument.
package policy

import (
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// People answers who holds which role in the application. Inactive users count
// on (E5); deleted users, admins, developers and portal users hold none.
type People interface {
	RoleOf(user record.ID) string // empty for none
	// Members returns the holders of a role in ascending order; read only.
	Members(role string) []record.ID
}

// Policy is a compiled definition: immutable, safe for concurrent use.
type Policy struct{}

// Compile checks and compiles a definition. It fails as a whole: a definition
// that does not compile denies everything.
func Compile(app *definition.Application) (*Policy, error) { panic("skeleton") }

// View makes the rights of one viewer. It is immutable and safe for concurrent
// use; people must not change under it. The view of a viewer who has no place
// in the application denies everything.
func (p *Policy) View(v identity.Viewer, people People) *View { panic("skeleton") }

// View is what one viewer may do in one application.
type View struct{}

// Viewer returns who the view is for.
func (v *View) Viewer() identity.Viewer { panic("skeleton") }

// Shape returns the static part: equal shapes share schema and plans.
func (v *View) Shape() *Shape { panic("skeleton") }

// Reach returns the set of records of the form on which the viewer may take the
// action, as a tree. Form numbers that do not exist give None.
func (v *View) Reach(form uint32, a definition.Action) Reach { panic("skeleton") }

// ReportReach returns the report's own term for VIEW, already within
// Reach(form, View).
func (v *View) ReportReach(report string) Reach { panic("skeleton") }

// Decide reports whether the viewer may take the action on one record.
func (v *View) Decide(form uint32, a definition.Action, s Subject) bool { panic("skeleton") }

// Contains reports whether the record is in a reach of this view.
func (v *View) Contains(r Reach, s Subject) bool { panic("skeleton") }

// Masked returns the fields that MASK rules hide on this record.
func (v *View) Masked(form uint32, s Subject) record.FieldSet { panic("skeleton") }

// Masks returns the MASK rules that concern the viewer on the form: none means
// that Masked is empty for every record.
func (v *View) Masks(form uint32) []*definition.CustomRule { panic("skeleton") }

// MayMask returns the union of the fields that those rules may hide.
func (v *View) MayMask(form uint32) record.FieldSet { panic("skeleton") }

// MayChangeOwner decides W1 for a record on which EDIT is given.
func (v *View) MayChangeOwner(form uint32, s Subject) bool { panic("skeleton") }

// Subject is one stored record as policy sees it: true values.
type Subject interface {
	Record() record.Record
	// Outcome is the answer of a custom rule about this record.
	Outcome(rule *definition.CustomRule) Outcome
	// Parent returns the record that the parent lookup leads to, of the parent
	// form, false when there is none.
	Parent() (Subject, bool)
}

// Outcome is what a custom rule said, in terms of the definition. The zero
// Outcome counts against access, as a faulty module does (H4).
type Outcome struct {
	Level   definition.Level // Share; already capped by module and binding
	Through bool             // Restrict: true lets the record through
	Visible record.FieldSet  // Mask: those of the rule's fields that stay visible
}

// Shape is the static part of a view. Read only.
type Shape struct {
	// Fingerprint is equal for equal shapes of equal definition versions.
	Fingerprint [32]byte
	Forms       []*FormShape // in the definition's order; forms without any right are absent
}

// FormShape is what the viewer may do with a form at all.
type FormShape struct {
	Form *definition.Form
	// Visible and Writable hold field numbers, system fields included in Visible
	// and never in Writable. Writable is a subset of Visible.
	Visible, Writable record.FieldSet
	// View, Create, Edit and Delete say that the action may be possible on some
	// record.
	View, Create, Edit, Delete bool
	// Reports are those with VIEW, the default report excluded.
	Reports []*definition.Report
}

// Form returns the shape of a form by number.
func (s *Shape) Form(number uint32) (*FormShape, bool) { panic("skeleton") }

// Reach is a set of records: None, All, Owners, Criteria, Audience, Rule,
// OfParent, Union, Intersect or Minus. A nil Reach is None.
type Reach interface{ reach() }

type (
	// None holds no record; the deny value.
	None struct{}
	// All holds every record of the form.
	All struct{}
	// Owners holds the records owned by the users, ascending, and where NoRole
	// is set those whose owner holds no role (C4).
	Owners struct {
		Users  []record.ID
		NoRole bool
	}
	// Criteria holds the records that match.
	Criteria struct {
		Expr    filter.Expr
		Program *filter.Program
	}
	// Audience holds the records whose user field names the viewer (F3).
	Audience struct{ Field record.Field }
	// Rule holds the records that a custom rule shares with at least Level.
	Rule struct {
		Rule  *definition.CustomRule
		Level definition.Level
	}
	// Kept holds the records that a RESTRICT rule lets through.
	Kept struct{ Rule *definition.CustomRule }
	// OfParent holds the records whose parent lookup leads into a reach of the
	// parent form (E4).
	OfParent struct {
		Field  record.Field // the lookup of the child form
		Form   uint32       // the parent form
		Parent Reach
	}
	// Union, Intersect and Minus combine reaches. An empty Union is None. An
	// empty Intersect is None too: nothing denies by default.
	Union     []Reach
	Intersect []Reach
	Minus     struct{ From, Take Reach }
)

func (None) reach()      {}
func (All) reach()       {}
func (*Owners) reach()   {}
func (*Criteria) reach() {}
func (*Audience) reach() {}
func (*Rule) reach()     {}
func (*Kept) reach()     {}
func (*OfParent) reach() {}
func (Union) reach()     {}
func (Intersect) reach() {}
func (*Minus) reach()    {}
