package engine

import (
	"context"
	"math/bits"

	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

// fuelSteps are the classes that fuel per record is counted in: eight for each power
// of two.
const fuelSteps = 8 * 40

// ruleStats counts what one rule did in this process.
type ruleStats struct {
	asked, fuel int64
	faults      [rules.FaultKinds]int64
	perRecord   [fuelSteps]int64 // records by the mean fuel of their question
}

func (s *ruleStats) add(a ruleAnswers) {
	n := int64(len(a.verdicts))
	s.asked += n
	s.fuel += a.fuel
	if n > 0 {
		s.perRecord[fuelStep(a.fuel/n)] += n
	}
	for i := range a.verdicts {
		s.faults[a.verdicts[i].Fault]++
	}
}

// fuelStep returns the class of an amount of fuel; stepFuel is the most that falls
// into it.
func fuelStep(fuel int64) int {
	f := uint64(max(fuel, 0))
	if f < 8 {
		return int(f)
	}
	e := bits.Len64(f) - 4 // the three bits behind the first one count
	return min(8+e*8+int(f>>e)&7, fuelSteps-1)
}

func stepFuel(step int) int64 {
	if step < 8 {
		return int64(step)
	}
	e := (step - 8) / 8
	return int64(8+(step-8)%8+1)<<e - 1
}

// percentile returns the fuel that so many percent of the records did not exceed, to
// an eighth.
func (s *ruleStats) percentile(percent int64) int64 {
	seen := int64(0)
	for i, n := range s.perRecord {
		if seen += n; n > 0 && seen*100 >= s.asked*percent {
			return stepFuel(i)
		}
	}
	return 0
}

// RuleStats are what one custom rule did in this process since it started: for admins
// and developers of the application only (H4).
type RuleStats struct {
	Rule string
	// Asked is how many records it was asked about, a cached answer not counted.
	Asked int64
	// Faults are how many of them went wrong, by kind; kinds without any are left out.
	Faults []FaultCount
	// Fuel is what it spent; P50 and P99 are percentiles of it per record, each up to an
	// eighth too high. Records of one question share its fuel equally.
	Fuel, P50, P99 int64
}

// RuleStats returns what the custom rules of the active definition did, in its order.
// Operations of people who read or write are counted; no look through another's eyes,
// trial, comparison or subscription.
func (e *Engine) RuleStats(_ context.Context, p identity.Principal, application string) ([]RuleStats, error) {
	var out []RuleStats
	err := e.manage(p, func(r storage.Reader, people *directory.People) error {
		def, err := e.definable(r, people, p, application)
		if err != nil {
			return err
		}
		e.watches.mu.Lock()
		defer e.watches.mu.Unlock()
		for _, rule := range def.Custom {
			s := RuleStats{Rule: rule.Name}
			if x := e.watches.rules[ruleKey{p.Tenant, application, rule.Name}]; x != nil {
				s.count(&x.stats)
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func (s *RuleStats) count(c *ruleStats) {
	s.Asked, s.Fuel, s.P50, s.P99 = c.asked, c.fuel, c.percentile(50), c.percentile(99)
	for kind, n := range c.faults {
		if k := rules.FaultKind(kind); n > 0 && k != rules.NoFault {
			s.Faults = append(s.Faults, FaultCount{Kind: k, Count: n})
		}
	}
}
