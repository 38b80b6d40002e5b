package definition

import (
	"slices"

	"sluice/internal/record"
)

// sets looks at what each set allows on each form.
func (c *checker) sets() {
	for i := range c.grants {
		s := &c.grants[i]
		if s.Portal {
			c.portal(s)
		}
		for f := range c.facts {
			c.required(s, f)
			if s.builtIn {
				continue // they are what they are on every form
			}
			c.omitted(s, f)
			c.personal(s, f)
			c.idle(s, f)
			c.lookups(s, f)
			c.reaching(s, f)
		}
	}
}

// portal reports sets for portal users that see everything (A12).
func (c *checker) portal(s *setFacts) {
	var all []string
	for _, p := range c.app.Reports {
		if s.allows(p.Name, ViewAll) {
			all = append(all, p.Name)
		}
	}
	f := advise("use VIEW instead of VIEW_ALL, and rules that share what portal users need")
	if s.builtIn {
		f = advise("write a portal set named %s with the rights that are meant", CustomerSet)
	}
	if len(all) > 0 {
		c.ofSet(s, PortalSeesAll, path("permissionSets", s.Name, "reports"), f, "portal users of this set see every record of %s", list(all))
	}
}

// required reports creates that cannot succeed (B10).
func (c *checker) required(s *setFacts, at int) {
	f := &c.facts[at]
	if !s.forms[at].add {
		return
	}
	for _, x := range f.Fields {
		if !x.Required || !x.Default.IsNull() || s.Access(f.Name, x) == Writable {
			continue
		}
		c.ofSet(s, RequiredUnwritable, path("permissionSets", s.Name, "forms", f.Name), c.letWrite(s, f.Form, x),
			"holders may add to %s but not write its required field %s, which has no default: every create fails", f.Name, x.Name)
	}
}

// letWrite suggests to let the set write a field.
func (c *checker) letWrite(s *setFacts, f *Form, x *Field) fix {
	if s.builtIn {
		return advise("write a set that may write %s, or give the field a default", x.Name)
	}
	var parts []fix
	if p := s.Forms[f.Name]; p.Fields[x.Name] != Writable {
		parts = append(parts, write(x.Name+": VISIBLE", "permissionSets", s.Name, "forms", f.Name, "fields"))
	}
	if x.PII && !s.ShowPII {
		parts = append(parts, write("pii: SHOW", "permissionSets", s.Name))
	}
	if x.EPHI && !s.ShowEPHI {
		parts = append(parts, write("ephi: SHOW", "permissionSets", s.Name))
	}
	out := parts[0]
	for _, p := range parts[1:] {
		out = out.and(p)
	}
	if x.Type == record.User || x.Type == record.Lookup || x.Type.Refs() || x.Unique {
		return out.or("take ACCESS away")
	}
	return out.or("give the field a default")
}

// omitted reports fields that a set shows and its reports do not (B3a).
func (c *checker) omitted(s *setFacts, at int) {
	f := &c.facts[at]
	shown, any := map[string]bool{}, ""
	for _, p := range f.reports {
		if !s.allows(p.Name, View) {
			continue
		}
		if any = p.Name; len(p.Columns) == 0 {
			return
		}
		for _, name := range p.Columns {
			shown[name] = true
		}
	}
	if any == "" {
		return
	}
	var names []string
	for _, x := range f.Fields {
		if !shown[x.Name] && s.Access(f.Name, x) != Hidden {
			names = append(names, x.Name)
		}
	}
	if len(names) > 0 {
		c.ofSet(s, ReportsOmitFields, path("permissionSets", s.Name, "forms", f.Name),
			advise("add the columns to %s, or make the fields HIDDEN in the set", any),
			"no report of %s that the set opens has the columns %s: columns hide nothing, and holders see these fields", f.Name, list(names))
	}
}

