package engine

import (
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// proposal is all that is known of a record before it is read: its owner and what
// rules answered before. It evaluates reaches about it.
type proposal struct {
	owner record.ID
	owned bool // owner is known
	said  []*policy.Outcome
	rules []*definition.CustomRule // that said is of
}

// byOwner evaluates a reach where only the owner is known.
func byOwner(r policy.Reach, owner record.ID, owned bool) known {
	p := proposal{owner: owner, owned: owned}
	return p.in(r)
}

// proposals are a window's: of candidates in a row of which the same is known its
// reach is evaluated once.
type proposals struct {
	last  proposal
	found known
	begun bool
}

// proposed evaluates the window's reach about a candidate.
func (w *window) proposed(en *entry) known {
	p := &w.proposals
	if p.begun && p.last.owned == en.owned && p.last.owner == en.owner && slices.Equal(p.last.said, en.said) {
		return p.found
	}
	p.last = proposal{owner: en.owner, owned: en.owned, said: append(p.last.said[:0], en.said...), rules: w.rules}
	p.found, p.begun = p.last.in(w.reach), true
	return p.found
}

// answered reports whether every rule that is asked about a candidate has answered
// before.
func (w *window) answered(said []*policy.Outcome) bool {
	// An asker has other rules.
	return w.op.asker == nil && len(said) == len(w.rules) && !slices.Contains(said, nil)
}

func (p *proposal) in(r policy.Reach) known {
	switch r := r.(type) {
	case nil, policy.None:
		return no
	case policy.All:
		return yes
	case *policy.Owners:
		if !p.owned || r.NoRole {
			return unknown
		}
		_, ok := slices.BinarySearchFunc(r.Users, p.owner, compareIDs)
		return knownIf(ok)
	case *policy.Rule, *policy.Kept:
		return p.ruled(r)
	case policy.Union:
		return p.combine(r, yes, no)
	case policy.Intersect:
		if len(r) == 0 {
			return no
		}
		return p.combine(r, no, yes)
	case *policy.Minus:
		from, take := p.in(r.From), p.in(r.Take)
		switch {
		case from == no || take == yes:
			return no
		case from == yes && take == no:
			return yes
		}
	}
	return unknown
}

// ruled evaluates a reach that a rule decides alone.
func (p *proposal) ruled(r policy.Reach) known {
	switch r := r.(type) {
	case *policy.Rule:
		if o := p.outcome(r.Rule); o != nil {
			return knownIf(r.Grants(*o))
		}
	case *policy.Kept:
		if o := p.outcome(r.Rule); o != nil {
			return knownIf(o.Through)
		}
	}
	return unknown
}

func (p *proposal) outcome(rule *definition.CustomRule) *policy.Outcome {
	for i, o := range p.said {
		if p.rules[i] == rule {
			return o
		}
	}
	return nil
}

func knownIf(b bool) known {
	if b {
		return yes
	}
	return no
}

// combine returns one as soon as a member gives it, other when all members do.
func (p *proposal) combine(rs []policy.Reach, one, other known) known {
	out := other
	for _, r := range rs {
		switch p.in(r) {
		case one:
			return one
		case unknown:
			out = unknown
		}
	}
	return out
}
