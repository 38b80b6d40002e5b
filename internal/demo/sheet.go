package demo

import (
	"context"
	"fmt"

	"sluice/console"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// Sheet is demo.json: where the demo is and how to be its personas.
type Sheet struct {
	URL          string            `json:"url"`
	Playground   string            `json:"playground"`
	Management   string            `json:"management"`
	Applications map[string]string `json:"applications"`
	Personas     []Persona         `json:"personas"`
}

// Persona is one person that the demo lets everybody be.
type Persona struct {
	Name          string `json:"name"`
	Email         string `json:"email"`
	Kind          string `json:"kind"` // SUPER_ADMIN, ADMIN, DEVELOPER or LIVE
	Role          string `json:"role"`
	PermissionSet string `json:"permissionSet"`
	Status        string `json:"status"` // ACTIVE or INACTIVE
	Password      string `json:"password"`
	// Token is that of an interactive session; empty for an inactive user, and for
	// one whom somebody switched off or gave another password since.
	Token   string `json:"token"`
	Persona string `json:"persona"`
	About   string `json:"about"`
}

// SignIn writes the sheet of a running demo. Tokens of an earlier sheet are kept
// while they stand; others are opened anew.
func SignIn(ctx context.Context, d *directory.Directory, url string, earlier *Sheet) (*Sheet, error) {
	tenant, err := d.TenantOf(Organization)
	if err != nil {
		return nil, fmt.Errorf("the data directory holds no demo: %w", err)
	}
	s := &Sheet{
		URL: url, Playground: url + console.Path, Management: url + "/graphql",
		Applications: map[string]string{Application: url + "/apps/" + Application + "/graphql"},
	}
	tokens := map[string]string{}
	if earlier != nil {
		for _, p := range earlier.Personas {
			tokens[p.Email] = p.Token
		}
	}
	for _, p := range people {
		if p.persona == "" {
			continue
		}
		out := Persona{
			Name: p.name, Email: p.email, Kind: p.kind.String(), Role: p.role, PermissionSet: p.set,
			Status: "ACTIVE", Password: Password, Persona: p.persona, About: p.about,
		}
		if p.inactive {
			out.Status = "INACTIVE"
		} else if out.Token, err = tokenFor(ctx, d, tenant, p.email, tokens[p.email]); err != nil {
			return nil, fmt.Errorf("signing in %s: %w", p.email, err)
		}
		s.Personas = append(s.Personas, out)
	}
	return s, nil
}

func tokenFor(ctx context.Context, d *directory.Directory, tenant identity.Tenant, email, old string) (string, error) {
	if old != "" {
		if p, err := d.Authenticate(ctx, old); err == nil && p.Tenant == tenant {
			return old, nil
		}
	}
	token, err := d.SignIn(ctx, Organization, email, Password)
	if fault.KindOf(err) == fault.Unauthenticated || fault.KindOf(err) == fault.Limit {
		return "", nil // the demo is there to be changed; the others can be signed in
	}
	return token, err
}

// Console returns the personas as the playground's picker shows them.
func (s *Sheet) Console() []console.Persona {
	var out []console.Persona
	for _, p := range s.Personas {
		c := console.Persona{
			Name: p.Name + " (" + p.Persona + ")", Kind: p.Kind, Role: p.Role, PermissionSet: p.PermissionSet,
			Description: p.About, Token: p.Token, Application: Application,
		}
		out = append(out, c)
	}
	return out
}
