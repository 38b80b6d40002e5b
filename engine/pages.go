package engine

import (
	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// Shapes are what a definition shows to different people.
type Shapes struct {
	Full *policy.Shape // to those who may do everything
	// Of returns what the holders of a set are shown, false for one that the
	// definition does not have.
	Of func(set string) (*policy.Shape, bool)
}

// pageFindings puts what is wrong with the pages of a document into j.faults and
// returns what its author should know of them.
func (e *Engine) pageFindings(p identity.Principal, j *judgement) ([]definition.Finding, error) {
	if e.o.Pages == nil || len(j.next.Pages) == 0 {
		return nil, nil
	}
	compiled, err := policy.Compile(j.next)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "engine.Apply", err, "the definition does not compile")
	}
	faults, findings := e.o.Pages(j.next, Shapes{
		Full: compiled.Full(p.Tenant),
		Of:   func(set string) (*policy.Shape, bool) { return compiled.SetShape(p.Tenant, set) },
	})
	j.faults = append(j.faults, faults...)
	return findings, nil
}
