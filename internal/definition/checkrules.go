package definition

import (
	"slices"
)

// reports looks at the criteria of reports.
func (c *checker) reports() {
	for at := range c.facts {
		for _, p := range c.facts[at].reports {
			e := c.exprs[p]
			if e == nil {
				continue
			}
			where := path("reports", p.Name, "criteria")
			c.contradict(p, where)
			c.writable(CriteriaWritable, where, "the criteria read: they can move records in and out", func(s *setFacts) []string {
				if !s.allows(p.Name, Edit) {
					return nil
				}
				return c.written(c.facts[at].Form, e, s)
			})
		}
	}
}

func (c *checker) contradict(owner any, where []string) {
	if e := c.exprs[owner]; e != nil && neverHolds(e) {
		c.add(CriteriaContradict, where, advise("take out one of the conditions that exclude each other"), "no record can match these criteria")
	}
}

// writable reports, for each group of fields, the sets whose holders may write
// what somebody's access hangs on (W2).
func (c *checker) writable(kind Kind, where []string, follows string, fields func(*setFacts) []string) {
	holders := map[string][]string{}
	var order []string
	own := map[string]bool{}
	for i := range c.grants {
		s := &c.grants[i]
		names := list(fields(s))
		if names == "" {
			continue
		}
		if holders[names] == nil {
			order = append(order, names)
		}
		holders[names] = append(holders[names], s.Name)
		own[names] = own[names] || !s.builtIn
	}
	for _, names := range order {
		x := c.add(kind, where, advise("make %s READ_ONLY in these sets, or read a field that only others write", names),
			"holders of %s may write %s, which %s", list(holders[names]), names, follows)
		if !own[names] {
			x.Severity, x.BuiltIn = Info, true
			x.Fix = "nothing, while nobody holds the set; else write one for them"
		}
	}
}

// sharing looks at each sharing rule.
func (c *checker) sharing() {
	for _, r := range c.app.Sharing {
		at, ok := c.index[r.Form]
		if !ok {
			continue
		}
		if e := c.exprs[r]; e != nil {
			c.contradict(r, path("sharingRules", r.Name, "criteria"))
		}
		c.sharingWritable(r, at)
		c.unopened(r, at)
		c.unfilled(r, at)
	}
	c.subsumed()
}

func (c *checker) sharingWritable(r *SharingRule, at int) {
	f := c.facts[at].Form
	c.writable(SharingWritable, path("sharingRules", r.Name), "the rule reads: they can change who is let in", func(s *setFacts) []string {
		if !s.forms[at].edit {
			return nil
		}
		if e := c.exprs[r]; e != nil {
			return c.written(f, e, s)
		}
		if x := ownField(f, r.Field); r.Field != "" && x != nil && s.Access(f.Name, x) == Writable {
			return []string{x.Name}
		}
		return nil
	})
}

// unopened reports rules that give nothing, or less than they say, because sets
// cap them (F5).
func (c *checker) unopened(r *SharingRule, at int) {
	where := path("sharingRules", r.Name)
	open := advise("write `%s` in permissionSets.NAME.reports of a set that receivers hold", c.viewOf(at))
	some, opened, level := false, false, Read
	for s := range c.ownSets {
		some = true
		opened = opened || s.opens(at)
		if s.forms[at].edit {
			level = max(level, ReadWrite)
		}
		if s.forms[at].delete {
			level = max(level, ReadWriteDelete)
		}
	}
	switch names, known := c.receiving(r); {
	case some && !opened:
		c.add(SharingUnopened, where, open, "it gives nothing: no set of this document opens a report of %s", r.Form)
	case known && !slices.ContainsFunc(names, func(name string) bool { return c.setOpens(name, at) }):
		c.add(SharingUnopened, where, open, "it gives nothing: those who receive hold %s, and none of these sets opens a report of %s", list(names), r.Form)
	case some && r.Level > level:
		c.add(SharingLevelUnused, append(where, "level"), advise("write level: %s, or give a set the right", level),
			"no set of this document allows more than %s on %s: a set caps what a rule gives", level, r.Form)
	}
}

