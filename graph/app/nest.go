package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"sluice/internal/record"
)

// nest is a list of records of a child form that a create input takes: they are
// added below the new record in the same operation (W4).
type nest struct {
	name  string
	child *plan
}

// nestings says which children the create input of each plan takes. Parents form
// no circle, so a chain of nested inputs ends. A child or a parent lookup that a
// shape hides, or does not let write, is in no input.
func nestings(plans []*plan) {
	below := map[uint32][]*plan{}
	for _, c := range plans {
		if parent, ok := c.parent(); ok && c.shape.CreateNested && c.shape.Writable.Has(parent.Number) {
			below[parent.Target] = append(below[parent.Target], c)
		}
	}
	done := map[*plan]bool{}
	var nestingsOf func(p *plan)
	nestingsOf = func(p *plan) {
		if done[p] {
			return
		}
		done[p] = true
		for _, c := range below[p.shape.Form.Number] {
			if nestingsOf(c); c.takesInput() {
				p.nests = append(p.nests, nest{p.nestName(c), c})
			}
		}
	}
	for _, p := range plans {
		nestingsOf(p)
	}
}

// parent returns the lookup of a child form that leads to its parent.
func (p *plan) parent() (*record.Field, bool) {
	f, ok := p.shape.Form.FieldNumber(p.shape.Form.ParentField)
	if !ok || p.shape.Form.ParentField == 0 {
		return nil, false
	}
	return &f.Field, true
}

// takesInput reports whether a nested input of the form would have any field.
func (p *plan) takesInput() bool {
	for _, x := range p.fields {
		if p.shape.Writable.Has(x.Number) && x.Number != p.shape.Form.ParentField {
			return true
		}
	}
	return len(p.nests) > 0
}

// nestName names the list of new children as the connection to stored ones is
// named, and as it would be where the shape has no such connection.
func (p *plan) nestName(c *plan) string {
	parent, _ := c.parent()
	taken := map[string]bool{}
	for _, r := range p.reverses {
		if r.Child == c.shape && r.Lookup.Number == parent.Number {
			return r.Name
		}
		taken[r.Name] = true
	}
	for _, x := range p.named {
		taken[x.Name] = true
	}
	for _, n := range p.nests {
		taken[n.name] = true
	}
	name := c.shape.Form.Plural
	if taken[name] {
		name += "By" + upperFirst(parent.Name)
	}
	for taken[name] {
		name += "_"
	}
	return name
}

// nested returns the fields of the create input that hold children.
func (p *plan) nested(f *Form) (out ast.FieldList) {
	for _, n := range p.nests {
		child := n.child.shape.Form
		f.Nested[n.name] = child.Number
		d := field(n.name, "["+nestedInput(child.Name)+"!]")
		out = append(out, described(d, "Records to add below the new one, in the same operation."))
	}
	return out
}

func nestedInput(form string) string { return "Create" + form + "NestedInput" }

// nestedType adds the input of a record that is added below a new parent: the
// create input without the parent lookup.
func (p *plan) nestedType(f *Form, create ast.FieldList) {
	parent, ok := p.parent()
	if !ok || !p.shape.CreateNested || !p.shape.Writable.Has(parent.Number) || !p.takesInput() {
		return
	}
	var fields ast.FieldList
	for _, d := range create {
		if d.Name != parent.Name {
			fields = append(fields, d)
		}
	}
	f.defs = append(f.defs, input(nestedInput(f.Name), fields))
}
