package resolvers

import (
	"context"
	"strings"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// maxUsers is the largest page of the user directory.
const maxUsers = 200

// changeUser runs a change of one person and answers with who they are then.
func (r *Resolver) changeUser(ctx context.Context, user record.ID, change func(identity.Principal) error) (*graph.UserPayload, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	if err := change(p); err != nil {
		return nil, err
	}
	return r.userPayload(ctx, user)
}

func (r *Resolver) userPayload(ctx context.Context, user record.ID) (*graph.UserPayload, error) {
	people, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	u, ok := people.User(user)
	if !ok {
		return nil, errNoUser
	}
	return &graph.UserPayload{User: newUser(people, u)}, nil
}

// assign gives a place that the application's definition knows.
func (r *Resolver) assign(ctx context.Context, p identity.Principal, a directory.Assignment) error {
	return r.directory.Assign(ctx, p, a, func(a directory.Assignment) error {
		return r.definitions.CheckAssignment(ctx, p, a)
	})
}

// attributes turns viewer attributes into values. Who may not assign learns
// nothing of the application from it.
func (r *Resolver) attributes(ctx context.Context, p identity.Principal, application string, in []*graph.AttributeInput) (map[string]record.Value, error) {
	if _, err := r.open(ctx); err != nil {
		return nil, err
	}
	text := make(map[string]string, len(in))
	for _, a := range in {
		if _, twice := text[a.Name]; twice {
			return nil, fault.New(fault.Invalid, "resolvers.attributes", "attributes: a name is given twice")
		}
		text[a.Name] = a.Value
	}
	if len(text) == 0 {
		return nil, nil
	}
	return r.definitions.Attributes(ctx, p, application, text)
}

func addition(in graph.AddUserInput) directory.NewUser {
	u := directory.NewUser{Email: in.Email, DisplayName: in.DisplayName, Admin: in.Admin}
	if in.Password != nil {
		u.Password = *in.Password
	}
	return u
}

// userPage returns a page of those whom search finds. A cursor is the id of the
// last user of a page.
func userPage(people *directory.People, search *string, first int, after *string) (*graph.UserConnection, error) {
	if first < 1 || first > maxUsers {
		return nil, fault.New(fault.Invalid, "resolvers.users", "first: expected 1 to %d", maxUsers)
	}
	var last record.ID
	if after != nil {
		var err error
		if last, err = record.ParseID(*after); err != nil {
			return nil, fault.New(fault.Invalid, "resolvers.users", "after: expected the endCursor of a page")
		}
	}
	found := func(*directory.User) bool { return true }
	if search != nil {
		text := strings.ToLower(*search)
		found = func(u *directory.User) bool {
			return strings.Contains(u.Email, text) || strings.Contains(strings.ToLower(u.DisplayName), text)
		}
	}
	page := &graph.UserConnection{Nodes: []*graph.User{}, PageInfo: &graph.PageInfo{}}
	for _, u := range people.Users() {
		if string(u.ID[:]) <= string(last[:]) || !found(u) {
			continue
		}
		if len(page.Nodes) == first {
			page.PageInfo.HasNextPage = true
			break
		}
		page.Nodes = append(page.Nodes, newUser(people, u))
	}
	if n := len(page.Nodes); n > 0 {
		page.PageInfo.EndCursor = text(page.Nodes[n-1].ID.String())
	}
	return page, nil
}

func newUser(people *directory.People, u *directory.User) *graph.User {
	out := &graph.User{
		ID: u.ID, Email: u.Email, DisplayName: u.DisplayName, Kind: personKind(u),
		Status: graph.UserStatus(u.Status.String()), Assignments: []*graph.Assignment{}, WithheldTools: newWithheld(u),
	}
	for _, a := range people.Assignments(u.ID) {
		out.Assignments = append(out.Assignments, &graph.Assignment{
			Application: a.Application, Kind: graph.AssignmentKind(a.Kind.String()),
			Role: text(a.Role), PermissionSet: text(a.PermissionSet), Tools: newTools(a.Tools),
		})
	}
	return out
}

func newReassignment(job *engine.Reassignment) *graph.Reassignment {
	state := graph.ReassignmentStateRunning
	if job.Done {
		state = graph.ReassignmentStateDone
	}
	return &graph.Reassignment{
		From: job.From, To: job.To, Application: text(job.Application), Deletes: job.Delete,
		State: state, Started: job.Started, Moved: job.Moved, Kept: job.Kept,
	}
}

func newOrganization(people *directory.People) *graph.Organization {
	return &graph.Organization{Name: people.Organization()}
}

func personKind(u *directory.User) graph.PersonKind {
	switch u.Admin {
	case identity.SuperAdmin:
		return graph.PersonKindSuperAdmin
	case identity.Admin:
		return graph.PersonKindAdmin
	}
	return graph.PersonKindUser
}

// text returns s as a nullable string: null for empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
