package engine

import (
	"cmp"
	"encoding/binary"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/record"
	"sluice/rules"
)

// RuleCost is what a module that is proposed for a custom rule does on the records
// that the asker sees: what goes wrong, and what it costs. A decision is a record and
// the people for whom the module is asked alike.
type RuleCost struct {
	Rule, Module string
	Decisions    int64
	Faults       []FaultCount // by kind, none of zero
	// Impure are decisions that were otherwise when the record was asked about alone.
	Impure int64
	// Outside are decisions that the module alone would share and its plan leaves out,
	// and OutsideRecords some of their records, of the form with number Form.
	Outside        int64
	OutsideRecords []record.ID `json:",omitempty"`
	Form           uint32      `json:",omitempty"`
	// Measured is how many decisions were asked alone, of which P50, P99 and Max are
	// the fuel: all at first, then fewer and fewer.
	Measured      int64
	P50, P99, Max int64
}

// FaultCount is how many decisions went wrong in one way.
type FaultCount struct {
	Kind  rules.FaultKind
	Count int64
}

const (
	// measuredEach is after how many decisions asked alone half as many of the rest
	// are, so that no difference takes longer by more than a few times this.
	measuredEach = 4096
	// fuelMarks is how many marks a doubling of fuel has: a percentile is exact to a
	// sixteenth.
	fuelMarks = 16
)

// costing counts for the rules whose modules are proposed.
type costing struct {
	rules map[string]*costed
}

// costed is one rule on its way.
type costed struct {
	RuleCost
	faults map[rules.FaultKind]int64
	marks  map[int]int64
	skip   uint // one decision in 1<<skip is asked alone
}

func newCosting(modules map[string]string) *costing {
	c := &costing{rules: map[string]*costed{}}
	for rule, module := range modules {
		if module != "" {
			c.rules[rule] = &costed{RuleCost: RuleCost{Rule: rule, Module: module}, faults: map[rules.FaultKind]int64{}, marks: map[int]int64{}}
		}
	}
	return c
}

// measure counts what the proposed modules said of records that the asker sees, and
// asks them about some of those alone.
func (c *comparison) measure(f *form, seen []record.Record) {
	if c.costs == nil || f == nil {
		return
	}
	for _, x := range c.after.crowd.Asks(f.def.Number) {
		cost, b := c.costs.rules[x.Rule.Name], c.after.app.asked(x.Rule)
		if cost == nil || b == nil {
			continue
		}
		for _, a := range distinct(x.Asking) {
			for _, rec := range seen {
				c.measureOne(cost, b, a, rec)
			}
			c.measurePlan(cost, b, a, f, seen)
		}
	}
}

// distinct leaves one of those who are asked for alike.
func distinct(list []*policy.Asking) []*policy.Asking {
	met := map[uint32]bool{}
	out := make([]*policy.Asking, 0, len(list))
	for _, a := range list {
		if !met[a.Key] {
			met[a.Key] = true
			out = append(out, a)
		}
	}
	return out
}

func (c *comparison) measureOne(cost *costed, b *binding, a *policy.Asking, rec record.Record) {
	v, ok := c.verdicts[asked{a.Key, rec.ID()}]
	if !ok || c.op.failed() != nil {
		return
	}
	cost.Decisions++
	if v.Fault != rules.NoFault {
		cost.faults[v.Fault]++
	}
	if !cost.chosen(asked{a.Key, rec.ID()}) {
		return
	}
	out := make([]rules.Verdict, 1)
	fuel := rules.Fuel{Left: rules.QueryFuel}
	ready, err := c.op.decide(b, a.View.Viewer().Attributes, []record.Record{rec}, &fuel, out)
	if err != nil || !ready {
		c.op.fail(err)
		return
	}
	if out[0] != v && out[0].Fault != rules.FaultQuarantine && v.Fault != rules.FaultQuarantine {
		cost.Impure++
	}
	cost.spent(rules.QueryFuel - fuel.Left)
}

// chosen reports whether a decision is one of those asked alone: the same ones each
// time, spread by the end of the id, which is random.
func (c *costed) chosen(a asked) bool {
	id := a.id
	return (binary.BigEndian.Uint64(id[8:])^uint64(a.question))*0x9e3779b97f4a7c15>>(64-c.skip) == 0
}

// spent puts the fuel of one decision into the histogram.
func (c *costed) spent(fuel int64) {
	fuel = max(fuel, 0)
	c.Max = max(c.Max, fuel)
	c.marks[markOf(fuel)]++
	if c.Measured++; c.Measured%measuredEach == 0 {
		c.skip = min(c.skip+1, 40)
	}
}

// markOf numbers fuel so that a mark is at most a sixteenth wide; small amounts have
// one each.
func markOf(fuel int64) int {
	shift := 0
	for fuel >= 2*fuelMarks {
		fuel >>= 1
		shift++
	}
	return shift*2*fuelMarks + int(fuel)
}

// fuelAt is the most fuel that a mark stands for.
func fuelAt(mark int) int64 {
	shift := mark / (2 * fuelMarks)
	return (int64(mark%(2*fuelMarks))+1)<<shift - 1
}

// percentile is the fuel that a share of the measured decisions does not exceed.
func (c *costed) percentile(share float64) int64 {
	marks := make([]int, 0, len(c.marks))
	for m := range c.marks {
		marks = append(marks, m)
	}
	slices.Sort(marks)
	left := int64(share * float64(c.Measured))
	for _, m := range marks {
		if left -= c.marks[m]; left < 0 {
			return min(fuelAt(m), c.Max)
		}
	}
	return c.Max
}

// told are the costs in the order of the names of rules.
func (c *costing) told() []RuleCost {
	if c == nil {
		return nil
	}
	var out []RuleCost
	for _, r := range c.rules {
		r.P50, r.P99 = r.percentile(0.5), r.percentile(0.99)
		for kind := rules.FaultTrap; kind < rules.FaultKinds; kind++ {
			if n := r.faults[kind]; n > 0 {
				r.Faults = append(r.Faults, FaultCount{kind, n})
			}
		}
		out = append(out, r.RuleCost)
	}
	slices.SortFunc(out, func(a, b RuleCost) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}
