package policy

import (
	"fmt"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// set is a compiled permission set: what, per form and per report.
type set struct {
	def     *definition.PermissionSet // nil for full and nothing
	forms   []rights                  // by form index
	reports map[*report]actions
	pages   map[string]bool // by name, those with ACCESS
	shape   staticShape
}

// rights is what a set allows on one form.
type rights struct {
	grants    [definition.ReadHistory + 1]grant // by action
	modifyAll cover                             // the reports that W1 speaks of
	access    bool
	// createReport is CREATE_REPORT (B8).
	createReport bool
	visible      record.FieldSet
	writable     record.FieldSet
}

// grant is where an action is allowed: on every record that the reports of all
// show, and on those of the viewer's own scope that the reports of base show.
type grant struct{ all, base cover }

// cover is the union of the criteria of some reports. The zero cover holds no
// record.
type cover struct {
	everything bool
	some       []*Criteria
}

// add widens the cover by a report; nil criteria match everything.
func (c *cover) add(criteria *Criteria) {
	if criteria == nil {
		c.everything = true
	} else {
		c.some = append(c.some, criteria)
	}
}

func (c *cover) empty() bool { return !c.everything && len(c.some) == 0 }

// actions is a set of actions.
type actions uint16

func (s actions) has(a definition.Action) bool { return s&(1<<a) != 0 }

// onReport reads the actions of one report and adds those that they imply (B6).
func onReport(list []definition.Action) (actions, error) {
	var s actions
	for _, a := range list {
		if a < definition.View || a > definition.ReadHistory {
			return 0, fmt.Errorf("action %d is not one of reports", a)
		}
		s |= 1 << a
	}
	if s.has(definition.ModifyAll) {
		s |= 1<<definition.ViewAll | 1<<definition.Edit
	}
	if s.has(definition.ViewAll) {
		s |= 1 << definition.View
	}
	if s.has(definition.WriteComments) {
		s |= 1 << definition.ReadComments
	}
	if (s.has(definition.Edit) || s.has(definition.Delete)) && !s.has(definition.View) {
		return 0, fmt.Errorf("EDIT and DELETE need VIEW on the same report")
	}
	return s, nil
}

// all reports whether the actions take a on every record of the report.
func (s actions) all(a definition.Action) bool {
	switch a {
	case definition.Edit, definition.Delete:
		return s.has(a) && s.has(definition.ModifyAll)
	default:
		return s.has(a) && s.has(definition.ViewAll)
	}
}

// judged are the actions that the formula speaks of.
var judged = [...]definition.Action{
	definition.View, definition.Edit, definition.Delete, definition.Export,
	definition.ReadComments, definition.WriteComments, definition.ReadHistory,
}

func isJudged(a definition.Action) bool { return slices.Contains(judged[:], a) }

// levelOf returns the level that a sharing rule must have to cover a, which is
// a judged action.
func levelOf(a definition.Action) definition.Level {
	switch a {
	case definition.Edit:
		return definition.ReadWrite
	case definition.Delete:
		return definition.ReadWriteDelete
	}
	return definition.Read
}

// ofParent returns the action on the parent that stands for a on a child (E4).
func ofParent(a definition.Action) definition.Action {
	if a == definition.Edit || a == definition.Delete {
		return definition.Edit
	}
	return definition.View
}

// addReport adds what the actions on one report give. An action counts only
// beside VIEW on the same report, so every reach lies within that for VIEW.
func (r *rights) addReport(s actions, criteria *Criteria) {
	if !s.has(definition.View) {
		return
	}
	for _, a := range judged {
		switch g := &r.grants[a]; {
		case !s.has(a):
		case s.all(a):
			g.all.add(criteria)
		default:
			g.base.add(criteria)
		}
	}
	if s.has(definition.ModifyAll) {
		r.modifyAll.add(criteria)
	}
}

func (p *Policy) compileSets() error {
	p.sets = map[string]*set{}
	for i, d := range p.app.Sets {
		if d == nil || d.Name == "" {
			return fmt.Errorf("permission set %d has no name", i)
		}
		if err := p.addSet(d); err != nil {
			return err
		}
	}
	p.nothing = &set{forms: make([]rights, len(p.forms))}
	p.nothing.shape = p.shapeOf(p.nothing)
	p.full = p.fullSet()
	return p.checkRuleSets()
}

func (p *Policy) addSet(d *definition.PermissionSet) error {
	if p.sets[d.Name] != nil {
		return fmt.Errorf("permission set %q: name is taken", d.Name)
	}
	s, err := p.compileSet(d)
	if err != nil {
		return fmt.Errorf("permission set %q: %w", d.Name, err)
	}
	p.sets[d.Name] = s
	return nil
}

// checkRuleSets refuses custom rules that concern unknown sets.
func (p *Policy) checkRuleSets() error {
	for _, d := range p.app.Custom {
		for _, name := range d.Sets {
			if p.sets[name] == nil {
				return fmt.Errorf("custom rule %q: permission set %q does not exist", d.Name, name)
			}
		}
	}
	return nil
}

func (p *Policy) compileSet(d *definition.PermissionSet) (*set, error) {
	s := &set{def: d, forms: make([]rights, len(p.forms)), reports: map[*report]actions{}, pages: map[string]bool{}}
	for name, list := range d.Reports {
		r := p.reports[name]
		if r == nil {
			return nil, fmt.Errorf("report %q does not exist", name)
		}
		a, err := onReport(list)
		if err != nil {
			return nil, fmt.Errorf("report %q: %w", name, err)
		}
		s.reports[r] = a
	}
	for _, d := range p.app.Reports { // in order: maps have none
		r := p.reports[d.Name]
		s.forms[r.form].addReport(s.reports[r], r.criteria)
	}
	for i, f := range p.forms {
		s.forms[i].setFields(f.def, nil, d)
	}
	for name, fp := range d.Forms {
		at, ok := p.nameAt[name]
		if !ok || fp == nil {
			return nil, fmt.Errorf("form %q does not exist", name)
		}
		if err := s.forms[at].addForm(p.forms[at].def, fp, d); err != nil {
			return nil, fmt.Errorf("form %q: %w", name, err)
		}
	}
	for _, name := range d.Pages {
		if _, ok := p.app.Page(name); !ok {
			return nil, fmt.Errorf("page %q does not exist", name)
		}
		s.pages[name] = true
	}
	s.shape = p.shapeOf(s)
	return s, nil
}

func (r *rights) addForm(f *definition.Form, fp *definition.FormPermission, d *definition.PermissionSet) error {
	for _, a := range fp.Actions {
		if a < definition.Access || a > definition.CreateReport {
			return fmt.Errorf("action %d is not one of forms", a)
		}
		r.access = r.access || a == definition.Access
		r.createReport = r.createReport || a == definition.CreateReport
	}
	for name, access := range fp.Fields {
		if _, ok := fieldNamed(f, name); !ok || access > definition.Writable {
			return fmt.Errorf("field %q does not exist or has unknown access", name)
		}
	}
	r.setFields(f, fp.Fields, d)
	return nil
}

// setFields computes the visible and the writable fields (B2, B3, B4). The
// system fields that cannot be masked are always visible; owner, addedBy and
// modifiedBy follow the set as other fields do: what it does not list is hidden.
func (r *rights) setFields(f *definition.Form, access map[string]definition.FieldAccess, d *definition.PermissionSet) {
	var visible, writable []uint32
	for _, s := range record.System {
		if unmaskable.Has(s.Number) || access[s.Name] != definition.Hidden {
			visible = append(visible, s.Number)
		}
	}
	for _, field := range f.Fields {
		a := access[field.Name]
		if a == definition.Hidden || field.PII && !d.ShowPII || field.EPHI && !d.ShowEPHI {
			continue
		}
		visible = append(visible, field.Number)
		if a == definition.Writable {
			writable = append(writable, field.Number)
		}
	}
	r.visible, r.writable = record.FieldSetOf(visible...), record.FieldSetOf(writable...)
	r.dropFormulas(f)
}

// dropFormulas takes computed and allotted fields from those that may be written, and hides
// those that read a hidden field (B3). What a formula reads includes what the
// formulas that it reads do, so the order does not matter.
func (r *rights) dropFormulas(f *definition.Form) {
	listed := r.visible
	for _, field := range f.Fields {
		if field.Allotted() {
			r.writable = r.writable.Minus(record.FieldSetOf(field.Number))
		}
		if field.Formula == nil {
			continue
		}
		r.writable = r.writable.Minus(record.FieldSetOf(field.Number))
		if !field.Formula.Reads.Within(listed) {
			r.visible = r.visible.Minus(record.FieldSetOf(field.Number))
		}
	}
}

// fullSet holds every right on everything (A3, A13).
func (p *Policy) fullSet() *set {
	s := &set{forms: make([]rights, len(p.forms)), reports: map[*report]actions{}, pages: map[string]bool{}}
	for _, d := range p.app.Pages {
		s.pages[d.Name] = true
	}
	for _, r := range p.reports {
		s.reports[r] = ^actions(0)
	}
	for i, f := range p.forms {
		r := &s.forms[i]
		r.addReport(^actions(0), nil)
		r.access, r.createReport = true, true
		for _, field := range record.System {
			r.visible = r.visible.With(field.Number)
		}
		for _, field := range f.def.Fields {
			r.visible, r.writable = r.visible.With(field.Number), r.writable.With(field.Number)
		}
		r.dropFormulas(f.def)
	}
	s.shape = p.shapeOf(s)
	return s
}
