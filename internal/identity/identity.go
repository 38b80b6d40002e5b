// Package identity names who asks: the tenant, the signed-in principal and the
// viewer that a principal is in one application.
//
// What belongs here are plain values and the one context key, which carries the
// principal between the HTTP middleware and the resolver. From there down the
// principal is a parameter.
package identity

import (
	"context"
	"encoding/hex"

	"sluice/internal/record"
)

// Tenant names one organization inside storage: 8 random bytes made by
// storage. The zero Tenant names none, and storage refuses it.
type Tenant [8]byte

// IsZero reports whether the tenant names none.
func (t Tenant) IsZero() bool { return t == Tenant{} }

// String returns the tenant in hex, for logs.
func (t Tenant) String() string { return hex.EncodeToString(t[:]) }

// Kind is what a person is in an organization or an application. The zero Kind
// is nobody and has no rights.
type Kind uint8

// The kinds of people.
const (
	Nobody Kind = iota
	Live
	Portal
	Developer
	Admin
	SuperAdmin
)

var kindNames = [...]string{"NOBODY", "LIVE", "PORTAL", "DEVELOPER", "ADMIN", "SUPER_ADMIN"}

// String returns the name that the API uses.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Nobody]
}

// Administers reports whether the kind is admin or super admin.
func (k Kind) Administers() bool { return k == Admin || k == SuperAdmin }

// Credential says how the principal proved who they are. The zero Credential
// proves nothing.
type Credential uint8

// The credentials.
const (
	NoCredential  Credential = iota
	Session                  // interactive sign-in
	PersonalToken            // API access: subject to the permission set's switch (B1)
)

// Principal is a signed-in person of one tenant with the credential used. It is
// what authentication returns; it carries no rights.
type Principal struct {
	Tenant     Tenant
	User       record.ID
	Credential Credential
	// CredentialID names the session or token, so that each operation can check
	// in its own snapshot that it still stands.
	CredentialID string
}

// Viewer is a principal in one application: everything that the access engine
// needs to know about who asks. The zero Viewer may see nothing.
type Viewer struct {
	Tenant        Tenant
	User          record.ID
	DisplayName   string
	Kind          Kind
	Application   string
	Role          string // of a live user, else empty
	PermissionSet string // of a live or portal user, else empty
	Credential    Credential
	// Attributes are the values of the definition's viewer attributes by name;
	// one that is absent is null. Read only.
	Attributes map[string]record.Value
}

type contextKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the principal that WithPrincipal put there. One without
// tenant, user or credential is nobody: the zero Principal and false.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	if !ok || p.Tenant.IsZero() || p.User.IsZero() || p.Credential == NoCredential {
		return Principal{}, false
	}
	return p, true
}
