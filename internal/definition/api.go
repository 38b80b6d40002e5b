package definition

import (
	"fmt"

	"sluice/internal/record"
)

// Fault is one thing wrong with a document.
type Fault struct {
	Line int    // from 1; 0 when the fault has no place of its own
	Path string // "forms[2].fields[0].type"
	Msg  string // what is wrong and what was expected
}

// String returns the fault as "line 12: forms[2].fields[0].type: …".
func (f Fault) String() string { return fmt.Sprintf("line %d: %s: %s", f.Line, f.Path, f.Msg) }

// Context is what Resolve needs from outside the document.
type Context struct {
	// Previous is the version that the document replaces, nil for a new
	// application. Numbers and dropped numbers carry over from it.
	Previous *Application
	// NextForm allots the next form number of the organization.
	NextForm func() uint32
	// Users resolves a sign-in address; false leaves it unresolved.
	Users func(address string) (record.ID, bool)
	// AllowDrop permits removing fields and forms that Previous has.
	AllowDrop bool
}

// Resolve reads a YAML document, checks it and numbers it. It reports every
// fault it finds; the Application is nil when there is one. Equal inputs give
// equal results.
func Resolve(source []byte, c Context) (*Application, []Fault) { panic("skeleton") }

// Warning is something that will work but probably was not meant.
type Warning = Fault

// Marshal returns the stored form of an application: deterministic, with a
// checksum. Unmarshal is its inverse and refuses a document whose checksum does
// not hold, whole.
func Marshal(a *Application) ([]byte, error) { panic("skeleton") }

// Unmarshal reads what Marshal wrote.
func Unmarshal(b []byte) (*Application, error) { panic("skeleton") }

// Form, FormNumber, Report, Role, Set look a part up by name or number.
func (a *Application) Form(name string) (*Form, bool) { panic("skeleton") }

// FormNumber returns the form of that number.
func (a *Application) FormNumber(n uint32) (*Form, bool) { panic("skeleton") }

// Report returns the report of that name.
func (a *Application) Report(name string) (*Report, bool) { panic("skeleton") }

// Role returns the role of that name.
func (a *Application) Role(name string) (*Role, bool) { panic("skeleton") }

// Set returns the permission set of that name, the built-in sets included.
func (a *Application) Set(name string) (*PermissionSet, bool) { panic("skeleton") }

// Field returns the form's own field or system field of that name.
func (f *Form) Field(name string) (*Field, bool) { panic("skeleton") }

// FieldNumber returns the form's own field or system field of that number.
func (f *Form) FieldNumber(n uint32) (*Field, bool) { panic("skeleton") }
