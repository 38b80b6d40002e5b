package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
	"sluice/rules"
)

// teller puts explanations into words, in full. What belongs to records that
// asker does not see is left out (P10).
type teller struct {
	asker, target *Op
	you           bool // the asker is who is explained
}

func (t teller) tell(out *AccessExplanation, s *subject) {
	form := s.form.def.Number
	all, err := explainAll(t.target.view, form, s)
	if err != nil {
		t.target.fail(err)
		return
	}
	for _, x := range all {
		x.Explanation = t.veil(x.Explanation, form, s)
		a := ExplainedAction{
			Action: x.name, Allowed: x.Allowed, Because: t.because(x),
			Steps: t.steps(x.Steps), Missing: t.missing(x.Missing), Parents: t.parents(x.Parent, s),
		}
		out.Actions = append(out.Actions, a)
	}
	for _, x := range t.target.view.ExplainFields(form, s) {
		out.Fields = append(out.Fields, ExplainedField{
			Field: x.Name, Readable: x.Readable, Writable: x.Writable, Read: t.steps(x.Read), Write: t.steps(x.Write),
		})
	}
}

// because is the first grant, or else what stands in the way: what takes the
// record away before what is missing, and of an action that needs to see it that
// it is not seen.
func (t teller) because(x explanation) string {
	for _, verdict := range []policy.Verdict{policy.Removes, policy.Grants} {
		for _, s := range x.Steps {
			if s.Verdict == verdict && (x.Allowed == (verdict == policy.Grants)) {
				return t.words(s)
			}
		}
	}
	if x.Allowed {
		return "through the record that it belongs to, which you may not see"
	}
	for _, s := range x.Steps {
		if s.Because == policy.ViewMissing {
			return t.words(s)
		}
	}
	if len(x.Missing) > 0 && len(x.Missing[0].AnyOf) > 0 && x.Missing[0].AnyOf[0].Kind == policy.StepParent {
		return t.need(x.Missing[0].AnyOf[0]).Text
	}
	switch {
	case len(x.Missing) == 0 || len(x.Missing[0].AnyOf) == 0:
		return ""
	case len(x.Missing[0].AnyOf) == 1:
		return t.need(x.Missing[0].AnyOf[0]).Text
	case len(x.Missing[0].AnyOf[0].Actions) > 0:
		return t.pronouns("{their} permission set has no " + x.name + " on any report that shows it")
	}
	if x.Action != definition.View {
		return t.pronouns("what lets {them} view it gives no " + x.name)
	}
	return t.pronouns("{they} do not own it, and neither {their} role nor a rule reaches it")
}

func (t teller) steps(in []policy.Step) []ExplainedStep {
	out := make([]ExplainedStep, len(in))
	for i, s := range in {
		out[i] = ExplainedStep{Statement: s.Statement, Kind: s.Kind.String(), Outcome: s.Verdict.String(), Name: s.Name, Text: t.words(s)}
		if answered(s) {
			if b := t.target.app.bindings[s.Rule]; b != nil {
				out[i].Module, out[i].Reason, out[i].ReasonText = b.hash.String(), int(s.Reason), reasonText(b, s.Reason)
			}
		}
	}
	return out
}

// answered reports whether a module answered.
func answered(s policy.Step) bool {
	return s.Rule != nil && s.Verdict != policy.NotAsked && s.Because != policy.CapTooLow
}

// reasonText is what the manifest says of a reason, empty for none.
func reasonText(b *binding, n uint8) string {
	if b == nil || n == 0 || int(n) > len(b.manifest.Reasons) {
		return ""
	}
	return b.manifest.Reasons[n-1]
}

func (t teller) missing(in []policy.Missing) []ExplainedMissing {
	out := make([]ExplainedMissing, len(in))
	for i, m := range in {
		for _, n := range m.AnyOf {
			out[i].AnyOf = append(out[i].AnyOf, t.need(n))
		}
	}
	return out
}

func (t teller) need(n policy.Need) ExplainedNeed {
	out := ExplainedNeed{Statement: n.Statement, Kind: n.Kind.String(), Name: n.Name}
	if n.Step != nil {
		out.Text = t.words(*n.Step)
		return out
	}
	out.Text = t.pronouns("{they} need " + andOf(n.Actions) + " on report " + n.Name)
	return out
}

func andOf(list []definition.Action) string {
	text := ""
	for i, a := range list {
		if i > 0 {
			text += " and "
		}
		text += a.String()
	}
	return text
}

// parents tells of the parent record and those above it, as far as the asker
// sees them.
func (t teller) parents(x *policy.Explanation, s *subject) []ExplainedParent {
	var out []ExplainedParent
	for x != nil && t.sees(x.Form, x.Record) {
		parent, ok := s.Parent()
		f := t.target.app.forms[x.Form]
		if !ok || f == nil {
			break
		}
		s = parent.(*subject)
		told := t.veil(*x, x.Form, s)
		out = append(out, ExplainedParent{
			Form: f.def.Name, Record: x.Record, Action: x.Action.String(), Allowed: x.Allowed,
			Steps: t.steps(told.Steps), Missing: t.missing(told.Missing),
		})
		x = told.Parent
	}
	return out
}

func (t teller) sees(form uint32, id record.ID) bool {
	_, ok, err := t.asker.Get(form, id)
	if err != nil {
		t.asker.fail(err)
	}
	return ok && err == nil
}

// module says of a step what the module of its rule answered.
func (t teller) module(s policy.Step) string {
	text := ""
	if s.Reason > 0 {
		text = ": reason " + itoa(int(s.Reason))
		if says := reasonText(t.target.app.bindings[s.Rule], s.Reason); says != "" {
			text += " (" + says + ")"
		}
	}
	return text
}

func causeOf(s policy.Step) string { return causes[rules.FaultKind(s.Cause)] }

// causes are what can go wrong with a module, in words.
var causes = map[rules.FaultKind]string{
	rules.NoFault: "for an unknown reason", rules.FaultTrap: "by a trap", rules.FaultFuel: "by running for too long",
	rules.FaultAnswer: "by an answer that it may not give", rules.FaultInput: "as the record does not fit its input",
	rules.FaultMissing: "as no module is active", rules.FaultImpure: "by two answers to one question",
	rules.FaultQuarantine: "as it is in quarantine", rules.FaultPlan: "by a plan that cannot be read, or that leaves out what the module shares",
}
