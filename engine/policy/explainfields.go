package policy

import (
	"sluice/internal/definition"
	"sluice/internal/record"
)

// FieldExplanation says why the viewer may read and write one cell.
type FieldExplanation struct {
	Name   string
	Number uint32
	// Readable is what record.Redacted says of a record in VIEW reach, and false
	// for every other; Writable that an update may give the cell another value.
	Readable, Writable bool
	// Read and Write say why, beside the actions VIEW and EDIT themselves.
	Read, Write []Step
}

// ExplainFields explains every cell of a record, those of system fields first,
// then in the order of the form. Without a form or a record there is none.
func (v *View) ExplainFields(form uint32, s Subject) []FieldExplanation {
	fv := v.formOf(form)
	if fv == nil || s == nil || s.Record().IsZero() {
		return nil
	}
	e := fieldExplainer{v: v, fv: fv, s: s, view: v.Decide(form, definition.View, s), edit: v.Decide(form, definition.Edit, s)}
	if e.asked = !v.hidden(fv, s.Record()); e.asked {
		e.masked = v.Masked(form, s)
	}
	var out []FieldExplanation
	for i := range record.System {
		out = append(out, e.explain(&definition.Field{Field: record.System[i]}))
	}
	for _, f := range fv.form.def.Fields {
		out = append(out, e.explain(f))
	}
	return out
}

type fieldExplainer struct {
	v          *View
	fv         *formView
	s          Subject
	view, edit bool
	asked      bool // MASK rules were: nobody hides the record
	masked     record.FieldSet
}

func (e *fieldExplainer) explain(f *definition.Field) FieldExplanation {
	x := FieldExplanation{Name: f.Name, Number: f.Number}
	x.Readable = e.view && e.readable(f)
	x.Read = append(e.bySet(f), e.byMasks(f)...)
	if !e.view {
		x.Read = append(x.Read, Step{Statement: "W5", Kind: StepView, Verdict: Refuses, Because: ViewMissing, Action: definition.View})
	}
	x.Write, x.Writable = e.write(f)
	return x
}

// readable is what a redacted record says of the cell (B3, H5).
func (e *fieldExplainer) readable(f *definition.Field) bool {
	cells := e.reads(f).With(f.Number)
	return cells.Within(e.fv.rights.visible) && !cells.Meets(e.masked)
}

// bySet says what the set makes of the field (B2, B3).
func (e *fieldExplainer) bySet(f *definition.Field) []Step {
	s := Step{Statement: "B3", Kind: StepField, Name: f.Name, Verdict: Refuses}
	d := e.v.set.def
	switch {
	case e.fv.rights.visible.Has(f.Number):
		s.Verdict, s.Because = Passes, Visible
	case d == nil:
		s.Because = HiddenBySet
	case f.PII && !d.ShowPII:
		s.Statement, s.Because = "B2", HiddenAsPII
	case f.EPHI && !d.ShowEPHI:
		s.Statement, s.Because = "B2", HiddenAsEPHI
	case e.listed(f.Name) == definition.Hidden:
		s.Because = HiddenBySet
	default:
		return e.unseen(f)
	}
	return []Step{s}
}

func (e *fieldExplainer) listed(name string) definition.FieldAccess {
	if fp := e.v.set.def.Forms[e.fv.form.def.Name]; fp != nil {
		return fp.Fields[name]
	}
	return definition.Hidden
}

// unseen names the fields that a formula reads and the viewer does not see.
func (e *fieldExplainer) unseen(f *definition.Field) (out []Step) {
	for _, n := range e.reads(f).Minus(e.fv.rights.visible).Numbers() {
		out = append(out, Step{Statement: "B3", Kind: StepField, Name: e.name(n), Verdict: Refuses, Because: ReadsUnseen})
	}
	return out
}

func (e *fieldExplainer) reads(f *definition.Field) record.FieldSet {
	if f.Formula == nil {
		return record.FieldSet{}
	}
	return f.Formula.Reads
}

func (e *fieldExplainer) name(number uint32) string {
	for _, f := range record.System {
		if f.Number == number {
			return f.Name
		}
	}
	f, _ := ownField(e.fv.form.def, number)
	return f.Name
}

// byMasks names the MASK rules that cover the cell, or for a formula one that it
// reads (H1, H5).
func (e *fieldExplainer) byMasks(f *definition.Field) (out []Step) {
	cells := e.reads(f).With(f.Number)
	for _, c := range e.fv.form.custom {
		if c.def.Effect != definition.Mask || !c.fields.Meets(cells) {
			continue
		}
		s := Step{Statement: "H5", Kind: StepMask, Name: c.def.Name, Rule: c.def}
		switch {
		case !c.concerns(&e.v.viewer):
			s.Statement, s.Because = "H3", ForOthers
		case !e.asked:
			s.Because = IsHidden
		default:
			o := e.s.Outcome(c.def)
			s.Reason, s.Cause = o.Reason, o.Cause
			hidden := c.hidden(o)
			switch {
			case !hidden.Meets(cells):
				s.Verdict, s.Because = Passes, LetThrough
			case o.Fault:
				s.Statement, s.Verdict, s.Because = "H4", Removes, Failed
			case hidden.Has(f.Number):
				s.Verdict, s.Because = Removes, Masked
			default:
				s.Verdict, s.Because = Removes, ReadsMasked
			}
		}
		out = append(out, s)
	}
	return out
}

