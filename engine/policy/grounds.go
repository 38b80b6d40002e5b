package policy

import (
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/identity"
)

// Ground is one thing that gives a viewer records of a form. The zero Ground gives
// nothing.
type Ground struct {
	Statement string // of docs/access-model.md: "C3"
	// Name is that of the report, rule or parent form that it is about, empty for
	// none.
	Name string
}

// grounds are in words what each statement gives, with % for a name; the first is
// said of one record, the second of what a person sees.
var grounds = map[string][2]string{
	"A3":  {"is an admin, and admins see every record", "every record, as an admin"},
	"A13": {"is a developer, and developers work with all data of the application", "every record, as a developer"},
	"B6":  {"their permission set shows every record of the report %", "every record of the report %"},
	"E2":  {"owns the record", "own records"},
	"E4":  {"sees the % that the record belongs to", "what belongs to records of % that they see"},
	"C3":  {"their role stands above the owner's role", "records of the roles below"},
	"C4":  {"holds the root role, and the owner holds no role", "records whose owner holds no role"},
	"C5":  {"holds the owner's role, which shares among its holders", "records of the holders of the same role"},
	"F1":  {"the sharing rule % shares the owner's records with them", "sharing rule %"},
	"F2":  {"the sharing rule % shares records like this one with them", "sharing rule %"},
	"F3":  {"the sharing rule % shares the record with those whom it names", "sharing rule %"},
	"F4":  {"the custom rule % shares the record with them", "custom rule %"},
}

// Because says in words why somebody sees a record.
func (g Ground) Because() string { return g.words(0) }

// Gives says in words what a ground gives.
func (g Ground) Gives() string { return g.words(1) }

func (g Ground) words(which int) string {
	return strings.ReplaceAll(grounds[g.Statement][which], "%", g.Name)
}

// Ground returns the strongest ground on which the viewer may VIEW one record:
// what holds for every record before what holds for this one, and ownership before
// sharing. It is false exactly where Decide denies VIEW.
func (v *View) Ground(form uint32, s Subject) (Ground, bool) {
	x := v.Explain(form, definition.View, s)
	var best Ground
	for _, step := range x.Steps {
		switch {
		case step.Verdict != Grants:
		case step.Kind == StepStanding:
			return Ground{Statement: step.Statement}, x.Allowed
		case step.Kind == StepReport:
			return Ground{step.Statement, step.Name}, x.Allowed
		case best.Statement == "":
			best = Ground{step.Statement, step.Name}
		}
	}
	return best, x.Allowed
}

func (v *View) byKind() (Ground, bool) {
	switch v.viewer.Kind {
	case identity.SuperAdmin, identity.Admin:
		return Ground{Statement: "A3"}, true
	case identity.Developer:
		return Ground{Statement: "A13"}, true
	}
	return Ground{}, false
}

func (v *View) sharesPeers() bool { return v.pos != noRole && v.policy.roles.def[v.pos].SharePeers }

// groundOfRule returns what a sharing rule may give the viewer, false for a rule
// that is for others.
func (v *View) groundOfRule(r *sharing) (Ground, bool) {
	switch {
	case r.audience != nil:
		return Ground{"F3", r.def.Name}, true
	case !r.to.has(v.viewer.User, v.pos):
		return Ground{}, false
	case r.criteria != nil:
		return Ground{"F2", r.def.Name}, true
	}
	return Ground{"F1", r.def.Name}, true
}

// Grounds returns everything that may give the viewer records of a form to VIEW,
// in the order of Ground, whether there are such records or not. It is empty where
// the shape allows no VIEW.
func (v *View) Grounds(form uint32) []Ground {
	fv := v.formOf(form)
	if fv == nil {
		return nil
	}
	shape, ok := v.shape.Form(form)
	if !ok || !shape.View {
		return nil
	}
	if g, full := v.byKind(); full {
		return []Ground{g}
	}
	var out []Ground
	for _, r := range fv.form.reports {
		if v.set.reports[r].all(definition.View) {
			out = append(out, Ground{"B6", r.def.Name})
		}
	}
	if fv.rights.grants[definition.View].base.empty() {
		return out
	}
	if at := fv.form.parent; at >= 0 {
		if p := v.policy; p.possible(v.set, at, definition.View) {
			out = append(out, Ground{"E4", p.forms[at].def.Name})
		}
		return out
	}
	return append(out, v.groundsOfScope(fv)...)
}

func (v *View) groundsOfScope(fv *formView) []Ground {
	out := []Ground{{Statement: "E2"}}
	for _, g := range []struct {
		statement string
		holds     bool
	}{{"C3", len(v.below.spans) > 0}, {"C4", v.below.noRole}, {"C5", v.sharesPeers()}} {
		if g.holds {
			out = append(out, Ground{Statement: g.statement})
		}
	}
	for _, rule := range fv.form.sharing {
		if g, ok := v.groundOfRule(rule); ok {
			out = append(out, g)
		}
	}
	for _, m := range fv.scopes[definition.Read].custom {
		out = append(out, Ground{"F4", m.Rule.Name})
	}
	return slices.Clip(out)
}
