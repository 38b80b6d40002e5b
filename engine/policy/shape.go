package policy

import (
	"crypto/sha256"
	"encoding/binary"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Shape is the static part of a view. Read only.
type Shape struct {
	// Fingerprint is equal for equal shapes of equal definition versions of one
	// tenant.
	Fingerprint [32]byte
	Forms       []*FormShape       // in the definition's order; forms without any right are absent
	Pages       []*definition.Page // those with ACCESS, in the definition's order
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
	// CreateNested says that records may be added below a parent that the same
	// operation adds: ACCESS to a child form, and up its parents to each of them
	// (W4). It takes no right to edit a parent, as nobody has one on a new record.
	CreateNested bool
	// Export, ReadComments, WriteComments and ReadHistory are the other actions
	// on records; each lies within View.
	Export, ReadComments, WriteComments, ReadHistory bool
	// CreateReport lets the viewer keep reports of their own (B8).
	CreateReport bool
	// Reports are those with VIEW, the default report excluded.
	Reports []*definition.Report
}

// Form returns the shape of a form by number.
func (s *Shape) Form(number uint32) (*FormShape, bool) {
	for _, f := range s.Forms {
		if f.Form.Number == number {
			return f, true
		}
	}
	return nil, false
}

// Page returns the page of that name, false without ACCESS to it.
func (s *Shape) Page(name string) (*definition.Page, bool) {
	for _, p := range s.Pages {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// Full returns the shape of those who have every right: admins and developers.
func (p *Policy) Full(t identity.Tenant) *Shape { return p.full.shape.forTenant(t) }

// SetShape returns the shape of the holders of a permission set, false for one
// that the definition does not have.
func (p *Policy) SetShape(t identity.Tenant, set string) (*Shape, bool) {
	s, ok := p.sets[set]
	if !ok {
		return nil, false
	}
	return s.shape.forTenant(t), true
}

// staticShape is what all viewers with one permission set share.
type staticShape struct {
	forms  []*FormShape
	pages  []*definition.Page
	digest [32]byte
}

// forTenant binds the shape to one tenant: two tenants may have definitions of
// equal name and version, and caches are keyed by the fingerprint.
func (s *staticShape) forTenant(t identity.Tenant) *Shape {
	return &Shape{
		Fingerprint: sha256.Sum256(append(t[:], s.digest[:]...)),
		Forms:       s.forms,
		Pages:       s.pages,
	}
}

func (p *Policy) shapeOf(s *set) staticShape {
	var out staticShape
	for i := range p.forms {
		if f := p.formShape(s, i); f.View || f.Create || f.CreateNested {
			out.forms = append(out.forms, f)
		}
	}
	for _, d := range p.app.Pages {
		if s.pages[d.Name] {
			out.pages = append(out.pages, d)
		}
	}
	out.digest = p.digest(&out)
	return out
}

func (p *Policy) formShape(s *set, at int) *FormShape {
	r, f := &s.forms[at], p.forms[at]
	shape := &FormShape{
		Form: f.def, Visible: r.visible, Writable: r.writable,
		View:          p.possible(s, at, definition.View),
		Edit:          p.possible(s, at, definition.Edit),
		Delete:        p.possible(s, at, definition.Delete),
		Create:        p.creatable(s, at),
		CreateNested:  p.nestable(s, at),
		Export:        p.possible(s, at, definition.Export),
		ReadComments:  p.possible(s, at, definition.ReadComments),
		WriteComments: p.possible(s, at, definition.WriteComments),
		ReadHistory:   p.possible(s, at, definition.ReadHistory),
	}
	shape.CreateReport = r.createReport && shape.View
	for _, rep := range f.reports {
		if !rep.def.Default && s.reports[rep].has(definition.View) && p.shows(s, rep) {
			shape.Reports = append(shape.Reports, rep.def)
		}
	}
	return shape
}

// possible reports whether the set allows the action on any record at all: for
// a child form without an all-right that takes the parent's action too.
func (p *Policy) possible(s *set, at int, a definition.Action) bool {
	g, parent := &s.forms[at].grants[a], p.forms[at].parent
	if !g.all.empty() {
		return true
	}
	return !g.base.empty() && (parent < 0 || p.possible(s, parent, ofParent(a)))
}

// creatable reports whether the set lets records be added on their own: a child
// needs a parent to edit.
func (p *Policy) creatable(s *set, at int) bool {
	parent := p.forms[at].parent
	return s.forms[at].access && (parent < 0 || p.possible(s, parent, definition.Edit))
}

// nestable reports whether the set lets records be added below a new parent.
func (p *Policy) nestable(s *set, at int) bool {
	parent := p.forms[at].parent
	return parent >= 0 && s.forms[at].access && (p.creatable(s, parent) || p.nestable(s, parent))
}

// ChangesOwner reports whether the viewer may be allowed at all to give records
// of the form to another owner (W1): to edit them, and to write the field that
// the form names as record owner, or else to see the owner.
func (s *FormShape) ChangesOwner() bool {
	if f := s.Form.OwnerField; f != 0 {
		return s.Edit && s.Writable.Has(f)
	}
	return s.Edit && s.Visible.Has(record.FieldOwner)
}

// shows reports whether a report with VIEW may show any record.
func (p *Policy) shows(s *set, r *report) bool {
	parent := p.forms[r.form].parent
	return s.reports[r].all(definition.View) || parent < 0 || p.possible(s, parent, definition.View)
}

// digest is an unambiguous hash of the definition's identity and the shape.
func (p *Policy) digest(s *staticShape) [32]byte {
	var b []byte
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	numbers := func(s record.FieldSet) {
		n := s.Numbers()
		b = binary.AppendUvarint(b, uint64(len(n)))
		for _, n := range n {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	text(p.app.Name)
	b = binary.AppendUvarint(b, p.app.Version)
	b = binary.AppendUvarint(b, uint64(len(s.pages)))
	for _, d := range s.pages {
		text(d.Name)
	}
	b = binary.AppendUvarint(b, uint64(len(s.forms)))
	for _, f := range s.forms {
		b = binary.AppendUvarint(b, uint64(f.Form.Number))
		numbers(f.Visible)
		numbers(f.Writable)
		for _, on := range []bool{
			f.View, f.Create, f.CreateNested, f.Edit, f.Delete,
			f.Export, f.ReadComments, f.WriteComments, f.ReadHistory, f.CreateReport,
		} {
			bit := byte(0)
			if on {
				bit = 1
			}
			b = append(b, bit)
		}
		b = binary.AppendUvarint(b, uint64(len(f.Reports)))
		for _, r := range f.Reports {
			text(r.Name)
		}
	}
	return sha256.Sum256(b)
}
