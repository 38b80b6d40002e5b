package resolvers

import (
	"context"
	"net/url"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Differences is what the management API asks of the engine about changes of
// rights that are not made yet; see the methods of engine.Engine.
type Differences interface {
	StartComparison(ctx context.Context, p identity.Principal, application string, change engine.ProposedChange) (*engine.Comparison, error)
	ReviewComparison(ctx context.Context, p identity.Principal, id string) (*engine.Comparison, error)
	ApproveComparison(ctx context.Context, p identity.Principal, id string) (*engine.Comparison, error)
	CancelComparison(ctx context.Context, p identity.Principal, id string) (*engine.Comparison, error)
	Comparison(ctx context.Context, p identity.Principal, id string) (*engine.Comparison, error)
	Comparisons(ctx context.Context, p identity.Principal, application string) ([]*engine.Comparison, error)
}

// download is where the rows of a difference are: resolvers/gateway mounts it.
func download(c *engine.Comparison) string {
	return "/apps/" + url.PathEscape(c.Application) + "/access-differences/" + c.ID + ".csv"
}

// changeDifference runs one of the mutations of differences.
func changeDifference(ctx context.Context, change func(identity.Principal) (*engine.Comparison, error)) (*graph.DifferencePayload, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	c, err := change(p)
	if err != nil {
		return nil, err
	}
	return &graph.DifferencePayload{Difference: newDifference(c, p)}, nil
}

const opDifference = "resolvers.difference"

func proposedChange(in graph.CompareAccessInput) (engine.ProposedChange, error) {
	out := engine.ProposedChange{AllowDrop: in.AllowDrop}
	if in.Definition != nil {
		if *in.Definition == "" {
			return out, fault.New(fault.Invalid, opDifference, "definition: is empty")
		}
		out.Source = []byte(*in.Definition)
	}
	var err error
	if out.Version, err = version("version", in.Version); err != nil {
		return out, err
	}
	if out.From, err = version("from", in.From); err != nil {
		return out, err
	}
	for _, a := range in.Assignments {
		place, err := proposedPlace(a)
		if err != nil {
			return out, err
		}
		out.Assignments = append(out.Assignments, place)
	}
	for _, r := range in.Rules {
		if out.Modules == nil {
			out.Modules = map[string]string{}
		}
		if _, twice := out.Modules[r.Rule]; twice {
			return out, fault.New(fault.Invalid, opDifference, "rules: a rule is given twice")
		}
		out.Modules[r.Rule] = ""
		if r.Module != nil {
			out.Modules[r.Rule] = *r.Module
		}
	}
	return out, nil
}

func version(argument string, n *int) (uint64, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 1:
		return 0, fault.New(fault.Invalid, opDifference, "%s: expected the number of a version, from 1", argument)
	}
	return uint64(*n), nil
}

func proposedPlace(a *graph.ProposedAssignmentInput) (engine.ProposedPlace, error) {
	out := engine.ProposedPlace{User: a.User, Portal: a.Portal, Developer: a.Developer, Unassign: a.Unassign, Active: a.Active}
	if a.Role != nil {
		out.Role = *a.Role
	}
	if a.PermissionSet != nil {
		out.PermissionSet = *a.PermissionSet
	}
	placed := out.Role != "" || out.PermissionSet != "" || a.Attributes != nil
	if a.Unassign && (placed || a.Portal || a.Developer) || a.Developer && (placed || a.Portal) || a.Portal && out.Role != "" {
		return out, fault.New(fault.Invalid, opDifference, "assignments: expected a role and a set, portal and a set, developer, or unassign")
	}
	if a.Attributes == nil {
		return out, nil
	}
	out.Attributes = map[string]string{}
	for _, v := range a.Attributes {
		if _, twice := out.Attributes[v.Name]; twice {
			return out, fault.New(fault.Invalid, opDifference, "attributes: a name is given twice")
		}
		out.Attributes[v.Name] = v.Value
	}
	return out, nil
}

