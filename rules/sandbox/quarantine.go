package sandbox

import (
	"sluice/internal/identity"
	"sluice/rules"
)

// Quarantined reports whether the rule is in quarantine in this process: what it
// answered before is not to be used any more.
func (r *Runner) Quarantined(tenant identity.Tenant, h rules.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.quarantined[key{tenant, h}]
}
