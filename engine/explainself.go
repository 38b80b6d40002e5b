package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// tellOneself is the redacted explanation: to somebody without the tool, about
// themselves, of a record that they may VIEW. It names what their schema names
// and no rule, role or report beside it; and of several grants it tells the
// first, as one more of them could tell what a rule read in a cell that they may
// not (P3).
func (op *Op) tellOneself(out *AccessExplanation, s *subject) {
	out.Version = 0
	form := s.form.def.Number
	shape, _ := op.view.Shape().Form(form)
	all, err := explainAll(op.view, form, s)
	if err != nil {
		op.fail(err)
		return
	}
	self := selfTeller{op: op, shape: shape, s: s, cells: op.redact(shape, s, true)}
	for _, x := range all {
		out.Actions = append(out.Actions, self.action(x))
	}
	for _, x := range op.view.ExplainFields(form, s) {
		if self.names(x) {
			out.Fields = append(out.Fields, self.field(x))
		}
	}
}

type selfTeller struct {
	op    *Op
	shape *policy.FormShape
	s     *subject
	cells record.Redacted
}

func (t selfTeller) action(x explanation) ExplainedAction {
	a := ExplainedAction{Action: x.name, Allowed: x.Allowed}
	switch {
	case x.Allowed:
		a.Steps = t.grants(x)
		a.Because = "your permission set allows it on this record"
		if x.name == "CREATE" {
			a.Because = "your permission set lets you add records"
		}
		if n := len(a.Steps); n > 0 {
			a.Because = a.Steps[n-1].Text
		}
	case t.possible(x.name):
		a.Because = "your permission set allows it on other records, not on this one"
	default:
		a.Because = "your permission set does not allow it on records of this form"
	}
	return a
}

// possible is what the schema tells already.
func (t selfTeller) possible(action string) bool {
	return map[string]bool{
		"VIEW": t.shape.View, "EDIT": t.shape.Edit, "DELETE": t.shape.Delete, "EXPORT": t.shape.Export,
		"READ_COMMENTS": t.shape.ReadComments, "WRITE_COMMENTS": t.shape.WriteComments, "READ_HISTORY": t.shape.ReadHistory,
		"CHANGE_OWNER": t.shape.ChangesOwner(), "CREATE": t.shape.Create,
	}[action]
}

// grants are the reports that show the record with the action, and whose record
// it is, in the words of what the viewer can tell.
func (t selfTeller) grants(x explanation) []ExplainedStep {
	if x.Action == definition.NoAction || x.Action == definition.Access {
		return nil
	}
	var out []ExplainedStep
	scope, all := t.scope(x), false
	for _, s := range x.Steps {
		if s.Kind != policy.StepReport || s.Verdict != policy.Grants && (s.Verdict != policy.Opens || scope == nil) || !t.opens(s.Name) {
			continue
		}
		all = all || s.Verdict == policy.Grants
		out = append(out, ExplainedStep{
			Statement: s.Statement, Kind: s.Kind.String(), Outcome: policy.Grants.String(), Name: s.Name,
			Text: "your permission set has " + s.Action.String() + " on report " + s.Name + ", which shows the record",
		})
	}
	if scope != nil && !all {
		out = append(out, *scope)
	}
	return out
}

// opens reports whether the schema has a list of that report.
func (t selfTeller) opens(report string) bool {
	r, ok := t.op.app.def.Report(report)
	return ok && (r.Default || slices.Contains(t.shape.Reports, r))
}

// scope is the first reason for which the record is one of the viewer's, nil for
// none. Who owns it, and what its parent is, are cells: where they are not
// readable, no reason is told from another.
func (t selfTeller) scope(x explanation) *ExplainedStep {
	say := func(statement, text string) *ExplainedStep {
		return &ExplainedStep{Statement: statement, Kind: "SCOPE", Outcome: policy.Grants.String(), Text: text}
	}
	of := func(kinds ...policy.StepKind) bool {
		return slices.ContainsFunc(x.Steps, func(s policy.Step) bool { return s.Verdict == policy.Grants && slices.Contains(kinds, s.Kind) })
	}
	owner, _ := t.s.form.field(record.FieldOwner)
	scoped := of(policy.StepOwn, policy.StepBelow, policy.StepRoot, policy.StepPeers, policy.StepSharing, policy.StepModule, policy.StepParent)
	switch {
	case !scoped:
		return nil
	case of(policy.StepParent):
		if p := t.s.form.parent; p != nil && t.cells.Readable(p) {
			may := "view"
			if x.Action == definition.Edit || x.Action == definition.Delete {
				may = "edit"
			}
			return say("E4", "you may "+may+" the record that field "+p.Name+" leads to")
		}
	case !t.cells.Readable(owner):
	case of(policy.StepOwn):
		return say("E2", "you own the record")
	case of(policy.StepBelow, policy.StepRoot, policy.StepPeers):
		return say("C2", "your role reaches records of its owner")
	default:
		return say("F5", "the record is shared with you")
	}
	return say("", "the record is one of those that you reach")
}

// names reports whether the schema has the field.
func (t selfTeller) names(x policy.FieldExplanation) bool {
	f, ok := t.s.form.field(x.Number)
	if !ok || !t.shape.Visible.Has(x.Number) {
		return false
	}
	if f.Type != record.Lookup && f.Type != record.MultiLookup {
		return true
	}
	target, ok := t.op.view.Shape().Form(f.Target)
	return ok && target.View
}

// field tells of a cell of a record that its viewer may VIEW, in a field that they
// have. A cell that a mask covers reads as an empty one does (H5); that it may not
// be written is what the write itself would say.
func (t selfTeller) field(x policy.FieldExplanation) ExplainedField {
	out := ExplainedField{Field: x.Name, Readable: true, Writable: x.Writable}
	if !x.Writable {
		text := "field " + x.Name + " is read only for you"
		if t.shape.Writable.Has(x.Number) {
			text = "you may not write field " + x.Name + " of this record"
		}
		out.Write = []ExplainedStep{{
			Statement: "B4", Kind: policy.StepField.String(), Outcome: policy.Refuses.String(), Name: x.Name, Text: text,
		}}
	}
	return out
}
