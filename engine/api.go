// Package engine is the only door to records: it lists, reads and writes them
// under the view of a signed-in person, in one snapshot per operation.
package engine

import (
	"context"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

// Options configure an Engine; Store, Directory and Rules are required.
type Options struct {
	Store     *storage.Store
	Directory *directory.Directory
	Rules     rules.Runner
}

// Engine is safe for concurrent use.
type Engine struct{}

// New returns an engine over what o names; it owns none of it.
func New(o Options) (*Engine, error) { panic("skeleton") }

// Read opens an operation that reads one snapshot: the principal's credential,
// rights and data as of now. The caller closes it. An application that does not
// exist and one that the principal has no place in are the same NotFound.
func (e *Engine) Read(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	panic("skeleton")
}

// Write runs fn in one transaction: all of its writes or none. On a conflict fn
// is run again on a fresh Op with the same ids and clock, a bounded number of
// times; it must not keep anything of the Op. Records handed out by the Op are
// valid until fn returns.
func (e *Engine) Write(ctx context.Context, p identity.Principal, application, operation string, fn func(*Op) error) error {
	panic("skeleton")
}

// Op is one operation. It is used by one goroutine at a time.
type Op struct{}

// Close ends a Read's Op.
func (op *Op) Close() { panic("skeleton") }

// View returns the rights that the operation runs under.
func (op *Op) View() *policy.View { panic("skeleton") }

// Application returns the active definition.
func (op *Op) Application() *definition.Application { panic("skeleton") }

// People returns the tenant's directory as of the snapshot: display names.
func (op *Op) People() *directory.People { panic("skeleton") }

// Scope returns the names that the viewer may use in a filter over the form
// (nested lookups included): pass it to filter.Parse.
func (op *Op) Scope(form uint32) filter.Scope { panic("skeleton") }

// Order is one key of a sort order.
type Order struct {
	Field      record.Field
	Desc       bool
	NullsFirst bool // default: nulls last, whatever the direction
}

// List asks for a page of records that the viewer may VIEW.
type List struct {
	Form uint32
	// Report restricts to the report's own term, criteria and default order;
	// empty lists the whole reach.
	Report string
	Where  filter.Expr // nil for no filter: pass what filter.Parse returned
	// OrderBy is completed by the id. Every field must be visible: Invalid
	// otherwise.
	OrderBy []Order
	First   int    // 1 to MaxPage
	After   string // a cursor of the same list, empty for the beginning
	Total   bool   // count everything that matches, exactly
}

// MaxPage is the largest page.
const MaxPage = 1000

// Page is one page of a list. Records are valid until the Op ends.
type Page struct {
	Records []record.Redacted
	HasNext bool
	Total   int // -1 unless asked for
	cursors func(i int) string
}

// Cursor returns the sealed cursor of record i.
func (p *Page) Cursor(i int) string { return p.cursors(i) }

// List returns one page.
func (op *Op) List(q List) (*Page, error) { panic("skeleton") }

// Children returns for each parent, in the order given, a page of the records
// of q.Form whose lookup field leads to it: nested lists, in one batch.
func (op *Op) Children(lookup record.Field, parents []record.ID, q List) ([]*Page, error) {
	panic("skeleton")
}

// Get returns one record that the viewer may VIEW; false for every other id.
func (op *Op) Get(form uint32, id record.ID) (record.Redacted, bool, error) { panic("skeleton") }

// GetMany is Get for many ids at once; a zero Redacted where there is none.
func (op *Op) GetMany(form uint32, ids []record.ID) ([]record.Redacted, error) { panic("skeleton") }

// Can reports whether the viewer may take the action on a record that the Op
// returned.
func (op *Op) Can(form uint32, a definition.Action, r record.Redacted) (bool, error) {
	panic("skeleton")
}

// Create adds a record and returns its id. input holds a value, or null, for
// each field given. Errors: Forbidden without ACCESS; Invalid for a field that
// is not writable, a required field without value, a reference out of reach;
// Conflict for a taken unique value.
func (op *Op) Create(form uint32, input map[uint32]record.Value) (record.ID, error) {
	panic("skeleton")
}

// Update changes the fields of input, on the record as it is stored. NotFound
// outside VIEW reach, Forbidden outside EDIT reach, Conflict when ifVersion is
// not 0 and not the record's version.
func (op *Op) Update(form uint32, id record.ID, input map[uint32]record.Value, ifVersion uint32) error {
	panic("skeleton")
}

// Delete removes a record; errors as Update.
func (op *Op) Delete(form uint32, id record.ID, ifVersion uint32) error { panic("skeleton") }

// Faults returns how many rule verdicts of this operation were faults: for
// admins and developers only.
func (op *Op) Faults() int { panic("skeleton") }
