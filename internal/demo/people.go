package demo

import (
	"context"
	"fmt"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// The demo's names.
const (
	Organization = "zylker"
	Application  = "sales"
	// Password is that of every persona. The demo holds made-up data only and
	// hands out tokens to everybody who opens its playground.
	Password = "zylker demo password"
)

// person is somebody of the demo organization.
type person struct {
	name, email    string
	kind           identity.Kind
	role, set      string
	team, region   string
	inactive       bool
	persona, about string // what the playground calls them; empty for a colleague
}

// people are in the order in which they join. The first is the super admin.
var people = []person{
	{name: "Priya Raman", email: "priya@zylker.example", kind: identity.SuperAdmin, persona: "super admin", about: "Founded Zylker. Sees every record of every application."},
	{name: "Jonas Weber", email: "jonas@zylker.example", kind: identity.Admin, persona: "admin", about: "Adds people and gives out assignments; sees every record."},
	{name: "Mei Tanaka", email: "mei@zylker.example", kind: identity.Developer, persona: "developer", about: "Changes forms, rights and rule modules of the application sales."},
	{name: "Grace Okafor", email: "grace@zylker.example", kind: identity.Live, role: "CEO", set: "sales"},
	{name: "Marta Silva", email: "marta@zylker.example", kind: identity.Live, role: "sales-manager", set: "sales", team: "north", region: "EMEA", persona: "sales manager", about: "Sees what she and the reps below her own."},
	{name: "Ravi Patel", email: "ravi@zylker.example", kind: identity.Live, role: "sales-rep", set: "sales", team: "north", region: "EMEA", persona: "sales rep", about: "Views, edits and deletes what he owns; reads the customers of inside sales."},
	{name: "Lena Fischer", email: "lena@zylker.example", kind: identity.Live, role: "sales-rep", set: "sales", team: "north", region: "EMEA"},
	{name: "Tom Becker", email: "tom@zylker.example", kind: identity.Live, role: "sales-rep", set: "sales", team: "south", region: "AMER"},
	{name: "Aiko Mori", email: "aiko@zylker.example", kind: identity.Live, role: "sales-rep", set: "sales", team: "south", region: "APAC"},
	{name: "Nora Lindqvist", email: "nora@zylker.example", kind: identity.Live, role: "inside-sales", set: "sales", team: "north", region: "EMEA", persona: "inside sales", about: "Shares with her peers; a module adds her team's large open orders and hides phones outside her region."},
	{name: "Diego Ramos", email: "diego@zylker.example", kind: identity.Live, role: "inside-sales", set: "sales", team: "south", region: "AMER"},
	{name: "Chloe Dubois", email: "chloe@zylker.example", kind: identity.Live, role: "inside-sales", set: "sales", team: "north", region: "APAC"},
	{name: "Felix Braun", email: "felix@zylker.example", kind: identity.Live, role: "finance-clerk", set: "finance", persona: "finance clerk", about: "Sees every order and customer, no e-mail, phone or tax number."},
	{name: "Sofia Rossi", email: "sofia@zylker.example", kind: identity.Live, role: "finance-clerk", set: "finance"},
	{name: "Omar Haddad", email: "omar@zylker.example", kind: identity.Live, role: "distributor", set: "distributor", region: "EMEA", persona: "distributor", about: "Sees the distribution areas and nothing else."},
	{name: "Ines Costa", email: "ines@zylker.example", kind: identity.Live, role: "supplier", set: "supplier", persona: "supplier", about: "Sees the suppliers and nothing else."},
	{name: "Paul Novak", email: "paul@zylker.example", kind: identity.Live, role: "sales-rep", set: "sales", team: "north", region: "EMEA", inactive: true, persona: "inactive user", about: "Left Zylker. His records are still there, he has no access."},
}

// staff is who of the demo may do things while it is being built.
type staff struct {
	s     *seeder
	ids   map[string]record.ID // by e-mail address
	admin identity.Principal
}

func (s *seeder) hire(ctx context.Context) (*staff, error) {
	boss := people[0]
	tenant, id, err := s.directory.CreateOrganization(ctx, Organization, directory.NewUser{Email: boss.email, DisplayName: boss.name, Password: Password})
	if err != nil {
		return nil, err
	}
	st := &staff{s: s, ids: map[string]record.ID{boss.email: id}}
	if st.admin, err = s.principal(ctx, tenant, id); err != nil {
		return nil, err
	}
	for _, p := range people[1:] {
		u := directory.NewUser{Email: p.email, DisplayName: p.name, Password: Password, Admin: p.kind == identity.Admin}
		if st.ids[p.email], err = s.directory.AddUser(ctx, st.admin, u); err != nil {
			return nil, fmt.Errorf("adding %s: %w", p.email, err)
		}
	}
	return st, nil
}

// place gives everybody their role and set; it needs the application.
func (st *staff) place(ctx context.Context, e *engine.Engine) error {
	for _, p := range people {
		if p.kind.Administers() {
			continue
		}
		a := directory.Assignment{User: st.ids[p.email], Application: Application, Kind: p.kind, Role: p.role, PermissionSet: p.set}
		if p.kind == identity.Developer {
			a.Tools = identity.AllTools
		}
		if p.kind == identity.Live {
			a.Attributes = map[string]record.Value{}
			if p.team != "" {
				a.Attributes["team"] = record.String(p.team)
			}
			if p.region != "" {
				a.Attributes["region"] = record.String(p.region)
			}
		}
		valid := func(a directory.Assignment) error { return e.CheckAssignment(ctx, st.admin, a) }
		if err := st.s.directory.Assign(ctx, st.admin, a, valid); err != nil {
			return fmt.Errorf("placing %s: %w", p.email, err)
		}
	}
	return nil
}

// retire deactivates those who left.
func (st *staff) retire(ctx context.Context) error {
	for _, p := range people {
		if p.inactive {
			if err := st.s.directory.SetActive(ctx, st.admin, st.ids[p.email], false); err != nil {
				return err
			}
		}
	}
	return nil
}
