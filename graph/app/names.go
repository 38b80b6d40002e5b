package app

import (
	"fmt"
	"regexp"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// checkNames reports the first name of a form's types that two fields share, or
// that no client could write.
func (f *Form) checkNames() error {
	for _, d := range f.defs {
		if !nameForm.MatchString(d.Name) {
			return fmt.Errorf("%q is not a name that a type could have", d.Name)
		}
		if err := distinct(d.Name, d.Fields); err != nil {
			return err
		}
		for _, v := range d.EnumValues {
			if v.Name == "true" || v.Name == "false" || v.Name == "null" {
				return fmt.Errorf("%q is not a name that %s could have", v.Name, d.Name)
			}
		}
	}
	return nil
}

func distinct(typ string, fields ast.FieldList) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.Name] {
			return fmt.Errorf("two fields of %s are named %q", typ, f.Name)
		}
		if !nameForm.MatchString(f.Name) && f.Name != "_schemaVersion" {
			return fmt.Errorf("%q is not a name that %s could have", f.Name, typ)
		}
		seen[f.Name] = true
	}
	return nil
}

// Check reports what would keep the schema of a definition from being built, as
// seen by someone with every right; nil when nothing does. Narrower shapes have
// fewer names and so cannot fail where this one does not.
func Check(a *definition.Application) error {
	_, err := NewBuilder(a).Build(FullShape(a))
	return err
}

// FullShape is the shape of someone who may do everything; it belongs to no
// tenant and has no fingerprint.
func FullShape(a *definition.Application) *policy.Shape {
	shape := &policy.Shape{}
	system := make([]uint32, len(record.System))
	for i, f := range record.System {
		system[i] = f.Number
	}
	for _, f := range a.Forms {
		own := make([]uint32, len(f.Fields))
		for i, x := range f.Fields {
			own[i] = x.Number
		}
		s := &policy.FormShape{Form: f, Writable: record.FieldSetOf(own...), View: true, Create: true, CreateNested: f.ParentField != 0, Edit: true, Delete: true,
			ReadComments: true, WriteComments: true, ReadHistory: true, CreateReport: true}
		s.Visible = s.Writable.With(system...)
		for _, r := range a.Reports {
			if r.Form == f.Name && !r.Default {
				s.Reports = append(s.Reports, r)
			}
		}
		shape.Forms = append(shape.Forms, s)
	}
	return shape
}