// personal reports personal data and health information that many see.
func (c *checker) personal(s *setFacts, at int) {
	f, r := &c.facts[at], &s.forms[at]
	var names []string
	for _, x := range f.Fields {
		if (x.PII || x.EPHI) && s.Access(f.Name, x) != Hidden {
			names = append(names, x.Name)
		}
	}
	if len(names) == 0 || !r.view {
		return
	}
	where := path("permissionSets", s.Name, "forms", f.Name)
	if s.Portal {
		c.ofSet(s, PersonalDataInPortal, where, advise("make them HIDDEN in the set, or leave pii and ephi out"),
			"the set is for portal users and shows them personal data or health information of %s: %s", f.Name, list(names))
	}
	if r.viewAll {
		c.ofSet(s, PersonalDataOfAll, where, advise("use VIEW instead of VIEW_ALL, or make the fields HIDDEN in the set"),
			"holders see personal data or health information of every record of %s: %s", f.Name, list(names))
	}
	if all, held := c.holders(); c.around.Directory && held[s.Name] >= 20 && 2*held[s.Name] >= all {
		c.ofSet(s, PersonalDataWidelyHeld, where, advise("give those who need not see them a set without these fields"),
			"%d of %d users hold this set, which shows %s of %s", held[s.Name], all, list(names), f.Name)
	}
}

// idle reports rights that take others which the set does not give.
func (c *checker) idle(s *setFacts, at int) {
	f, r := &c.facts[at], &s.forms[at]
	for _, p := range f.reports {
		c.withoutView(s, p)
	}
	if r.permission == nil {
		return
	}
	where := path("permissionSets", s.Name, "forms", f.Name)
	own, writable := 0, 0
	for _, x := range f.Fields {
		if s.Access(f.Name, x) != Hidden {
			own++
		}
		if s.Access(f.Name, x) == Writable {
			writable++
		}
	}
	if slices.Contains(r.permission.Actions, CreateReport) && !r.view {
		c.ofSet(s, RightWithoutView, where, c.letView(s, at).or("take CREATE_REPORT away"),
			"CREATE_REPORT gives nothing: the set opens no report of %s", f.Name)
	}
	switch {
	case (r.add || r.edit) && writable == 0:
		c.ofSet(s, RightWithoutFields, where, advise("make a field VISIBLE, or take ACCESS and EDIT on %s away", f.Name),
			"holders may add or edit records of %s and write none of its fields", f.Name)
	case own > 0 && !r.view && !r.add:
		c.ofSet(s, FormNeverShown, where, c.letView(s, at).or("leave the form out"),
			"the set opens no report of %s and adds nothing to it: what it says of the fields does nothing", f.Name)
	}
}

// letView suggests to let the set open a form.
func (c *checker) letView(s *setFacts, at int) fix {
	if _, listed := s.Reports[c.facts[at].Plural]; listed {
		return write(View.String(), "permissionSets", s.Name, "reports", c.facts[at].Plural)
	}
	return write(c.viewOf(at), "permissionSets", s.Name, "reports")
}

// viewOf is VIEW on the default report of a form, as a set writes it.
func (c *checker) viewOf(at int) string { return c.facts[at].Plural + ": [VIEW]" }

// withoutView reports actions on a report that all take VIEW there.
func (c *checker) withoutView(s *setFacts, p *Report) {
	actions := implied(s.Reports[p.Name])
	if len(actions) == 0 || slices.Contains(actions, View) {
		return
	}
	var names []string
	for _, a := range actions {
		names = append(names, a.String())
	}
	c.ofSet(s, RightWithoutView, path("permissionSets", s.Name, "reports", p.Name),
		write("VIEW", "permissionSets", s.Name, "reports", p.Name).or("take them away"),
		"%s gives nothing on a report without VIEW", list(names))
}

// lookups reports lookups to forms that the set does not open.
func (c *checker) lookups(s *setFacts, at int) {
	f, r := &c.facts[at], &s.forms[at]
	if !r.view && !r.add {
		return
	}
	for _, x := range f.Fields {
		access := s.Access(f.Name, x)
		if !x.Type.Links() || access == Hidden || x.Number == f.ParentField {
			continue // of a parent, reaching speaks
		}
		target, ok := c.app.FormNumber(x.Target)
		if !ok || s.opens(c.index[target.Name]) {
			continue
		}
		kind, follows := LookupUnreadable, "it is not in their schema"
		if r.add && x.Required && access == Writable && !s.forms[c.index[target.Name]].add {
			kind, follows = LookupUnfillable, "it is required, and no record can be named in it, so that every create fails"
		}
		c.ofSet(s, kind, path("permissionSets", s.Name, "forms", f.Name, "fields", x.Name),
			c.letView(s, c.index[target.Name]).or("make %s HIDDEN", x.Name),
			"the set shows %s, which leads to %s, and opens no report of %s: %s", x.Name, target.Name, target.Name, follows)
	}
}
