package world

import (
	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/rules"
)

// missing is the place in the table of a module that is not there.
const missing = 0

// Rule returns the custom rule of that name, nil for none.
func Rule(w *World, name string) *definition.CustomRule {
	for _, c := range w.App.Custom {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Manifest returns what the module of a custom rule declares, false where the
// rule has no module.
func Manifest(w *World, rule string) (rules.Manifest, bool) {
	c := Rule(w, rule)
	m, ok := w.Modules[rule]
	if !ok || c == nil {
		return rules.Manifest{}, false
	}
	out := rules.Manifest{ABI: 1, Form: c.Form, Effect: rules.Effect(c.Effect), Mask: c.Fields}
	if c.Effect == definition.Share {
		out.Grant = 3
	}
	for _, name := range m.Record {
		f, _ := oracle.Field(w.Form(c.Form), name)
		out.Record = append(out.Record, rules.Column{Name: name, Type: f.Type, Scale: f.Scale})
	}
	for _, name := range m.Viewer {
		for _, a := range w.App.Attributes {
			if a.Name == name {
				out.Viewer = append(out.Viewer, rules.Column{Name: name, Type: a.Type, Scale: a.Scale})
			}
		}
	}
	return out, true
}

// Truth returns the function of a rule's module as a runner's answer: viewer
// and row in the order of the manifest. A rule without module always faults.
// It fits the double of package ruletest.
func Truth(w *World, rule string) func(viewer, row []record.Value) rules.Verdict {
	m, ok := w.Modules[rule]
	if !ok {
		m.Truth = missing
	}
	c := Rule(w, rule)
	return func(viewer, row []record.Value) rules.Verdict {
		v := oracle.Truths[m.Truth](viewer, row)
		switch {
		case m.Truth == missing:
			return rules.Verdict{Fault: rules.FaultMissing}
		case v.Fault:
			return rules.Verdict{Fault: rules.FaultTrap}
		case c.Effect == definition.Mask:
			return rules.Verdict{Visible: v.Visible & (1<<len(c.Fields) - 1)}
		case c.Effect == definition.Restrict:
			return rules.Verdict{Grant: uint8(min(v.Level, 1))}
		}
		return rules.Verdict{Grant: uint8(v.Level)}
	}
}

// Plan returns the plan of a rule's module as JSON, for a viewer in the order of the
// manifest; nil where it has none. It fits the double of package ruletest.
func Plan(w *World, rule string) func(viewer []record.Value) string {
	m, ok := Manifest(w, rule)
	kind := w.Modules[rule].Plan
	if !ok || kind == 0 || m.Effect != rules.Share {
		return nil
	}
	name := string(record.AppendJSONString(nil, []byte(m.Record[0].Name)))
	return func(viewer []record.Value) string {
		switch kind {
		case 1:
			return `{"and":[{` + name + `:{"isNull":false}}]}`
		case 2:
			return `{` + name + `:{"isNull":true}}`
		}
		if len(viewer) == 0 || viewer[0].IsNull() {
			return `{"or":[]}`
		}
		f := record.Field{Type: m.Viewer[0].Type, Scale: m.Viewer[0].Scale}
		return `{"or":[{` + name + `:{"eq":` + string(record.AppendJSON(nil, &f, viewer[0])) + `}},{` + name + `:{"in":[]}}]}`
	}
}
