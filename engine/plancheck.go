package engine

import (
	"context"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// unloader is a runner that can forget a module.
type unloader interface {
	Unload(tenant identity.Tenant, h rules.Hash)
}

// checkUploadedPlan refuses a module whose plan leaves out what it shares, on
// generated cases: no stored record is read. A refused module does not stay in the
// runner, where uploads without end would displace those of others; one that was
// there before does, as it may decide.
func (e *Engine) checkUploadedPlan(ctx context.Context, t identity.Tenant, def *definition.Application, m *rules.Manifest, module []byte) error {
	planner, ok := e.o.Rules.(rules.Planner)
	if !ok || m.Effect != rules.Share || !rules.MayPlan(module) {
		return nil
	}
	before := e.o.Rules.Loaded(t, rules.HashOf(module))
	h, err := e.o.Rules.Load(ctx, t, module)
	if err != nil {
		return err
	}
	got, err := rules.CheckPlan(ctx, planner, t, h, m, planInputs(def, m))
	if err == nil {
		err = got.Gap.Err()
	}
	if u, ok := e.o.Rules.(unloader); ok && err != nil && !before {
		u.Unload(t, h)
	}
	return err
}

// planInputs are the choices that a definition declares for what a manifest names.
func planInputs(def *definition.Application, m *rules.Manifest) rules.PlanInputs {
	in := rules.PlanInputs{Viewer: make([][]record.Value, len(m.Viewer)), Record: make([][]record.Value, len(m.Record))}
	for i, c := range m.Viewer {
		for _, a := range def.Attributes {
			if a.Name == c.Name {
				in.Viewer[i] = choicesOf(&a)
			}
		}
	}
	form, ok := def.Form(m.Form)
	for i, c := range m.Record {
		if !ok {
			break
		}
		if f, ok := form.Field(c.Name); ok {
			in.Record[i] = choicesOf(&f.Field)
		}
	}
	return in
}

// choicesOf are values of a field that has choices: each one, and for lists none,
// one, and all.
func choicesOf(f *record.Field) []record.Value {
	var out []record.Value
	for _, c := range f.Choices {
		if f.Type == record.MultiChoice {
			out = append(out, record.List(c))
		} else {
			out = append(out, record.String(c))
		}
	}
	if f.Type == record.MultiChoice {
		out = append(out, record.List(), record.List(f.Choices...))
	}
	return out
}
