// Package directory keeps organizations, users, assignments, sessions and
// personal tokens. It is tenant data: everything but the names of organizations
// lives under a tenant.
package directory

import (
	"context"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Spaces of documents that the directory owns: 1 to 15.
const (
	SpaceOrganization storage.Space = 1
	SpaceUser         storage.Space = 2
	SpaceAssignment   storage.Space = 3
	SpaceCredential   storage.Space = 4
)

// Status of a user (A9). The zero Status has no access.
type Status uint8

// The statuses.
const (
	NoStatus Status = iota
	Pending
	Confirmed
	Active
	Inactive
)

// User is a person of an organization.
type User struct {
	ID          record.ID
	Email       string // sign-in address, lower case
	DisplayName string
	Admin       identity.Kind // SuperAdmin, Admin, or Nobody for all others
	Status      Status
}

// Assignment is a user's place in one application: a role and a permission set
// for a live user (A7), neither for a developer (A13).
type Assignment struct {
	User          record.ID
	Application   string
	Kind          identity.Kind // Live or Developer
	Role          string
	PermissionSet string
	Attributes    map[string]record.Value
}

// People is the directory of one tenant at one epoch: immutable, safe for
// concurrent use.
type People struct{}

// User, ByEmail look people up.
func (p *People) User(id record.ID) (*User, bool)          { panic("skeleton") }
func (p *People) ByEmail(address string) (*User, bool)     { panic("skeleton") }
func (p *People) Users() []*User                           { panic("skeleton") }
func (p *People) Assignments(user record.ID) []*Assignment { panic("skeleton") }

// In returns who holds which role in an application: a policy.People.
func (p *People) In(application string) *Roles { panic("skeleton") }

// Viewer returns what the principal is in the application, false when they have
// no access there: unknown, not active, or without assignment.
func (p *People) Viewer(pr identity.Principal, application string) (identity.Viewer, bool) {
	panic("skeleton")
}

// Roles is the assignment of roles in one application.
type Roles struct{}

// RoleOf returns the role of a live user, empty for all others.
func (r *Roles) RoleOf(user record.ID) string { panic("skeleton") }

// Members returns the holders of a role in ascending order; read only.
func (r *Roles) Members(role string) []record.ID { panic("skeleton") }

// Options configure a Directory; nil means all defaults.
type Options struct {
	Now func() time.Time
	// HashMemory is the memory of one password hash in KiB; default 64 MiB.
	HashMemory uint32
	// SessionLife and TokenLife bound credentials; defaults 30 days and 365.
	SessionLife, TokenLife time.Duration
}

// Directory reads and changes the directory.
type Directory struct{}

// New returns a directory over a store that the caller owns.
func New(s *storage.Store, o *Options) *Directory { panic("skeleton") }

// Load returns the people at the reader's epoch, from a cache where possible.
func (d *Directory) Load(r storage.Reader) (*People, error) { panic("skeleton") }

// Check reports in the reader's snapshot whether the principal's credential
// still stands and its user is active; kind Unauthenticated when not.
func (d *Directory) Check(r storage.Reader, p identity.Principal) error { panic("skeleton") }

// Authenticate returns the principal of a token. The token names its tenant.
// Everything that is wrong with it is one error of kind Unauthenticated.
func (d *Directory) Authenticate(ctx context.Context, token string) (identity.Principal, error) {
	panic("skeleton")
}

// SignIn checks a password and opens a session. Unknown organization, unknown
// address, wrong password and inactive user answer alike.
func (d *Directory) SignIn(ctx context.Context, organization, email, password string) (token string, err error) {
	panic("skeleton")
}

// SignOut ends the principal's session.
func (d *Directory) SignOut(ctx context.Context, p identity.Principal) error { panic("skeleton") }

// NewUser is what it takes to add a person.
type NewUser struct {
	Email, DisplayName, Password string
	Admin                        bool // admin instead of an ordinary user (A2)
}

// CreateOrganization makes a tenant with its super admin (A1).
func (d *Directory) CreateOrganization(ctx context.Context, name string, superAdmin NewUser) (identity.Tenant, record.ID, error) {
	panic("skeleton")
}

// Organization returns the name of a tenant's organization.
func (d *Directory) Organization(r storage.Reader) (string, error) { panic("skeleton") }

// AddUser, Assign, SetActive change people; each checks that the actor may
// (A2, A4 to A8) in its own transaction and bumps the epoch.
func (d *Directory) AddUser(ctx context.Context, actor identity.Principal, u NewUser) (record.ID, error) {
	panic("skeleton")
}

// Assign gives a user their place in an application; roles and sets are checked
// by valid, which the caller builds from the application's definition.
func (d *Directory) Assign(ctx context.Context, actor identity.Principal, a Assignment, valid func(Assignment) error) error {
	panic("skeleton")
}

// SetActive deactivates or reactivates a user (A9).
func (d *Directory) SetActive(ctx context.Context, actor identity.Principal, user record.ID, active bool) error {
	panic("skeleton")
}

// CreateToken makes a personal token of the actor and returns it once.
func (d *Directory) CreateToken(ctx context.Context, actor identity.Principal, label string, life time.Duration) (token, id string, err error) {
	panic("skeleton")
}

// RevokeToken ends a token of the actor.
func (d *Directory) RevokeToken(ctx context.Context, actor identity.Principal, id string) error {
	panic("skeleton")
}

// OpenSession makes a session without a password: for the demo's personas.
func (d *Directory) OpenSession(ctx context.Context, tenant identity.Tenant, user record.ID) (token string, err error) {
	panic("skeleton")
}