func (c *checker) setOpens(name string, at int) bool {
	return slices.ContainsFunc(c.grants, func(s setFacts) bool { return s.Name == name && s.opens(at) })
}

// unfilled reports rules by a field that only admins and developers fill.
func (c *checker) unfilled(r *SharingRule, at int) {
	f := c.facts[at].Form
	x := ownField(f, r.Field)
	if r.Field == "" || x == nil {
		return
	}
	some := false
	for s := range c.ownSets {
		some = true
		if (s.forms[at].add || s.forms[at].edit) && s.Access(f.Name, x) == Writable {
			return
		}
	}
	if some {
		c.add(SharingFieldUnfilled, path("sharingRules", r.Name), advise("nothing, where admins assign; else let a set that adds to %s write %s", f.Name, x.Name),
			"no set of this document may write %s: only admins and developers decide whom the rule lets in", x.Name)
	}
}

// custom looks at each custom rule.
func (c *checker) custom() {
	for _, r := range c.app.Custom {
		at, ok := c.index[r.Form]
		if !ok {
			continue
		}
		where := path("customRules", r.Name)
		c.concerns(r, at, where)
		c.idleMask(r, at)
		if r.BindsAdmins {
			c.add(RestrictBindsAdmins, append(where, "bindsAdmins"), advise("nothing, where it is meant; the super admin sees all when the module fails"),
				"the rule removes records of %s from admins too", r.Form)
		}
		if c.around.Inputs != nil {
			c.module(r, at, where)
		}
	}
}

func (c *checker) concerns(r *CustomRule, at int, where []string) {
	if len(r.Sets) == 0 || len(r.Roles)+len(r.Users) > 0 || slices.ContainsFunc(r.Sets, func(name string) bool { return c.setOpens(name, at) }) {
		return
	}
	c.add(RuleConcernsNobody, append(where, "sets"), advise("name a set that opens a report of %s", r.Form),
		"it decides nothing: none of the sets %s opens a report of %s", list(r.Sets), r.Form)
}

// idleMask reports fields that a mask need not hide.
func (c *checker) idleMask(r *CustomRule, at int) {
	f := c.facts[at].Form
	for _, name := range r.Fields {
		x := ownField(f, name)
		if x == nil {
			continue
		}
		some, seen := false, false
		for s := range c.ownSets {
			if r.mayConcern(s) && s.opens(at) {
				some = true
				seen = seen || s.Access(f.Name, x) != Hidden
			}
		}
		if some && !seen {
			c.add(MaskIdle, path("customRules", r.Name, "fields", name), advise("leave it out of the rule"),
				"%s is hidden already from all whom the rule concerns", name)
		}
	}
}

// module reports what the bound module reads that its subjects write (W2), and
// rules that nothing fills.
func (c *checker) module(r *CustomRule, at int, where []string) {
	in, bound := c.around.Inputs[r.Name]
	follows := map[Effect]string{Share: "it grants nothing", Restrict: "it removes every record from those whom it concerns", Mask: "it hides all its fields"}
	if in.StandIn {
		follows[r.Effect] = "its fallback version decides"
	}
	if in.Quarantined && in.Active {
		c.add(RuleQuarantined, where, advise("activate another version, or sluice rule release -application %s -rule %q", c.app.Name, r.Name),
			"the module that fills the rule is in quarantine for its faults: %s", follows[r.Effect])
	}
	if !bound || !in.Active {
		c.add(RuleWithoutModule, where, advise("sluice rule push -application %s -rule %q -f FILE -activate", c.app.Name, r.Name),
			"no active module fills the rule: %s", follows[r.Effect])
	}
	f := c.facts[at].Form
	c.writable(RuleInputWritable, where, "the bound module reads: they can change what it decides about them", func(s *setFacts) (names []string) {
		if !r.mayConcern(s) || !s.forms[at].edit {
			return nil
		}
		for _, name := range in.Fields {
			if x := ownField(f, name); x != nil {
				names = s.writes(f, x, names)
			}
		}
		return names
	})
}
