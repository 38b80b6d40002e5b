package rules

import (
	"context"

	"sluice/internal/identity"
)

// Fuel is the budget of one query over all its batches. Not for concurrent use.
type Fuel struct {
	Left int64
	// Waited is for how many nanoseconds the query's questions waited for their turn: a
	// runner adds to it, and no answer depends on it.
	Waited int64
}

// QueryFuel is the budget that a query starts with.
const QueryFuel = 500_000_000

// Runner runs rules. Implementations are safe for concurrent use.
type Runner interface {
	// Load makes a checked module ready under its hash. Loading twice is fine.
	Load(ctx context.Context, tenant identity.Tenant, module []byte) (Hash, error)
	// Loaded reports whether Decide can run the rule without Load.
	Loaded(tenant identity.Tenant, h Hash) bool
	// Decide fills out[i] for b.Rows[i]; len(out) = len(b.Rows). What goes wrong
	// with a record is a Fault in its verdict and never an error. An error means
	// that the query must fail: fuel spent (kind Limit) or ctx ended. out is
	// then all zero. Of a batch that decides nothing, see Batch.Beside, Limit with
	// fuel left means that the tenant has none to spare.
	Decide(ctx context.Context, b *Batch, fuel *Fuel, out []Verdict) error
}
