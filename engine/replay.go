package engine

import (
	"sluice/internal/record"
)

// Outcome is what one field of a mutation was about: what its payload is read
// anew from when the mutation is sent again.
type Outcome struct {
	IDs     []record.ID `json:"ids,omitempty"`
	Created bool        `json:"created,omitempty"` // of an upsert
}

// ID returns the first id, zero where there is none.
func (o Outcome) ID() record.ID {
	if len(o.IDs) == 0 {
		return record.ID{}
	}
	return o.IDs[0]
}
