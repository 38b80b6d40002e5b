package resolvers

import (
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// maxDays is the directory's bound, which would shorten a longer life silently.
const maxDays = 365

// tokenLife turns days into a life; none is the directory's bound.
func tokenLife(days *int) (time.Duration, error) {
	if days == nil {
		return 0, nil
	}
	if *days < 1 || *days > maxDays {
		return 0, fault.New(fault.Invalid, "resolvers.createToken", "days: expected 1 to %d", maxDays)
	}
	return time.Duration(*days) * 24 * time.Hour, nil
}

// newPlaces returns what the principal is in each application that they have a
// place in.
func newPlaces(people *directory.People, p identity.Principal, in []engine.Summary) []*graph.Place {
	out := []*graph.Place{}
	for _, s := range in {
		v, ok := people.Viewer(p, s.Name)
		if !ok {
			continue // taken away between two snapshots
		}
		out = append(out, &graph.Place{
			Application: s.Name, Endpoint: endpoint(s.Name), Kind: graph.PlaceKind(v.Kind.String()),
			Role: text(v.Role), PermissionSet: text(v.PermissionSet),
			Tools: newTools(people.Tools(p, s.Name)), RulesInQuarantine: append([]string{}, s.Quarantined...),
		})
	}
	return out
}

func newCredentials(held []directory.Credential, p identity.Principal) []*graph.Credential {
	out := make([]*graph.Credential, len(held))
	for i, c := range held {
		kind := graph.CredentialKindSession
		if c.Kind == identity.PersonalToken {
			kind = graph.CredentialKindPersonalToken
		}
		out[i] = &graph.Credential{
			ID: c.ID, Kind: kind, Label: text(c.Label), Created: c.Created, Expires: c.Expires,
			Current: c.ID == p.CredentialID,
		}
	}
	return out
}
