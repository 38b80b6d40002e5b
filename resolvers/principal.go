package resolvers

import (
	"context"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

var errNoUser = fault.New(fault.NotFound, "resolvers", "user: no such user")

// principal returns who asks; Unauthenticated when nobody is signed in.
func principal(ctx context.Context) (identity.Principal, error) {
	p, ok := identity.FromContext(ctx)
	if !ok {
		return p, fault.New(fault.Unauthenticated, "resolvers", "sign in first")
	}
	return p, nil
}

// people returns who asks and the directory as of now.
func (r *Resolver) people(ctx context.Context) (identity.Principal, *directory.People, error) {
	p, err := principal(ctx)
	if err != nil {
		return p, nil, err
	}
	people, err := r.directory.People(ctx, p)
	return p, people, err
}

// open returns the directory to somebody who may open it (A5).
func (r *Resolver) open(ctx context.Context) (*directory.People, error) {
	p, people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	return people, people.MayOpen(p)
}

// insider is people for what external people do not see: Forbidden for portal
// users, who have themselves, their tokens and their password here, and their
// records in the application (A11).
func (r *Resolver) insider(ctx context.Context) (identity.Principal, *directory.People, error) {
	p, people, err := r.people(ctx)
	if err == nil && people.IsPortal(p.User) {
		err = fault.New(fault.Forbidden, "resolvers", "not for portal users")
	}
	return p, people, err
}