// write says whether an update may write the cell, beside reading it (B4, H5, W1).
func (e *fieldExplainer) write(f *definition.Field) (steps []Step, writable bool) {
	s := Step{Statement: "B4", Kind: StepField, Name: f.Name, Verdict: Refuses}
	_, system := record.SystemField(f.Name)
	switch {
	case system:
		s.Because = IsSystem
	case f.Formula != nil:
		s.Because = IsComputed
	case f.Allotted():
		s.Because = IsAllotted
	case e.fv.rights.writable.Has(f.Number):
		s.Verdict, s.Because = Passes, Writable
	case e.fv.rights.visible.Has(f.Number):
		s.Because = IsReadOnly
	default:
		s.Because = HiddenBySet
	}
	steps = append(steps, s)
	writable = s.Verdict == Passes && !e.masked.Has(f.Number)
	if !e.edit {
		steps, writable = append(steps, Step{Statement: "W3", Kind: StepEdit, Verdict: Refuses, Because: EditMissing, Action: definition.Edit}), false
	}
	if n := e.fv.form.def.OwnerField; n != 0 && n == f.Number && e.edit && !e.v.MayChangeOwner(e.fv.form.def.Number, e.s) {
		steps, writable = append(steps, Step{Statement: "W1", Kind: StepOwnerChange, Verdict: Refuses, Because: OwnerChangeMissing}), false
	}
	return steps, writable
}

// ExplainOwnerChange is MayChangeOwner with its reasons (W1).
func (v *View) ExplainOwnerChange(form uint32, s Subject) Explanation {
	x := Explanation{Form: form}
	fv := v.formOf(form)
	if fv == nil || s == nil || s.Record().IsZero() {
		return x
	}
	rec := s.Record()
	x.Record, x.Allowed = rec.ID(), v.MayChangeOwner(form, s)
	edit := Step{Statement: "W1", Kind: StepEdit, Verdict: Passes, Because: HasRight, Action: definition.Edit}
	if !v.Decide(form, definition.Edit, s) {
		edit.Verdict, edit.Because = Refuses, EditMissing
	}
	try := func(b Because, given bool) Step {
		st := Step{Statement: "W1", Kind: StepOwnerChange, Verdict: Refuses, Because: b}
		if given {
			st.Verdict = Grants
		}
		return st
	}
	x.Steps = []Step{
		edit,
		try(AsAdmin, v.viewer.Kind.Administers()),
		try(IsOwner, rec.Owner() == v.viewer.User),
		try(OwnerIsBelow, v.below.has(rec.Owner(), v.policy.roles, v.people)),
		try(MayModifyAll, v.set != v.policy.full && v.covers(&fv.rights.modifyAll, rec)),
	}
	if x.Allowed {
		return x
	}
	ways := Missing{}
	given := false
	for _, s := range x.Steps[1:] {
		given = given || s.Verdict == Grants
		if s.Because != AsAdmin {
			ways.AnyOf = append(ways.AnyOf, needOf(s))
		}
	}
	if edit.Verdict == Refuses {
		x.Missing = append(x.Missing, Missing{AnyOf: []Need{needOf(edit)}})
	}
	if !given {
		x.Missing = append(x.Missing, ways)
	}
	return x
}

// ExplainCreate says whether the viewer may add a record beside this one: to the
// form, and under the same parent (W4, E4). It is MayCreate with its reasons.
func (v *View) ExplainCreate(form uint32, s Subject) Explanation {
	x := Explanation{Form: form, Action: definition.Access}
	fv := v.formOf(form)
	if fv == nil || s == nil || s.Record().IsZero() {
		return x
	}
	st := Step{Statement: "W4", Kind: StepForm, Name: fv.form.def.Name, Action: definition.Access, Verdict: Refuses, Because: NoAccess}
	if fv.rights.access {
		st.Verdict, st.Because = Grants, HasAccess
	}
	x.Record, x.Steps = s.Record().ID(), []Step{st}
	var parent Subject
	if at := fv.form.parent; at >= 0 {
		up := Step{Statement: "E4", Kind: StepParent, Name: v.policy.forms[at].def.Name, Action: definition.Edit, Verdict: Refuses, Because: NoParent}
		if p, ok := s.Parent(); ok {
			parent = p
			px := v.Explain(v.policy.forms[at].def.Number, definition.Edit, p)
			x.Parent, up.Because = &px, ParentOutOfReach
			if px.Allowed {
				up.Verdict, up.Because = Grants, ParentInReach
			}
		}
		x.Steps = append(x.Steps, up)
	}
	x.Allowed = v.MayCreate(form, parent)
	for _, s := range x.Steps {
		if s.Verdict == Refuses {
			x.Missing = append(x.Missing, Missing{AnyOf: []Need{needOf(s)}})
		}
	}
	return x
}
