package engine

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/rules"
)

const (
	// MaxRuleMeters is how many rules are counted apart in one process, and
	// MaxTenantMeters how many of one organization, so that none takes the others'
	// places. Who is counted apart stays so until the process ends.
	MaxRuleMeters   = 500
	MaxTenantMeters = 100
	// maxFolded bounds how many rules are told apart among those that are not counted
	// apart.
	maxFolded = 4096
)

// RuleCounts are what custom rules did in this process, in operations of every
// kind: those of people, and subscriptions, comparisons and permission tests.
type RuleCounts struct {
	// Questions are calls of a runner, Records those that they were about, and Refused
	// the calls that ended their query: its fuel or time was spent.
	Questions, Records, Refused int64
	// Granted are records that a SHARE shared, a RESTRICT let through, or of which a
	// MASK hid nothing.
	Granted int64
	Faults  [rules.FaultKinds]int64 // records by kind; that of NoFault is 0
	// Kept counts how often an answer that was kept was used instead of a question. What
	// subscriptions and trials used is counted with their next question.
	Kept int64
	Fuel int64
	// Waited is the time that questions waited for their turn and for fuel of the
	// organization, Ran the rest of it, loading the module included.
	Waited, Ran time.Duration
}

// RuleMeter is what one custom rule did.
type RuleMeter struct {
	Tenant            identity.Tenant
	Application, Rule string
	RuleCounts
}

// RuleMeters are what all custom rules did: for whoever runs the server, not for
// tenants.
type RuleMeters struct {
	Rules []RuleMeter // by tenant, application and rule
	// Others is the sum over the rules that are not counted apart, and Folded how many
	// those are, at most 4,096.
	Others RuleCounts
	Folded int
	// KeptBytes is about how much memory kept answers take.
	KeptBytes int64
}

// ruleMeters are the counts. The zero value is ready.
type ruleMeters struct {
	mu      sync.Mutex
	rules   map[ruleKey]*RuleCounts
	tenants map[identity.Tenant]int // rules counted apart
	others  RuleCounts
	folded  map[ruleKey]struct{}
}

// RuleMeters returns what custom rules did since the process began.
func (e *Engine) RuleMeters() RuleMeters {
	out := RuleMeters{KeptBytes: e.decided.Size()}
	m := &e.meters
	m.mu.Lock()
	for k, c := range m.rules {
		out.Rules = append(out.Rules, RuleMeter{k.tenant, k.application, k.rule, *c})
	}
	out.Others, out.Folded = m.others, len(m.folded)
	m.mu.Unlock()
	slices.SortFunc(out.Rules, func(a, b RuleMeter) int {
		return cmp.Or(slices.Compare(a.Tenant[:], b.Tenant[:]), strings.Compare(a.Application, b.Application), strings.Compare(a.Rule, b.Rule))
	})
	return out
}

// count adds to what a rule did.
func (m *ruleMeters) count(k ruleKey, c *RuleCounts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(k).add(c)
}

// at returns the counts that a rule's go to; mu is held.
func (m *ruleMeters) at(k ruleKey) *RuleCounts {
	if c := m.rules[k]; c != nil {
		return c
	}
	if m.rules == nil {
		m.rules, m.tenants, m.folded = map[ruleKey]*RuleCounts{}, map[identity.Tenant]int{}, map[ruleKey]struct{}{}
	}
	if len(m.rules) >= MaxRuleMeters || m.tenants[k.tenant] >= MaxTenantMeters {
		if len(m.folded) < maxFolded {
			m.folded[k] = struct{}{}
		}
		return &m.others
	}
	c := &RuleCounts{}
	m.rules[k] = c
	m.tenants[k.tenant]++
	return c
}

func (c *RuleCounts) add(d *RuleCounts) {
	c.Questions += d.Questions
	c.Records += d.Records
	c.Refused += d.Refused
	c.Granted += d.Granted
	for kind, n := range d.Faults {
		c.Faults[kind] += n
	}
	c.Kept += d.Kept
	c.Fuel += d.Fuel
	c.Waited += d.Waited
	c.Ran += d.Ran
}

// metered is a question under way.
type metered struct {
	op      *Op
	began   time.Time
	left    int64
	waiting int64 // nanoseconds
}

func (op *Op) meter() metered {
	return metered{op, op.e.o.Now(), op.fuel.Left, op.fuel.Waited}
}

// end counts the question about n records; err is what ended the query, nil for none.
func (m metered) end(rule *definition.CustomRule, b *binding, n int, verdicts []rules.Verdict, err error) {
	op := m.op
	waited := time.Duration(op.fuel.Waited - m.waiting)
	c := RuleCounts{
		Questions: 1, Records: int64(n), Fuel: m.left - op.fuel.Left,
		Waited: waited, Ran: max(op.e.o.Now().Sub(m.began)-waited, 0),
	}
	if err != nil {
		c.Refused = 1
	} else {
		c.answered(rule, b, verdicts)
	}
	op.e.meters.count(op.meterKey(rule), &c)
	if op.snapshot == nil {
		op.countKept()
	}
}

func (c *RuleCounts) answered(rule *definition.CustomRule, b *binding, verdicts []rules.Verdict) {
	all := uint64(0)
	if b != nil {
		all = 1<<len(b.mask) - 1
	}
	for i := range verdicts {
		switch v := &verdicts[i]; {
		case v.Fault != rules.NoFault:
			c.Faults[v.Fault]++
		case rule.Effect == definition.Mask && v.Visible&all == all, rule.Effect != definition.Mask && v.Grant > 0:
			c.Granted++
		}
	}
}

func (op *Op) meterKey(rule *definition.CustomRule) ruleKey {
	return ruleKey{op.r.Tenant(), op.app.def.Name, rule.Name}
}

// countKept counts the uses of kept answers: as an operation that is closed ends,
// and with each question of one that is not.
func (op *Op) countKept() {
	for rule, a := range op.decisions {
		if a.used > 0 {
			op.e.meters.count(op.meterKey(rule), &RuleCounts{Kept: int64(a.used)})
			a.used = 0
		}
	}
}
