package directory

import (
	"context"
	"regexp"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

var organizationName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,62}$`)

// CreateOrganization makes a tenant with its super admin (A1), who has a
// password. Conflict when the name is taken.
//
// The tenant is written first and its name last, in the system scope, where a
// point read guards it. Until then nobody can reach the tenant, so an
// interrupted creation leaves nothing that stands in the way of another.
func (d *Directory) CreateOrganization(ctx context.Context, name string, superAdmin NewUser) (identity.Tenant, record.ID, error) {
	fail := func(err error) (identity.Tenant, record.ID, error) { return identity.Tenant{}, record.ID{}, err }
	if !organizationName.MatchString(name) {
		return fail(fault.New(fault.Invalid, "directory.CreateOrganization", "name: expected 2 to 63 lower-case letters, digits and hyphens, beginning with a letter"))
	}
	u, err := superAdmin.clean()
	if err != nil {
		return fail(err)
	}
	if err := checkPassword(u.Password); err != nil {
		return fail(err)
	}
	if _, taken, err := d.tenantOf(name); err != nil {
		return fail(err)
	} else if taken {
		return fail(errNameTaken)
	}
	phc, err := d.hasher.hash(ctx, u.Password)
	if err != nil {
		return fail(err)
	}
	tenant, err := d.store.NewTenant(ctx)
	if err != nil {
		return fail(err)
	}
	id := record.NewID(d.options.Now())
	if err := d.found(ctx, tenant, name, id, u, phc); err != nil {
		return fail(err)
	}
	if err := d.register(ctx, name, tenant, id); err != nil {
		return fail(err)
	}
	return tenant, id, nil
}

var errNameTaken = fault.New(fault.Conflict, "directory.CreateOrganization", "name: an organization of this name exists")

// found writes what is inside the new tenant.
func (d *Directory) found(ctx context.Context, tenant identity.Tenant, name string, id record.ID, u NewUser, phc string) error {
	actor := identity.Principal{Tenant: tenant, User: id}
	return d.update(ctx, actor, "createOrganization", func(t *storage.Txn) error {
		if err := put(t, SpaceOrganization, organizationKey, organizationDoc{Name: name}); err != nil {
			return err
		}
		if err := t.PutDoc(SpaceUser, superAdminKey, []byte(id.String())); err != nil {
			return err
		}
		if err := addUser(t, id, u, identity.SuperAdmin, phc); err != nil {
			return err
		}
		return t.BumpEpoch()
	})
}

// register gives the tenant its name, from where on it exists.
func (d *Directory) register(ctx context.Context, name string, tenant identity.Tenant, actor record.ID) error {
	m := storage.Meta{Actor: actor, Operation: "createOrganization", Time: d.options.Now()}
	return d.store.System().Update(ctx, m, func(t *storage.Txn) error {
		_, taken, err := t.Doc(SpaceOrganization, name)
		if err != nil {
			return err
		}
		if taken {
			return errNameTaken
		}
		return put(t, SpaceOrganization, name, organizationDoc{Tenant: tenant.String()})
	})
}

// TenantOf returns the tenant of an organization's name; NotFound for none. It
// is for the server's own commands: no answer to a caller may depend on it.
func (d *Directory) TenantOf(name string) (identity.Tenant, error) {
	t, ok, err := d.tenantOf(name)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "directory.TenantOf", "no such organization")
	}
	return t, err
}

// tenantOf returns the tenant that an organization's name leads to.
func (d *Directory) tenantOf(name string) (identity.Tenant, bool, error) {
	if name == "" {
		return identity.Tenant{}, false, nil
	}
	s, err := d.store.System().Snapshot()
	if err != nil {
		return identity.Tenant{}, false, err
	}
	defer s.Close()
	var o organizationDoc
	ok, err := get(s, SpaceOrganization, name, &o)
	if err != nil || !ok {
		return identity.Tenant{}, false, err
	}
	t, err := parseTenant(o.Tenant)
	return t, err == nil, err
}
