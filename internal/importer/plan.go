package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/engine"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// column is what one column of the file becomes; one without field is ignored.
type column struct {
	name     string
	field    *definition.Field
	key      *record.Field // of a lookup by a unique field of the target
	template string        // of a user: the address around the cell, with *
	unique   bool
}

// plan is how a file becomes records, made from its header before any row is
// read.
type plan struct {
	o       *Options
	form    *definition.Form
	columns []column
	id      int // index of the column that identifies a row, -1 for none
}

const opPlan = "importer.plan"

// planner makes a plan under the rights of one operation.
type planner struct {
	op       *engine.Op
	o        *Options
	form     *definition.Form
	visible  record.FieldSet
	writable record.FieldSet
	faults   []string
	used     map[string]bool // options that named a column or a lookup
}

// newPlan checks the header. What is wrong is told at once, for all columns. A
// field that the viewer cannot see does not exist.
func newPlan(op *engine.Op, o *Options, formName string, header []string) (*plan, error) {
	form, err := op.MayImport(formName)
	if err != nil {
		return nil, err
	}
	shape, _ := op.View().Shape().Form(form.Number)
	p := &planner{op: op, o: o, form: form, visible: shape.Visible, writable: shape.Writable, used: map[string]bool{}}
	out := &plan{o: o, form: form, id: -1}
	for i, name := range header {
		if slices.Contains(header[:i], name) {
			p.fail("column %q: stands twice in the header", name)
			continue
		}
		out.columns = append(out.columns, p.column(name))
		if name == o.ID && o.ID != "" {
			out.id = i
		}
	}
	p.checkOnce(out.columns)
	p.checkRequired(out.columns)
	p.checkOptions(header)
	p.checkID(out)
	if len(p.faults) > 0 {
		return nil, fault.New(fault.Invalid, opPlan, "%s", strings.Join(p.faults, "; "))
	}
	return out, nil
}

func (p *planner) fail(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

func (p *planner) column(name string) column {
	c := column{name: name}
	if slices.Contains(p.o.Ignore, name) {
		return c
	}
	target := name
	if to, ok := p.o.Map[name]; ok {
		target = to
	}
	fieldName, key, hasKey := strings.Cut(target, ".")
	if _, system := record.SystemField(fieldName); system {
		p.fail("column %q: %s is a system field, which is not imported; ignore the column", name, fieldName)
		return c
	}
	fd, ok := p.form.Field(fieldName)
	if !ok || !p.visible.Has(fd.Number) {
		p.fail("column %q: %s has no field %q; map the column to a field or ignore it", name, p.form.Name, fieldName)
		return c
	}
	if fd.Type.IsFile() {
		p.fail("column %q: field %s holds a file, which is not imported; ignore the column", name, fieldName)
		return c
	}
	if fd.Formula != nil {
		p.fail("column %q: field %s is computed, which is not imported; ignore the column", name, fieldName)
		return c
	}
	if !p.writable.Has(fd.Number) {
		p.fail("column %q: field %s is not writable", name, fieldName)
		return c
	}
	c.field, c.unique = fd, fd.Unique
	if byOption, ok := p.o.Lookup[fieldName]; ok {
		if hasKey && key != byOption {
			p.fail("column %q: names %s.%s, the option lookup names %s", name, fieldName, key, byOption)
		}
		p.used["lookup "+fieldName], key, hasKey = true, byOption, true
	}
	if hasKey {
		c.key = p.lookupKey(name, fd, key)
	}
	if c.template = p.o.Address[name]; c.template != "" {
		p.used["address "+name] = true
		if fd.Type != record.User {
			p.fail("column %q: address is for fields of type user, %s is %s", name, fieldName, fd.Type)
		}
	}
	return c
}

// lookupKey finds the unique field of a lookup's target. It is told apart from
// one that does not exist only for somebody who sees it.
func (p *planner) lookupKey(name string, fd *definition.Field, key string) *record.Field {
	if fd.Type != record.Lookup {
		p.fail("column %q: %s is %s, only a lookup is followed by a field of its target", name, fd.Name, fd.Type)
		return nil
	}
	shape, ok := p.op.View().Shape().Form(fd.Target)
	if ok && shape.View {
		if k, found := shape.Form.Field(key); found && shape.Visible.Has(k.Number) {
			if !k.Unique {
				p.fail("column %q: field %s of %s is not unique", name, key, shape.Form.Name)
			}
			return &k.Field
		}
	}
	p.fail("column %q: the target of %s has no field %q", name, fd.Name, key)
	return nil
}

func (p *planner) checkOnce(columns []column) {
	by := map[uint32]string{}
	for _, c := range columns {
		if c.field == nil {
			continue
		}
		if other, twice := by[c.field.Number]; twice {
			p.fail("column %q: leads to field %s, as column %q does", c.name, c.field.Name, other)
		}
		by[c.field.Number] = c.name
	}
}

// checkRequired names the required fields that no column fills, as far as the
// viewer may write them; of others the row's fault tells without a name (B10).
func (p *planner) checkRequired(columns []column) {
	for _, fd := range p.form.Fields {
		filled := slices.ContainsFunc(columns, func(c column) bool { return c.field != nil && c.field.Number == fd.Number })
		if fd.Required && fd.Default.IsNull() && !filled && p.writable.Has(fd.Number) {
			p.fail("no column fills field %s, which is required", fd.Name)
		}
	}
}

// checkOptions refuses options about columns and lookups that the file does not
// have: they are spelling mistakes.
func (p *planner) checkOptions(header []string) {
	named := slices.Concat(slices.Sorted(maps.Keys(p.o.Map)), p.o.Ignore, slices.Sorted(maps.Keys(p.o.Address)))
	if p.o.ID != "" {
		named = append(named, p.o.ID)
	}
	for _, name := range named {
		if !slices.Contains(header, name) {
			p.fail("option names column %q, which the file does not have", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.o.Lookup)) {
		if !p.used["lookup "+name] && len(p.faults) == 0 {
			p.fail("lookup %s: no column leads to a field of this name", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.o.Address)) {
		if !p.used["address "+name] && len(p.faults) == 0 {
			p.fail("address %s: the column is ignored", name)
		}
	}
}

func (p *planner) checkID(out *plan) {
	if out.id < 0 || len(p.faults) > 0 {
		return
	}
	if c := out.columns[out.id]; c.field == nil || !c.unique {
		p.fail("id: column %q does not fill a unique field", c.name)
	}
}
