package resolvers

import (
	"context"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Reviews are the questions of the tool REVIEW: Forbidden for who was not given
// it, and each written down.
type Reviews interface {
	// WhoCanSee returns the people who can see a record; see engine.WhoCanSee.
	WhoCanSee(ctx context.Context, p identity.Principal, q engine.Who) (*engine.Onlookers, error)
	// WhatCanSee returns what a person can see; see engine.WhatCanSee.
	WhatCanSee(ctx context.Context, p identity.Principal, q engine.What) (*engine.Sight, error)
}

// afterUser reads the cursor of a page of people, which is the id of the last.
func afterUser(after *string) (id record.ID, err error) {
	if after == nil {
		return id, nil
	}
	if id, err = record.ParseID(*after); err != nil {
		return id, fault.New(fault.Invalid, "resolvers", "after: expected the endCursor of a page")
	}
	return id, nil
}

func given(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func newOnlookers(o *engine.Onlookers) *graph.OnlookerConnection {
	out := &graph.OnlookerConnection{
		Nodes: make([]*graph.Onlooker, len(o.People)), PageInfo: &graph.PageInfo{HasNextPage: o.HasNext},
		TotalCount: o.Total, MaskedCount: o.Masked, WithoutFieldCount: o.Without,
	}
	for i, who := range o.People {
		out.Nodes[i] = &graph.Onlooker{
			ID: who.User, DisplayName: who.DisplayName, Kind: graph.MemberKind(who.Kind.String()),
			Actions: newActions(who.Actions), Masked: who.Masked, Reason: newReason(who.Ground, who.Ground.Because()),
		}
	}
	if n := len(o.People); n > 0 {
		out.PageInfo.EndCursor = text(o.People[n-1].User.String())
	}
	return out
}

func newReason(g engine.Ground, words string) *graph.AccessReason {
	return &graph.AccessReason{Text: words, Statement: g.Statement, Name: text(g.Name)}
}

func newSight(s *engine.Sight) *graph.Sight {
	out := &graph.Sight{
		ID: s.User, DisplayName: s.DisplayName, Kind: graph.MemberKind(s.Kind.String()),
		Role: text(s.Role), PermissionSet: text(s.Set), Pages: s.Pages, Forms: make([]*graph.FormSight, len(s.Forms)),
	}
	for i := range s.Forms {
		out.Forms[i] = newFormSight(&s.Forms[i])
	}
	return out
}

func newFormSight(f *engine.FormSight) *graph.FormSight {
	out := &graph.FormSight{
		Form: f.Form, Records: newCounts(f.Counts), Create: f.Create, Readable: none(f.Readable), Masked: none(f.Masked),
		Hidden: none(f.Hidden), Reports: none(f.Reports), Reasons: []*graph.AccessReason{}, Samples: []*graph.RecordSample{},
	}
	for _, g := range f.Grounds {
		out.Reasons = append(out.Reasons, newReason(g, g.Gives()))
	}
	for _, x := range f.Samples {
		out.Samples = append(out.Samples, &graph.RecordSample{ID: x.ID, Title: text(x.Title)})
	}
	return out
}

func newCounts(t engine.Tally) *graph.RecordCounts {
	return &graph.RecordCounts{
		View: t[definition.View], Edit: t[definition.Edit], Delete: t[definition.Delete], Export: t[definition.Export],
		ReadComments: t[definition.ReadComments], WriteComments: t[definition.WriteComments], ReadHistory: t[definition.ReadHistory],
	}
}

// none is the list, empty where there is none.
func none(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
