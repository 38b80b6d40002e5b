package policy

import (
	"errors"
	"fmt"

	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Policy is a compiled definition: immutable, safe for concurrent use.
type Policy struct {
	app     *definition.Application
	formAt  map[uint32]int // form number → index
	nameAt  map[string]int // form name → index
	forms   []*form
	reports map[string]*report
	roles   *roles
	sets    map[string]*set
	full    *set // of admins and developers: every right
	nothing *set // of everyone without a place
}

// form is one form with the rules that concern it.
type form struct {
	def *definition.Form
	// parent is the index of the parent form, -1 for none; lookup leads there.
	parent  int
	lookup  record.Field
	reports []*report
	sharing []*sharing
	custom  []*custom
}

// report is one report with its compiled criteria, nil when everything matches.
type report struct {
	def      *definition.Report
	form     int
	criteria *Criteria
}

// Compile checks and compiles a definition. It fails as a whole: a definition
// that does not compile denies everything. The errors are for the log, they
// name parts of the definition. The Policy keeps app, which must not change.
func Compile(app *definition.Application) (*Policy, error) {
	if app == nil {
		return nil, errors.New("policy: no definition")
	}
	p := &Policy{app: app}
	for _, step := range []func() error{
		p.compileForms, p.compileParents, p.compileReports, p.compileRoles,
		p.compileSharing, p.compileCustom, p.compileSets,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("policy: %s version %d: %w", app.Name, app.Version, err)
		}
	}
	return p, nil
}

// Application returns the definition that was compiled. Read only.
func (p *Policy) Application() *definition.Application { return p.app }

func (p *Policy) compileForms() error {
	p.formAt, p.nameAt = map[uint32]int{}, map[string]int{}
	for i, d := range p.app.Forms {
		if d == nil {
			return fmt.Errorf("form %d is missing", i)
		}
		if _, taken := p.formAt[d.Number]; taken || d.Number == 0 {
			return fmt.Errorf("form %q: number %d is taken or zero", d.Name, d.Number)
		}
		if _, taken := p.nameAt[d.Name]; taken || d.Name == "" {
			return fmt.Errorf("form %q: name is taken or empty", d.Name)
		}
		if err := checkFields(d); err != nil {
			return err
		}
		p.formAt[d.Number], p.nameAt[d.Name] = i, i
		p.forms = append(p.forms, &form{def: d, parent: -1})
	}
	return nil
}

func checkFields(d *definition.Form) error {
	names, numbers := map[string]bool{}, map[uint32]bool{}
	for i, f := range d.Fields {
		if f == nil {
			return fmt.Errorf("form %q: field %d is missing", d.Name, i)
		}
		if f.Number < record.FirstField || f.Number > record.MaxField || numbers[f.Number] {
			return fmt.Errorf("form %q: field %q: number %d is taken or out of range", d.Name, f.Name, f.Number)
		}
		if _, system := record.SystemField(f.Name); system || names[f.Name] || f.Name == "" {
			return fmt.Errorf("form %q: field %q: name is taken or empty", d.Name, f.Name)
		}
		names[f.Name], numbers[f.Number] = true, true
	}
	return nil
}

// compileParents resolves parent lookups (E4) and refuses cycles of them.
func (p *Policy) compileParents() error {
	for _, f := range p.forms {
		if f.def.ParentField == 0 {
			continue
		}
		l, ok := ownField(f.def, f.def.ParentField)
		if !ok || l.Type != record.Lookup {
			return fmt.Errorf("form %q: the parent field is not a lookup", f.def.Name)
		}
		if f.parent, ok = p.formAt[l.Target]; !ok {
			return fmt.Errorf("form %q: the parent form does not exist", f.def.Name)
		}
		f.lookup = l
	}
	for _, f := range p.forms {
		for n, at := 0, f.parent; at >= 0; n, at = n+1, p.forms[at].parent {
			if n > len(p.forms) {
				return fmt.Errorf("form %q: the parents run in a circle", f.def.Name)
			}
		}
	}
	return nil
}

func ownField(d *definition.Form, number uint32) (record.Field, bool) {
	for _, f := range d.Fields {
		if f.Number == number {
			return f.Field, true
		}
	}
	return record.Field{}, false
}

// fieldNamed returns the form's own field or system field of that name.
func fieldNamed(d *definition.Form, name string) (record.Field, bool) {
	for _, f := range d.Fields {
		if f.Name == name {
			return f.Field, true
		}
	}
	return record.SystemField(name)
}

func (p *Policy) compileReports() error {
	p.reports = map[string]*report{}
	for i, d := range p.app.Reports {
		if d == nil {
			return fmt.Errorf("report %d is missing", i)
		}
		at, ok := p.nameAt[d.Form]
		if !ok {
			return fmt.Errorf("report %q: form %q does not exist", d.Name, d.Form)
		}
		if p.reports[d.Name] != nil || d.Name == "" {
			return fmt.Errorf("report %q: name is taken or empty", d.Name)
		}
		r := &report{def: d, form: at}
		if d.Criteria != nil {
			var err error
			if r.criteria, err = compileCriteria(p.forms[at].def, d.Criteria); err != nil {
				return fmt.Errorf("report %q: criteria: %w", d.Name, err)
			}
		}
		p.reports[d.Name] = r
		p.forms[at].reports = append(p.forms[at].reports, r)
	}
	return nil
}

// ownScope lets criteria name every field of the record itself and nothing
// beyond it: a subject carries no related records.
type ownScope struct{ form *definition.Form }

func (s ownScope) Field(name string) (record.Field, bool)    { return fieldNamed(s.form, name) }
func (s ownScope) Related(record.Field) (filter.Scope, bool) { return nil, false }

func compileCriteria(d *definition.Form, src map[string]any) (*Criteria, error) {
	e, faults := filter.Parse(src, ownScope{d}, filter.Options{AllowViewer: true})
	if len(faults) > 0 {
		return nil, fmt.Errorf("%v: %s", faults[0].Path, faults[0].Msg)
	}
	if e == nil {
		return nil, errors.New("no filter")
	}
	return &Criteria{Expr: e, Program: filter.Compile(e)}, nil
}
