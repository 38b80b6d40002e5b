package oracle

import (
	"slices"

	"sluice/internal/identity"
)

// hidden reports whether a filter of the record's owner hides it from the user
// (§7): from all others while that owner administers, and from all but the
// super admin once the owner does not.
// Decision: an owner who was demoted is "all but the super admin" too.
// Decision: a filter outlives the change from admin to super admin and back.
func hidden(w *World, u *User, form string, r *Record) bool {
	owner := Owner(w.Form(form), r)
	matching := slices.ContainsFunc(w.Hides, func(h *Hide) bool {
		return h.Admin == owner && h.Form == form && policyMatches(w, u, form, r, h.Where)
	})
	by := w.User(owner)
	if by != nil && by.Kind.Administers() && !by.Inactive {
		return matching && u.ID != owner
	}
	return matching && u.Kind != identity.SuperAdmin
}