func newDifference(c *engine.Comparison, p identity.Principal) *graph.AccessDifference {
	n := names(c.People)
	out := &graph.AccessDifference{
		Application: c.Application, Asker: n.person(c.Asker), Hash: c.Hash, Definition: text(string(c.Change.Source)),
		Started: c.Started, Ended: c.Ended, State: graph.DifferenceState(c.State), Reason: text(c.Reason), Outdated: c.Outdated,
	}
	out.ID, _ = record.ParseID(c.ID) // the engine made it
	if of, err := record.ParseID(c.Of); err == nil {
		out.Of = &of
	}
	if a := c.Approval; a != nil {
		out.Approval = &graph.DifferenceApproval{By: n.person(a.By), Time: a.Time}
	}
	if c.Asker != p.User {
		out.Reason = nil
		return out
	}
	if c.State == engine.ComparisonRunning {
		out.Progress = &graph.DifferenceProgress{Done: c.Checked, Total: c.Total}
	}
	if c.State == engine.ComparisonDone {
		path := download(c)
		out.Exposes, out.Download = &c.Exposes, &path
	}
	if c.Result != nil {
		out.Result = n.result(c.Result)
	}
	return out
}

// names are display names of people.
type names map[record.ID]string

func (n names) person(id record.ID) *graph.DifferencePerson {
	return &graph.DifferencePerson{ID: id, Name: text(n[id])}
}

func (n names) result(d *engine.Difference) *graph.DifferenceResult {
	out := &graph.DifferenceResult{
		Faults: newFaults(d.Faults), Findings: newFindings(d.Findings), From: int(d.From), To: int(d.To), People: d.People, Records: d.Records,
		Exposed: make([]*graph.ExposedField, len(d.Exposed)), Forms: make([]*graph.FormDifference, len(d.Forms)),
		Rights: make([]*graph.RightsDifference, len(d.Shapes)), Costs: newRuleCosts(d.Costs),
	}
	for i := range d.Exposed {
		x := &d.Exposed[i]
		out.Exposed[i] = &graph.ExposedField{
			Form: x.FormName, Field: x.FieldName, Pii: x.PII, Ephi: x.EPHI, Added: x.Added, Count: n.count(&x.Change),
		}
	}
	for i := range d.Forms {
		out.Forms[i] = n.form(&d.Forms[i])
	}
	for i := range d.Shapes {
		out.Rights[i] = n.rights(&d.Shapes[i])
	}
	return out
}

func (n names) count(c *engine.Change) *graph.DifferenceCount {
	out := &graph.DifferenceCount{People: c.People, Records: c.Records, Pairs: float64(c.Pairs), Samples: make([]*graph.DifferenceSample, len(c.Samples))}
	for i, s := range c.Samples {
		out.Samples[i] = &graph.DifferenceSample{Person: n.person(s.Person), Record: s.Record}
	}
	return out
}

func (n names) form(f *engine.FormDifference) *graph.FormDifference {
	out := &graph.FormDifference{
		Form: f.Name, Added: f.Added, Dropped: f.Dropped,
		Actions: make([]*graph.ActionDifference, len(f.Actions)), Fields: make([]*graph.FieldDifference, len(f.Fields)),
	}
	for i := range f.Actions {
		a := &f.Actions[i]
		out.Actions[i] = &graph.ActionDifference{Action: a.Action.String(), Gained: n.count(&a.Gained), Lost: n.count(&a.Lost)}
	}
	for i := range f.Fields {
		x := &f.Fields[i]
		out.Fields[i] = &graph.FieldDifference{
			Field: x.Name, Pii: x.PII, Ephi: x.EPHI, ReadGained: n.count(&x.Read.Gained), ReadLost: n.count(&x.Read.Lost),
			WriteGained: n.count(&x.Write.Gained), WriteLost: n.count(&x.Write.Lost),
		}
	}
	return out
}

func (n names) rights(s *engine.ShapeDifference) *graph.RightsDifference {
	out := &graph.RightsDifference{People: make([]*graph.DifferencePerson, len(s.People)), Gained: staticRights(&s.Gained), Lost: staticRights(&s.Lost)}
	for i, id := range s.People {
		out.People[i] = n.person(id)
	}
	return out
}

func staticRights(r *engine.StaticRights) *graph.StaticRights {
	out := &graph.StaticRights{Place: r.Place, API: r.API, Pages: none(r.Pages), Forms: make([]*graph.StaticFormRights, len(r.Forms))}
	for i := range r.Forms {
		f := &r.Forms[i]
		out.Forms[i] = &graph.StaticFormRights{
			Form: f.Form, Actions: actionWords(f.Actions), Visible: none(f.Visible), Writable: none(f.Writable), Reports: none(f.Reports),
		}
	}
	return out
}

func actionWords(list []definition.Action) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// comparisonOf is the id that an argument difference names, empty for none.
func comparisonOf(id *record.ID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
