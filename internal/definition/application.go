// Package definition is the application document: forms, reports, roles,
// permission sets, sharing rules and custom rules; how it is read from YAML,
// checked, numbered, compared with its predecessor and stored.
//
// People write names; [Resolve] gives every form and field a stable number.
// An [Application] that Resolve returned is complete, checked and read only.
package definition

import "sluice/internal/record"

// Application is one resolved, immutable version of a definition.
type Application struct {
	Name    string
	Version uint64
	// Hierarchy switches reach over subordinates on (C3).
	Hierarchy bool
	// RegisteredOnly refuses documents that nobody registered, except from those
	// who may register them.
	RegisteredOnly bool
	Attributes     []record.Field // viewer attributes; Number is the position from 1
	Forms          []*Form
	Reports        []*Report        // the default reports first, in the order of the forms
	Pages          []*Page          // in the order of the document
	Roles          []*Role          // the root first
	Sets           []*PermissionSet // the built-in sets first
	Sharing        []*SharingRule
	Custom         []*CustomRule
	Tests          []*Test `json:",omitempty"` // permission tests, in the order of the document
	// Users maps the sign-in addresses that rules name to the users they meant
	// when the definition was applied. An address that is absent grants nothing.
	Users map[string]record.ID
	// Source is the YAML text that was applied.
	Source string
}

// Form is a table. Number is unique in the organization.
type Form struct {
	Number      uint32
	Name        string // GraphQL type, "Order"
	Plural      string // list field and name of the default report, "orders"
	Description string
	Deprecated  string `json:",omitempty"` // why it should not be used any more; "" while it should
	// Aliases are old names that root fields keep: of the form, with a capital, and
	// of its plural.
	Aliases []string `json:",omitempty"`
	Fields  []*Field
	// OwnerField is the number of the user field that names the owner, 0 for
	// none (E1). ParentField is that of the parent lookup, 0 for none (E4).
	OwnerField, ParentField uint32
	// NextField is the lowest number that no field of this form ever had.
	NextField uint32
	// NextIndex likewise, for index rows.
	NextIndex uint32
	Indexes   []Index
}

// Index is a row of the catalogue: order-preserving keys over Parts, then the
// record id. The default rows of a form are decided by this package.
type Index struct {
	Number uint32
	Parts  []uint32 // field numbers; system fields allowed
	Unique bool
	// Words is the version of the rules by which the words of the one part were
	// cut, as package words counts them; 0 for an index of values.
	Words uint32 `json:",omitempty"`
}

// Field is a field of a form with its properties.
type Field struct {
	record.Field
	Description               string
	Required, Unique, Indexed bool
	PII, EPHI                 bool
	RecordOwner, Parent       bool
	// Default is written where a create leaves the field out; null for none.
	Default record.Value
	// MaxSize bounds a file, in bytes; Accept names the types that it may have,
	// in full or by group ("image/*"), none for any. Of fields of files only.
	MaxSize int64
	Accept  []string
	// Expression is what a computed field computes, empty for one that is stored.
	// Its Formula is that expression, compiled; PII and EPHI include the marks of
	// every field that it reads.
	Expression string
	// Currency is the ISO 4217 code of a field of type currency.
	Currency string
	// Deprecated says why the field should not be used any more; "" while it
	// should.
	Deprecated string
	// Aliases are old names that the schema keeps beside Name.
	Aliases []string
	Limits
}

// Report is a saved view of a form.
type Report struct {
	Name string
	// Description, Deprecated and Aliases are as those of a form; the default
	// report has none.
	Description, Deprecated string   `json:",omitempty"`
	Aliases                 []string `json:",omitempty"`
	Form                    string
	Default                 bool           // the form's default report: named like its plural, no criteria
	Criteria                map[string]any // the where language with VIEWER; nil matches everything
	Columns                 []string
	OrderBy                 []Order
}

// Order is one key of a sort order.
type Order struct {
	Field string
	Desc  bool
}

// Role says whose records. ReportsTo is empty for the root only.
type Role struct {
	Name, Description, ReportsTo string
	SharePeers                   bool
}

// FieldAccess is what a set allows on a field. The zero FieldAccess is hidden.
type FieldAccess uint8

// The levels of access to a field.
const (
	Hidden FieldAccess = iota
	ReadOnly
	Writable
)

// Action is what may be done with records. The zero Action is none.
type Action uint8

// The actions on a report, then those on a form.
const (
	NoAction Action = iota
	View
	Edit
	Delete
	ViewAll
	ModifyAll
	Export
	ReadComments
	WriteComments
	ReadHistory
	Access
	Import
	CreateReport
)

// PermissionSet says what. Nothing listed is nothing allowed.
type PermissionSet struct {
	Name        string
	Description string
	APIAccess   bool // B1; on unless the document says off
	Portal      bool
	ShowPII     bool // B2; hidden unless the document says show
	ShowEPHI    bool
	// Forms holds a form that the set lists, or opens a report of, by name.
	Forms map[string]*FormPermission
	// Reports holds actions by report name, implied ones included, ascending.
	Reports map[string][]Action
	// Pages names the pages with ACCESS, ascending.
	Pages []string
}

// FormPermission is what a set allows on a form and its fields.
type FormPermission struct {
	Actions []Action // Access, Import, CreateReport
	// Fields holds the access per field name, wildcards expanded: own fields that
	// are not hidden, and every system field, ReadOnly or Hidden. What is not in it
	// is hidden. The set's PII and ePHI switches stand above it: see
	// [PermissionSet.Access].
	Fields map[string]FieldAccess
}

// Level is how much a sharing rule gives. The zero Level gives nothing.
type Level uint8

// The levels, each covering those before it.
const (
	NoLevel Level = iota
	Read
	ReadWrite
	ReadWriteDelete
)

// Group names people: one user by sign-in address, one role, or a role with all
// below it. The zero Group is nobody.
type Group struct {
	User         string
	Role         string
	Subordinates bool
}

// SharingRule adds reach (F1 to F3). Exactly one of From, Criteria and Field is
// set. To is nobody for a field rule: it shares with those the field names.
type SharingRule struct {
	Name     string
	Form     string
	From     Group
	Criteria map[string]any
	Field    string
	To       Group
	Level    Level
}

// Effect is what a custom rule does. The zero Effect is invalid.
type Effect uint8

// The effects.
const (
	NoEffect Effect = iota
	Share
	Restrict
	Mask
)

// Profile says which modules may fill a custom rule. The zero Profile permits
// lean ones only.
type Profile uint8

// The profiles; each permits those before it.
const (
	ProfileLean Profile = iota
	ProfileGo           // modules with the runtime of Go
)

// CustomRule is a place for a tenant's module, with its caps (H3). Which module
// fills it is bound and activated at run time.
type CustomRule struct {
	Name   string
	Form   string
	Effect Effect
	// MaxLevel caps a Share.
	MaxLevel Level
	// Fields are those that a Mask may hide.
	Fields []string
	// Roles, Sets and Users are whom the rule concerns: any of them matching is
	// enough. All three empty concerns every live and portal user.
	Roles, Sets, Users []string
	// BindsAdmins makes a Restrict hold for admins too.
	BindsAdmins bool
	// Profile is which modules may fill the rule.
	Profile Profile
}
