// Package directory keeps organizations, users, assignments, sessions and
// personal tokens. It is tenant data: everything but the names of organizations
// lives under a tenant.
//
// Reading goes through [People], an immutable picture of one tenant at one
// epoch; [Directory.Load] makes and caches it. Changing goes through the methods
// of [Directory]: each checks in its own transaction that the actor's credential
// stands and that the actor may, and bumps the tenant's epoch, so that the next
// operation of anybody sees the change.
//
// Secrets are kept so that they cannot be read back: passwords as argon2id
// hashes, tokens as SHA-256 of 256 random bits. Documents that hold either are
// not written to the change log.
package directory

import "sluice/storage"

// Spaces of documents that the directory owns: 1 to 15.
const (
	SpaceOrganization storage.Space = 1
	SpaceUser         storage.Space = 2
	SpaceAssignment   storage.Space = 3
	SpaceCredential   storage.Space = 4
)
